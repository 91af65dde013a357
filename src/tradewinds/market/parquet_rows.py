"""Parquet of bars as validated rows per series: streamed, counted, one batch in memory."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tradewinds.market.selection import FUNDING_KINDS, Selection, SeriesKey
from tradewinds.model.errors import DataError
from tradewinds.model.timeframes import SECOND_NS
from tradewinds.model.validity import EARLIEST_NS, FUNDING_RATE_MAX, LATEST_NS

PRICES: Final = ("open", "high", "low", "close")
KEYS: Final = ("symbol", "venue", "kind", "tf")
REQUIRED: Final = ("symbol", "ts", *PRICES, "volume")
BATCH_ROWS: Final = 16_384
RUN_ROWS: Final = 65_536
ROW: Final = np.dtype([("ts", "i8"), *((name, "f8") for name in (*PRICES, "volume"))])
"""48 bytes a row: bar open in ns, open, high, low, close, volume (base asset)."""

Rows = npt.NDArray[Any]


def open_parquet(path: Path) -> pq.ParquetFile:
    """The file, with the columns bars need. Raises DataError with the place and the fix."""
    try:
        file = pq.ParquetFile(path)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; check the path") from None
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise DataError(
            f"{path}: not a readable Parquet file ({error}); download or record it again"
        ) from error
    names = set(file.schema_arrow.names)
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise DataError(
            f"{path}: no column {', '.join(missing)}; bars need the columns {', '.join(REQUIRED)}"
        )
    _check_types(path, file.schema_arrow)
    return file


def _check_types(path: Path, schema: pa.Schema) -> None:
    for name in (*PRICES, "volume"):
        kind = schema.field(name).type
        if not (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
            raise DataError(f"{path}: column {name} is {kind}; write it as float64")
    kind = schema.field("ts").type
    if not (pa.types.is_timestamp(kind) or pa.types.is_int64(kind)):
        raise DataError(
            f"{path}: column ts is {kind}; write the bar's open as a UTC timestamp"
            " or int64 milliseconds since the epoch"
        )


def single_series(file: pq.ParquetFile) -> SeriesKey | None:
    """The file's one series, if its row-group statistics prove that it has but one."""
    values: dict[str, set[str]] = {name: set() for name in KEYS}
    metadata = file.metadata
    for group in range(metadata.num_row_groups):
        for index in range(metadata.num_columns):
            column = metadata.row_group(group).column(index)
            if column.path_in_schema in values:
                statistics = column.statistics
                if statistics is None or not statistics.has_min_max or statistics.null_count != 0:
                    return None
                values[column.path_in_schema] |= {statistics.min, statistics.max}
    if len(values["symbol"]) != 1 or any(len(found) > 1 for found in values.values()):
        return None
    return SeriesKey(*(next(iter(values[name]), "") for name in KEYS))


def group_spans(file: pq.ParquetFile) -> list[tuple[int, int]]:
    """First and last time of each row group by its statistics; all of time where it has none."""
    index = file.schema_arrow.get_field_index("ts")
    spans = []
    for group in range(file.metadata.num_row_groups):
        statistics = file.metadata.row_group(group).column(index).statistics
        if statistics is None or not statistics.has_min_max:
            spans.append((EARLIEST_NS, LATEST_NS))
        else:
            spans.append((_stated_ns(statistics.min), _stated_ns(statistics.max)))
    return spans


def _stated_ns(at: datetime | int) -> int:
    if isinstance(at, datetime):
        return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * SECOND_NS)
    return at * factor_of_epoch(at)


def _groups_within(file: pq.ParquetFile, selection: Selection) -> list[int]:
    """Row groups that may hold rows of the span; a second of slack for float rounding."""
    return [
        group
        for group, (first, last) in enumerate(group_spans(file))
        if first - SECOND_NS < selection.end_ns and last + SECOND_NS > selection.start_ns
    ]


def _runs(file: pq.ParquetFile, groups: list[int]) -> Iterator[list[int]]:
    """Row groups by the few: a reader keeps what it has read of all it was asked for."""
    run: list[int] = []
    rows = 0
    for group in groups:
        run.append(group)
        rows += file.metadata.row_group(group).num_rows
        if rows >= RUN_ROWS:
            yield run
            run, rows = [], 0
    if run:
        yield run


