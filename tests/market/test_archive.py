import math
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tradewinds.market.archive import Archive
from tradewinds.market.parquet_rows import series_batches
from tradewinds.market.selection import Selection
from tradewinds.model.errors import DataError
from tradewinds.model.market import Bar, FundingRate, MarkPrice
from tradewinds.model.timeframes import HOUR_NS, MINUTE_NS
from tradewinds.model.validity import invalidity

T0 = 1_704_067_200_000_000_000
EVERYTHING = Selection()


def bars_of(*paths, **selected):
    return list(Archive(paths, Selection(**selected)).events())


def test_a_bar_is_known_at_its_close(write, rows):
    bar = bars_of(write("a.parquet", rows("BTCUSDT", 3)))[0]
    assert bar == Bar(
        instrument_id="BTC/USDT@binance",
        timeframe_ns=5 * MINUTE_NS,
        open_time_ns=T0,
        open=100.0,
        high=101.5,
        low=99.5,
        close=101.0,
        volume=10.0,
        venue_time_ns=T0 + 5 * MINUTE_NS,
        received_time_ns=T0 + 5 * MINUTE_NS,
    )


def test_series_stored_one_after_the_other_come_out_in_time_order_with_stable_ties(write, rows):
    stored = rows("ETHUSDT", 30) + rows("BTCUSDT", 20) + rows("ADABTC", 25, first=10)
    events = bars_of(write("a.parquet", stored, group=7))
    keys = [(event.venue_time_ns, event.instrument_id) for event in events]
    assert keys == sorted(keys)
    assert len(keys) == 75


def test_the_order_in_the_file_does_not_matter(write, rows):
    by_symbol = rows("ETHUSDT", 30) + rows("BTCUSDT", 30)
    by_time = sorted(by_symbol, key=lambda row: row["ts"])
    first, second = write("a.parquet", by_symbol), write("b.parquet", by_time, group=11)
    assert bars_of(first) == bars_of(second)


def test_many_blocks_merge_like_one(write, rows, monkeypatch):
    path = write("a.parquet", rows("ETHUSDT", 300) + rows("BTCUSDT", 500, first=-100))
    whole = bars_of(path)
    monkeypatch.setattr("tradewinds.market.archive.BLOCK_EVENTS", 128)
    blocks = list(Archive([path], EVERYTHING).blocks())
    assert len(blocks) > 5
    assert [event for block in blocks for event in block] == whole


def test_a_file_of_one_series_is_streamed_and_can_be_asked_again(write, rows):
    archive = Archive([write("a.parquet", rows("BTCUSDT", 50), group=9)], EVERYTHING)
    assert [bar.open for bar in archive.events()] == [100.0 + i for i in range(50)]
    assert list(archive.events()) == list(archive.events())


def test_two_files_of_one_series_are_joined_and_what_both_hold_comes_once(write, rows):
    early, late = rows("BTCUSDT", 30), rows("BTCUSDT", 40)[20:]
    archive = Archive([write("a.parquet", early), write("b.parquet", late)], EVERYTHING)
    assert [bar.open for bar in archive.events()] == [100.0 + i for i in range(40)]
    assert archive.dropped == {"in two files": 10}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"close": math.nan}, "open, high, low, close out of order"),
        ({"low": math.nan}, "price not a positive number"),
        ({"high": math.inf}, "price not a positive number"),
        ({"low": -1.0}, "price not a positive number"),
        ({"low": 0.0}, "price not a positive number"),
        ({"high": 50.0}, "open, high, low, close out of order"),
        ({"open": 1e9}, "open, high, low, close out of order"),
        ({"volume": -1.0}, "volume not a number of zero or more"),
        ({"volume": math.nan}, "volume not a number of zero or more"),
        ({"close": None}, "open, high, low, close out of order"),
        ({"ts": None}, "absurd time"),
        ({"ts": 0}, "absurd time"),
        ({"ts": 1_704_067_200_000}, "out of order or duplicate"),
        ({"ts": 1_704_067_200_000 + 3 * 300_000}, "out of order or duplicate"),
        ({"symbol": None}, "symbol or kind not understood"),
        ({"symbol": "???"}, "symbol or kind not understood"),
    ],
)
def test_a_bad_row_is_dropped_and_counted(write, rows, changed, reason):
    for name, other in (("pure.parquet", []), ("mixed.parquet", rows("ETHUSDT", 10))):
        stored = rows("BTCUSDT", 10) + other
        stored[4] = stored[4] | changed
        archive = Archive([write(name, stored)], EVERYTHING)
        events = list(archive.events())
        assert len(events) == len(stored) - 1
        assert archive.dropped == {reason: 1}
        assert all(invalidity(event) is None for event in events)


