"""The venue is right: its orders, fills, balances, positions, and what differs here."""

from collections.abc import Iterator
from decimal import Decimal

from tradewinds.engine.closer import Closer
from tradewinds.engine.floor import Floor
from tradewinds.engine.reports import Reports
from tradewinds.execution import trade_book
from tradewinds.model.commands import CancelOrder, RecordTransaction
from tradewinds.model.decimals import ZERO
from tradewinds.model.events import (
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    RunStarted,
    VenueOrder,
    VenueStateRead,
    VenueTroubleChanged,
)
from tradewinds.model.ids import ACCOUNT, Asset, InstrumentId, RunId, StrategyId, run_of
from tradewinds.model.instrument import InstrumentKind
from tradewinds.model.market import Side
from tradewinds.model.order import WORKING, OrderStatus, Purpose
from tradewinds.model.portfolio import Trade, TradingState

OURS = "tw-"
"""Every client order id of ours begins so, whatever run it is from."""
DUST = Decimal("0.00000001")
"""Venues show eight places: less than that is their rounding, not a difference."""
QUIET_NS = 10_000_000_000
"""Balances are compared only when nothing of ours has moved for this long: readings race fills."""
CAUSE = "venue:"
STOPPING = "stopping"
"""The cause by which the edge says that this engine ends soon: what could still open is withdrawn,
because nobody would be there to protect it."""
OPENS = frozenset({Purpose.ENTER, Purpose.LEG})
STANDING = frozenset({OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED})
ENDINGS: dict[OrderStatus, type[OrderCanceled | OrderExpired | OrderRejected]] = {
    OrderStatus.CANCELED: OrderCanceled,
    OrderStatus.EXPIRED: OrderExpired,
    OrderStatus.REJECTED: OrderRejected,
}


