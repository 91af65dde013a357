"""Performance figures against numpy, and their honesty where there is nothing to tell."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tradewinds.ledger.curve import Point, daily_returns, drawdown
from tradewinds.ledger.performance import Performance, Record, measure
from tradewinds.ledger.performance_rows import duration, monthly_rows, to_rows
from tradewinds.ledger.results import FOLDED_DAY, NS_PER_DAY
from tradewinds.model.ids import Asset, InstrumentId, StrategyId, TradeId
from tradewinds.model.ledger import DayResult
from tradewinds.model.market import Side
from tradewinds.model.portfolio import Trade, TradePhase

USDT = Asset("USDT")
BTC, ETH = InstrumentId("BTC/USDT@sim"), InstrumentId("ETH/BTC@sim")
NEW_YEAR = 20_454  # 2026-01-01


def curve(*levels: float | str, step_ns: int = NS_PER_DAY) -> list[Point]:
    start = NEW_YEAR * NS_PER_DAY
    return [(start + i * step_ns, Decimal(str(level))) for i, level in enumerate(levels)]


def trade(realised: str, opened_h: int, closed_h: int, side: Side = Side.BUY) -> Trade:
    start = NEW_YEAR * NS_PER_DAY
    return Trade(
        trade_id=TradeId(f"t{closed_h}"),
        strategy_id=StrategyId("momentum"),
        instrument_id=BTC,
        side=side,
        phase=TradePhase.CLOSED,
        quantity=Decimal(0),
        entry_price=Decimal(100),
        stop_price=Decimal(90),
        opened_time_ns=start + opened_h * 3600 * 10**9,
        closed_time_ns=start + closed_h * 3600 * 10**9,
        entry_quantity=Decimal(2),
        exit_quantity=Decimal(2),
        exit_price=Decimal(110),
        fees=Decimal("0.2"),
        realised=Decimal(realised),
    )


def day(number: int, gross: str, fees: str = "0") -> DayResult:
    zero = Decimal(0)
    return DayResult(
        day=number,
        strategy_id=StrategyId("momentum"),
        instrument_id=BTC,
        gross=Decimal(gross),
        fees=Decimal(fees),
        funding=zero,
        slippage=zero,
        ai_cost=zero,
    )


LEVELS = st.lists(st.floats(500, 2000).map(lambda x: round(x, 2)), min_size=3, max_size=60)


@settings(max_examples=200, deadline=None)
@given(LEVELS)
def test_ratios_are_those_of_an_independent_computation(levels: list[float]) -> None:
    result = measure(Record(equity=curve(*levels))).returns
    prices = np.array(levels)
    daily = np.concatenate([[0.0], prices[1:] / prices[:-1] - 1])
    spread = daily.std(ddof=1)
    downside = np.sqrt((daily[daily < 0] ** 2).sum() / len(daily))
    fall = (1 - prices / np.maximum.accumulate(prices)).max()
    growth = (prices[-1] / prices[0]) ** (365 / (len(levels) - 1)) - 1
    assert result.total == pytest.approx(prices[-1] / prices[0] - 1, abs=1e-12)
    assert result.cagr == pytest.approx(growth, rel=1e-9, abs=1e-9)
    expected = {
        "volatility": (spread * np.sqrt(365), 1.0),
        "sharpe": (daily.mean() * np.sqrt(365), spread),
        "sortino": (daily.mean() * np.sqrt(365), downside),
        "calmar": (growth, fall),
        "omega": (daily[daily > 0].sum(), -daily[daily < 0].sum()),
    }
    for name, (above, below) in expected.items():
        value = getattr(result, name)
        if below < 1e-12:
            assert value is None
        else:
            assert value == pytest.approx(above / below, rel=1e-6, abs=1e-9)


@settings(max_examples=200, deadline=None)
@given(LEVELS)
def test_the_drawdown_is_the_deepest_of_all_pairs(levels: list[float]) -> None:
    points = curve(*levels)
    pairs = [(float((a[1] - b[1]) / a[1]), a, b) for i, a in enumerate(points) for b in points[i:]]
    share, _, _ = max(pairs, key=lambda pair: pair[0])
    found = drawdown(points)
    if share == 0:
        assert found is None
    else:
        assert found is not None
        assert found.share == pytest.approx(share)
        at = dict(points)
        assert at[found.peak_ns] - at[found.low_ns] == found.amount
        assert found.underwater_ns >= found.duration_ns


def test_the_longest_time_under_water_may_be_another_fall_than_the_deepest() -> None:
    found = drawdown(curve(100, 99, 99, 99, 100, 80, 90))
    assert found is not None
    assert (found.share, found.amount) == (0.2, Decimal(20))
    assert (found.duration_ns, found.underwater_ns) == (NS_PER_DAY, 4 * NS_PER_DAY)
    assert found.recovered_ns is None


def test_of_falls_equally_deep_the_first_is_told() -> None:
    points = curve(100, 80, 100, 80, 100)
    found = drawdown(points)
    assert found is not None
    assert (found.peak_ns, found.recovered_ns) == (points[0][0], points[2][0])


def test_days_without_points_are_days_without_change() -> None:
    points = curve(100, 110)
    late = [points[0], (points[0][0] + 3 * NS_PER_DAY, Decimal(110))]
    assert daily_returns(late) == pytest.approx([0, 0, 0, 0.1])


def test_intraday_points_count_for_drawdown_but_days_close_once() -> None:
    result = measure(Record(equity=curve(100, 50, 100, 101, step_ns=NS_PER_DAY // 4)))
    assert result.drawdown is not None
    assert result.drawdown.share == 0.5
    assert result.returns.volatility is None, "a single day has no spread"
    assert result.returns.cagr is None, "less than a day cannot be annualised"


def test_months_chain_to_the_total() -> None:
    levels = [1000 + 3 * i for i in range(70)]
    result = measure(Record(equity=curve(*levels)))
    assert [name for name, _ in monthly_rows(result)] == ["2026-01", "2026-02", "2026-03"]
    chained = np.prod([1 + month.value for month in result.returns.monthly]) - 1
    assert chained == pytest.approx(result.returns.total)


def test_trades_are_judged_by_their_net_result() -> None:
    trades = [
        trade("10", 0, 2),
        trade("-5", 3, 4, Side.SELL),
        trade("0", 5, 6),
        trade("20", 7, 8),
        trade("4", 8, 9, Side.SELL),
    ]
    result = measure(Record(equity=curve(1000, 1029), trades=trades[::-1]))
    figures = result.trades
    nets = np.array([10, -5, 0, 20, 4.0])
    assert (figures.trades, figures.wins, figures.draws, figures.losses) == (5, 3, 1, 1)
    assert figures.win_rate == 0.6
    assert figures.profit_factor == pytest.approx(34 / 5)
    assert figures.expectancy == pytest.approx(nets.mean())
    assert figures.expectancy_ratio == pytest.approx((1 + (34 / 3) / 5) * 0.6 - 1)
    assert figures.sqn == pytest.approx(np.sqrt(5) * nets.mean() / nets.std(ddof=1))
    assert (figures.best, figures.worst) == (Decimal(20), Decimal(-5))
    assert (figures.wins_in_a_row, figures.losses_in_a_row) == (2, 1)
    assert figures.holding_ns == 6 * 3600 * 10**9 // 5
    assert (result.longs.trades, result.shorts.trades) == (3, 2)
    assert result.shorts.net == Decimal(-1)


def test_only_losses_make_an_expectancy_ratio_of_minus_one() -> None:
    figures = measure(Record(equity=[], trades=[trade("-1", 0, 1), trade("-2", 1, 2)])).trades
    assert (figures.profit_factor, figures.expectancy_ratio) == (0, -1)
    assert figures.average_win is None


def test_turnover_is_in_account_currency_and_exposure_counts_overlaps_once() -> None:
    trades = [trade("1", 0, 6), trade("1", 3, 9), replace(trade("1", 18, 30), instrument_id=ETH)]
    still_open = replace(trade("0", 30, 0), phase=TradePhase.OPEN, exit_quantity=Decimal(0))
    result = measure(
        Record(
            equity=curve(1000, 1000, 1000),
            trades=[*trades, still_open],
            quote_rates={ETH: Decimal(50)},
        )
    )
    assert result.turnover == 420 * 2 + 420 * 50 + 200
    assert result.turnover_ratio == pytest.approx(22.04)
    assert result.exposure_share == pytest.approx((9 + 30) / 48)
    assert result.trades.trades == 3


def test_days_win_draw_or_lose_by_net_result() -> None:
    days = [day(NEW_YEAR, "5", "6"), day(NEW_YEAR + 2, "7", "1"), day(FOLDED_DAY, "100")]
    result = measure(Record(equity=curve(1000, 1000, 1005, 1005), days=days))
    assert (result.days.wins, result.days.draws, result.days.losses) == (1, 2, 1)
    assert (result.days.best, result.days.worst) == (Decimal(6), Decimal(-1))
    assert result.realised.net == Decimal(105)
    assert result.cost_share == pytest.approx(7 / 112)


def test_buy_and_hold_stands_beside_the_result() -> None:
    market = {BTC: (100.0, 120.0), ETH: (10.0, 9.0)}
    result = measure(Record(equity=curve(1000, 1030), market=market))
    assert result.market_change == pytest.approx(0.05)
    assert result.excess == pytest.approx(-0.02)


@pytest.mark.parametrize("equity", [[], curve(1000), curve(1000, 1000), curve(0, 0), curve(5, -1)])
def test_what_is_undefined_is_none_and_shown_as_a_dash(equity: list[Point]) -> None:
    result = measure(Record(equity=equity))
    assert result.returns.sharpe is None
    assert result.trades.profit_factor is None
    assert result.cost_share is None
    rows = dict(to_rows(result, USDT))
    assert rows["Sharpe"] == rows["Profit factor"] == rows["Best trade"] == "-"
    assert not [text for text in rows.values() if "nan" in text or "inf" in text]


def test_a_growth_too_fast_to_annualise_is_undefined() -> None:
    assert measure(Record(equity=curve(1, 1e9))).returns.cagr is None


def test_rows_carry_the_names_that_users_expect() -> None:
    result = measure(Record(equity=curve(1000, 990, 1100), trades=[trade("12.345", 0, 30)]))
    rows = dict(to_rows(result, USDT))
    assert rows["Final balance"] == "1,100.00 USDT"
    assert rows["Total profit %"] == "10.00 %"
    assert rows["Max % of account underwater"] == "1.00 %"
    assert rows["Best trade"] == "12.34 USDT"
    assert rows["Avg holding time"] == "1d 06:00:00"
    expected = {"CAGR %", "Sortino", "Calmar", "SQN", "Expectancy ratio", "Max underwater period"}
    assert expected <= set(rows)
    assert len(rows) == len(to_rows(result, USDT)), "no name stands twice"
    assert duration(59 * 10**9) == "00:00:59"
    assert isinstance(result, Performance)
