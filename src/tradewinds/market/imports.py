"""Other people's files into the archive: freqtrade feather and JSON, CSV, Parquet of bars."""

import csv
import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.feather as pf
from msgspec import Struct

from tradewinds.market.parquet_rows import (
    PRICES,
    ROW,
    Rows,
    factor_of_epoch,
    series_batches,
    sound_rows,
)
from tradewinds.market.selection import FUNDING_KINDS, MARK_KINDS, Selection, SeriesKey
from tradewinds.market.series import read_series
from tradewinds.market.shelf import SeriesName
from tradewinds.model.errors import DataError
from tradewinds.model.ids import split_instrument_id
from tradewinds.model.timeframes import parse_timeframe, timeframe_text

FREQTRADE: Final = re.compile(
    r"(?P<pair>.+?)-(?P<tf>\d+[smhd])(-(?P<kind>futures|mark|funding_rate|spot))?"
)
"""`BTC_USDT-1h.feather`, `BTC_USDT_USDT-1h-futures.json`: freqtrade's names of files."""
TIMES: Final = ("ts", "timestamp", "time", "date", "datetime", "open_time", "opentime", "unix")
VOLUMES: Final = ("volume", "vol", "volume_base", "base_volume")
SUFFIXES: Final = (".feather", ".json", ".json.gz", ".csv", ".csv.gz", ".parquet")


class Told(Struct, frozen=True, kw_only=True):
    """What the operator says about files that do not say it. '' where the file shall tell."""

    venue: str = ""
    symbol: str = ""
    timeframe: str = ""
    kind: str = ""


class Imported(Struct, frozen=True, kw_only=True):
    """Rows of one series of a file, valid and in order of time."""

    name: SeriesName
    rows: Rows


def files_in(path: Path) -> list[Path]:
    """The file, or all of a folder and below that can be imported. Raises DataError for none."""
    if not path.exists():
        raise DataError(f"{path}: no such file or folder; check the path")
    if path.is_file():
        return [path]
    found = sorted(file for file in path.rglob("*") if file.name.endswith(SUFFIXES))
    if not found:
        raise DataError(f"{path}: nothing to import in it; known are {', '.join(SUFFIXES)}")
    return found


def imported(path: Path, told: Told, dropped: Counter[str]) -> Iterator[Imported]:
    """The series of a file. Raises DataError with what is wrong and what to do.

    Rows that cannot be used are counted in `dropped` by reason.
    """
    if path.name.endswith(".parquet"):
        yield from _parquet(path, told, dropped)
        return
    rows = _read(path)
    name = _name_of(path, told, rows)
    valid = sound_rows(rows, name.kind, dropped)
    valid = valid[np.argsort(valid["ts"], kind="stable")]
    if len(valid) == 0:
        raise DataError(f"{path}: no usable row in it")
    yield Imported(name=name, rows=valid)


def _read(path: Path) -> Rows:
    if path.name.endswith(".feather"):
        return _feather(path)
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        text = raw.decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error
    return _json(path, text) if ".json" in path.suffixes else _csv(path, text)


def _feather(path: Path) -> Rows:
    try:
        table = pf.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path}: not a readable feather file ({error})") from error
    names = {name.lower(): name for name in table.column_names}
    at = _column(path, names, TIMES)
    rows = np.empty(table.num_rows, dtype=ROW)
    column = table[at]
    if pa.types.is_timestamp(column.type):
        rows["ts"] = column.cast(pa.timestamp("ns")).cast(pa.int64()).to_numpy()
    else:
        rows["ts"] = _ns(column.to_numpy())
    for field in PRICES:
        rows[field] = table[_column(path, names, (field,))].to_numpy()
    rows["volume"] = table[_column(path, names, VOLUMES)].to_numpy()
    return rows


def _json(path: Path, text: str) -> Rows:
    """A list of [time, open, high, low, close, volume]."""
    try:
        found = json.loads(text)
        return _filled([row[:6] for row in found])
    except (ValueError, TypeError, IndexError) as error:
        raise DataError(
            f"{path}: not a list of [time, open, high, low, close, volume] ({error})"
        ) from error


def _csv(path: Path, text: str) -> Rows:
    lines = list(csv.reader(text.splitlines(), delimiter=_delimiter(text)))
    if not lines:
        raise DataError(f"{path}: empty")
    header = [cell.strip().lower() for cell in lines[0]]
    if header[0][:1].isdigit():
        columns, body = list(range(6)), lines
    else:
        names = {name: name for name in header}
        wanted = [_column(path, names, TIMES)]
        wanted += [_column(path, names, (field,)) for field in PRICES]
        wanted += [_column(path, names, VOLUMES)]
        columns, body = [header.index(name) for name in wanted], lines[1:]
    try:
        return _filled([[line[index] for index in columns] for line in body if line])
    except (ValueError, IndexError) as error:
        raise DataError(f"{path}: a row that is no bar ({error})") from error


