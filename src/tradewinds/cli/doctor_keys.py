"""Checks of the vault, its keys and the venues they are for: clock, rights, filters, fees."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tradewinds.cli import keys_prompt, keys_venue
from tradewinds.cli.checkup import Check, failed, fine, note, warning
from tradewinds.cli.exits import CliError
from tradewinds.cli.keys_venue import Survey
from tradewinds.cli.words import percent, plain
from tradewinds.gateways.key_client import ClockReading, KeyAccess
from tradewinds.gateways.permissions import Unverified, advice, refusal
from tradewinds.model.instrument import Instrument
from tradewinds.vault import file, unlocked, witness
from tradewinds.vault.errors import KeyRefused, VaultRefused
from tradewinds.vault.keys import ApiKey, Environment
from tradewinds.vault.passphrase import FILE_VARIABLE, no_core_dumps, passphrase_from_file
from tradewinds.vault.secret import Secret

if TYPE_CHECKING:
    from tradewinds.config import Settings

OFFSET_EASY_MS: Final = 500.0
OFFSET_MOST_MS: Final = 1_000.0
"""Binance refuses what comes from more than a second in its future."""
SHOWN: Final = 3
PUBLIC: Final = {"binance": "binance-spot", "coinbase": "coinbase"}
FEES_FIX: Final = (
    "see your own fees in the venue's app: where they are higher, what was earned in tests is less"
)
CLOCK_FIX: Final = "`timedatectl set-ntp true`: the venue refuses orders signed at a wrong time"


def check_keys(
    settings: "Settings", home: Path, *, reached: str, offline: bool, unlock: bool
) -> Iterator[Check]:
    """The file, then what is in it, then what the venues say. Without keys: the venue in reach."""
    place = file.place_of(home)
    try:
        found = file.read(place)
    except VaultRefused as error:
        yield failed("keys", str(error), "paper trading needs no keys and goes on without")
        return
    if found is None:
        yield note("keys", "none; paper trading needs none", "`trading-cli keys add VENUE:LABEL`")
        if not offline and reached in PUBLIC:
            yield from public_checks(settings, PUBLIC[reached])
        return
    yield check_folder(place)
    yield check_listed(place, found)
    try:
        keys = unlocked_keys(place, unlock=unlock)
    except (VaultRefused, KeyRefused, CliError) as error:
        yield failed("vault", str(error), f"give the right passphrase, or correct {FILE_VARIABLE}")
        return
    yield from key_checks(settings, keys, offline=offline)


def check_folder(place: file.Place) -> Check:
    """The file's own mode was checked when it was read: others cannot."""
    mode = stat.S_IMODE(place.file.parent.stat().st_mode)
    if mode & file.OTHERS:
        found = f"others may look into {place.file.parent} (mode {mode:04o})"
        return warning("vault", found, f"chmod 700 {place.file.parent}")
    return fine("vault", f"{place.file}, readable by you alone")


def check_listed(place: file.Place, found: file.VaultFile) -> Check:
    """Names, and whether this is the newest version."""
    doubt = witness.doubt(place, found)
    if doubt is not None:
        return failed("keys", doubt, "find out who put it there before you accept it")
    names = ", ".join(f"{row.name} ({row.environment})" for row in found.keys) or "none"
    return fine("keys", names)


def unlocked_keys(place: file.Place, *, unlock: bool) -> tuple[ApiKey, ...] | None:
    """None while locked: asked for on a terminal only with --unlock."""
    passphrase: Secret | None = passphrase_from_file(os.environ)
    if passphrase is None and unlock:
        passphrase = keys_prompt.known_passphrase()
    if passphrase is None:
        return None
    no_core_dumps()
    vault = unlocked.unlock(place, passphrase)
    return tuple(vault.get(name) for name in vault.names)


def key_checks(
    settings: "Settings", keys: tuple[ApiKey, ...] | None, *, offline: bool
) -> Iterator[Check]:
    """Each key by what is stored, then by what its venue says now."""
    if keys is None:
        yield note(
            "key rights",
            "not looked at: the vault is locked",
            f"`doctor --unlock` asks for the passphrase, or set {FILE_VARIABLE}",
        )
        return
    for key in keys:
        yield stored_check(key)
        if offline:
            yield note(f"{key.name} venue", "not asked: --offline")
            continue
        symbols = symbols_of(settings, key.name.venue)
        yield from venue_checks(
            str(key.name), keys_venue.survey(keys_venue.access_of(key), symbols)
        )


