"""What keeps a triangle that shows an edge from being sent, and what its depth allows."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.strategies.test_triangular import MS, dislocated, feed, quote, strategy
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import BookDelta

Make = Callable[..., Instrument]


@pytest.fixture
def triangle(instrument: Make) -> list[Instrument]:
    """A = 100 S, B = 10 S, so B = 0.1 A; no fees."""
    return [
        instrument(base, quoted, taker_fee=Decimal(0))
        for base, quoted in (("A", "S"), ("B", "S"), ("B", "A"))
    ]


@pytest.fixture
def through_a_dollar(instrument: Make) -> list[Instrument]:
    """A against two dollars, and the dollars against each other."""
    pairs = (("A", "USDT"), ("A", "USDC"), ("USDC", "USDT"))
    return [instrument(*pair, taker_fee=Decimal(0)) for pair in pairs]


@pytest.mark.parametrize(("peg", "signals"), [(0.996, 1), (0.9949, 0), (0.88, 0), (1.0051, 0)])
def test_a_dollar_that_is_none_any_more_is_not_gone_through(
    through_a_dollar: list[Instrument], make_view: Any, peg: float, signals: int
) -> None:
    """However large the edge looks: 1 % here."""
    a_t, a_c, peg_pair = through_a_dollar
    quotes = [
        quote(a_t, 100.0, 100.0),
        quote(a_c, 101.0 / peg, 101.0 / peg),
        quote(peg_pair, peg, peg),
    ]
    found = feed(strategy(through_a_dollar, start_asset="USDT"), make_view(), *quotes)
    assert len(found) == signals
    open_to_all = strategy(through_a_dollar, start_asset="USDT", depeg_max_bps=10_000.0)
    assert len(feed(open_to_all, make_view(), *quotes)) == 1


def test_a_restless_market_needs_a_larger_edge(triangle: list[Instrument], make_view: Any) -> None:
    """The same 1 % of edge after quotes that moved 0.5 % from one second to the next."""
    second = 1_000 * MS
    calm, restless = strategy(triangle, edge_min_bps=80.0), strategy(triangle, edge_min_bps=80.0)
    for number in range(60):
        swing = 1.005 if number % 2 else 1.0
        at = {"venue_time_ns": number * second, "received_time_ns": number * second}
        feed(calm, make_view(), quote(triangle[0], 200.0, 200.0, **at))
        feed(restless, make_view(), quote(triangle[0], 200.0 * swing, 200.0 * swing, **at))
    at = {"venue_time_ns": 60 * second, "received_time_ns": 60 * second}
    last = dislocated(triangle, **at)
    swung = quote(triangle[0], 200.0, 200.0, **at)
    # What has been seen of the first leg until just before the edge shows.
    assert restless._markets[0].moves.variance > calm._markets[0].moves.variance == 0.0
    calm._markets[0].moves.due_ns = restless._markets[0].moves.due_ns = 2**62
    assert feed(calm, make_view(), swung, *last)
    assert not feed(restless, make_view(), swung, *last)


def book(of: Instrument, bids: Any, asks: Any) -> BookDelta:
    return BookDelta(
        instrument_id=of.id,
        bids=bids,
        asks=asks,
        snapshot=True,
        first_update_id=1,
        last_update_id=1,
        venue_time_ns=0,
        received_time_ns=0,
    )


def test_depth_is_used_where_the_book_agrees_with_the_quote(
    triangle: list[Instrument], make_view: Any
) -> None:
    """One unit at the best ask of A, more just behind it; a book that disagrees is not used."""
    a_s = triangle[0]
    quotes = dislocated(triangle)
    quotes[0] = quote(a_s, 100.0, 100.0, ask_size=1.0)
    deep = book(a_s, ((100.0, 1.0),), ((100.0, 1.0), (100.1, 50.0)))
    other = book(a_s, ((99.0, 1.0),), ((99.5, 50.0),))
    for seen, notional, limit in ((deep, 200.0, 100.1), (other, 100.0, 100.0)):
        subject, view = strategy(triangle), make_view()
        assert not subject.on_event(seen, view)
        (signal,) = feed(subject, view, *quotes)
        assert signal.notional_max == pytest.approx(notional)
        assert signal.legs[0].limit_price == limit


def test_a_chance_to_fail_costs_its_share_of_the_way_back(instrument: Make, make_view: Any) -> None:
    """1 % less three fees of 10 bps; half of the cycles pay two fees for nothing."""
    listed = [instrument("A", "S"), instrument("B", "S"), instrument("B", "A")]
    calm = {"latency_ms": 0, "safety_bps": 0.0, "edge_min_bps": 0.0}
    (signal,) = feed(strategy(listed, **calm, failure_chance=0.5), make_view(), *dislocated(listed))
    assert "edge 69.75 bps, 24.88 expected" in signal.reason  # half of 69.75 less half of 20
    assert not feed(strategy(listed, **calm, failure_chance=0.9), make_view(), *dislocated(listed))