def test_a_pass_that_was_given_up_counts_nothing_twice(write, rows):
    stored = [
        row | {"low": -1.0} if i % 10 == 3 else row for i, row in enumerate(rows("AUSDT", 50))
    ]
    archive = Archive([write("a.parquet", stored)], EVERYTHING)
    assert archive.dropped == {}
    next(archive.events())
    for _ in range(2):
        assert len(list(archive.events())) == 45
        assert archive.dropped == {"price not a positive number": 5}


def test_rows_that_go_back_in_time_are_dropped(write, rows):
    stored = rows("BTCUSDT", 10)
    stored[5], stored[6] = stored[6], stored[5]
    archive = Archive([write("a.parquet", stored)], EVERYTHING)
    times = [bar.open_time_ns for bar in archive.events()]
    assert all(earlier < later for earlier, later in pairwise(times))
    assert archive.dropped == {"out of order or duplicate": 1}


def test_symbols_are_chosen_in_any_spelling(write, rows):
    path = write("a.parquet", rows("BTCUSDT", 5) + rows("ETHUSDT", 5) + rows("BTCUSDC", 5))
    for spelling in ("BTCUSDT", "BTC/USDT", "BTC-USDT", "BTC/USDT@binance"):
        found = {bar.instrument_id for bar in bars_of(path, symbols=(spelling,))}
        assert found == {"BTC/USDT@binance"}


def test_a_span_holds_the_bars_that_open_in_it(write, rows):
    for group in (3, 1000):
        path = write("a.parquet", rows("BTCUSDT", 20), group=group)
        chosen = bars_of(path, start_ns=T0 + 25 * MINUTE_NS, end_ns=T0 + 50 * MINUTE_NS)
        assert [bar.open for bar in chosen] == [105.0, 106.0, 107.0, 108.0, 109.0]


def test_of_several_timeframes_the_finest_is_taken_and_said(write, rows):
    hourly = write("h.parquet", rows("BTCUSDT", 5, minutes=60))
    fine = write("m.parquet", rows("ETHUSDT", 5, minutes=1))
    archive = Archive([hourly, fine], EVERYTHING)
    assert {bar.timeframe_ns for bar in archive.events()} == {MINUTE_NS}
    assert archive.notes == ["timeframes 1m, 1h found, 1m replayed"]
    assert {bar.timeframe_ns for bar in bars_of(hourly, fine, timeframe_ns=HOUR_NS)} == {HOUR_NS}


def test_a_gap_leaves_the_timeframe_alone(write, rows):
    stored = rows("BTCUSDT", 40)
    del stored[10:20]
    assert {bar.timeframe_ns for bar in bars_of(write("a.parquet", stored))} == {5 * MINUTE_NS}


def test_perpetuals_bring_bars_marks_and_funding_in_that_order(write, rows):
    stored = [
        row | {"kind": kind, "tf": "5m"} | ({"open": 0.0001} if kind == "funding_rate" else {})
        for kind in ("funding_rate", "mark", "futures")
        for row in rows("BTCUSDT", 2)
    ]
    events = bars_of(write("f.parquet", stored))
    assert [(type(event), event.venue_time_ns - T0) for event in events] == [
        (FundingRate, 0),
        (Bar, 5 * MINUTE_NS),
        (MarkPrice, 5 * MINUTE_NS),
        (FundingRate, 5 * MINUTE_NS),
        (Bar, 10 * MINUTE_NS),
        (MarkPrice, 10 * MINUTE_NS),
    ]
    assert {event.instrument_id for event in events} == {"BTC/USDT:USDT@binance"}
    assert events[0].rate == 0.0001
    assert events[2].price == 101.0


def test_marks_and_funding_of_what_has_no_bars_are_left_out(write, rows):
    stored = [
        row | {"kind": kind, "tf": "5m"}
        for kind, symbol in (("spot", "ETHUSDT"), ("mark", "BTCUSDT"))
        for row in rows(symbol, 2)
    ]
    assert {type(event) for event in bars_of(write("f.parquet", stored))} == {Bar}


def test_the_venue_column_names_the_venue(write, rows):
    stored = [row | {"venue": venue} for venue in ("kraken", "bybit") for row in rows("BTCUSD", 2)]
    found = {bar.instrument_id for bar in bars_of(write("v.parquet", stored))}
    assert found == {"BTC/USD@kraken", "BTC/USD@bybit"}


