"""Round trips that need nothing: remembered, so that a beat need not look at each anew."""

from typing import Final, NamedTuple

from tradewinds.engine.board import Slot
from tradewinds.engine.portfolio import Portfolio
from tradewinds.execution import bracket, trade_book
from tradewinds.execution.protective import Situation, Steps, next_steps
from tradewinds.model.decimals import ZERO, to_decimal
from tradewinds.model.ids import InstrumentId, TradeId
from tradewinds.model.instrument import Instrument
from tradewinds.model.order import Order, Purpose
from tradewinds.model.portfolio import Trade

NOTHING: Final = Steps()
LOWER: Final = 0.5
"""Down to this share of the price, if the venue would still let us sell there."""


class _Rest(NamedTuple):
    """A round trip at rest, and all that this follows from."""

    trade: Trade
    instrument: Instrument
    working: list[Order]
    from_price: float


class Resting:
    """Knows which round trips would get no order and no cancel, were they looked at.

    It follows from the round trip, its working orders, the instrument, and a price that is not so
    low that what is held would be dust. Nothing that waits for time or a report is at rest.
    """

    def __init__(self, portfolio: Portfolio, slots: dict[InstrumentId, Slot]) -> None:
        self._portfolio = portfolio
        self._slots = slots
        self._known: dict[TradeId, _Rest] = {}

    def holds(self, trade_id: TradeId) -> bool:
        """Whether it still is as it was when `look` found it at rest."""
        known, portfolio = self._known.get(trade_id), self._portfolio
        if known is None or trade_id in portfolio.exit_reasons:
            return False
        slot = self._slots[known.trade.instrument_id]
        working = portfolio.orders.working_of(trade_id)
        return (
            portfolio.trades.get(trade_id) is known.trade
            and slot.instrument is known.instrument
            and slot.mid >= known.from_price
            and len(working) == len(known.working)
            and all(map(_same, working, known.working))
        )

    def look(self, trade_id: TradeId) -> None:
        """Remember it if it rests, forget it if it does not."""
        self._known.pop(trade_id, None)
        trade = self._portfolio.trades.get(trade_id)
        if trade is None or trade_id in self._portfolio.exit_reasons:
            return
        slot = self._slots[trade.instrument_id]
        working = self._portfolio.orders.working_of(trade_id)
        if slot.mid <= 0.0 or not self._rests(trade, slot, working):
            return
        from_price = slot.mid * LOWER
        if trade_book.is_over(trade, slot.instrument, to_decimal(from_price)):
            from_price = slot.mid
        if len(self._known) > 2 * len(self._portfolio.trades):
            self._known.clear()
        self._known[trade_id] = _Rest(trade, slot.instrument, working, from_price)

    def _rests(self, trade: Trade, slot: Slot, working: list[Order]) -> bool:
        instrument, price = slot.instrument, slot.price()
        brackets = bracket.read(working, self._portfolio.orders.get)
        if brackets.waiting or brackets.void or trade_book.is_over(trade, instrument, price):
            return False
        stops = (o.remaining for o in working if o.approved.purpose is Purpose.STOP)
        if instrument.quantity_down(trade.quantity - sum(stops, ZERO)) > ZERO:
            return False
        # As if no cancel were on its way: what is being canceled may be refused to be.
        now = Situation(
            trade=trade,
            instrument=instrument,
            working=working,
            canceling=frozenset(),
            price=price,
            exit_reason="",
            brackets=brackets,
        )
        return next_steps(now) == NOTHING


def _same(one: Order, other: Order) -> bool:
    return one is other
