"""What is held when its market ends is given away below the last price, and nobody knew before."""

from collections.abc import Callable
from decimal import Decimal
from itertools import count
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.research.conftest import wander
from tests.research.made import DAY_NS, FIRST_NS, HOUR_MS, task_on
from tradewinds.market.replay import ReplayFeed
from tradewinds.market.selection import Selection
from tradewinds.model.ids import InstrumentId
from tradewinds.research.backtest import BacktestResult, backtest
from tradewinds.research.lookahead import lookahead
from tradewinds.research.trial import Task, past_until
from tradewinds.sources import past_of

HOUR_NS = HOUR_MS * 1_000_000
HAIRCUT = Decimal("0.05")
ONE_CENT = Decimal("0.01")
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """`write(AAA=48, BBB=96)`: so many hours of each, in a folder of files or in one file."""
    numbers = count()

    def made(mixed: bool = False, **hours: int) -> Path:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        tables = {name: table_of(name, length) for name, length in hours.items()}
        if mixed:
            pq.write_table(pa.concat_tables(tables.values()), folder / "all.parquet")
        else:
            for name, table in tables.items():
                pq.write_table(table, folder / f"{name}.parquet")
        return folder

    return made


def table_of(name: str, hours: int) -> pa.Table:
    rows = list(wander(hours, sum(map(ord, name)), None))
    table = pa.table({key: [row[key] for row in rows] for key in rows[0]})
    stamps = table["ts"].cast(pa.timestamp("ms", "UTC"))
    symbols = pa.array([f"{name}USDT"] * hours)
    return table.set_column(0, "ts", stamps).add_column(0, "symbol", symbols)


@pytest.fixture
def keeping(plant: Callable[..., None]) -> None:
    plant(keeping="tests.research.planted:Keeping")


def run(path: Path, haircut: Decimal = HAIRCUT, *, closing: bool = False) -> BacktestResult:
    task = kept(path, haircut)
    past = past_of(task.settings, task.options)
    return backtest(task.settings, past, task.strategies, closing=closing)


def kept(path: Path, haircut: Decimal = HAIRCUT) -> Task:
    task = task_on(path, {"keeping": {}})
    harsh = task.settings.sim.model_copy(update={"delisted_haircut": float(haircut)})
    roomy = {"price_jump_max": 0.9, "loss_per_trade_max": Decimal(100)}
    limits = task.settings.limits.model_copy(update=roomy)
    changed = {"sim": harsh, "limits": limits}
    return structs.replace(task, settings=task.settings.model_copy(update=changed))


def endings(path: Path, **chosen: int) -> dict[InstrumentId, int]:
    return ReplayFeed(path, Selection(**chosen)).endings


