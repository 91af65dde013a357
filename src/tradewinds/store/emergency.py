"""Where batches go while the database does not take them: a file, one batch a line."""

import base64
import binascii
import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct
from sqlalchemy import Engine

from tradewinds.model.errors import JournalCorrupt, StoreUnavailable
from tradewinds.store.chain import Batch, checkpoint_hash, hash_of
from tradewinds.store.database import writing
from tradewinds.store.faults import told
from tradewinds.store.payload import decode, unpack
from tradewinds.store.sealed import SealedBatch, not_yet_written, sealed_batch, write_batches

RESERVE_BYTES = 4 * 1024 * 1024


class _Line(Struct, frozen=True, kw_only=True):
    batch: Batch
    checkpoint: bytes | None


class EmergencyJournal:
    """Appends sealed batches, which carry their own hash chain, and syncs them to the disk.

    A reserve file keeps room, so that a full disk can still take what reduces risk.
    """

    def __init__(self, path: Path, *, reserve_bytes: int = RESERVE_BYTES) -> None:
        self.path = path
        self._reserve = path.with_name(path.name + ".reserve")
        self._file: int | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not self._reserve.exists():
                self._reserve.write_bytes(bytes(reserve_bytes))
        except OSError:
            # Without a reserve it still works until the disk is full.
            self._free_reserve()

    def append(self, batches: Sequence[SealedBatch]) -> None:
        """Durable on return. Raises StoreUnavailable, and then leaves no half line."""
        lines = b"".join(_written(sealed) for sealed in batches)
        if not lines:
            return
        try:
            self._append(lines)
        except OSError:
            self._free_reserve()
            try:
                self._append(lines)
            except OSError as error:
                raise StoreUnavailable(f"cannot write {self.path}: {error.strerror}") from error

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _free_reserve(self) -> None:
        with suppress(OSError):
            self._reserve.unlink(missing_ok=True)

    def _append(self, lines: bytes) -> None:
        if self._file is None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self._file = os.open(self.path, flags, 0o600)
            _sync_folder(self.path.parent)
        good = os.fstat(self._file).st_size
        try:
            if os.write(self._file, lines) != len(lines):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, good)
            raise


def recover(engine: Engine, path: Path) -> int:
    """Import what an earlier run left at `path`, then rename it; returns batches imported.

    Doing it twice changes nothing. A torn last line never counted as durable and is dropped.
    Raises StoreUnavailable; JournalCorrupt or AccountInUse when it does not fit the chain.
    """
    if not path.exists():
        return 0
    batches = _read(path)
    imported = 0
    with told(engine.url, f"cannot import {path}"), writing(engine) as connection:
        for linked in _linked(batches):
            missing = not_yet_written(connection, linked)
            write_batches(connection, missing)
            imported += len(missing)
    name = batches[-1].batch.hash[:12] if batches else "empty"
    path.rename(path.with_name(f"{path.name}.imported-{name}"))
    return imported


def _read(path: Path) -> list[SealedBatch]:
    lines = path.read_bytes().split(b"\n")
    # What follows the last newline is torn, or nothing.
    return [_parsed(path, number, line) for number, line in enumerate(lines[:-1], start=1)]


def _linked(batches: Sequence[SealedBatch]) -> Iterator[list[SealedBatch]]:
    """Stretches that follow on each other; between them the database worked."""
    stretch: list[SealedBatch] = []
    for sealed in batches:
        if stretch and sealed.batch.prev_hash != stretch[-1].batch.hash:
            yield stretch
            stretch = []
        stretch.append(sealed)
    if stretch:
        yield stretch


def _written(sealed: SealedBatch) -> bytes:
    line = msgspec.msgpack.encode(_Line(batch=sealed.batch, checkpoint=sealed.checkpoint))
    return base64.b64encode(line) + b"\n"


def _parsed(path: Path, number: int, line: bytes) -> SealedBatch:
    try:
        read = msgspec.msgpack.decode(base64.b64decode(line, validate=True), type=_Line)
    except (binascii.Error, msgspec.MsgspecError) as error:
        raise JournalCorrupt(f"{path} line {number} cannot be read: {error}") from error
    batch = read.batch
    if hash_of(batch) != batch.hash or checkpoint_hash(read.checkpoint) != batch.checkpoint_hash:
        raise JournalCorrupt(f"{path} line {number} is not what was written")
    return sealed_batch(batch, decode(unpack(batch.payload)), read.checkpoint)


def _sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
