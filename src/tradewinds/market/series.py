"""A series as blocks of rows in time order: from its own file, or from the spill of a mixed one."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import IO, Final

import numpy as np

from tradewinds.market.parquet_rows import (
    ROW,
    Rows,
    group_spans,
    open_parquet,
    series_batches,
    single_series,
)
from tradewinds.market.selection import Selection, SeriesKey
from tradewinds.model.errors import DataError
from tradewinds.model.timeframes import parse_timeframe

SAMPLE_ROWS: Final = 2_048
DISORDER: Final = "out of order or duplicate"


class Series:
    """Selected rows of one series, strictly rising in time. `blocks` may be asked repeatedly."""

    def __init__(
        self, path: Path, key: SeriesKey, selection: Selection, dropped: Counter[str]
    ) -> None:
        self.path = path
        self.key = key
        self.sample: Rows = np.empty(0, dtype=ROW)
        self._selection = selection
        self._dropped = dropped
        self._counted: Counter[str] = Counter()

    @property
    def timeframe_ns(self) -> int:
        """From the file's `tf`, else the most frequent spacing of the sample. 0: cannot tell."""
        if self.key.tf:
            return parse_timeframe(self.key.tf) or 0
        spacing = np.diff(self.sample["ts"])
        if len(spacing) == 0:
            return 0
        values, counts = np.unique(spacing, return_counts=True)
        return int(values[np.argmax(counts)])

    @property
    def span_ns(self) -> tuple[int, int]:
        """First and last bar open, as the file's statistics state them."""
        spans = group_spans(open_parquet(self.path))
        first = max(min(first for first, _ in spans), self._selection.start_ns)
        return first, min(max(last for _, last in spans), self._selection.end_ns)

    @property
    def ends_ns(self) -> int:
        """The last bar's open, selected or not; LATEST_NS where that is not stated."""
        return max(last for _, last in group_spans(open_parquet(self.path)))

    def peek(self) -> None:
        """Fill the sample from the first rows of the file."""
        for _, rows in series_batches(self.path, self._selection, Counter()):
            self.sample = _rising(rows, 0)[:SAMPLE_ROWS].copy()
            return

    def blocks(self, block_rows: int) -> Iterator[Rows]:
        """From the start, straight from the file, which holds nothing but this series.

        What is dropped is counted anew on each pass.
        """
        self._dropped.subtract(self._counted)
        self._counted.clear()
        last_ns = 0
        bad: Counter[str] = Counter()
        for _, rows in series_batches(self.path, self._selection, bad):
            rising = _rising(rows, last_ns)
            bad[DISORDER] += len(rows) - len(rising)
            self._count(bad)
            if len(rising):
                last_ns = int(rising["ts"][-1])
                yield from _pieces(rising, block_rows)
        self._count(bad)

    def _count(self, bad: Counter[str]) -> None:
        self._dropped.update(bad)
        self._counted.update(bad)
        bad.clear()


class SpilledSeries(Series):
    """A series of a mixed file: its rows lie in a temporary file, in pieces."""

    def __init__(
        self,
        path: Path,
        key: SeriesKey,
        selection: Selection,
        dropped: Counter[str],
        spill: IO[bytes],
    ) -> None:
        super().__init__(path, key, selection, dropped)
        self._spill = spill
        self._extents: list[tuple[int, int]] = []
        self._last_ns = 0

    @property
    def span_ns(self) -> tuple[int, int]:
        """First and last bar open."""
        return int(self.sample["ts"][0]), self._last_ns

    @property
    def ends_ns(self) -> int:
        """The last selected bar's open: of a mixed file nothing else was kept."""
        return self._last_ns

    def append(self, rows: Rows) -> None:
        """Write the good rows behind what is there."""
        rising = _rising(rows, self._last_ns)
        self._dropped[DISORDER] += len(rows) - len(rising)
        if len(rising) == 0:
            return
        self._last_ns = int(rising["ts"][-1])
        if len(self.sample) < SAMPLE_ROWS:
            self.sample = np.concatenate((self.sample, rising))[:SAMPLE_ROWS]
        self._extents.append((self._spill.tell(), rising.nbytes))
        self._spill.write(rising.tobytes())

    def blocks(self, block_rows: int) -> Iterator[Rows]:
        """From the start, read back from the spill."""
        waiting: list[bytes] = []
        size = 0
        for offset, length in self._extents:
            self._spill.seek(offset)
            waiting.append(self._spill.read(length))
            size += length
            if size >= block_rows * ROW.itemsize:
                yield from _pieces(np.frombuffer(b"".join(waiting), dtype=ROW), block_rows)
                waiting, size = [], 0
        if waiting:
            yield from _pieces(np.frombuffer(b"".join(waiting), dtype=ROW), block_rows)


