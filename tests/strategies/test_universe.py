"""Which instruments momentum looks at, how they compare, and how alike they are."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from tradewinds.model.ids import InstrumentId, StrategyId
from tradewinds.model.market import Bar
from tradewinds.model.signal import EnterSignal
from tradewinds.strategies.momentum import Momentum, MomentumParams
from tradewinds.strategies.trend import Trend
from tradewinds.strategies.universe import Member, Universe, correlation

Make = Callable[..., Any]
MINUTE_NS = 60_000_000_000
ID = InstrumentId("A/USDT@x")


def member() -> Member:
    trend = Trend(breakout_bars=5, volume_bars=4, volume_factor=1.0, ema_bars=(2, 6), atr_bars=3)
    return Member(ID, trend, MINUTE_NS)


def fed(bars: Sequence[Bar]) -> Member:
    made = member()
    for bar in bars:
        made.update(bar)
    return made


@pytest.fixture
def swings(bars: Make, row: Make) -> Callable[..., list[Bar]]:
    """Minute bars with a trend a bar, and noise of a seed."""

    def made(drift: float, seed: int = 1, count: int = 120, volume: float = 1.0) -> list[Bar]:
        rng = np.random.default_rng(seed)
        closes = 100.0 * np.exp(np.cumsum(drift + rng.standard_normal(count) * 0.002))
        rows = [row(float(c), float(c) * 1.001, float(c) * 0.999, volume) for c in closes]
        found: list[Bar] = bars(ID, rows)
        return found

    return made


def test_turnover_is_quote_asset_a_day(bars: Make, row: Make) -> None:
    made = fed(bars(ID, [row(100.0, 101.0, 99.0, 3.0)] * 50))
    assert made.turnover == pytest.approx(100.0 * 3.0 * 1440)


def test_only_what_is_liquid_old_and_still_trading_is_eligible(
    swings: Callable[..., list[Bar]],
) -> None:
    made = fed(swings(0.001))
    universe = Universe(MINUTE_NS, (100_000.0, 0.0), 100)
    last_ns = made.last_ns
    assert universe.eligible(made, last_ns)
    assert universe.eligible(made, last_ns + MINUTE_NS)
    assert not universe.eligible(made, last_ns + 2 * MINUTE_NS), "delisted, or its feed is gone"
    assert not Universe(MINUTE_NS, (1e9, 0.0), 100).eligible(made, last_ns), "too thin"
    assert not Universe(MINUTE_NS, (0.0, 1_000.0), 100).eligible(made, last_ns), "too large"
    assert not Universe(MINUTE_NS, (0.0, 0.0), 121).eligible(made, last_ns), "too young"
    assert not universe.eligible(member(), last_ns), "knows nothing yet"


def test_standing_counts_who_is_stronger_and_who_rises(swings: Callable[..., list[Bar]]) -> None:
    universe = Universe(MINUTE_NS, (0.0, 0.0), 0)
    for number, drift in enumerate((0.01, 0.005, 0.002, -0.004)):
        universe.members[InstrumentId(f"{number}/USDT@x")] = fed(swings(drift))
    strongest, second, third, falling = universe.members.values()
    now_ns = strongest.last_ns
    assert [universe.standing(m, now_ns)[0] for m in (strongest, second, third, falling)] == [
        0.0,
        0.25,
        0.5,
        0.75,
    ]
    assert universe.standing(strongest, now_ns)[1] == 0.75
    assert universe.standing(strongest, now_ns + 10 * MINUTE_NS) == (1.0, 0.0), "nobody is left"


def test_correlation_is_pearsons_of_shared_bars(swings: Callable[..., list[Bar]]) -> None:
    one, other = swings(0.0, seed=1), swings(0.0, seed=2)
    mixed = [
        structs.replace(b, close=math.sqrt(a.close * b.close))
        for a, b in zip(one, other, strict=True)
    ]
    holes = [bar for number, bar in enumerate(mixed) if number % 7]
    x = dict(fed(one).returns)
    y = dict(fed(holes).returns)
    shared = sorted(x.keys() & y.keys())
    expected = np.corrcoef([x[t] for t in shared], [y[t] for t in shared])[0, 1]
    assert correlation(fed(one), fed(holes)) == pytest.approx(expected)
    assert correlation(fed(one), fed(one)) == pytest.approx(1.0)
    assert correlation(fed(one), fed(one[:40])) is None, "too few to tell"


def test_larger_timeframes_say_nothing_before_they_know(swings: Callable[..., list[Bar]]) -> None:
    assert fed(swings(0.002, count=60)).larger_rising() == 0
    assert fed(swings(0.002, count=200)).larger_rising() == 1
    assert fed(swings(0.002, count=24 * 22)).larger_rising() == 2
    assert fed(swings(-0.002, count=24 * 22)).larger_rising() == 0


OPEN: dict[str, Any] = {
    "timeframe": "1m",
    "breakout_bars": 5,
    "volume_bars": 4,
    "volume_factor": 0.0,
    "ema_fast_bars": 2,
    "ema_slow_bars": 6,
    "atr_bars": 3,
    "stop_atr": 2.0,
    "cost_factor": 1.0,
    "move_atr": 100.0,
    "cooldown_bars": 0,
    "turnover_min": 0.0,
    "age_bars_min": 0,
    "rank_share_max": 1.0,
    "breadth_min": 0.0,
    "correlation_max": 1.0,
    "larger_agree": 0,
}


@pytest.mark.parametrize(
    ("params", "enters"),
    [
        ({}, True),
        ({"turnover_min": 1e9}, False),
        ({"turnover_max": 1.0}, False),
        ({"age_bars_min": 10_000}, False),
        ({"rank_share_max": 0.2}, False),
        ({"breadth_min": 0.9}, False),
        ({"correlation_max": 0.5}, False),
        ({"larger_agree": 2}, False),
    ],
)
def test_each_comparison_can_keep_a_breakout_out(
    swings: Callable[..., list[Bar]],
    instrument: Make,
    make_view: Make,
    trade: Make,
    params: dict[str, Any],
    enters: bool,
) -> None:
    """A rises; B, held, moves just like it and more; C falls."""
    listed = [instrument(name, "USDT") for name in "ABC"]
    subject = Momentum(StrategyId("momentum"), MomentumParams(**(OPEN | params)), listed)
    view = make_view()
    view.trades = [trade("B/USDT@x", stop_price=1_000_000)]
    rising, falling = swings(0.001), swings(-0.01)
    entered = False
    for a, low in zip(rising, falling, strict=True):
        view.now_ns = a.received_time_ns
        b = structs.replace(a, instrument_id=InstrumentId("B/USDT@x"), close=a.close**1.5)
        c = structs.replace(low, instrument_id=InstrumentId("C/USDT@x"))
        b = structs.replace(b, high=b.close * 1.001, low=b.close * 0.999)
        subject.on_event(c, view)
        subject.on_event(b, view)
        told = subject.on_event(a, view)
        late = a.open_time_ns > 60 * MINUTE_NS
        entered |= late and any(isinstance(signal, EnterSignal) for signal in told)
    assert entered is enters


def test_a_dollar_is_no_small_coin(instrument: Make) -> None:
    listed = [instrument(name, "USDT") for name in ("A", "USDC", "FDUSD")]
    subject = Momentum(StrategyId("momentum"), MomentumParams(), listed)
    assert [each.instrument_id for each in subject.subscriptions()] == ["A/USDT@x"]
