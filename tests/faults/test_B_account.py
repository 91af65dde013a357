"""What others do with the account while we trade: the user by hand, the venue by its rules."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.live_rigs import SpotRig, UsdmRig
from tests.faults.live_floor import LiveFloor, LiveUsdm, opened
from tradewinds.gateways.live_venue import LiveTerms
from tradewinds.model import events as ev
from tradewinds.model.instrument import InstrumentStatus
from tradewinds.model.order import Purpose
from tradewinds.model.portfolio import TradingState
from tradewinds.practice.faults import Drop, Reply

D = Decimal
STATUS = "GET /sapi/v1/system/status"


@pytest.fixture
def usdm() -> Iterator[LiveFloor]:
    with opened("usdm") as made:
        yield made


@pytest.fixture(params=["spot", "usdm"])
def floor(request: pytest.FixtureRequest) -> Iterator[LiveFloor]:
    with opened(request.param) as made:
        yield made


def by_hand(floor: LiveFloor, side: str, quantity: str, **more: str) -> None:
    """The user trades in the venue's app."""
    params = {"symbol": "BTCUSDT", "side": side, "type": "MARKET", "quantity": quantity, **more}
    floor.rig.do(floor.rig.exchange.fapiPrivatePostOrder(params))


def quiet(floor: LiveFloor) -> None:
    """Long enough after the last of our own doing that balances and positions are compared."""
    floor.settle()
    floor.rig.skip(11)
    before = floor.readings()
    floor.rig.live.look("test")
    floor.until(lambda: floor.readings() > before)
    floor.settle()


def equity_agrees(floor: LiveFloor) -> bool:
    """Money in the ledger is money at the venue."""
    return abs(floor.ledger.balances[floor.rig.instrument.settle] - floor.rig.money()) < D("1e-7")


# B24: the user's own trades in a market that is also ours.


def test_b24_what_the_user_closes_by_hand_is_booked_at_its_price(usdm: LiveFloor) -> None:
    usdm.bought()
    half = (usdm.held() / 2).quantize(D("0.001"))
    left = usdm.held() - half
    usdm.move(20_100.0, 20_102.0)
    by_hand(usdm, "SELL", str(half))
    usdm.until(lambda: usdm.held() == left)
    usdm.until(lambda: [s.remaining for s in usdm.stops()] == [left] and usdm.guarded())
    trade = usdm.trades[0]
    assert trade.exit_quantity == half
    assert trade.exit_price == D(20_100)
    assert trade.realised > 0
    quiet(usdm)
    assert usdm.state is TradingState.ACTIVE
    assert "external_fill" in usdm.anomalies()
    assert equity_agrees(usdm)
    usdm.check()


def test_b24_a_position_that_the_user_closes_is_over_and_not_opened_again(usdm: LiveFloor) -> None:
    usdm.bought()
    by_hand(usdm, "SELL", str(usdm.held()))
    usdm.until(usdm.flat)
    quiet(usdm)
    assert usdm.state is TradingState.ACTIVE
    assert len(usdm.submitted(Purpose.ENTER)) == 1
    assert equity_agrees(usdm)
    usdm.check()


def test_b24_what_the_user_opens_is_the_users_and_holds_back_entries_until_it_is_closed(
    usdm: LiveFloor,
) -> None:
    usdm.settle()
    by_hand(usdm, "BUY", "0.006")
    usdm.until(lambda: "external_fill" in usdm.anomalies())
    quiet(usdm)
    assert not usdm.trades
    assert usdm.state is TradingState.REDUCING
    assert "you hold 0.006" in usdm.reason
    assert not usdm.submitted()
    assert equity_agrees(usdm)
    by_hand(usdm, "SELL", "0.006")
    usdm.until(lambda: usdm.rig.held() == 0)
    quiet(usdm)
    assert usdm.state is TradingState.ACTIVE
    assert equity_agrees(usdm)


