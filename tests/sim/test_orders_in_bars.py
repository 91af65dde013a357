"""What a bar may and may not fill. Slippage is 5 bps unless said otherwise."""

from decimal import Decimal as Dec

import pytest

from tradewinds.model.events import OrderAccepted, OrderFilled
from tradewinds.model.market import Bar
from tradewinds.model.order import Purpose

FLAT = (100.0, 100.0, 100.0, 100.0)


@pytest.mark.parametrize(("side", "price"), [("buy", Dec("101.06")), ("sell", Dec("100.94"))])
def test_a_market_order_fills_at_the_next_open_worsened(rig, kit, side, price):
    rig.bar(FLAT)
    getattr(rig, side)("market", 1)
    reports = rig.bar((101.0, 103.0, 99.0, 102.0))
    assert kit.names(reports) == ["OrderAccepted", "OrderFilled"]
    assert kit.fills(reports) == [(Dec(1), price)]


def test_an_order_sent_at_the_close_does_not_see_the_bar_that_just_closed(rig, kit):
    rig.bar(FLAT)
    opened = rig.now
    rig.now += 60_000_000_000
    rig.buy("market", 1)
    rig.buy("limit", 1, price=99)
    rig.sell("stop_market", 1, trigger_price=99)
    same = Bar(
        instrument_id=rig.instrument.id,
        timeframe_ns=60_000_000_000,
        open_time_ns=opened,
        open=100.0,
        high=105.0,
        low=95.0,
        close=100.0,
        volume=1e6,
        venue_time_ns=rig.now,
        received_time_ns=rig.now,
    )
    assert kit.fills(rig.feed(same)) == []
    assert kit.fills(rig.bar(FLAT)) == [(Dec(1), Dec("100.05"))]


def test_an_order_sent_within_a_bar_waits_for_the_next_open_but_its_stop_counts(rig, kit):
    rig.bar(FLAT)
    opened = rig.now
    rig.now += 30_000_000_000
    rig.buy("market", 1)
    rig.sell("stop_market", 2, trigger_price=98)
    rig.now = opened
    reports = rig.bar((100.0, 101.0, 97.0, 100.0))
    assert kit.fills(reports) == [(Dec(2), Dec("97.95"))]
    assert kit.fills(rig.bar(FLAT)) == [(Dec(1), Dec("100.05"))]


@pytest.mark.parametrize(
    ("side", "touching", "through"),
    [
        ("buy", (100.0, 101.0, 99.0, 100.0), (100.0, 101.0, 98.99, 100.0)),
        ("sell", (98.0, 99.0, 97.0, 98.0), (98.0, 99.01, 97.0, 98.0)),
    ],
)
def test_a_limit_fills_at_its_price_only_when_the_range_goes_through(
    rig, kit, side, touching, through
):
    rig.bar((touching[0],) * 4)
    getattr(rig, side)("limit", 1, price=99)
    assert kit.fills(rig.bar(touching)) == []
    reports = rig.bar(through)
    assert kit.fills(reports) == [(Dec(1), Dec(99))]
    assert reports[0].fill.maker


def test_a_new_limit_already_through_at_the_open_takes_the_open(rig, kit):
    rig.bar(FLAT)
    rig.buy("limit", 1, price=102)
    reports = rig.bar((101.0, 101.0, 101.0, 101.0))
    assert kit.fills(reports) == [(Dec(1), Dec("101.06"))]
    assert not reports[-1].fill.maker


def test_a_rested_limit_gapped_over_fills_at_its_own_price(rig, kit):
    rig.bar(FLAT)
    rig.buy("limit", 1, price=99)
    rig.bar(FLAT)
    assert kit.fills(rig.bar((95.0, 96.0, 94.0, 95.0))) == [(Dec(1), Dec(99))]


def test_post_only_already_through_at_the_open_expires(rig, kit):
    rig.bar(FLAT)
    rig.buy("limit", 1, price=100, post_only=True)
    assert kit.names(rig.bar(FLAT)) == ["OrderAccepted", "OrderExpired"]


