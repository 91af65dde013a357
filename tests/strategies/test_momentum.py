"""Momentum, one behaviour at a time: what opens a trade, what keeps it out, what ends it."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tradewinds.model.ids import InstrumentId, StrategyId
from tradewinds.model.instrument import InstrumentKind
from tradewinds.model.market import Bar, Quote, Side
from tradewinds.model.portfolio import TradePhase
from tradewinds.model.signal import EnterSignal, ExitSignal, Signal, StopSignal
from tradewinds.strategies.momentum import Momentum, MomentumParams

Make = Callable[..., Any]
MINUTE_NS = 60_000_000_000
A = "A/USDT@x"
SMALL: dict[str, Any] = {
    "timeframe": "1m",
    "breakout_bars": 5,
    "volume_bars": 4,
    "volume_factor": 1.5,
    "ema_fast_bars": 2,
    "ema_slow_bars": 6,
    "atr_bars": 3,
    "stop_atr": 2.0,
    "trail_atr": 3.0,
    "trail_step_atr": 0.0,
    "move_atr": 4.0,
    "cost_factor": 1.0,
    "hold_bars_max": 50,
    "cooldown_bars": 3,
    "positions_max": 2,
    "turnover_min": 0.0,
    "age_bars_min": 0,
    "rank_share_max": 1.0,
    "breadth_min": 0.0,
    "correlation_max": 1.0,
    "larger_agree": 0,
}


@pytest.fixture
def build(instrument: Make) -> Make:
    def made(*bases: str, **params: Any) -> Momentum:
        listed = [instrument(base, "USDT") for base in bases or ("A",)]
        return Momentum(StrategyId("momentum"), MomentumParams(**(SMALL | params)), listed)

    return made


@pytest.fixture
def rise(row: Make) -> list[Any]:
    """Seven bars that rise by 1 a bar from 100, each 2 high, on a volume of 1."""
    return [row(100.0 + i, 101.0 + i, 99.0 + i) for i in range(7)]


@pytest.fixture
def breakout(row: Make) -> Any:
    """The bar after `rise`: closes above all its highs, on double volume."""
    return row(110.0, 110.5, 106.0, 2.0)


def play(subject: Momentum, view: Any, bars: Sequence[Bar]) -> list[Signal]:
    found: list[Signal] = []
    for bar in bars:
        view.now_ns = max(view.now_ns, bar.received_time_ns)
        found.extend(subject.on_event(bar, view))
    return found


def test_a_breakout_on_volume_in_an_up_trend_is_bought(
    build: Make, make_view: Make, bars: Make, rise: list[Any], breakout: Any
) -> None:
    (signal,) = play(build(), make_view(), bars(A, [*rise, breakout]))
    assert isinstance(signal, EnterSignal)
    assert (signal.instrument_id, signal.side) == (A, Side.BUY)
    assert (signal.limit_price, signal.target_price) == (None, None)
    # True ranges are 2, then 4.5 (from 106): Wilder's mean over three is 2 + 2.5 / 3.
    assert signal.stop_price == pytest.approx(110.0 - 2.0 * (2.0 + 2.5 / 3))
    assert 0.5 < signal.confidence < 0.6
    assert "above the high of 5 bars" in signal.reason
    assert "volume 2.0 x mean" in signal.reason


def test_without_its_history_there_is_no_signal(
    build: Make, make_view: Make, bars: Make, rise: list[Any], breakout: Any
) -> None:
    """Five highs before, and the slow average of six, the signal's own bar included."""
    subject = build()
    assert subject.bars_needed == 6
    assert not play(subject, make_view(), bars(A, [*rise[3:], breakout]))
    assert play(build(), make_view(), bars(A, [*rise[2:], breakout]))


def test_history_given_beforehand_warms_without_a_signal(
    build: Make, make_view: Make, bars: Make, rise: list[Any], breakout: Any
) -> None:
    past = bars(A, [*rise, breakout])
    subject = build()
    subject.warm({InstrumentId(A): past[:-1], InstrumentId("Z/USDT@x"): past})
    assert len(play(subject, make_view(), past)) == 1


@pytest.mark.parametrize(
    ("change", "params"),
    [
        ({"close": 107.0}, {}),
        ({"volume": 1.5}, {}),
        ({}, {"volume_factor": 2.0}),
        ({}, {"move_atr": 0.1}),
        ({}, {"cost_factor": 35.0}),
        ({}, {"allowance_bps": 1000.0, "cost_factor": 1.02}),
        ({}, {"breakout_bars": 20}),
        ({}, {"stop_atr": 50.0}),
    ],
)
def test_each_condition_can_keep_it_out(
    build: Make,
    make_view: Make,
    bars: Make,
    rise: list[Any],
    breakout: Any,
    change: dict[str, float],
    params: dict[str, Any],
) -> None:
    last = breakout._replace(**change)
    assert not play(build(**params), make_view(), bars(A, [*rise, last]))


