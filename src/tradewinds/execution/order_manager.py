"""Every order of ours from in flight to its end, whatever order the reports come in."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

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
from tradewinds.model.order import WORKING, ApprovedOrder, Fill, Order, OrderStatus

FILLED, IN_FLIGHT, OPEN, PARTIALLY_FILLED, UNKNOWN = (
    OrderStatus.FILLED,
    OrderStatus.IN_FLIGHT,
    OrderStatus.OPEN,
    OrderStatus.PARTIALLY_FILLED,
    OrderStatus.UNKNOWN,
)

NOTHING: Final[Mapping[ClientOrderId, Order]] = MappingProxyType({})
NO_IDS: Final[frozenset[ClientOrderId]] = frozenset()
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
        self._of_trade: dict[TradeId, dict[ClientOrderId, Order]] = {}
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
            status=IN_FLIGHT,
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
        return list(self._of_trade.get(trade_id, NOTHING).values())

    def canceling_of(self, orders: Iterable[Order]) -> frozenset[ClientOrderId]:
        """Those of these orders with a cancel in flight."""
        if not self._canceling:
            return NO_IDS
        ids = (order.approved.client_order_id for order in orders)
        return frozenset(order_id for order_id in ids if order_id in self._canceling)

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
        approved = order.approved
        order_id, trade_id = approved.client_order_id, approved.trade_id
        self.changed_ns = max(self.changed_ns, order.updated_time_ns)
        if order.status in WORKING:
            self._working[order_id] = order
            self._of_trade.setdefault(trade_id, {})[order_id] = order
            return
        if self._working.pop(order_id, None) is not None:
            siblings = self._of_trade[trade_id]
            del siblings[order_id]
            if not siblings:
                del self._of_trade[trade_id]
        self._canceling.discard(order_id)
        self._ended[order_id] = order
        if len(self._ended) > ENDED_KEPT:
            self._ended.popitem(last=False)


def _next_status(order: Order, report: OrderReport) -> OrderStatus:
    ending = ENDINGS.get(type(report))
    if ending is not None:
        return ending
    if isinstance(report, OrderOutcomeUnknown):
        return UNKNOWN if order.status is IN_FLIGHT else order.status
    if order.status in (IN_FLIGHT, UNKNOWN):
        return PARTIALLY_FILLED if order.filled_quantity > ZERO else OPEN
    return order.status


def _filled_status(order: Order, filled: Decimal) -> OrderStatus:
    if filled >= order.approved.quantity:
        return FILLED
    return PARTIALLY_FILLED if order.working else order.status
