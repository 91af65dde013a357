"""What the venue says: booked once, applied to order and round trip, then acted upon."""

from decimal import Decimal

from tradewinds.engine.closer import Closer
from tradewinds.engine.floor import Floor
from tradewinds.engine.inventory import cover
from tradewinds.engine.outside import Outside
from tradewinds.execution import legs, trade_book
from tradewinds.execution.order_manager import OrderReport
from tradewinds.ledger.fills import FillContext
from tradewinds.ledger.results import totals_of
from tradewinds.model.commands import RecordOrder, RecordTransaction
from tradewinds.model.decimals import ONE, ZERO
from tradewinds.model.events import FundingPaid, OrderFilled
from tradewinds.model.ids import ACCOUNT, Asset, ClientOrderId, InstrumentId, StrategyId, TradeId
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.ledger import Transaction
from tradewinds.model.order import Fill, Order, OrderStatus, Purpose
from tradewinds.model.portfolio import TradingState

BASKET_ORDERS = frozenset({Purpose.LEG, Purpose.UNWIND})
"""A basket does not outlive its run: what its last order still brought is sold."""
FAILED = frozenset({OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.CANCELED})


class Reports:
    """Venue reports in, consequences out."""

    def __init__(self, floor: Floor, closer: Closer) -> None:
        self._floor = floor
        self._closer = closer
        self.outside = Outside(floor, closer)
        self._early: dict[ClientOrderId, list[OrderFilled]] = {}
        self.own_fees: dict[Asset, Decimal] = {}

    def order_report(self, report: OrderReport) -> None:
        """Accepted, rejected, canceled, expired, unknown."""
        floor = self._floor
        asked_for = floor.portfolio.orders.canceling(report.client_order_id)
        order = floor.portfolio.orders.apply(report)
        if order is None:
            if floor.portfolio.orders.get(report.client_order_id) is None:
                floor.out.anomaly("foreign_report", report.instrument_id, report.client_order_id)
            return
        floor.out.put(RecordOrder(order=order, time_ns=floor.out.now_ns, cause=floor.out.cause))
        self._follow(order, asked_for=asked_for)

    def _follow(self, order: Order, *, asked_for: bool) -> None:
        """An order has changed: its round trip or basket may need something."""
        floor, approved = self._floor, order.approved
        trade_id = approved.trade_id
        if trade_id in floor.portfolio.baskets:
            # A way back that was refused is tried again at the beat: a fill may be on its way.
            refused = approved.purpose is Purpose.UNWIND and not order.filled_quantity
            busy = bool(floor.portfolio.orders.working_of(trade_id))
            if not busy and not refused:
                self._closer.basket_moves(floor.portfolio.baskets[trade_id])
        elif trade_id in floor.portfolio.trades and not order.working:
            trade = floor.portfolio.trades[trade_id]
            changed = trade_book.with_entry_ended(trade, order)
            if changed is not trade:
                floor.keep_trade(changed)
            sibling_ended = approved.oco_group and order.status is OrderStatus.CANCELED
            # A leg that was not armed, or was lost, is followed by a stop of its own.
            expected = asked_for or sibling_ended or approved.bracket
            if order.status in FAILED and not expected:
                self._closer.order_failed(trade_id, approved.purpose, order.reason)
            if self._closer.may_retry(trade_id):
                self._closer.attend(trade_id)
        elif trade_id not in floor.portfolio.trades and not order.working:
            self._closer.sell_leftovers("filled without a round trip")
        self._closer.check_flat()

    def filled(self, event: OrderFilled) -> None:
        """Book the fill once; then move its order and its round trip."""
        floor, fill = self._floor, event.fill
        slot = floor.board.slots.get(fill.instrument_id)
        if slot is None:
            floor.out.anomaly("unknown_instrument", fill.instrument_id, "a fill")
            self._closer.halt("foreign", f"fill in unknown instrument {fill.instrument_id}")
            return
        order = floor.portfolio.orders.get(fill.client_order_id)
        if order is not None and self._too_early(order):
            self._early.setdefault(order.approved.bracket, []).append(event)
            return
        if order is None and _outside(fill, slot.instrument):
            self._from_outside(fill, slot.instrument)
            return
        transaction = self._book(fill, order, slot.instrument)
        if transaction is None:
            floor.out.anomaly("duplicate_fill", fill.instrument_id, fill.fill_id)
            return
        if order is None:
            self._foreign_fill(fill)
        else:
            self._apply(fill, transaction, slot.instrument)
        self._after_money_moved()
        for waiting in self._early.pop(fill.client_order_id, ()):
            self.filled(waiting)

    def _too_early(self, order: Order) -> bool:
        """A leg acts only once its entry has filled whole: what it sold cannot be booked before
        that has been told."""
        carrier = self._floor.portfolio.orders.get(order.approved.bracket)
        return carrier is not None and carrier is not order and carrier.working

    def _from_outside(self, fill: Fill, instrument: Instrument) -> None:
        if self._floor.portfolio.ledger.is_booked(fill):
            self._floor.out.anomaly("duplicate_fill", fill.instrument_id, fill.fill_id)
            return
        self.outside.filled(fill, lambda part, owner: self._book(part, None, instrument, owner))
        self._after_money_moved()

    def _book(
        self,
        fill: Fill,
        order: Order | None,
        instrument: Instrument,
        owner: StrategyId | None = None,
    ) -> Transaction | None:
        floor = self._floor
        context = FillContext(
            instrument=instrument,
            strategy_id=owner or self._owner(fill, order),
            trade_id=TradeId("") if order is None else order.approved.trade_id,
            decision_price=fill.price if order is None else order.approved.decision_price,
            quote_rate=self._rate(instrument.quote),
            fee_rate=self._fee_rate(fill, instrument),
        )
        if not floor.portfolio.ledger.is_booked(fill):
            self._bring_fee(fill, context)
            cover(floor, fill, context)
        transaction = floor.portfolio.ledger.book_fill(fill, context)
        if transaction is not None:
            floor.out.put(RecordTransaction(transaction=transaction, cause=floor.out.cause))
        return transaction

    def _bring_fee(self, fill: Fill, context: FillContext) -> None:
        """A fee in an asset that is the user's own (a venue's coin, for its discount): what was
        paid is put in as capital first, and then it is a cost like any other."""
        floor = self._floor
        ledger = floor.portfolio.ledger
        asset, instrument = fill.fee_asset, context.instrument
        if asset in (instrument.base, instrument.quote, floor.portfolio.currency):
            return
        missing = fill.fee - ledger.balances.get(asset, ZERO)
        if fill.fee <= ZERO or missing <= ZERO:
            return
        brought = ledger.book_external(
            f"fee:{fill.instrument_id}:{fill.fill_id}",
            ACCOUNT,
            (asset, missing, context.fee_rate),
            fill.venue_time_ns,
        )
        if brought is not None:
            floor.out.put(RecordTransaction(transaction=brought, cause=floor.out.cause))
            paid = self.own_fees.get(fill.fee_asset, ZERO)
            self.own_fees[fill.fee_asset] = paid + missing

    def _fee_rate(self, fill: Fill, instrument: Instrument) -> Decimal:
        """Account currency per fee asset; a base asset is worth what it was just traded at."""
        if fill.fee_asset == instrument.base:
            return fill.price * self._rate(instrument.quote)
        return self._rate(fill.fee_asset)

    def _rate(self, asset: Asset) -> Decimal:
        """Account currency per asset. What has happened must be booked even without a price: it
        is booked at 1, and nothing new is risked until the operator has looked."""
        rate = self._floor.portfolio.rate(asset)
        if rate is not None:
            return rate
        reason = f"no price for {asset}: booked at 1"
        self._floor.out.anomaly("unknown_rate", InstrumentId(""), reason)
        if self._floor.breaker.raise_cause("valuation", TradingState.REDUCING, reason):
            self._closer.tell_state()
        return ONE

    def _owner(self, fill: Fill, order: Order | None) -> StrategyId:
        if order is not None:
            return order.approved.strategy_id
        for trade in self._floor.portfolio.trades.values():
            if trade.instrument_id == fill.instrument_id:
                return trade.strategy_id
        return ACCOUNT

    def _apply(self, fill: Fill, transaction: Transaction, instrument: Instrument) -> None:
        floor = self._floor
        floor.purses.moved(fill, instrument)
        order = floor.portfolio.orders.apply_fill(fill)
        if order is None:
            return
        floor.out.put(RecordOrder(order=order, time_ns=floor.out.now_ns, cause=floor.out.cause))
        totals = totals_of(transaction)
        trade_id = order.approved.trade_id
        basket = floor.portfolio.baskets.get(trade_id)
        trade = floor.portfolio.trades.get(trade_id)
        if basket is not None:
            moved = legs.with_fill(basket, fill, instrument)
            floor.portfolio.baskets[trade_id] = legs.with_result(moved, totals.net, totals.fees)
        elif trade is not None:
            moved_trade = trade_book.with_fill(trade, order.approved, fill, instrument)
            floor.keep_trade(trade_book.with_result(moved_trade, totals.net, totals.fees))
            self._closer.attend(trade_id)
        else:
            self._late(fill, order)
        if not order.working:
            self._follow(order, asked_for=True)

    def _late(self, fill: Fill, order: Order) -> None:
        """Its round trip has ended: what it sold is not there for the one that took its place."""
        if order.approved.purpose not in BASKET_ORDERS:
            self._closer.halt("late_fill", f"fill {fill.fill_id} after its round trip had ended")
        self._closer.drop_phantoms()

    def _foreign_fill(self, fill: Fill) -> None:
        """Neither our order nor anything that can be explained: nothing new is risked."""
        floor = self._floor
        floor.out.anomaly("foreign_fill", fill.instrument_id, fill.fill_id)
        reason = f"a fill that is not ours: {fill.fill_id}"
        if floor.breaker.raise_cause("foreign", TradingState.REDUCING, reason):
            self._closer.tell_state()

    def funding(self, event: FundingPaid) -> None:
        """Book funding to the strategy that holds the position."""
        floor = self._floor
        owner = ACCOUNT
        for trade in floor.portfolio.trades.values():
            if trade.instrument_id == event.instrument_id:
                owner = trade.strategy_id
        rate = self._rate(event.asset)
        transaction = floor.portfolio.ledger.book_funding(event, owner, rate)
        if transaction is None:
            floor.out.anomaly("duplicate_funding", event.instrument_id, event.funding_id)
            return
        floor.out.put(RecordTransaction(transaction=transaction, cause=floor.out.cause))
        self._after_money_moved()

    def _after_money_moved(self) -> None:
        """Look at the law again: equity, the day, the invariant."""
        floor = self._floor
        floor.portfolio.mark_values()
        realised = floor.portfolio.settled(floor.breaker.day)
        equity = floor.portfolio.equity()
        if equity is not None:
            self._closer.obey(floor.breaker.judge_equity(equity, realised))
        self._closer.obey(floor.breaker.judge_invariant(realised, floor.portfolio.open_risk()))
        self._closer.check_flat()


def _outside(fill: Fill, instrument: Instrument) -> bool:
    """Whether an execution moved a position that we share, without an order of ours."""
    perpetual = instrument.kind is InstrumentKind.PERPETUAL
    return perpetual and (fill.venue_initiated or fill.external)
