"""The paper twin: pessimistic where a bar or a quote cannot tell, and valued a moment later."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.strategies.selection_stage import LOSER, USDT, S, Stage, enter
from tradewinds.model.ids import RunId
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Bar, Side
from tradewinds.model.portfolio import TradePhase
from tradewinds.model.signal import BasketSignal, ExitSignal, Leg, StopSignal

Make = Callable[..., Any]


def bar(
    low: float, high: float, at: int, listed: Sequence[Instrument], close: float = 100.0
) -> Bar:
    minute = 60 * S
    return Bar(
        instrument_id=listed[1].id,
        timeframe_ns=minute,
        open_time_ns=at,
        open=100.0,
        high=high,
        low=low,
        close=close,
        volume=1e6,
        venue_time_ns=at + minute,
        received_time_ns=at + minute,
    )


@pytest.mark.parametrize(
    ("low", "high", "ends"),
    [(99.0, 101.0, None), (97.0, 105.0, "stop"), (99.0, 105.0, "target"), (99.0, 103.0, None)],
)
def test_of_a_bar_the_stop_comes_before_the_target(
    listed: list[Instrument], low: float, high: float, ends: str | None
) -> None:
    """A target is met only when the price goes through it."""
    made = Stage(listed)
    made.driver.market(bar(100.0, 100.0, made.now, listed))
    twin = made.selection.twin
    results: list[float] = []
    twin._reward = lambda _trade, _who, result: results.append(result)
    signal = enter(instrument_id=listed[1].id, target_price=103.0)
    twin.take(signal, RunId("r"), made.now + 60 * S)
    made.driver.market(bar(low, high, made.now + 60 * S, listed))
    if ends is None:
        assert len(twin.trades) == 1
    elif ends == "stop":
        assert results[0] < -1.0, "what was risked, a slip and two fees"
    else:
        assert 1.2 < results[0] < 1.5


def test_a_maker_on_paper_fills_only_when_the_price_goes_through(stage: Stage) -> None:
    twin = stage.selection.twin
    twin.take(enter(limit_price=99.5), RunId("r"), stage.now)
    (paper,) = twin.of(LOSER)
    assert paper.phase is TradePhase.OPENING
    assert paper.quantity == 0
    stage.quote(99.49)  # the ask is at the limit
    assert twin.of(LOSER)[0].phase is TradePhase.OPENING
    stage.quote(99.48)
    assert twin.of(LOSER)[0].phase is TradePhase.OPEN
    twin.take(enter(limit_price=99.0), RunId("r"), stage.now)
    waiting = twin.of(LOSER)[1]
    leave = ExitSignal(strategy_id=LOSER, trade_id=waiting.trade_id, reason="no fill")
    assert stage.selection.shadowed(leave)
    assert len(twin.of(LOSER)) == 1


def test_an_entry_on_paper_rests_as_long_as_a_real_one_would(stage: Stage) -> None:
    twin = stage.selection.twin
    lifetime_s = stage.driver.engine.floor.settings.entry_lifetime_s
    assert twin.lifetime_ns == int(lifetime_s * S)
    began = stage.now
    twin.take(enter(limit_price=99.5), RunId("r"), began)
    stage.now = began + twin.lifetime_ns - S
    stage.quote(100.0)
    assert len(twin.of(LOSER)) == 1
    stage.now = began + twin.lifetime_ns
    stage.quote(99.0)
    assert twin.of(LOSER) == (), "withdrawn before the price went through it"


def test_a_bar_fills_what_rested_when_it_began(listed: list[Instrument]) -> None:
    made = Stage(listed)
    twin = made.selection.twin
    made.driver.market(bar(100.0, 100.0, made.now, listed))
    for left_ns, filled in ((1, True), (0, False)):
        opened = made.now + 60 * S - twin.lifetime_ns + left_ns
        twin.trades.clear()
        twin.take(enter(instrument_id=listed[1].id, limit_price=99.5), RunId("r"), opened)
        made.now += 60 * S
        made.driver.market(bar(99.0, 100.0, made.now, listed))
        assert [t.phase for t in twin.of(LOSER)] == ([TradePhase.OPEN] if filled else [])


def test_a_stop_on_paper_only_tightens(stage: Stage) -> None:
    twin = stage.selection.twin
    twin.take(enter(), RunId("r"), stage.now)
    (paper,) = twin.of(LOSER)
    for price, expected in ((97.0, 98.0), (99.0, 99.0), (98.5, 99.0)):
        move = StopSignal(
            strategy_id=LOSER, trade_id=paper.trade_id, stop_price=price, reason="trail"
        )
        stage.selection.shadowed(move)
        assert float(twin.of(LOSER)[0].stop_price) == expected


@pytest.mark.parametrize(("second", "result"), [(102.0, 1), (98.0, -1)])
def test_a_cycle_on_paper_is_valued_a_moment_later(
    stage: Stage, second: float, result: int
) -> None:
    """Bought at 100 for sure, sold at what is shown when it would have arrived."""
    stage.bench()
    arm = stage.selection._arms[LOSER]
    legs = tuple(
        Leg(instrument_id=i.id, side=side, limit_price=price, size_max=1.0)
        for i, side, price in zip(stage.listed, (Side.BUY, Side.SELL), (100.01, 99.0), strict=True)
    )
    cycle = BasketSignal(
        strategy_id=LOSER,
        legs=legs,
        start_asset=USDT,
        notional_max=100.0,
        edge_bps=10.0,
        reason="told to",
    )
    before = stage.entries()
    stage.say(cycle)
    stage.quote(second, 1)
    stage.quote(100.0, after_ns=2 * S)
    after = stage.selection._arms[LOSER]
    assert stage.entries() == before
    assert after.seen == pytest.approx(arm.seen * 0.99 + 1.0)
    assert (after.moment[0] - 0.99 * arm.moment[0]) * result > 0.0


def test_where_a_market_has_ended_the_twin_leaves_at_the_last_price(
    listed: list[Instrument],
) -> None:
    made = Stage(listed)
    made.driver.market(bar(100.0, 100.0, made.now, listed))
    twin = made.selection.twin
    results: list[float] = []
    twin._reward = lambda _trade, _who, result: results.append(result)
    twin.take(enter(instrument_id=listed[1].id), RunId("r"), made.now + 60 * S)
    twin.delisted(listed[0].id)
    assert twin.trades, "another market"
    twin.delisted(listed[1].id)
    assert not twin.trades
    assert len(results) == 1
    assert results[0] < 0, "slip and fees twice"
