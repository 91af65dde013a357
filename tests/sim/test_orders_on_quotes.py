"""Every order type against quotes, both sides."""

from decimal import Decimal as Dec

import pytest

from tradewinds.model.events import OrderFilled


def last_fill(reports):
    return next(r.fill for r in reversed(reports) if isinstance(r, OrderFilled))


@pytest.mark.parametrize(
    ("side", "price", "fee", "usdt", "btc"),
    [
        ("buy", Dec("101.00"), Dec("0.202"), Dec("9898.798"), Dec(11)),
        ("sell", Dec("99.00"), Dec("0.198"), Dec("10098.802"), Dec(9)),
    ],
)
def test_a_market_order_takes_the_touch_and_pays_the_taker_fee(
    rig, kit, side, price, fee, usdt, btc
):
    rig.quote(99.0, 101.0)
    getattr(rig, side)("market", 1)
    reports = rig.due()
    assert kit.names(reports) == ["OrderAccepted", "OrderFilled"]
    fill = last_fill(reports)
    assert (fill.price, fill.fee, fill.fee_asset, fill.maker) == (price, fee, "USDT", False)
    assert dict(rig.venue.balances) == {"USDT": usdt, "BTC": btc}
    assert not rig.venue.working_orders()


def test_beyond_the_shown_size_each_further_multiple_costs_more(rig, kit):
    rig.quote(99.0, 100.0, ask_size=1.0)
    rig.buy("market", 3)
    # 5 bps and 10 bps beyond 100, on the tick above.
    assert kit.fills(rig.due()) == [
        (Dec(1), Dec(100)),
        (Dec(1), Dec("100.05")),
        (Dec(1), Dec("100.10")),
    ]


def test_a_second_order_does_not_get_what_the_first_has_taken(rig, kit):
    rig.quote(99.0, 100.0, ask_size=1.0)
    rig.buy("market", 1)
    rig.buy("market", 1)
    assert kit.fills(rig.due()) == [(Dec(1), Dec(100)), (Dec(1), Dec("100.05"))]
    rig.quote(99.0, 100.0, ask_size=1.0)
    rig.buy("market", 1)
    assert kit.fills(rig.due()) == [(Dec(1), Dec(100))]


def test_only_a_share_of_the_shown_size_is_ours_when_so_set(kit):
    rig = kit.Rig(depth_share_max=Dec("0.5"))
    rig.quote(99.0, 100.0, ask_size=2.0)
    rig.buy("market", 2)
    assert kit.fills(rig.due()) == [(Dec(1), Dec(100)), (Dec(1), Dec("100.05"))]


def test_a_market_order_larger_than_all_depth_goes_on_with_the_next_quote(kit):
    rig = kit.Rig(impact_multiples_max=1)
    rig.quote(99.0, 100.0, ask_size=1.0)
    rig.buy("market", 3)
    assert kit.fills(rig.due()) == [(Dec(1), Dec(100)), (Dec(1), Dec("100.05"))]
    assert kit.fills(rig.quote(99.0, 102.0)) == [(Dec(1), Dec(102))]


@pytest.mark.parametrize(
    "wrong", [(float("nan"), 1.0), (0.0, 1.0), (2.0, 1.0), (1.0, float("inf"))]
)
def test_an_impossible_quote_fills_nothing(rig, kit, wrong):
    rig.quote(99.0, 101.0)
    rig.quote(*wrong)
    rig.buy("limit", 1, price=100)
    assert kit.names(rig.due()) == ["OrderAccepted"]
    assert kit.fills(rig.quote(98.0, 99.0)) == [(Dec(1), Dec(99))]


@pytest.mark.parametrize(
    ("side", "equal", "through"),
    [("buy", (99.0, 100.0), (98.0, 99.99)), ("sell", (100.0, 101.0), (100.01, 102.0))],
)
def test_a_resting_limit_fills_only_when_traded_through_at_its_price_as_maker(
    rig, kit, side, equal, through
):
    rig.quote(99.5, 100.5)
    getattr(rig, side)("limit", 1, price=100)
    assert kit.names(rig.due()) == ["OrderAccepted"]
    assert rig.quote(*equal) == []
    fill = last_fill(rig.quote(*through))
    assert (fill.price, fill.maker, fill.fee) == (Dec(100), True, Dec("0.1"))


