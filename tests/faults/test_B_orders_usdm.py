"""Rows B and C of the scorecard on Binance USD-M: through ccxt, on the practice venue."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.contract.live_rigs import UsdmRig
from tests.contract.rigs import unknown_order
from tradewinds.gateways.live_venue import LiveTerms
from tradewinds.gateways.user_stream import StreamEdge
from tradewinds.model import events as ev
from tradewinds.model.errors import ConfigError
from tradewinds.model.order import OrderStatus
from tradewinds.practice.faults import Close, Drop, Hidden, Reply, Reset, Withhold

D = Decimal
POST = "usdm POST /fapi/v1/order"
POST_ALGO = "usdm POST /fapi/v1/algoOrder"
TOLD = "usdm-stream user ORDER_TRADE_UPDATE"
TOLD_ALGO = "usdm-stream user ALGO_UPDATE"
ASKED, ASKED_ALGO = "POST /fapi/v1/order", "POST /fapi/v1/algoOrder"


def refusal(code: int, text: str = "", status: int = 400) -> Reply:
    return Reply(status=status, body=f'{{"code":{code},"msg":"{text}"}}'.encode())


@pytest.fixture
def rig() -> Iterator[UsdmRig]:
    made = UsdmRig()
    made.connect()
    yield made
    made.close()


@pytest.fixture
def long(rig: UsdmRig) -> UsdmRig:
    """Holding 0.01 BTC."""
    order = rig.buy("market", "0.01")
    rig.until(lambda: rig.filled(order) == D("0.01"))
    rig.settle()
    return rig


def told_filled(rig: UsdmRig, order: str) -> bool:
    read = [fill for state in rig.of(ev.VenueStateRead) for fill in state.fills]
    return any(fill.client_order_id == order for fill in read) or rig.filled(order) > 0


EXECUTED = {
    "-1007": Reply(status=408, body=b'{"code":-1007,"msg":"Timeout"}', execute=True),
    "503 a": Reply(
        status=503,
        body=b"Unknown error, please check your request or try again later.",
        execute=True,
    ),
    "reset": Reset(execute=True),
}


@pytest.mark.parametrize("name", EXECUTED)
def test_b1_a_close_that_happened_behind_an_error_is_found(long: UsdmRig, name: str) -> None:
    before = len(long.asked(ASKED))
    long.fault(POST, EXECUTED[name])
    order = long.sell("market", "0.01")
    long.until(lambda: long.filled(order) == D("0.01"))
    assert long.held() == 0
    assert len(long.asked(ASKED)) == before + 1


def test_b1_a_reduce_only_close_that_did_not_happen_is_told_within_three_seconds(
    long: UsdmRig,
) -> None:
    """The venue itself keeps a reduce-only order from closing twice: no need to wait longer."""
    long.fault(POST, Reply(status=408, body=b'{"code":-1007,"msg":"Timeout"}'))
    order = long.sell("market", "0.01")
    long.until(lambda: long.story(order) == ["unknown", "rejected"], timeout_s=5)
    again = long.sell("market", "0.01")
    long.until(lambda: long.filled(again) == D("0.01"))
    assert long.held() == 0


BODIES = {
    "b": Reply(status=503, body=b"Service Unavailable."),
    "c": refusal(-1001, "Internal error; unable to process your request.", 503),
    "d": refusal(-1008, "Request throttled by system-level protection.", 503),
}


@pytest.mark.parametrize("name", BODIES)
def test_b3_a_503_that_is_a_refusal_is_tried_again_at_once(long: UsdmRig, name: str) -> None:
    long.fault(POST, BODIES[name], times=2)
    before = len(long.asked(ASKED))
    order = long.sell("market", "0.01")
    long.until(lambda: long.filled(order) == D("0.01"), timeout_s=6)
    assert len(long.asked(ASKED)) == before + 3
    assert "unknown" not in long.story(order)


def test_b9_a_stop_whose_id_is_open_already_is_adopted(long: UsdmRig) -> None:
    long.fault(POST_ALGO, Reply(status=502, body=b"<html/>", execute=True))
    long.fault(TOLD_ALGO, Drop(), times=None)
    stop = long.stop("0.01", 19_000)
    long.until(lambda: "accepted" in long.story(stop))
    assert long.standing() == [stop]
    assert len(long.asked(ASKED_ALGO)) == 1


def test_b12_a_stop_that_queries_do_not_show_yet_is_waited_for_and_not_sent_twice(
    long: UsdmRig,
) -> None:
    long.fault(TOLD_ALGO, Drop(), times=None)
    reply = Reply(status=408, body=b'{"code":-1007,"msg":"Timeout"}')
    long.fault(POST_ALGO, Hidden(for_s=60, reply=reply))
    stop = long.stop("0.01", 19_000)
    long.until(lambda: long.story(stop) == ["unknown"])
    for _ in range(3):
        long.skip(19)
        long.settle(0.3)
        assert long.story(stop) == ["unknown"]
    long.practice.advance(61)
    long.skip(5)
    long.until(lambda: long.story(stop) == ["unknown", "accepted"])
    assert len(long.asked(ASKED_ALGO)) == 1
    assert long.standing() == [stop]


def test_b12_a_stop_that_was_accepted_and_is_never_shown_is_told_as_gone(long: UsdmRig) -> None:
    """The venue's answer says yes, but nothing stands there: that protects nobody."""
    long.fault(TOLD_ALGO, Drop(), times=None)
    body = (
        b'{"algoId":7,"clientAlgoId":"tw-run-2","algoType":"CONDITIONAL","orderType":"STOP_MARKET",'
        b'"symbol":"BTCUSDT","side":"SELL","quantity":"0.01","algoStatus":"NEW",'
        b'"triggerPrice":"19000"}'
    )
    long.fault(POST_ALGO, Reply(status=200, body=body))
    stop = long.stop("0.01", 19_000)
    long.until(lambda: long.story(stop) == ["accepted"])
    long.skip(60)
    long.settle(0.5)
    assert long.story(stop) == ["accepted"]
    long.skip(61)
    long.until(lambda: long.story(stop) == ["accepted", "expired"])


