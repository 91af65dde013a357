"""The archive on disk: a folder a series, Parquet files by day, month or year, merged not replaced.

archive/binance/spot/1h/BTC-USDT/2024.parquet
"""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct

from tradewinds.market.parquet_rows import PRICES, ROW, Rows
from tradewinds.model.errors import DataError
from tradewinds.model.timeframes import DAY_NS, HOUR_NS, SECOND_NS, parse_timeframe

MARKER: Final = "archive.json"
"""Stands in the archive's root; a folder below it is read with all that it holds."""
LOCK: Final = ".lock"
STATE: Final = "asked.json"
FORMAT: Final = 1
PRINTS: Final = "prints"
PRINT: Final = np.dtype(
    [("ts", "i8"), ("price", "f8"), ("size", "f8"), ("buy", "?"), ("id", "U40")]
)
"""A public trade: time in ns, price, size in base asset, whether the buyer took, the venue's id."""
SYMBOL: Final = re.compile(r"[^\W_][\w.-]*/[^\W_][\w.-]*(:[^\W_][\w.-]*)?")
VALUES: Final = {ROW: (*PRICES, "volume"), PRINT: ("price", "size", "buy")}

Span = tuple[int, int]


class SeriesName(Struct, frozen=True, kw_only=True, order=True):
    """`kind` is spot, swap, mark, funding or prints; `tf` is '' where there are no bars."""

    venue: str
    kind: str
    symbol: str
    tf: str = ""


class Added(Struct, frozen=True, kw_only=True):
    """What adding did. `differing` rows were there already with other values, which stay."""

    new: int = 0
    same: int = 0
    differing: int = 0

    def __add__(self, other: "Added") -> "Added":
        return Added(
            new=self.new + other.new,
            same=self.same + other.same,
            differing=self.differing + other.differing,
        )


class Shelf:
    """Writes an archive. Every file is replaced whole, so that a kill leaves the old or the new."""

    def __init__(self, root: Path) -> None:
        """Raises DataError where the folder cannot be written."""
        self.root = root
        try:
            root.mkdir(parents=True, exist_ok=True)
            if not (root / MARKER).exists():
                replace_whole(root / MARKER, msgspec.json.encode({"format": FORMAT}))
        except OSError as error:
            raise DataError(f"{root}: cannot be written ({error.strerror})") from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One writer at a time. Raises DataError while another one is at work."""
        with (self.root / LOCK).open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DataError(
                    f"{self.root}: another download or import is writing; wait for its end"
                ) from None
            yield

    def add(self, name: SeriesName, rows: Rows) -> Added:
        """Merge rows into their files. Raises DataError when a file cannot be read or written."""
        total = Added()
        for label, part in _partitions(name, rows):
            total += self._merge(name, self.folder(name) / f"{label}.parquet", part)
        return total

    def asked(self, name: SeriesName) -> list[Span]:
        """Spans of time that a download has asked for, answered or empty: [start, end) in ns."""
        path = self.folder(name) / STATE
        try:
            return msgspec.json.decode(path.read_bytes(), type=list[Span])
        except FileNotFoundError:
            return []
        except (OSError, msgspec.MsgspecError) as error:
            raise DataError(f"{path}: {error}; delete it, then everything is asked anew") from error

    def note_asked(self, name: SeriesName, span: Span) -> None:
        """Remember, so that the next download goes on from here."""
        spans = joined([*self.asked(name), span])
        self.folder(name).mkdir(parents=True, exist_ok=True)
        replace_whole(self.folder(name) / STATE, msgspec.json.encode(spans))

    def folder(self, name: SeriesName) -> Path:
        """Where the files of a series lie. Raises DataError for a name that is no name."""
        if not SYMBOL.fullmatch(name.symbol):
            raise DataError(f"symbol {name.symbol!r}: write it like BTC/USDT or BTC/USDT:USDT")
        symbol = name.symbol.replace("/", "-").replace(":", "_")
        return self.root / name.venue / name.kind / (name.tf or "all") / symbol

    def _merge(self, name: SeriesName, path: Path, rows: Rows) -> Added:
        old = _read(path, rows.dtype) if path.exists() else np.empty(0, dtype=rows.dtype)
        merged, added = merge(old, rows)
        if added.new:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, name, merged)
        return added


def merge(old: Rows, new: Rows) -> tuple[Rows, Added]:
    """Both in order of time, each moment (of prints: each id) once; what is old stays."""
    both = np.concatenate((old, new))
    keys = (both["id"], both["ts"]) if "id" in (both.dtype.names or ()) else (both["ts"],)
    order = np.lexsort(keys)
    both = both[order]
    again = np.zeros(len(both), dtype=bool)
    again[1:] = True
    for key in keys:
        again[1:] &= key[order][1:] == key[order][:-1]
    # A repeated moment is compared with the first row of that moment, which is the one that stays.
    first = np.maximum.accumulate(np.where(again, 0, np.arange(len(both))))
    equal = np.ones(len(both), dtype=bool)
    for field in VALUES[both.dtype]:
        equal &= both[field] == both[field][first]
    repeats = int(np.count_nonzero(again))
    differing = int(np.count_nonzero(again & ~equal))
    added = Added(new=len(new) - repeats, same=repeats - differing, differing=differing)
    return both[~again], added


def joined(spans: list[Span]) -> list[Span]:
    """Spans in order, those that touch made one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        elif end > start:
            found.append((start, end))
    return found


