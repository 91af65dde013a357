"""Notices when the file under an open SQLite connection is gone: writing to it goes on, into
nothing, without an error."""

from pathlib import Path

from sqlalchemy import Engine

from tradewinds.model.errors import StoreUnavailable


class Presence:
    """Which file it was when this was made. A server's database has none, and is always there."""

    def __init__(self, engine: Engine) -> None:
        sqlite = engine.dialect.name == "sqlite"
        self._engine = engine
        self._path = Path(str(engine.url.database)) if sqlite else None
        self._file = self._now()

    def replaced(self) -> bool:
        """Whether another file is there now; the next connection will be to that one.

        Raises StoreUnavailable while there is none.
        """
        if self._path is None:
            return False
        found = self._now()
        if found is None:
            raise StoreUnavailable(
                f"cannot write the journal: {self._path} is gone; put it back where it was, or "
                "stop this engine and start it again with a backup"
            )
        if found == self._file:
            return False
        self._file = found
        self._engine.dispose()
        return True

    def _now(self) -> tuple[int, int] | None:
        if self._path is None:
            return None
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino
