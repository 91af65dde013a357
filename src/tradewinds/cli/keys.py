"""`keys add|list|test|remove|passphrase|accept`: the vault of API keys."""

import time
from pathlib import Path
from typing import Annotated

from msgspec import Struct, structs

from tradewinds.cli import keys_prompt
from tradewinds.cli.exits import CliError, Exit
from tradewinds.cli.option import NoArguments, Option
from tradewinds.cli.outcome import Frame, Outcome
from tradewinds.cli.screen import Screen, Table
from tradewinds.cli.words import moment
from tradewinds.gateways.permissions import Permissions, Unverified, advice, refusal
from tradewinds.vault import file, unlocked, witness
from tradewinds.vault.errors import KeyRefused, VaultRefused
from tradewinds.vault.keys import ApiKey, Environment, Standing, parse_name
from tradewinds.vault.passphrase import FILE_VARIABLE, no_core_dumps

NAME_HELP = "VENUE:LABEL, as in binance-spot:main, binance-usdm:main or coinbase:main."
LOCKED = "-"


class AddArguments(Struct, frozen=True, kw_only=True):
    """Which key. The key itself is typed or piped."""

    name: Annotated[str, Option(help=NAME_HELP, positional=True)]
    testnet: Annotated[bool, Option(help="A key of the venue's testnet.")] = False
    demo: Annotated[bool, Option(help="A key of the venue's demo trading.")] = False
    offline: Annotated[bool, Option(help="Store it unchecked; it cannot trade live then.")] = False


class NameArguments(Struct, frozen=True, kw_only=True):
    """Which key."""

    name: Annotated[str, Option(help=NAME_HELP, positional=True)]


class RemoveArguments(Struct, frozen=True, kw_only=True):
    """Which key."""

    name: Annotated[str, Option(help=NAME_HELP, positional=True)]
    yes: Annotated[bool, Option(help="Do not ask, even on a terminal.")] = False


class KeyRow(Struct, frozen=True, kw_only=True):
    """A key as it may be shown: `key` is `****` and its last four characters, '-' while locked."""

    name: str
    environment: str
    key: str = LOCKED
    standing: str = LOCKED
    checked_ns: int = 0
    added_ns: int = 0


class KeysAnswer(Struct, frozen=True, kw_only=True):
    """What is in the vault. `doubt` says why it may not be the newest version, '' when it is."""

    path: str
    locked: bool
    keys: tuple[KeyRow, ...]
    doubt: str = ""


class RightsAnswer(Struct, frozen=True, kw_only=True):
    """A key, and what the venue said about it; `rights` is null when it said nothing."""

    key: KeyRow
    rights: Permissions | None = None
    reason: str = ""
    advice: tuple[str, ...] = ()


def keys_add(arguments: AddArguments, frame: Frame) -> Outcome:
    """Put an API key into the vault: typed without an echo, or piped; never an argument."""
    from tradewinds.vault.credentials import check_environment

    name = parse_name(arguments.name)
    environment = environment_of(arguments)
    check_environment(name.venue, environment)
    vault = opened_or_new(frame.home)
    if str(name) in vault.names:
        raise KeyRefused(f"{name} is in the vault already: `keys remove {name}` comes first")
    typed = keys_prompt.typed_credentials(name.venue)
    key = ApiKey(
        name=name,
        environment=environment,
        key=typed.key,
        secret=typed.secret,
        added_ns=time.time_ns(),
    )
    key, answer = checked(key, offline=arguments.offline)
    vault.put(key)
    return Outcome(data=answer, show=lambda screen: show_added(screen, answer))


def keys_list(arguments: NoArguments, frame: Frame) -> Outcome:
    """Show what is in the vault; with its passphrase also the last four characters and rights."""
    place = file.place_of(frame.home)
    found = file.read(place)
    if found is None:
        answer = KeysAnswer(path=str(place.file), locked=False, keys=())
        return Outcome(data=answer, show=lambda screen: screen.line("No keys; paper needs none."))
    passphrase = keys_prompt.passphrase_or_none()
    if passphrase is None:
        rows = tuple(KeyRow(name=row.name, environment=row.environment) for row in found.keys)
        doubt = witness.doubt(place, found) or ""
        answer = KeysAnswer(path=str(place.file), locked=True, keys=rows, doubt=doubt)
    else:
        no_core_dumps()
        vault = unlocked.unlock(place, passphrase)
        rows = tuple(row_of(vault.get(name)) for name in vault.names)
        answer = KeysAnswer(path=str(place.file), locked=False, keys=rows)
    return Outcome(data=answer, show=lambda screen: show_keys(screen, answer))


def keys_test(arguments: NameArguments, frame: Frame) -> Outcome:
    """Ask the venue what a key may do: one that can move money out is refused."""
    vault = opened(frame.home)
    before = vault.get(str(parse_name(arguments.name)))
    try:
        key, answer = checked(before, offline=False)
    except KeyRefused:
        vault.put(stamped(before, Standing.REFUSED))
        raise
    if key != before:
        vault.put(key)
    unverified = not answer.rights and key.environment is Environment.PRODUCTION
    return Outcome(
        data=answer,
        show=lambda screen: show_rights(screen, answer),
        code=Exit.KEY_REFUSED if unverified else Exit.OK,
        message="its rights are not verified, so it was not cleared for live trading",
        fix="try again where the venue can be reached; `trading-cli doctor` says what is wrong",
    )


def keys_remove(arguments: RemoveArguments, frame: Frame) -> Outcome:
    """Forget a key. It still exists at the venue: delete it there as well."""
    name = str(parse_name(arguments.name))
    if not (arguments.yes or frame.json or confirmed(name)):
        raise CliError("not confirmed: nothing was changed", Exit.FAILURE, "add --yes")
    vault = opened(frame.home)
    row = row_of(vault.get(name))
    vault.remove(name)
    told = f"Removed {name} ({row.key}). It still exists at the venue: delete it there as well."
    return Outcome(data=row, show=lambda screen: screen.paragraph(told))


