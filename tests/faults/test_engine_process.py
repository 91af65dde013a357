"""A real engine process: stopped in an emergency, killed, doubled, robbed of its lease."""

import os
import random
import signal
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tradewinds.bus.sync import request_sync
from tradewinds.model.errors import BusUnavailable
from tradewinds.model.events import RunStarted
from tradewinds.model.order import Purpose
from tradewinds.model.portfolio import TradingState
from tradewinds.model.snapshot import EmergencyRequest, OperatorReply, OperatorRequest, Snapshot
from tradewinds.store import queries
from tradewinds.store.audit import read_entries, verify
from tradewinds.store.database import open_database, sqlite_url

pytestmark = pytest.mark.serial
PROGRAM = Path(__file__).parent / "paper_engine.py"
PATIENCE_S = 20.0


class EngineProcess:
    """One engine in a data folder of its own."""

    def __init__(self, home: Path, words: list[str], market: str = "", **env: str) -> None:
        home.mkdir(exist_ok=True)
        self.home = home
        self.truth = home / "truth"
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(PROGRAM), "engine", "--home", str(home), *words],
            env=os.environ | {"TEST_MARKET": market, "TEST_TRUTH": str(self.truth)} | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def ask(self, verb: str, payload: bytes = b"") -> bytes:
        return request_sync(self.home / "run" / "engine.sock", verb, payload, 6.0)

    def status(self) -> Snapshot:
        return msgspec.msgpack.decode(self.ask("status"), type=Snapshot)

    def until(self, wanted: Callable[[Snapshot], bool]) -> Snapshot:
        """Ask until it is so."""
        give_up = time.monotonic() + PATIENCE_S
        seen: Snapshot | None = None
        while time.monotonic() < give_up:
            try:
                seen = self.status()
                if wanted(seen):
                    return seen
            except BusUnavailable:
                assert self.process.poll() is None, self.last_words()
            time.sleep(0.02)
        raise AssertionError(f"did not come: {seen}")

    def emergency(self, name: str) -> tuple[OperatorReply, float]:
        """The reply, and milliseconds from here to here."""
        request = EmergencyRequest(command_id=name, reason="test")
        began = time.perf_counter()
        reply = self.ask("emergency", msgspec.msgpack.encode(request))
        took = (time.perf_counter() - began) * 1e3
        return msgspec.msgpack.decode(reply, type=OperatorReply), took

    def resume(self) -> None:
        request = OperatorRequest(command_id="r", reason="test")
        self.ask("resume", msgspec.msgpack.encode(request))

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str, float]:
        """Exit code, last words, seconds."""
        began = time.monotonic()
        self.process.send_signal(number)
        words, _ = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, words, time.monotonic() - began

    def last_words(self) -> str:
        words, _ = self.process.communicate(timeout=PATIENCE_S)
        return f"code {self.process.returncode}: {words}"

    def require_venue_flat(self) -> None:
        """By the simulated venue's books when flat was claimed: no order, nothing worth selling."""
        truth = msgspec.json.decode(self.truth.read_bytes().splitlines()[-1])
        assert truth["working"] == 0
        for asset, amount in truth["held"].items():
            prices = [p for k, p in truth["prices"].items() if k.startswith(f"{asset}/USDT@")]
            assert float(amount) * prices[0] < 10.0, f"{amount} {asset} are still held"


