"""Files of other tools: freqtrade feather and JSON, CSV of several makes, Parquet of our layout."""

import gzip
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather as pf
import pytest

from tradewinds.market.imports import Imported, Told, files_in, imported
from tradewinds.market.shelf import SeriesName
from tradewinds.model.errors import DataError

START_S = 1_704_067_200
TOLD = Told(venue="binance")


def lines(count: int = 3, unit: int = 1_000) -> list[list[Any]]:
    """Hourly bars: time, open, high, low, close, volume."""
    return [
        [(START_S + n * 3_600) * unit, 10.0 + n, 12.0 + n, 9.0 + n, 11.0 + n, 5.0]
        for n in range(count)
    ]


def one(path: Path, told: Told = TOLD) -> Imported:
    """The only series of a file, nothing left out."""
    dropped: Counter[str] = Counter()
    (found,) = imported(path, told, dropped)
    assert not dropped
    return found


def check(found: Imported, name: SeriesName) -> None:
    assert found.name == name
    assert found.rows["ts"].tolist() == [(START_S + n * 3_600) * 10**9 for n in range(3)]
    assert found.rows["high"].tolist() == [12.0, 13.0, 14.0]
    assert found.rows["volume"].tolist() == [5.0] * 3


SPOT = SeriesName(venue="binance", kind="spot", symbol="BTC/USDT", tf="1h")


@pytest.mark.parametrize("packed", [False, True])
def test_freqtrades_json(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / ("BTC_USDT-1h.json" + ".gz" * packed)
    raw = json.dumps(lines()).encode()
    path.write_bytes(gzip.compress(raw) if packed else raw)
    check(one(path), SPOT)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("BTC_USDT-1h.feather", SPOT),
        (
            "BTC_USDT_USDT-1h-futures.feather",
            SeriesName(venue="binance", kind="swap", symbol="BTC/USDT:USDT", tf="1h"),
        ),
        (
            "BTC_USDT_USDT-1h-mark.feather",
            SeriesName(venue="binance", kind="mark", symbol="BTC/USDT:USDT", tf="1h"),
        ),
    ],
)
def test_freqtrades_feather(tmp_path: Path, file: str, name: SeriesName) -> None:
    names = ("open", "high", "low", "close", "volume")
    columns = {n: [line[i + 1] for line in lines()] for i, n in enumerate(names)}
    dates = pa.array([line[0] for line in lines()]).cast(pa.timestamp("ms", "UTC"))
    pf.write_feather(pa.table({"date": dates, **columns}), tmp_path / file, compression="lz4")
    check(one(tmp_path / file), name)


def test_freqtrades_funding(tmp_path: Path) -> None:
    path = tmp_path / "BTC_USDT_USDT-8h-funding_rate.json"
    path.write_text(json.dumps([[line[0], -0.0001, 0, 0, 0, 0] for line in lines()]))
    found = one(path)
    assert found.name == SeriesName(venue="binance", kind="funding", symbol="BTC/USDT:USDT")
    assert found.rows["open"].tolist() == [-0.0001] * 3


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize(
    ("header", "separator", "stamp"),
    [
        ("timestamp,open,high,low,close,volume", ",", str),
        ("date;Open;High;Low;Close;Volume", ";", _iso),
        ("unix,open,high,low,close,volume", ",", lambda ms: str(ms // 1_000)),
        ("time,open,high,low,close,vol", ",", lambda ms: f"{ms // 1_000}.0"),
        ("", ",", lambda ms: str(ms * 1_000)),
    ],
    ids=["ms", "dates", "seconds", "floats", "microseconds without a header"],
)
def test_csv_of_several_makes(tmp_path: Path, header: str, separator: str, stamp: Any) -> None:
    body = [separator.join(map(str, (stamp(line[0]), *line[1:]))) for line in lines()]
    path = tmp_path / "anything.csv"
    path.write_text("\n".join(([header] if header else []) + body) + "\n")
    check(one(path, Told(venue="binance", symbol="BTCUSDT")), SPOT)


def test_rows_that_cannot_be_are_counted_and_the_others_taken(tmp_path: Path) -> None:
    path = tmp_path / "BTC_USDT-1h.json"
    spoiled = lines(5)
    spoiled[1][2], spoiled[3][4] = float("nan"), -1.0
    path.write_text(json.dumps(spoiled))
    dropped: Counter[str] = Counter()
    (found,) = imported(path, TOLD, dropped)
    assert len(found.rows) == 3
    assert sum(dropped.values()) == 2


@pytest.mark.parametrize(
    ("file", "content", "told", "fix"),
    [
        ("x.csv", "a,b\n1,2\n", Told(venue="binance", symbol="BTC/USDT"), "no column ts"),
        ("x.csv", "", TOLD, "empty"),
        ("bars.json", "[[1704067200000,1,1,1,1,1]]", TOLD, "--symbol"),
        ("BTC_USDT-1h.json", "[[1704067200000,1,1,1,1,1]]", Told(), "--venue"),
        ("BTC_USDT-1h.json", "{not json", TOLD, "not a list"),
        ("BTC_USDT-1h.json", "[[1,2]]", TOLD, "not a list"),
        ("BTC_USDT-1h.feather", "no feather", TOLD, "not a readable feather"),
        ("BTC_USDT-1h.csv", "1704067200000,1,1,x,1,1\n", TOLD, "no bar"),
        ("BTC_USDT-1h.json", "[[1704067200000,-1,1,1,1,1]]", TOLD, "no usable row"),
    ],
)
def test_a_file_that_cannot_be_imported_says_why(
    tmp_path: Path, file: str, content: str, told: Told, fix: str
) -> None:
    path = tmp_path / file
    path.write_text(content)
    with pytest.raises(DataError, match=fix):
        list(imported(path, told, Counter()))


def test_a_folder_gives_its_files_and_an_empty_one_says_what_is_known(tmp_path: Path) -> None:
    (tmp_path / "futures").mkdir()
    (tmp_path / "futures" / "BTC_USDT_USDT-1h-futures.feather").touch()
    (tmp_path / "notes.txt").touch()
    assert [file.name for file in files_in(tmp_path)] == ["BTC_USDT_USDT-1h-futures.feather"]
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DataError, match="feather"):
        files_in(empty)
