"""Scalping: what it must learn before it trades, what it must be paid, and how it gets out."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tradewinds.model.ids import InstrumentId, StrategyId, TradeId
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.market import Bar, FundingRate, Quote, Side, TradePrint
from tradewinds.model.portfolio import Trade, TradePhase
from tradewinds.model.signal import EnterSignal, ExitSignal, Signal
from tradewinds.strategies.edge import EdgeModel
from tradewinds.strategies.scalping import Scalping, ScalpingParams

Make = Callable[..., Any]
S = 1_000_000_000
MS = 1_000_000
HOUR_NS = 3_600 * S
QUICK: dict[str, Any] = {
    "horizon_samples": 5,
    "memory_samples": 400,
    "horizon_bars": 2,
    "memory_bars": 200,
}


@pytest.fixture(scope="session")
def perpetual(instrument: Make) -> Instrument:
    made: Instrument = instrument(
        "A",
        "USDT",
        kind=InstrumentKind.PERPETUAL,
        maker_fee=Decimal("0.0002"),
        taker_fee=Decimal("0.0005"),
        leverage_max=Decimal(20),
    )
    return made


@pytest.fixture(scope="session")
def build(perpetual: Instrument) -> Callable[..., Scalping]:
    def made(**params: Any) -> Scalping:
        return Scalping(StrategyId("scalping"), ScalpingParams(**(QUICK | params)), [perpetual])

    return made


def swinging(
    of: Instrument, count: int, size_bps: float, start: int = 0, seed: int = 1
) -> list[Quote]:
    """A quote a second; a push away every 40 seconds that comes back in the 10 after it."""
    rng = np.random.default_rng(seed)
    quotes, side = [], 1.0
    for number in range(start, start + count):
        phase = number % 40
        if phase == 0:
            side = 1.0 if rng.random() < 0.5 else -1.0
        away = side * size_bps / 1e4 * max(0.0, 1.0 - phase / 10.0)
        mid = 100.0 * (1.0 + away + rng.standard_normal() * 1e-5)
        quotes.append(
            Quote(
                instrument_id=of.id,
                bid=mid * 0.99999,
                ask=mid * 1.00001,
                bid_size=1.0,
                ask_size=1.0,
                venue_time_ns=number * S,
                received_time_ns=number * S,
            )
        )
    return quotes


def play(subject: Scalping, view: Any, events: Sequence[Any]) -> list[Signal]:
    found: list[Signal] = []
    for event in events:
        view.now_ns = max(view.now_ns, event.received_time_ns)
        found.extend(subject.on_event(event, view))
    return found


def test_it_trades_a_swing_that_pays_and_towards_the_mean(
    build: Callable[..., Scalping], perpetual: Instrument, make_view: Make
) -> None:
    subject, view = build(), make_view()
    homewards = []
    for quote in swinging(perpetual, 3_000, 100.0):
        for signal in play(subject, view, [quote]):
            assert isinstance(signal, EnterSignal)
            assert 0.0 < signal.confidence <= 0.6
            assert "after costs" in signal.reason
            above = (quote.bid + quote.ask) / 2.0 > 100.0
            homewards.append((signal.side is Side.SELL) is above)
    assert len(homewards) > 20
    assert sum(homewards) > 0.7 * len(homewards)


def test_a_swing_that_costs_eat_is_left_alone(
    build: Callable[..., Scalping], perpetual: Instrument, make_view: Make
) -> None:
    """It knows what comes, and that two fees are more."""
    subject, view = build(), make_view()
    assert not play(subject, view, swinging(perpetual, 3_000, 8.0))
    assert subject._markets[perpetual.id]._edge.score.sureness > 5.0


def test_noise_teaches_nothing(
    build: Callable[..., Scalping], perpetual: Instrument, make_view: Make
) -> None:
    rng = np.random.default_rng(4)
    quotes = swinging(perpetual, 3_000, 0.0)
    path = np.cumprod(1.0 + rng.standard_normal(len(quotes)) * 0.001)
    wild = [
        structs.replace(q, bid=q.bid * float(x), ask=q.ask * float(x))
        for q, x in zip(quotes, path, strict=True)
    ]
    entries = play(build(sure=3.5), make_view(), wild)
    assert len(entries) <= 5, "chance, not skill"


def test_makers_fees_decide_how_it_enters(
    build: Callable[..., Scalping], perpetual: Instrument, make_view: Make
) -> None:
    quotes = swinging(perpetual, 2_000, 100.0)
    patient = play(build(fill_chance=1.0, adverse_bps=0.0), make_view(), quotes)
    hasty = play(build(fill_chance=0.01), make_view(), quotes)
    makers = [s.limit_price is not None for s in patient if isinstance(s, EnterSignal)]
    takers = [s.limit_price is None for s in hasty if isinstance(s, EnterSignal)]
    assert makers
    assert takers
    assert all(makers)
    assert all(takers)


def funding(of: Instrument, rate: float, at_ns: int) -> FundingRate:
    return FundingRate(instrument_id=of.id, rate=rate, venue_time_ns=at_ns, received_time_ns=at_ns)


def test_funding_that_falls_due_is_a_cost_and_never_an_income(
    build: Callable[..., Scalping], perpetual: Instrument
) -> None:
    market = build()._markets[perpetual.id]
    market.on_quote(swinging(perpetual, 1, 0.0)[0])
    market.on_funding(funding(perpetual, 0.001, 8 * HOUR_NS))
    just_before = 16 * HOUR_NS - 2 * S
    assert market.funding_bps(Side.BUY, just_before) == pytest.approx(10.0)
    assert market.funding_bps(Side.SELL, just_before) == 0.0
    assert market.funding_bps(Side.BUY, 12 * HOUR_NS) == 0.0
    market.on_funding(funding(perpetual, -0.001, 16 * HOUR_NS))
    assert market.funding_bps(Side.SELL, 24 * HOUR_NS - S) == pytest.approx(10.0)


def test_old_news_are_learned_from_and_not_acted_on(
    build: Callable[..., Scalping], perpetual: Instrument, make_view: Make
) -> None:
    quotes = swinging(perpetual, 3_000, 100.0)
    late = [structs.replace(q, received_time_ns=q.received_time_ns + 1_001 * MS) for q in quotes]
    assert not play(build(), make_view(), late)
    assert play(build(), make_view(), quotes)


def test_spot_is_none_of_its_business(perpetual: Instrument, instrument: Make) -> None:
    listed = [perpetual, instrument("B", "USDT")]
    subject = Scalping(StrategyId("scalping"), ScalpingParams(), listed)
    wishes = subject.subscriptions()
    assert {wish.instrument_id for wish in wishes} == {perpetual.id}
    assert {wish.kind for wish in wishes} == {Quote, TradePrint, FundingRate, Bar}
    only = Scalping(StrategyId("scalping"), ScalpingParams(assets=("B",)), listed)
    assert only.subscriptions() == ()


@pytest.fixture
def held(trade: Make, perpetual: Instrument) -> Callable[..., Trade]:
    def made(**changes: Any) -> Trade:
        values = {"strategy_id": StrategyId("scalping"), "trade_id": TradeId("t9")}
        found: Trade = trade(perpetual.id, **(values | changes))
        return found

    return made


@pytest.mark.parametrize(
    ("changes", "seconds", "reason"),
    [
        ({}, 104, None),
        ({}, 105, "time stop"),
        ({"phase": TradePhase.OPENING, "quantity": Decimal(0)}, 104, None),
        ({"phase": TradePhase.OPENING, "quantity": Decimal(0)}, 105, "not filled in time"),
        ({"phase": TradePhase.CLOSING}, 200, None),
    ],
)
def test_time_ends_what_does_not_come_true(
    build: Callable[..., Scalping],
    perpetual: Instrument,
    make_view: Make,
    held: Callable[..., Trade],
    changes: dict[str, Any],
    seconds: int,
    reason: str | None,
) -> None:
    """Opened at second 100; the horizon and the wait for a fill are five seconds each."""
    subject, view = build(), make_view()
    play(subject, view, swinging(perpetual, 100, 0.0))
    view.trades = [held(opened_time_ns=100 * S, **changes)]
    found = play(subject, view, swinging(perpetual, 1, 0.0, start=seconds))
    if reason is None:
        assert not found
        return
    (signal,) = found
    assert isinstance(signal, ExitSignal)
    assert reason in signal.reason


def test_a_change_of_mind_ends_a_trade(
    build: Callable[..., Scalping],
    perpetual: Instrument,
    make_view: Make,
    held: Callable[..., Trade],
) -> None:
    subject, view = build(), make_view()
    play(subject, view, swinging(perpetual, 3_000, 100.0))
    market = subject._markets[perpetual.id]
    for side, sign in ((Side.BUY, -1.0), (Side.SELL, 1.0)):
        market._edge.expected = sign * 50.0
        (signal,) = subject._manage(
            market, held(side=side, opened_time_ns=view.now_ns), view.now_ns
        )
        assert "the other way" in signal.reason
        market._edge.expected = -sign * 50.0
        assert not subject._manage(market, held(side=side, opened_time_ns=view.now_ns), view.now_ns)


def hourly(of: Instrument, count: int, size: float, seed: int = 1) -> list[Bar]:
    """Hourly bars that swing back one bar after each push."""
    rng = np.random.default_rng(seed)
    bars, close = [], 100.0
    for number in range(count):
        open_ = close
        push = size * float(rng.choice([-1.0, 1.0])) if number % 4 == 0 else 0.0
        close = 100.0 * (1.0 + push + float(rng.standard_normal()) * 0.0005)
        high, low = max(open_, close) * 1.0002, min(open_, close) * 0.9998
        end = (number + 1) * HOUR_NS
        bars.append(
            Bar(
                instrument_id=of.id,
                timeframe_ns=HOUR_NS,
                open_time_ns=number * HOUR_NS,
                open=open_,
                high=high,
                low=low,
                close=close,
                volume=1.0,
                venue_time_ns=end,
                received_time_ns=end,
            )
        )
    return bars


def test_on_bars_alone_it_takes_the_finest_and_knows_its_horizon(
    build: Callable[..., Scalping], perpetual: Instrument, make_view: Make
) -> None:
    bars = hourly(perpetual, 600, 0.01)
    subject, view = build(stop_max_bps=300.0), make_view()
    entries = play(subject, view, bars)
    assert entries
    assert all(isinstance(signal, EnterSignal) for signal in entries)
    market = subject._markets[perpetual.id]
    assert market.horizon_ns == 2 * HOUR_NS
    day = structs.replace(bars[-1], timeframe_ns=24 * HOUR_NS, open_time_ns=bars[-1].venue_time_ns)
    assert market.on_bar(day) is False, "a larger bar is no news"
    market.on_quote(swinging(perpetual, 1, 0.0)[0])
    later = structs.replace(bars[-1], open_time_ns=bars[-1].venue_time_ns)
    assert market.on_bar(later) is False, "quotes are better than bars"


def test_history_warms_without_a_signal(
    build: Callable[..., Scalping], perpetual: Instrument, make_view: Make
) -> None:
    bars = hourly(perpetual, 500, 0.01)
    seen, warmed = build(), build()
    play(seen, make_view(), bars[:400])
    warmed.warm({perpetual.id: bars[:400], InstrumentId("stranger"): bars})
    view, other = make_view(), make_view()
    assert play(seen, view, bars[400:]) == play(warmed, other, bars[400:])


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 1_000),
    size=st.floats(0.0, 400.0),
    on_bars=st.booleans(),
    deviations=st.floats(0.1, 10.0),
    sure=st.floats(0.0, 3.0),
)
def test_no_entry_is_without_a_stop_well_before_liquidation(
    build: Callable[..., Scalping],
    perpetual: Instrument,
    make_view: Make,
    seed: int,
    size: float,
    on_bars: bool,
    deviations: float,
    sure: float,
) -> None:
    """At the most leverage that any setting allows, ten times, liquidation is more than three
    stops away: 1/10 less the maintenance margin against 3 %."""
    if on_bars:
        events: list[Any] = list(hourly(perpetual, 500, size / 1e4, seed))
    else:
        events = list(swinging(perpetual, 1_500, size, seed=seed))
    subject = build(stop_deviations=deviations, sure=sure, stop_max_bps=300.0)
    liquidation = 0.1 - float(perpetual.maintenance_margin_rate)
    for event in events:
        for signal in play(subject, make_view(), [event]):
            assert isinstance(signal, EnterSignal)
            price = event.close if isinstance(event, Bar) else (event.bid + event.ask) / 2.0
            distance = (price - signal.stop_price) / price
            distance = distance if signal.side is Side.BUY else -distance
            assert 0.0014 < distance < 0.0302
            assert liquidation > 3.0 * distance
            assert signal.target_price is not None
            gain = (
                (signal.target_price - price)
                if signal.side is Side.BUY
                else (price - signal.target_price)
            )
            assert gain > 0.0


def test_signals_of_a_prefix_are_those_of_the_whole(
    build: Callable[..., Scalping], perpetual: Instrument, make_view: Make
) -> None:
    def told(events: Sequence[Any]) -> list[tuple[int, list[Signal]]]:
        subject, view = build(), make_view()
        return [(number, play(subject, view, [event])) for number, event in enumerate(events)]

    for events in (swinging(perpetual, 1_500, 100.0), hourly(perpetual, 500, 0.01)):
        whole = told(events)
        assert any(signals for _, signals in whole)
        for cut in (300, 471, len(events) - 1):
            assert told(events[:cut]) == whole[:cut]


def test_an_edge_is_learned_only_after_its_horizon_has_passed() -> None:
    """A move teaches nothing before it has happened."""
    model = EdgeModel(1, 3, 100, 0.0)
    for number in range(3):
        model.update((1.0,), 100.0 + number)
    assert model._regression.weights == [0.0]
    model.update((1.0,), 103.0)
    assert model._regression.weights[0] > 0.0
    model.start_over()
    weights = list(model._regression.weights)
    model.update((1.0,), 1.0)
    assert model._regression.weights == weights, "a gap teaches nothing"


def test_contradictory_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="must not exceed"):
        ScalpingParams(stop_min_bps=200.0, stop_max_bps=100.0)