def test_an_orphan_of_an_earlier_run_is_canceled_by_its_name(long: UsdmRig) -> None:
    stop = long.stop("0.01", 19_000)
    plain = long.buy("limit", "0.01", price=19_500)
    long.until(lambda: len(long.standing()) == 2)
    long.restart()
    long.start()
    long.cancel(stop)
    long.cancel(plain)
    long.until(lambda: long.standing() == [])


@pytest.mark.parametrize("code", [-2021, -4120, -4045])
def test_b13_a_stop_that_is_refused_is_told_at_once(long: UsdmRig, code: int) -> None:
    long.fault(POST_ALGO, refusal(code, "no"))
    stop = long.stop("0.01", 19_000)
    long.until(lambda: long.story(stop) == ["rejected"], timeout_s=6)


def test_b14_a_stop_that_the_venue_cancels_is_told_at_once(long: UsdmRig) -> None:
    stop = long.stop("0.01", 19_000)
    long.until(lambda: long.story(stop) == ["accepted"])
    algos = long.practice.usdm.algos
    algos.expire(algos.open(long.key.account)[0], "canceled by the system")
    long.until(lambda: long.story(stop) == ["accepted", "expired"], timeout_s=6)


def test_b14_a_stop_that_is_refused_when_it_triggers_is_told(rig: UsdmRig) -> None:
    stop = rig.stop("0.01", 19_000)
    rig.until(lambda: rig.story(stop) == ["accepted"])
    rig.quote(18_990, 18_995)
    rig.until(lambda: rig.story(stop)[-1] in ("rejected", "expired"), timeout_s=8)
    assert rig.held() == 0


def test_b15_a_close_that_resting_orders_cover_cancels_them_and_goes_through(
    long: UsdmRig,
) -> None:
    resting = long.sell("limit", "0.01", price=20_500, purpose="exit")
    long.until(lambda: long.story(resting) == ["accepted"])
    close = long.sell("market", "0.01")
    long.until(lambda: long.filled(close) == D("0.01"))
    assert long.held() == 0
    long.until(lambda: long.story(resting)[-1] in ("canceled", "expired"))


def test_b15_a_close_of_nothing_says_so_and_the_account_is_looked_at(rig: UsdmRig) -> None:
    rig.settle()
    count = len(rig.of(ev.VenueStateRead))
    close = rig.sell("market", "0.01")
    rig.until(lambda: rig.story(close) == ["rejected"])
    assert "nothing is left to close" in rig.reason(close)
    rig.until(lambda: len(rig.of(ev.VenueStateRead)) > count)
    assert rig.of(ev.VenueStateRead)[-1].positions[0].quantity == 0


