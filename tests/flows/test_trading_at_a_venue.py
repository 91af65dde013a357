"""An engine process on a practice venue: it trades there, dies, comes back, and leaves in order."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.flows import venue_engine
from tests.flows.venue_engine import once
from tests.flows.venue_kit import PATIENCE_S, PROGRAM, Process, User, free_port
from tradewinds import assemble, clearance, going_live
from tradewinds.clearance import DoctorPassed, Promoted
from tradewinds.cli.exits import Exit
from tradewinds.config import Settings, load
from tradewinds.model.portfolio import TradingState
from tradewinds.model.snapshot import Snapshot
from tradewinds.options import RunOptions
from tradewinds.parts import recipe_from
from tradewinds.practice import connection
from tradewinds.research import rerun
from tradewinds.store import queries
from tradewinds.store.activity import recent_activity
from tradewinds.store.database import open_database, sqlite_url
from tradewinds.vault.file import place_of
from tradewinds.vault.keys import ApiKey, Environment, Standing, parse_name
from tradewinds.vault.secret import Secret
from tradewinds.vault.unlocked import create

pytestmark = pytest.mark.processes
Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts processes in one data folder, and leaves none behind."""
    started: list[Process] = []

    def start_one(*words: str, **env: str) -> Process:
        process = Process(tmp_path, *words, **env)
        started.append(process)
        return process

    yield start_one
    for process in reversed(started):
        if process.process.poll() is None:
            process.process.kill()
            process.process.wait()


@pytest.fixture
def user(tmp_path: Path, start: Start) -> User:
    """The venue is open, and its customer may look."""
    start("venue", "--port", str(free_port()))
    give_up = time.monotonic() + PATIENCE_S
    while connection.reachable(connection.folder_of(tmp_path)) is None:
        assert time.monotonic() < give_up
        time.sleep(0.05)
    return User(tmp_path)


def protected(snapshot: Snapshot) -> bool:
    return len(snapshot.positions) == 1 and snapshot.working_orders == 1


def anomalies(home: Path, account: str) -> list[tuple[str, str]]:
    database = open_database(sqlite_url(home / "tradewinds.db"))
    lines = recent_activity(database, account, 1_000)
    database.dispose()
    return [(line.title, line.detail) for line in lines if line.kind == "anomaly"]


def runs_of(home: Path, account: str) -> list[queries.RunRow]:
    database = open_database(sqlite_url(home / "tradewinds.db"))
    found = list(queries.runs(database, account))
    database.dispose()
    return found


