"""Public trades and order books as the source of prices."""

from decimal import Decimal as Dec

import pytest

from tradewinds.model.events import OrderFilled


def test_with_prints_alone_a_market_order_waits_and_pays_slippage(rig, kit):
    rig.print(100.0)
    rig.buy("market", 2)
    assert kit.names(rig.due()) == ["OrderAccepted"]
    assert kit.fills(rig.print(100.0, size=1.5)) == [(Dec("1.5"), Dec("100.05"))]
    assert kit.fills(rig.print(100.0)) == [(Dec("0.5"), Dec("100.05"))]


@pytest.mark.parametrize(("side", "through"), [("buy", 99.99), ("sell", 100.01)])
def test_a_print_through_a_resting_limit_fills_up_to_its_size(rig, kit, side, through):
    rig.quote(99.5, 100.5)
    getattr(rig, side)("limit", 3, price=100)
    rig.due()
    assert rig.print(100.0) == []
    reports = rig.print(through, size=2.0)
    assert kit.fills(reports) == [(Dec(2), Dec(100))]
    assert reports[0].fill.maker


def test_one_print_is_shared_by_all_our_orders(rig, kit):
    rig.quote(99.5, 100.5)
    rig.buy("limit", 1, price=100)
    rig.buy("limit", 1, price=99.9)
    rig.due()
    assert kit.fills(rig.print(99.0, size=1.5)) == [(Dec(1), Dec(100)), (Dec("0.5"), Dec("99.9"))]


@pytest.mark.parametrize(
    ("side", "trigger", "price"), [("sell", 95, Dec(98)), ("buy", 105, Dec(102))]
)
def test_a_print_triggers_a_stop_which_takes_the_shown_quote(rig, kit, side, trigger, price):
    rig.quote(98.0, 102.0)
    getattr(rig, side)("stop_market", 1, trigger_price=trigger)
    rig.due()
    assert kit.fills(rig.print(float(trigger))) == [(Dec(1), price)]


def test_with_prints_alone_a_stop_fills_at_the_print_worsened(rig, kit):
    rig.print(100.0)
    rig.sell("stop_market", 1, trigger_price=95)
    rig.due()
    assert rig.print(95.01) == []
    assert kit.fills(rig.print(94.0)) == [(Dec(1), Dec("93.95"))]


def test_a_take_profit_needs_a_print_through_it(rig, kit):
    rig.print(100.0)
    rig.sell("take_profit", 1, trigger_price=105)
    rig.due()
    assert rig.print(105.0) == []
    assert kit.fills(rig.print(106.0)) == [(Dec(1), Dec("105.94"))]


@pytest.mark.parametrize("price", [float("nan"), float("inf"), -1.0, 0.0])
def test_an_impossible_print_changes_nothing(rig, price):
    rig.print(100.0)
    rig.buy("limit", 1, price=90)
    rig.sell("stop_market", 1, trigger_price=80)
    rig.due()
    assert rig.print(price) == []
    assert rig.print(85.0, size=float("nan")) == []


def test_a_book_is_walked_level_by_level_and_then_with_impact(rig, kit):
    rig.book([(99.0, 1.0)], [(101.0, 1.0), (100.0, 1.0)])
    rig.buy("market", 3)
    # Two shown levels, then their whole size again 5 bps beyond the last.
    assert kit.fills(rig.due()) == [(Dec(1), Dec(100)), (Dec(1), Dec(101)), (Dec(1), Dec("101.06"))]


def test_a_sell_walks_the_bids_down(rig, kit):
    rig.book([(99.0, 1.0), (98.0, 5.0)], [(100.0, 1.0)])
    rig.sell("limit", 3, price=98, tif="ioc")
    assert kit.fills(rig.due()) == [(Dec(1), Dec(99)), (Dec(2), Dec(98))]


def test_book_deltas_change_levels_and_renew_what_we_took(rig, kit):
    rig.book([(99.0, 1.0)], [(100.0, 1.0), (101.0, 1.0)])
    rig.buy("market", 1)
    assert kit.fills(rig.due()) == [(Dec(1), Dec(100))]
    rig.book([], [(100.0, 0.0), (101.0, 4.0)], snapshot=False)
    rig.buy("market", 2)
    assert kit.fills(rig.due()) == [(Dec(2), Dec(101))]


def test_a_resting_limit_gets_only_book_size_beyond_its_price(rig, kit):
    rig.book([(99.0, 1.0)], [(101.0, 1.0)])
    rig.buy("limit", 5, price=100)
    rig.due()
    reports = rig.book([(98.0, 1.0)], [(99.5, 1.0), (99.9, 1.0), (100.0, 7.0)])
    assert kit.fills(reports) == [(Dec(2), Dec(100))]
    assert all(r.fill.maker for r in reports if isinstance(r, OrderFilled))


def test_an_empty_or_crossed_book_fills_nothing(rig, kit):
    rig.book([(99.0, 1.0)], [(101.0, 1.0)])
    rig.book([(99.0, 1.0)], [])
    rig.buy("limit", 1, price=100)
    assert kit.names(rig.due()) == ["OrderAccepted"]
    assert rig.book([(99.0, 1.0)], [(98.0, 1.0)]) == []
