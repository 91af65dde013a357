"""Rows B of the scorecard: whatever order the venue's reports come in, the position is right."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from tradewinds.model import events as ev
from tradewinds.model.commands import (
    CancelOrder,
    RecordAnomaly,
    RecordTrade,
    RecordTransaction,
    SetTimer,
)
from tradewinds.model.ids import InstrumentId
from tradewinds.model.order import OrderStatus, Purpose, TimeInForce
from tradewinds.model.portfolio import TradingState
from tradewinds.store.payload import EVENT

BTC = InstrumentId("BTC/USDT@sim")
HALF = Decimal("0.007")


def entered(manual: Any) -> Any:
    """An entry order that is on its way."""
    manual.quote()
    manual.enter()
    manual.quote()
    (entry,) = manual.submitted(Purpose.ENTER)
    return entry


def held(manual: Any) -> Any:
    """A round trip with its accepted stop."""
    entry = entered(manual)
    manual.accepted(entry)
    manual.filled(entry)
    manual.accepted(manual.submitted(Purpose.STOP)[-1])
    (trade,) = manual.trades
    return trade


def booked(manual: Any) -> int:
    return len(manual.of(RecordTransaction)) - 1


def test_b10_partly_filled_then_canceled_keeps_what_was_filled(manual: Any) -> None:
    entry = entered(manual)
    manual.accepted(entry)
    manual.filled(entry, HALF)
    manual.ended(ev.OrderCanceled, entry)
    (trade,) = manual.trades
    assert (trade.quantity, trade.pending_quantity) == (HALF, 0)
    stops = manual.submitted(Purpose.STOP)
    assert sum(stop.quantity for stop in stops) == HALF
    manual.check()


def test_b10_a_fill_after_the_cancel_is_held_and_protected(manual: Any) -> None:
    entry = entered(manual)
    manual.accepted(entry)
    manual.filled(entry, HALF, fill_id="one")
    manual.accepted(manual.submitted(Purpose.STOP)[-1])
    manual.ended(ev.OrderCanceled, entry)
    manual.filled(entry, Decimal("0.002"), fill_id="two")
    (trade,) = manual.trades
    assert trade.quantity == HALF + Decimal("0.002")
    manual.check()


def test_b10_a_fill_after_the_round_trip_had_ended_is_sold_and_halts(manual: Any) -> None:
    entry = entered(manual)
    manual.ended(ev.OrderCanceled, entry)
    assert not manual.trades
    manual.filled(entry)
    assert manual.state is TradingState.HALTED
    (exit_,) = manual.submitted(Purpose.EXIT, Purpose.FLATTEN)
    assert exit_.quantity == entry.quantity
    manual.accepted(exit_)
    manual.filled(exit_)
    assert not manual.trades
    manual.check()


def test_b11_a_fill_before_its_acceptance(manual: Any) -> None:
    entry = entered(manual)
    manual.filled(entry)
    manual.accepted(entry)
    order = manual.engine.floor.portfolio.orders.get(entry.client_order_id)
    assert order.status is OrderStatus.FILLED
    assert [trade.quantity for trade in manual.trades] == [entry.quantity]
    manual.check()


def test_b11_a_fill_that_comes_twice_is_booked_once(manual: Any) -> None:
    entry = entered(manual)
    manual.filled(entry, fill_id="same")
    cash = dict(manual.engine.floor.portfolio.ledger.balances)
    manual.filled(entry, fill_id="same")
    assert booked(manual) == 1
    assert manual.engine.floor.portfolio.ledger.balances == cash
    assert manual.anomalies() == {"duplicate_fill": 1}
    manual.check()


def test_b11_fills_out_of_order_add_up(manual: Any) -> None:
    entry = entered(manual)
    rest = entry.quantity - HALF
    manual.now += 5
    manual.filled(entry, rest, fill_id="second", price=Decimal(20_010))
    manual.now -= 3
    manual.filled(entry, HALF, fill_id="first", price=Decimal(20_000))
    manual.now += 3
    (trade,) = manual.trades
    assert trade.quantity == entry.quantity
    average = (rest * 20_010 + HALF * 20_000) / entry.quantity
    assert trade.entry_price == pytest.approx(average)
    manual.check()


def test_b11_a_fee_in_the_base_asset_is_not_held_and_not_sold(manual: Any) -> None:
    entry = entered(manual)
    fee = entry.quantity * Decimal("0.001")
    manual.filled(entry, fee=fee, fee_asset="BTC")
    (trade,) = manual.trades
    assert trade.quantity == entry.quantity - fee
    assert manual.engine.floor.portfolio.ledger.balances["BTC"] == trade.quantity
    (stop,) = manual.submitted(Purpose.STOP)
    assert stop.quantity <= trade.quantity
    manual.check()


def test_b13_a_stop_that_is_rejected_closes_the_position_at_once(manual: Any) -> None:
    entry = entered(manual)
    manual.filled(entry)
    filled_ns = manual.now
    (stop,) = manual.submitted(Purpose.STOP)
    manual.ended(ev.OrderRejected, stop, "would trigger immediately")
    (exit_,) = manual.submitted(Purpose.EXIT)
    assert manual.engine.floor.out.now_ns - filled_ns < 2_000_000_000
    assert exit_.quantity == entry.quantity
    manual.filled(exit_)
    assert not manual.trades
    assert manual.of(RecordTrade)[-1].trade.exit_reason.startswith("stop not accepted")
    manual.check()


@pytest.mark.parametrize("kind", [ev.OrderCanceled, ev.OrderExpired])
def test_b14_a_stop_that_the_venue_takes_away_is_replaced_or_the_position_closed(
    manual: Any, kind: type
) -> None:
    trade = held(manual)
    (stop,) = manual.submitted(Purpose.STOP)
    manual.ended(kind, stop, "maintenance")
    guards = manual.submitted(Purpose.STOP, Purpose.EXIT)[1:]
    assert [guard.quantity for guard in guards] == [trade.quantity]
    manual.check()


def test_b15_closing_goes_on_after_rejections_and_stops_trading_when_it_cannot(
    manual: Any,
) -> None:
    trade = held(manual)
    manual.leave(trade)
    manual.quote()
    manual.ended(ev.OrderCanceled, manual.submitted(Purpose.STOP)[0])
    for _ in range(30):
        for order in list(manual.working):
            manual.ended(ev.OrderRejected, order.approved, "insufficient balance")
        manual.pass_time(0.4)
    assert manual.state is TradingState.HALTED
    assert "cannot be closed" in manual.reason
    sent = len(manual.submitted(Purpose.EXIT, Purpose.FLATTEN))
    assert sent <= 16, "with the beat, not faster: no storm of orders"
    manual.pass_time(1.1)
    manual.filled(manual.submitted(Purpose.EXIT, Purpose.FLATTEN)[-1])
    assert not manual.trades


def test_b17_dust_is_neither_a_position_nor_a_loop(manual: Any) -> None:
    trade = held(manual)
    manual.leave(trade)
    manual.quote()
    manual.ended(ev.OrderCanceled, manual.submitted(Purpose.STOP)[0])
    (exit_,) = manual.submitted(Purpose.EXIT)
    manual.filled(exit_, exit_.quantity - Decimal("0.00011"), fill_id="most")
    manual.ended(ev.OrderExpired, exit_, "IOC remainder")
    assert not manual.trades
    sent = len(manual.commands)
    manual.pass_time(5)
    manual.quote()
    manual.pass_time(5)
    assert len(manual.submitted(Purpose.EXIT)) == 1
    assert manual.engine.floor.portfolio.ledger.balances["BTC"] == Decimal("0.00011")
    assert len(manual.commands) - sent < 10
    manual.emergency()
    assert manual.engine.floor.portfolio.flat()
    manual.check()


@pytest.mark.parametrize("kind", [ev.OrderExpired, ev.OrderRejected, ev.OrderCanceled])
def test_b18_an_entry_that_comes_to_nothing_leaves_no_position(manual: Any, kind: type) -> None:
    entry = entered(manual)
    assert entry.time_in_force is TimeInForce.IOC
    manual.ended(kind, entry)
    assert not manual.trades
    assert not manual.working
    assert manual.engine.floor.portfolio.open_risk() == 0
    assert not manual.submitted(Purpose.STOP)
    manual.check()


def test_b24_a_fill_that_is_not_ours_is_booked_told_and_stops_new_risk(manual: Any) -> None:
    entry = entered(manual)
    manual.ended(ev.OrderExpired, entry)
    foreign = replace(entry, client_order_id="by-hand")
    manual.filled(foreign, fill_id="foreign")
    assert manual.state is not TradingState.ACTIVE
    assert manual.anomalies() == {"foreign_fill": 1}
    assert manual.engine.floor.portfolio.ledger.balances["BTC"] == entry.quantity
    assert not manual.submitted(Purpose.EXIT), "what the user bought is the user's"


def test_a_report_about_an_order_nobody_sent_is_counted(manual: Any) -> None:
    entry = entered(manual)
    manual.ended(ev.OrderRejected, replace(entry, client_order_id="nobody"))
    assert manual.anomalies() == {"foreign_report": 1}
    assert len(manual.working) == 1


def test_an_unknown_outcome_stays_in_flight_and_is_not_sent_again(manual: Any) -> None:
    entry = entered(manual)
    manual.ended(ev.OrderOutcomeUnknown, entry, "timeout")
    assert manual.working[0].status is OrderStatus.UNKNOWN
    risk = manual.engine.floor.portfolio.open_risk()
    assert risk == entry.worst_loss
    manual.pass_time(2)
    assert len(manual.submitted()) == 1
    manual.filled(entry)
    assert manual.trades[0].quantity == entry.quantity
    manual.check()


def test_a_patient_entry_that_does_not_fill_is_canceled_by_a_timer(manual: Any) -> None:
    manual.quote()
    manual.enter(limit_price=19_900.0)
    manual.quote()
    (entry,) = manual.submitted(Purpose.ENTER)
    assert entry.post_only
    manual.accepted(entry)
    (timer,) = manual.of(SetTimer)
    manual.pass_time(59.9)
    assert not manual.of(CancelOrder)
    manual.pass_time(0.2)
    (cancel,) = manual.of(CancelOrder)
    assert cancel.client_order_id == entry.client_order_id
    fired = [m for kind, _, m in manual.journal.entries if kind == EVENT]
    timers = [m for m in fired if isinstance(m, ev.TimerFired) and m.timer_id == timer.timer_id]
    assert [t.venue_time_ns for t in timers] == [timer.due_ns], "time enters as an event"


def test_every_kind_of_anomaly_says_which_instrument(manual: Any) -> None:
    entry = entered(manual)
    manual.filled(entry, fill_id="same")
    manual.filled(entry, fill_id="same")
    assert [a.instrument_id for a in manual.of(RecordAnomaly)] == [BTC]