Start = Callable[..., EngineProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts engines, and leaves none behind."""
    started: list[EngineProcess] = []

    def start_one(*words: str, home: Path | None = None, **more: str) -> EngineProcess:
        engine = EngineProcess(home or tmp_path / "home", list(words), **more)
        started.append(engine)
        return engine

    yield start_one
    for engine in started:
        if engine.process.poll() is None:
            engine.kill()


def holding(snapshot: Snapshot) -> bool:
    return len(snapshot.positions) > 0 and snapshot.trading_state is TradingState.ACTIVE


def stop_again_and_again(engine: EngineProcess, times: int) -> list[float]:
    """Emergency with positions, check the venue, resume, until the day's law forbids it."""
    took: list[float] = []
    for number in range(times):
        engine.until(holding)
        reply, ms = engine.emergency(f"stop-{number}")
        assert reply.done, reply
        engine.require_venue_flat()
        after = engine.status()
        assert after.trading_state is TradingState.HALTED
        assert (after.positions, after.working_orders) == ((), 0)
        took.append(ms)
        engine.resume()
    return took


def report(measured: Any, what: str, took: list[float]) -> None:
    measured(
        f"E8 {what}: n={len(took)} median {statistics.median(took):.0f} max {max(took):.0f} ms"
    )
    assert max(took) < 1000


def test_e8_while_the_engine_is_busy_replaying_at_full_speed(
    start: Start, recorded: Path, measured: Any
) -> None:
    path = recorded / "triangles_binance_1m_2021-04-20_2021-05-20.parquet"
    limits = {"TRADEWINDS__LIMITS__LOSS_PER_DAY_MAX": "500"}
    engine = start("--replay", str(path), "--speed", "max", **limits)
    report(measured, "replay at full speed", stop_again_and_again(engine, 5))


def test_e8_on_quotes_at_real_speed(start: Start, measured: Any) -> None:
    engine = start("--synthetic")
    report(measured, "synthetic quotes at real speed", stop_again_and_again(engine, 5))
    engine.until(holding)
    first, _ = engine.emergency("one")
    second, again = engine.emergency("two")
    assert first.done
    assert second.done, "safe to repeat"
    assert again < 1000


def test_e8_on_bars_alone_at_real_speed(start: Start, measured: Any) -> None:
    engine = start("--synthetic", market="bars")
    engine.until(holding)
    time.sleep(0.3)
    reply, took = engine.emergency("only")
    assert reply.done, reply
    engine.require_venue_flat()
    report(measured, "bars alone at real speed, no next bar", [took])


def test_e8_from_the_command_line(start: Start, measured: Any) -> None:
    engine = start("--synthetic")
    engine.until(holding)
    command = [sys.executable, "-P", "-m", "tradewinds.cli", "--home", str(engine.home)]
    began = time.perf_counter()
    done = subprocess.run(
        [*command, "emergency", "--yes", "--json"], capture_output=True, text=True, check=False
    )
    took = (time.perf_counter() - began) * 1e3
    assert done.returncode == 0, done.stdout + done.stderr
    answer = msgspec.json.decode(done.stdout)
    engine.require_venue_flat()
    measured(f"E8 from the command line: {took:.0f} ms with Python's start; {answer}")


def test_e1_killed_at_random_it_resumes_what_was_durable(
    start: Start, tmp_path: Path, measured: Any
) -> None:
    dice = random.Random(11)
    home = tmp_path / "home"
    for kill in range(3):
        engine = start("--synthetic", "--speed", "20", home=home, market="resuming")
        engine.until(holding)
        time.sleep(dice.uniform(0.05, 0.8))
        engine.kill()
        database = open_database(sqlite_url(home / "tradewinds.db"))
        (account,) = queries.accounts(database)
        saved = queries.checkpoint(database, account)
        assert saved is not None
        assert verify(database, account, home / "anchors" / account).ok
        database.dispose()
        after = start("--synthetic", home=home, market="resuming")
        seen = after.until(lambda _: True)
        after.kill()
        database = open_database(sqlite_url(home / "tradewinds.db"))
        begun = [
            entry.message
            for entry in read_entries(database, account, seen.run_id)
            if isinstance(entry.message, RunStarted)
        ]
        assert begun[0].checkpoint == saved
        assert verify(database, account, home / "anchors" / account).ok
        database.dispose()
        held = {trade.trade_id for trade in saved.trades if trade.quantity}
        stops = [order for order in saved.orders if order.approved.purpose is Purpose.STOP]
        measured(f"E1 kill {kill}: {len(held)} positions, {len(stops)} stops resumed")
        assert seen.equity == pytest.approx(Decimal(1000), abs=30)


def test_e7_a_second_engine_in_the_same_folder_is_refused(start: Start) -> None:
    first = start("--synthetic")
    first.until(lambda _: True)
    second = start("--synthetic", home=first.home)
    words, _ = second.process.communicate(timeout=PATIENCE_S)
    assert second.process.returncode == 7, words
    assert "another engine" in words
    assert "Traceback" not in words
    assert first.status().events_total > 0, "the first one trades on"


def test_e7_a_second_engine_on_the_same_account_is_refused(start: Start, tmp_path: Path) -> None:
    url = {"TRADEWINDS__STORE__DATABASE_URL": f"sqlite:///{tmp_path / 'shared.db'}"}
    first = start("--synthetic", market="resuming", **url)
    first.until(lambda _: True)
    second = start("--synthetic", home=tmp_path / "other", market="resuming", **url)
    words, _ = second.process.communicate(timeout=PATIENCE_S)
    assert second.process.returncode == 7, words
    assert f"pid {first.process.pid}" in words
    assert "Traceback" not in words


def test_e7_an_engine_that_lost_its_lease_stops_and_says_so(start: Start) -> None:
    engine = start("--synthetic")
    engine.until(holding)
    with sqlite3.connect(engine.home / "tradewinds.db", timeout=5) as database:
        database.execute("UPDATE leases SET owner = 'other', epoch = epoch + 1")
    words, _ = engine.process.communicate(timeout=PATIENCE_S)
    assert engine.process.returncode == 7, words
    assert "is lost to other" in words
    assert "must not trade on" in words
    assert "Traceback" not in words


def test_e9_a_database_locked_for_two_seconds_is_survived(start: Start, measured: Any) -> None:
    engine = start("--synthetic")
    engine.until(holding)
    other = sqlite3.connect(engine.home / "tradewinds.db", isolation_level=None, timeout=5)
    other.execute("BEGIN EXCLUSIVE")
    seen = engine.until(lambda now: now.trading_state is TradingState.REDUCING)
    assert "journal not writable" in seen.state_reason
    time.sleep(2.0)
    reply, took = engine.emergency("locked")
    assert reply.done
    assert took < 1000
    other.close()
    engine.resume()
    engine.until(lambda now: now.trading_state is TradingState.ACTIVE)
    code, words, _ = engine.end()
    assert code == 0, words
    database = open_database(sqlite_url(engine.home / "tradewinds.db"))
    (account,) = queries.accounts(database)
    assert verify(database, account, engine.home / "anchors" / account).ok
    database.dispose()
    measured(f"E9 emergency with the database locked: {took:.0f} ms")


def test_e9_a_damaged_database_is_refused_at_the_start(start: Start, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "tradewinds.db").write_bytes(b"no database" * 1000)
    engine = start("--synthetic", home=home)
    words, _ = engine.process.communicate(timeout=PATIENCE_S)
    assert engine.process.returncode == 5, words
    assert "not a database" in words
    assert "Traceback" not in words


def test_e9_a_folder_that_cannot_be_written_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    command = [sys.executable, "-P", "-m", "tradewinds.cli", "engine", "--synthetic", "--home"]
    done = subprocess.run(
        [*command, str(tmp_path / "file" / "home")], capture_output=True, text=True, check=False
    )
    words = done.stdout + done.stderr
    assert done.returncode not in (0, -9), words
    assert "Traceback" not in words
    assert "file" in words


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order_within_seconds(start: Start, number: int) -> None:
    engine = start("--synthetic")
    seen = engine.until(holding)
    code, words, took = engine.end(number)
    assert code == 0, words
    assert took < 5
    assert "Traceback" not in words
    assert not (engine.home / "run" / "engine.sock").exists()
    database = open_database(sqlite_url(engine.home / "tradewinds.db"))
    account: Any = queries.accounts(database)[0]
    assert verify(database, account, engine.home / "anchors" / account).ok
    saved = queries.checkpoint(database, account)
    assert saved is not None
    assert saved.time_ns >= seen.time_ns
    database.dispose()
