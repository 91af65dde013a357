"""A study may share the database with the journal; neither touches the other's tables."""

from pathlib import Path

import optuna
import pytest
from sqlalchemy import Engine, create_engine, text

from tradewinds.store.database import current_revision, open_database
from tradewinds.store.studies import SCHEMA, studies_url


def search(url: str) -> int:
    """One more trial in a study of that name; how many it holds now."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = optuna.storages.RDBStorage(url)
    study = optuna.create_study(study_name="s", storage=storage, load_if_exists=True)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    return len(study.trials)


@pytest.mark.server
def test_in_postgresql_a_study_has_a_schema_of_its_own(postgres_url: str, tmp_path: Path) -> None:
    journal = open_database(postgres_url)
    revision = current_revision(journal)
    url = studies_url(postgres_url, tmp_path)
    plain: Engine = create_engine(postgres_url)
    try:
        assert [search(url), search(studies_url(postgres_url, tmp_path))] == [1, 2]
        assert current_revision(journal) == revision
        with plain.connect() as connection:
            query = "SELECT count(*) FROM information_schema.tables WHERE table_schema = :s"
            assert connection.execute(text(query), {"s": SCHEMA}).scalar_one() > 5
        assert not list(tmp_path.iterdir())
    finally:
        with plain.begin() as connection:
            connection.execute(text(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))
        plain.dispose()
        journal.dispose()


def test_beside_sqlite_a_study_has_a_file_of_its_own(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'tradewinds.db'}"
    journal = open_database(address)
    revision = current_revision(journal)
    assert search(studies_url(address, tmp_path)) == 1
    assert current_revision(journal) == revision
    assert (tmp_path / "studies.db").exists()
    journal.dispose()
