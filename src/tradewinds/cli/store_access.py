"""The store, for reading: opened, and closed again."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tradewinds.cli.exits import CliError, Exit

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tradewinds.config import Settings


@contextmanager
def reading(settings: "Settings", home: Path) -> "Iterator[Engine]":
    """The database. Raises CliError where none was made yet, StoreUnavailable where it is gone."""
    from tradewinds.config import database_url
    from tradewinds.store.database import open_database

    if not settings.store.database_url and not database_file(home).exists():
        raise nothing_yet(f"there is no database in {home} yet")
    engine = open_database(database_url(settings, home), create=False)
    try:
        yield engine
    finally:
        engine.dispose()


def database_file(home: Path) -> Path:
    """Where SQLite is, when no other database is configured."""
    return home / "tradewinds.db"


def nothing_yet(detail: str) -> CliError:
    """No run has been journalled."""
    return CliError(
        f"{detail}: nothing has been traded",
        Exit.FAILURE,
        "start with `trading-cli run`, or name another data folder with --home",
    )
