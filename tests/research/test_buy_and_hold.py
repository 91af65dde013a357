"""Buy-and-hold is of what could be bought when the record begins."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.research.made import DAY_NS, FIRST_NS, task_on
from tradewinds.research.backtest import BacktestResult, backtest
from tradewinds.sources import past_of

Write = Callable[..., Path]


def without_first_hours(path: Path, symbol: str, hours: int) -> None:
    table = pq.read_table(path)
    listed_ns = FIRST_NS + hours * DAY_NS // 24
    late = pc.less(table["ts"].cast("int64"), listed_ns // 1_000_000)
    hidden = pc.and_(pc.equal(table["symbol"], symbol), late)
    pq.write_table(table.filter(pc.invert(hidden)), path)


def traded(path: Path) -> BacktestResult:
    task = task_on(path, {"triangular": {}})
    return backtest(task.settings, past_of(task.settings, task.options), task.strategies)


@pytest.mark.parametrize(("hours", "counts"), [(0, True), (20, True), (25, False), (100, False)])
def test_what_is_listed_later_is_not_held(hours: int, counts: bool, write_bars: Write) -> None:
    path = write_bars(24 * 10, ("BTCUSDT", "ETHUSDT"))
    without_first_hours(path, "ETHUSDT", hours)
    table: pa.Table = pq.read_table(path)
    changes = {}
    for symbol in ("BTCUSDT", "ETHUSDT"):
        rows = table.filter(pc.equal(table["symbol"], symbol)).sort_by("ts")
        changes[symbol] = rows["close"][-1].as_py() / rows["open"][0].as_py() - 1
    held = [changes["BTCUSDT"], changes["ETHUSDT"]] if counts else [changes["BTCUSDT"]]
    found = traded(path).performance.market_change
    assert found == pytest.approx(sum(held) / len(held))
    assert changes["BTCUSDT"] != pytest.approx(changes["ETHUSDT"], abs=1e-3)
