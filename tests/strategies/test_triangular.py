"""Triangular arbitrage against exact Decimal arithmetic and a naive evaluation of every cycle."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewinds.model.ids import Asset, StrategyId
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Bar, BookDelta, Quote, Side
from tradewinds.model.signal import BasketSignal
from tradewinds.strategies.cycles import find_cycles, path, sells
from tradewinds.strategies.triangular import Triangular, TriangularParams

Make = Callable[..., Instrument]
MS = 1_000_000
SURE = {"failure_chance": 0.0, "latency_ms": 0}
FREE = SURE | {"edge_min_bps": 0.0, "safety_bps": 0.0, "cooldown_ms": 0}


def quote(of: Instrument, bid: float, ask: float, **changes: Any) -> Quote:
    values = {"bid_size": 1e9, "ask_size": 1e9, "venue_time_ns": 0, "received_time_ns": 0}
    return Quote(instrument_id=of.id, bid=bid, ask=ask, **(values | changes))


def strategy(listed: list[Instrument], **params: Any) -> Triangular:
    params = {"start_asset": "S"} | params
    return Triangular(StrategyId("triangular"), TriangularParams(**params), listed)


def feed(subject: Triangular, view: Any, *quotes: Quote) -> list[BasketSignal]:
    found: list[BasketSignal] = []
    for each in quotes:
        view.now_ns = max(view.now_ns, each.received_time_ns)
        found.extend(subject.on_event(each, view))  # type: ignore[arg-type]
    return found


@pytest.fixture
def triangle(instrument: Make) -> list[Instrument]:
    """A = 100 S, B = 10 S, so B = 0.1 A; no fees."""
    return [
        instrument(base, quoted, taker_fee=Decimal(0))
        for base, quoted in (("A", "S"), ("B", "S"), ("B", "A"))
    ]


def dislocated(triangle: list[Instrument], **changes: Any) -> list[Quote]:
    """Buying A, with it B, and selling B gains 1 %."""
    a_s, b_s, b_a = triangle
    return [
        quote(a_s, 100.0, 100.0, **changes),
        quote(b_s, 10.1, 10.1, **changes),
        quote(b_a, 0.1, 0.1, **changes),
    ]


def test_an_edge_becomes_a_basket_at_the_touched_prices(
    triangle: list[Instrument], make_view: Any
) -> None:
    (signal,) = feed(strategy(triangle), make_view(), *dislocated(triangle))
    assert [(leg.instrument_id, leg.side, leg.limit_price) for leg in signal.legs] == [
        ("A/S@x", Side.BUY, 100.0),
        ("B/A@x", Side.BUY, 0.1),
        ("B/S@x", Side.SELL, 10.1),
    ]
    assert [leg.size_max for leg in signal.legs] == pytest.approx([2.0, 20.0, 20.0])
    assert (signal.start_asset, signal.notional_max) == ("S", 200.0)
    assert signal.edge_bps == pytest.approx(100.0)
    assert signal.reason == (
        "edge 100.00 bps, 93.00 expected after everything, size 200 S, S>A>B>S"
    )


def test_three_fees_can_eat_the_edge(instrument: Make, make_view: Any) -> None:
    """1 % before costs is 70 bps after three times 10 bps: above 60, not above 75."""
    listed = [instrument("A", "S"), instrument("B", "S"), instrument("B", "A")]
    quotes = dislocated(listed)
    (signal,) = feed(
        strategy(listed, **SURE, edge_min_bps=50.0, safety_bps=10.0), make_view(), *quotes
    )
    assert signal.edge_bps == pytest.approx(70.0, abs=0.5)
    assert not feed(
        strategy(listed, **SURE, edge_min_bps=50.0, safety_bps=25.0), make_view(), *quotes
    )


prices = st.floats(min_value=0.9, max_value=1.1)
sizes = st.floats(min_value=0.01, max_value=100.0)
fees = st.sampled_from([Decimal(text) for text in ("-0.0001", "0", "0.0002", "0.001", "0.006")])


@given(
    mids=st.tuples(prices, prices, prices),
    spreads=st.tuples(*[st.floats(min_value=0.0, max_value=0.01)] * 3),
    shown=st.tuples(*[st.tuples(sizes, sizes)] * 3),
    costs=st.tuples(*[st.tuples(fees, st.booleans())] * 3),
)
def test_edge_and_sizes_are_those_of_exact_arithmetic(
    instrument: Make, make_view: Any, mids: Any, spreads: Any, shown: Any, costs: Any
) -> None:
    names = (("A", "S"), ("S", "B"), ("B", "A"))
    listed = [
        instrument(*name, taker_fee=fee, fee_in_received_asset=received)
        for name, (fee, received) in zip(names, costs, strict=True)
    ]
    quotes = [
        quote(each, mid, mid + spread, bid_size=size[0], ask_size=size[1])
        for each, mid, spread, size in zip(listed, mids, spreads, shown, strict=True)
    ]
    signals = feed(strategy(listed, **FREE, notional_max=50.0), make_view(), *quotes)
    exact = {edges: exact_round(listed, quotes, edges) for edges in find_cycles(listed, Asset("S"))}
    edges, (gain, capacity) = max(exact.items(), key=lambda item: item[1][0])
    if abs(gain) < Decimal("1e-9"):
        return
    if gain < 0:
        assert not signals
        return
    (signal,) = signals
    assert signal.edge_bps == pytest.approx(float(gain) * 1e4, rel=1e-6, abs=1e-8)
    assert signal.notional_max == pytest.approx(min(50.0, float(capacity)))
    assert [leg.instrument_id for leg in signal.legs] == [listed[edge // 2].id for edge in edges]
    assert_walk_ends_with_the_edge(signal, listed)
    for leg, edge in zip(signal.legs, edges, strict=True):
        seen = quotes[edge // 2]
        limit = seen.bid_size if sells(edge) else seen.ask_size
        assert leg.size_max <= limit * (1 + 1e-9)


def exact_round(
    listed: list[Instrument], quotes: list[Quote], edges: tuple[int, int, int]
) -> tuple[Decimal, Decimal]:
    """Gain per start unit, and the start amount at which the thinnest leg is used up."""
    amount, capacity = Decimal(1), Decimal("Infinity")
    for edge in edges:
        each, seen = listed[edge // 2], quotes[edge // 2]
        fee = each.taker_fee
        if sells(edge):
            capacity = min(capacity, Decimal(seen.bid_size) / amount)
            amount = amount * Decimal(seen.bid) * (1 - fee)
            continue
        on_top = Decimal(0) if each.fee_in_received_asset else fee
        bought = amount / (Decimal(seen.ask) * (1 + on_top))
        capacity = min(capacity, Decimal(seen.ask_size) / bought)
        amount = bought * (1 - fee) if each.fee_in_received_asset else bought
    return amount - 1, capacity


def assert_walk_ends_with_the_edge(signal: BasketSignal, listed: list[Instrument]) -> None:
    """Trading the legs' own sizes and prices needs what the leg before gave, and ends richer."""
    by_id = {each.id: each for each in listed}
    amount = signal.notional_max
    for leg in signal.legs:
        each = by_id[leg.instrument_id]
        fee = float(each.taker_fee)
        worth = leg.size_max * leg.limit_price
        if leg.side is Side.SELL:
            assert leg.size_max == pytest.approx(amount)
            amount = worth * (1 - fee)
        else:
            assert worth * (1 if each.fee_in_received_asset else 1 + fee) == pytest.approx(amount)
            amount = leg.size_max * (1 - fee if each.fee_in_received_asset else 1)
    assert amount == pytest.approx(signal.notional_max * (1 + signal.edge_bps / 1e4))