def test_bars_without_volume_need_the_confirmation_switched_off(
    build: Make, make_view: Make, bars: Make, rise: list[Any], breakout: Any
) -> None:
    silent = bars(A, [each._replace(volume=0.0) for each in (*rise, breakout)])
    assert not play(build(volume_factor=0.01), make_view(), silent)
    assert play(build(volume_factor=0.0), make_view(), silent)


def test_a_breakout_against_the_trend_is_not_bought(
    build: Make, make_view: Make, bars: Make, row: Make
) -> None:
    """A bounce above five lower highs, while the fast average is still below the slow one."""
    fall = [row(200.0 - 20 * i, 200.5 - 20 * i, 199.5 - 20 * i) for i in range(8)]
    bounce = row(61.0, 61.5, 60.0, 5.0)
    flat = [row(60.0, 60.5, 59.5)] * 5
    slow = build(ema_slow_bars=8, ema_fast_bars=7)
    assert not play(slow, make_view(), bars(A, [*fall, *flat, bounce]))
    assert slow._markets[A].trend.high_before < 61.0


def test_an_instrument_with_a_trade_is_not_bought_again(
    build: Make, make_view: Make, bars: Make, rise: list[Any], breakout: Any, trade: Make
) -> None:
    view = make_view()
    view.trades = [trade(A, phase=TradePhase.OPENING)]
    assert not play(build(), view, bars(A, [*rise, breakout]))


def test_no_more_positions_than_allowed(
    build: Make, make_view: Make, bars: Make, rise: list[Any], breakout: Any, trade: Make
) -> None:
    view = make_view()
    view.trades = [trade("B/USDT@x"), trade("C/USDT@x")]
    assert not play(build(), view, bars(A, [*rise, breakout]))
    assert play(build(positions_max=3), view, bars(A, [*rise, breakout]))


def test_trades_of_other_strategies_do_not_count(
    build: Make, make_view: Make, bars: Make, rise: list[Any], breakout: Any, trade: Make
) -> None:
    view = make_view()
    view.trades = [trade(A, strategy_id=StrategyId("other"))]
    assert play(build(positions_max=1), view, bars(A, [*rise, breakout]))


def test_a_bar_that_comes_late_is_learned_from_but_not_acted_on(
    build: Make, make_view: Make, bars: Make, rise: list[Any], breakout: Any
) -> None:
    rows = [*rise, breakout]
    assert not play(build(), make_view(), bars(A, rows, delay_ns=30_000_000_001))
    assert play(build(), make_view(), bars(A, rows, delay_ns=30_000_000_000))
    subject, view = build(), make_view()
    assert not play(subject, view, bars(A, rise, delay_ns=10 * MINUTE_NS))
    view.now_ns = 0
    assert play(subject, view, bars(A, [breakout], first=7))


def test_a_bar_seen_before_changes_nothing(
    build: Make, make_view: Make, bars: Make, rise: list[Any], breakout: Any
) -> None:
    stream = bars(A, [*rise, breakout])
    doubled = [*stream[:4], *stream[1:4], *stream[3:], stream[-1], stream[0]]
    once = play(build(cooldown_bars=0), make_view(), stream)
    assert play(build(cooldown_bars=0), make_view(), doubled) == once


def test_other_timeframes_and_events_are_no_news(
    build: Make, make_view: Make, bars: Make, rise: list[Any], breakout: Any
) -> None:
    stream = bars(A, [*rise, breakout])
    other = [msgspec.structs.replace(bar, timeframe_ns=MINUTE_NS * 5) for bar in stream]
    assert not play(build(), make_view(), other)
    quote = Quote(
        instrument_id=InstrumentId(A),
        bid=1.0,
        ask=1.0,
        bid_size=1.0,
        ask_size=1.0,
        venue_time_ns=0,
        received_time_ns=0,
    )
    assert not build().on_event(quote, make_view())


def test_after_a_long_gap_it_starts_over(
    build: Make, make_view: Make, bars: Make, rise: list[Any], breakout: Any
) -> None:
    """Six missing bars are bridged, seven (more than the slow average) are not."""
    for missing, signals in ((5, 1), (6, 0)):
        stream = bars(A, rise) + bars(A, [breakout], first=7 + missing)
        assert len(play(build(), make_view(), stream)) == signals


def test_it_rests_after_a_signal_and_after_a_trade_ends(
    build: Make, make_view: Make, bars: Make, rise: list[Any], row: Make, trade: Make
) -> None:
    """Every later bar here breaks out, so only the rest keeps it out."""
    climb = [row(110.0 + 5 * i, 111.0 + 5 * i, 109.0 + 5 * i, 2.0 ** (i + 1)) for i in range(12)]
    stream = bars(A, [*rise, *climb])
    subject, view = build(), make_view()
    numbers = [n for n, bar in enumerate(stream[:14]) if play(subject, view, [bar])]
    assert numbers == [7, 10, 13]
    view.trades = [trade(A, stop_price=Decimal(1000))]
    assert not play(subject, view, stream[14:15])
    view.trades = []
    late = [n for n, bar in enumerate(stream[15:], start=15) if play(subject, view, [bar])]
    assert late == [18]


