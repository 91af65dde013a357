"""E9 as the engine sees it: no journal, no new risk; closing goes on; nothing is lost."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from tradewinds.model.commands import RecordRefusal
from tradewinds.model.errors import AccountInUse, JournalCorrupt
from tradewinds.model.events import TimerFired
from tradewinds.model.ids import InstrumentId
from tradewinds.model.order import Purpose
from tradewinds.model.portfolio import TradingState
from tradewinds.store.audit import read_entries, verify
from tradewinds.store.database import open_database, sqlite_url
from tradewinds.store.emergency import EmergencyJournal
from tradewinds.store.journal import StoreJournal
from tradewinds.store.payload import EVENT

BTC, ETH = InstrumentId("BTC/USDT@sim"), InstrumentId("ETH/USDT@sim")
Fault = Callable[[Engine, Path], AbstractContextManager[None]]


@contextmanager
def locked(_: Engine, path: Path) -> Iterator[None]:
    """Another program holds the write lock."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.close()


@contextmanager
def full(engine: Engine, _: Path) -> Iterator[None]:
    """No further page can be had, as on a full disk."""

    def limit(connection: Any) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")

    event.listen(engine, "begin", limit, insert=True)
    try:
        yield
    finally:
        event.remove(engine, "begin", limit)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1073741823")


@contextmanager
def deleted(_: Engine, path: Path) -> Iterator[None]:
    """Somebody has moved the file away, and puts it back."""
    aside = path.with_name("aside.db")
    path.rename(aside)
    try:
        yield
    finally:
        aside.rename(path)


FAULTS = [(locked, "lock"), (full, "disk is full"), (deleted, "is gone; put it back")]


class Shop:
    """A rig on a real SQLite journal."""

    def __init__(self, make_rig: Any, folder: Path) -> None:
        self.path = folder / "tradewinds.db"
        self.aside = folder / "journal.emergency"
        self.database = open_database(sqlite_url(self.path))
        self.journal = StoreJournal(
            self.database, "test", "r1", emergency=EmergencyJournal(self.aside, reserve_bytes=4096)
        )
        self.rig = make_rig(journal=self.journal)

    def require_whole(self, database: Engine) -> None:
        """The chain verifies, and no input is missing or doubled."""
        assert verify(database, "test").ok
        numbers = [e.sequence for e in read_entries(database, "test") if e.kind == EVENT]
        assert numbers == list(range(1, self.rig.driver.events + 1))


@pytest.fixture
def shop(make_rig: Any, tmp_path: Path) -> Iterator[Shop]:
    made = Shop(make_rig, tmp_path)
    yield made
    made.journal.close()
    made.database.dispose()


@pytest.mark.parametrize(("fault", "words"), FAULTS, ids=["locked", "full", "deleted"])
def test_e9_no_new_risk_without_a_journal_and_closing_goes_on(
    shop: Shop, fault: Fault, words: str, measured: Any
) -> None:
    rig = shop.rig
    rig.position(BTC)
    with fault(shop.database, shop.path):
        rig.enter(ETH)
        rig.quote(ETH)
        assert rig.state is TradingState.REDUCING
        assert "journal not writable" in rig.reason
        assert words in rig.reason
        assert [t.instrument_id for t in rig.trades] == [BTC], "the entry was not sent"
        assert all(order.instrument_id == BTC for order in rig.sim.working_orders())
        rig.enter(ETH)
        rig.quote(ETH)
        assert rig.of(RecordRefusal)[-1].refusal.check == "trading_active"
        began = time.perf_counter()
        rig.emergency()
        rig.pass_time(1)
        took_ms = (time.perf_counter() - began) * 1e3
        assert rig.flat(), "closed without the journal"
        assert took_ms < 1000
        assert shop.aside.read_bytes(), "what was done without it is kept aside"
    assert rig.driver.make_durable()
    rig.resume()
    assert rig.state is TradingState.ACTIVE
    assert rig.driver.make_durable()
    shop.require_whole(shop.database)
    rig.check()
    measured(f"E9 {words}: emergency took {took_ms:.0f} ms of wall time without a journal")


@pytest.mark.parametrize(("fault", "words"), FAULTS, ids=["locked", "full", "deleted"])
def test_e9_what_was_kept_aside_is_imported_at_the_next_start(
    shop: Shop, fault: Fault, words: str
) -> None:
    rig = shop.rig
    trade = rig.position(BTC)
    rig.driver.make_durable()
    with fault(shop.database, shop.path):
        rig.leave(trade)
        rig.quote(BTC)
        rig.pass_time(0.5)
        assert rig.flat()
        rig.driver.settle()
    shop.journal.close()
    shop.database.dispose()
    database = open_database(sqlite_url(shop.path))
    StoreJournal(database, "test", "r2", emergency=EmergencyJournal(shop.aside))
    shop.require_whole(database)
    database.dispose()


def test_e9_a_database_that_comes_back_as_another_file_is_written_to_or_refused(
    shop: Shop, tmp_path: Path
) -> None:
    rig = shop.rig
    rig.position(BTC)
    rig.driver.make_durable()
    with sqlite3.connect(shop.path) as source, sqlite3.connect(tmp_path / "copy.db") as copy:
        source.backup(copy)
    shop.path.unlink()
    (tmp_path / "copy.db").rename(shop.path)
    rig.quote()
    assert rig.driver.make_durable()
    shop.require_whole(shop.database)
    empty = open_database(sqlite_url(tmp_path / "empty.db"))
    empty.dispose()
    (tmp_path / "empty.db").rename(shop.path)
    for rest in ("-wal", "-shm"):
        shop.path.with_name(shop.path.name + rest).unlink()
    rig.quote()
    with pytest.raises(JournalCorrupt, match="had been written"):
        rig.driver.make_durable()


def test_e9_a_store_that_fails_is_not_asked_again_for_every_order(shop: Shop) -> None:
    """Each question costs a quarter of a second while the database is locked."""
    rig = shop.rig
    for each in (BTC, ETH):
        rig.position(each)
    with locked(shop.database, shop.path):
        began = time.perf_counter()
        rig.driver.make_durable()
        once = time.perf_counter() - began
        rig.emergency()
        rig.pass_time(1)
        assert rig.flat()
        assert time.perf_counter() - began - once < once, "not one more wait"


def test_e7_another_engine_in_the_journal_stops_this_one(shop: Shop) -> None:
    rig = shop.rig
    rig.position(BTC)
    other = StoreJournal(shop.database, "test", "other")
    other.append_event(TimerFired(timer_id="t", venue_time_ns=1, received_time_ns=1))
    other.flush(None)
    rig.enter(ETH)
    sent = len(rig.sim.working_orders())
    with pytest.raises(AccountInUse, match="another engine"):
        rig.quote(ETH)
    assert len(rig.sim.working_orders()) == sent, "the order did not leave"


def test_e9_the_order_is_in_the_journal_before_it_is_at_the_venue(shop: Shop) -> None:
    rig = shop.rig
    submit, found = rig.sim.submit, []

    def looking(command: Any) -> None:
        reader = open_database(sqlite_url(shop.path))
        entries = [e.message for e in read_entries(reader, "test")]
        found.append(command in entries)
        reader.dispose()
        submit(command)

    rig.sim.submit = looking
    rig.position(BTC)
    assert found == [True, True], "the entry and its stop"
    assert len(rig.submitted(Purpose.ENTER, Purpose.STOP)) == 2
