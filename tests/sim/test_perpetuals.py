"""Margin, funding and liquidation, by hand.

Long 1 at 100 with leverage 10 posts 10 and pays 0.2 taker fee. It is liquidated where
10 + (p - 100) <= 0.005 p, that is at 90.45 and below; it is bankrupt at 90.
"""

from decimal import Decimal as Dec

import pytest

from tradewinds.model.events import FundingPaid, OrderFilled


@pytest.fixture
def perp(kit):
    return kit.Rig(kit.perpetual(), {"USDT": Dec(1000)})


def long_one(rig, leverage=10):
    rig.quote(100.0, 100.0)
    rig.buy("market", 1, leverage=leverage)
    rig.due()


def short_one(rig, leverage=10):
    rig.quote(100.0, 100.0)
    rig.sell("market", 1, leverage=leverage)
    rig.due()


def usdt(rig):
    return rig.venue.balances["USDT"]


def test_opening_posts_margin_and_pays_the_fee(perp):
    long_one(perp)
    (position,) = perp.venue.positions.values()
    assert (position.quantity, position.entry_price, position.margin) == (Dec(1), Dec(100), Dec(10))
    assert (usdt(perp), perp.venue.free("USDT")) == (Dec("999.8"), Dec("989.8"))


def test_a_resting_order_locks_margin_and_fee(perp):
    perp.quote(99.0, 100.0)
    perp.buy("limit", 1, price=90, leverage=10)
    perp.due()
    assert perp.venue.locked("USDT") == Dec("9.18")


def test_a_market_order_beyond_the_free_margin_is_rejected(perp):
    perp.quote(100.0, 100.0)
    perp.buy("market", 99, leverage=10)
    assert perp.due()[0].reason.startswith("insufficient balance")


def test_averaging_and_partial_closing_realise_at_average_cost(perp, kit):
    long_one(perp)
    perp.quote(110.0, 110.0)
    perp.buy("market", 1, leverage=10)
    perp.quote(120.0, 120.0)
    perp.sell("market", 1, reduce_only=True)
    perp.due()
    (position,) = perp.venue.positions.values()
    assert (position.quantity, position.cost, position.margin) == (Dec(1), Dec(105), Dec("10.5"))
    # Fees 0.2 + 0.22 + 0.24; profit 120 - 105.
    assert usdt(perp) == Dec(1000) - Dec("0.66") + Dec(15)


@pytest.mark.parametrize(("open_", "side"), [(long_one, "sell"), (short_one, "buy")])
def test_reduce_only_shrinks_to_the_position_and_never_flips(perp, kit, open_, side):
    open_(perp)
    getattr(perp, side)("market", 3, reduce_only=True)
    reports = perp.due()
    assert kit.names(reports) == ["OrderAccepted", "OrderFilled", "OrderExpired"]
    assert kit.fills(reports) == [(Dec(1), Dec(100))]
    assert not perp.venue.positions


def test_reduce_only_is_rejected_when_flat_or_on_the_same_side(perp):
    perp.quote(100.0, 100.0)
    perp.sell("market", 1, reduce_only=True)
    assert "no position" in perp.due()[0].reason
    long_one(perp)
    perp.buy("market", 1, reduce_only=True)
    assert "no position" in perp.due()[0].reason


def test_reduce_only_needs_no_minimum_notional(perp, kit):
    long_one(perp)
    perp.sell("market", "0.001", reduce_only=True)
    assert kit.fills(perp.due()) == [(Dec("0.001"), Dec(100))]


def test_resting_reduce_only_limits_go_when_flat_and_a_stop_goes_at_its_trigger(perp, kit):
    long_one(perp)
    perp.sell("limit", 1, price=120, reduce_only=True)
    perp.sell("stop_market", 1, trigger_price=95, reduce_only=True)
    perp.sell("market", 1, reduce_only=True)
    assert kit.names(perp.due())[2:] == ["OrderAccepted", "OrderFilled", "OrderExpired"]
    assert kit.names(perp.quote(94.0, 94.0)) == ["OrderExpired"]
    assert not perp.venue.working_orders()


