"""Checks of the database: reachable, schema, end of the journal, lease."""

from pathlib import Path
from typing import TYPE_CHECKING

from tradewinds.cli.audit import anchor_of
from tradewinds.cli.checkup import Check, failed, fine, note
from tradewinds.cli.store_access import accounts_of, database_file
from tradewinds.cli.words import moment
from tradewinds.model.errors import ConfigError, JournalCorrupt, StoreUnavailable

if TYPE_CHECKING:
    from tradewinds.config import Settings
    from tradewinds.store.database import Database


def check_store(settings: "Settings", home: Path) -> list[Check]:
    """The database, then the journal in it. Never writes."""
    from tradewinds.config import database_url
    from tradewinds.store.database import open_database

    url = database_url(settings, home)
    if not settings.store.database_url and not database_file(home).exists():
        return [note("database", "none yet; SQLite is made at the first run")]
    try:
        database = open_database(url, create=False)
    except ConfigError as error:
        return [failed("database", str(error), "see store.database_url in the settings")]
    except (StoreUnavailable, JournalCorrupt) as error:
        return [failed("database", str(error), "start it, free it, or restore a backup")]
    try:
        journals = [
            check_journal(database, account, home)
            for account in accounts_of(database, settings, home)
        ]
        return [fine("database", reached(database)), *journals]
    except (StoreUnavailable, JournalCorrupt) as error:
        return [failed("database", str(error), "run `trading-cli audit`")]
    finally:
        database.dispose()


def reached(database: "Database") -> str:
    """Which database, at which schema."""
    from tradewinds.store.database import current_revision

    return f"{database.dialect.name}, schema {current_revision(database)}"


def check_journal(database: "Database", account: str, home: Path) -> Check:
    """The last batch of the chain against the note kept beside the database."""
    from tradewinds.store.anchor import read_anchor
    from tradewinds.store.queries import runs
    from tradewinds.store.sealed import head_of

    with database.connect() as connection:
        head = head_of(connection, account)
    anchor = read_anchor(anchor_of(home, account))
    if anchor is not None and anchor.number > head.number:
        return failed(
            "journal",
            f"account {account} ends at batch {head.number}, noted was {anchor.number}",
            "run `trading-cli audit`, then restore a backup",
        )
    last = runs(database, account)[0]
    return fine(
        "journal",
        f"account {account}: batch {head.number}, last event {moment(last.last_time_ns)};"
        " `trading-cli audit` walks all of it",
    )