def name_of(found: dict[InstrumentId, int]) -> dict[str, int]:
    return {id_.partition("/")[0]: (at_ns - FIRST_NS) // HOUR_NS for id_, at_ns in found.items()}


@pytest.mark.parametrize("mixed", [False, True])
def test_what_ends_a_day_before_the_others_is_delisted_after_that_day(
    write: Write, mixed: bool
) -> None:
    path = write(mixed, AAA=100, BBB=76, CCC=75, DDD=50)
    assert name_of(endings(path)) == {"CCC": 99, "DDD": 74}


@pytest.mark.parametrize("mixed", [False, True])
def test_where_all_end_together_or_one_is_alone_nothing_is_delisted(
    write: Write, mixed: bool
) -> None:
    assert endings(write(mixed, AAA=50, BBB=50)) == {}
    assert endings(write(mixed, AAA=50)) == {}


def test_a_span_chosen_from_a_recording_ends_nothing(write: Write) -> None:
    path = write(AAA=100, BBB=50)
    chosen = endings(path, start_ns=FIRST_NS, end_ns=FIRST_NS + 30 * HOUR_NS)
    assert chosen == endings(path), "the same moment, which this span does not reach"


def test_what_is_held_is_sold_below_its_last_price_and_told(write: Write, keeping: None) -> None:
    result = run(write(AAA=120, BBB=50))
    (gone,) = [trade for trade in result.trades if trade.exit_reason == "delisted"]
    assert gone.instrument_id.startswith("BBB")
    assert gone.quantity < gone.entry_quantity / 100
    ended_ns = FIRST_NS + 50 * HOUR_NS
    assert ended_ns + DAY_NS <= gone.closed_time_ns <= ended_ns + DAY_NS + HOUR_NS
    last = Decimal(str(list(wander(50, sum(map(ord, "BBB")), None))[-1]["close"]))
    assert gone.exit_price == pytest.approx(last * (1 - HAIRCUT), rel=Decimal("0.001"))
    assert gone.exit_price <= last * (1 - HAIRCUT), "no better than the haircut"
    assert result.open_trades == 1, "what still has a price is still held"
    again = [t for t in result.trades if t.instrument_id == gone.instrument_id and t is not gone]
    assert all(trade.closed_time_ns < ended_ns for trade in again)


def test_an_exit_that_no_bar_filled_any_more_counts_as_delisted(
    write: Write, plant: Callable[..., None]
) -> None:
    plant(keeping="tests.research.planted:Leaving")
    result = run(write(AAA=120, BBB=50))
    reasons = {trade.instrument_id[:3]: trade.exit_reason for trade in result.trades}
    assert reasons["BBB"] == "delisted"
    assert reasons["AAA"] == "time"
    assert not [trade for trade in result.trades if trade.instrument_id.startswith("BBB")][1:]


def test_a_dearer_end_costs_what_it_says(write: Write, keeping: None) -> None:
    path = write(AAA=120, BBB=50)
    cheap, dear = run(path, Decimal("0.05")), run(path, Decimal("0.45"))
    (one,) = [trade for trade in cheap.trades if trade.exit_reason == "delisted"]
    (other,) = [trade for trade in dear.trades if trade.exit_reason == "delisted"]
    lost = one.exit_quantity * (one.exit_price - other.exit_price)
    assert one.realised - other.realised == pytest.approx(lost, rel=Decimal("0.01"))
    assert cheap.equity[-1][1] - dear.equity[-1][1] == pytest.approx(lost, rel=Decimal("0.02"))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@example([3, 27], Decimal(0), False)
@given(
    st.lists(st.integers(3, 90), min_size=2, max_size=3),
    st.sampled_from([Decimal(0), Decimal("0.05"), Decimal("0.5")]),
    st.booleans(),
)
def test_no_trade_outlives_its_market_and_the_account_is_what_the_trades_made(
    write: Write, keeping: None, hours: list[int], haircut: Decimal, mixed: bool
) -> None:
    path = write(mixed, **dict(zip(("AAA", "BBB", "CCC"), hours, strict=False)))
    still = run(path, haircut)
    dead = sum(length + 24 < max(hours) for length in hours)
    assert still.open_trades <= len(hours) - dead
    result = run(path, haircut, closing=True)
    assert result.open_trades == 0
    start, end = result.equity[0][1], result.equity[-1][1]
    # Rounding lots leaves dust, which is held at its last price.
    made = sum((trade.realised for trade in result.trades), Decimal(0))
    assert end == pytest.approx(start + made, abs=len(hours) * ONE_CENT)
    assert result.trades
    for trade in result.trades:
        if trade.exit_reason == "delisted":
            assert trade.closed_time_ns >= FIRST_NS + (min(hours) + 24) * HOUR_NS


@pytest.mark.parametrize("mixed", [False, True])
def test_a_past_cut_off_at_any_moment_around_an_end_wishes_for_the_same(
    write: Write, keeping: None, mixed: bool
) -> None:
    task = kept(write(mixed, AAA=120, BBB=50))
    at = (49, 50, 51, 60, 73, 74, 75, 100)
    cuts = [FIRST_NS + hour * HOUR_NS for hour in at]
    report = lookahead(task, lambda cut: past_until(task, cut), cuts)
    assert report.clean, report.leaks
    assert report.checked > 2 * len(cuts)
