"""Microprice, order flow, usual moves and books against small cases worked out by hand."""

import math
from typing import Any

import pytest

from tradewinds.features.depth import Book
from tradewinds.features.microstructure import Moves, OrderFlow, flow_of, microprice
from tradewinds.model.ids import InstrumentId
from tradewinds.model.market import BookDelta, Quote, Side, TradePrint

S = 1_000_000_000
ID = InstrumentId("A/USDT:USDT@x")


def quote(
    bid: float, ask: float, bid_size: float = 1.0, ask_size: float = 1.0, at: int = 0
) -> Quote:
    return Quote(
        instrument_id=ID,
        bid=bid,
        ask=ask,
        bid_size=bid_size,
        ask_size=ask_size,
        venue_time_ns=at,
        received_time_ns=at,
    )


def test_the_microprice_leans_to_the_thin_side() -> None:
    assert microprice(quote(99.0, 101.0)) == 100.0
    assert microprice(quote(99.0, 101.0, 3.0, 1.0)) == 100.5
    assert microprice(quote(99.0, 101.0, 0.0, 0.0)) == 100.0


@pytest.mark.parametrize(
    ("now", "flow"),
    [
        (quote(99.0, 101.0, 5.0, 4.0), 0.0),
        (quote(99.0, 101.0, 7.0, 4.0), 2.0),
        (quote(99.0, 101.0, 5.0, 6.0), -2.0),
        (quote(100.0, 101.0, 3.0, 4.0), 3.0),
        (quote(98.0, 101.0, 9.0, 4.0), -5.0),
        (quote(99.0, 100.0, 5.0, 2.0), -2.0),
        (quote(99.0, 102.0, 5.0, 9.0), 4.0),
    ],
)
def test_flow_is_what_joined_and_left_the_best_prices(now: Quote, flow: float) -> None:
    assert flow_of(quote(99.0, 101.0, 5.0, 4.0), now) == flow


def test_flow_fades_with_time_and_is_told_in_usual_depths() -> None:
    flow = OrderFlow(S)
    flow.on_quote(quote(99.0, 101.0, 4.0, 4.0))
    flow.on_quote(quote(99.0, 101.0, 8.0, 4.0, at=1))
    before = flow.quotes
    assert before == pytest.approx(4.0 / 4.02, rel=1e-6)
    flow.on_quote(quote(99.0, 101.0, 8.0, 4.0, at=S + 1))
    assert flow.quotes == pytest.approx(before * math.exp(-1.0), rel=0.01)
    taken = TradePrint(
        instrument_id=ID,
        price=99.0,
        size=2.0,
        aggressor=Side.SELL,
        print_id="1",
        venue_time_ns=S + 1,
        received_time_ns=S + 1,
    )
    flow.on_print(taken)
    assert flow.trades == pytest.approx(-2.0 / 4.0, rel=0.02)


def test_usual_moves_need_two_samples_and_count_the_time_between() -> None:
    moves = Moves()
    moves.update(100.0, S)
    assert moves.variance == 0.0
    assert moves.due_ns == 2 * S
    moves.update(101.0, 5 * S)
    assert moves.variance == pytest.approx(0.01**2 / (4 * S))


def delta(snapshot: bool, first: int, last: int, **sides: Any) -> BookDelta:
    return BookDelta(
        instrument_id=ID,
        bids=sides.get("bids", ()),
        asks=sides.get("asks", ()),
        snapshot=snapshot,
        first_update_id=first,
        last_update_id=last,
        venue_time_ns=last,
        received_time_ns=last,
    )


def test_a_book_answers_only_between_a_snapshot_and_a_gap() -> None:
    book = Book()
    book.apply(delta(False, 1, 1, bids=((99.0, 1.0),)))
    assert book.bids(5) == []
    book.apply(delta(True, 2, 2, bids=((99.0, 1.0), (98.0, 2.0)), asks=((101.0, 3.0),)))
    assert book.bids(5) == [(99.0, 1.0), (98.0, 2.0)]
    book.apply(delta(False, 3, 4, bids=((99.0, 0.0),), asks=((100.5, 1.0),)))
    assert book.bids(1) == [(98.0, 2.0)]
    assert book.asks(2) == [(100.5, 1.0), (101.0, 3.0)]
    book.apply(delta(False, 6, 6))
    assert (book.bids(5), book.asks(5)) == ([], []), "an update is missing"
    book.apply(delta(True, 9, 9, asks=((102.0, 1.0),)))
    assert book.asks(5) == [(102.0, 1.0)]
