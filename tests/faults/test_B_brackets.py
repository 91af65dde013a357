"""Entries that carry their stop: the venue arms it with the fill, whatever becomes of us."""

import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.live_rigs import SpotRig
from tests.contract.rigs import ENDS, unknown_order
from tests.contract.test_engine_on_live_venues import Floor
from tradewinds.model import events as ev
from tradewinds.model.ids import Asset
from tradewinds.model.order import OrderStatus, Purpose
from tradewinds.practice.faults import Drop, Hidden, Reply, Reset, Withhold

D = Decimal
LIST = "spot POST /api/v3/orderList/oto"
LISTS = "spot POST /api/v3/orderList/*"
TOLD = "spot-api user executionReport"
PLAIN = "POST /api/v3/order"
TIMEOUT = b'{"code":-1007,"msg":"Timeout waiting for response from backend server."}'


@pytest.fixture
def rig() -> Iterator[SpotRig]:
    made = SpotRig(balances={"USDT": "10000"})
    made.connect()
    yield made
    made.close()


def bracket(rig: SpotRig, *, target: bool = False, **entry: Any) -> Any:
    """Entry, stop at 19,000 and target at 21,000."""
    fields: dict[str, Any] = {"price": 20_001, "tif": "ioc", **entry}
    return rig.bracket("0.01", 19_000, 21_000 if target else None, **fields)


def ended(rig: SpotRig, *orders: str) -> bool:
    return all(set(rig.story(order)) & ENDS for order in orders)


def test_the_venue_declares_where_entries_carry_their_stops(rig: SpotRig) -> None:
    told = rig.of(ev.VenueFeaturesTold)
    assert [set(t.brackets) for t in told] == [{rig.instrument.id}]


def test_an_entry_that_fills_is_protected_in_the_same_request(rig: SpotRig) -> None:
    entry, stop = bracket(rig)
    rig.settle()
    assert rig.filled(entry) == D("0.01")
    assert rig.standing() == [stop]
    assert rig.story(stop) == ["accepted"]
    assert len(rig.asked("POST /api/v3/orderList/oto")) == 1
    assert not rig.asked(PLAIN)


def test_the_stop_is_armed_although_we_are_gone_when_the_entry_fills(rig: SpotRig) -> None:
    entry, stop, target = bracket(rig, target=True, price=19_500, tif="gtc")
    rig.settle()
    assert set(rig.standing()) == {entry, stop, target}
    rig.do(rig._stop())
    rig.show(19_400, 19_410)
    assert rig.engine.find(rig.key.account, None, entry).status == "FILLED"
    assert set(rig.standing()) == {stop, target}
    rig.show(18_990, 18_995)
    assert rig.standing() == []
    assert rig.held() < D("0.00002")
    rig.do(rig._engage())


def test_a_target_that_comes_takes_the_stop_away(rig: SpotRig) -> None:
    _, stop, target = bracket(rig, target=True)
    rig.settle()
    assert set(rig.standing()) == {stop, target}
    rig.quote(21_010, 21_012)
    rig.until(lambda: ended(rig, stop))
    assert rig.story(stop)[-1] == "canceled"
    assert rig.filled(target) == D("0.00999")
    assert rig.standing() == []


def test_an_entry_that_fills_in_part_leaves_no_sleeping_legs(rig: SpotRig) -> None:
    rig.quote(19_999, 20_001, size="0.004")
    entry, stop, target = bracket(rig, target=True)
    rig.until(lambda: ended(rig, entry, stop, target))
    assert rig.filled(entry) == D("0.004")
    assert rig.story(entry)[-1] == rig.story(stop)[-1] == "expired"
    assert rig.filled(stop) == rig.filled(target) == 0
    assert rig.standing() == []


def test_canceling_the_entry_cancels_its_legs(rig: SpotRig) -> None:
    entry, stop, target = bracket(rig, target=True, price=19_500, tif="gtc")
    rig.settle()
    rig.cancel(entry)
    rig.until(lambda: ended(rig, entry, stop, target))
    assert {rig.story(o)[-1] for o in (entry, stop, target)} == {"canceled"}
    assert rig.standing() == []


BEHIND = {
    "-1007": Reply(status=408, body=TIMEOUT, execute=True),
    "502": Reply(status=502, body=b"<html/>", execute=True),
    "reset": Reset(execute=True),
    "hidden": Hidden(for_s=0.6, reply=Reply(status=408, body=TIMEOUT)),
}


