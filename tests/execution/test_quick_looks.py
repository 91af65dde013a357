"""The short ways of a look at a round trip and its orders answer as the long ones do."""

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tradewinds.execution import bracket
from tradewinds.execution.bracket import Brackets
from tradewinds.execution.order_manager import OrderManager
from tradewinds.execution.protective import next_steps
from tradewinds.model import events as ev
from tradewinds.model.order import OrderStatus, Purpose

HUNDREDTHS = st.integers(0, 300).map(lambda number: Decimal(number) / 100)
SIZES = st.integers(1, 300).map(lambda number: Decimal(number) / 100)
WORKING = st.lists(
    st.tuples(
        st.sampled_from([Purpose.STOP, Purpose.STOP, Purpose.TARGET, Purpose.EXIT]),
        SIZES,
        st.sampled_from([Decimal(97), Decimal(98)]),
        st.sampled_from(["", "g"]),
    ),
    max_size=2,
)
MOVES = st.lists(
    st.tuples(
        st.integers(0, 4), st.sampled_from(["send", "accept", "cancel", "fill", "half", "ask"])
    ),
    max_size=30,
)


@given(held=HUNDREDTHS, wishes=WORKING, exact=st.booleans(), canceling=st.booleans())
@settings(max_examples=400)
def test_one_stop_for_all_of_it_is_what_the_long_way_leaves_alone(
    make: Any, held: Decimal, wishes: list[Any], exact: bool, canceling: bool
) -> None:
    if exact and wishes:
        held = wishes[0][1]
    working = [
        make.order(purpose, size, trigger_price=at, oco_group=group, client_order_id=f"o{number}")
        for number, (purpose, size, at, group) in enumerate(wishes)
    ]
    trade = make.trade(quantity=held)
    fields = {"canceling": frozenset({"o0"} if canceling else ())}
    quick = make.situation(trade, *working, **fields)
    # Equal, but not the very one that says that nothing is waited for: the long way.
    slow = make.situation(trade, *working, **fields, brackets=Brackets())
    assert next_steps(quick) == next_steps(slow)


@given(moves=MOVES)
@settings(max_examples=300)
def test_the_orders_of_a_round_trip_are_those_among_all_that_name_it(
    make: Any, moves: list[tuple[int, str]]
) -> None:
    orders = OrderManager()
    for number, move in moves:
        name, times = f"o{number}", {"venue_time_ns": 1, "received_time_ns": 1}
        common = {"client_order_id": name, "instrument_id": "BTC/USDT@x", **times}
        if move == "send" and orders.get(name) is None:
            trade = f"t{number % 2}"
            orders.submitted(make.approved(Purpose.STOP, client_order_id=name, trade_id=trade), 0)
        elif move == "accept":
            orders.apply(ev.OrderAccepted(venue_order_id="v", **common))  # type: ignore[arg-type]
        elif move == "cancel":
            orders.apply(ev.OrderCanceled(reason="", **common))  # type: ignore[arg-type]
        elif move == "ask":
            orders.request_cancel(name)
        elif move != "send":
            orders.apply_fill(make.fill(2 if move == "fill" else 1, client_order_id=name))
        working = orders.working()
        for trade in ("t0", "t1"):
            mine = [order for order in working if order.approved.trade_id == trade]
            assert orders.working_of(trade) == mine
        asked = {o.approved.client_order_id for o in working}
        assert orders.canceling_of(working) == {id_ for id_ in asked if orders.canceling(id_)}


def test_a_bracket_among_plain_orders_is_read(make: Any) -> None:
    plain = make.order(Purpose.STOP)
    leg = make.order(Purpose.STOP, client_order_id="leg", bracket="entry")
    entry = make.order(Purpose.ENTER, client_order_id="entry", bracket="entry")
    assert bracket.read([plain], lambda _: None) == Brackets()
    read = bracket.read([plain, leg], lambda _: entry)
    assert (read.waiting, read.entry) == (frozenset({"leg"}), "entry")
    ended = make.order(Purpose.ENTER, status=OrderStatus.CANCELED)
    assert bracket.read([leg, plain], lambda _: ended).void == frozenset({"leg"})