def test_a_limit_can_be_asked_to_be_passed_by_more_than_one_tick(kit):
    rig = kit.Rig(trade_through_ticks=3)
    rig.quote(100.0, 101.0)
    rig.buy("limit", 1, price=100)
    rig.due()
    assert rig.quote(99.0, 99.98) == []
    assert kit.fills(rig.quote(99.0, 99.97)) == [(Dec(1), Dec(100))]


def test_a_crossing_limit_takes_within_its_price_and_rests_with_the_remainder(rig, kit):
    rig.quote(99.0, 100.0, ask_size=1.0)
    rig.buy("limit", 5, price=100.05)
    assert kit.fills(rig.due()) == [(Dec(1), Dec(100)), (Dec(1), Dec("100.05"))]
    assert rig.venue.locked("USDT") == Dec(3) * Dec("100.05") * Dec("1.002")
    reports = rig.quote(99.0, 100.0, ask_size=2.0)
    assert kit.fills(reports) == [(Dec(2), Dec("100.05"))]
    assert last_fill(reports).maker


def test_an_ioc_takes_what_is_there_and_the_rest_expires(rig, kit):
    rig.quote(99.0, 100.0, bid_size=1.0)
    rig.sell("limit", 3, price=99, tif="ioc")
    reports = rig.due()
    assert kit.names(reports) == ["OrderAccepted", "OrderFilled", "OrderExpired"]
    assert kit.fills(reports) == [(Dec(1), Dec(99))]
    assert rig.venue.locked("BTC") == 0


def test_an_ioc_out_of_reach_expires_unfilled(rig, kit):
    rig.quote(99.0, 100.0)
    rig.buy("limit", 1, price=99.5, tif="ioc")
    assert kit.names(rig.due()) == ["OrderAccepted", "OrderExpired"]


def test_fok_is_all_or_nothing(rig, kit):
    rig.quote(99.0, 100.0, ask_size=1.0)
    rig.buy("limit", 2, price=100, tif="fok")
    assert kit.names(rig.due()) == ["OrderAccepted", "OrderExpired"]
    rig.buy("limit", 2, price=100.05, tif="fok")
    assert kit.fills(rig.due()) == [(Dec(1), Dec(100)), (Dec(1), Dec("100.05"))]


@pytest.mark.parametrize(("side", "price"), [("buy", 100), ("sell", 99)])
def test_post_only_expires_instead_of_taking(rig, kit, side, price):
    rig.quote(99.0, 100.0)
    getattr(rig, side)("limit", 1, price=price, post_only=True)
    assert kit.names(rig.due()) == ["OrderAccepted", "OrderExpired"]


def test_post_only_rests_away_from_the_touch(rig, kit):
    rig.quote(99.0, 100.0)
    rig.buy("limit", 1, price=99.5, post_only=True)
    assert kit.names(rig.due()) == ["OrderAccepted"]
    assert kit.fills(rig.quote(99.0, 99.4)) == [(Dec(1), Dec("99.5"))]


@pytest.mark.parametrize(
    ("side", "before", "at", "price"),
    [
        ("sell", (95.01, 96.0), (95.0, 96.0), Dec(95)),
        ("buy", (104.0, 104.99), (104.0, 105.0), Dec(105)),
    ],
)
def test_a_stop_triggers_when_the_price_comes_to_it_and_takes(rig, kit, side, before, at, price):
    rig.quote(99.0, 101.0)
    getattr(rig, side)("stop_market", 1, trigger_price=price)
    assert kit.names(rig.due()) == ["OrderAccepted"]
    assert rig.quote(*before) == []
    assert kit.fills(rig.quote(*at)) == [(Dec(1), price)]


def test_a_stop_whose_trigger_is_already_through_triggers_at_once(rig, kit):
    rig.quote(99.0, 101.0)
    rig.sell("stop_market", 1, trigger_price=100)
    assert kit.fills(rig.due()) == [(Dec(1), Dec(99))]


def test_a_stop_already_through_can_be_refused_by_setting(kit):
    rig = kit.Rig(reject_immediate_trigger=True)
    rig.quote(99.0, 101.0)
    rig.sell("stop_market", 1, trigger_price=100)
    (report,) = rig.due()
    assert report.reason == "order would immediately trigger"


