"""What was checked, proved and promised before real money is traded: rows in one file, chained.

Append-only, one JSON object a line, each with the hash of the one before: a row that was changed
or taken out shows, and then nothing in the file counts. So do rows cut off at its end: how many
there are, and the last one's hash, is noted in a file of its own.
"""

import fcntl
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from tradewinds.model.errors import ConfigError, JournalCorrupt

FILE: Final = "clearance.jsonl"
ANCHORS: Final = "anchors"
GENESIS: Final = "0" * 64


class NotCleared(ConfigError):
    """Real money is not traded: what is missing is named, with the way to it."""


class DoctorPassed(Struct, frozen=True, kw_only=True, tag=True):
    """Every check that live trading needs was asked and was well. `key_print` names the key's
    content, not its label."""

    key: str
    key_print: str
    checks: dict[str, str]
    time_ns: int


class Confirmed(Struct, frozen=True, kw_only=True, tag=True):
    """The operator typed the sentence, for this account, this key and these limits."""

    account: str
    key: str
    key_print: str
    sentence: str
    limits: dict[str, str]
    time_ns: int


class Promoted(Struct, frozen=True, kw_only=True, tag=True, omit_defaults=True):
    """A strategy with exactly these parameters has passed its promotion gate, on these symbols
    (`BTC/USDT` is spot, `BTC/USDT:USDT` its perpetual).

    `evidence` is what it passed on, figure by figure; empty evidence is none. Without symbols it is
    of an earlier program, which did not note them; a row of it must still read as it was written.
    """

    strategy: str
    params_hash: str
    evidence: dict[str, str]
    time_ns: int
    symbols: tuple[str, ...] = ()


class Asked(Struct, frozen=True, kw_only=True, tag=True):
    """The owner asked for real money, and at that time nothing stood against it. `process` starts
    the engine, and starts it again after a crash: for it alone the check-up of then is enough."""

    account: str
    key_print: str
    process: int
    time_ns: int


Row = DoctorPassed | Confirmed | Promoted | Asked


class _Line(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    row: Row
    before: str
    hash: str


def path_of(home: Path) -> Path:
    """In this data folder."""
    return home / FILE


class Head(Struct, frozen=True, kw_only=True):
    """How many rows there are, and the hash of the last one."""

    rows: int
    hash: str


def anchor_of(path: Path) -> Path:
    """Where its head is noted."""
    return path.parent / ANCHORS / path.name


def rows(path: Path) -> tuple[Row, ...]:
    """Oldest first. Raises JournalCorrupt where a row is not what was written, or is gone."""
    return tuple(line.row for line in _whole(path))


def head(path: Path) -> Head | None:
    """None where nothing was ever recorded. Raises JournalCorrupt like `rows`."""
    lines = _whole(path)
    return Head(rows=len(lines), hash=lines[-1].hash) if lines else None


def append(path: Path, row: Row) -> None:
    """Durable when it returns. Raises JournalCorrupt, or OSError; then nothing was added."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        lines = _anchored(path, _lines(path, file.read()), _noted(path))
        before = lines[-1].hash if lines else GENESIS
        line = _Line(row=row, before=before, hash=_hash(row, before))
        file.write(msgspec.json.encode(line) + b"\n")
        file.flush()
        os.fsync(file.fileno())
        _note(path, Head(rows=len(lines) + 1, hash=line.hash))


def require_asked(rows: Sequence[Row], wanted: Asked) -> None:
    """The newest asking on record for this account is this one. Raises NotCleared."""
    asked = [r for r in rows if isinstance(r, Asked) and r.account == wanted.account]
    if not asked or asked[-1] != wanted:
        raise NotCleared(
            f"no start by its owner is on record for {wanted.account} with this key at the time "
            f"{wanted.time_ns} by process {wanted.process}: start it with `trading-cli run --live`"
        )


def key_print(key: str) -> str:
    """Names a key without telling it: another key under the same label is another key."""
    return hashlib.sha256(f"tradewinds key print {key}".encode()).hexdigest()[:16]


def _whole(path: Path) -> list[_Line]:
    # The note first: a row that is added meanwhile is more than was noted, not less.
    noted = _noted(path)
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raw = b""
    return _anchored(path, _lines(path, raw), noted)


def _anchored(path: Path, lines: list[_Line], noted: Head | None) -> list[_Line]:
    """The lines, if what was noted is among them. A row more is one whose note was not written."""
    if noted is None:
        if len(lines) > 1:
            raise _corrupt(path, f"the note of its end, {anchor_of(path)}, is gone")
        return lines
    if len(lines) < noted.rows:
        raise _corrupt(path, f"{noted.rows} rows were written and {len(lines)} are there")
    if lines[noted.rows - 1].hash != noted.hash:
        raise _corrupt(path, f"row {noted.rows} is not the one that was noted")
    return lines


def _noted(path: Path) -> Head | None:
    """Raises JournalCorrupt for a note that cannot be read."""
    try:
        text = anchor_of(path).read_bytes()
    except FileNotFoundError:
        return None
    try:
        found = msgspec.json.decode(text, type=Head)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        found = Head(rows=0, hash="")
    if found.rows < 1:
        raise _corrupt(path, f"the note of its end, {anchor_of(path)}, cannot be read")
    return found


def _note(path: Path, found: Head) -> None:
    """In one piece: a kill leaves the note of before, which is still true."""
    place = anchor_of(path)
    place.parent.mkdir(exist_ok=True, mode=0o700)
    partial = place.with_name(f"{place.name}.partial")
    partial.touch(mode=0o600)
    with partial.open("wb") as file:
        file.write(msgspec.json.encode(found))
        file.flush()
        os.fsync(file.fileno())
    partial.replace(place)


def _lines(path: Path, raw: bytes) -> list[_Line]:
    found: list[_Line] = []
    before = GENESIS
    for number, text in enumerate(raw.splitlines(), 1):
        try:
            line = msgspec.json.decode(text, type=_Line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise _corrupt(path, f"row {number} is not what was written") from None
        if line.before != before or line.hash != _hash(line.row, before):
            raise _corrupt(path, f"row {number} is not what was written")
        before = line.hash
        found.append(line)
    return found


def _hash(row: Row, before: str) -> str:
    encoded = msgspec.json.encode(row, order="deterministic")
    return hashlib.sha256(before.encode() + b"\n" + encoded).hexdigest()


def _corrupt(path: Path, what: str) -> JournalCorrupt:
    return JournalCorrupt(
        f"{path}: {what}, so nothing in it counts; restore a backup of it and of {ANCHORS}/, or "
        f"move it and {anchor_of(path)} away and do again what it records"
    )
