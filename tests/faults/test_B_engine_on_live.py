"""Rows B of the scorecard with the engine on a live venue: what it does, not what it is told."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.faults.live_floor import LiveFloor, opened
from tradewinds.gateways.live_venue import LiveTerms
from tradewinds.model.order import Purpose
from tradewinds.model.portfolio import TradingState
from tradewinds.practice import outages
from tradewinds.practice.faults import (
    Delay,
    Drop,
    Duplicate,
    Hidden,
    Lost,
    Reply,
    Reset,
    Swap,
    Withhold,
)

D = Decimal
KINDS = ["spot", "usdm"]


@pytest.fixture(params=KINDS)
def floor(request: pytest.FixtureRequest) -> Iterator[LiveFloor]:
    with opened(request.param) as made:
        yield made


@pytest.fixture
def usdm() -> Iterator[LiveFloor]:
    with opened("usdm") as made:
        yield made


def refusal(code: int, text: str = "no") -> Reply:
    return Reply(status=400, body=f'{{"code":{code},"msg":"{text}"}}'.encode())


UNKNOWN = {
    "-1007": outages.timeout(executed=True),
    "reset": Reset(execute=True),
    "late": Hidden(for_s=0.8, reply=outages.timeout()),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_b1_b2_an_entry_that_happened_behind_an_error_is_found_and_protected(
    floor: LiveFloor, name: str
) -> None:
    floor.rig.fault(floor.rig.place, UNKNOWN[name])
    floor.bought()
    assert len(floor.entries_asked()) == 1
    floor.check()


def test_b1_an_entry_that_did_not_happen_is_given_up_once_it_cannot_any_more(
    floor: LiveFloor,
) -> None:
    floor.rig.fault(floor.rig.place, outages.timeout())
    floor.enter()
    floor.until(lambda: bool(floor.submitted()))
    floor.until(lambda: "unknown" in floor.rig.story(floor.submitted()[0].client_order_id))
    assert floor.trades, "it may still appear, so its risk counts"
    floor.rig.skip(11)
    floor.until(lambda: not floor.trades)
    assert len(floor.entries_asked()) == 1
    floor.check()
    floor.bought()
    floor.check()


def test_b2_an_answer_that_never_comes_leaves_one_protected_position(usdm: LiveFloor) -> None:
    usdm.rig.exchange.timeout = 400
    usdm.rig.fault(usdm.rig.place, Lost(execute=True))
    usdm.rig.fault(usdm.rig.told, Drop())
    usdm.bought()
    assert len(usdm.entries_asked()) == 1
    usdm.check()


def test_b4_a_full_quota_stops_entries_and_not_the_way_out(floor: LiveFloor) -> None:
    floor.bought()
    count = len(floor.entries_asked())
    floor.rig.fault("* GET *", outages.too_many_requests(30))
    floor.rig.live.look("test")
    floor.until(lambda: ("rate", True) in floor.causes())
    floor.enter()
    floor.until(lambda: bool(floor.refusals()))
    assert "trading is reducing" in floor.refusals()[-1]
    assert len(floor.entries_asked()) == count
    floor.emergency()
    floor.until(floor.flat)
    assert not [r for r in floor.rig.practice.record.requests if r.status == 418]
    floor.check()


def test_b5_under_a_ban_the_stop_at_the_venue_holds_and_then_all_is_reconciled(
    floor: LiveFloor,
) -> None:
    floor.bought()
    floor.rig.fault("* GET *", outages.banned(120))
    floor.rig.live.look("test")
    floor.until(lambda: ("banned", True) in floor.causes())
    assert floor.state is TradingState.REDUCING
    assert floor.guarded()
    floor.settle(0.3)
    count, read = len(floor.rig.practice.record.requests), floor.readings()
    floor.move(19_690.0, 19_692.0)
    floor.until(lambda: floor.rig.held() < floor.instrument.lot_size)
    floor.rig.live.look("again")
    floor.settle(0.5)
    assert len(floor.rig.practice.record.requests) == count, "silence until the ban is over"
    floor.rig.skip(121)
    floor.until(lambda: floor.readings() > read and floor.state is TradingState.ACTIVE)
    floor.until(floor.flat)
    floor.check()


@pytest.mark.parametrize("floor", ["spot"], indirect=True)
def test_b6_a_firewalls_403_is_asked_once_a_minute(floor: LiveFloor) -> None:
    floor.bought()
    floor.rig.fault("* GET *", outages.BLOCKED, times=None)
    floor.rig.live.look("test")
    floor.until(lambda: ("blocked", True) in floor.causes())
    count = len(floor.rig.practice.record.requests)
    for _ in range(3):
        floor.rig.skip(18)
        floor.settle(0.15)
    assert len(floor.rig.practice.record.requests) - count <= 1
    assert floor.state is TradingState.REDUCING
    assert "403" in floor.reason
    assert floor.guarded()
    floor.rig.practice.faults.clear()
    floor.rig.skip(61)
    floor.until(lambda: floor.state is TradingState.ACTIVE)
    floor.check()


@pytest.mark.parametrize("floor", ["usdm"], indirect=True)
def test_b6_a_barred_place_is_for_good(floor: LiveFloor) -> None:
    floor.bought()
    floor.rig.fault("* *", outages.RESTRICTED, times=None)
    floor.rig.live.look("test")
    floor.until(lambda: ("region", True) in floor.causes())
    floor.settle(0.3)
    count = len(floor.rig.practice.record.requests)
    for _ in range(4):
        floor.rig.skip(3_600)
        floor.settle(0.1)
    assert len(floor.rig.practice.record.requests) == count
    assert floor.state is TradingState.REDUCING
    assert "451" in floor.reason
    assert floor.guarded()


@pytest.mark.parametrize(
    ("floor", "offset_ms"),
    [("spot", 2_000), ("spot", -10_000), ("usdm", 10_000), ("usdm", -10_000)],
    indirect=["floor"],
)
def test_b7_a_clock_that_jumps_is_set_right_is_an_alarm_and_doubles_nothing(
    floor: LiveFloor, offset_ms: int
) -> None:
    floor.bought()
    floor.rig.clock.offset_ms = offset_ms
    floor.emergency()
    floor.until(floor.flat)
    refused = [r for r in floor.rig.practice.record.requests if r.status == 400]
    assert len(refused) <= 6, "asked anew once each, not again and again"
    floor.rig.do(floor.rig.client.synchronise())
    floor.until(lambda: ("clock", True) in floor.causes())
    floor.check()


def test_b8_a_revoked_key_stops_entries_and_nothing_is_hammered(floor: LiveFloor) -> None:
    floor.bought()
    floor.rig.key.revoked = True
    floor.rig.live.look("test")
    floor.until(lambda: ("key", True) in floor.causes())
    assert floor.state is TradingState.REDUCING
    floor.settle(0.3)
    count = len(floor.rig.practice.record.requests)
    floor.enter()
    floor.until(lambda: bool(floor.refusals()))
    floor.settle(0.5)
    assert len(floor.rig.practice.record.requests) - count <= 1
    assert floor.guarded(), "what stands at the venue stands without a key"
    floor.rig.key.revoked = False
    floor.rig.skip(301)
    floor.until(lambda: floor.state is TradingState.ACTIVE)
    floor.check()


def test_b9_after_a_crash_an_order_that_filled_is_adopted_and_not_sent_again(
    floor: LiveFloor,
) -> None:
    """Its id is free again at the venue: only asking for it keeps it from being bought twice."""
    floor.rig.fault(floor.rig.told.rpartition(" ")[0] + " *", Drop(), times=None)
    floor.rig.fault(floor.rig.place, Lost(execute=True))
    floor.enter()
    floor.until(lambda: floor.rig.held() > 0)
    saved = floor.journal.checkpoint
    assert saved is not None
    assert not any(order.filled_quantity for order in saved.orders)
    floor.rig.practice.faults.clear()
    floor.rig.restart()
    again = LiveFloor(floor.rig, saved)
    floor.rig.start()
    again.until(again.guarded)
    assert len(floor.entries_asked()) == 1
    again.check()


def test_b10_what_fills_in_part_is_the_position_and_its_stop_fits(floor: LiveFloor) -> None:
    floor.rig.quote(19_999, 20_001, size="0.006")
    floor.bought()
    entry = floor.submitted(Purpose.ENTER)[0]
    assert floor.rig.filled(entry.client_order_id) == D("0.006")
    assert D("0.0059") < floor.held() <= D("0.006")
    floor.check()


def test_b10_a_rest_that_is_refused_leaves_the_part_that_filled(floor: LiveFloor) -> None:
    """The answer is an error, the first part filled, the stream tells both late."""
    floor.rig.quote(19_999, 20_001, size="0.006")
    floor.rig.fault(floor.rig.told, Withhold(for_s=0.3), times=2)
    floor.rig.fault(floor.rig.place, outages.timeout(executed=True))
    floor.bought()
    assert D("0.0059") < floor.held() <= D("0.006")
    floor.settle(0.5)
    floor.check()


STREAM = {
    "before the answer": None,
    "twice": Duplicate(),
    "out of order": Swap(),
    "late": Withhold(for_s=0.4),
}


@pytest.mark.parametrize("name", STREAM)
def test_b11_however_a_fill_is_told_it_is_booked_once(floor: LiveFloor, name: str) -> None:
    fault = STREAM[name]
    if fault is None:
        floor.rig.fault(floor.rig.place, Delay(after_s=0.4))
    else:
        floor.rig.fault(floor.rig.told, fault, times=4)
    floor.rig.quote(19_999, 20_001, size="0.008")
    floor.bought()
    floor.move(19_690.0, 19_692.0)
    floor.until(floor.flat)
    floor.settle(0.5)
    floor.check()


def test_b12_a_stop_that_queries_do_not_show_is_neither_doubled_nor_given_up(
    usdm: LiveFloor,
) -> None:
    usdm.rig.fault(usdm.rig.told_stop, Drop(), times=None)
    usdm.rig.fault(usdm.rig.stop_place, Hidden(for_s=60))
    usdm.enter()
    usdm.until(lambda: bool(usdm.stops()))
    for _ in range(3):
        usdm.rig.skip(18)
        usdm.settle(0.3)
    assert len(usdm.rig.asked("POST /fapi/v1/algoOrder")) == 1
    usdm.rig.practice.advance(61)
    usdm.rig.skip(10)
    usdm.until(usdm.guarded)
    usdm.settle(0.3)
    assert len(usdm.rig.asked("POST /fapi/v1/algoOrder")) == 1
    assert usdm.rig.asked("GET /fapi/v1/openAlgoOrders")
    usdm.check()


STOP_PRICES = ("stopPrice", "StopPrice", "triggerPrice")
REFUSED_STOPS = [
    ("spot", -2010, "Stop price would trigger immediately."),
    ("usdm", -2021, "Order would immediately trigger."),
    ("usdm", -4120, "Order type not supported for this endpoint."),
    ("usdm", -4045, "Reach max stop order limit."),
]


@pytest.mark.serial
@pytest.mark.parametrize(("kind", "code", "text"), REFUSED_STOPS)
def test_b13_without_a_stop_there_is_no_position(kind: str, code: int, text: str) -> None:
    with opened(kind) as floor:
        rule = floor.rig.fault(floor.rig.stop_place, refusal(code, text), times=None)
        rule.when = lambda params: any(name.endswith(STOP_PRICES) for name in params)
        floor.enter()
        floor.until(lambda: bool(rule.struck))
        floor.until(floor.flat, timeout_s=2)
        assert floor.submitted(Purpose.STOP)
        floor.check()


@pytest.mark.parametrize("heard", [True, False])
def test_b14_a_stop_that_the_venue_takes_away_is_replaced_or_the_position_closed(
    floor: LiveFloor, heard: bool
) -> None:
    floor.bought()
    (old,) = floor.rig.standing()
    if not heard:
        floor.rig.fault(floor.rig.told_stop, Drop(), times=1)
    floor.rig.take_stop_away()
    if not heard:
        floor.settle(0.2)
        floor.rig.skip(60)
    floor.until(lambda: old not in floor.rig.standing())
    floor.until(lambda: floor.flat() or floor.guarded(), timeout_s=5)
    floor.check()


def test_b14_after_maintenance_that_took_every_order_nothing_is_left_bare() -> None:
    for kind in KINDS:
        with opened(
            kind, terms=LiveTerms(tick_s=0.01, look_gap_s=0.05, asleep_after_s=1e9)
        ) as floor:
            floor.bought()
            floor.rig.fault("* user *", Drop(), times=None)
            floor.rig.fault("* *", outages.BAD_GATEWAY, times=8)
            floor.rig.take_stop_away()
            floor.settle(0.2)
            floor.rig.practice.faults.clear()
            floor.rig.skip(60)
            floor.until(lambda f=floor: f.flat() or f.guarded())  # type: ignore[misc]
            floor.check()


def test_b15_a_way_out_that_resting_orders_cover_is_freed(usdm: LiveFloor) -> None:
    usdm.bought()
    usdm.rig.fault(usdm.rig.place, refusal(-4118, "ReduceOnly Order Failed."))
    usdm.emergency()
    usdm.until(usdm.flat)
    usdm.check()


def test_b15_a_position_that_is_gone_already_is_a_flat_one(usdm: LiveFloor) -> None:
    """-2022: the stop fired while the way out was on its way."""
    usdm.bought()
    usdm.rig.fault("usdm-stream user *", Withhold(for_s=0.5), times=None)
    usdm.rig.quote(19_690, 19_692)
    usdm.emergency()
    usdm.until(usdm.flat)
    usdm.rig.practice.faults.clear()
    usdm.check()


def test_b22_no_market_order_of_any_kind_carries_a_price(floor: LiveFloor) -> None:
    floor.bought()
    floor.emergency()
    floor.until(floor.flat)
    at_market = [r.params for r in floor.rig.ordered() if r.params.get("type") == "MARKET"]
    assert at_market
    assert not [p for p in at_market if {"price", "quoteOrderQty", "timeInForce"} & set(p)]


def test_b23_a_fill_is_booked_at_its_price_whatever_the_answer_leaves_out(
    floor: LiveFloor,
) -> None:
    """The answer tells neither price nor quantity, as USD-M's do."""
    floor.rig.fault(floor.rig.told, Drop(), times=None)
    floor.bought()
    trade = floor.trades[0]
    assert trade.entry_price == D(20_001)
    floor.check()