names = st.sampled_from(["S", "A", "B", "C", "D"])
graph = st.lists(
    st.tuples(names, names).filter(lambda pair: pair[0] != pair[1]),
    min_size=3,
    max_size=10,
    unique=True,
)
ticks = st.lists(st.tuples(st.integers(0, 9), st.integers(-20, 20), st.integers(0, 3)), max_size=60)


@given(pairs=graph, moves=ticks)
def test_a_stream_of_quotes_finds_what_evaluating_every_cycle_finds(
    instrument: Make, make_view: Any, pairs: list[tuple[str, str]], moves: list[Any]
) -> None:
    """The hubs' remembered products never differ from the quotes, whatever the order."""
    listed = [instrument(*pair, taker_fee=Decimal("0.0005")) for pair in pairs]
    subject, view = strategy(listed, **FREE), make_view()
    last: dict[int, Quote] = {}
    for step, (pick, move, spread) in enumerate(moves):
        place = pick % len(listed)
        bid = 1.0 + move / 2000
        last[place] = quote(listed[place], bid, bid + spread / 2000, received_time_ns=step)
        signals = feed(subject, view, last[place])
        expected = best_by_hand(listed, last, place)
        if expected <= 0.0:
            assert not signals
        else:
            assert signals[0].edge_bps == pytest.approx(expected, abs=1e-6)


