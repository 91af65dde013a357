"""`run` with orders to a venue: every refusal comes before anything starts, with its exit code."""

import io
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.live_kit import LIVE_KEY, PASSPHRASE, TEST_KEY, api_key, stocked
from tradewinds import clearance, going_live, supervisor, venues
from tradewinds.clearance import Asked, DoctorPassed, Promoted
from tradewinds.cli import going, greeting
from tradewinds.cli.exits import Exit
from tradewinds.config import load
from tradewinds.model.errors import VenueUnavailable
from tradewinds.options import PRACTICE, RunOptions
from tradewinds.supervisor import Beside, arguments_of
from tradewinds.vault.file import place_of
from tradewinds.vault.keys import Environment, Standing
from tradewinds.vault.secret import Secret
from tradewinds.vault.unlocked import unlock

Run = Callable[..., Any]


class Started:
    """What the supervisor was given, instead of a supervisor."""

    def __init__(self) -> None:
        self.options: list[RunOptions] = []
        self.beside: list[Beside] = []

    def run(self, settings: Any, options: RunOptions, say: Any, beside: Beside) -> int:
        self.options.append(options)
        self.beside.append(beside)
        return 0


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    found = Started()
    monkeypatch.setattr(supervisor, "run", found.run)
    monkeypatch.setattr(greeting.Herald, "start", lambda self: None)
    monkeypatch.setattr(greeting.Herald, "stop", lambda self: None)
    return found


@pytest.fixture
def vault(home: Path) -> None:
    stocked(home)


class Typing:
    """What the venue says of the key, what is typed, and whether a person types it."""

    def __init__(self) -> None:
        self.venue_says: str | VenueUnavailable = ""
        self.types: str | None = None
        self.terminal = True
        self.shown: list[str] = []


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Typing:
    found = Typing()

    async def why_refused(_: venues.Reach) -> str:
        if isinstance(found.venue_says, VenueUnavailable):
            raise found.venue_says
        return found.venue_says

    real = going.typed_sentence

    def typed(wanted: str) -> str:
        found.shown.append(wanted)
        if not found.terminal:
            return real(wanted)
        return wanted if found.types is None else found.types

    monkeypatch.setattr(venues, "why_refused", why_refused)
    monkeypatch.setattr(going, "typed_sentence", typed)
    return found


