"""A server that goes away in the middle: a clear error, nothing lost, nothing doubled."""

from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, text

from tradewinds.model.errors import StoreUnavailable
from tradewinds.store.database import open_database
from tradewinds.store.journal import StoreJournal, read_entries, verify

pytestmark = pytest.mark.server
Some = Any


def terminate(engine: Engine, pid: int) -> None:
    other = create_engine(engine.url)
    with other.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    other.dispose()


def test_a_connection_lost_in_the_middle_of_a_transaction(postgres: Engine, some: Some) -> None:
    journal = StoreJournal(postgres, "paper", "r1")
    journal.append_event(some.quote(1))
    journal.flush(some.checkpoint(1))
    killed = []

    def kill_before_the_last_statement(conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO checkpoints") and not killed:
            killed.append(conn.connection.dbapi_connection.info.backend_pid)
            terminate(postgres, killed[0])

    event.listen(postgres, "before_cursor_execute", kill_before_the_last_statement)
    journal.append_event(some.quote(2))
    journal.append_commands([some.order(2)])
    with pytest.raises(StoreUnavailable, match="cannot write the journal"):
        journal.flush(some.checkpoint(2))
    assert killed
    assert verify(postgres, "paper").entries == 1
    journal.append_event(some.quote(3))
    journal.flush(some.checkpoint(3))
    assert [e.sequence for e in read_entries(postgres, "paper") if e.kind == "e"] == [1, 2, 3]
    assert verify(postgres, "paper").ok


def test_a_connection_lost_right_after_the_commit_doubles_nothing(
    postgres: Engine, some: Some, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = StoreJournal(postgres, "paper", "r1")
    journal.append_event(some.quote(1))
    journal.append_commands([some.equity(1, "1000")])

    commit = postgres.dialect.do_commit

    def commit_then_kill(connection: Any) -> None:
        commit(connection)
        raw = connection.dbapi_connection
        terminate(postgres, raw.info.backend_pid)
        raw.execute("SELECT 1")

    with monkeypatch.context() as patched:
        patched.setattr(postgres.dialect, "do_commit", commit_then_kill)
        with pytest.raises(StoreUnavailable):
            journal.flush(None)
    journal.append_event(some.quote(2))
    journal.flush(None)
    assert verify(postgres, "paper").entries == 3
    with postgres.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM equity")).scalar() == 1


def test_an_idle_connection_that_was_cut_is_replaced_unseen(postgres: Engine, some: Some) -> None:
    journal = StoreJournal(postgres, "paper", "r1")
    with postgres.connect() as connection:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    terminate(postgres, pid)
    journal.append_event(some.quote(1))
    journal.flush(None)
    assert verify(postgres, "paper").entries == 1


def test_a_lock_held_by_another_session_is_not_waited_for_long(
    postgres: Engine, some: Some
) -> None:
    journal = StoreJournal(postgres, "paper", "r1")
    journal.append_event(some.quote(1))
    with postgres.begin() as other:
        other.execute(text("LOCK TABLE journal IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(StoreUnavailable, match="lock"):
            journal.flush(None)
    journal.flush(None)
    assert verify(postgres, "paper").entries == 1


def test_a_server_that_is_not_there_is_told_without_the_password() -> None:
    url = "postgresql://trader:hunter2@127.0.0.1:1/none?sslpassword=hunter3"
    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:1") as raised:
        open_database(url)
    assert "hunter" not in str(raised.value)