def best_by_hand(listed: list[Instrument], last: dict[int, Quote], touched: int) -> float:
    gains = [0.0]
    for edges in find_cycles(listed, Asset("S")):
        places = {edge // 2 for edge in edges}
        if touched in places and places <= last.keys():
            rounds = [last.get(place) for place in range(len(listed))]
            gains.append(float(exact_round(listed, rounds, edges)[0]) * 1e4)  # type: ignore[arg-type]
    return max(gains)


class CountingView:
    """Counts how often the time was asked for: once per closer look."""

    def __init__(self) -> None:
        self.time_ns = self.looks = 0

    @property
    def now_ns(self) -> int:
        self.looks += 1
        return self.time_ns


def test_a_silent_market_is_looked_at_once(triangle: list[Instrument]) -> None:
    subject, view = strategy(triangle), CountingView()
    a_s, b_s, _ = dislocated(triangle, venue_time_ns=5000 * MS, received_time_ns=5000 * MS)
    silent = quote(triangle[2], 0.1, 0.1)
    view.time_ns = 5000 * MS
    for each in (silent, a_s, b_s, a_s, b_s):
        assert not subject.on_event(each, view)  # type: ignore[arg-type]
    assert view.looks == 1


def test_a_weak_edge_is_not_sent_in_place_of_a_resting_strong_one(
    instrument: Make, make_view: Any
) -> None:
    pairs = (("A", "S"), ("B", "S"), ("B", "A"), ("C", "S"), ("C", "A"))
    listed = [instrument(*pair, taker_fee=Decimal(0)) for pair in pairs]
    a_s, b_s, b_a, c_s, c_a = listed
    known = [quote(b_s, 10.001, 10.001), quote(b_a, 0.1, 0.1)]
    known += [quote(c_s, 10.2, 10.2), quote(c_a, 0.1, 0.1), quote(a_s, 100.0, 100.0)]
    assert len(feed(strategy(listed), make_view(), *known, known[-1])) == 1


@pytest.mark.parametrize("late", ["venue_time_ns", "received_time_ns"])
def test_a_stale_leg_silences_its_cycles_until_it_is_quoted_again(
    triangle: list[Instrument], make_view: Any, late: str
) -> None:
    subject, view = strategy(triangle, quote_age_max_ms=100), make_view()
    a_s, b_s, b_a = dislocated(triangle, venue_time_ns=101 * MS, received_time_ns=101 * MS)
    old = quote(triangle[0], 100.0, 100.0, **({"venue_time_ns": 101 * MS} | {late: 0}))
    assert not feed(subject, view, old, b_s, b_a)
    assert not feed(subject, view, b_s, b_a), "forgotten, and still silent"
    assert len(feed(subject, view, a_s)) == 1


def test_a_quote_exactly_at_the_age_limit_counts(
    triangle: list[Instrument], make_view: Any
) -> None:
    a_s, b_s, b_a = dislocated(triangle)
    late = quote(triangle[2], b_a.bid, b_a.ask, venue_time_ns=100 * MS, received_time_ns=100 * MS)
    assert len(feed(strategy(triangle, quote_age_max_ms=100), make_view(), a_s, b_s, late)) == 1


def test_a_backlog_is_stale_even_when_its_own_quote_just_came(
    triangle: list[Instrument], make_view: Any
) -> None:
    behind = dislocated(triangle, venue_time_ns=0, received_time_ns=5000 * MS)
    assert not feed(strategy(triangle), make_view(), *behind)


def test_a_cycle_rests_for_its_cooldown_in_event_time(
    triangle: list[Instrument], make_view: Any
) -> None:
    subject, view = strategy(triangle, cooldown_ms=10), make_view()
    times = (0, 9, 10, 19, 20)
    counts = [
        len(feed(subject, view, *dislocated(triangle, venue_time_ns=t, received_time_ns=t)))
        for t in (ms * MS for ms in times)
    ]
    assert counts == [1, 0, 1, 0, 1]


def test_only_the_best_edge_of_an_event_is_sent(instrument: Make, make_view: Any) -> None:
    pairs = (("A", "S"), ("B", "S"), ("B", "A"), ("C", "S"), ("C", "A"))
    listed = [instrument(*pair, taker_fee=Decimal(0)) for pair in pairs]
    a_s, b_s, b_a, c_s, c_a = listed
    known = [quote(b_s, 10.1, 10.1), quote(b_a, 0.1, 0.1)]
    known += [quote(c_s, 10.2, 10.2), quote(c_a, 0.1, 0.1)]
    subject, view = strategy(listed), make_view()
    (best,) = feed(subject, view, *known, quote(a_s, 100.0, 100.0))
    assert best.reason.endswith("S>A>C>S")
    (second,) = feed(subject, view, quote(a_s, 100.0, 100.0))
    assert second.reason.endswith("S>A>B>S"), "the best one rests, the next may go"


def test_the_thinnest_leg_limits_the_size(triangle: list[Instrument], make_view: Any) -> None:
    a_s, b_s, _ = dislocated(triangle)
    thin = quote(triangle[2], 0.1, 0.1, ask_size=3.0)
    (signal,) = feed(strategy(triangle), make_view(), a_s, b_s, thin)
    assert signal.notional_max == pytest.approx(30.0)
    assert [leg.size_max for leg in signal.legs] == pytest.approx([0.3, 3.0, 3.0])


@pytest.mark.parametrize("shown", [0.0, -1.0, float("nan")])
def test_a_leg_that_shows_nothing_is_no_opportunity(
    triangle: list[Instrument], make_view: Any, shown: float
) -> None:
    a_s, b_s, _ = dislocated(triangle)
    empty = quote(triangle[2], 0.1, 0.1, ask_size=shown)
    assert not feed(strategy(triangle), make_view(), a_s, b_s, empty)


@pytest.mark.parametrize("minimum", [{"min_notional": Decimal(31)}, {"min_quantity": Decimal(4)}])
def test_a_leg_below_the_venues_minimum_is_no_opportunity(
    instrument: Make, triangle: list[Instrument], make_view: Any, minimum: dict[str, Decimal]
) -> None:
    listed = [triangle[0], instrument("B", "S", taker_fee=Decimal(0), **minimum), triangle[2]]
    a_s, b_s, _ = dislocated(listed)
    thin = quote(listed[2], 0.1, 0.1, ask_size=3.0)
    wide = quote(listed[2], 0.1, 0.1, ask_size=4.0)
    assert not feed(strategy(listed), make_view(), a_s, b_s, thin)
    assert feed(strategy(listed), make_view(), a_s, b_s, wide)


@pytest.mark.parametrize(
    ("bid", "ask"),
    [(0.1, float("nan")), (float("nan"), 0.1), (0.0, 0.1), (0.2, 0.1), (0.1, float("inf"))],
)
def test_a_broken_quote_is_no_price(
    triangle: list[Instrument], make_view: Any, bid: float, ask: float
) -> None:
    a_s, b_s, b_a = dislocated(triangle)
    subject, view = strategy(triangle), make_view()
    assert not feed(subject, view, a_s, b_a, quote(triangle[2], bid, ask), b_s)
    assert feed(subject, view, b_a)


def test_limits_on_assets_and_bridges_choose_cycles(instrument: Make) -> None:
    pairs = (("A", "S"), ("B", "S"), ("B", "A"), ("C", "S"), ("C", "A"), ("C", "B"))
    listed = [instrument(*pair) for pair in pairs]

    def routes(**limits: Any) -> set[str]:
        subject = strategy(listed, **limits)
        return {"".join(cycle.assets[1:]) for market in subject._markets for cycle in market.cycles}

    assert routes() == {"AB", "BA", "AC", "CA", "BC", "CB"}
    assert routes(assets=("A", "B")) == {"AB", "BA"}
    assert routes(bridges=("C",)) == {"AC", "CA", "BC", "CB"}
    assert path(listed, find_cycles(listed, Asset("S"))[0])[0] == "S"


def test_it_subscribes_to_what_takes_part_in_a_cycle_and_nothing_else(instrument: Make) -> None:
    pairs = (("A", "S"), ("B", "S"), ("B", "A"), ("D", "S"), ("E", "F"))
    wanted = strategy([instrument(*pair) for pair in pairs]).subscriptions()
    assert [(each.kind, each.instrument_id) for each in wanted] == [
        (kind, name) for name in ("A/S@x", "B/S@x", "B/A@x") for kind in (Quote, BookDelta)
    ]


def test_other_events_and_strangers_are_no_news(
    instrument: Make, triangle: list[Instrument], make_view: Any
) -> None:
    times = {"timeframe_ns": 1, "open_time_ns": 0, "venue_time_ns": 1, "received_time_ns": 1}
    bar = Bar(instrument_id=triangle[0].id, open=1, high=1, low=1, close=1, volume=1, **times)
    subject, view = strategy(triangle), make_view()
    assert not subject.on_event(bar, view)
    assert not feed(subject, view, quote(instrument("Q", "Z"), 1.0, 1.0))


def test_the_same_quotes_give_the_same_signals(triangle: list[Instrument], make_view: Any) -> None:
    stream = dislocated(triangle) * 3
    first = feed(strategy(triangle), make_view(), *stream)
    assert first == feed(strategy(triangle), make_view(), *stream)
