"""How orders and fills move a round trip, and what it lost beyond what was approved."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewinds.execution import trade_book
from tradewinds.model.ids import Asset, InstrumentId, StrategyId, TradeId
from tradewinds.model.market import Side
from tradewinds.model.order import OrderIntent, OrderStatus, Purpose
from tradewinds.model.portfolio import TradePhase


def intent(**changes: Any) -> OrderIntent:
    fields: dict[str, Any] = {
        "strategy_id": StrategyId("s"),
        "trade_id": TradeId("t"),
        "instrument_id": InstrumentId("BTC/USDT@x"),
        "side": Side.BUY,
        "quantity": Decimal(2),
        "price": Decimal(99),
        "purpose": Purpose.ENTER,
        "decision_price": Decimal(100),
        "stop_price": Decimal(98),
    }
    return OrderIntent(**{**fields, **changes})


def test_a_round_trip_begins_with_all_in_flight_at_the_worse_price() -> None:
    opened = trade_book.opened(intent(), Decimal(7), "why", 5)
    assert (opened.phase, opened.quantity, opened.pending_quantity) == (TradePhase.OPENING, 0, 2)
    assert (opened.pending_price, opened.approved_loss) == (100, 7)
    short = trade_book.opened(intent(side=Side.SELL, price=Decimal(101)), Decimal(7), "", 5)
    assert short.pending_price == 100
    with pytest.raises(ValueError, match="stop"):
        trade_book.opened(intent(stop_price=None), Decimal(7), "", 5)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=8))
def test_entry_fills_add_up_in_any_number_of_parts(make: Any, parts: list[int]) -> None:
    total = Decimal(sum(parts))
    held = trade_book.opened(intent(quantity=total), Decimal(7), "", 0)
    for number, part in enumerate(parts):
        held = trade_book.with_fill(
            held, make.approved(Purpose.ENTER, total), make.fill(part, 100 + number), make.spot()
        )
    assert (held.quantity, held.pending_quantity, held.phase) == (total, 0, TradePhase.OPEN)
    assert 100 <= held.entry_price < 100 + len(parts)


def test_a_fee_in_the_bought_asset_is_not_held(make: Any) -> None:
    held = trade_book.opened(intent(), Decimal(7), "", 0)
    paid = make.fill(2, fee=Decimal("0.002"), fee_asset=Asset("BTC"))
    held = trade_book.with_fill(held, make.approved(Purpose.ENTER), paid, make.spot())
    assert (held.quantity, held.entry_quantity) == (Decimal("1.998"), 2)


def test_what_did_not_fill_was_not_allowed_to_cost(make: Any) -> None:
    held = trade_book.opened(intent(), Decimal(10), "", 0)
    ended = make.order(Purpose.ENTER, 2, filled="0.5", status=OrderStatus.EXPIRED)
    held = trade_book.with_entry_ended(held, ended)
    assert (held.pending_quantity, held.approved_loss) == (0, Decimal("2.5"))
    assert trade_book.with_entry_ended(held, make.order(Purpose.STOP)) is held


@pytest.mark.parametrize(
    ("realised", "approved", "gap"),
    [("-10", "10", "0"), ("-10.000000000001", "10", "0.000000000001"), ("-25", "10", "15"),
     ("3", "10", "0"), ("-5", "0", "0")],
)  # fmt: skip
def test_the_gap_is_what_was_lost_beyond_the_approved(
    make: Any, realised: str, approved: str, gap: str
) -> None:
    held = make.trade(realised=Decimal(realised), approved_loss=Decimal(approved))
    assert trade_book.closed(held, 9, "stop").gap == Decimal(gap)


def test_a_stop_never_loosens(make: Any) -> None:
    held = make.trade()
    assert trade_book.tightened(held, Decimal("97.99")) is None
    assert trade_book.tightened(held, Decimal(98)) is None
    closer = trade_book.tightened(held, Decimal("98.01"))
    assert closer is not None
    assert closer.stop_price == Decimal("98.01")


def test_over_is_when_nothing_is_in_flight_and_nothing_can_be_sold(make: Any) -> None:
    spec = make.spot()
    assert not trade_book.is_over(make.trade(), spec, Decimal(100))
    assert trade_book.is_over(make.trade(quantity=Decimal("0.009")), spec, Decimal(100))
    pending = make.trade(quantity=Decimal(0), pending_quantity=Decimal(1))
    assert not trade_book.is_over(pending, spec, Decimal(100))


def test_a_position_is_never_closed_below_nothing(make: Any) -> None:
    closed = trade_book.with_fill(
        make.trade(), make.approved(Purpose.STOP), make.fill(3, side=Side.SELL), make.spot()
    )
    assert closed.quantity == 0