@pytest.fixture
def replays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Every run of an account, byte for byte."""
    monkeypatch.setattr(rerun, "strategies_of", once)

    def replay(account: str) -> None:
        for run in runs_of(tmp_path, account):
            again = assemble.replay_journal(Settings(), tmp_path, run.run_id)
            assert again.ok, again.first_difference
            assert again.commands > 5

    return replay


def test_what_it_bought_is_protected_there_and_found_again_after_a_kill(
    tmp_path: Path, start: Start, user: User, replays: Callable[[str], None]
) -> None:
    engine = start("engine", "--practice")
    first = engine.until(protected)
    assert (first.mode, first.synthetic) == ("practice", True)
    assert first.account.startswith("paper-practice-")
    assert first.trading_state is TradingState.ACTIVE
    before = user.looks()
    assert len(before.standing) == 1
    assert float(first.positions[0].quantity) == pytest.approx(before.held["BTC"])
    engine.process.kill()
    engine.process.wait()
    # While nobody is here its owner trades by hand, beside what is ours.
    user.trades("ETH/USDT", "buy", 0.01)

    again = start("engine", "--practice")
    second = again.until(lambda s: protected(s) and s.trading_state is TradingState.ACTIVE)
    assert second.run_id != first.run_id
    assert second.account == first.account
    assert second.positions[0].trade_id == first.positions[0].trade_id
    after = user.looks()
    assert after.standing == before.standing
    assert after.held["BTC"] == before.held["BTC"]
    # What its owner took out is no result of ours.
    assert abs(second.day_pnl) < 5
    assert abs(second.equity - second.starting_equity) < 5

    assert again.end() == Exit.OK
    log = (tmp_path / "logs" / "engine.log").read_text("utf-8")
    assert "position_stays_open" in log
    assert user.looks().standing == before.standing
    told = anomalies(tmp_path, first.account)
    assert any("USDT" in detail for title, detail in told if "external" in title), told
    database = open_database(sqlite_url(tmp_path / "tradewinds.db"))
    ((_, moved),) = queries.flows(database, first.account)
    database.dispose()
    assert moved == pytest.approx(-30, abs=2)
    replays(first.account)


def test_an_emergency_leaves_nothing_at_the_venue(tmp_path: Path, start: Start, user: User) -> None:
    engine = start("engine", "--practice")
    engine.until(protected)
    reply = engine.emergency()
    assert reply.done, reply
    there = user.looks()
    assert there.standing == []
    assert there.held.get("BTC", 0.0) < 0.00002
    assert engine.status().trading_state is TradingState.HALTED
    assert engine.end() == Exit.OK
    words = [sys.executable, "-P", str(PROGRAM), "replay", "--home", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == Exit.OK, done.stdout + done.stderr
    assert "byte for byte" in done.stdout


def test_our_own_bug_at_the_venue_closes_everything_and_ends_the_engine(
    tmp_path: Path, start: Start, user: User
) -> None:
    engine = start("engine", "--practice", TEST_BUG="yes")
    account = engine.until(protected).account
    engine.process.send_signal(signal.SIGUSR1)
    code = engine.process.wait(PATIENCE_S * 2)
    assert code == Exit.BUG, engine.said()
    there = user.looks()
    assert there.standing == []
    assert there.held["USDT"] > 900
    assert there.held.get("BTC", 0.0) < 0.00002
    database = open_database(sqlite_url(tmp_path / "tradewinds.db"))
    left = queries.checkpoint(database, account)
    database.dispose()
    assert left is not None
    assert left.risk.trading_state is TradingState.HALTED
    assert left.risk.operator_halt, "it waits for the operator, also after a restart"


def test_spot_and_perpetuals_in_one_account_each_with_its_stop(
    tmp_path: Path,
    start: Start,
    user: User,
    replays: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pair = ("BTC/USDT", "BTC/USDT:USDT")

    def guarded(snapshot: Snapshot) -> bool:
        return len(snapshot.positions) == 2 and snapshot.working_orders == 2

    words = ("engine", "--practice", "--perpetuals", "--symbols", "BTC/USDT")
    engine = start(*words, TEST_SYMBOLS=",".join(pair))
    first = engine.until(guarded)
    assert first.feed_label == "PRACTICE binance-spot and binance-usdm"
    assert first.account.startswith("paper-practice-binance-both-")
    assert first.starting_equity == 2_000, "both wallets"
    spot, futures = user.looks(), user.looks_at_perpetuals()
    assert (len(spot.standing), len(futures.standing)) == (1, 1)
    held = {str(row.instrument_id).partition("@")[0]: row.quantity for row in first.positions}
    assert set(held) == set(pair)
    assert float(held["BTC/USDT"]) == pytest.approx(spot.held["BTC"])
    assert float(held["BTC/USDT:USDT"]) == pytest.approx(futures.held["BTCUSDT"])
    engine.process.kill()
    engine.process.wait()

    again = start(*words, TEST_SYMBOLS=",".join(pair))
    second = again.until(lambda s: guarded(s) and s.trading_state is TradingState.ACTIVE)
    assert second.account == first.account
    trades = {row.trade_id for row in first.positions}
    assert {row.trade_id for row in second.positions} == trades
    assert user.looks().standing == spot.standing
    assert user.looks_at_perpetuals() == futures
    assert abs(second.day_pnl) < 5
    reply = again.emergency()
    assert reply.done, reply
    there, futures = user.looks(), user.looks_at_perpetuals()
    assert there.standing == futures.standing == []
    assert there.held.get("BTC", 0.0) < 0.00002
    assert futures.held == {}
    assert again.end() == Exit.OK
    told = [title for title, _ in anomalies(tmp_path, first.account)]
    assert not [title for title in told if "external" in title or "orphan" in title]
    monkeypatch.setattr(venue_engine, "SYMBOLS", pair)
    replays(first.account)


def test_run_practice_brings_its_own_venue_and_takes_it_away(tmp_path: Path, start: Start) -> None:
    run = start("run", "--practice", "--no-dashboard")
    engine = run.until(lambda s: s.trading_state is TradingState.ACTIVE)
    assert engine.mode == "practice"
    assert engine.feed_label == "PRACTICE binance-spot"
    found = connection.reachable(connection.folder_of(tmp_path))
    assert found is not None
    assert run.end() == Exit.OK
    said = run.said()
    assert "PRACTICE: orders go to a practice venue of its own" in said
    assert "Stopped with 0 open and 0 orders resting at the venue." in said
    assert connection.reachable(connection.folder_of(tmp_path)) is None
    for pid in (found.pid, engine.engine_pid):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


NAME = "binance-spot:main"
PASSPHRASE = "correct horse battery staple"


def cleared(home: Path, found: connection.Connection) -> None:
    """All that real money asks for is on record, for the practice venue's key."""
    key = ApiKey(
        name=parse_name(NAME),
        environment=Environment.PRODUCTION,
        key=Secret(found.api_key),
        secret=Secret(found.secret),
        standing=Standing.VERIFIED,
    )
    create(place_of(home), Secret(PASSPHRASE)).put(key)
    settings = load(environ={"TRADEWINDS__ACCOUNT__NAME": "main"})
    now = time.time_ns()
    path = clearance.path_of(home)
    digest = clearance.key_print(found.api_key)
    checks = {f"{NAME} {name}": "ok" for name in going_live.NEEDED}
    checkup = DoctorPassed(key=NAME, key_print=digest, checks=checks, time_ns=now)
    proof = Promoted(
        strategy="momentum",
        params_hash=going_live.hashes(settings)["momentum"],
        evidence={"trades": "200"},
        symbols=tuple(settings.feed.symbols),
        time_ns=now,
    )
    clearance.append(path, checkup)
    clearance.append(path, proof)
    options = RunOptions(home=home, mode="live", key=NAME)
    case = going_live.case_of(settings, options, (key, None), now)
    going_live.confirm(case, going_live.sentence(case), home)