def test_b24_the_user_turns_our_position_round_and_we_leave_what_is_theirs(
    usdm: LiveFloor,
) -> None:
    usdm.bought()
    held = usdm.held()
    by_hand(usdm, "SELL", str(held + D("0.006")))
    usdm.until(lambda: not usdm.trades)
    quiet(usdm)
    assert usdm.rig.held() == D("-0.006")
    assert "you hold -0.006" in usdm.reason
    assert not usdm.rig.standing()
    assert equity_agrees(usdm)
    assert "external_change" not in usdm.anomalies()


def test_b24_what_the_user_added_is_what_the_user_takes_away(usdm: LiveFloor) -> None:
    usdm.bought()
    held = usdm.held()
    by_hand(usdm, "BUY", "0.006")
    usdm.until(lambda: "external_fill" in usdm.anomalies())
    by_hand(usdm, "SELL", "0.006")
    usdm.until(lambda: usdm.rig.held() == held)
    quiet(usdm)
    assert usdm.held() == held
    assert usdm.state is TradingState.ACTIVE
    usdm.check()


def test_b24_a_hand_trade_that_nobody_told_is_found_by_the_reading(usdm: LiveFloor) -> None:
    usdm.bought()
    usdm.rig.fault("usdm-stream user *", Drop(), times=None)
    by_hand(usdm, "SELL", str(usdm.held()))
    usdm.rig.skip(61)
    usdm.until(lambda: not usdm.trades)
    assert equity_agrees(usdm)


def test_b24_a_hand_trade_is_booked_once_however_often_it_is_read(usdm: LiveFloor) -> None:
    usdm.bought()
    by_hand(usdm, "SELL", "0.001", reduceOnly="true")
    usdm.until(lambda: "external_fill" in usdm.anomalies())
    for _ in range(3):
        quiet(usdm)
    assert equity_agrees(usdm)
    assert usdm.trades[0].exit_quantity == D("0.001")


# B25: the venue's own closings.


@pytest.mark.parametrize("how", ["liquidate", "deleverage"])
def test_b25_what_the_venue_closes_is_booked_counted_and_halts(usdm: LiveFloor, how: str) -> None:
    usdm.bought()
    force = usdm.rig.practice.usdm.force
    getattr(force, how)(force_owner(usdm), "BTCUSDT")
    usdm.until(lambda: usdm.state is TradingState.HALTED)
    usdm.until(lambda: not usdm.trades and not usdm.rig.standing())
    assert "venue closed" in usdm.reason
    closed = [t for t in usdm.journal.commands if getattr(t, "trade", None) is not None][-1].trade
    assert "the venue" in closed.exit_reason
    assert closed.realised < 0
    usdm.until(lambda: equity_agrees(usdm))
    day = usdm.engine.floor.breaker.day
    lost = D(1000) - usdm.rig.money()
    assert abs(usdm.engine.floor.portfolio.realised(day) + lost) < D("1e-7")


def force_owner(floor: LiveFloor) -> Any:
    return floor.rig.practice.usdm.owner(floor.rig.key.account)


# B16: settings changed by somebody else.


def test_b16_a_leverage_changed_by_hand_stops_entries_in_that_market_until_set_back(
    usdm: LiveFloor,
) -> None:
    usdm.bought()
    ours = force_owner(usdm).terms_of("BTCUSDT").leverage
    by_hand(usdm, "SELL", str(usdm.held()))
    usdm.until(usdm.flat)
    set_leverage(usdm, ours + 1)
    usdm.until(lambda: usdm.instrument.status is InstrumentStatus.CLOSE_ONLY)
    usdm.enter()
    usdm.until(lambda: bool(usdm.refusals()))
    assert "instrument is close_only" in usdm.refusals()[-1]
    assert usdm.state is TradingState.ACTIVE
    set_leverage(usdm, ours)
    usdm.until(lambda: usdm.instrument.status is InstrumentStatus.TRADING)
    usdm.check()


def set_leverage(floor: LiveFloor, leverage: int) -> None:
    params = {"symbol": "BTCUSDT", "leverage": leverage}
    floor.rig.do(floor.rig.exchange.fapiPrivatePostLeverage(params))


