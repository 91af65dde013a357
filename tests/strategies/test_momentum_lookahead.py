"""Momentum decides from the past alone: on random markets, with trades, and against brute force."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewinds.model.ids import InstrumentId, StrategyId, TradeId
from tradewinds.model.market import Bar
from tradewinds.model.portfolio import Trade
from tradewinds.model.signal import EnterSignal, ExitSignal, Signal, StopSignal
from tradewinds.strategies.momentum import Momentum, MomentumParams

Make = Callable[..., Any]
Told = list[tuple[int, Signal]]
PARAMS: dict[str, Any] = {
    "timeframe": "1m",
    "breakout_bars": 4,
    "volume_bars": 3,
    "volume_factor": 0.8,
    "ema_fast_bars": 2,
    "ema_slow_bars": 5,
    "atr_bars": 3,
    "stop_atr": 1.0,
    "trail_atr": 1.5,
    "trail_step_atr": 0.1,
    "move_atr": 5.0,
    "cost_factor": 1.0,
    "hold_bars_max": 8,
    "cooldown_bars": 0,
    "positions_max": 2,
    "turnover_min": 0.0,
    "age_bars_min": 0,
    "rank_share_max": 1.0,
    "breadth_min": 0.0,
    "correlation_max": 1.0,
    "larger_agree": 0,
}
NAMES = ("A", "B")

step = st.tuples(
    st.integers(-8, 10), st.integers(0, 4), st.integers(0, 4), st.integers(0, 5), st.booleans()
)
walks = st.lists(step, min_size=12, max_size=70)


class Desk:
    """Fills what momentum wants at the close it saw, and stops at the stop: a view with trades."""

    def __init__(self, make_trade: Make) -> None:
        self.now_ns = 0
        self._make = make_trade
        self._opened = 0
        self.trades: dict[str, Trade] = {}

    def quote(self, _instrument_id: str) -> None:
        return None

    def mid(self, _instrument_id: str) -> None:
        return None

    def open_trades(self, _strategy_id: StrategyId) -> Sequence[Trade]:
        return tuple(self.trades.values())

    def see(self, bar: Bar) -> None:
        self.now_ns = bar.received_time_ns
        trade = self.trades.get(bar.instrument_id)
        if trade is not None and bar.low <= float(trade.stop_price):
            del self.trades[bar.instrument_id]

    def take(self, signal: Signal, bar: Bar) -> None:
        if isinstance(signal, EnterSignal):
            assert 0.0 < signal.stop_price < bar.close, "no entry without a stop"
            self._opened += 1
            self.trades[bar.instrument_id] = self._make(
                bar.instrument_id,
                trade_id=TradeId(f"t{self._opened}"),
                entry_price=Decimal(repr(bar.close)),
                stop_price=Decimal(repr(signal.stop_price)),
                opened_time_ns=self.now_ns,
            )
        elif isinstance(signal, ExitSignal):
            del self.trades[bar.instrument_id]
        elif isinstance(signal, StopSignal):
            trade = self.trades[bar.instrument_id]
            assert float(trade.stop_price) < signal.stop_price < bar.close, "only ever tighter"
            self.trades[bar.instrument_id] = msgspec.structs.replace(
                trade, stop_price=Decimal(repr(signal.stop_price))
            )


def play(subject: Momentum, desk: Desk, bars: Sequence[Bar]) -> Told:
    told: Told = []
    for number, bar in enumerate(bars):
        desk.see(bar)
        for signal in subject.on_event(bar, desk):
            told.append((number, signal))
            desk.take(signal, bar)
    return told


def assert_no_lookahead(
    make: Callable[[Sequence[Bar]], Momentum], make_desk: Callable[[], Desk], stream: list[Bar]
) -> None:
    """What is said up to a bar must not depend on whether later bars exist."""
    whole = play(make(stream), make_desk(), stream)
    for cut in range(1, len(stream), max(1, len(stream) // 8)):
        prefix = stream[:cut]
        assert play(make(prefix), make_desk(), prefix) == [row for row in whole if row[0] < cut]


@pytest.fixture(scope="session")
def market(bars: Make, row: Make) -> Make:
    """Two instruments' bars in time order from one list of steps."""

    def made(moves: Sequence[Any]) -> list[Bar]:
        rows: dict[str, list[Any]] = {name: [] for name in NAMES}
        close = dict.fromkeys(NAMES, 100.0)
        for change, above, below, volume, both in moves:
            for name in NAMES:
                factor = 1.0 if name == "A" or both else -0.5
                close[name] = max(close[name] + factor * change, 1.0)
                rows[name].append(
                    row(close[name], close[name] + above, max(close[name] - below, 0.5), volume)
                )
        series = [bars(f"{name}/USDT@x", rows[name]) for name in NAMES]
        return [bar for pair in zip(*series, strict=True) for bar in pair]

    return made