def stored_check(key: ApiKey) -> Check:
    """Whether it would be taken for what it is for."""
    name = f"{key.name} stored"
    obstacle = key.obstacle(live=key.environment is Environment.PRODUCTION)
    if obstacle is not None:
        return warning(name, f"{key.key.masked}, {obstacle}", f"`trading-cli keys test {key.name}`")
    return fine(name, f"{key.key.masked}, {key.environment}, rights {key.standing}")


def public_checks(settings: "Settings", venue: str) -> Iterator[Check]:
    """What a venue tells anyone."""
    access = KeyAccess(venue=venue)
    yield from venue_checks(venue, keys_venue.survey(access, symbols_of(settings, venue)))


def symbols_of(settings: "Settings", venue: str) -> tuple[str, ...]:
    """The configured ones in this venue's spelling."""
    symbols = settings.feed.symbols
    if venue != "binance-usdm":
        return tuple(symbol for symbol in symbols if ":" not in symbol)
    settled = (s if ":" in s else f"{s}:{s.partition('/')[2]}" for s in symbols)
    return tuple(dict.fromkeys(settled))


def venue_checks(name: str, told: Survey) -> Iterator[Check]:
    """Clock, rights, filters, fees. Out of reach is a warning for a key: it may be so for long."""
    if told.clock is not None:
        yield clock_check(name, told.clock)
    if told.rights is not None:
        yield rights_check(name, told)
    if told.trouble:
        yield warning(
            f"{name} venue",
            f"not checked: {told.trouble}",
            "check the network; try again before live trading",
        )
    if told.instruments:
        yield fine(f"{name} filters", "; ".join(filters(each) for each in told.instruments[:SHOWN]))
        yield fees_check(name, told)


def clock_check(name: str, clock: ClockReading) -> Check:
    """Half the round trip is how well it can be known."""
    name = f"{name} clock"
    found = (
        f"{clock.offset_ms:+.0f} ms from ours (+-{clock.round_trip_ms / 2:.0f}), "
        f"round trip {clock.round_trip_ms:.0f} ms"
    )
    off_ms = abs(clock.offset_ms) - clock.round_trip_ms / 2
    if off_ms > OFFSET_MOST_MS:
        return failed(name, found, CLOCK_FIX)
    return warning(name, found, CLOCK_FIX) if off_ms > OFFSET_EASY_MS else fine(name, found)


def rights_check(name: str, told: Survey) -> Check:
    """A key that can move money out is a fault, and so is one nobody could verify now."""
    rights, name = told.rights, f"{name} rights"
    assert rights is not None
    if isinstance(rights, Unverified):
        fix = "not verified is not ok: live trading refuses this key until it is"
        return failed(name, rights.reason, fix)
    reason = refusal(rights)
    if reason is not None:
        return failed(name, reason, f"change it at {rights.page}, then `trading-cli keys test`")
    told_more = advice(rights)
    if told_more:
        return warning(name, "trades, cannot move money out", "; ".join(told_more))
    return fine(name, "trades, cannot move money out, limited to your IP addresses")


def filters(instrument: Instrument) -> str:
    """`BTC/USDT: price in 0.01, size in 0.00001, at least 5 USDT`."""
    least = plain(instrument.min_notional)
    return (
        f"{instrument.symbol}: price in {plain(instrument.tick_size)}, "
        f"size in {plain(instrument.lot_size)}, at least {least} {instrument.quote}"
    )


def fees_check(name: str, told: Survey) -> Check:
    """The account's own where a key could ask. What the venue lists says little of what it takes
    from this account: of a key it is no pass."""
    first = told.instruments[0]
    maker, taker = told.fees or (float(first.maker_fee), float(first.taker_fee))
    found = f"{first.symbol}: maker {percent(maker, 3)}, taker {percent(taker, 3)}"
    if told.fees:
        return fine(f"{name} fees", f"{found} (your account's)")
    found = f"{found} (the entry tier's list prices; not your own)"
    if name in PUBLIC.values():
        return note(f"{name} fees", found)
    return warning(f"{name} fees", found, FEES_FIX)