def test_b16_an_entry_into_a_market_set_otherwise_is_refused_in_words() -> None:
    rig = UsdmRig()
    rig.connect()
    first = rig.buy("market", "0.01", leverage=3)
    rig.until(lambda: rig.filled(first) == D("0.01"))
    closed = rig.sell("market", "0.01")
    rig.until(lambda: rig.filled(closed) == D("0.01"))
    rig.do(rig.exchange.fapiPrivatePostLeverage({"symbol": "BTCUSDT", "leverage": 7}))
    rig.until(lambda: bool(rig.of(ev.InstrumentChanged)))
    order = rig.buy("market", "0.01", leverage=3)
    rig.until(lambda: rig.story(order) == ["rejected"])
    assert rig.reason(order) == "leverage was set to 7 outside: set it back to 3"
    assert len(rig.asked("POST /fapi/v1/order")) == 2
    rig.close()


def test_b16_a_margin_mode_changed_by_hand_stops_entries() -> None:
    with opened("usdm") as floor:
        floor.rig.tell(
            {
                "e": "ACCOUNT_UPDATE", "E": 1, "T": 1,
                "a": {"m": "MARGIN_TYPE_CHANGE", "P": [{"s": "BTCUSDT", "mt": "cross"}], "B": []},
            }
        )  # fmt: skip
        floor.until(lambda: floor.instrument.status is InstrumentStatus.CLOSE_ONLY)


def test_b16_multi_assets_mode_switched_on_during_the_run_is_noticed_at_once() -> None:
    with opened("usdm") as floor:
        force_owner(floor).multi_assets = True
        floor.rig.tell({"e": "ACCOUNT_CONFIG_UPDATE", "E": 1, "T": 1, "ai": {"j": True}})
        floor.until(lambda: floor.state is TradingState.REDUCING)
        assert "multi-assets" in floor.reason
        force_owner(floor).multi_assets = False
        floor.rig.skip(61)
        floor.until(lambda: floor.state is TradingState.ACTIVE)


# B17: what is too small to be sold.


def test_b17_dust_is_left_in_the_ledger_and_not_sold_again_and_again(floor: LiveFloor) -> None:
    floor.bought()
    floor.engine.closer.request_exit(floor.trades[0].trade_id, "test")
    floor.until(lambda: not floor.trades)
    floor.settle()
    asked = len(floor.rig.ordered())
    for _ in range(3):
        floor.rig.skip(2)
        floor.settle()
    assert len(floor.rig.ordered()) == asked
    assert floor.rig.held() < floor.instrument.lot_size
    floor.check()


# B18: self-trade prevention.


@pytest.mark.parametrize("kind", [SpotRig, UsdmRig])
@pytest.mark.parametrize("who", ["maker", "taker"])
def test_b18_what_self_trade_prevention_expires_is_no_fill(kind: Any, who: str) -> None:
    rig = kind()
    rig.connect()
    maker = rig.buy("limit", "0.01", price=20_000, post_only=True)
    rig.until(lambda: rig.story(maker) == ["accepted"])
    rig.settle()
    before = rig.held()
    mode = {"maker": "EXPIRE_MAKER", "taker": "EXPIRE_TAKER"}[who]
    method = "privatePostOrder" if kind is SpotRig else "fapiPrivatePostOrder"
    params = {
        "symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "IOC",
        "quantity": "0.01", "price": "20000", "selfTradePreventionMode": mode,
    }  # fmt: skip
    rig.do(getattr(rig.exchange, method)(params))
    rig.settle()
    ends = ["accepted", "expired"] if who == "maker" else ["accepted"]
    assert rig.story(maker) == ends
    assert rig.filled(maker) == 0
    if who == "maker":
        assert "expired" in rig.reason(maker)
        assert maker not in rig.standing()
    assert rig.held() <= before
    rig.close()


# Maintenance.


@pytest.fixture
def hurried() -> Iterator[SpotRig]:
    made = SpotRig(terms=LiveTerms(tick_s=0.01, look_gap_s=0.05, status_every_s=0.05))
    made.connect()
    yield made
    made.close()


