"""Before `run` sends orders anywhere: the vault, the key, and for real money its owner's word."""

import asyncio
import os
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import structs

from tradewinds.cli import keys_prompt
from tradewinds.cli.greeting import say
from tradewinds.model.errors import VenueUnavailable
from tradewinds.options import LIVE, PAPER, PRACTICE, RunOptions
from tradewinds.vault.errors import KeyRefused

if TYPE_CHECKING:
    from tradewinds.config import Settings
    from tradewinds.going_live import Case
    from tradewinds.live_keys import Keys
    from tradewinds.parts import VenueTerms
    from tradewinds.supervisor import Beside

HOST: Final = "127.0.0.1"
USUAL_PORT: Final = 8443


def prepared(settings: "Settings", options: RunOptions) -> "tuple[RunOptions, Beside]":
    """What the supervisor is given beside. Raises KeyRefused, VaultRefused, NotCleared."""
    from tradewinds.supervisor import NOTHING_BESIDE, Beside

    if options.mode == PAPER:
        return options, NOTHING_BESIDE
    if options.mode == PRACTICE:
        return options, Beside(venue_port=practice_port(options.home))
    from tradewinds import going_live, live_keys
    from tradewinds.vault.file import place_of, read

    wanted = live_keys.require_products(options)
    if read(place_of(options.home)) is None:
        raise KeyRefused(
            f"there is no key {options.key!r}: `trading-cli keys add {wanted[0]}` puts it into "
            "the vault first"
        )
    secret = keys_prompt.known_passphrase()
    keys = live_keys.keys_for(options, secret)
    if options.mode == LIVE:
        now_ns = time.time_ns()
        clear_for_real_money(going_live.case_of(settings, options, keys, now_ns), options.home)
        case = going_live.case_of(settings, options, keys, now_ns)
        tell_terms(going_live.live_terms(case, options.home))
        note_asked(case, options.home)
        options = structs.replace(options, cleared_ns=now_ns)
    return options, Beside(secret=secret)


def clear_for_real_money(case: "Case", home: Path) -> None:
    """All that is missing is named at once; the sentence is asked for last."""
    from tradewinds import going_live

    going_live.require_cleared(case)
    require_rights((case.key, case.perpetual))
    if going_live.confirmation(case) is None:
        going_live.confirm(case, typed_sentence(going_live.sentence(case)), home)


def note_asked(case: "Case", home: Path) -> None:
    """On record, so that an engine started again tomorrow need not take anybody's word for it."""
    from tradewinds import clearance, going_live

    clearance.append(clearance.path_of(home), going_live.asked(case, os.getpid()))


def tell_terms(terms: "VenueTerms") -> None:
    """Which strategies trade, and how much of the limits they have."""
    names = ", ".join(terms.strategies or ())
    if terms.share == 1:
        say(f"Trading: {names}, with all of the limits.")
        return
    say(f"Trading: {names}. CANARY: a tenth of the limits until each has proved itself here:")
    for name, text in terms.told.items():
        if name.startswith("canary "):
            say(f"  {name.removeprefix('canary ')}: {text}")


def require_rights(keys: "Keys") -> None:
    """What the venue says of the keys now. Raises KeyRefused, also where nobody could say."""
    from tradewinds import venues

    key, perpetual = keys
    try:
        reason = asyncio.run(venues.why_refused(venues.reach_of_key(key, LIVE, perpetual)))
    except VenueUnavailable as error:
        raise KeyRefused(f"{error}: try again where the venue can be reached") from error
    if reason:
        raise KeyRefused(reason)


def typed_sentence(wanted: str) -> str:
    """By hand, on a terminal, letter by letter: no option and no pipe stands for it."""
    from tradewinds.clearance import NotCleared

    if not (keys_prompt.on_terminal() and sys.stdout.isatty()):
        raise NotCleared(
            "real money needs a sentence typed by hand: start it once on a terminal, with the "
            "same settings"
        )
    say("REAL MONEY. It begins with a tenth of your limits. To go on, type this sentence exactly:")
    say("")
    say(f"  {wanted}")
    say("")
    sys.stdout.write("> ")
    sys.stdout.flush()
    return sys.stdin.readline().rstrip("\r\n")


def practice_port(home: Path) -> int:
    """0 where a practice venue of this folder is there already; else where we start one."""
    from tradewinds.practice import connection

    if connection.is_claimed(connection.folder_of(home)):
        return 0
    return next(port for port in (free_port(USUAL_PORT), free_port(0)) if port)


def free_port(wanted: int) -> int:
    """The port if nobody has it (any, for 0), else 0."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError:
            return 0
        return int(probe.getsockname()[1])
