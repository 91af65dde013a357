"""Opening a database: made, migrated, or refused with what to do; secrets never shown."""

import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, make_url, text

import tradewinds.store
from tradewinds.model.errors import ConfigError
from tradewinds.store.database import current_revision, open_database, sqlite_url
from tradewinds.store.faults import shown
from tradewinds.store.tables import METADATA, REVISIONS


def test_the_migrations_make_exactly_the_tables_of_the_code(database: Engine) -> None:
    with database.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_the_code_knows_every_revision_in_order() -> None:
    config = Config()
    folder = Path(tradewinds.store.__file__).with_name("migrations")
    config.set_main_option("script_location", str(folder))
    written = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(written)) == REVISIONS


def test_opening_again_changes_nothing(url: str, database: Engine) -> None:
    again = open_database(url, create=False)
    assert current_revision(again) == REVISIONS[-1]
    again.dispose()


def test_two_processes_may_open_a_new_database_at_once(url: str) -> None:
    failed: list[Exception] = []
    start = threading.Barrier(4)

    def open_it() -> None:
        start.wait()
        try:
            open_database(url, busy_timeout_ms=20).dispose()
        except Exception as error:  # noqa: BLE001
            failed.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_a_newer_schema_is_refused_with_what_to_do(url: str, database: Engine) -> None:
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for create in (True, False):
        with pytest.raises(ConfigError, match=r"newer Tradewinds.*update the program"):
            open_database(url, create=create)


def test_a_reader_neither_makes_nor_migrates(sqlite_path: Path) -> None:
    with pytest.raises(ConfigError, match="start trading-cli run first"):
        open_database(sqlite_url(sqlite_path), create=False)
    assert not sqlite_path.exists()
    sqlite_path.touch()
    with pytest.raises(ConfigError, match="start trading-cli run first"):
        open_database(sqlite_url(sqlite_path), create=False)


def test_a_sqlite_file_is_safe_against_power_loss_and_other_users(
    sqlite: Engine, sqlite_path: Path
) -> None:
    with sqlite.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
        assert connection.execute(text("PRAGMA busy_timeout")).scalar() == 10
    assert stat.S_IMODE(sqlite_path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("hunter2", "not a URL"),
        ("", "not a URL"),
        ("mysql://trader:hunter2@host/db", "mysql is not supported"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("postgresql://trader:hunter2@host:port/db", "not a URL"),
    ],
)
def test_a_wrong_url_is_refused_without_showing_secrets(url: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as refused:
        open_database(url)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_postgresql_is_understood(postgres_url: str, scheme: str) -> None:
    open_database(scheme + postgres_url[postgres_url.index("://") :]).dispose()


def test_a_shown_url_holds_no_password() -> None:
    url = make_url("postgresql://trader:hunter2@host/db?sslpassword=hunter3&sslmode=require")
    assert shown(url) == "postgresql://trader:***@host/db?sslmode=require&sslpassword=hidden"


def test_reading_does_not_load_the_migration_tool(sqlite: Engine, sqlite_path: Path) -> None:
    program = (
        "import sys, tradewinds.store.queries\n"
        "from tradewinds.store.database import open_database\n"
        "open_database(sys.argv[1])\n"
        "assert not {'alembic', 'psycopg'} & set(sys.modules)"
    )
    subprocess.run(
        [sys.executable, "-c", program, sqlite_url(sqlite_path)],
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
