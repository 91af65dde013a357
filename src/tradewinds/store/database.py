"""Opens the database: SQLite in WAL mode or PostgreSQL, brought to the schema this code knows."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from tradewinds.model.errors import ConfigError, JournalCorrupt, StoreUnavailable
from tradewinds.store.faults import shown, told
from tradewinds.store.tables import REVISIONS

WRITING = "tradewinds_writing"
PRAGMA_WAIT_S = 1.0
PRAGMA_PAUSE_S = 0.01
MIGRATION_LOCK = 0x7477_6D69
MIGRATION_WAIT_MS = 20_000
OPENING_WAIT_MS = 5_000
MEMORY = (None, "", ":memory:")
POSTGRES_DEFAULTS = {
    "application_name": "tradewinds",
    "connect_timeout": "3",
    "tcp_user_timeout": "5000",
}


Database = Engine
"""What callers hold: an engine of SQLAlchemy, opened here."""


def sqlite_url(path: Path) -> str:
    """The URL of a database file."""
    return URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)


def open_database(url: str, *, busy_timeout_ms: int = 250, create: bool = True) -> Engine:
    """An engine whose schema is current.

    With `create` (the trading engine) a missing database is made and an older one migrated;
    without (readers) both are ConfigError, as is a newer schema than this code knows.
    Raises StoreUnavailable when it cannot be reached, JournalCorrupt when it cannot be read.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        _place_file(parsed, create)
    # Another process may be making the same database: a first look may wait for it.
    looking = _engine(parsed, max(busy_timeout_ms, OPENING_WAIT_MS) if create else busy_timeout_ms)
    with told(parsed, f"cannot open {shown(parsed)}"):
        revision = current_revision(looking)
        if revision != REVISIONS[-1]:
            _require_known(revision, parsed, create)
            migrate(looking)
    looking.dispose()
    return _engine(parsed, busy_timeout_ms)


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One write transaction: on SQLite it takes the write lock at its start."""
    options = {WRITING: True}
    with engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


def current_revision(engine: Engine) -> str | None:
    """The schema revision in the database, None in a database without our tables."""
    with engine.connect() as connection:
        tables = inspect(connection)
        if not tables.has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def migrate(engine: Engine) -> None:
    """Bring the schema to the last revision. Two processes may try at once."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    # Longer than a flush may wait: another process may be at it, and it takes a moment.
    patient = _engine(engine.url, MIGRATION_WAIT_MS)
    with writing(patient) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"SET LOCAL lock_timeout = {MIGRATION_WAIT_MS}"))
            connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    patient.dispose()


def check_integrity(engine: Engine) -> None:
    """Let SQLite read its whole file. Raises JournalCorrupt; takes seconds per gigabyte."""
    if engine.dialect.name != "sqlite":
        return
    with told(engine.url, "checking the database file"), engine.connect() as connection:
        found = connection.execute(text("PRAGMA quick_check(1)")).scalar()
    if found != "ok":
        raise JournalCorrupt(f"{shown(engine.url)} is damaged: {found}; restore a backup")


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise ConfigError(
            "database_url is not a URL; write sqlite:////path/to/tradewinds.db or "
            "postgresql://user:password@host:5432/name"
        ) from error
    backend = parsed.get_backend_name()
    if backend in ("postgres", "postgresql"):
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise ConfigError(f"database_url: {backend} is not supported; use sqlite or postgresql")
    if parsed.database in MEMORY:
        raise ConfigError("database_url: SQLite needs a file, as in sqlite:////path/tradewinds.db")
    return parsed.set(drivername="sqlite")


def _place_file(url: URL, create: bool) -> None:
    path = Path(str(url.database))
    if path.exists():
        return
    if not create:
        raise ConfigError(f"there is no database at {path} yet; start trading-cli run first")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Ours alone: the journal holds what was traded and why.
        path.touch(mode=0o600)
    except OSError as error:
        raise StoreUnavailable(f"cannot make {path}: {error.strerror}") from error


def _engine(url: URL, busy_timeout_ms: int) -> Engine:
    if url.get_backend_name() == "postgresql":
        given = POSTGRES_DEFAULTS | {
            "options": f"-c lock_timeout={busy_timeout_ms} -c statement_timeout=30000"
        }
        # An explicit query argument in database_url wins over ours.
        missing = {name: value for name, value in given.items() if name not in url.query}
        return create_engine(url, connect_args=missing, pool_pre_ping=True)
    arguments = {"timeout": busy_timeout_ms / 1000, "isolation_level": None}
    engine = create_engine(url, connect_args=arguments)
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _record: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    # FULL: a committed order survives a power cut, not only a crash of ours.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        _pragma(cursor, pragma)
    cursor.close()


def _pragma(cursor: Any, pragma: str) -> None:
    """The change to WAL does not wait for another's lock by itself, whatever the busy timeout."""
    give_up = time.monotonic() + PRAGMA_WAIT_S
    while True:
        try:
            cursor.execute(f"PRAGMA {pragma}")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > give_up:
                raise
            time.sleep(PRAGMA_PAUSE_S)


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads and then writes would fail half-way if it began as a reader.
    immediate = connection.get_execution_options().get(WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _require_known(revision: str | None, url: URL, create: bool) -> None:
    if revision is not None and revision not in REVISIONS:
        raise ConfigError(
            f"{shown(url)} was written by a newer Tradewinds (schema {revision}, this one knows "
            f"{REVISIONS[-1]}); update the program or choose another database_url"
        )
    if not create:
        raise ConfigError(f"{shown(url)} has no current schema yet; start trading-cli run first")
