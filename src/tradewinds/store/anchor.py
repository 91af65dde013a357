"""The head of the chain in a small file of its own: what shows that a journal lost its tail."""

import os
from pathlib import Path

from tradewinds.model.errors import StoreUnavailable
from tradewinds.store.sealed import Head


class Anchor:
    """One line, overwritten in place: it takes no new space on a full disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreUnavailable(f"cannot write {path}: {error.strerror}") from error

    def write(self, head: Head) -> None:
        """Raises OSError. The batch itself is durable by now."""
        os.pwrite(self._file, f"{head.number:020d} {head.hash}\n".encode(), 0)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


def read_anchor(path: Path) -> Head | None:
    """What was last noted; None without a readable note."""
    try:
        words = path.read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError):
        return None
    if len(words) != 2 or not words[0].isdigit():
        return None
    return Head(number=int(words[0]), hash=words[1])
