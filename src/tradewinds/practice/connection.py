"""How a practice venue that runs can be reached from this machine: one small file beside its
certificate, gone when it stops."""

import contextlib
import fcntl
import hashlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from tradewinds.model.errors import ConfigError
from tradewinds.practice.resolver import LOOPBACK
from tradewinds.practice.serve import Opened

FILE: Final = "connection.json"
LOCK: Final = "lock"
FOLDER: Final = "practice-venue"
LOOK_S: Final = 1.0


class Connection(Struct, frozen=True, kw_only=True):
    """What a client needs. Its keys are throwaways of one venue process, `pid`; `coinbase_key` is
    the file that holds Coinbase's."""

    pid: int
    port: int
    ca: str
    api_key: str
    secret: str
    hosts: tuple[str, ...]
    coinbase_key: str = ""

    def __repr__(self) -> str:
        return f"Connection(port {self.port}, pid {self.pid})"

    @property
    def name(self) -> str:
        """Of this venue and no other: every start has keys of its own, and an account of its own
        that begins anew."""
        return hashlib.sha256(self.api_key.encode()).hexdigest()[:8]


def folder_of(home: Path) -> Path:
    """Where the venue of this data folder keeps its certificate."""
    return home / FOLDER


class FolderTaken(ConfigError):
    """Another practice venue serves this folder, or is about to."""


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Alone in this folder, from before the venue listens until it is gone. Raises FolderTaken."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(folder) as alone:
        if not alone:
            raise FolderTaken(f"a practice venue serves {folder} already")
        yield


def is_claimed(folder: Path) -> bool:
    """Whether a venue is there, even if it does not listen yet."""
    if not folder.is_dir():
        return False
    with _locked(folder) as alone:
        return not alone


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(handle)


def leave(folder: Path, opened: Opened) -> None:
    """Say how to reach the venue of this process; readable by its owner alone."""
    found = Connection(
        pid=os.getpid(),
        port=opened.port,
        ca=str(opened.ca.absolute()),
        api_key=opened.api_key,
        secret=opened.secret,
        hosts=opened.hosts,
        coinbase_key=str(opened.coinbase_key.absolute()),
    )
    partial = folder / f"{FILE}.partial"
    partial.touch(mode=0o600)
    partial.write_bytes(msgspec.json.encode(found))
    partial.replace(folder / FILE)


def forget(folder: Path) -> None:
    """The venue of this process has stopped."""
    found = _noted(folder)
    if found is not None and found.pid == os.getpid():
        (folder / FILE).unlink(missing_ok=True)


def reachable(folder: Path) -> Connection | None:
    """None while no venue listens where the file says."""
    found = _noted(folder)
    if found is None or not _lives(found.pid):
        return None
    try:
        socket.create_connection((LOOPBACK, found.port), LOOK_S).close()
    except OSError:
        return None
    return found


def _noted(folder: Path) -> Connection | None:
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Connection)
    except (OSError, msgspec.MsgspecError):
        return None


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
