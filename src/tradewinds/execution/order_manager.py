"""Every order of ours from in flight to its end, whatever order the reports come in."""

from collections import OrderedDict
from collections.abc import Iterable
from decimal import Decimal

from msgspec import structs

from tradewinds.model.decimals import ZERO
from tradewinds.model.events import (
    CancelRejected,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderOutcomeUnknown,
    OrderRejected,
)
from tradewinds.model.ids import ClientOrderId, TradeId
from tradewinds.model.order import ApprovedOrder, Fill, Order, OrderStatus

ENDED_KEPT = 2_000
"""Ended orders remembered for late fills and duplicates."""

OrderReport = (
    OrderAccepted
    | OrderRejected
    | OrderCanceled
    | OrderExpired
    | CancelRejected
    | OrderOutcomeUnknown
)
ENDINGS: dict[type, OrderStatus] = {
    OrderRejected: OrderStatus.REJECTED,
    OrderCanceled: OrderStatus.CANCELED,
    OrderExpired: OrderStatus.EXPIRED,
}


class OrderManager:
    """Working orders by id, and a bounded memory of ended ones."""

    def __init__(self) -> None:
        self._working: dict[ClientOrderId, Order] = {}
        self._ended: OrderedDict[ClientOrderId, Order] = OrderedDict()
        self._canceling: set[ClientOrderId] = set()
        self.changed_ns = 0

    def restore(self, orders: Iterable[Order]) -> None:
        """Take up the working orders of an earlier run."""
        for order in orders:
            self._keep(order)

    def submitted(self, approved: ApprovedOrder, now_ns: int) -> Order:
        """Note an order as in flight, before it leaves."""
        order = Order(
            approved=approved,
            status=OrderStatus.IN_FLIGHT,
            filled_quantity=ZERO,
            average_price=ZERO,
            submitted_time_ns=now_ns,
            updated_time_ns=now_ns,
        )
        self._keep(order)
        return order

    def get(self, order_id: ClientOrderId) -> Order | None:
        """A working or recently ended order."""
        return self._working.get(order_id) or self._ended.get(order_id)

    def working(self) -> list[Order]:
        """All that can still fill, oldest first."""
        return list(self._working.values())

    def working_of(self, trade_id: TradeId) -> list[Order]:
        """The working orders of one round trip, oldest first."""
        return [o for o in self._working.values() if o.approved.trade_id == trade_id]

    def request_cancel(self, order_id: ClientOrderId) -> bool:
        """Note that a cancel is on its way; False if one is already, or the order has ended."""
        if order_id in self._canceling or order_id not in self._working:
            return False
        self._canceling.add(order_id)
        return True

    def canceling(self, order_id: ClientOrderId) -> bool:
        """Whether a cancel of this order is in flight."""
        return order_id in self._canceling

    def apply(self, report: OrderReport) -> Order | None:
        """The order's new state, or None if nothing changed (late, duplicate, foreign)."""
        order = self._working.get(report.client_order_id)
        if order is None:
            return None
        if isinstance(report, CancelRejected):
            self._canceling.discard(report.client_order_id)
            return None
        status = _next_status(order, report)
        if status is order.status:
            return None
        reason = "" if isinstance(report, OrderAccepted) else report.reason
        changed = structs.replace(
            order, status=status, updated_time_ns=report.received_time_ns, reason=reason
        )
        self._keep(changed)
        return changed

    def apply_fill(self, fill: Fill) -> Order | None:
        """Add an execution. It may come before the acceptance or after the end; None if foreign.

        The caller has made sure that this fill was not booked before.
        """
        order = self.get(fill.client_order_id)
        if order is None:
            return None
        filled = order.filled_quantity + fill.quantity
        value = order.average_price * order.filled_quantity + fill.price * fill.quantity
        changed = structs.replace(
            order,
            status=_filled_status(order, filled),
            filled_quantity=filled,
            average_price=value / filled,
            updated_time_ns=fill.received_time_ns,
        )
        self._keep(changed)
        return changed

    def _keep(self, order: Order) -> None:
        order_id = order.approved.client_order_id
        self.changed_ns = max(self.changed_ns, order.updated_time_ns)
        if order.working:
            self._working[order_id] = order
            return
        self._working.pop(order_id, None)
        self._canceling.discard(order_id)
        self._ended[order_id] = order
        if len(self._ended) > ENDED_KEPT:
            self._ended.popitem(last=False)


def _next_status(order: Order, report: OrderReport) -> OrderStatus:
    ending = ENDINGS.get(type(report))
    if ending is not None:
        return ending
    if isinstance(report, OrderOutcomeUnknown):
        return OrderStatus.UNKNOWN if order.status is OrderStatus.IN_FLIGHT else order.status
    if order.status in (OrderStatus.IN_FLIGHT, OrderStatus.UNKNOWN):
        return OrderStatus.PARTIALLY_FILLED if order.filled_quantity > ZERO else OrderStatus.OPEN
    return order.status


def _filled_status(order: Order, filled: Decimal) -> OrderStatus:
    if filled >= order.approved.quantity:
        return OrderStatus.FILLED
    return OrderStatus.PARTIALLY_FILLED if order.working else order.status
