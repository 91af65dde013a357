"""Checks of the database: reachable, schema, end of the journal, lease."""

from pathlib import Path
from typing import TYPE_CHECKING

from tradewinds.cli.audit import anchor_of
from tradewinds.cli.checkup import Check, failed, fine, note
from tradewinds.cli.store_access import database_file
from tradewinds.cli.words import moment
from tradewinds.model.errors import ConfigError, JournalCorrupt, StoreUnavailable

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tradewinds.config import Settings


def check_store(settings: "Settings", home: Path) -> list[Check]:
    """The database, then the journal in it. Never writes."""
    from tradewinds.config import database_url
    from tradewinds.store.database import open_database

    url = database_url(settings, home)
    if not settings.store.database_url and not database_file(home).exists():
        return [note("database", "none yet; SQLite is made at the first run")]
    try:
        engine = open_database(url, create=False)
    except ConfigError as error:
        return [failed("database", str(error), "see store.database_url in the settings")]
    except (StoreUnavailable, JournalCorrupt) as error:
        return [failed("database", str(error), "start it, free it, or restore a backup")]
    try:
        return [fine("database", reached(engine)), check_journal(engine, settings, home)]
    finally:
        engine.dispose()


def reached(engine: "Engine") -> str:
    """Which database, at which schema."""
    from tradewinds.store.database import current_revision

    return f"{engine.dialect.name}, schema {current_revision(engine)}"


def check_journal(engine: "Engine", settings: "Settings", home: Path) -> Check:
    """The last batch of the chain against the note kept beside the database."""
    from tradewinds.store.anchor import read_anchor
    from tradewinds.store.queries import runs
    from tradewinds.store.sealed import head_of

    account = settings.account.name
    try:
        with engine.connect() as connection:
            head = head_of(connection, account)
        last = next(iter(runs(engine, account)), None)
    except (StoreUnavailable, JournalCorrupt) as error:
        return failed("journal", str(error), "run `trading-cli audit`")
    anchor = read_anchor(anchor_of(home))
    if anchor is not None and anchor.number > head.number:
        return failed(
            "journal",
            f"it ends at batch {head.number}, noted was {anchor.number}",
            "run `trading-cli audit`, then restore a backup",
        )
    if last is None:
        return note("journal", f"account {account} has not traded yet")
    return fine(
        "journal",
        f"account {account}: batch {head.number}, last event {moment(last.last_time_ns)};"
        " `trading-cli audit` walks all of it",
    )
