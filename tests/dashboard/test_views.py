"""What tables, badges and charts say about a snapshot."""

import json
from decimal import Decimal

import msgspec
import pytest

from tests.dashboard.conftest import Hand
from tests.dashboard.fakes import FakeBus, FakeEngine, FakeHistory, at, cents
from tradewinds.dashboard import charts, results, views
from tradewinds.dashboard.formats import DOWN, MINUS, UP
from tradewinds.dashboard.state import LiveState
from tradewinds.ledger.performance import Record, measure
from tradewinds.ledger.performance_rows import to_rows
from tradewinds.model.ids import Asset, StrategyId
from tradewinds.model.ledger import DayResult
from tradewinds.model.snapshot import TOPIC_SNAPSHOT, Snapshot


@pytest.fixture
def shown() -> tuple[LiveState, Snapshot]:
    engine = FakeEngine()
    state = LiveState(FakeBus(engine), Hand(), 3.0)
    snapshot = engine.step()
    state.take(TOPIC_SNAPSHOT, msgspec.msgpack.encode(snapshot))
    return state, snapshot


def texts(row: views.Row) -> list[str]:
    return [text for text, _, _ in row.cells]


def test_a_position_shows_side_stop_result_and_age(shown: tuple[LiveState, Snapshot]) -> None:
    rows = views.position_rows(*shown)
    cells = dict(
        zip([column.label for column in views.POSITION_COLUMNS], texts(rows[0]), strict=True)
    )
    assert cells["Instrument"] == "BTC/USDT"
    assert cells["Side"] == f"{UP} Long"
    assert cells["Quantity"] == "0.00162"
    assert cells["Stop"] == "95,255.2"
    assert cells["Worst loss"].startswith(MINUS)
    assert cells["Age"] == "12m 28s"
    assert texts(rows[2])[1] == f"{DOWN} Short"


def test_rows_and_columns_have_the_same_width(shown: tuple[LiveState, Snapshot]) -> None:
    state, snapshot = shown
    history = FakeHistory(days=2)
    tables = [
        (views.POSITION_COLUMNS, views.position_rows(state, snapshot)),
        (views.STRATEGY_COLUMNS, views.strategy_rows(snapshot.strategies)),
        (views.PRICE_COLUMNS, views.price_rows(state, snapshot.prices)),
        (views.TRADE_COLUMNS, views.trade_rows(state, history.trades(0, 5))),
        (views.RECENT_COLUMNS, views.recent_rows([(1, FakeEngine().line("fill", "a", "b"))])),
        (results.BY_STRATEGY_COLUMNS, results.by_strategy(history.day_results())),
        (results.BY_INSTRUMENT_COLUMNS, results.by_instrument(history.day_results())),
    ]
    for columns, rows in tables:
        assert rows
        assert all(len(row.cells) == len(columns) for row in rows)


@pytest.mark.parametrize(
    ("label", "synthetic", "progress", "badge"),
    [
        ("SYNTHETIC seed 7", True, None, ("SYNTHETIC seed 7", "synthetic")),
        ("made up", True, None, ("SYNTHETIC made up", "synthetic")),
        ("", True, None, ("SYNTHETIC UNKNOWN FEED", "synthetic")),
        ("REPLAY bars", False, 0.42, ("REPLAY 42% bars", "replay")),
        ("bars", False, 0.0, ("REPLAY 0% bars", "replay")),
        ("LIVE binance", False, None, ("LIVE binance", "live-feed")),
    ],
)
def test_the_badge_never_passes_made_up_prices_for_real(
    label: str, synthetic: bool, progress: float | None, badge: tuple[str, str]
) -> None:
    snapshot = msgspec.structs.replace(
        FakeEngine().snapshot(), feed_label=label, synthetic=synthetic, progress=progress
    )
    assert views.feed_badge(snapshot) == badge


@pytest.mark.parametrize(
    ("realised", "used", "limit", "shares"),
    [
        ("-5", "12", "20", (0.25, 0.35)),
        ("3", "7", "20", (0.0, 0.35)),
        ("-25", "25", "20", (1.25, 0.0)),
        ("0", "0", "0", (1.0, 0.0)),
    ],
)
def test_the_day_limit_is_split_into_lost_and_at_risk(
    realised: str, used: str, limit: str, shares: tuple[float, float]
) -> None:
    snapshot = FakeEngine().snapshot()
    limits = msgspec.structs.replace(snapshot.limits, loss_per_day_max=Decimal(limit))
    changed = msgspec.structs.replace(
        snapshot, realised_today=Decimal(realised), day_loss_used=Decimal(used), limits=limits
    )
    assert views.day_loss_shares(changed) == pytest.approx(shares)


def day(number: int, strategy: str, gross: str) -> DayResult:
    return DayResult(
        day=number,
        strategy_id=StrategyId(strategy),
        instrument_id=at("BTC/USDT"),
        gross=Decimal(gross),
        fees=Decimal("0.25"),
        funding=Decimal(0),
        slippage=Decimal("0.05"),
        ai_cost=Decimal(0),
    )


def test_results_are_summed_net_of_costs() -> None:
    days = [day(20_000, "a", "2"), day(20_000, "b", "-1"), day(20_001, "a", "1"), day(-1, "a", "9")]
    assert results.net_by_day(days) == [("2024-10-04", pytest.approx(0.4)), ("2024-10-05", 0.7)]
    rows = results.by_strategy(days)
    assert [row.key for row in rows] == ["a", "b"]
    assert texts(rows[1])[-1] == f"{DOWN} {MINUS}1.30"


def test_charts_are_plain_data_without_functions() -> None:
    points = [(1_736_000_000_000_000_000, 1000.0), (1_736_000_060_000_000_000, 990.0)]
    for options in (
        charts.equity_line(points, 1000.0),
        charts.drawdown_area(points),
        charts.daily_bars([("2025-01-01", -1.0), ("2025-01-02", 2.0)]),
    ):
        assert "function" not in json.dumps(options)
        assert ":" not in {key[0] for key in options}
    assert charts.drawdown_area(points)["series"][0]["data"][1][1] == -1.0


def test_a_flat_day_is_drawn_flat_on_a_narrow_scale() -> None:
    axis = charts.equity_line([(1, 1000.0), (2, 1000.0)], 1000.0)["yAxis"]
    assert (axis["min"], axis["max"]) == (999, 1001)


def test_a_change_that_reads_as_nothing_has_no_arrow() -> None:
    engine = FakeEngine()
    row = msgspec.structs.replace(engine.snapshot().prices[0], change_day=0.00002)
    state = LiveState(FakeBus(engine), Hand(), 3.0)
    assert texts(views.price_rows(state, [row])[0])[4] == "0.00%"


def test_annualised_figures_of_a_few_days_are_not_shown() -> None:
    from tradewinds.dashboard.pages.figures import ANNUALISED, DAYS_MIN, NEEDS_MARKET, honest

    few = measure(Record(equity=[(n * 3600 * 10**9, cents(1000 + n)) for n in range(72)]))
    rows = dict(to_rows(few, Asset("USDT")))
    assert set(rows) >= ANNUALISED | NEEDS_MARKET
    for name in ANNUALISED:
        assert honest(name, rows[name], few) == f"needs {DAYS_MIN} days"
    many = measure(Record(equity=[(n * 86400 * 10**9, cents(1000 + n % 3)) for n in range(30)]))
    assert "needs" not in honest("Sharpe", dict(to_rows(many, Asset("USDT")))["Sharpe"], many)
