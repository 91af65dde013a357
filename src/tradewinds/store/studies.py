"""Where parameter studies are kept: beside the journal, never among its tables.

The search library manages a schema of its own, with the same bookkeeping table as ours, so it gets
a file of its own beside SQLite, or a schema of its own in PostgreSQL.
"""

from pathlib import Path
from typing import Final

from sqlalchemy import create_engine, make_url, text

from tradewinds.store.faults import shown, told

SCHEMA: Final = "tradewinds_studies"
FILE: Final = "studies.db"


def studies_url(database_url: str, home: Path) -> str:
    """The address for the search library. Raises StoreUnavailable when it cannot be reached."""
    if not database_url or make_url(database_url).get_backend_name() == "sqlite":
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        return f"sqlite:///{home / FILE}"
    url = make_url(database_url).set(drivername="postgresql+psycopg")
    with told(url, f"cannot open {shown(url)}"):
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        engine.dispose()
    there = url.update_query_dict({"options": f"-csearch_path={SCHEMA}"})
    return there.render_as_string(hide_password=False)