class Reconciler:
    """Takes readings of the venue's state."""

    def __init__(self, floor: Floor, closer: Closer, reports: Reports) -> None:
        self._floor = floor
        self._closer = closer
        self._reports = reports
        self._readings = 0
        self._others: dict[Asset, Decimal] = {}
        self._others_known = False
        self._own_runs: frozenset[RunId] | None = None
        self._unpriced = ""

    def start(self, event: RunStarted) -> None:
        """Whose orders are ours."""
        if event.own_runs is not None:
            self._own_runs = frozenset({*event.own_runs, event.run_id})

    def trouble(self, event: VenueTroubleChanged) -> None:
        """A cause at the venue forbids new risk, or no longer does."""
        breaker = self._floor.breaker
        name = f"{CAUSE}{event.cause}"
        if event.reason:
            changed = breaker.raise_cause(name, TradingState.REDUCING, event.reason)
        else:
            changed = breaker.clear_cause(name)
        if changed:
            self._closer.tell_state()
        if event.cause == STOPPING:
            self._withdraw()

    def _withdraw(self) -> None:
        for order in self._floor.portfolio.orders.working():
            if order.approved.purpose in OPENS:
                self._floor.cancel(order.approved.client_order_id)

    def take(self, event: VenueStateRead) -> None:
        """Fills first, then orders, then what is left of differences. Trading goes on after a
        reading that compared them: one with something in flight has shown nothing yet."""
        self._readings += 1
        for fill in event.fills:
            if not self._floor.portfolio.ledger.is_booked(fill):
                self._reports.filled(
                    OrderFilled(
                        fill=fill,
                        venue_time_ns=event.venue_time_ns,
                        received_time_ns=event.received_time_ns,
                    )
                )
        for order in event.orders:
            self._order(order, event)
        self._floor.purses.told(event)
        if not event.whole or not self._quiet():
            return
        self._balances(event)
        self._positions(event)
        self._lift("reconcile")

    def _order(self, order: VenueOrder, event: VenueStateRead) -> None:
        known = self._floor.portfolio.orders.get(order.client_order_id)
        if known is None:
            self._stranger(order)
        elif known.working:
            self._catch_up(order, event)
        elif order.status in STANDING and known.status is not OrderStatus.FILLED:
            # Its end was told, and another may have taken its place: the two would act twice.
            self._orphan(order)

    def _stranger(self, order: VenueOrder) -> None:
        """An orphan of ours is cancelled; an order of the user's is left alone and flagged. One of
        another Tradewinds protects what that one holds: it is left alone, and nothing new is risked
        here, because two that trade one account know neither its risk nor its money."""
        floor = self._floor
        if order.status not in WORKING:
            return
        if not order.client_order_id.startswith(OURS):
            floor.out.anomaly("external_order", order.instrument_id, order.client_order_id)
            return
        run = run_of(order.client_order_id)
        if self._own_runs is None or run in self._own_runs:
            self._orphan(order)
            return
        floor.out.anomaly("foreign_order", order.instrument_id, order.client_order_id)
        reason = (
            f"order {order.client_order_id} of another Tradewinds rests on this account: stop one "
            "of the two, then resume"
        )
        if floor.breaker.raise_cause("foreign", TradingState.REDUCING, reason):
            self._closer.tell_state()

    def _orphan(self, order: VenueOrder) -> None:
        floor = self._floor
        floor.out.anomaly("orphan_order", order.instrument_id, order.client_order_id)
        floor.out.put(
            CancelOrder(
                client_order_id=order.client_order_id,
                instrument_id=order.instrument_id,
                time_ns=floor.out.now_ns,
                cause=floor.out.cause,
            )
        )

    def _catch_up(self, order: VenueOrder, event: VenueStateRead) -> None:
        """Make up for a report that never came. A fill is never made up: it has a price."""
        times = {
            "venue_time_ns": event.venue_time_ns,
            "received_time_ns": event.received_time_ns,
        }
        ids = {"client_order_id": order.client_order_id, "instrument_id": order.instrument_id}
        ending = ENDINGS.get(order.status)
        if ending is not None:
            reason = order.reason or f"found {order.status.value} at the venue"
            self._reports.order_report(ending(reason=reason, **ids, **times))  # type: ignore[arg-type]
        elif order.status in (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED):
            accepted = OrderAccepted(venue_order_id=order.venue_order_id, **ids, **times)  # type: ignore[arg-type]
            self._reports.order_report(accepted)

    def _quiet(self) -> bool:
        """Nothing in flight, and nothing of ours has changed lately. The first reading of a run was
        made before this run sent anything."""
        now_ns = self._floor.out.now_ns
        orders = self._floor.portfolio.orders
        in_flight = (OrderStatus.IN_FLIGHT, OrderStatus.UNKNOWN)
        long_ago = self._readings == 1 or now_ns - orders.changed_ns >= QUIET_NS
        return long_ago and not any(order.status in in_flight for order in orders.working())

    def _balances(self, event: VenueStateRead) -> None:
        """Money that moved without us is booked as capital, and flagged; our result does not
        change. What else lies there beyond what we bought is the user's own: not counted, not
        touched, and flagged when it changes."""
        portfolio = self._floor.portfolio
        held = portfolio.ledger.balances
        self._unpriced = ""
        for asset in sorted({*held, *event.balances, *self._others}):
            change = event.balances.get(asset, ZERO) - held.get(asset, ZERO)
            change -= portfolio.waiting.get(asset, ZERO)
            if asset != portfolio.currency:
                self._note_others(asset, max(change, ZERO))
                change = min(change, ZERO)
            if abs(change) > DUST:
                self._external(asset, change, event)
        self._others_known = True
        self._reports.own_fees.clear()
        if self._unpriced:
            self._hold("valuation", f"{self._unpriced} left the account and has no price here")
        else:
            self._lift("valuation")

    def _note_others(self, asset: Asset, quantity: Decimal) -> None:
        """What the user owns beside us, less the fees of ours that it paid. The first reading says
        what was there before."""
        known = quantity
        if self._others_known:
            paid = self._reports.own_fees.get(asset, ZERO)
            known = max(self._others.get(asset, ZERO) - paid, ZERO)
        self._others[asset] = quantity
        if abs(quantity - known) > DUST:
            detail = f"{(quantity - known).normalize():+f} {asset} of your own, not ours"
            self._flag(detail)

    def _flag(self, detail: str) -> None:
        self._floor.out.anomaly("external_change", InstrumentId(""), detail, always=True)

    def _external(self, asset: Asset, change: Decimal, event: VenueStateRead) -> None:
        floor = self._floor
        rate = floor.portfolio.rate(asset)
        self._flag(f"{change.normalize():+f} {asset}")
        if rate is None:
            self._unpriced = asset
            return
        before = floor.portfolio.equity()
        for owner, part in self._owners(asset, change):
            change_id = f"{self._readings}:{event.received_time_ns}:{asset}:{owner}"
            booked = floor.portfolio.ledger.book_external(
                change_id, owner, (asset, part, rate), event.venue_time_ns
            )
            if booked is not None:
                floor.out.put(RecordTransaction(transaction=booked, cause=floor.out.cause))
            if part < ZERO and owner != ACCOUNT:
                self._shrink(owner, asset, -part)
        after = floor.portfolio.equity()
        if before is not None and after is not None:
            floor.breaker.shift(after - before)
        floor.portfolio.mark_values()

    def _owners(self, asset: Asset, change: Decimal) -> Iterator[tuple[StrategyId, Decimal]]:
        """Whose it was: what arrives is the account's; what leaves was the account's first."""
        portfolio = self._floor.portfolio
        if change > ZERO or asset == portfolio.currency:
            yield ACCOUNT, change
            return
        missing = -change
        lots = [
            lot for lot in portfolio.ledger.lots if lot.asset == asset and not lot.instrument_id
        ]
        for lot in sorted(lots, key=lambda lot: (lot.strategy_id != ACCOUNT, lot.strategy_id)):
            part = min(missing, lot.quantity)
            if part > ZERO:
                yield lot.strategy_id, -part
                missing -= part

    def _shrink(self, owner: StrategyId, asset: Asset, quantity: Decimal) -> None:
        """The user sold what a round trip held: it is smaller now, or over."""
        portfolio = self._floor.portfolio
        for trade in list(portfolio.trades.values()):
            slot = self._floor.board.slots[trade.instrument_id]
            if trade.strategy_id != owner or slot.instrument.base != asset or quantity <= ZERO:
                continue
            part = min(quantity, trade.quantity)
            quantity -= part
            self._taken(trade, part)

    def _positions(self, event: VenueStateRead) -> None:
        """Perpetuals: what we think we hold against what the venue holds. A difference that no fill
        explains has no price, so it is not made up: the operator looks, nothing new is risked.
        Nor is anything while the user holds something there too: the venue nets it with ours."""
        told = {position.instrument_id: position.quantity for position in event.positions}
        flaw = ""
        for slot in self._floor.board.slots.values():
            instrument = slot.instrument
            if instrument.kind is not InstrumentKind.PERPETUAL:
                continue
            flaw = self._position(instrument.id, told.get(instrument.id, ZERO)) or flaw
        if flaw:
            self._hold("position", flaw)
        else:
            self._lift("position")

    def _position(self, instrument_id: InstrumentId, theirs: Decimal) -> str:
        """What is wrong with it."""
        own = self._reports.outside.own(instrument_id)
        ours = self._signed(instrument_id)
        if ours + own == theirs:
            held = f"{instrument_id}: you hold {own:f} there by hand"
            return f"{held}; close it, or trade by hand in another account" if own else ""
        detail = f"ours {ours:f}, yours {own:f}, the venue's {theirs:f}"
        self._floor.out.anomaly("external_position", instrument_id, detail)
        return f"{instrument_id}: {detail}; close the difference yourself"

    def _taken(self, trade: Trade, quantity: Decimal) -> None:
        floor = self._floor
        floor.keep_trade(trade_book.taken_outside(trade, quantity))
        self._closer.attend(trade.trade_id)

    def _hold(self, cause: str, reason: str) -> None:
        if self._floor.breaker.raise_cause(f"{CAUSE}{cause}", TradingState.REDUCING, reason):
            self._closer.tell_state()

    def _lift(self, cause: str) -> None:
        if self._floor.breaker.clear_cause(f"{CAUSE}{cause}"):
            self._closer.tell_state()

    def _signed(self, instrument_id: InstrumentId) -> Decimal:
        total = ZERO
        for trade in self._floor.portfolio.trades.values():
            if trade.instrument_id == instrument_id:
                total += trade.quantity if trade.side is Side.BUY else -trade.quantity
        return total