def troubles(rig: SpotRig) -> list[tuple[str, bool]]:
    told = rig.of(ev.VenueTroubleChanged)
    return [(t.cause, bool(t.reason)) for t in told if t.cause == "maintenance"]


def test_maintenance_stops_entries_and_ends_with_a_reading_and_every_stop_seen(
    hurried: SpotRig,
) -> None:
    rig = hurried
    stop = rig.stop("0.5", 19_000)
    rig.until(lambda: rig.story(stop) == ["accepted"])
    rig.practice.spot.account.maintenance = True
    rig.until(lambda: troubles(rig) == [("maintenance", True)])
    rig.settle()
    asked = len(rig.asked("GET /api/v3/openOrders"))
    rig.log.clear()
    rig.practice.spot.account.maintenance = False
    rig.until(lambda: troubles(rig) == [("maintenance", False)])
    assert len(rig.asked("GET /api/v3/openOrders")) > asked
    assert rig.of(ev.VenueStateRead)


def test_a_stop_that_maintenance_took_is_told_before_maintenance_is_over(
    hurried: SpotRig,
) -> None:
    rig = hurried
    stop = rig.stop("0.5", 19_000)
    rig.until(lambda: rig.story(stop) == ["accepted"])
    rig.practice.spot.account.maintenance = True
    rig.until(lambda: troubles(rig) == [("maintenance", True)])
    rig.fault("spot-api user *", Drop(), times=None)
    rig.engine.expire_all()
    rig.practice.spot.account.maintenance = False
    rig.until(lambda: ("maintenance", False) in troubles(rig))
    end = next(
        i
        for i, r in enumerate(rig.log)
        if getattr(r, "cause", "") == "maintenance" and not r.reason
    )
    before = [report for report in rig.log[:end] if getattr(report, "client_order_id", "") == stop]
    read = [
        order.status.value
        for report in rig.log
        if isinstance(report, ev.VenueStateRead)
        for order in report.orders
        if order.client_order_id == stop
    ]
    assert "expired" in rig.story(stop) or "expired" in read
    assert before or read


def test_maintenance_is_not_over_before_the_state_can_be_read(hurried: SpotRig) -> None:
    rig = hurried
    stop = rig.stop("0.5", 19_000)
    rig.until(lambda: rig.story(stop) == ["accepted"])
    rig.practice.spot.account.maintenance = True
    rig.until(lambda: troubles(rig) == [("maintenance", True)])
    rig.fault("spot GET /api/v3/openOrders", Reply(status=502, body=b"<html/>"), times=None)
    rig.practice.spot.account.maintenance = False
    rig.settle(0.5)
    assert troubles(rig) == [("maintenance", True)]
    rig.practice.faults.rules.clear()
    rig.until(lambda: ("maintenance", False) in troubles(rig))


def test_a_testnet_is_not_asked_for_maintenance() -> None:
    rig = SpotRig(terms=LiveTerms(tick_s=0.01, look_gap_s=0.05, status_every_s=0.0))
    rig.connect()
    rig.settle(0.3)
    assert rig.asked(STATUS) == []
    rig.close()


# What a reading costs.


@pytest.mark.parametrize("rig_kind", [SpotRig, UsdmRig])
def test_a_reading_of_one_market_is_asked_for_that_market_alone(rig_kind: Any) -> None:
    rig = rig_kind()
    rig.connect()
    rig.settle()
    rig.practice.record.requests.clear()
    rig.read_state()
    asked = [r for r in rig.practice.record.requests if "pen" in r.what]
    assert asked
    assert all(r.params["symbol"] == "BTCUSDT" for r in asked)
    rig.close()


def test_usdm_hand_orders_are_left_alone(usdm: LiveFloor) -> None:
    params = {
        "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
        "quantity": "0.01", "price": "19000",
    }  # fmt: skip
    usdm.rig.do(usdm.rig.exchange.fapiPrivatePostOrder(params))
    quiet(usdm)
    assert "external_order" in usdm.anomalies()
    assert len(usdm.rig.standing()) == 1
    assert isinstance(usdm.rig, LiveUsdm)
