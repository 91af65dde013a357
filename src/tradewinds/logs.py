"""Facts, not prose: a past-tense event name and its keys, one line each, rotated."""

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

FILE_BYTES_MAX = 5_000_000
FILES_KEPT = 3
TIME_FORMAT = "%Y-%m-%dT%H:%M:%S"


class Log:
    """`log.info("order_refused", check="...", reason="...")`."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(f"tradewinds.{name}")

    def info(self, event: str, **facts: object) -> None:
        """Something happened as it should."""
        self._write(logging.INFO, event, facts)

    def warning(self, event: str, **facts: object) -> None:
        """Something the operator may want to look at."""
        self._write(logging.WARNING, event, facts)

    def error(self, event: str, **facts: object) -> None:
        """Something the operator must look at."""
        self._write(logging.ERROR, event, facts)

    def _write(self, level: int, event: str, facts: dict[str, object]) -> None:
        if self._logger.isEnabledFor(level):
            pairs = " ".join(f"{key}={value!r}" for key, value in facts.items())
            self._logger.log(level, "%s %s", event, pairs)


def to_file(path: Path) -> None:
    """Send this process's log to a rotating file, readable by the owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(path, maxBytes=FILE_BYTES_MAX, backupCount=FILES_KEPT)
    handler.setFormatter(
        logging.Formatter("%(asctime)sZ %(levelname)s %(name)s %(message)s", TIME_FORMAT)
    )
    path.chmod(0o600)
    root = logging.getLogger("tradewinds")
    root.setLevel(logging.INFO)
    root.addHandler(handler)
    root.propagate = False