def test_an_ioc_meets_the_open_and_nothing_later(rig, kit):
    rig.bar(FLAT)
    rig.buy("limit", 1, price=99.5, tif="ioc")
    assert kit.names(rig.bar((100.0, 101.0, 90.0, 100.0))) == ["OrderAccepted", "OrderExpired"]
    rig.buy("limit", 1, price=101, tif="ioc")
    assert kit.fills(rig.bar(FLAT)) == [(Dec(1), Dec("100.05"))]


def test_fok_in_a_bar_needs_the_whole_volume_share(rig, kit):
    rig.bar(FLAT)
    rig.buy("limit", 2, price=101, tif="fok")
    assert kit.names(rig.bar(FLAT, volume=19.99)) == ["OrderAccepted", "OrderExpired"]
    rig.buy("limit", 2, price=101, tif="fok")
    assert kit.fills(rig.bar(FLAT, volume=20.0)) == [(Dec(2), Dec("100.05"))]


@pytest.mark.parametrize(
    ("side", "trigger", "bar", "price"),
    [
        ("sell", 95, (100.0, 101.0, 95.0, 100.0), Dec("94.95")),
        ("sell", 95, (90.0, 99.0, 89.0, 98.0), Dec("89.95")),
        ("sell", 95, (95.5, 96.0, 94.99, 95.0), Dec("94.95")),
        ("buy", 105, (100.0, 105.0, 99.0, 100.0), Dec("105.06")),
        ("buy", 105, (110.0, 111.0, 104.0, 105.0), Dec("110.06")),
    ],
)
def test_a_stop_fills_at_its_trigger_or_at_a_gapped_open_worsened(
    rig, kit, side, trigger, bar, price
):
    # 94.95 in the third case is below the bar's low: our own order would have made that low.
    rig.bar(FLAT)
    getattr(rig, side)("stop_market", 1, trigger_price=trigger)
    assert kit.fills(rig.bar(bar)) == [(Dec(1), price)]


def test_a_stop_limit_gapped_over_fills_only_if_the_price_comes_back(rig, kit):
    rig.bar(FLAT)
    rig.sell("stop_limit", 1, trigger_price=95, price=94)
    assert kit.fills(rig.bar((90.0, 94.0, 89.0, 92.0))) == []
    assert kit.fills(rig.bar((92.0, 94.01, 91.0, 93.0))) == [(Dec(1), Dec(94))]


def test_a_stop_limit_with_no_room_for_slippage_rests(rig, kit):
    rig.bar(FLAT)
    rig.sell("stop_limit", 1, trigger_price=95, price=95)
    assert kit.fills(rig.bar((100.0, 101.0, 90.0, 100.0))) == []
    assert len(rig.venue.working_orders()) == 1
    assert kit.fills(rig.bar(FLAT)) == [(Dec(1), Dec(95))]


@pytest.mark.parametrize(
    ("side", "trigger", "touching", "through", "price"),
    [
        ("sell", 105, (100.0, 105.0, 99.0, 100.0), (100.0, 105.01, 99.0, 100.0), Dec("104.94")),
        ("buy", 95, (100.0, 101.0, 95.0, 100.0), (100.0, 101.0, 94.99, 100.0), Dec("95.05")),
        ("sell", 105, (100.0, 105.0, 99.0, 100.0), (110.0, 111.0, 109.0, 110.0), Dec("109.94")),
    ],
)
def test_a_take_profit_needs_the_range_to_go_through(
    rig, kit, side, trigger, touching, through, price
):
    rig.bar(FLAT)
    getattr(rig, side)("take_profit", 1, trigger_price=trigger)
    assert kit.fills(rig.bar(touching)) == []
    assert kit.fills(rig.bar(through)) == [(Dec(1), price)]


def test_a_take_profit_limit_fills_at_its_limit(rig, kit):
    rig.bar(FLAT)
    rig.sell("take_profit_limit", 1, trigger_price=105, price=105)
    assert kit.fills(rig.bar((100.0, 106.0, 99.0, 100.0))) == []
    assert kit.fills(rig.bar((100.0, 106.0, 99.0, 100.0))) == [(Dec(1), Dec(105))]