def test_b16_hedge_mode_and_multi_assets_mode_refuse_to_start() -> None:
    for name in ("hedged", "multi_assets"):
        rig = UsdmRig()
        setattr(rig.practice.usdm.owner(rig.key.account), name, True)
        with pytest.raises(ConfigError, match="mode"):
            rig.do(rig.live.connect())
        rig.close()


def test_b16_margin_is_isolated_and_leverage_set_before_the_first_entry(rig: UsdmRig) -> None:
    order = rig.buy("market", "0.01", leverage=3)
    rig.until(lambda: rig.filled(order) == D("0.01"))
    rig.buy("market", "0.01", leverage=3)
    rig.settle()
    terms = rig.practice.usdm.owner(rig.key.account).terms_of("BTCUSDT")
    assert terms.isolated
    assert terms.leverage == 3
    assert len(rig.asked("POST /fapi/v1/leverage")) == 1


def test_b16_a_leverage_that_is_refused_stops_the_entry(rig: UsdmRig) -> None:
    rig.fault("usdm POST /fapi/v1/leverage", refusal(-2028, "Leverage is smaller than permitted"))
    order = rig.buy("market", "0.01")
    rig.until(lambda: rig.story(order) == ["rejected"])
    assert rig.asked(ASKED) == []


def test_b16_a_switch_to_hedge_mode_during_the_run_is_an_alarm_not_a_position(
    rig: UsdmRig,
) -> None:
    rig.settle()
    rig.practice.usdm.owner(rig.key.account).hedged = True
    order = rig.buy("market", "0.01")
    rig.until(lambda: rig.story(order) == ["rejected"])
    rig.until(lambda: any(t.cause == "mode" for t in rig.of(ev.VenueTroubleChanged)))
    assert rig.held() == 0


def test_b18_an_ioc_that_finds_nothing_leaves_no_position(rig: UsdmRig) -> None:
    order = rig.buy("limit", "0.01", price=19_500, tif="ioc")
    rig.until(lambda: rig.story(order)[-1:] == ["expired"])
    assert rig.held() == 0


def test_b23_fill_prices_come_from_the_trades(long: UsdmRig) -> None:
    assert long.fills()[0].fill.price == D(20_001)
    assert long.fills()[0].fill.fee > 0


def test_b23_a_fill_that_the_stream_swallows_is_found_with_its_price() -> None:
    rig = UsdmRig(terms=LiveTerms(tick_s=0.01, look_gap_s=0.05))
    rig.connect()
    rig.fault(TOLD, Drop(), times=None)
    order = rig.buy("market", "0.01")
    rig.until(lambda: rig.filled(order) == D("0.01"))
    assert rig.fills(order)[0].fill.price == D(20_001)
    rig.close()


def test_b25_a_liquidation_is_booked_as_the_venues_doing(long: UsdmRig) -> None:
    practice = long.practice.usdm
    practice.force.liquidate(practice.owner(long.key.account), "BTCUSDT")
    long.until(lambda: any(r.fill.venue_initiated for r in long.fills()))
    fill = next(r.fill for r in long.fills() if r.fill.venue_initiated)
    assert fill.client_order_id.startswith("autoclose-")
    assert (fill.side, fill.quantity) == ("sell", D("0.01"))


def test_b25_a_liquidation_that_nobody_told_is_found_by_the_reading(long: UsdmRig) -> None:
    long.fault("usdm-stream user *", Drop(), times=None)
    practice = long.practice.usdm
    practice.force.liquidate(practice.owner(long.key.account), "BTCUSDT")
    state = long.read_state()
    assert [fill.venue_initiated for fill in state.fills] == [True]
    assert state.positions[0].quantity == 0


def test_b25_a_deleveraging_is_booked_as_the_venues_doing(long: UsdmRig) -> None:
    practice = long.practice.usdm
    practice.force.deleverage(practice.owner(long.key.account), "BTCUSDT")
    long.until(lambda: any(r.fill.venue_initiated for r in long.fills()))


def test_a_triggered_stop_is_ours_whatever_name_its_child_has(long: UsdmRig) -> None:
    stop = long.stop("0.01", 19_000)
    long.until(lambda: long.story(stop) == ["accepted"])
    long.fault(TOLD_ALGO, Withhold(for_s=0.3), times=3)
    renamed = long.practice.usdm.algos._order

    def child(algo: object) -> object:
        order = renamed(algo)  # type: ignore[arg-type]
        order.client_id = "venue-made-1"
        return order

    long.practice.usdm.algos._order = child  # type: ignore[assignment,method-assign]
    long.quote(18_990, 18_995)
    long.until(lambda: told_filled(long, stop))
    long.settle()
    assert long.held() == 0