def test_a_larger_opposite_order_closes_and_opens_the_other_way(perp, kit):
    long_one(perp)
    perp.sell("market", 3, leverage=10)
    assert kit.fills(perp.due()) == [(Dec(1), Dec(100)), (Dec(2), Dec(100))]
    (position,) = perp.venue.positions.values()
    assert (position.quantity, position.margin) == (Dec(-2), Dec(20))


def test_the_mark_price_liquidates_at_its_threshold_and_the_margin_is_all_that_is_lost(perp, kit):
    long_one(perp)
    perp.sell("stop_market", 1, trigger_price=80, reduce_only=True)
    perp.due()
    assert perp.mark(90.46) == []
    filled, expired = perp.mark(90.45)
    fill = filled.fill
    # 90.45 less 5 bps is 90.40; the fee of 1.25 % is cut to the 0.40 that is left of the margin.
    assert (fill.price, fill.fee, fill.venue_initiated) == (Dec("90.40"), Dec("0.40"), True)
    assert fill.client_order_id.startswith("autoclose-")
    assert kit.names([expired]) == ["OrderExpired"]
    assert usdt(perp) == Dec(1000) - Dec("0.2") - Dec(10)
    assert not perp.venue.positions


def test_a_small_liquidation_fee_is_paid_in_full(kit):
    rig = kit.Rig(kit.perpetual(liquidation_fee=Dec("0.001")), {"USDT": Dec(1000)})
    long_one(rig)
    (filled,) = rig.mark(90.45)
    assert filled.fill.fee == Dec("0.0904")
    assert usdt(rig) == Dec("999.8") - Dec("9.6") - Dec("0.0904")


def test_a_gap_through_bankruptcy_costs_no_more_than_the_margin(perp):
    long_one(perp)
    (filled,) = perp.mark(50.0)
    assert (filled.fill.price, filled.fill.fee) == (Dec(90), Dec(0))
    assert usdt(perp) == Dec("989.8")


def test_a_short_is_liquidated_above(perp):
    short_one(perp)
    # 10 + (100 - p) <= 0.005 p at 109.4527...; 109.46 and 5 bps is 109.52, bankrupt at 110.
    assert perp.mark(109.45) == []
    (filled,) = perp.mark(109.46)
    assert (filled.fill.price, filled.fill.fee) == (Dec("109.52"), Dec("0.48"))
    assert usdt(perp) == Dec("989.8")


def test_without_a_mark_price_the_quote_liquidates(perp):
    long_one(perp)
    assert perp.quote(90.46, 91.0) == []
    assert len(perp.quote(90.45, 91.0)) == 1


def test_a_recent_mark_price_stands_against_a_wild_quote_and_an_old_one_does_not(perp):
    long_one(perp)
    perp.mark(100.0)
    assert perp.quote(80.0, 80.1) == []
    perp.now += 60_000_000_000
    assert len(perp.quote(80.0, 80.1)) == 1


def test_closing_beyond_the_margin_becomes_a_liquidation(perp, kit):
    long_one(perp)
    perp.mark(100.0)
    perp.quote(80.0, 80.1)
    perp.sell("market", 1, reduce_only=True)
    reports = perp.due()
    assert kit.fills(reports) == [(Dec(1), Dec(90))]
    assert reports[1].fill.venue_initiated
    assert usdt(perp) == Dec("989.8")