@pytest.mark.parametrize("name", BEHIND)
def test_b1_a_list_that_was_taken_behind_an_error_is_found_leg_by_leg(
    rig: SpotRig, name: str
) -> None:
    rig.fault(TOLD, Drop(), times=None)
    rig.fault(LISTS, BEHIND[name])
    entry, stop = bracket(rig)
    rig.until(lambda: rig.filled(entry) == D("0.01") and "accepted" in rig.story(stop))
    rig.settle()
    assert rig.standing() == [stop]
    assert len(rig.asked("POST /api/v3/orderList/oto")) == 1
    assert not rig.asked(PLAIN)


def test_b1_a_list_that_never_arrived_is_rejected_whole_and_not_sent_otherwise(
    rig: SpotRig,
) -> None:
    rig.fault(LISTS, Reset(execute=False))
    entry, stop = bracket(rig)
    rig.until(lambda: rig.story(entry) == rig.story(stop) == ["unknown"])
    rig.skip(11)
    rig.until(lambda: ended(rig, entry, stop))
    assert rig.story(entry)[-1] == rig.story(stop)[-1] == "rejected"
    assert not rig.asked(PLAIN)
    assert rig.held() == 0


def test_a_market_that_takes_no_lists_gets_the_entry_alone_and_is_remembered(rig: SpotRig) -> None:
    body = b'{"code":-1013,"msg":"OTO orders are not supported for this symbol."}'
    rig.fault(LISTS, Reply(status=400, body=body))
    entry, stop = bracket(rig)
    rig.until(lambda: rig.filled(entry) == D("0.01"))
    assert rig.story(stop) == ["rejected"]
    assert rig.of(ev.VenueFeaturesTold)[-1].brackets == ()
    rig.settle()
    assert rig.standing() == []
    assert len(rig.asked(PLAIN)) == 1


@pytest.mark.parametrize(
    "body",
    [
        b'{"code":-1013,"msg":"Filter failure: PERCENT_PRICE_BY_SIDE"}',
        b'{"code":-1013,"msg":"Filter failure: MAX_NUM_ALGO_ORDERS"}',
        b'{"code":-2010,"msg":"Account has insufficient balance for requested action."}',
    ],
)
def test_an_entry_whose_stop_would_be_refused_is_not_made_without_it(
    rig: SpotRig, body: bytes
) -> None:
    rig.fault(LISTS, Reply(status=400, body=body))
    entry, stop = bracket(rig)
    rig.until(lambda: ended(rig, entry, stop))
    assert rig.story(entry) == rig.story(stop) == ["rejected"]
    assert not rig.asked(PLAIN)
    assert rig.held() == 0


def test_a_leg_whose_entry_is_not_with_it_is_not_sent(rig: SpotRig) -> None:
    stop = rig.stop("0.01", 19_000, bracket="tw-run-other")
    rig.settle()
    assert rig.story(stop) == ["rejected"]
    assert "the entry that it belongs to" in rig.reason(stop)
    assert not rig.asked(PLAIN)


def test_a_stop_that_the_venue_could_not_arm_is_told(rig: SpotRig) -> None:
    """The fee was dearer than assumed: what was bought is less than its legs would sell."""
    rig.key.account.taker_fee = D("0.004")
    entry, stop = bracket(rig)
    rig.until(lambda: ended(rig, stop))
    assert rig.filled(entry) == D("0.01")
    assert rig.story(stop)[-1] == "expired"


def test_a_stop_that_stays_asleep_after_the_fill_is_taken_away(rig: SpotRig) -> None:
    """The venue keeps saying PENDING_NEW: after two seconds another stop may take its place."""
    rig.practice.spot.groups._arm = lambda group: None  # type: ignore[method-assign]
    entry, stop = bracket(rig)
    rig.until(lambda: rig.filled(entry) == D("0.01") and "accepted" in rig.story(stop))
    rig.settle()
    assert rig.story(stop) == ["accepted"]
    rig.skip(3)
    rig.until(lambda: rig.story(stop) == ["accepted", "canceled"])


def test_after_a_restart_entry_and_legs_are_taken_up_by_their_names(rig: SpotRig) -> None:
    entry, stop = bracket(rig)
    rig.settle()
    known = [rig.live._desk.get(name).order for name in (entry, stop)]
    rig.restart()
    state = rig.read_state(
        [
            unknown_order(known[0], status=OrderStatus.UNKNOWN),
            unknown_order(known[1], status=OrderStatus.OPEN),
        ]
    )
    found = {order.client_order_id: order.status for order in state.orders}
    assert found[entry] is OrderStatus.FILLED
    assert found[stop] is OrderStatus.OPEN
    assert sum(fill.quantity for fill in state.fills) == D("0.01")