def _delimiter(text: str) -> str:
    first = text.partition("\n")[0]
    return max(",;\t", key=first.count)


def _filled(lines: Sequence[Sequence[Any]]) -> Rows:
    rows = np.empty(len(lines), dtype=ROW)
    rows["ts"] = _ns(np.array([_ticks(line[0]) for line in lines], dtype=np.int64))
    for index, field in enumerate((*PRICES, "volume"), start=1):
        rows[field] = [float(line[index]) for line in lines]
    return rows


def _ticks(value: Any) -> int:
    """Whole seconds to nanoseconds since the epoch as they are; dates as milliseconds."""
    text = str(value).strip()
    try:
        return int(text) if text.isdigit() else int(float(text))
    except ValueError:
        at = datetime.fromisoformat(text.replace(" UTC", "+00:00"))
        return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1_000)


def _ns(ticks: Any) -> Any:
    """The unit is told by the size of the latest."""
    return ticks * factor_of_epoch(int(ticks.max(initial=0)))


def _column(path: Path, names: dict[str, str], wanted: Sequence[str]) -> str:
    for name in wanted:
        if name in names:
            return names[name]
    raise DataError(
        f"{path}: no column {wanted[0]}; bars need a time, open, high, low, close and volume"
    )


def _name_of(path: Path, told: Told, rows: Rows) -> SeriesName:
    stem = path.name
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        stem = stem.removesuffix(suffix)
    match = FREQTRADE.fullmatch(stem)
    parts = match.groupdict() if match else {}
    kind = told.kind or {"futures": "swap", "funding_rate": "funding"}.get(
        parts.get("kind") or "spot", parts.get("kind") or "spot"
    )
    # A perpetual's file repeats the settlement asset: BTC_USDT_USDT.
    spelled = told.symbol or re.sub(r"_([^_]+)_\1$", r"_\1", parts.get("pair") or "")
    tf = told.timeframe or parts.get("tf") or _spacing(rows)
    if not spelled:
        raise DataError(f"{path}: its name does not tell the symbol; say --symbol BTC/USDT")
    if not told.venue:
        raise DataError(f"{path}: does not tell its venue; say --venue binance")
    return series_name(SeriesKey(spelled, told.venue, kind, tf), path)


def series_name(key: SeriesKey, path: Path) -> SeriesName:
    """Our name of a series. Raises DataError for a symbol or kind that means nothing."""
    instrument = Selection().instrument_of(key)
    if instrument is None:
        raise DataError(f"{path}: {key.symbol!r} ({key.kind}) is no symbol we can read")
    symbol, venue = split_instrument_id(instrument)
    if key.kind in FUNDING_KINDS:
        return SeriesName(venue=venue, kind="funding", symbol=symbol)
    if not parse_timeframe(key.tf):
        raise DataError(f"{path}: {symbol}: bar length unknown; say --timeframe 1h")
    kind = "swap" if ":" in symbol else "spot"
    if key.kind in MARK_KINDS:
        kind = "mark"
    return SeriesName(venue=venue, kind=kind, symbol=symbol, tf=key.tf)


def _spacing(rows: Rows) -> str:
    steps = np.diff(np.unique(rows["ts"]))
    if len(steps) == 0:
        return ""
    values, counts = np.unique(steps, return_counts=True)
    return timeframe_text(int(values[np.argmax(counts)]))


def _parquet(path: Path, told: Told, dropped: Counter[str]) -> Iterator[Imported]:
    """Our own layout, and that of other tools with the same columns."""
    lengths = {
        (s.key.symbol, s.key.venue, s.key.kind): s.timeframe_ns
        for s in read_series(path, Selection(), Counter())
    }
    for key, rows in series_batches(path, Selection(), dropped):
        length_ns = lengths.get((key.symbol, key.venue, key.kind), 0)
        tf = told.timeframe or key.tf or (timeframe_text(length_ns) if length_ns else "")
        venue = key.venue or told.venue
        if not venue:
            raise DataError(f"{path}: does not tell its venue; say --venue binance")
        symbol = told.symbol or key.symbol
        kind = told.kind or key.kind
        if kind in ("trades", ""):
            kind = "spot"
        yield Imported(name=series_name(SeriesKey(symbol, venue, kind, tf), path), rows=rows)