def test_when_one_of_a_pair_fills_the_other_is_canceled_by_us(long: UsdmRig) -> None:
    stop = long.stop("0.01", 19_000, oco_group="t-1")
    target = long.target("0.01", 21_000, oco_group="t-1")
    long.until(lambda: long.story(stop) == long.story(target) == ["accepted"])
    long.quote(21_010, 21_012)
    long.until(lambda: long.story(stop) == ["accepted", "canceled"])
    assert long.held() == 0
    assert long.standing() == []


def test_a_stop_triggers_although_its_target_rests(long: UsdmRig) -> None:
    """-4118: a target in the book would count as closing and keep the stop from it."""
    stop = long.stop("0.01", 19_000, oco_group="t-1")
    target = long.target("0.01", 21_000, oco_group="t-1")
    long.until(lambda: long.story(target) == ["accepted"])
    long.quote(18_990, 18_995)
    long.until(lambda: long.filled(stop) == D("0.01"))
    assert long.held() == 0


def test_c1_an_expired_listen_key_is_replaced_and_the_gap_read(long: UsdmRig) -> None:
    keys = long.practice.usdm.keys
    keys.expire(long.key.account)
    long.until(lambda: long.live.stream.connects == 2, timeout_s=5)
    long.settle()
    close = long.sell("market", "0.01")
    long.until(lambda: long.filled(close) == D("0.01"))


def test_c1_a_listen_key_that_cannot_be_renewed_is_replaced() -> None:
    rig = UsdmRig(edge=StreamEdge(tick_s=0.02, overlap_s=0.1))
    rig.connect()
    rig.fault("usdm PUT /fapi/v1/listenKey", refusal(-1125, "This listenKey does not exist."))
    door = rig.live.stream._door
    assert rig.do(door.renew()) is False
    assert rig.do(door.renew()) is True
    rig.close()


def test_c3_a_fill_during_a_gap_is_found(long: UsdmRig) -> None:
    order = long.sell("limit", "0.01", price=20_500, purpose="exit")
    long.until(lambda: long.story(order) == ["accepted"])
    long.fault(TOLD, Close(code=1006))
    long.quote(20_600, 20_610)
    long.until(lambda: told_filled(long, order))
    long.until(lambda: long.live.stream.connects == 2)


def test_c10_funding_is_told_with_its_sign_once(long: UsdmRig) -> None:
    long.engine.markets["BTCUSDT"].funding_rate = D("0.0001")
    long.practice.usdm.force.fund("BTCUSDT")
    long.until(lambda: len(long.of(ev.FundingPaid)) == 1)
    paid = long.of(ev.FundingPaid)[0]
    assert paid.amount < 0
    assert paid.asset == "USDT"
    long.live.look("again")
    long.settle(0.4)
    assert len(long.of(ev.FundingPaid)) == 1


def test_c10_funding_that_nobody_told_is_found(long: UsdmRig) -> None:
    long.fault("usdm-stream user *", Drop(), times=None)
    long.engine.markets["BTCUSDT"].funding_rate = D("0.0001")
    long.practice.usdm.force.fund("BTCUSDT")
    long.live.look("the timer")
    long.until(lambda: len(long.of(ev.FundingPaid)) == 1)


def test_after_a_restart_stop_fills_and_position_are_told(long: UsdmRig) -> None:
    stop = long.make("sell", "stop_market", "0.01", trigger_price=19_000, purpose="stop",
                     reduce_only=True, name="tw-old-7")  # fmt: skip
    gone = long.make("sell", "stop_market", "0.01", trigger_price=18_000, purpose="stop",
                     reduce_only=True, name="tw-old-8")  # fmt: skip
    long.submit(stop)
    long.submit(gone)
    long.settle()
    long.restart()
    long.quote(18_990, 18_995)
    state = long.read_state([unknown_order(stop), unknown_order(gone)])
    told = {o.client_order_id: o.status for o in state.orders}
    assert told["tw-old-7"] is OrderStatus.FILLED
    assert told["tw-old-8"] is OrderStatus.OPEN
    assert "tw-old-7" in {fill.client_order_id for fill in state.fills}
    assert state.positions[0].quantity == 0