@pytest.fixture
def run(cli: Run, started: Started, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run --no-dashboard WORDS` with the passphrase in the pipe."""

    def call(*words: str) -> Any:
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSPHRASE}\n"))
        return cli("run", "--no-dashboard", *words)

    return call


def named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEWINDS__ACCOUNT__NAME", "main")


def recorded(home: Path, age_s: float = 60) -> None:
    """A passed check-up and a promotion; the sentence is still to be typed."""
    now = time.time_ns()
    checks = {f"{LIVE_KEY} {name}": "ok" for name in going_live.NEEDED}
    rows = (
        DoctorPassed(
            key=LIVE_KEY,
            key_print=clearance.key_print("k" * 64),
            checks=checks,
            time_ns=now - int(age_s * 1e9),
        ),
        Promoted(
            strategy="momentum",
            params_hash=going_live.hashes(load())["momentum"],
            evidence={"trades": "200"},
            symbols=tuple(load().feed.symbols),
            time_ns=now,
        ),
    )
    for row in rows:
        clearance.append(clearance.path_of(home), row)


@pytest.mark.parametrize(
    "words",
    [
        ("--practice", "--testnet", TEST_KEY),
        ("--live", LIVE_KEY, "--demo", TEST_KEY),
        ("--practice", "--replay", "."),
        ("--testnet", TEST_KEY, "--synthetic"),
        ("--live", LIVE_KEY, "--fresh"),
        ("--practice", "--speed", "2"),
        ("--live",),
        ("--testnet", TEST_KEY, "--at", "coinbase"),
        ("--practice", "--at", "kraken"),
        ("--perpetuals",),
        ("--perpetual-key", "binance-usdm:play"),
        ("--practice", "--at", "coinbase", "--perpetuals"),
        ("--practice", "--perpetual-key", "binance-usdm:play"),
        ("--take-over", "0123456789"),
        ("--practice", "--take-over", "all"),
    ],
)
def test_a_venue_is_one_place_with_its_own_market_and_account(
    run: Run, started: Started, words: tuple[str, ...]
) -> None:
    assert run(*words).code == Exit.USAGE
    assert started.options == []


def test_paper_stays_the_default_and_asks_for_nothing(run: Run, started: Started) -> None:
    assert run().code == Exit.OK
    assert started.options[0].mode == "paper"
    assert started.beside == [supervisor.NOTHING_BESIDE]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--testnet", "nonsense"), Exit.KEY_REFUSED, "VENUE:LABEL"),
        (("--testnet", LIVE_KEY), Exit.KEY_REFUSED, "testnet key"),
        (("--live", TEST_KEY), Exit.KEY_REFUSED, "production key"),
        (("--live", "binance-spot:none"), Exit.KEY_REFUSED, "no key"),
        (("--live", LIVE_KEY), Exit.NOT_CLEARED, "doctor --live"),
        (("--testnet", TEST_KEY, "--perpetuals"), Exit.KEY_REFUSED, "--perpetual-key"),
        (("--testnet", TEST_KEY, "--perpetual-key", LIVE_KEY), Exit.KEY_REFUSED, "binance-usdm"),
        (("--live", LIVE_KEY, "--perpetuals"), Exit.NOT_CLEARED, f"{LIVE_KEY} --perpetuals"),
    ],
)
@pytest.mark.usefixtures("vault")
def test_what_is_refused_says_why_before_anything_starts(
    run: Run, started: Started, person: Typing, words: tuple[str, ...], code: Exit, told: str
) -> None:
    answer = run(*words)
    assert answer.code == code
    assert told in " ".join(answer.err.split())
    assert started.options == []
    assert person.shown == [], "nobody types a sentence only to be refused"


def test_without_a_vault_the_way_to_a_key_is_told(run: Run, started: Started) -> None:
    answer = run("--testnet", TEST_KEY)
    assert answer.code == Exit.KEY_REFUSED
    assert f"keys add {TEST_KEY}" in answer.err
    assert started.options == []


@pytest.mark.usefixtures("vault")
def test_a_wrong_passphrase_opens_nothing(
    cli: Run, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("not the passphrase\n"))
    assert cli("run", "--no-dashboard", "--testnet", TEST_KEY).code == Exit.VAULT_REFUSED
    assert started.options == []


@pytest.mark.usefixtures("vault")
def test_the_passphrase_goes_to_the_engine_and_into_no_argument(run: Run, started: Started) -> None:
    answer = run("--testnet", TEST_KEY)
    assert answer.code == Exit.OK
    (options,), (beside,) = started.options, started.beside
    assert (options.mode, options.key) == ("testnet", TEST_KEY)
    assert beside.secret is not None
    assert beside.secret.is_same(Secret(PASSPHRASE))
    assert PASSPHRASE not in " ".join(arguments_of(options)) + answer.out + answer.err
    assert "nothing there is money" in answer.out


def test_perpetuals_with_a_key_of_their_own_reach_the_engine(
    run: Run, started: Started, vault: None, home: Path
) -> None:
    name = "binance-usdm:play"
    opened = unlock(place_of(home), Secret(PASSPHRASE))
    opened.put(api_key(name, Environment.TESTNET, Standing.NOT_CHECKED))
    answer = run("--testnet", TEST_KEY, "--perpetual-key", name)
    assert answer.code == Exit.OK, answer.err
    (options,) = started.options
    assert options.perpetuals
    words = arguments_of(options)
    assert words[words.index("--perpetual-key") + 1] == name
    assert name in answer.out
    assert run("--practice", "--perpetuals").code == Exit.OK
    assert "--perpetuals" in arguments_of(started.options[1])


def test_runs_to_take_over_are_told_to_the_engine(run: Run, started: Started) -> None:
    assert run("--practice", "--take-over", "0123456789,abcdef0123").code == Exit.OK
    words = arguments_of(started.options[0])
    assert words[words.index("--take-over") + 1] == "0123456789,abcdef0123"


@pytest.mark.usefixtures("vault")
def test_real_money_starts_after_the_sentence_and_does_not_ask_twice(
    run: Run,
    started: Started,
    person: Typing,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named(monkeypatch)
    recorded(home)
    answer = run("--live", LIVE_KEY)
    assert answer.code == Exit.OK, answer.err
    assert "REAL MONEY" in answer.out
    assert "CANARY" in answer.out
    assert len(person.shown) == 1
    assert started.options[0].cleared_ns > 0
    (asking,) = (r for r in clearance.rows(clearance.path_of(home)) if isinstance(r, Asked))
    assert (asking.time_ns, asking.process) == (started.options[0].cleared_ns, os.getpid())
    assert run("--live", LIVE_KEY).code == Exit.OK
    assert len(person.shown) == 1
    monkeypatch.setenv("TRADEWINDS__LIMITS__LOSS_PER_DAY_MAX", "25")
    assert run("--live", LIVE_KEY).code == Exit.OK
    assert len(person.shown) == 2, "a wider limit asks again"


@pytest.mark.usefixtures("vault")
def test_another_sentence_or_no_terminal_starts_nothing(
    run: Run,
    started: Started,
    person: Typing,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named(monkeypatch)
    recorded(home)
    person.types = "yes"
    assert run("--live", LIVE_KEY).code == Exit.NOT_CLEARED
    person.terminal = False
    answer = run("--live", LIVE_KEY)
    assert answer.code == Exit.NOT_CLEARED
    assert "typed by hand" in answer.err
    assert run("--live", LIVE_KEY, "--yes").code == Exit.USAGE
    assert started.options == []


@pytest.mark.usefixtures("vault")
def test_a_key_that_can_withdraw_now_or_that_nobody_can_check_is_refused(
    run: Run,
    started: Started,
    person: Typing,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named(monkeypatch)
    recorded(home)
    for says in ("it can move money out", VenueUnavailable("no answer")):
        person.venue_says = says
        assert run("--live", LIVE_KEY).code == Exit.KEY_REFUSED
    assert person.shown == [], "the sentence is asked for last"
    assert started.options == []


@pytest.mark.usefixtures("vault", "person")
def test_a_record_that_was_changed_starts_nothing(
    run: Run, started: Started, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named(monkeypatch)
    recorded(home)
    path = clearance.path_of(home)
    path.write_bytes(path.read_bytes().replace(b"200", b"900"))
    assert run("--live", LIVE_KEY).code == Exit.AUDIT_FAILED
    assert started.options == []


# Practice


def test_practice_needs_no_key_and_starts_a_venue_where_none_listens(
    run: Run, started: Started
) -> None:
    answer = run("--practice")
    assert answer.code == Exit.OK
    assert "PRACTICE" in answer.out
    assert started.options[0].mode == PRACTICE
    assert started.beside[0].venue_port > 0
    assert started.beside[0].secret is None
