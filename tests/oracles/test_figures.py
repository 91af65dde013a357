"""Performance figures as quantstats and empyrical make them, indicators as TA-Lib does."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tradewinds.features.indicators import Atr, Ema, RollingMax, RollingMean
from tradewinds.ledger.curve import Point, drawdown, returns
from tradewinds.ledger.round_trips import trade_figures
from tradewinds.model.ids import InstrumentId, StrategyId, TradeId
from tradewinds.model.market import Side
from tradewinds.model.portfolio import Trade, TradePhase

Ask = Callable[..., dict[str, Any]]
Hours = Callable[..., dict[str, list[Any]]]
MAJORS = "spot_binance_1h_2020-01_2024-09_majors.parquet"
AGREE = 1e-9
DAY_NS = 86_400_000_000_000
PERIODS = (2, 14, 48)


def closed(net: float, number: int) -> Trade:
    """A finished round trip of which only the result matters."""
    return Trade(
        trade_id=TradeId(f"t{number}"),
        strategy_id=StrategyId("s"),
        instrument_id=InstrumentId("BTC/USDT@binance"),
        side=Side.BUY,
        phase=TradePhase.CLOSED,
        quantity=Decimal(0),
        entry_price=Decimal(1),
        stop_price=Decimal(1),
        opened_time_ns=number,
        closed_time_ns=number + 1,
        realised=Decimal(repr(net)),
    )


@pytest.mark.parametrize("symbol", ["BTC", "DOGE"])
def test_performance_agrees_with_two_libraries(ask: Ask, hours: Hours, symbol: str) -> None:
    """Real closes, the last of each day, as if an account had been worth them."""
    bars = hours(f"{symbol}USDT", MAJORS, 0, 50_000)
    last = {ts // DAY_NS: (ts, close) for ts, close in zip(bars["ts"], bars["close"], strict=True)}
    assert len(last) == max(last) - min(last) + 1
    times = [day * DAY_NS for day in last]
    closes = [close for _, close in last.values()]
    nets = [round(after - before, 8) for before, after in zip(closes, closes[7:], strict=False)]
    points: list[Point] = [(t, Decimal(repr(c))) for t, c in zip(times, closes, strict=True)]
    deepest = drawdown(points)
    assert deepest is not None
    grown = returns(points, deepest)
    ours: dict[str, Any] = {name: getattr(grown, name) for name in grown.__struct_fields__}
    ours["drawdown"] = deepest.share
    figures = trade_figures([closed(net, number) for number, net in enumerate(nets)])
    ours |= {name: getattr(figures, name) for name in figures.__struct_fields__}
    found = ask("performance", closes=closes, times=times, nets=nets)
    compared = 0
    for library, said in found.items():
        for name, value in said.items():
            assert ours[name] == pytest.approx(value, rel=AGREE, abs=AGREE), f"{library} {name}"
            compared += 1
    assert compared == 20


@pytest.fixture(scope="module")
def bars(hours: Hours) -> dict[str, list[Any]]:
    return hours("ETHUSDT", MAJORS, 5_000, 3_000)


@pytest.mark.parametrize("period", PERIODS)
def test_indicators_agree_with_talib(ask: Ask, bars: dict[str, list[Any]], period: int) -> None:
    said = ask("indicators", period=period, **{key: bars[key] for key in ("high", "low", "close")})
    ema, mean, highest = Ema(period), RollingMean(period), RollingMax(period)
    ours = {
        "ema": [ema.update(close) for close in bars["close"]],
        "mean": [mean.update(close) for close in bars["close"]],
        "max": [highest.update(high) for high in bars["high"]],
    }
    for name, values in ours.items():
        for index, (mine, other) in enumerate(zip(values, said[name], strict=True)):
            assert (mine is None) == (other is None), f"{name} {index}"
            if mine is not None:
                assert mine == pytest.approx(other, rel=AGREE), f"{name} {index}"


@pytest.mark.parametrize("period", PERIODS)
def test_the_true_range_agrees_at_once_and_its_average_when_the_seed_has_faded(
    ask: Ask, bars: dict[str, list[Any]], period: int
) -> None:
    """TA-Lib begins with the second bar, we with the first (its range is high - low, as Wilder's
    own tables have it): the seed differs, and fades by (1 - 1 / period) a bar."""
    said = ask("indicators", period=period, **{key: bars[key] for key in ("high", "low", "close")})
    rows = list(zip(bars["high"], bars["low"], bars["close"], strict=True))
    single, average = Atr(1), Atr(period)
    ranges = [single.update(*row) for row in rows]
    averages = [average.update(*row) for row in rows]
    assert said["true_range"][0] is None
    # Atr(1) is the range itself, up to what adding and taking away the one before rounds off.
    assert ranges[1:] == pytest.approx(said["true_range"][1:], rel=AGREE, abs=AGREE)
    faded = next(n for n in range(len(rows)) if (1 - 1 / period) ** n < 1e-11)
    assert averages[faded:] == pytest.approx(said["atr"][faded:], rel=AGREE)
    if period > 2:
        assert averages[period + 1] != pytest.approx(said["atr"][period + 1], rel=AGREE)
