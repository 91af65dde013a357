"""When the database fails, what reduces risk is still kept, and comes home at the next start."""

import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from tradewinds.model.errors import AccountInUse, JournalCorrupt, StoreUnavailable
from tradewinds.store import queries
from tradewinds.store.emergency import EmergencyJournal, recover
from tradewinds.store.journal import StoreJournal, read_entries, verify

Some = Any


@pytest.fixture
def aside(tmp_path: Path) -> Path:
    return tmp_path / "aside" / "paper.emergency"


def sequences(database: Engine) -> list[int]:
    return [e.sequence for e in read_entries(database, "paper") if e.kind == "e"]


def left_aside(
    database: Engine, some: Some, aside: Path, run: str = "r1", account: str = "paper"
) -> None:
    """One batch in the database, two in the emergency file, then the engine is gone."""
    journal = StoreJournal(
        database, account, run, emergency=EmergencyJournal(aside, reserve_bytes=1000)
    )
    journal.append_event(some.quote(1))
    journal.flush(some.checkpoint(1))
    for n in (2, 3):
        journal.append_event(some.quote(n))
        journal.append_commands([some.order(n)])
        journal.flush_emergency(some.checkpoint(n))
    journal.close()


def test_what_was_left_aside_is_imported_at_the_next_start(
    database: Engine, some: Some, aside: Path
) -> None:
    left_aside(database, some, aside)
    assert sequences(database) == [1]
    StoreJournal(database, "paper", "r2", emergency=EmergencyJournal(aside)).close()
    assert sequences(database) == [1, 2, 3]
    assert queries.checkpoint(database, "paper") == some.checkpoint(3)
    assert len(queries.orders(database, "paper")) == 2
    assert verify(database, "paper").ok
    assert not aside.exists()
    assert len(list(aside.parent.glob("*.imported-*"))) == 1


def test_importing_twice_changes_nothing(database: Engine, some: Some, aside: Path) -> None:
    left_aside(database, some, aside)
    copy = aside.read_bytes()
    assert recover(database, aside) == 2
    aside.write_bytes(copy)
    assert recover(database, aside) == 0
    assert recover(database, aside) == 0
    assert verify(database, "paper").entries == 5


def test_a_database_that_comes_back_in_the_same_run_gets_everything_once(
    database: Engine, some: Some, aside: Path
) -> None:
    journal = StoreJournal(database, "paper", "r1", emergency=EmergencyJournal(aside))
    for n in range(1, 9):
        journal.append_event(some.quote(n))
        # Twice the database is away and comes back, so the file has a gap.
        if n in (2, 3, 6):
            journal.flush_emergency()
        else:
            journal.flush(None)
    assert sequences(database) == list(range(1, 9))
    journal.append_event(some.quote(9))
    journal.flush_emergency()
    journal.close()
    assert recover(database, aside) == 1
    assert sequences(database) == list(range(1, 10))
    assert verify(database, "paper").ok


def test_saving_aside_repeats_nothing_that_is_there_already(
    database: Engine, some: Some, aside: Path
) -> None:
    journal = StoreJournal(database, "paper", "r1", emergency=EmergencyJournal(aside))
    journal.append_event(some.quote(1))
    journal.flush_emergency()
    journal.flush_emergency()
    journal.append_event(some.quote(2))
    journal.flush_emergency()
    assert len(aside.read_bytes().splitlines()) == 2
    assert journal.pending.count == 2


def test_a_torn_last_line_is_dropped(database: Engine, some: Some, aside: Path) -> None:
    left_aside(database, some, aside)
    content = aside.read_bytes()
    aside.write_bytes(content[:-20])
    assert recover(database, aside) == 1
    assert sequences(database) == [1, 2]


def test_an_edited_line_is_refused_and_named(database: Engine, some: Some, aside: Path) -> None:
    left_aside(database, some, aside)
    lines = aside.read_bytes().splitlines(keepends=True)
    for broken in (b"!" + lines[0][1:], lines[0][:80] + b"AAAA" + lines[0][84:]):
        aside.write_bytes(broken + lines[1])
        with pytest.raises(JournalCorrupt, match="line 1"):
            recover(database, aside)
    assert sequences(database) == [1]
    assert aside.exists()


def test_what_does_not_follow_the_database_is_refused(
    database: Engine, some: Some, aside: Path
) -> None:
    left_aside(database, some, aside)
    other = StoreJournal(database, "paper", "other")
    other.append_event(some.quote(7))
    other.flush(None)
    with pytest.raises(AccountInUse, match="another engine wrote batch 2"):
        recover(database, aside)
    with database.begin() as connection:
        connection.execute(text("DELETE FROM journal"))
    with pytest.raises(JournalCorrupt, match="the journal ends at batch 0"):
        recover(database, aside)


def test_an_empty_file_is_put_away(database: Engine, aside: Path) -> None:
    aside.parent.mkdir()
    aside.write_bytes(b"")
    assert recover(database, aside) == 0
    assert not aside.exists()


def test_a_place_that_cannot_be_written_is_told(
    database: Engine, some: Some, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    emergency = EmergencyJournal(tmp_path / "file" / "paper.emergency")
    journal = StoreJournal(database, "paper", "r1", emergency=emergency)
    journal.append_event(some.quote(1))
    with pytest.raises(StoreUnavailable, match="cannot write"):
        journal.flush_emergency()
    journal.flush(None)
    assert sequences(database) == [1]


def test_the_reserve_lets_a_full_disk_take_what_reduces_risk(
    small_disk: Path, sqlite: Engine, some: Some
) -> None:
    emergency = EmergencyJournal(small_disk / "paper.emergency", reserve_bytes=200_000)
    journal = StoreJournal(sqlite, "paper", "r1", emergency=emergency)
    with pytest.raises(OSError, match="No space"):
        (small_disk / "ballast").write_bytes(os.urandom(4_000_000))
    for n in range(20):
        journal.append_event(some.quote(n))
        journal.append_commands([some.refused(i, "x" * 500) for i in range(200)])
        journal.flush_emergency()
    journal.append_event(some.quote(99))
    journal.append_commands([some.refused(i, os.urandom(500).hex()) for i in range(500)])
    with pytest.raises(StoreUnavailable, match="No space"):
        journal.flush_emergency()
    journal.close()
    assert recover(sqlite, emergency.path) == 20
    assert verify(sqlite, "paper").ok
