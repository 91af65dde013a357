"""`doctor --live KEY`: the check-up that real money asks for, put on record when it is passed."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from tradewinds.cli import keys_prompt, keys_venue
from tradewinds.cli.checkup import Check, Verdict, failed, fine
from tradewinds.cli.doctor_keys import stored_check, symbols_of, venue_checks

if TYPE_CHECKING:
    from tradewinds.config import Settings
    from tradewinds.live_keys import Keys
    from tradewinds.options import RunOptions
    from tradewinds.vault.keys import ApiKey

NAME = "live"


def keys_of(options: "RunOptions") -> "Keys":
    """The keys to check, fit for real money by what is stored of them. Raises KeyRefused."""
    from tradewinds.live_keys import keys_for

    return keys_for(options, keys_prompt.known_passphrase())


def live_checks(
    settings: "Settings", home: Path, keys: "Keys", before: Sequence[Check]
) -> Iterator[Check]:
    """The keys at their venue, now; then whether all of it together is good enough."""
    from tradewinds.live_keys import seats_of
    from tradewinds.vault.keys import KeyVenue

    key, perpetual = keys
    seats = seats_of(key, perpetual)
    of_keys: list[Check] = []
    for number, (name, seat) in enumerate(seats):
        venue = KeyVenue.BINANCE_USDM if number else seat.name.venue
        found = list(checks_of(settings, (name, seat), venue))
        of_keys += found
        yield from found
    yield verdict_of([*before, *of_keys], home, seats)


def checks_of(settings: "Settings", seat: "tuple[str, ApiKey]", venue: str) -> Iterator[Check]:
    """One key for one product."""
    name, key = seat
    access = structs.replace(keys_venue.access_of(key), venue=venue)
    told = keys_venue.survey(access, symbols_of(settings, venue))
    stored = stored_check(key)
    yield stored if name == str(key.name) else structs.replace(stored, name=f"{name} stored")
    yield from venue_checks(name, told)


def verdict_of(checks: Sequence[Check], home: Path, seats: "Sequence[tuple[str, ApiKey]]") -> Check:
    """Passed and recorded, or what is in the way."""
    from tradewinds import clearance
    from tradewinds.going_live import unwell

    found = {check.name: str(check.verdict) for check in checks}
    reason = next(filter(None, (unwell(found, name) for name, _ in seats)), "")
    if reason:
        return failed(NAME, reason, "mend it, then run this again: real money waits for it")
    now_ns = time.time_ns()
    for name, key in seats:
        row = clearance.DoctorPassed(
            key=name,
            key_print=clearance.key_print(key.key.reveal()),
            checks=found,
            time_ns=now_ns,
        )
        clearance.append(clearance.path_of(home), row)
    passed = sum(check.verdict is not Verdict.FAILED for check in checks)
    names = " and ".join(name for name, _ in seats)
    return fine(NAME, f"{passed} checks passed for {names}; good for a day")