@pytest.fixture(scope="session")
def build(instrument: Make) -> Make:
    def made(kind: type[Momentum] = Momentum, **params: Any) -> Momentum:
        listed = [instrument(name, "USDT") for name in NAMES]
        return kind(StrategyId("momentum"), MomentumParams(**(PARAMS | params)), listed)

    return made


@given(moves=walks)
def test_signals_of_a_prefix_are_those_of_the_whole(
    moves: list[Any], market: Make, build: Make, trade: Make
) -> None:
    assert_no_lookahead(lambda _: build(), lambda: Desk(trade), market(moves))


class Peeking(Momentum):
    """The planted bug: enters only where the next bar closes higher."""

    stream: Sequence[Bar] = ()

    def on_event(self, event: Any, view: Any) -> Sequence[Signal]:
        signals = super().on_event(event, view)
        later = [
            bar.close
            for bar in self.stream
            if bar.instrument_id == event.instrument_id and bar.open_time_ns > event.open_time_ns
        ]
        return signals if later and later[0] > event.close else ()


def test_a_planted_look_ahead_is_caught(market: Make, build: Make, trade: Make) -> None:
    def peeking(stream: Sequence[Bar]) -> Momentum:
        subject: Peeking = build(Peeking)
        subject.stream = stream
        return subject

    stream = market([(2, 1, 1, 1 + n % 4, True) for n in range(40)])
    with pytest.raises(AssertionError):
        assert_no_lookahead(peeking, lambda: Desk(trade), stream)
    assert_no_lookahead(lambda _: build(), lambda: Desk(trade), stream)


@given(moves=walks, cut=st.integers(0, 60))
def test_history_warmed_is_history_seen(
    moves: list[Any], cut: int, market: Make, build: Make, make_view: Make
) -> None:
    stream = market(moves)
    past, later = stream[:cut], stream[cut:]
    seen, warmed = build(), build()
    view = make_view()
    for bar in past:
        view.now_ns = bar.received_time_ns
        seen.on_event(bar, view)
    warmed.warm({InstrumentId(f"{name}/USDT@x"): of(past, name) for name in NAMES})
    for bar in later:
        view.now_ns = bar.received_time_ns
        assert seen.on_event(bar, view) == warmed.on_event(bar, view)


@given(moves=walks)
def test_entries_are_those_of_brute_force(
    moves: list[Any], market: Make, build: Make, make_view: Make
) -> None:
    stream = market(moves)
    subject, view = build(), make_view()
    for number, bar in enumerate(stream):
        view.now_ns = bar.received_time_ns
        signals = subject.on_event(bar, view)
        expected = stop_by_hand(of(stream[: number + 1], bar.instrument_id[0]))
        if expected is None:
            assert not signals
        elif not np.isnan(expected):
            assert signals[0].stop_price == pytest.approx(expected)


def of(stream: Sequence[Bar], name: str) -> list[Bar]:
    return [bar for bar in stream if bar.instrument_id[0] == name]


def stop_by_hand(past: list[Bar]) -> float | None:
    """Stop of an entry at the last bar; None for no entry; NaN where rounding decides."""
    if len(past) < 5:
        return None
    close = np.array([bar.close for bar in past])
    high = np.array([bar.high for bar in past])
    low = np.array([bar.low for bar in past])
    volume = np.array([bar.volume for bar in past])
    before = np.concatenate(([close[0]], close[:-1]))
    ranges = np.maximum(high, before) - np.minimum(low, before)
    ranges[0] = high[0] - low[0]
    atr = smoothed(ranges, 3, 1 / 3)
    lead = smoothed(close, 2, 2 / 3) - smoothed(close, 5, 2 / 6)
    hope, cost = 5.0 * atr / close[-1], 2 * 0.001 + 0.001
    if min(abs(lead), abs(hope - cost), abs(volume[-1] - 0.8 * volume[-4:-1].mean())) < 1e-9:
        return float("nan")
    wanted = (
        close[-1] > high[-5:-1].max()
        and volume[-1] > 0.8 * volume[-4:-1].mean() > 0
        and lead > 0
        and hope > cost
        and close[-1] > atr
    )
    return float(close[-1] - atr) if wanted else None


def smoothed(values: Any, period: int, weight: float) -> float:
    """Seed of the first `period` values, then each later one with its falling weight."""
    later = values[period:]
    weights = weight * (1 - weight) ** np.arange(len(later) - 1, -1, -1)
    return float(weights @ later + values[:period].mean() * (1 - weight) ** len(later))


def test_random_markets_do_lead_to_every_kind_of_signal(
    market: Make, build: Make, trade: Make
) -> None:
    """Or the properties above would prove nothing."""
    rng = np.random.default_rng(5)
    moves = [
        (int(rng.integers(-8, 11)), int(rng.integers(0, 5)), 1, int(rng.integers(0, 6)), True)
        for _ in range(400)
    ]
    told = play(build(), Desk(trade), market(moves))
    assert {type(signal) for _, signal in told} == {EnterSignal, ExitSignal, StopSignal}
    reasons = " ".join(signal.reason for _, signal in told)
    assert "time stop" in reasons
    assert "trend broken" in reasons