@pytest.mark.parametrize(
    ("bar", "first"),
    [((100.0, 100.0, 80.0, 90.0), "tw-2"), ((85.0, 90.0, 80.0, 90.0), "autoclose")],
)
def test_in_a_bar_the_stop_saves_the_position_unless_the_open_gapped_over_both(kit, bar, first):
    rig = kit.Rig(kit.perpetual(), {"USDT": Dec(1000)})
    rig.bar((100.0, 100.0, 100.0, 100.0))
    rig.buy("market", 1, leverage=10)
    rig.bar((100.0, 100.0, 100.0, 100.0))
    rig.sell("stop_market", 1, trigger_price=95, reduce_only=True)
    fills = [r.fill for r in rig.bar(bar) if isinstance(r, OrderFilled)]
    assert len(fills) == 1
    assert fills[0].client_order_id.startswith(first)


def test_in_a_bar_an_unprotected_position_is_liquidated_by_the_low(kit):
    rig = kit.Rig(kit.perpetual(), {"USDT": Dec(1000)})
    rig.bar((100.0, 100.0, 100.0, 100.0))
    rig.buy("market", 1, leverage=10)
    rig.bar((100.0, 100.0, 100.0, 100.0))
    (filled,) = rig.bar((100.0, 100.0, 80.0, 100.0))
    assert filled.fill.venue_initiated


@pytest.mark.parametrize(
    ("open_", "rate", "amount"),
    [
        (long_one, 0.0001, Dec("-0.011")),
        (long_one, -0.0001, Dec("0.011")),
        (short_one, 0.0001, Dec("0.011")),
        (short_one, -0.0001, Dec("-0.011")),
    ],
)
def test_longs_pay_shorts_when_funding_is_positive(perp, open_, rate, amount):
    open_(perp, leverage=2)
    perp.mark(110.0)
    before = usdt(perp)
    (report,) = perp.funding(rate)
    assert isinstance(report, FundingPaid)
    assert (report.amount, report.asset) == (amount, "USDT")
    assert usdt(perp) == before + amount


def test_funding_of_one_time_is_paid_once_and_without_position_not_at_all(perp):
    assert perp.funding(0.01) == []
    long_one(perp)
    assert len(perp.funding(0.01)) == 1
    perp.now -= 1_000_000_000
    assert perp.funding(0.01) == []


def test_funding_that_exceeds_what_is_free_eats_the_margin_and_liquidates(kit):
    rig = kit.Rig(kit.perpetual(), {"USDT": Dec("10.7")})
    long_one(rig)
    # 0.5 is free; funding of 8 takes it and 7.5 of the margin of 10, leaving 2.5: still alive.
    (paid,) = rig.funding(0.08)
    assert paid.amount == Dec(-8)
    (position,) = rig.venue.positions.values()
    assert (position.margin, rig.venue.free("USDT")) == (Dec("2.5"), Dec(0))
    reports = rig.funding(0.08)
    assert reports[0].amount == Dec("-2.5")
    assert reports[1].fill.venue_initiated
    assert usdt(rig) == 0


def test_a_reduce_only_fok_is_judged_by_what_it_shrank_to(perp, kit):
    long_one(perp)
    perp.quote(100.0, 100.0, bid_size=1.0)
    perp.sell("limit", 3, price=100, tif="fok", reduce_only=True)
    assert kit.fills(perp.due()) == [(Dec(1), Dec(100))]


def test_without_a_mark_price_the_ask_liquidates_a_short(perp):
    short_one(perp)
    assert perp.quote(100.0, 109.45) == []
    assert len(perp.quote(100.0, 109.46)) == 1


def test_a_rounding_that_is_not_covered_does_not_open(kit):
    rig = kit.Rig(
        kit.perpetual(maker_fee=Dec(0), taker_fee=Dec(0), min_notional=Dec(0)),
        # A thousandth of 100.01 / 3, rounded up by the unit and not by the order.
        {"USDT": Dec("0.033336666666667")},
    )
    rig.quote(100.01, 100.01)
    rig.buy("limit", "0.001", price=100.01, leverage=3)
    assert kit.names(rig.due()) == ["OrderAccepted", "OrderExpired"]
    assert rig.venue.free("USDT") >= 0
