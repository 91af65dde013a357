"""A file replaced all or nothing: the old one stays until the new one is on the disk."""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tradewinds.vault.errors import VaultRefused


def replace_file(path: Path, content: bytes) -> None:
    """Mode 0600; written aside, synced, read back, renamed. After an OSError nothing changed."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    aside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if aside.read_bytes() != content:
            raise OSError(f"{path}: what was written did not read back the same")
        aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(path: Path) -> None:
    """Remove what a crash left beside `path`. Hold the lock."""
    for left in path.parent.glob(f".{path.name}.*"):
        left.unlink(missing_ok=True)


@contextlib.contextmanager
def held(lock: Path) -> Iterator[None]:
    """Alone with the vault. Raises VaultRefused when another process is."""
    handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise VaultRefused("another process is changing the vault: try again") from None
        yield
    finally:
        os.close(handle)