def test_when_a_bar_reaches_both_the_stop_counts_and_not_the_target(rig, kit):
    rig.bar(FLAT)
    stop = rig.sell("stop_market", 1, trigger_price=95, oco_group="g")
    rig.sell("limit", 1, price=105, oco_group="g")
    reports = rig.bar((100.0, 110.0, 90.0, 100.0))
    assert kit.names(reports)[-2:] == ["OrderCanceled", "OrderFilled"]
    assert reports[-1].fill.client_order_id == stop


def protect_on_fill(rig, stop, target):
    """The engine's answer to an entry: an OCO of stop and target."""

    def react(report):
        if isinstance(report, OrderFilled) and report.fill.client_order_id == "entry":
            rig.sell("stop_market", 1, trigger_price=stop, oco_group="g", name="stop")
            rig.sell("limit", 1, price=target, oco_group="g", name="target")

    rig.react = react


@pytest.mark.parametrize(
    ("bar", "leg", "price"),
    [
        ((100.0, 110.0, 90.0, 100.0), "stop", Dec("94.95")),
        ((100.0, 110.0, 96.0, 100.0), "target", Dec(105)),
    ],
)
def test_protection_sent_after_the_open_counts_in_the_same_bar(rig, kit, bar, leg, price):
    rig.bar(FLAT)
    protect_on_fill(rig, 95, 105)
    rig.buy("market", 1, name="entry")
    fills = [r.fill for r in rig.bar(bar) if isinstance(r, OrderFilled)]
    assert [(f.client_order_id, f.price) for f in fills] == [("entry", Dec("100.05")), (leg, price)]


def test_after_an_entry_within_the_bar_the_stop_counts_but_the_target_does_not(rig, kit):
    rig.bar(FLAT)
    protect_on_fill(rig, 95, 105)
    rig.buy("limit", 1, price=98, name="entry")
    assert kit.fills(rig.bar((100.0, 110.0, 97.0, 100.0))) == [(Dec(1), Dec(98))]
    assert {o.client_order_id for o in rig.venue.working_orders()} == {"stop", "target"}
    assert kit.fills(rig.bar((100.0, 105.01, 99.0, 100.0))) == [(Dec(1), Dec(105))]


def test_an_entry_and_its_stop_in_one_bar_both_fill(rig, kit):
    rig.bar(FLAT)
    protect_on_fill(rig, 95, 105)
    rig.buy("limit", 1, price=98, name="entry")
    fills = kit.fills(rig.bar((100.0, 110.0, 94.0, 100.0)))
    assert fills == [(Dec(1), Dec(98)), (Dec(1), Dec("94.95"))]


def test_all_fills_of_a_bar_share_one_part_of_its_volume(rig, kit):
    rig.bar(FLAT)
    rig.buy("market", 3)
    rig.buy("limit", 3, price=99)
    bar = (100.0, 101.0, 98.0, 100.0)
    assert kit.fills(rig.bar(bar, volume=40.0)) == [(Dec(3), Dec("100.05")), (Dec(1), Dec(99))]
    assert kit.fills(rig.bar(bar, volume=0.0)) == []
    assert kit.fills(rig.bar(bar, volume=40.0)) == [(Dec(2), Dec(99))]


def test_a_stop_cut_short_by_volume_goes_on_at_the_next_open(rig, kit):
    rig.bar(FLAT)
    rig.sell("stop_market", 2, trigger_price=95)
    assert kit.fills(rig.bar((100.0, 100.0, 94.0, 94.0), volume=10.0)) == [(Dec(1), Dec("94.95"))]
    assert kit.fills(rig.bar((93.0, 99.0, 93.0, 99.0), volume=10.0)) == [(Dec(1), Dec("92.95"))]


def test_a_coarser_timeframe_does_not_fill_again(rig, kit):
    rig.bar(FLAT)
    rig.buy("limit", 1, price=99)
    rig.bar(FLAT)
    hour = Bar(
        instrument_id=rig.instrument.id,
        timeframe_ns=3600 * 10**9,
        open_time_ns=rig.now - 3600 * 10**9,
        open=100.0,
        high=101.0,
        low=90.0,
        close=100.0,
        volume=1e6,
        venue_time_ns=rig.now,
        received_time_ns=rig.now,
    )
    assert rig.feed(hour) == []


