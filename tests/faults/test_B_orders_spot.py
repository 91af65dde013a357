"""Rows B and C of the scorecard on Binance spot: through ccxt, over TLS, on the practice venue."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.contract.live_rigs import SpotRig
from tests.contract.rigs import unknown_order
from tradewinds.model import events as ev
from tradewinds.model.order import OrderStatus
from tradewinds.practice.faults import (
    Delay,
    Drop,
    Duplicate,
    Hidden,
    Late,
    Lost,
    Reply,
    Reset,
    Swap,
    Withhold,
)

D = Decimal
POST = "spot POST /api/v3/order"
DELETE = "spot DELETE /api/v3/order"
TOLD = "spot-api user executionReport"
TIMEOUT = b'{"code":-1007,"msg":"Timeout waiting for response from backend server."}'
ASKED = "POST /api/v3/order"


def answer(status: int, body: bytes, *, execute: bool = False) -> Reply:
    return Reply(status=status, body=body, execute=execute)


def last_reading(rig: SpotRig) -> ev.VenueStateRead:
    reading: ev.VenueStateRead = rig.of(ev.VenueStateRead)[-1]
    return reading


@pytest.fixture
def rig() -> Iterator[SpotRig]:
    made = SpotRig()
    made.connect()
    yield made
    made.close()


EXECUTED = {
    "-1007": answer(408, TIMEOUT, execute=True),
    "-1006": answer(400, b'{"code":-1006,"msg":"An unexpected response"}', execute=True),
    "500": answer(500, b"<html>oops</html>", execute=True),
    "502": answer(502, b"<html>bad gateway</html>", execute=True),
    "nonsense": answer(200, b"OK", execute=True),
    "reset": Reset(execute=True),
}


@pytest.mark.parametrize("name", EXECUTED)
def test_b1_an_order_that_was_executed_behind_an_error_is_found_and_not_sent_again(
    rig: SpotRig, name: str
) -> None:
    rig.fault(POST, EXECUTED[name])
    before = rig.held()
    order = rig.sell("market", "0.01")
    rig.until(lambda: rig.filled(order) == D("0.01"))
    rig.settle()
    assert len(rig.asked(ASKED)) == 1
    assert rig.held() == before - D("0.01")
    assert "rejected" not in rig.story(order)


NOT_EXECUTED = {
    "-1007": answer(408, TIMEOUT),
    "503": answer(503, b"Service Unavailable."),
    "reset": Reset(execute=False),
}


@pytest.mark.parametrize("name", NOT_EXECUTED)
def test_b1_an_order_that_was_not_executed_is_rejected_only_when_it_can_no_longer_appear(
    rig: SpotRig, name: str
) -> None:
    rig.fault(POST, NOT_EXECUTED[name])
    order = rig.sell("market", "0.01")
    rig.until(lambda: rig.story(order) == ["unknown"])
    rig.settle(0.8)
    assert rig.story(order) == ["unknown"]
    rig.skip(10)
    rig.until(lambda: rig.story(order) == ["unknown", "rejected"])
    assert "not executed" in rig.reason(order)
    assert len(rig.asked(ASKED)) == 1
    assert rig.held() == 1


def test_b1_an_order_that_becomes_visible_late_is_waited_for(rig: SpotRig) -> None:
    rig.fault(TOLD, Drop(), times=None)
    rig.fault(POST, Hidden(for_s=0.8, reply=answer(408, TIMEOUT)))
    order = rig.sell("market", "0.01")
    rig.until(lambda: rig.story(order) == ["unknown"])
    rig.until(lambda: rig.filled(order) == D("0.01"))
    assert rig.held() == D("0.99")
    assert len(rig.asked(ASKED)) == 1


def test_b1_an_order_that_executes_later_than_its_answer_is_not_sent_again(rig: SpotRig) -> None:
    rig.fault(POST, Late(after_s=0.6, reply=answer(408, TIMEOUT)))
    order = rig.sell("market", "0.01")
    rig.until(lambda: rig.filled(order) == D("0.01"))
    assert len(rig.asked(ASKED)) == 1
    assert rig.held() == D("0.99")


def test_b1_while_the_balance_says_that_something_was_sold_nothing_is_called_not_executed(
    rig: SpotRig,
) -> None:
    """Orders and trades lag behind at the venue, the balance does not."""
    rig.settle()
    rig.fault(TOLD, Drop(), times=None)
    rig.fault(POST, answer(408, TIMEOUT, execute=True))
    not_found = b'{"code":-2013,"msg":"Order does not exist."}'
    rig.fault("spot GET /api/v3/order", answer(400, not_found), times=None)
    rig.fault("spot GET /api/v3/myTrades", answer(200, b"[]"), times=None)
    order = rig.sell("market", "0.01")
    rig.until(lambda: rig.story(order) == ["unknown"])
    rig.skip(11)
    rig.settle(1.5)
    assert rig.story(order) == ["unknown"]
    rig.practice.faults.rules.clear()
    rig.until(lambda: rig.filled(order) == D("0.01"))


def test_b1_a_trade_that_is_shown_later_than_its_successor_is_not_passed_over(
    rig: SpotRig,
) -> None:
    """Trade ids only grow, but what is shown need not: found by the storm of test_chaos."""
    rig.fault(TOLD, Drop(), times=None)
    rig.fault(POST, Hidden(for_s=1.2, reply=answer(408, TIMEOUT)))
    first = rig.sell("market", "0.01")
    rig.until(lambda: rig.story(first) == ["unknown"])
    second = rig.sell("market", "0.01")
    rig.until(lambda: rig.filled(second) == D("0.01"))
    rig.live.look("test")
    rig.settle(0.3)
    assert rig.filled(first) == 0
    rig.until(lambda: rig.filled(first) == D("0.01"))


def test_b2_an_answer_that_never_comes_is_given_up_and_asked_for(rig: SpotRig) -> None:
    rig.exchange.timeout = 400
    rig.fault(POST, Lost(execute=True))
    rig.fault(TOLD, Drop(), times=None)
    order = rig.sell("market", "0.01")
    rig.until(lambda: rig.story(order)[:1] == ["unknown"])
    rig.until(lambda: rig.filled(order) == D("0.01"))
    assert len(rig.asked(ASKED)) == 1


def test_b3_an_overloaded_venue_is_tried_again_for_a_close(rig: SpotRig) -> None:
    body = b'{"code":-1008,"msg":"Server is currently overloaded with other requests."}'
    rig.fault(POST, answer(503, body), times=3)
    order = rig.sell("market", "0.01")
    rig.until(lambda: rig.filled(order) == D("0.01"))
    assert rig.held() == D("0.99")
    assert len(rig.asked(ASKED)) == 4


def test_b4_entries_stop_at_429_and_the_engine_is_told_while_closes_go_on(rig: SpotRig) -> None:
    headers = (("Retry-After", "30"),)
    body = b'{"code":-1003,"msg":"Too many requests."}'
    rig.fault(POST, Reply(status=429, body=body, headers=headers))
    first = rig.buy("limit", "0.01", price=20_001, tif="ioc")
    rig.until(lambda: rig.story(first) == ["rejected"])
    second = rig.buy("limit", "0.01", price=20_001, tif="ioc")
    close = rig.sell("market", "0.01")
    rig.until(lambda: rig.filled(close) == D("0.01"))
    assert rig.story(second) == ["rejected"]
    assert "not sent" in rig.reason(second)
    assert [t.cause for t in rig.of(ev.VenueTroubleChanged)] == ["rate"]
    rig.skip(31)
    rig.live.look("test")
    rig.until(lambda: [bool(t.reason) for t in rig.of(ev.VenueTroubleChanged)] == [True, False])


def test_b5_a_ban_silences_everything_until_it_is_over_and_then_the_close_goes_out(
    rig: SpotRig,
) -> None:
    headers = (("Retry-After", "120"),)
    rig.fault(POST, Reply(status=418, body=b'{"code":-1003,"msg":"banned"}', headers=headers))
    close = rig.sell("market", "0.01")
    rig.until(lambda: any(t.cause == "banned" for t in rig.of(ev.VenueTroubleChanged)))
    count = len(rig.practice.record.requests)
    rig.settle(1.0)
    assert len(rig.practice.record.requests) == count
    assert rig.story(close) == []
    rig.skip(121)
    rig.until(lambda: rig.filled(close) == D("0.01"), timeout_s=12)


def test_b7_a_clock_that_jumps_is_set_right_without_a_second_order(rig: SpotRig) -> None:
    rig.clock.offset_ms = 10_000
    order = rig.sell("market", "0.01")
    rig.until(lambda: rig.filled(order) == D("0.01"))
    assert rig.held() == D("0.99")
    assert [asked.status for asked in rig.asked(ASKED)] == [400, 200]
    assert [t.cause for t in rig.of(ev.VenueTroubleChanged)] == ["clock"]


def test_b8_a_revoked_key_stops_entries_raises_an_alarm_and_causes_no_storm(rig: SpotRig) -> None:
    rig.settle()
    rig.key.revoked = True
    order = rig.buy("limit", "0.01", price=20_001, tif="ioc")
    rig.until(lambda: rig.story(order) == ["rejected"])
    rig.until(lambda: any(t.cause == "key" for t in rig.of(ev.VenueTroubleChanged)))
    count = len(rig.practice.record.requests)
    second = rig.buy("limit", "0.01", price=20_001, tif="ioc")
    rig.settle(1.0)
    assert rig.story(second) == ["rejected"]
    assert len(rig.practice.record.requests) - count <= 1


def test_b9_the_id_of_an_order_that_is_open_is_adopted(rig: SpotRig) -> None:
    """As after a restart: the answer to the first try was lost with the process."""
    params = {
        "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
        "quantity": "0.01", "price": "19000", "newClientOrderId": "tw-run-1",
    }  # fmt: skip
    rig.do(rig.exchange.privatePostOrder(params))
    order = rig.buy("limit", "0.01", price=19_000, name="tw-run-1")
    rig.until(lambda: "accepted" in rig.story(order))
    assert rig.standing() == ["tw-run-1"]
    assert "rejected" not in rig.story(order)


def test_b10_a_fill_that_comes_after_the_cancel_was_confirmed_is_booked_before_the_end(
    rig: SpotRig,
) -> None:
    rig.quote(19_999, 20_001, size="0.003")
    rig.fault(TOLD, Withhold(for_s=0.4), skip=1)
    order = rig.buy("limit", "0.01", price=20_001)
    rig.fault(POST, Delay(after_s=0.2))
    rig.until(lambda: "accepted" in rig.story(order))
    rig.cancel(order)
    rig.until(lambda: "canceled" in rig.story(order))
    assert rig.story(order).index("filled") < rig.story(order).index("canceled")
    assert rig.filled(order) == D("0.003")
    rig.settle(0.6)
    assert rig.story(order).count("filled") == 1


def test_b11_events_before_the_answer_are_told_once(rig: SpotRig) -> None:
    rig.fault(POST, Delay(after_s=1.5))
    order = rig.sell("market", "0.01")
    rig.until(lambda: rig.filled(order) == D("0.01"), timeout_s=1.4)
    rig.settle(1.6)
    assert rig.story(order) == ["accepted", "filled"]


def test_b11_doubled_and_reordered_events_are_booked_once(rig: SpotRig) -> None:
    rig.fault(TOLD, Duplicate(), times=2)
    rig.fault(TOLD, Swap(), times=2)
    for _ in range(4):
        rig.sell("market", "0.01")
    rig.settle(0.4)
    assert len(rig.fills()) == 4
    assert rig.held() == D("0.96")


def test_b11_a_fee_in_the_asset_bought_is_told_as_such(rig: SpotRig) -> None:
    order = rig.buy("market", "0.01")
    rig.settle()
    fill = rig.fills(order)[0].fill
    assert (fill.fee, fill.fee_asset) == (D("0.00001"), "BTC")
    assert rig.held() == 1 + D("0.01") - D("0.00001")


def test_b13_a_stop_that_the_price_has_passed_says_so(rig: SpotRig) -> None:
    order = rig.stop("0.01", 20_500)
    rig.until(lambda: rig.story(order) == ["rejected"])
    assert "through the stop" in rig.reason(order)


def test_b14_a_stop_that_the_venue_takes_away_is_told_at_once(rig: SpotRig) -> None:
    order = rig.stop("0.01", 19_000)
    rig.until(lambda: rig.story(order) == ["accepted"])
    standing = rig.engine.open_orders(rig.key.account)[0]
    rig.engine.expire(standing, "maintenance")
    rig.until(lambda: rig.story(order) == ["accepted", "expired"], timeout_s=6)


def test_b14_a_stop_that_vanishes_unheard_is_found_by_the_next_reading(rig: SpotRig) -> None:
    order = rig.stop("0.01", 19_000)
    rig.until(lambda: rig.story(order) == ["accepted"])
    rig.fault(TOLD, Drop(), times=None)
    rig.engine.expire(rig.engine.open_orders(rig.key.account)[0], "maintenance")
    rig.live.look("the timer")
    rig.until(lambda: any(o.client_order_id == order for o in last_reading(rig).orders))
    told = {o.client_order_id: o.status for o in last_reading(rig).orders}
    assert told[order] is OrderStatus.EXPIRED


def test_b14_a_pair_that_the_venue_takes_away_is_no_sibling_story(rig: SpotRig) -> None:
    stop = rig.stop("0.01", 19_000, oco_group="t-1")
    target = rig.target("0.01", 21_000, oco_group="t-1")
    rig.until(lambda: rig.story(target) == rig.story(stop) == ["accepted"])
    for standing in rig.engine.open_orders(rig.key.account):
        rig.engine.expire(standing, "maintenance")
    rig.until(lambda: "expired" in rig.story(stop) and "expired" in rig.story(target))


def test_b17_what_the_fee_took_is_not_sold_and_leaves_no_loop() -> None:
    rig = SpotRig(balances={"USDT": "1000"})
    rig.connect()
    rig.buy("market", "0.01")
    rig.settle()
    order = rig.sell("market", "0.01")
    rig.until(lambda: "expired" in rig.story(order))
    assert rig.filled(order) == D("0.00999")
    assert "free" in rig.reason(order)
    assert len(rig.asked(ASKED)) == 3
    rig.close()


def test_b22_a_market_order_never_carries_a_price(rig: SpotRig) -> None:
    rig.sell("market", "0.01")
    rig.settle()
    params = rig.asked(ASKED)[0].params
    assert params["quantity"] == "0.01"
    assert not {"price", "quoteOrderQty", "timeInForce"} & set(params)


def test_b24_what_the_user_does_by_hand_shows_in_the_reading_and_is_not_booked(
    rig: SpotRig,
) -> None:
    rig.settle()
    count = len(rig.of(ev.VenueStateRead))
    params = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.5"}
    rig.do(rig.exchange.privatePostOrder({**params, "newClientOrderId": "web_1"}))
    resting = {"timeInForce": "GTC", "price": "25000", "newClientOrderId": "web_2"}
    rig.do(rig.exchange.privatePostOrder({**params, "type": "LIMIT", **resting}))
    rig.until(lambda: len(rig.of(ev.VenueStateRead)) > count)
    state = rig.of(ev.VenueStateRead)[-1]
    assert state.balances["BTC"] == D("0.5")
    assert [o.client_order_id for o in state.orders] == ["web_2"]
    assert rig.fills() == []


def test_a9_changed_filters_are_learnt_and_a_close_is_made_to_fit(rig: SpotRig) -> None:
    rig.engine.markets["BTCUSDT"].listing.step = D("0.001")
    rig.engine.markets["BTCUSDT"].listing.min_quantity = D("0.001")
    order = rig.sell("market", "0.01234")
    rig.until(lambda: "expired" in rig.story(order))
    assert rig.filled(order) == D("0.012")
    changed = rig.of(ev.InstrumentChanged)[-1].instrument
    assert changed.lot_size == D("0.001")
    assert len(rig.asked(ASKED)) == 2


def test_after_a_restart_the_reading_tells_what_became_of_each_order(rig: SpotRig) -> None:
    standing = rig.make("buy", "limit", "0.01", price=19_000, name="tw-old-1")
    gone = rig.make("buy", "limit", "0.02", price=19_100, name="tw-old-2")
    filled = rig.make("sell", "market", "0.01", name="tw-old-3")
    never = rig.make("sell", "market", "0.01", name="tw-old-4")
    for order in (standing, gone, filled):
        rig.submit(order)
    rig.settle()
    rig.cancel(gone.client_order_id)
    rig.settle()
    rig.restart()
    state = rig.read_state([unknown_order(o) for o in (standing, gone, filled, never)])
    told = {o.client_order_id: o.status for o in state.orders}
    assert told == {
        "tw-old-1": OrderStatus.OPEN,
        "tw-old-2": OrderStatus.CANCELED,
        "tw-old-3": OrderStatus.FILLED,
        "tw-old-4": OrderStatus.UNKNOWN,
    }
    assert [fill.client_order_id for fill in state.fills] == ["tw-old-3"]


def test_an_order_of_an_earlier_run_that_never_arrived_is_settled_after_a_restart(
    rig: SpotRig,
) -> None:
    never = rig.make("sell", "market", "0.01", name="tw-old-4")
    rig.restart()
    rig.read_state([unknown_order(never)])
    rig.start()
    rig.skip(11)
    rig.until(lambda: rig.story("tw-old-4") == ["rejected"])