@pytest.mark.parametrize(
    ("side", "trigger", "limit", "gap", "back"),
    [
        ("sell", 95, 94, (93.0, 94.0), (94.01, 95.0)),
        ("buy", 105, 106, (106.5, 107.0), (105.0, 105.9)),
    ],
)
def test_a_stop_limit_gapped_over_rests_at_its_limit(rig, kit, side, trigger, limit, gap, back):
    rig.quote(99.0, 101.0)
    getattr(rig, side)("stop_limit", 1, trigger_price=trigger, price=limit)
    rig.due()
    assert rig.quote(*gap) == []
    assert kit.fills(rig.quote(*back)) == [(Dec(1), Dec(limit))]


def test_a_stop_limit_takes_within_its_limit(rig, kit):
    rig.quote(99.0, 101.0)
    rig.sell("stop_limit", 1, trigger_price=95, price=94)
    rig.due()
    assert kit.fills(rig.quote(94.5, 95.5)) == [(Dec(1), Dec("94.5"))]


@pytest.mark.parametrize(
    ("side", "trigger", "at", "through", "price"),
    [
        ("sell", 105, (105.0, 106.0), (105.01, 106.0), Dec("105.01")),
        ("buy", 95, (94.0, 95.0), (94.0, 94.99), Dec("94.99")),
    ],
)
def test_a_take_profit_triggers_only_through_its_price(rig, kit, side, trigger, at, through, price):
    rig.quote(99.0, 101.0)
    getattr(rig, side)("take_profit", 1, trigger_price=trigger)
    rig.due()
    assert rig.quote(*at) == []
    assert kit.fills(rig.quote(*through)) == [(Dec(1), price)]


def test_a_take_profit_limit_keeps_its_limit(rig, kit):
    rig.quote(99.0, 101.0)
    rig.sell("take_profit_limit", 1, trigger_price=105, price=106)
    rig.due()
    assert rig.quote(105.5, 106.5) == []
    assert kit.fills(rig.quote(106.5, 107.0)) == [(Dec(1), Dec(106))]


def test_partial_fills_follow_the_shown_size(rig, kit):
    rig.quote(100.5, 101.0)
    name = rig.buy("limit", 3, price=100)
    rig.due()
    assert kit.fills(rig.quote(99.0, 99.5, ask_size=1.5)) == [(Dec("1.5"), Dec(100))]
    assert kit.fills(rig.quote(99.0, 99.5, ask_size=9.0)) == [(Dec("1.5"), Dec(100))]
    ids = [r.fill.fill_id for r in rig.log if isinstance(r, OrderFilled)]
    assert ids == [f"{name}:1.5", f"{name}:3"]


def test_a_fee_in_the_received_asset_reduces_what_is_received(kit):
    rig = kit.Rig(kit.spot(fee_in_received_asset=True))
    rig.quote(99.0, 100.0)
    rig.buy("market", 1)
    fill = last_fill(rig.due())
    assert (fill.fee, fill.fee_asset) == (Dec("0.002"), "BTC")
    assert dict(rig.venue.balances) == {"USDT": Dec(9900), "BTC": Dec("10.998")}
    rig.sell("market", 1)
    fill = last_fill(rig.due())
    assert (fill.fee, fill.fee_asset) == (Dec("0.198"), "USDT")


def test_an_unknown_order_cannot_be_canceled_and_a_working_one_frees_its_lock(rig, kit):
    rig.quote(99.0, 101.0)
    name = rig.buy("limit", 1, price=90)
    rig.due()
    assert rig.venue.free("USDT") == Dec(10_000) - Dec("90.18")
    rig.cancel(name)
    rig.cancel(name)
    assert kit.names(rig.due()) == ["OrderCanceled", "CancelRejected"]
    assert rig.venue.locked("USDT") == 0


def test_stops_come_before_resting_limits_of_the_same_quote(rig, kit):
    rig.quote(99.0, 100.0)
    rig.buy("limit", 2, price=95)
    rig.sell("stop_market", 1, trigger_price=95)
    rig.due()
    assert kit.fills(rig.quote(94.0, 94.5)) == [(Dec(1), Dec(94)), (Dec(2), Dec(95))]
