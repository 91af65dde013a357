"""A locked, full, read-only or damaged file: a clear error, nothing lost, nothing doubled."""

import os
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from tradewinds.model.errors import JournalCorrupt, StoreUnavailable
from tradewinds.store.database import check_integrity, open_database, sqlite_url
from tradewinds.store.journal import StoreJournal, read_entries, verify

Some = Any
Fault = Callable[[Engine, Path], Any]


@contextmanager
def locked(_engine: Engine, path: Path) -> Iterator[None]:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@contextmanager
def pragma(engine: Engine, during: str, after: str) -> Iterator[None]:
    def on_begin(connection: Any) -> None:
        connection.exec_driver_sql(during)

    event.listen(engine, "begin", on_begin, insert=True)
    try:
        yield
    finally:
        event.remove(engine, "begin", on_begin)
        with engine.connect() as connection:
            connection.exec_driver_sql(after)


def full(engine: Engine, _path: Path) -> Any:
    return pragma(engine, "PRAGMA max_page_count = 1", "PRAGMA max_page_count = 1073741823")


def read_only(engine: Engine, _path: Path) -> Any:
    return pragma(engine, "PRAGMA query_only = ON", "PRAGMA query_only = OFF")


FAULTS = [(locked, "lock"), (full, "disk is full"), (read_only, "read-only")]


@pytest.mark.parametrize(("fault", "words"), FAULTS)
def test_what_could_not_be_written_is_written_once_when_it_can(
    sqlite: Engine, sqlite_path: Path, some: Some, fault: Fault, words: str
) -> None:
    journal = StoreJournal(sqlite, "paper", "r1")
    journal.append_event(some.quote(0))
    journal.flush(some.checkpoint(0))
    with fault(sqlite, sqlite_path):
        for n in range(1, 4):
            journal.append_event(some.quote(n))
            journal.append_commands([some.order(n), *[some.refused(i) for i in range(200)]])
            with pytest.raises(StoreUnavailable, match=words) as raised:
                journal.flush(some.checkpoint(n))
            assert "INSERT" not in str(raised.value)
        assert journal.pending.count == 3 * 202
    journal.append_event(some.quote(4))
    journal.flush(None)
    assert journal.pending.count == 0
    sequences = [e.sequence for e in read_entries(sqlite, "paper") if e.kind == "e"]
    assert sequences == [1, 2, 3, 4, 5]
    assert verify(sqlite, "paper").ok


def test_a_commit_that_failed_after_it_was_done_is_not_repeated(
    sqlite: Engine, some: Some, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = StoreJournal(sqlite, "paper", "r1")
    journal.append_event(some.quote(1))
    journal.append_commands([some.order(1), some.equity(1, "1000")])

    commit = sqlite.dialect.do_commit

    def lose_the_answer(connection: Any) -> None:
        commit(connection)
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patched:
        patched.setattr(sqlite.dialect, "do_commit", lose_the_answer)
        with pytest.raises(StoreUnavailable):
            journal.flush(some.checkpoint(1))
    journal.append_event(some.quote(2))
    journal.flush(some.checkpoint(2))
    assert [e.sequence for e in read_entries(sqlite, "paper") if e.kind == "e"] == [1, 2]
    with sqlite.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM equity")).scalar() == 1
    assert verify(sqlite, "paper").ok


def test_a_really_full_disk_is_told_and_survived(small_disk: Path, some: Some) -> None:
    engine = open_database(sqlite_url(small_disk / "t.db"))
    journal = StoreJournal(engine, "paper", "r1")
    journal.append_event(some.quote(1))
    journal.flush(None)
    ballast = small_disk / "ballast"
    with pytest.raises(OSError, match="No space"):
        ballast.write_bytes(os.urandom(4_000_000))
    journal.append_event(some.quote(2))
    journal.append_commands([some.refused(n, "x" * 500) for n in range(500)])
    with pytest.raises(StoreUnavailable, match="disk is full"):
        journal.flush(None)
    ballast.unlink()
    journal.flush(None)
    assert verify(engine, "paper").entries == 502
    check_integrity(engine)
    engine.dispose()


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\0" * 300])
def test_a_file_that_is_no_database_is_named_with_what_to_do(
    sqlite_path: Path, content: bytes
) -> None:
    sqlite_path.write_bytes(content)
    with pytest.raises(JournalCorrupt, match="restore a backup") as raised:
        open_database(sqlite_url(sqlite_path))
    assert str(sqlite_path) in str(raised.value)
    assert sqlite_path.read_bytes() == content


def test_a_damaged_page_is_found(sqlite: Engine, sqlite_path: Path, some: Some) -> None:
    journal = StoreJournal(sqlite, "paper", "r1")
    for n in range(200):
        journal.append_event(some.quote(n))
        journal.append_commands([some.refused(i) for i in range(20)])
        journal.flush(None)
    with sqlite.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    sqlite.dispose()
    check_integrity(sqlite)
    sqlite.dispose()
    with sqlite_path.open("r+b") as file:
        size = sqlite_path.stat().st_size
        for page in range(10, size // 4096, 3):
            file.seek(page * 4096)
            file.write(b"\xff" * 4096)
    with pytest.raises(JournalCorrupt):
        check_integrity(sqlite)
    with pytest.raises(JournalCorrupt):
        for _ in read_entries(sqlite, "paper"):
            pass


def test_a_file_we_may_not_write_is_told(sqlite_path: Path) -> None:
    open_database(sqlite_url(sqlite_path)).dispose()
    program = """
        import os, sys
        from tradewinds.model.errors import StoreUnavailable
        from tradewinds.store.database import open_database
        from tradewinds.store.journal import StoreJournal
        if os.getuid() == 0:
            os.setuid(65534)
        try:
            journal = StoreJournal(open_database(sys.argv[1]), "paper", "r1")
            from tradewinds.model.events import TimerFired
            journal.append_event(TimerFired(timer_id="t", venue_time_ns=1, received_time_ns=1))
            journal.flush(None)
        except StoreUnavailable as error:
            print(error)
    """
    folder = sqlite_path.parent
    for parent in (folder, *folder.parents[:3]):
        if parent.owner() == "root" and str(parent).startswith("/tmp/"):
            parent.chmod(0o755)
    folder.chmod(0o555)
    sqlite_path.chmod(0o444)
    told = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), sqlite_url(sqlite_path)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    folder.chmod(0o755)
    assert "read-only" in told.stdout or "cannot be opened" in told.stdout, told


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreUnavailable, match="cannot make"):
        open_database(sqlite_url(tmp_path / "file" / "t.db"))


def test_a_database_locked_while_it_is_opened_is_told(sqlite_path: Path) -> None:
    other = sqlite3.connect(sqlite_path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreUnavailable, match="lock"):
        open_database(sqlite_url(sqlite_path), busy_timeout_ms=10)
    other.close()
