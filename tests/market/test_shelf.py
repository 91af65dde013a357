"""The archive on disk: merged, never overwritten, read back as one series."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewinds.market.archive import Archive
from tradewinds.market.parquet_rows import ROW, Rows
from tradewinds.market.replay import ReplayFeed
from tradewinds.market.selection import Selection
from tradewinds.market.shelf import (
    PRINT,
    SeriesName,
    Shelf,
    archive_root,
    joined,
    merge,
    missing,
)
from tradewinds.model.errors import DataError
from tradewinds.model.market import Bar, TradePrint
from tradewinds.model.timeframes import DAY_NS, HOUR_NS

START_NS = 19_700 * DAY_NS
BTC = SeriesName(venue="binance", kind="spot", symbol="BTC/USDT", tf="1h")
PRINTS = SeriesName(venue="binance", kind="prints", symbol="BTC/USDT")
Span = tuple[int, int]
spans = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8)


def rows(first: int, count: int, price: float = 100.0) -> Rows:
    """Hourly bars, so many hours after the start."""
    made = np.zeros(count, dtype=ROW)
    made["ts"] = START_NS + (first + np.arange(count)) * HOUR_NS
    for name in ("open", "high", "low", "close"):
        made[name] = price
    made["volume"] = 1.0
    return made


def test_bars_over_years_come_back_as_one_series(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    hours = 24 * 500
    assert shelf.add(BTC, rows(0, hours)).new == hours
    assert len(list(tmp_path.rglob("*.parquet"))) == 3
    events = list(Archive(sorted(tmp_path.rglob("*.parquet")), Selection()).events())
    opens = [event.open_time_ns for event in events if isinstance(event, Bar)]
    assert opens == [START_NS + n * HOUR_NS for n in range(hours)]
    assert events[0].instrument_id == "BTC/USDT@binance"


def test_what_is_there_stays_and_what_differs_is_counted(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.add(BTC, rows(0, 10, price=100.0))
    added = shelf.add(BTC, rows(5, 10, price=200.0))
    assert (added.new, added.same, added.differing) == (5, 0, 5)
    again = shelf.add(BTC, rows(0, 10, price=100.0))
    assert (again.new, again.same, again.differing) == (0, 10, 0)
    bars = [event for event in ReplayFeed(tmp_path, Selection()).events() if isinstance(event, Bar)]
    assert [bar.close for bar in bars] == [100.0] * 10 + [200.0] * 5


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 3)), max_size=40), st.integers(0, 40))
def test_merging_loses_nothing_and_keeps_each_moment_once(
    drawn: list[tuple[int, int]], cut: int
) -> None:
    whole = np.zeros(len(drawn), dtype=ROW)
    whole["ts"] = [at for at, _ in drawn]
    whole["close"] = [price for _, price in drawn]
    old, _ = merge(np.zeros(0, dtype=ROW), whole[:cut])
    merged, added = merge(old, whole[cut:])
    expected: dict[int, float] = {}
    for at, price in drawn:
        expected.setdefault(at, price)
    assert list(zip(merged["ts"].tolist(), merged["close"].tolist(), strict=True)) == sorted(
        expected.items()
    )
    assert added.new == len(merged) - len(old)
    assert added.new + added.same + added.differing == len(whole[cut:])


def test_prints_of_one_moment_are_told_apart_by_their_id(tmp_path: Path) -> None:
    made = np.array(
        [(START_NS, 100.0, 1.0, True, "a"), (START_NS, 100.0, 1.0, True, "b")], dtype=PRINT
    )
    shelf = Shelf(tmp_path)
    assert shelf.add(PRINTS, made).new == 2
    assert shelf.add(PRINTS, made[:1]).same == 1
    later = made[:1].copy()
    later["ts"] += DAY_NS
    later["id"] = "c"
    shelf.add(PRINTS, later)
    events = list(ReplayFeed(tmp_path, Selection()).events())
    assert [e.print_id for e in events if isinstance(e, TradePrint)] == ["a", "b", "c"]


def test_bars_and_prints_of_an_archive_replay_together(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.add(BTC, rows(0, 3))
    at = START_NS + HOUR_NS + 1
    shelf.add(PRINTS, np.array([(at, 100.0, 1.0, False, "x")], dtype=PRINT))
    kinds = [type(event).__name__ for event in ReplayFeed(tmp_path, Selection()).events()]
    assert kinds == ["Bar", "TradePrint", "Bar", "Bar"]


@given(spans)
def test_joined_spans_cover_the_same_moments(drawn: list[Span]) -> None:
    covered = {n for start, end in drawn for n in range(start, end)}
    found = joined([(a, b) for a, b in drawn if b > a])
    assert {n for start, end in found for n in range(start, end)} == covered
    assert all(a[1] < b[0] for a, b in pairwise(found))


@given(spans, st.integers(0, 30), st.integers(31, 60))
def test_what_is_missing_is_what_was_wanted_and_not_asked(
    drawn: list[Span], start: int, end: int
) -> None:
    asked = {n for a, b in drawn for n in range(a, b)}
    found = missing((start, end), [(a, b) for a, b in drawn if b > a])
    assert {n for a, b in found for n in range(a, b)} == set(range(start, end)) - asked


def test_only_one_writes_at_a_time(tmp_path: Path) -> None:
    wait = pytest.raises(DataError, match="wait for its end")
    with Shelf(tmp_path).locked(), wait, Shelf(tmp_path).locked():
        pass


@pytest.mark.parametrize("symbol", ["../../etc", "BTC/../x", "/", "BTC", "BTC/USDT:..", ".a/b"])
def test_a_symbol_cannot_lead_out_of_the_archive(tmp_path: Path, symbol: str) -> None:
    name = SeriesName(venue="binance", kind="spot", symbol=symbol, tf="1h")
    with pytest.raises(DataError, match="write it like"):
        Shelf(tmp_path).add(name, rows(0, 1))


def test_a_damaged_file_is_named_and_not_overwritten(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.add(BTC, rows(0, 3))
    path = next(tmp_path.rglob("*.parquet"))
    path.write_bytes(b"not parquet")
    with pytest.raises(DataError, match="damaged"):
        shelf.add(BTC, rows(3, 3))
    assert path.read_bytes() == b"not parquet"


def test_a_folder_outside_an_archive_is_not_searched_below(tmp_path: Path) -> None:
    Shelf(tmp_path / "archive").add(BTC, rows(0, 3))
    assert archive_root(tmp_path) is None
    assert archive_root(tmp_path / "archive" / "binance") == tmp_path / "archive"
    with pytest.raises(DataError, match="no Parquet of bars"):
        ReplayFeed(tmp_path, Selection())


def test_reading_in_small_blocks_gives_the_same_bars(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.add(BTC, rows(0, 24 * 400))
    files = sorted(tmp_path.rglob("*.parquet"))
    archive = Archive(files, Selection())
    assert archive.dropped == {}
    first, last = archive.span_ns
    assert (first, last) == (START_NS, START_NS + (24 * 400 - 1) * HOUR_NS)
    assert Counter(type(e) for e in archive.events())[Bar] == 24 * 400