# The engine on top: what it does with what the venue declares.


@pytest.fixture
def floor() -> Iterator[Floor]:
    made = SpotRig(balances={"USDT": "1000"})
    made.do(made.live.connect())
    made.start()
    running = Floor(made, {Asset("USDT"): D(1000)})
    made.until(lambda: bool(running.engine.floor.brackets))
    yield running
    made.close()


def guard(floor: Floor) -> list[str]:
    return [stop.approved.client_order_id for stop in floor.stops()]


def test_the_engine_enters_with_its_stop_in_the_same_request(floor: Floor) -> None:
    floor.enter(19_700.0)
    floor.rig.until(lambda: floor.held() > 0)
    assert floor.rig.standing() == guard(floor)
    floor.rig.settle()
    assert len(floor.rig.asked("POST /api/v3/orderList/oto")) == 1
    assert not floor.rig.asked(PLAIN)
    stop = floor.stops()[0].approved
    assert stop.bracket
    assert 0 <= floor.held() - stop.quantity < floor.rig.instrument.lot_size * 2


def test_a_partly_filled_entry_gets_a_stop_for_what_is_held(floor: Floor) -> None:
    floor.rig.quote(19_999, 20_001, size="0.002")
    floor.enter(19_700.0)
    floor.rig.until(lambda: floor.held() > 0 and floor.rig.standing() == guard(floor) != [])
    stop = floor.stops()[0].approved
    assert not stop.bracket
    assert floor.held() - stop.quantity < floor.rig.instrument.lot_size
    assert floor.rig.engine.find(floor.rig.key.account, None, stop.client_order_id).stop_price


def test_a_stop_that_could_not_be_armed_is_replaced_within_two_seconds(floor: Floor) -> None:
    floor.rig.key.account.taker_fee = D("0.004")
    floor.enter(19_700.0)
    floor.rig.until(lambda: floor.held() > 0)
    began = time.monotonic()
    floor.rig.until(
        lambda: (
            bool(floor.stops())
            and not floor.stops()[0].approved.bracket
            and floor.rig.standing() == guard(floor)
        )
    )
    assert time.monotonic() - began < 2
    assert floor.stops()[0].approved.quantity <= floor.held()


def test_a_bracket_leg_that_the_venue_takes_away_is_replaced(floor: Floor) -> None:
    floor.enter(19_700.0)
    floor.rig.until(lambda: floor.held() > 0 and bool(floor.rig.standing()))
    floor.rig.settle()
    first = guard(floor)[0]
    engine = floor.rig.engine

    async def taken() -> None:
        with engine:
            engine.expire(engine.find(floor.rig.key.account, None, first), "EXCHANGE_CANCELED")

    floor.rig.do(taken())
    floor.rig.until(lambda: guard(floor) not in ([], [first]))
    floor.rig.until(lambda: floor.rig.standing() == guard(floor))
    assert floor.trades


def test_an_exit_while_the_stop_is_armed_sells_once(floor: Floor) -> None:
    floor.enter(19_700.0)
    floor.rig.until(lambda: floor.held() > 0 and bool(floor.rig.standing()))
    floor.engine.closer.request_exit(floor.trades[0].trade_id, "test")
    floor.rig.until(lambda: not floor.trades)
    assert floor.rig.standing() == []
    assert floor.rig.held() < floor.rig.instrument.lot_size
    sold = [o for o in floor.rig.engine.orders.values() if o.side == "sell" and o.fills]
    assert len(sold) == 1


def test_the_entrys_answer_is_lost_and_the_stop_stands_all_the_same(floor: Floor) -> None:
    floor.rig.fault(TOLD, Withhold(for_s=0.5), times=None)
    floor.rig.fault(LISTS, Reset(execute=True))
    floor.enter(19_700.0)
    floor.rig.until(lambda: bool(floor.rig.standing()))
    floor.rig.until(lambda: floor.held() > 0)
    floor.rig.settle()
    assert floor.rig.standing() == guard(floor)
    purposes = [o.approved.purpose for o in floor.engine.floor.portfolio.orders.working()]
    assert purposes == [Purpose.STOP]
