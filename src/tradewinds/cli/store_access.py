"""The store, for reading: opened, and closed again; and whose record is meant."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tradewinds.cli.engine_link import last_known
from tradewinds.cli.exits import CliError, Exit

if TYPE_CHECKING:
    from tradewinds.config import Settings
    from tradewinds.store.database import Database

KINDS: Final = ("live", "replay", "synthetic", "practice", "testnet", "demo", "real")


@contextmanager
def reading(settings: "Settings", home: Path) -> "Iterator[Database]":
    """The database. Raises CliError where none was made yet, StoreUnavailable where it is gone."""
    from tradewinds.config import database_url
    from tradewinds.store.database import open_database

    if not settings.store.database_url and not database_file(home).exists():
        raise nothing_yet(f"there is no database in {home} yet")
    database = open_database(database_url(settings, home), create=False)
    try:
        yield database
    finally:
        database.dispose()


def database_file(home: Path) -> Path:
    """Where SQLite is, when no other database is configured."""
    return home / "tradewinds.db"


def accounts_of(database: "Database", settings: "Settings", home: Path) -> tuple[str, ...]:
    """Accounts of these settings, last traded first: live, recorded and synthetic are apart.

    Runs are stamped with the time of their data, which may be years ago, so the state file that
    every run leaves goes before them.
    """
    from tradewinds.store import queries

    name, last = settings.account.name, last_known(home)
    order = []
    for account in queries.accounts(database):
        if is_of(account, name):
            runs = queries.runs(database, account)
            is_last = last is not None and last.run_id in {run.run_id for run in runs}
            order.append((not is_last, -max(run.last_time_ns for run in runs), account))
    return tuple(account for _, _, account in sorted(order))


def is_of(account: str, name: str) -> bool:
    """Whether an account's journal belongs to these settings: `paper-live`, `paper-replay-1a2b`."""
    return account == name or (account.startswith(f"{name}-") and bool(kind_of(account, name)))


def kind_of(account: str, name: str) -> str:
    """What it trades on; '' where its name does not tell."""
    kind = account.removeprefix(f"{name}-").partition("-")[0]
    return kind if kind in KINDS else ""


def chosen_account(
    database: "Database", settings: "Settings", home: Path, wanted: str | None
) -> str:
    """The account asked for, else the one that traded last. Raises CliError."""
    known = accounts_of(database, settings, home)
    if not known:
        raise nothing_yet(f"no run of account {settings.account.name} is in the store")
    if wanted is None:
        return known[0]
    if wanted not in known:
        raise CliError(
            f"no account {wanted} in the store", Exit.USAGE, f"there are {', '.join(known)}"
        )
    return wanted


def nothing_yet(detail: str) -> CliError:
    """No run has been journalled."""
    return CliError(
        f"{detail}: nothing has been traded",
        Exit.FAILURE,
        "start with `trading-cli run`, or name another data folder with --home",
    )