def test_the_stop_follows_the_high_and_never_goes_back(
    build: Make, make_view: Make, bars: Make, rise: list[Any], trade: Make, row: Make
) -> None:
    view = make_view()
    view.trades = [trade(A)]
    subject = build(hold_bars_max=500)
    stream = bars(A, [*rise, row(107.0, 108.0, 106.0)])
    found = play(subject, view, stream)
    stops = [signal.stop_price for signal in found if isinstance(signal, StopSignal)]
    # ATR 2, so the trail is 6 below the high: first at the sixth bar, when the slow average is in.
    assert stops == pytest.approx([100.0, 101.0, 102.0])
    view.trades = [trade(A, stop_price=Decimal("102.5"))]
    assert not play(subject, view, bars(A, [row(107.0, 108.0, 106.0)], first=8))


def test_a_small_step_of_the_stop_is_not_worth_an_order(
    build: Make, make_view: Make, bars: Make, rise: list[Any], trade: Make
) -> None:
    """The trail says 101 at the last bar; ATR is 2."""
    for old, signals in (("100.1", 0), ("99.9", 1)):
        view = make_view()
        view.trades = [trade(A, stop_price=Decimal(old))]
        found = play(build(trail_step_atr=0.5, hold_bars_max=500), view, bars(A, rise))
        assert len(found) == signals


@pytest.mark.parametrize("phase", [TradePhase.OPENING, TradePhase.CLOSING])
def test_a_trade_on_its_way_is_left_alone(
    build: Make, make_view: Make, bars: Make, rise: list[Any], trade: Make, phase: TradePhase
) -> None:
    view = make_view()
    view.trades = [trade(A, phase=phase)]
    assert not play(build(hold_bars_max=2), view, bars(A, rise))


def test_time_ends_a_trade_even_before_there_is_history(
    build: Make, make_view: Make, bars: Make, rise: list[Any], trade: Make
) -> None:
    view = make_view()
    view.trades = [trade(A)]
    found = play(build(hold_bars_max=3), view, bars(A, rise[:3]))
    assert [(type(signal), signal.reason) for signal in found] == [
        (ExitSignal, "time stop after 3 bars")
    ]


def test_a_close_below_the_slow_average_ends_a_trade(
    build: Make, make_view: Make, bars: Make, rise: list[Any], trade: Make, row: Make
) -> None:
    view = make_view()
    view.trades = [trade(A, stop_price=Decimal(105))]
    (exit_signal,) = play(build(), view, bars(A, [*rise, row(100.0, 101.0, 99.0)]))
    assert isinstance(exit_signal, ExitSignal)
    assert exit_signal.trade_id == "t1"
    assert exit_signal.reason.startswith("trend broken")


def test_a_close_below_the_trail_ends_a_trade(
    build: Make, make_view: Make, bars: Make, rise: list[Any], trade: Make, row: Make
) -> None:
    """The close of 105 is above the slow average, yet 0.5 ATR below the high of 108 is passed."""
    view = make_view()
    view.trades = [trade(A, stop_price=Decimal(50))]
    stream = bars(A, [*rise, row(105.0, 108.0, 104.5)])
    subject = build(trail_atr=0.5)
    play(subject, make_view(), stream[:-1])
    (exit_signal,) = play(subject, view, stream[-1:])
    assert isinstance(exit_signal, ExitSignal)
    assert "at or below the trail" in exit_signal.reason


def test_highs_from_before_the_trade_do_not_tighten_its_stop(
    build: Make, make_view: Make, bars: Make, rise: list[Any], trade: Make, row: Make
) -> None:
    """After a restart the trade is there while older bars are told again."""
    subject, view = build(hold_bars_max=500), make_view()
    view.trades = [trade(A, opened_time_ns=8 * MINUTE_NS + 1, stop_price=Decimal(1))]
    stream = bars(A, [*rise, row(107.0, 150.0, 106.0), row(108.0, 109.0, 107.0)])
    view.now_ns = stream[-1].received_time_ns
    (signal,) = play(subject, view, stream)
    assert isinstance(signal, StopSignal)
    assert signal.reason == "trail: high 109 less 3 ATR"


def test_it_asks_for_closed_bars_of_spot_in_the_chosen_quote(instrument: Make) -> None:
    listed = [
        instrument("A", "USDT"),
        instrument("B", "USDT"),
        instrument("A", "BTC"),
        instrument("C", "USDT", kind=InstrumentKind.PERPETUAL),
    ]

    def wanted(**params: Any) -> list[tuple[str, int]]:
        subject = Momentum(StrategyId("momentum"), MomentumParams(**params), listed)
        assert {each.kind for each in subject.subscriptions()} <= {Bar}
        return [(each.instrument_id, each.timeframe_ns) for each in subject.subscriptions()]

    hour = 60 * MINUTE_NS
    assert wanted() == [("A/USDT@x", hour), ("B/USDT@x", hour)]
    assert wanted(assets=("B",), timeframe="1d") == [("B/USDT@x", 24 * hour)]
    assert wanted(quote_assets=("BTC",)) == [("A/BTC@x", hour)]
    assert wanted(quote_assets=()) == []