class ChainedSeries(Series):
    """Files that hold one series one after the other, as an archive by months does."""

    def __init__(self, parts: Sequence[Series]) -> None:
        first = parts[0]
        super().__init__(first.path, first.key, first._selection, first._dropped)
        self._parts = parts
        room = max(1, SAMPLE_ROWS // len(parts))
        self.sample = np.concatenate([part.sample[:room] for part in parts])

    @property
    def timeframe_ns(self) -> int:
        """The first part's."""
        return self._parts[0].timeframe_ns

    @property
    def span_ns(self) -> tuple[int, int]:
        """From the first part's first bar to the last part's last."""
        return self._parts[0].span_ns[0], self._parts[-1].span_ns[1]

    @property
    def ends_ns(self) -> int:
        """Of the part that ends last."""
        return max(part.ends_ns for part in self._parts)

    def blocks(self, block_rows: int) -> Iterator[Rows]:
        """Part by part: one file is open at a time."""
        for part in self._parts:
            yield from part.blocks(block_rows)


def chained(found: Sequence[Series]) -> list[Series]:
    """Series that follow one another in time become one; overlapping ones stay apart."""
    groups: dict[tuple[SeriesKey, int], list[Series]] = {}
    for series in found:
        groups.setdefault((series.key, series.timeframe_ns), []).append(series)
    result: list[Series] = []
    for parts in groups.values():
        if len(parts) == 1:
            result.extend(parts)
            continue
        # Each look at a span opens a file.
        dated = sorted(((part.span_ns, n) for n, part in enumerate(parts)))
        ordered = [parts[n] for _, n in dated]
        apart = all(a[1] < b[0] for (a, _), (b, _) in pairwise(dated))
        result.extend([ChainedSeries(ordered)] if apart else ordered)
    return result


def read_series(path: Path, selection: Selection, dropped: Counter[str]) -> list[Series]:
    """Every selected series of a file: a mixed file is sorted once, a pure one read as needed.

    Raises DataError for a file that cannot be used, or too little disk to sort it.
    """
    key = single_series(open_parquet(path))
    instrument = None if key is None else selection.instrument_of(key)
    if key is not None and instrument is not None:
        if not selection.wants(instrument):
            return []
        series = Series(path, key, selection, dropped)
        series.peek()
        return [series]
    try:
        return _spilled(path, selection, dropped)
    except OSError as error:
        raise DataError(
            f"{path}: holds several series, and the temporary file to sort them could not be"
            f" written ({error}); free some disk space or point TMPDIR to a larger disk"
        ) from error


def _spilled(path: Path, selection: Selection, dropped: Counter[str]) -> list[Series]:
    spill = tempfile.TemporaryFile(prefix="tradewinds-")  # noqa: SIM115 - lives with its series
    found: dict[SeriesKey, SpilledSeries] = {}
    for key, rows in series_batches(path, selection, dropped):
        if key not in found:
            found[key] = SpilledSeries(path, key, selection, dropped, spill)
        found[key].append(rows)
    return list(found.values())


def _rising(rows: Rows, last_ns: int) -> Rows:
    """Only rows later than every row before them."""
    times = rows["ts"]
    if len(times) == 0 or (times[0] > last_ns and bool(np.all(times[1:] > times[:-1]))):
        return rows
    before = np.maximum.accumulate(np.concatenate(([last_ns], times[:-1])))
    return rows[times > before]


def _pieces(rows: Rows, block_rows: int) -> Iterator[Rows]:
    for start in range(0, len(rows), block_rows):
        yield rows[start : start + block_rows]
