"""Which keys of the vault a run takes, and whether each is fit for it by what is stored of it."""

from collections.abc import Mapping
from typing import Final

from tradewinds.options import DEMO, LIVE, TESTNET, RunOptions
from tradewinds.vault.errors import KeyRefused, VaultRefused
from tradewinds.vault.file import place_of
from tradewinds.vault.keys import ApiKey, Environment, KeyVenue, parse_name
from tradewinds.vault.passphrase import no_core_dumps
from tradewinds.vault.secret import Secret
from tradewinds.vault.unlocked import Unlocked, unlock

MODES_OF: Final[Mapping[str, Environment]] = {
    TESTNET: Environment.TESTNET,
    DEMO: Environment.DEMO,
    LIVE: Environment.PRODUCTION,
}
Keys = tuple[ApiKey, ApiKey | None]
"""The key, and the one for perpetuals beside spot: the same, another, or None."""


def keys_for(options: RunOptions, secret: Secret | None) -> Keys:
    """Fit for this mode by what is stored of them. Raises KeyRefused or VaultRefused."""
    wanted = require_products(options)
    vault = _opened(options, secret)
    found = [_fit(vault, name, options.mode) for name in wanted]
    return found[0], found[-1] if options.perpetuals else None


def require_products(options: RunOptions) -> tuple[str, ...]:
    """The keys by name, each for a product that it may be for. Raises KeyRefused."""
    first = parse_name(options.key)
    if not options.perpetuals:
        return (str(first),)
    if first.venue is not KeyVenue.BINANCE_SPOT:
        raise KeyRefused(
            f"{first} is not for Binance spot: perpetuals beside spot need its key first, as in "
            f"--{options.mode} binance-spot:{first.label} --perpetuals"
        )
    if not options.perpetual_key:
        if options.mode == TESTNET:
            raise KeyRefused(
                "on the testnet perpetuals have a key of their own: add it with `trading-cli keys "
                "add binance-usdm:LABEL --testnet` and name it with --perpetual-key"
            )
        return (str(first),)
    other = parse_name(options.perpetual_key)
    if other.venue is not KeyVenue.BINANCE_USDM:
        raise KeyRefused(f"--perpetual-key takes a binance-usdm key, and {other} is none")
    return (str(first), str(other))


def key_for(options: RunOptions, secret: Secret | None) -> ApiKey:
    """The one key of one product."""
    return keys_for(options, secret)[0]


def _opened(options: RunOptions, secret: Secret | None) -> Unlocked:
    if secret is None:
        raise VaultRefused(
            "the vault is locked: start with `trading-cli run`, which asks for the passphrase, or "
            "set TRADEWINDS_PASSPHRASE_FILE"
        )
    no_core_dumps()
    return unlock(place_of(options.home), secret)


def _fit(vault: Unlocked, name: str, mode: str) -> ApiKey:
    key = vault.get(name)
    wanted = MODES_OF[mode]
    if key.environment is not wanted:
        raise KeyRefused(
            f"{name} is a {key.environment} key and --{mode} needs a {wanted} key: "
            f"`trading-cli keys list` shows which there are"
        )
    obstacle = key.obstacle(live=mode == LIVE)
    if obstacle is not None:
        raise KeyRefused(obstacle)
    return key


def seats_of(key: ApiKey, perpetual: ApiKey | None) -> tuple[tuple[str, ApiKey], ...]:
    """Each key under the name of its check-up: what is well for spot need not be for perpetuals."""
    first = (str(key.name), key)
    if perpetual is None:
        return (first,)
    same = perpetual.name == key.name
    name = f"{key.name} as {KeyVenue.BINANCE_USDM}" if same else str(perpetual.name)
    return (first, (name, perpetual))


def words_of(key: ApiKey, perpetual: ApiKey | None) -> str:
    """`binance-spot:main --perpetuals`: what follows `--live`."""
    if perpetual is None:
        return str(key.name)
    if perpetual.name == key.name:
        return f"{key.name} --perpetuals"
    return f"{key.name} --perpetual-key {perpetual.name}"
