"""What the venue refuses, and why."""

from decimal import Decimal as Dec

import pytest

from tradewinds.model.instrument import InstrumentStatus


@pytest.mark.parametrize(
    ("kind", "quantity", "fields", "reason"),
    [
        ("limit", 1, {"price": "99.005"}, "PRICE_FILTER"),
        ("stop_market", 1, {"trigger_price": "99.005"}, "PRICE_FILTER"),
        ("limit", "0.0015", {"price": 99}, "LOT_SIZE"),
        ("limit", 0, {"price": 99}, "LOT_SIZE"),
        ("limit", -1, {"price": 99}, "LOT_SIZE"),
        ("limit", 1001, {"price": 99}, "LOT_SIZE"),
        ("limit", "0.05", {"price": 99}, "NOTIONAL"),
        ("market", "0.049", {}, "NOTIONAL"),
        ("limit", 1, {}, "price missing"),
        ("limit", 1, {"price": 0}, "price missing"),
        ("stop_market", 1, {}, "trigger price missing"),
        ("stop_limit", 1, {"trigger_price": 99}, "price missing"),
        ("market", 1, {"price": 99}, "price not allowed"),
        ("limit", 1, {"price": 99, "post_only": True, "tif": "ioc"}, "post-only"),
        ("limit", 1, {"price": 99, "leverage": 2}, "leverage"),
        ("limit", 1, {"price": 99, "reduce_only": True}, "ReduceOnly"),
        ("limit", 102, {"price": 99}, "insufficient balance"),
    ],
)
def test_a_wrong_order_is_rejected_with_its_reason(rig, kit, kind, quantity, fields, reason):
    rig.quote(99.0, 100.0)
    rig.buy(kind, quantity, **fields)
    (report,) = rig.due()
    assert kit.names([report]) == ["OrderRejected"]
    assert report.reason.startswith(reason)
    assert rig.venue.balances == rig.start
    assert not rig.venue.working_orders()


def test_an_unknown_instrument_is_rejected(rig):
    rig.buy("limit", 1, price=99, instrument_id="XYZ@sim")
    assert rig.due()[0].reason == "unknown instrument"


def test_an_open_client_order_id_cannot_be_used_twice(rig, kit):
    rig.quote(99.0, 100.0)
    rig.buy("limit", 1, price=90, name="same")
    rig.buy("limit", 1, price=90, name="same")
    assert kit.names(rig.due()) == ["OrderAccepted", "OrderRejected"]


def test_a_market_order_before_any_price_is_rejected(rig):
    rig.buy("market", 1)
    assert rig.due()[0].reason == "no market price yet"


def test_resting_orders_lock_what_they_may_cost(rig, kit):
    rig.quote(99.0, 100.0)
    rig.sell("limit", 6, price=110)
    rig.sell("limit", 5, price=110)
    assert kit.names(rig.due()) == ["OrderAccepted", "OrderRejected"]
    assert (rig.venue.locked("BTC"), rig.venue.free("BTC")) == (Dec(6), Dec(4))


def test_a_halted_market_takes_nothing_and_matches_nothing(rig, kit):
    rig.quote(99.0, 101.0)
    rig.buy("limit", 1, price=100)
    rig.due()
    rig.venue.update_instrument(kit.spot(status=InstrumentStatus.HALTED))
    assert rig.quote(90.0, 91.0) == []
    rig.sell("market", 1)
    assert rig.due()[0].reason == "market is halted"
    rig.venue.update_instrument(kit.spot())
    assert kit.fills(rig.quote(90.0, 91.0)) == [(Dec(1), Dec(100))]


def test_close_only_takes_spot_sales_but_no_buys(kit):
    rig = kit.Rig(kit.spot(status=InstrumentStatus.CLOSE_ONLY))
    rig.quote(99.0, 100.0)
    rig.buy("market", 1)
    rig.sell("market", 1)
    assert kit.names(rig.due()) == ["OrderRejected", "OrderAccepted", "OrderFilled"]


def test_close_only_takes_only_reduce_only_on_a_perpetual(kit):
    rig = kit.Rig(kit.perpetual())
    rig.quote(99.0, 100.0)
    rig.buy("market", 1)
    rig.due()
    rig.venue.update_instrument(kit.perpetual(status=InstrumentStatus.CLOSE_ONLY))
    rig.sell("market", 1)
    rig.sell("market", 1, reduce_only=True)
    assert kit.names(rig.due()) == ["OrderRejected", "OrderAccepted", "OrderFilled"]


def test_a_fill_that_turned_out_too_dear_is_cut_and_the_rest_expires(kit):
    rig = kit.Rig(balances={"USDT": Dec("200.41")})
    rig.bar((100.0, 100.0, 100.0, 100.0))
    rig.buy("market", 2)
    reports = rig.bar((150.0, 150.0, 150.0, 150.0))
    assert kit.names(reports) == ["OrderAccepted", "OrderFilled", "OrderExpired"]
    # 200.41 / (150.08 x 1.002) = 1.3327
    assert kit.fills(reports) == [(Dec("1.332"), Dec("150.08"))]
    assert rig.venue.balances["USDT"] >= 0