def series_batches(
    path: Path, selection: Selection, dropped: Counter[str]
) -> Iterator[tuple[SeriesKey, Rows]]:
    """Valid selected rows of each series, in the file's order, batch by batch.

    What cannot be an event is counted in `dropped` by reason; what was not asked for is not.
    """
    file = open_parquet(path)
    groups = _groups_within(file, selection)
    columns = [name for name in (*KEYS, "ts", *PRICES, "volume") if name in file.schema_arrow.names]
    try:
        for run in _runs(file, groups):
            for batch in file.iter_batches(
                batch_size=BATCH_ROWS, columns=columns, row_groups=run, use_threads=False
            ):
                yield from _selected(batch, selection, dropped)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path}: damaged ({error}); download or record it again") from error


def _selected(
    batch: pa.RecordBatch, selection: Selection, dropped: Counter[str]
) -> Iterator[tuple[SeriesKey, Rows]]:
    rows = _rows(batch)
    for key, chosen in _groups(batch):
        instrument = selection.instrument_of(key)
        if instrument is None:
            dropped["symbol or kind not understood"] += len(rows[chosen])
        elif selection.wants(instrument):
            valid = sound_rows(rows[chosen], key.kind, dropped)
            opens = valid["ts"]
            valid = valid[(opens >= selection.start_ns) & (opens < selection.end_ns)]
            if len(valid):
                yield key, valid


def _rows(batch: pa.RecordBatch) -> Rows:
    rows = np.empty(batch.num_rows, dtype=ROW)
    rows["ts"] = _epoch_ns(batch.column("ts"))
    for name in (*PRICES, "volume"):
        rows[name] = batch.column(name).to_numpy(zero_copy_only=False)
    return rows


def _epoch_ns(column: pa.Array) -> npt.NDArray[np.int64]:
    """Nanoseconds; 0, which is refused later, for a null or a time no market can have."""
    ticks = pc.fill_null(column.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    if pa.types.is_timestamp(column.type):
        factor = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[column.type.unit]
    else:
        factor = factor_of_epoch(int(ticks.max(initial=0)))
    sane = (ticks > EARLIEST_NS // factor) & (ticks < LATEST_NS // factor)
    return np.asarray(np.where(sane, ticks, 0) * factor, dtype=np.int64)


def factor_of_epoch(ticks: int) -> int:
    """A whole-number time tells its unit by its size: seconds stay under 10^11 until 5138."""
    for limit, factor in ((10**11, SECOND_NS), (10**14, 10**6), (10**17, 10**3)):
        if ticks < limit:
            return factor
    return 1


def _groups(batch: pa.RecordBatch) -> Iterator[tuple[SeriesKey, Any]]:
    """Each series of the batch with a slice or mask of its rows."""
    present = [name for name in KEYS if name in batch.schema.names]
    code = np.zeros(batch.num_rows, dtype=np.int64)
    words: list[list[str]] = []
    for name in present:
        encoded = pc.dictionary_encode(pc.fill_null(batch.column(name).cast(pa.string()), ""))
        words.append(encoded.dictionary.to_pylist())
        code = code * len(words[-1]) + encoded.indices.to_numpy(zero_copy_only=False)
    distinct = np.unique(code)
    for value in distinct.tolist():
        key = _key_of(value, present, words)
        yield key, slice(None) if len(distinct) == 1 else code == value


def _key_of(code: int, present: list[str], words: list[list[str]]) -> SeriesKey:
    found = dict.fromkeys(KEYS, "")
    for name, dictionary in zip(reversed(present), reversed(words), strict=True):
        code, index = divmod(code, len(dictionary))
        found[name] = dictionary[index]
    return SeriesKey(**found)


def sound_rows(rows: Rows, kind: str, dropped: Counter[str]) -> Rows:
    """Rows that could be events. Comparisons are false for NaN, so NaN never passes."""
    good = rows["ts"] > 0
    _count(dropped, "absurd time", ~good)
    if kind in FUNDING_KINDS:
        sound = np.abs(rows["open"]) < FUNDING_RATE_MAX
        _count(dropped, "funding rate not a small fraction", good & ~sound)
        kept: Rows = rows[good & sound]
        return kept
    low, high = rows["low"], rows["high"]
    prices = (low > 0) & (high < np.inf)
    _count(dropped, "price not a positive number", good & ~prices)
    good &= prices
    order = (low <= rows["open"]) & (rows["open"] <= high)
    order &= (low <= rows["close"]) & (rows["close"] <= high)
    _count(dropped, "open, high, low, close out of order", good & ~order)
    good &= order
    volume = (rows["volume"] >= 0) & (rows["volume"] < np.inf)
    _count(dropped, "volume not a number of zero or more", good & ~volume)
    return rows[good & volume]


def _count(dropped: Counter[str], reason: str, bad: npt.NDArray[np.bool_]) -> None:
    count = int(np.count_nonzero(bad))
    if count:
        dropped[reason] += count
