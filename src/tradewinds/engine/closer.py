"""Keeps every round trip protected, closes what shall be closed, and knows when all is flat."""

from functools import partial

from tradewinds.engine import inventory
from tradewinds.engine.floor import Floor
from tradewinds.engine.leftovers import leftovers, phantoms
from tradewinds.engine.rest import Resting
from tradewinds.execution import bracket, legs, together, trade_book
from tradewinds.execution.bracket import Brackets
from tradewinds.execution.legs import Basket
from tradewinds.execution.protective import Situation, next_steps
from tradewinds.model.commands import EmergencyFinished, RecordTrade, SetTimer, StateChanged
from tradewinds.model.decimals import BPS, ONE, ZERO, to_decimal
from tradewinds.model.events import EmergencyStop
from tradewinds.model.ids import TradeId
from tradewinds.model.instrument import InstrumentStatus
from tradewinds.model.market import Side
from tradewinds.model.order import OrderIntent, Purpose
from tradewinds.model.portfolio import Trade, TradePhase, TradingState
from tradewinds.risk.breaker import Verdict
from tradewinds.risk.gate import approve_closing, approve_continuation

TRIES_MAX = 8
"""Rejected stops or exits of one round trip before we stop trading and call the operator."""


class Closer:
    """Acts on round trips and baskets after anything about them has changed."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._resting = Resting(floor.portfolio, floor.board.slots)
        self._emergencies: list[EmergencyStop] = []
        self._tries: dict[TradeId, int] = {}
        self._urgent: set[TradeId] = set()
        self._sleeping: dict[TradeId, int] = {}

    def attend(self, trade_id: TradeId) -> None:
        """Do what a round trip needs next; close its record when it is over."""
        floor = self._floor
        trade = floor.portfolio.trades.get(trade_id)
        if trade is None:
            return
        orders = floor.portfolio.orders
        instrument = floor.board.slots[trade.instrument_id].instrument
        price = floor.board.price(trade.instrument_id) or trade.entry_price or trade.pending_price
        if trade_book.is_over(trade, instrument, price):
            self._finish(trade)
            return
        working = orders.working_of(trade_id)
        brackets = bracket.read(working, orders.get)
        steps = next_steps(
            Situation(
                trade=trade,
                instrument=instrument,
                working=working,
                canceling=orders.canceling_of(working),
                price=price,
                exit_reason=floor.portfolio.exit_reasons.get(trade_id, ""),
                flatten=trade_id in self._urgent,
                attempt=floor.orders_made,
                brackets=brackets,
                impatient=self._impatient(trade, brackets),
            )
        )
        if steps.exit_reason:
            self.request_exit(trade_id, steps.exit_reason)
            return
        for order_id in steps.cancels:
            floor.cancel(order_id)
        for wish in steps.closings:
            floor.submit(approve_closing(trade, wish, floor.next_order_id()))

    def _impatient(self, trade: Trade, brackets: Brackets) -> bool:
        """Whether a partly filled entry has kept its stop asleep for too long."""
        floor = self._floor
        if not brackets.waiting or trade.quantity <= ZERO:
            return False
        due_ns = self._sleeping.get(trade.trade_id)
        if due_ns is None:
            due_ns = floor.out.now_ns + bracket.PATIENCE_NS
            self._sleeping[trade.trade_id] = due_ns
            timer = f"bracket:{trade.trade_id}"
            floor.out.put(SetTimer(timer_id=timer, due_ns=due_ns, cause=floor.out.cause))
        return floor.out.now_ns >= due_ns

    def _finish(self, trade: Trade) -> None:
        """Nothing left to hold: cancel what still works, and close the record after that."""
        floor = self._floor
        working = floor.portfolio.orders.working_of(trade.trade_id)
        if trade.quantity > ZERO and any(order.filled_quantity for order in working):
            return  # What is being sold already need not be left as dust.
        for order in working:
            floor.cancel(order.approved.client_order_id)
        if working:
            return
        reason = floor.portfolio.exit_reasons.pop(trade.trade_id, "") or trade.exit_reason
        closed = trade_book.closed(trade, floor.out.now_ns, reason)
        self._tell_gap(closed)
        floor.selection.closed(closed)
        floor.portfolio.trades.pop(trade.trade_id)
        self._tries.pop(trade.trade_id, None)
        self._sleeping.pop(trade.trade_id, None)
        self._urgent.discard(trade.trade_id)
        if trade.entry_quantity:
            floor.portfolio.trades_closed += 1
        floor.out.put(RecordTrade(trade=closed, time_ns=floor.out.now_ns, cause=floor.out.cause))

    def _tell_gap(self, closed: Trade) -> None:
        """A loss beyond the approved one is told each time, never hidden."""
        if closed.gap > ZERO:
            detail = (
                f"{closed.trade_id} lost {closed.gap} more than the {closed.approved_loss} approved"
            )
            self._floor.out.anomaly("stop_gap", closed.instrument_id, detail, always=True)

    def request_exit(self, trade_id: TradeId, reason: str) -> None:
        """Close a round trip at market; once asked, it stays asked."""
        floor = self._floor
        trade = floor.portfolio.trades.get(trade_id)
        if trade is None or trade_id in floor.portfolio.exit_reasons:
            return
        floor.portfolio.exit_reasons[trade_id] = reason or "no reason given"
        floor.keep_trade(trade_book.closing(trade))
        self.attend(trade_id)

    def leave_delisted(self, trade_id: TradeId) -> None:
        """Whatever it was leaving for before, it leaves because its market has ended."""
        self._floor.portfolio.exit_reasons.pop(trade_id, None)
        self.request_exit(trade_id, InstrumentStatus.DELISTED.value)

    def order_failed(self, trade_id: TradeId, purpose: Purpose, reason: str) -> None:
        """A stop or exit came to nothing. No stop, no position; no exit, no trading."""
        if purpose is Purpose.ENTER:
            return
        tries = self._tries.get(trade_id, 0) + 1
        self._tries[trade_id] = tries
        if purpose is Purpose.STOP:
            self.request_exit(trade_id, f"stop not accepted: {reason}")
        if tries >= TRIES_MAX:
            self.halt("cannot_close", f"a position cannot be closed: {reason}")

    def may_retry(self, trade_id: TradeId) -> bool:
        """Whether closing may be tried again at once; after a second failure it waits for the
        beat, by when a report that is late may have come.
        """
        return self._tries.get(trade_id, 0) <= 1

    def basket_moves(self, basket: Basket) -> None:
        """The working leg has ended: send the next one, unwind, or finish."""
        floor = self._floor
        moved, intents = self._next_of(basket)
        if not intents:
            self._finish_basket(moved)
            if moved.unwinding:
                self.sell_leftovers("left over by a broken basket")
            return
        if moved.together and moved.unwind_tries == together.PATIENCE:
            self.halt("cannot_restore", f"what {moved.trade_id} owes cannot be bought back")
        floor.portfolio.baskets[moved.trade_id] = moved
        for intent in intents:
            order = approve_continuation(intent, floor.next_order_id(), at_market=moved.unwinding)
            floor.submit(order)

    def _next_of(self, basket: Basket) -> tuple[Basket, tuple[OrderIntent, ...]]:
        floor = self._floor
        if basket.together:
            move = to_decimal(floor.limits.unwind_loss_bps) * BPS
            return together.put_right(basket, partial(inventory.touch, floor), move)
        moved, intent = legs.next_leg(basket)
        return moved, () if intent is None else (intent,)

    def _finish_basket(self, basket: Basket) -> None:
        floor = self._floor
        floor.portfolio.baskets.pop(basket.trade_id, None)
        if basket.together:
            result = inventory.give_back(floor, basket.strategy_id)
            basket = legs.with_result(basket, *result)
        if not (basket.spent or basket.returned or basket.realised or basket.fees):
            floor.selection.forget(basket.trade_id)
            return
        floor.portfolio.trades_closed += 1
        price = floor.portfolio.rate(basket.start_asset) or ONE
        trade = Trade(
            trade_id=basket.trade_id,
            strategy_id=basket.strategy_id,
            instrument_id=basket.legs[0].instrument.id,
            side=Side.BUY,
            phase=TradePhase.CLOSED,
            quantity=ZERO,
            entry_price=price,
            stop_price=price,
            opened_time_ns=basket.opened_time_ns,
            entry_quantity=basket.spent or basket.notional,
            exit_quantity=basket.returned,
            exit_price=price,
            fees=basket.fees,
            realised=basket.realised,
            closed_time_ns=floor.out.now_ns,
            reason=basket.reason,
            exit_reason="unwound" if basket.unwinding and basket.unwind_tries > 1 else "cycle",
            approved_loss=basket.unwind_loss,
            gap=trade_book.overshoot(basket.realised, basket.unwind_loss),
        )
        self._tell_gap(trade)
        floor.selection.closed(trade)
        floor.out.put(RecordTrade(trade=trade, time_ns=floor.out.now_ns, cause=floor.out.cause))

    def sell_leftovers(self, reason: str) -> None:
        """What strategies hold and no round trip accounts for becomes one that is closed; not
        while an order without a round trip may still change what is held."""
        portfolio = self._floor.portfolio
        if any(portfolio.strays()):
            return
        self._put_inventory_right()
        held = leftovers(portfolio.ledger.lots, portfolio.trades.values(), self._floor)
        for trade in list(held):
            portfolio.trades[trade.trade_id] = trade
            self.request_exit(trade.trade_id, reason)

    def _put_inventory_right(self) -> None:
        """What no cycle under way accounts for is given back, or bought back."""
        for basket in list(inventory.repairs(self._floor)):
            self._floor.portfolio.baskets[basket.trade_id] = basket
            self.basket_moves(basket)

    def drop_phantoms(self) -> None:
        """Round trips hold no more than the ledger does: it follows the venue fill by fill."""
        portfolio = self._floor.portfolio
        excess = list(phantoms(portfolio.ledger.lots, portfolio.trades.values(), self._floor))
        for trade, quantity in excess:
            self._floor.keep_trade(trade_book.taken_outside(trade, quantity))
            self.attend(trade.trade_id)

    def flatten(self, reason: str) -> None:
        """Cancel all, close all, at once: an exit that waits for the market is replaced."""
        portfolio = self._floor.portfolio
        for order in portfolio.strays():
            self._floor.cancel(order.approved.client_order_id)
        for trade_id in list(portfolio.trades):
            self._urgent.add(trade_id)
            if trade_id in portfolio.exit_reasons:
                self.attend(trade_id)
            else:
                self.request_exit(trade_id, reason)
        for basket in list(portfolio.baskets.values()):
            portfolio.baskets[basket.trade_id] = legs.unwinding(basket)
            for order in portfolio.orders.working_of(basket.trade_id):
                self._floor.cancel(order.approved.client_order_id)

    def halt(self, name: str, reason: str) -> None:
        """Stop for a reason that only the operator lifts, and close what is open."""
        if self._floor.breaker.raise_cause(name, TradingState.HALTED, reason):
            self.tell_state()
            self.flatten(reason)

    def obey(self, verdict: Verdict | None) -> None:
        """Carry out what the breaker wants."""
        if verdict is None:
            return
        self.tell_state()
        if verdict.flatten:
            self.flatten(verdict.reason)

    def tell_state(self) -> None:
        """Journal the state as it is now."""
        floor = self._floor
        floor.out.put(
            StateChanged(
                state=floor.breaker.state,
                reason=floor.breaker.reason,
                time_ns=floor.out.now_ns,
                cause=floor.out.cause,
            )
        )

    def emergency(self, event: EmergencyStop) -> None:
        """The operator wants out: halt, flatten, and report when flat is verified."""
        self._emergencies.append(event)
        reason = f"emergency stop: {event.reason}"
        self._floor.breaker.raise_cause("operator", TradingState.HALTED, reason)
        self.tell_state()
        self.flatten(reason)
        self.check_flat()

    def check_flat(self) -> None:
        """Answer every emergency stop once nothing works and nothing is held."""
        floor = self._floor
        if not self._emergencies or not floor.portfolio.flat():
            return
        for event in self._emergencies:
            floor.out.put(
                EmergencyFinished(
                    command_id=event.command_id,
                    flat=True,
                    detail="no working order, no open position",
                    started_ns=event.received_time_ns,
                    time_ns=floor.out.now_ns,
                    cause=floor.out.cause,
                )
            )
        self._emergencies.clear()

    def beat(self) -> None:
        """Try again what a report did not lead to the end of."""
        portfolio = self._floor.portfolio
        for trade_id in list(portfolio.trades):
            if not self._resting.holds(trade_id):
                self.attend(trade_id)
                self._resting.look(trade_id)
        for basket in list(portfolio.baskets.values()):
            if not portfolio.orders.working_of(basket.trade_id):
                self.basket_moves(basket)
        if portfolio.ledger.loans and not any(portfolio.strays()):
            self._put_inventory_right()
        self.check_flat()