def test_bars_do_not_fill_what_quotes_already_decide(rig, kit):
    rig.bar(FLAT)
    rig.buy("limit", 1, price=99)
    rig.due()
    rig.now += 1
    rig.quote(99.5, 100.5)
    rig.now -= 1_000_000_001
    assert kit.fills(rig.bar((100.0, 101.0, 90.0, 100.0))) == []
    assert kit.fills(rig.bar((100.0, 101.0, 90.0, 100.0))) == [(Dec(1), Dec(99))]


@pytest.mark.parametrize(
    "bar", [(float("nan"), 1.0, 1.0, 1.0), (100.0, 99.0, 101.0, 100.0), (0.0, 1.0, 0.0, 1.0)]
)
def test_an_impossible_bar_fills_nothing(rig, kit, bar):
    rig.bar(FLAT)
    rig.buy("market", 1)
    assert kit.names(rig.bar(bar)) == ["OrderAccepted"]


def test_flattening_does_not_wait_for_the_next_bar(rig, kit):
    rig.bar(FLAT)
    rig.sell("market", 1, purpose=Purpose.FLATTEN)
    assert kit.fills(rig.due()) == [(Dec(1), Dec("99.90"))]


def test_times_say_when_it_happened_and_when_we_heard(rig):
    rig.bar(FLAT)
    opened = rig.now
    rig.buy("market", 1)
    accepted, filled = rig.bar(FLAT)
    assert isinstance(accepted, OrderAccepted)
    assert (filled.venue_time_ns, filled.received_time_ns) == (opened, rig.now)


def test_a_target_that_rested_through_a_bar_does_not_get_a_better_open(rig, kit):
    rig.bar(FLAT)
    protect_on_fill(rig, 95, 105)
    rig.buy("market", 1, name="entry")
    rig.bar(FLAT)
    assert kit.fills(rig.bar((110.0, 111.0, 109.0, 110.0))) == [(Dec(1), Dec(105))]


def test_latency_counts_neither_way_within_a_bar(kit):
    rig = kit.Rig(latency_ns=50_000_000, report_latency_ns=2_000_000_000)
    rig.bar(FLAT)
    protect_on_fill(rig, 95, 105)
    rig.buy("market", 1, name="entry")
    accepted, *rest = kit.names(rig.bar((100.0, 110.0, 90.0, 100.0)))
    assert accepted == "OrderAccepted"
    expected = ["OrderFilled", "OrderAccepted", "OrderAccepted", "OrderCanceled", "OrderFilled"]
    assert rest == expected


def test_an_order_within_the_grace_gets_the_open_but_not_before_it_was_sent(rig):
    rig.bar(FLAT)
    rig.now += 1_000_000_000
    rig.buy("market", 1)
    rig.now -= 1_000_000_000
    sent = rig.now + 1_000_000_000
    assert rig.bar(FLAT)[-1].fill.venue_time_ns == sent


def test_stops_fill_in_the_order_the_price_reaches_them(rig, kit):
    rig.bar(FLAT)
    rig.sell("stop_market", 1, trigger_price=95)
    rig.sell("stop_market", 2, trigger_price=97)
    fills = kit.fills(rig.bar((100.0, 100.0, 94.0, 94.0)))
    assert fills == [(Dec(2), Dec("96.95")), (Dec(1), Dec("94.95"))]


def test_a_dearer_partial_fill_shrinks_the_lock_of_the_rest(kit):
    rig = kit.Rig(balances={"USDT": Dec("200.41")})
    rig.bar(FLAT)
    rig.buy("market", 2)
    assert kit.fills(rig.bar((105.0,) * 4, volume=10.0)) == [(Dec(1), Dec("105.06"))]
    assert 0 < rig.venue.locked("USDT") <= rig.venue.balances["USDT"]


def test_a_fok_that_turned_out_too_dear_does_not_fill_at_all(kit):
    rig = kit.Rig(balances={"USDT": Dec("200.41")})
    rig.bar(FLAT)
    rig.buy("market", 2, tif="fok")
    assert kit.names(rig.bar((105.0,) * 4)) == ["OrderAccepted", "OrderExpired"]
