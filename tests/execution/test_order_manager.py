"""An order's life, whatever order its reports come in."""

from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from tradewinds.execution.order_manager import OrderManager
from tradewinds.model import events as ev
from tradewinds.model.ids import ClientOrderId
from tradewinds.model.order import OrderStatus, Purpose

COMMON = {"client_order_id": ClientOrderId("o1"), "instrument_id": "BTC/USDT@x"}
TIMES = {"venue_time_ns": 1, "received_time_ns": 1}
ACCEPTED = ev.OrderAccepted(venue_order_id="v", **COMMON, **TIMES)  # type: ignore[arg-type]
EXPIRED = ev.OrderExpired(reason="IOC", **COMMON, **TIMES)  # type: ignore[arg-type]
UNKNOWN = ev.OrderOutcomeUnknown(reason="timeout", **COMMON, **TIMES)  # type: ignore[arg-type]
NOT_CANCELLED = ev.CancelRejected(reason="gone", **COMMON, **TIMES)  # type: ignore[arg-type]


@pytest.fixture
def orders(make: Any) -> OrderManager:
    made = OrderManager()
    made.submitted(make.approved(Purpose.ENTER, 2), 0)
    return made


def status(orders: OrderManager) -> OrderStatus:
    order = orders.get(ClientOrderId("o1"))
    assert order is not None
    return order.status


@pytest.mark.parametrize("order", list(permutations(["accepted", "fill 1", "fill 2"])))
def test_b11_acceptance_and_fills_in_any_order_end_filled(
    orders: OrderManager, make: Any, order: tuple[str, ...]
) -> None:
    for report in order:
        if report == "accepted":
            orders.apply(ACCEPTED)
        else:
            orders.apply_fill(make.fill(1, 100 if report == "fill 1" else 102))
    done = orders.get(ClientOrderId("o1"))
    assert done is not None
    assert (done.status, done.filled_quantity, done.average_price) == (OrderStatus.FILLED, 2, 101)
    assert not orders.working()


def test_b10_a_fill_after_the_end_counts_but_does_not_revive(
    orders: OrderManager, make: Any
) -> None:
    orders.apply(EXPIRED)
    orders.apply_fill(make.fill("0.5"))
    late = orders.get(ClientOrderId("o1"))
    assert late is not None
    assert (late.status, late.filled_quantity) == (OrderStatus.EXPIRED, Decimal("0.5"))
    assert not orders.working()


def test_an_unknown_outcome_stays_in_flight_until_it_is_known(
    orders: OrderManager, make: Any
) -> None:
    orders.apply(UNKNOWN)
    assert status(orders) is OrderStatus.UNKNOWN
    assert orders.working()
    orders.apply(ACCEPTED)
    assert status(orders) is OrderStatus.OPEN
    orders.apply(UNKNOWN)
    assert status(orders) is OrderStatus.OPEN, "what is known is not forgotten"


def test_the_same_news_twice_is_no_news(orders: OrderManager) -> None:
    assert orders.apply(ACCEPTED) is not None
    assert orders.apply(ACCEPTED) is None
    assert orders.apply(EXPIRED) is not None
    assert orders.apply(EXPIRED) is None
    assert orders.apply(ACCEPTED) is None


def test_a_cancel_is_asked_for_once_and_again_after_a_no(orders: OrderManager) -> None:
    name = ClientOrderId("o1")
    assert orders.request_cancel(name)
    assert not orders.request_cancel(name)
    orders.apply(NOT_CANCELLED)
    assert orders.request_cancel(name)
    orders.apply(EXPIRED)
    assert not orders.canceling(name)
    assert not orders.request_cancel(name)


def test_what_is_not_ours_is_nobody(make: Any) -> None:
    orders = OrderManager()
    assert orders.apply(ACCEPTED) is None
    assert orders.apply_fill(make.fill(1)) is None
    assert orders.get(ClientOrderId("o1")) is None


def test_ended_orders_are_remembered_for_a_while_and_not_for_ever(make: Any) -> None:
    orders = OrderManager()
    for number in range(2_100):
        name = ClientOrderId(f"o{number}")
        orders.submitted(make.approved(Purpose.ENTER, 2, client_order_id=name), 0)
        orders.apply(
            ev.OrderExpired(client_order_id=name, instrument_id="BTC/USDT@x", reason="", **TIMES)  # type: ignore[arg-type]
        )
    assert orders.get(ClientOrderId("o2099")) is not None
    assert orders.get(ClientOrderId("o0")) is None
