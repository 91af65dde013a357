"""A round trip is left alone at a beat only while looking at it would change nothing."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.execution.conftest import approved, spot, trade
from tradewinds.engine.board import Slot
from tradewinds.engine.rest import Resting
from tradewinds.execution import bracket, trade_book
from tradewinds.execution.order_manager import OrderManager
from tradewinds.execution.protective import Situation, Steps, next_steps
from tradewinds.model.events import OrderCanceled
from tradewinds.model.ids import ClientOrderId, TradeId
from tradewinds.model.order import Purpose

T = TradeId("t")
SIZES = st.sampled_from(["0", "0.01", "1", "2"]).map(Decimal)
STOPS = st.sampled_from(["97", "98"]).map(Decimal)
LEGS = st.lists(
    st.tuples(st.sampled_from([Purpose.STOP, Purpose.TARGET]), SIZES, STOPS, st.sampled_from("ab")),
    max_size=3,
)
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("price"), st.sampled_from([400.0, 100.0, 60.0, 40.0, 3.0, 0.0])),
        st.tuples(st.just("quantity"), SIZES),
        st.tuples(st.just("stop"), STOPS),
        st.tuples(st.just("leave"), st.booleans()),
        st.tuples(st.just("gone"), st.integers(0, 2)),
        st.tuples(st.just("another"), SIZES),
        st.tuples(st.just("notional"), st.sampled_from(["5", "500"])),
    ),
    max_size=4,
)


class Scene:
    """One round trip with these legs."""

    def __init__(self, quantity: Decimal, legs: Any) -> None:
        self.orders = OrderManager()
        self.made = 0
        self.slot = Slot(spot())
        self.slot.mid = 100.0
        held = trade(quantity=quantity)
        self.portfolio = SimpleNamespace(orders=self.orders, trades={T: held}, exit_reasons={})
        self.resting = Resting(self.portfolio, {held.instrument_id: self.slot})  # type: ignore[arg-type]
        for purpose, size, stop, group in legs:
            self.send(purpose, size, stop, group)

    def send(self, purpose: Purpose, size: Decimal, stop: Decimal, group: str) -> None:
        self.made += 1
        name = ClientOrderId(f"o{self.made}")
        fields = {"client_order_id": name, "trigger_price": stop, "oco_group": group}
        self.orders.submitted(approved(purpose, size, **fields), 0)

    def change(self, what: str, value: Any) -> None:
        held = self.portfolio.trades[T]
        if what == "price":
            self.slot.mid = value
        elif what == "quantity":
            self.portfolio.trades[T] = structs.replace(held, quantity=value)
        elif what == "stop":
            self.portfolio.trades[T] = structs.replace(held, stop_price=value)
        elif what == "leave":
            self.portfolio.exit_reasons = {T: "out"} if value else {}
        elif what == "notional":
            self.slot.instrument = spot(min_notional=Decimal(value))
        elif what == "another":
            self.send(Purpose.STOP, value, Decimal(98), "")
        else:
            working = self.orders.working_of(T)
            for order in working[value : value + 1]:
                self.orders.apply(ended(order.approved.client_order_id))

    def idle(self) -> bool:
        """Whether a look would do nothing, worked out anew and with no cancel on its way."""
        held, working = self.portfolio.trades[T], self.orders.working_of(T)
        instrument, price = self.slot.instrument, self.slot.price()
        if self.slot.mid <= 0.0 or trade_book.is_over(held, instrument, price):
            return False
        now = Situation(
            trade=held,
            instrument=instrument,
            working=working,
            canceling=frozenset(),
            price=price,
            exit_reason=self.portfolio.exit_reasons.get(T, ""),
            brackets=bracket.read(working, self.orders.get),
        )
        return T not in self.portfolio.exit_reasons and next_steps(now) == Steps()


@given(quantity=SIZES, legs=LEGS, changes=CHANGES)
@settings(max_examples=600, deadline=None)
def test_what_is_left_alone_would_not_be_touched(quantity, legs, changes):
    scene = Scene(quantity, legs)
    scene.resting.look(T)
    for what, value in changes:
        scene.change(what, value)
        assert not scene.resting.holds(T) or scene.idle()


def ended(order_id: ClientOrderId) -> OrderCanceled:
    return OrderCanceled(
        client_order_id=order_id,
        instrument_id=spot().id,
        reason="gone",
        venue_time_ns=0,
        received_time_ns=0,
    )


def covered() -> Scene:
    scene = Scene(Decimal(2), [(Purpose.STOP, Decimal(2), Decimal(98), "")])
    scene.resting.look(T)
    return scene


def test_a_covered_round_trip_rests_also_when_the_price_moves() -> None:
    scene = covered()
    for price in (100.0, 60.0, 400.0):
        scene.change("price", price)
        assert scene.resting.holds(T)


def test_it_is_looked_at_again_where_it_might_be_dust() -> None:
    scene = covered()
    scene.change("price", 2.0)
    assert not scene.resting.holds(T)


def test_without_a_stop_it_does_not_rest() -> None:
    scene = Scene(Decimal(2), [])
    scene.resting.look(T)
    assert not scene.resting.holds(T)


def test_what_it_holds_too_little_to_protect_is_tried_again() -> None:
    scene = Scene(Decimal("0.06"), [(Purpose.STOP, Decimal("0.05"), Decimal(98), "")])
    scene.resting.look(T)
    assert not scene.resting.holds(T)


def test_more_held_than_is_covered_is_looked_at() -> None:
    scene = covered()
    scene.change("quantity", Decimal(3))
    assert not scene.resting.holds(T)


def test_a_tightened_stop_is_looked_at() -> None:
    scene = covered()
    scene.change("stop", Decimal(99))
    assert not scene.resting.holds(T)
