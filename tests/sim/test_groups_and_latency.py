"""OCO groups, the way there and back, and races on it."""

from decimal import Decimal as Dec

import pytest


def oco(rig):
    rig.quote(99.0, 101.0)
    stop = rig.sell("stop_market", 4, trigger_price=95, oco_group="g")
    target = rig.sell("limit", 4, price=105, oco_group="g")
    rig.due()
    return stop, target


def test_an_oco_group_locks_only_once(rig):
    oco(rig)
    assert rig.venue.locked("BTC") == Dec(4)


@pytest.mark.parametrize(
    ("quote", "first", "other"), [((95.0, 96.0), 0, 1), ((105.5, 106.0), 1, 0)]
)
def test_one_leg_of_an_oco_cancels_the_other(rig, quote, first, other):
    legs = oco(rig)
    reports = rig.quote(*quote)
    filled = [r.fill.client_order_id for r in reports if hasattr(r, "fill")]
    gone = [r.client_order_id for r in reports if not hasattr(r, "fill")]
    assert (filled, gone) == ([legs[first]], [legs[other]])
    assert rig.venue.locked("BTC") == 0


def test_a_partial_fill_of_one_leg_already_cancels_the_other(rig, kit):
    oco(rig)
    reports = rig.quote(106.0, 107.0, bid_size=1.0)
    assert kit.names(reports) == ["OrderFilled", "OrderCanceled"]
    assert rig.venue.locked("BTC") == Dec(3)


def test_a_leg_that_comes_after_its_sibling_filled_is_rejected(rig):
    oco(rig)
    rig.quote(95.0, 96.0)
    rig.sell("limit", 1, price=105, oco_group="g")
    assert rig.due()[0].reason == "OCO sibling already filled or triggered"


def test_legs_of_an_oco_share_their_side(rig):
    oco(rig)
    rig.buy("limit", 1, price=90, oco_group="g")
    assert rig.due()[0].reason == "OCO legs must share instrument and side"


def test_canceling_one_leg_leaves_the_other_and_its_lock(rig):
    stop, target = oco(rig)
    rig.cancel(stop)
    rig.due()
    assert [o.client_order_id for o in rig.venue.working_orders()] == [target]
    assert rig.venue.locked("BTC") == Dec(4)


def test_an_order_meets_the_market_as_it_is_when_it_arrives(kit):
    rig = kit.Rig(latency_ns=1_500_000_000)
    rig.quote(99.0, 100.0)
    rig.buy("market", 1)
    assert rig.quote(109.0, 110.0) == []
    reports = rig.quote(119.0, 120.0)
    assert kit.fills(reports) == [(Dec(1), Dec(110))]
    assert reports[-1].venue_time_ns == 2_500_000_000


def test_without_an_event_the_order_arrives_when_due(kit):
    rig = kit.Rig(latency_ns=50_000_000)
    rig.quote(99.0, 100.0)
    rig.buy("market", 1)
    rig.now += 49_999_999
    assert rig.due() == []
    rig.now += 1
    assert kit.fills(rig.due()) == [(Dec(1), Dec(100))]


def test_an_event_of_another_instrument_brings_the_order_in_too(kit):
    rig = kit.Rig(latency_ns=50_000_000)
    other = kit.spot(id="ETH/USDT@sim")
    rig.venue.update_instrument(other)
    rig.quote(99.0, 100.0)
    rig.buy("market", 1)
    rig.instrument = other
    assert kit.fills(rig.quote(9.0, 10.0)) == [(Dec(1), Dec(100))]


def test_a_cancel_can_lose_the_race(kit):
    rig = kit.Rig(latency_ns=1_500_000_000)
    rig.quote(100.5, 101.0)
    name = rig.buy("limit", 1, price=100)
    rig.now += 1_500_000_000
    rig.due()
    rig.cancel(name)
    assert kit.names(rig.quote(98.0, 99.0)) == ["OrderFilled"]
    rig.now += 1_000_000_000
    assert kit.names(rig.due()) == ["CancelRejected"]


def test_reports_take_their_time_and_keep_their_order(kit):
    rig = kit.Rig(report_latency_ns=2_000_000_000)
    rig.quote(99.0, 100.0)
    rig.buy("market", 1)
    assert rig.due() == []
    rig.now += 1_999_999_999
    assert rig.due() == []
    rig.now += 1
    reports = rig.due()
    assert kit.names(reports) == ["OrderAccepted", "OrderFilled"]
    assert reports[1].received_time_ns == rig.now
    assert reports[1].venue_time_ns == rig.now - 2_000_000_000


def test_a_chain_of_orders_runs_in_event_time_between_two_quotes(kit):
    rig = kit.Rig(latency_ns=50_000_000)
    rig.quote(99.0, 100.0)
    start = rig.now

    def follow(report):
        if hasattr(report, "fill") and rig.sent < 3:
            rig.now, now = report.received_time_ns, rig.now
            rig.sell("market", 1)
            rig.now = now

    rig.react = follow
    rig.buy("market", 1)
    reports = rig.quote(89.0, 90.0)
    times = [r.received_time_ns - start for r in reports if hasattr(r, "fill")]
    assert times == [50_000_000, 100_000_000, 150_000_000]
    assert kit.fills(reports) == [(Dec(1), Dec(100)), (Dec(1), Dec(99)), (Dec(1), Dec(99))]
