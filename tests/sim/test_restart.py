"""A new venue takes up where the checkpoint says the old one was."""

from decimal import Decimal as Dec

from tradewinds.model.checkpoint import Checkpoint, RiskState
from tradewinds.model.ledger import LedgerState, Lot
from tradewinds.model.order import Order, OrderStatus
from tradewinds.model.portfolio import TradingState


def checkpoint(rig, balances, orders=(), lots=()):
    return Checkpoint(
        time_ns=rig.now,
        ledger=LedgerState(
            currency="USDT", balances=balances, lots=tuple(lots), days=(), booked_ids=()
        ),
        risk=RiskState(
            trading_state=TradingState.ACTIVE,
            reason="",
            operator_halt=False,
            day=0,
            day_start_equity=Dec(0),
            peak_equity=Dec(0),
            day_limit_hit=False,
        ),
        trades=(),
        orders=tuple(orders),
        disabled_strategies=(),
        last_prices={rig.instrument.id: 100.0},
    )


def order(approved, status, filled=0):
    return Order(
        approved=approved,
        status=status,
        filled_quantity=Dec(filled),
        average_price=Dec(0),
        submitted_time_ns=0,
        updated_time_ns=0,
    )


def two_working(kit):
    old = kit.Rig()
    old.quote(99.0, 101.0)
    old.buy("limit", 3, price=95)
    old.sell("stop_market", 2, trigger_price=90)
    old.due()
    return old, old.venue.working_orders()


def test_balances_orders_and_locks_come_back(kit):
    old, (limit, stop) = two_working(kit)
    orders = [
        order(limit, OrderStatus.PARTIALLY_FILLED, 1),
        order(stop, OrderStatus.OPEN),
        order(stop, OrderStatus.FILLED, 2),
    ]
    new = kit.Rig()
    new.venue.restore(checkpoint(old, {"USDT": Dec(500), "BTC": Dec(2)}, orders))
    assert new.venue.balances == {"USDT": Dec(500), "BTC": Dec(2)}
    assert new.venue.working_orders() == [limit, stop]
    assert new.venue.locked("USDT") == Dec(2) * Dec(95) * Dec("1.002")
    reports = new.quote(94.0, 94.5)
    assert kit.fills(reports) == [(Dec(2), Dec(95))]
    assert reports[0].fill.fill_id == "tw-1:3"
    assert kit.fills(new.quote(90.0, 91.0)) == [(Dec(2), Dec(90))]


def test_an_order_nobody_acknowledged_arrives_again(kit):
    old, (limit, stop) = two_working(kit)
    new = kit.Rig()
    new.now = old.now
    orders = [order(limit, OrderStatus.IN_FLIGHT), order(stop, OrderStatus.UNKNOWN)]
    new.venue.restore(checkpoint(old, {"USDT": Dec(500), "BTC": Dec(2)}, orders))
    assert kit.names(new.due()) == ["OrderAccepted", "OrderAccepted"]


def test_a_short_perpetual_comes_back_with_margin_by_its_orders_leverage(kit):
    rig = kit.Rig(kit.perpetual(), {"USDT": Dec(1000)})
    rig.quote(100.0, 100.0)
    rig.sell("market", 2, leverage=10)
    rig.buy("stop_market", 2, trigger_price=105, leverage=10, reduce_only=True)
    rig.due()
    (position,) = rig.venue.positions.values()
    lot = Lot(
        strategy_id="s",
        asset="BTC",
        instrument_id=rig.instrument.id,
        quantity=Dec(-2),
        cost=Dec(-200),
    )
    orders = [order(o, OrderStatus.OPEN) for o in rig.venue.working_orders()]
    new = kit.Rig(kit.perpetual(), {})
    new.venue.restore(checkpoint(rig, dict(rig.venue.balances), orders, [lot]))
    assert new.venue.positions == {rig.instrument.id: position}
    assert kit.fills(new.quote(105.0, 105.0)) == [(Dec(2), Dec(105))]


def test_restoring_what_can_no_longer_be_paid_locks_only_what_is_there(kit):
    old, (limit, _) = two_working(kit)
    new = kit.Rig()
    new.venue.restore(checkpoint(old, {"USDT": Dec(100)}, [order(limit, OrderStatus.OPEN)]))
    assert Dec(95) < new.venue.locked("USDT") <= Dec(100)


def test_an_order_of_an_instrument_that_is_gone_is_rejected(kit):
    old, (limit, _) = two_working(kit)
    new = kit.Rig(kit.spot(id="ETH/USDT@sim"))
    new.now = old.now
    new.venue.restore(checkpoint(old, {"USDT": Dec(500)}, [order(limit, OrderStatus.OPEN)]))
    (report,) = new.due()
    assert report.reason == "unknown instrument"
