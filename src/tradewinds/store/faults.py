"""What a database says when it fails, in a sentence that says what to do."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tradewinds.model.errors import (
    AccountInUse,
    InvariantBroken,
    JournalCorrupt,
    StoreUnavailable,
)

SQLITE_CAUSES = (
    ("SQLITE_BUSY", "another process holds a lock on the database; it is tried again"),
    ("SQLITE_LOCKED", "another connection holds a lock on the database; it is tried again"),
    ("SQLITE_FULL", "the disk is full; free some space"),
    ("SQLITE_READONLY", "the database is read-only; make the file and its folder writable"),
    ("SQLITE_CANTOPEN", "the database file cannot be opened; check its folder and permissions"),
    ("SQLITE_PERM", "the database file may not be opened; check its permissions"),
    ("SQLITE_IOERR", "the disk failed while reading or writing; check it and its free space"),
)
SQLITE_CORRUPT = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
POSTGRES_CAUSES = (
    ("53100", "the database server's disk is full; free some space"),
    ("53300", "the database server has too many connections"),
    ("55P03", "another session holds a lock; it is tried again"),
    ("25006", "the database is read-only"),
    ("28", "the database server refused user or password; check database_url"),
    ("3D000", "that database does not exist on the server; create it"),
    ("42501", "the database user lacks a permission"),
    ("57P", "the database server ended the connection"),
    ("XX001", "the database server reports corrupt data; restore a backup"),
)


def shown(url: URL) -> str:
    """The address without any secret, for messages and logs."""
    secret = {name: "hidden" for name in url.query if "pass" in name.lower()}
    return url.update_query_dict(secret).render_as_string(hide_password=True)


@contextmanager
def told(url: URL, doing: str) -> Iterator[None]:
    """Turns driver errors into StoreUnavailable, JournalCorrupt or AccountInUse.

    A value that no column can hold is our own bug: InvariantBroken.
    The text never holds SQL or its parameters.
    """
    try:
        yield
    except IntegrityError as error:
        raise AccountInUse(
            f"{doing}: a row is already there that only this account's engine writes; "
            "another engine is at work on the same account, stop one of them"
        ) from error
    except PoolTimeout as error:
        raise StoreUnavailable(f"{doing}: no free database connection") from error
    except DBAPIError as error:
        raise _translated(url, doing, error) from error
    except StatementError as error:
        raise InvariantBroken(f"{doing}: a value cannot be stored: {error.orig}") from error


def _translated(url: URL, doing: str, error: DBAPIError) -> StoreUnavailable | JournalCorrupt:
    name = getattr(error.orig, "sqlite_errorname", None) or ""
    detail = _first_line(error)
    if name.startswith(SQLITE_CORRUPT) or _says_not_a_database(error):
        return JournalCorrupt(
            f"{doing}: {shown(url)} is damaged or not a database ({detail}); restore a backup, or "
            "move the file and its -wal and -shm files away to start an empty one"
        )
    cause = _cause(name, SQLITE_CAUSES) or _cause(
        getattr(error.orig, "sqlstate", None) or "", POSTGRES_CAUSES
    )
    if not cause:
        lost = error.connection_invalidated or "connect" in detail
        cause = "no connection to the database" if lost else "the database refused"
    return StoreUnavailable(f"{doing}: {cause} ({detail})")


def _cause(code: str, causes: tuple[tuple[str, str], ...]) -> str:
    return next((text for start, text in causes if code and code.startswith(start)), "")


def _says_not_a_database(error: DBAPIError) -> bool:
    # Before it has a connection, the driver raises without an error name.
    return isinstance(error.orig, sqlite3.DatabaseError) and "not a database" in str(error.orig)


def _first_line(error: DBAPIError) -> str:
    lines = str(error.orig).strip().splitlines()
    return lines[0] if lines else type(error.orig).__name__