def missing(wanted: Span, asked: list[Span]) -> list[Span]:
    """What of the wanted span has not been asked for."""
    at, end = wanted
    holes: list[Span] = []
    for start, stop in joined(asked):
        if start > at:
            holes.append((at, min(start, end)))
        at = max(at, stop)
        if at >= end:
            break
    if at < end:
        holes.append((at, end))
    return [(start, stop) for start, stop in holes if stop > start]


def archive_root(path: Path) -> Path | None:
    """The archive that a file or folder belongs to, None if to none."""
    for folder in (path, *path.absolute().parents):
        if (folder / MARKER).is_file():
            return folder
    return None


def parquet_in(folder: Path) -> list[Path]:
    """By name; of an archive those of the folders below as well, for they belong together."""
    find = folder.glob if archive_root(folder) is None else folder.rglob
    return sorted(find("*.parquet"))


def _partitions(name: SeriesName, rows: Rows) -> Iterator[tuple[str, Rows]]:
    """Rows by file: prints by day, bars under an hour by month, all others by year."""
    if name.kind == PRINTS:
        cut = 10
    elif name.tf and (parse_timeframe(name.tf) or 0) < HOUR_NS:
        cut = 7
    else:
        cut = 4
    days = rows["ts"] // DAY_NS
    unique = np.unique(days)
    labels = np.array([_date(int(day))[:cut] for day in unique])
    for label in dict.fromkeys(labels.tolist()):
        yield label, rows[np.isin(days, unique[labels == label])]


def _date(day: int) -> str:
    return f"{datetime.fromtimestamp(day * DAY_NS // SECOND_NS, UTC):%Y-%m-%d}"


def _write(path: Path, name: SeriesName, rows: Rows) -> None:
    columns: dict[str, Any] = {
        field: pa.repeat(getattr(name, field), len(rows)).dictionary_encode()
        for field in ("symbol", "venue", "kind", "tf")
    }
    columns["ts"] = pa.array(rows["ts"]).cast(pa.timestamp("ns", "UTC"))
    for field in rows.dtype.names or ():
        if field != "ts":
            columns[field] = pa.array(rows[field].tolist() if field == "id" else rows[field])
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink, compression="zstd")
    try:
        replace_whole(path, sink.getvalue().to_pybytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror}); free some disk") from error


def _read(path: Path, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    try:
        table = pq.read_table(path, partitioning=None)
        rows = np.empty(table.num_rows, dtype=dtype)
        rows["ts"] = table["ts"].cast(pa.int64()).to_numpy()
        for field in dtype.names or ():
            if field != "ts":
                rows[field] = table[field].to_numpy()
    except (pa.ArrowInvalid, KeyError, OSError) as error:
        raise DataError(
            f"{path}: damaged ({error}); move it away, then download or import it again"
        ) from error
    return rows


def replace_whole(path: Path, content: bytes) -> None:
    """Whole or not at all, also when the power fails."""
    aside = path.with_name(f".{path.name}.new")
    with aside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