def keys_accept(arguments: NoArguments, frame: Frame) -> Outcome:
    """Take the vault as it is for the newest, after you restored or moved it yourself."""
    place = file.place_of(frame.home)
    no_core_dumps()
    vault = unlocked.accept(place, keys_prompt.known_passphrase())
    rows = tuple(row_of(vault.get(name)) for name in vault.names)
    answer = KeysAnswer(path=str(place.file), locked=False, keys=rows)
    return Outcome(data=answer, show=lambda screen: show_keys(screen, answer))


def keys_passphrase(arguments: NoArguments, frame: Frame) -> Outcome:
    """Give the vault another passphrase. Older copies of it still open with the old one."""
    vault = opened(frame.home)
    # A passphrase file holds the old one: the new one is typed or piped.
    vault.change_passphrase(keys_prompt.new_passphrase({}))
    told = (
        f"Changed for {len(vault.names)} key(s). If {FILE_VARIABLE} is used, put the new one into "
        "that file. Backups of the vault still open with the old one."
    )
    return Outcome(data={"keys": len(vault.names)}, show=lambda screen: screen.paragraph(told))


def environment_of(arguments: AddArguments) -> Environment:
    """Production unless one of the playgrounds was named."""
    if arguments.testnet and arguments.demo:
        raise CliError("a key is of the testnet or of the demo", Exit.USAGE, "leave one out")
    if arguments.testnet:
        return Environment.TESTNET
    return Environment.DEMO if arguments.demo else Environment.PRODUCTION


def opened(home: Path) -> unlocked.Unlocked:
    """The vault there is. It is looked at before the passphrase is asked for."""
    no_core_dumps()
    place = file.place_of(home)
    if file.read(place) is None:
        raise VaultRefused(f"no vault at {place.file}: `trading-cli keys add VENUE:LABEL` makes it")
    return unlocked.unlock(place, keys_prompt.known_passphrase())


def opened_or_new(home: Path) -> unlocked.Unlocked:
    """The vault there is, or one that is written with its first key."""
    no_core_dumps()
    place = file.place_of(home)
    if file.read(place) is None:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        return unlocked.create(place, keys_prompt.new_passphrase())
    return unlocked.unlock(place, keys_prompt.known_passphrase())


def checked(key: ApiKey, *, offline: bool) -> tuple[ApiKey, RightsAnswer]:
    """The key with what the venue says of it. Raises KeyRefused when it may not be used."""
    from tradewinds.cli import keys_venue

    found: Permissions | Unverified = Unverified(reason="not checked: --offline")
    if not offline:
        found = keys_venue.rights_of(key)
    if isinstance(found, Unverified):
        return key, RightsAnswer(key=row_of(key), reason=found.reason)
    reason = refusal(found)
    if reason is not None:
        raise KeyRefused(reason)
    key = stamped(key, Standing.VERIFIED)
    return key, RightsAnswer(key=row_of(key), rights=found, advice=advice(found))


def stamped(key: ApiKey, standing: Standing) -> ApiKey:
    """As the venue has just told."""
    return structs.replace(key, standing=standing, checked_ns=time.time_ns())


def row_of(key: ApiKey) -> KeyRow:
    """As it may be shown."""
    return KeyRow(
        name=str(key.name),
        environment=key.environment,
        key=key.key.masked,
        standing=key.standing,
        checked_ns=key.checked_ns,
        added_ns=key.added_ns,
    )


def confirmed(name: str) -> bool:
    """Asked on a terminal only; a script means what it says."""
    if not keys_prompt.on_terminal():
        return True
    return input(f"Forget {name}? [y/N] ").strip().lower() in {"y", "yes"}


def show_added(screen: Screen, answer: RightsAnswer) -> None:
    """That it is stored, and what it may do."""
    screen.line(f"Stored {answer.key.name} ({answer.key.environment}), key {answer.key.key}.")
    show_rights(screen, answer)


def show_rights(screen: Screen, answer: RightsAnswer) -> None:
    """Rights, then what would make the key safer."""
    if answer.rights is None:
        screen.hanging("NOT CHECKED  ", answer.reason, "yellow")
        if answer.key.environment == Environment.PRODUCTION:
            name = answer.key.name
            screen.paragraph(f"It cannot trade live until `trading-cli keys test {name}` passes.")
        return
    screen.hanging("OK           ", "it can read and trade, and cannot move money out", "green")
    for label, value in told_of(answer.rights):
        screen.hanging("             ", f"{label}: {value}")
    for line in answer.advice:
        screen.hanging("ADVICE       ", line, "yellow")


def told_of(rights: Permissions) -> list[tuple[str, str]]:
    """The rest of what the venue says, where it says it."""
    told = []
    if rights.ip_restricted:
        told.append(("limited to your IP addresses", "yes"))
    if rights.expires_ns:
        told.append(("its right to trade ends", moment(rights.expires_ns)))
    if rights.portfolio:
        told.append(("portfolio", rights.portfolio))
    return told


def show_keys(screen: Screen, answer: KeysAnswer) -> None:
    """A line each."""
    screen.table(
        Table(
            columns=("name", "environment", "key", "rights", "checked"),
            rows=tuple(
                (row.name, row.environment, row.key, row.standing, moment(row.checked_ns))
                for row in answer.keys
            ),
        )
    )
    if answer.doubt:
        screen.line()
        screen.paragraph(f"Warning: {answer.doubt}", "yellow")
