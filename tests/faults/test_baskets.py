"""A cycle that breaks on the way is undone at once, and never left lying or tried for ever."""

from decimal import Decimal
from typing import Any

from tradewinds.model import events as ev
from tradewinds.model.commands import RecordTrade
from tradewinds.model.ids import InstrumentId
from tradewinds.model.market import Side
from tradewinds.model.order import OrderType, Purpose
from tradewinds.model.portfolio import TradePhase, TradingState

BTC, ETH, ETHBTC = (InstrumentId(f"{s}@sim") for s in ("BTC/USDT", "ETH/USDT", "ETH/BTC"))
WAYS_OUT = (Purpose.UNWIND, Purpose.EXIT, Purpose.FLATTEN)


def started(manual: Any) -> Any:
    """USDT -> BTC is on its way."""
    for each in (BTC, ETH, ETHBTC):
        manual.quote(each)
    manual.cycle()
    manual.quote()
    (leg,) = manual.submitted(Purpose.LEG)
    assert (leg.instrument_id, leg.side) == (BTC, Side.BUY)
    return leg


def balances(manual: Any) -> dict[str, Decimal]:
    return {
        str(asset): amount
        for asset, amount in manual.engine.floor.portfolio.ledger.balances.items()
        if asset != "USDT"
    }


def test_the_next_leg_spends_what_the_last_one_brought(manual: Any) -> None:
    leg = started(manual)
    manual.filled(leg)
    second = manual.submitted(Purpose.LEG)[-1]
    assert (second.instrument_id, second.side) == (ETHBTC, Side.BUY)
    assert second.quantity * second.price <= leg.quantity
    manual.filled(second, fee=second.quantity * Decimal("0.001"), fee_asset="ETH")
    third = manual.submitted(Purpose.LEG)[-1]
    assert (third.instrument_id, third.side) == (ETH, Side.SELL)
    assert third.quantity <= second.quantity * Decimal("0.999")
    manual.filled(third)
    left = [order for order in manual.submitted(Purpose.UNWIND) if order.instrument_id == BTC]
    for order in left:
        manual.filled(order)
    assert not manual.engine.floor.portfolio.baskets
    assert manual.of(RecordTrade)[-1].trade.phase is TradePhase.CLOSED
    assert manual.state is TradingState.ACTIVE


def test_a_first_leg_that_does_not_fill_leaves_nothing(manual: Any) -> None:
    manual.ended(ev.OrderExpired, started(manual))
    assert manual.engine.floor.portfolio.flat()
    assert manual.engine.floor.portfolio.open_risk() == 0


def test_a_second_leg_that_does_not_fill_is_unwound_at_once(manual: Any) -> None:
    leg = started(manual)
    manual.filled(leg)
    at = manual.now
    manual.ended(ev.OrderExpired, manual.submitted(Purpose.LEG)[-1])
    (unwind,) = manual.submitted(Purpose.UNWIND)
    assert manual.engine.floor.out.now_ns == at, "in the same instant"
    assert (unwind.instrument_id, unwind.side) == (BTC, Side.SELL)
    assert (unwind.order_type, unwind.quantity) == (OrderType.MARKET, leg.quantity)
    manual.filled(unwind)
    assert manual.engine.floor.portfolio.flat()
    assert balances(manual) == {"BTC": 0}
    closed = manual.of(RecordTrade)[-1].trade
    assert -Decimal(1) < closed.realised < 0, "two fees, no more"


def test_a_leg_that_fills_in_part_goes_on_with_that_part_and_unwinds_the_rest(manual: Any) -> None:
    manual.filled(started(manual))
    second = manual.submitted(Purpose.LEG)[-1]
    part = manual.instruments[2].quantity_down(second.quantity / 2)
    manual.filled(second, part, fee=Decimal(0))
    manual.ended(ev.OrderExpired, second, "IOC remainder")
    third = manual.submitted(Purpose.LEG)[-1]
    assert (third.instrument_id, third.quantity) == (ETH, part)
    manual.filled(third)
    (unwind,) = manual.submitted(Purpose.UNWIND)
    assert unwind.instrument_id == BTC
    manual.filled(unwind)
    assert manual.engine.floor.portfolio.flat()
    assert max(balances(manual).values()) < Decimal("0.00025"), "dust"


def test_an_unwind_that_keeps_failing_ends_in_a_halt_not_in_a_loop(manual: Any) -> None:
    """What is held is never forgotten: it becomes a round trip that is closed with every beat."""
    leg = started(manual)
    manual.filled(leg)
    manual.ended(ev.OrderExpired, manual.submitted(Purpose.LEG)[-1])
    for _ in range(40):
        for order in list(manual.working):
            manual.ended(ev.OrderRejected, order.approved, "no")
        manual.pass_time(0.5)
    assert len(manual.submitted(*WAYS_OUT)) <= 25, "with the beat, not faster"
    assert manual.state is TradingState.HALTED
    assert not manual.engine.floor.portfolio.baskets
    (trade,) = manual.trades
    assert (trade.instrument_id, trade.quantity) == (BTC, leg.quantity)
    manual.emergency()
    assert not manual.engine.floor.portfolio.flat(), "what is held is not called flat"
    manual.pass_time(1.2)
    last = manual.submitted(*WAYS_OUT)[-1]
    manual.filled(last)
    assert manual.engine.floor.portfolio.flat()
    assert balances(manual) == {"BTC": 0}


def test_an_emergency_within_a_cycle_cancels_the_leg_and_sells_what_is_held(manual: Any) -> None:
    leg = started(manual)
    manual.filled(leg)
    second = manual.submitted(Purpose.LEG)[-1]
    manual.emergency()
    assert second.client_order_id in manual.venue.canceled
    manual.ended(ev.OrderCanceled, second)
    (unwind,) = manual.submitted(Purpose.UNWIND)
    manual.filled(unwind)
    assert manual.engine.floor.portfolio.flat()
    assert len(manual.submitted(Purpose.LEG)) == 2, "no further leg"


def test_a_leg_that_fills_after_its_basket_was_given_up_is_sold(manual: Any) -> None:
    leg = started(manual)
    manual.ended(ev.OrderExpired, leg)
    manual.filled(leg)
    (exit_,) = manual.submitted(*WAYS_OUT)
    assert exit_.quantity == leg.quantity
    manual.filled(exit_)
    assert balances(manual) == {"BTC": 0}