@pytest.mark.parametrize("unit", [1_000_000_000, 1_000_000, 1_000, 1])
def test_whole_number_times_tell_their_unit_by_their_size(write, rows, unit):
    stored = [row | {"ts": row["ts"] * 1_000_000 // unit} for row in rows("BTCUSDT", 3)]
    path = write("i.parquet", stored, ts=pa.int64())
    assert [bar.open_time_ns for bar in bars_of(path)] == [T0 + i * 300 * 10**9 for i in range(3)]


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda row: {k: v for k, v in row.items() if k != "high"}, ["no column high", "need"]),
        (lambda row: row | {"close": "12"}, ["column close is string", "float64"]),
        (lambda row: row | {"ts": "2024-01-01"}, ["column ts is string", "UTC timestamp"]),
    ],
)
def test_a_file_that_cannot_be_used_names_the_column_and_the_fix(write, rows, break_it, words):
    broken = [break_it(row) for row in rows("BTCUSDT", 3)]
    path = write("broken.parquet", broken, **({"ts": None} if words[0][7:9] == "ts" else {}))
    with pytest.raises(DataError) as error:
        bars_of(path)
    assert all(word in str(error.value) for word in [str(path), *words])


def test_a_file_that_is_no_parquet_says_so(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 but not really")
    with pytest.raises(DataError, match="not a readable Parquet file"):
        bars_of(path)


def test_a_truncated_file_says_so(write, rows):
    path = write("a.parquet", rows("BTCUSDT", 100))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="not a readable Parquet file"):
        bars_of(path)


def test_what_is_not_there_is_refused_with_what_is(write, rows):
    path = write("a.parquet", rows("BTCUSDT", 5))
    with pytest.raises(DataError, match="no bars of DOGEUSDT"):
        bars_of(path, symbols=("DOGEUSDT",))
    with pytest.raises(DataError, match="no bars of 1h; there are: 5m"):
        bars_of(path, timeframe_ns=HOUR_NS)
    with pytest.raises(DataError, match="no such file"):
        bars_of(Path("nowhere.parquet"))


def test_a_full_disk_is_told_with_the_fix(write, rows, monkeypatch):
    path = write("a.parquet", rows("BTCUSDT", 5) + rows("ETHUSDT", 5))

    def full(**_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    with pytest.raises(DataError, match="free some disk space"):
        bars_of(path)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("spot_binance_1h_2024-01_2024-09_136sym", 755_566),
        ("spot_binance_5m_2024-01_2024-09", 1_132_566),
        ("futures_binance_1h_funding_mark_2023-01_2024-05", 67_517),
        ("xexchange_stables_1m_2023-03-01_2023-03-21", 403_137),
    ],
)
def test_every_recorded_row_becomes_one_sound_event_in_order(recorded, name, count):
    """Uses ../shared/data."""
    archive = Archive([recorded / f"{name}.parquet"], EVERYTHING)
    last, seen = (0, ""), 0
    for block in archive.blocks():
        for event in block:
            key = (event.venue_time_ns, event.instrument_id)
            assert key >= last
            last = key
        seen += len(block)
        assert all(invalidity(event) is None for event in block[::97])
    assert seen == count
    assert archive.dropped == {}


@pytest.mark.serial
def test_half_a_million_bars_a_second_come_out_of_parquet(recorded):
    """Uses ../shared/data. A figure for the log, with room for a busy machine: not a benchmark."""
    archive = Archive([recorded / "spot_binance_5m_2024-01_2024-09.parquet"], EVERYTHING)
    start = time.perf_counter()
    count = sum(map(len, archive.blocks()))
    assert count / (time.perf_counter() - start) > 100_000


def test_what_was_read_of_a_long_file_does_not_stay_in_memory(tmp_path: Path) -> None:
    groups, rows = 30, 20_000
    path = tmp_path / "long.parquet"
    table = pa.table(
        {
            "symbol": pa.repeat("BTC/USDT", groups * rows).dictionary_encode(),
            "ts": pa.array(T0 // 10**6 + np.arange(groups * rows) * 60_000).cast(
                pa.timestamp("ms")
            ),
            # Prices that do not compress.
            **dict.fromkeys(
                ("open", "high", "low", "close"),
                np.random.default_rng(1).uniform(90, 110, groups * rows),
            ),
            "volume": np.random.default_rng(2).uniform(0, 1, groups * rows),
        }
    )
    pq.write_table(table, path, row_group_size=rows)
    del table
    before, most, seen = pa.total_allocated_bytes(), 0, 0
    for _, batch in series_batches(path, Selection(), Counter()):
        seen += len(batch)
        most = max(most, pa.total_allocated_bytes() - before)
    assert seen == groups * rows
    assert most < path.stat().st_size / 3