def test_real_moneys_first_orders_have_a_tenth_of_the_limits(
    tmp_path: Path, start: Start, user: User, replays: Callable[[str], None]
) -> None:
    found = connection.reachable(connection.folder_of(tmp_path))
    assert found is not None
    cleared(tmp_path, found)
    secret = tmp_path / "passphrase"
    secret.touch(mode=0o600)
    secret.write_text(PASSPHRASE)
    engine = start(
        "engine",
        "--live",
        NAME,
        TEST_REAL="yes",
        TRADEWINDS__ACCOUNT__NAME="main",
        TRADEWINDS_PASSPHRASE_FILE=str(secret),
    )
    state = engine.until(protected)
    assert (state.mode, state.account) == ("live", "main-real-binance-spot-main")
    assert state.feed_label == "REAL binance-spot"
    assert state.limits.loss_per_trade_max == 1
    assert state.limits.loss_per_day_max == 2
    assert 0 < state.positions[0].worst_loss <= 1
    assert [row.strategy_id for row in state.strategies] == ["momentum"]
    assert len(user.looks().standing) == 1
    assert engine.end() == Exit.OK
    replays(state.account)
    (run,) = runs_of(tmp_path, state.account)
    recipe = recipe_from(run.settings)
    assert "I trade real money on main-real-binance-spot-main" in recipe.terms["confirmed"]
    assert recipe.terms["limits_share"] == "0.1"
    assert PASSPHRASE not in engine.said()
