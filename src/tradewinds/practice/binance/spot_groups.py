"""Order lists: one cancels the other, one triggers the other, and both at once."""

from decimal import Decimal

from tradewinds.model.market import Side
from tradewinds.practice.exchange import Exchange
from tradewinds.practice.market import Market
from tradewinds.practice.orders import (
    LIST_PRICES,
    GroupChanged,
    Order,
    OrderGroup,
    Refused,
    Status,
)

OCO_TRIGGER = "OCO_TRIGGER"
FIRST_PHASE_EXPIRED = "OTO_PHASE_ONE_EXPIRED"
REJECTED = "REJECTED"


class Groups:
    """Keeps the orders of a list in step, by the exchange's hooks."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.groups: dict[int, OrderGroup] = {}
        exchange.voice.on_fill.append(self._filled)
        exchange.voice.on_trigger.append(self._triggered)
        exchange.voice.on_end.append(self._ended)

    def submit(self, group: OrderGroup) -> None:
        """Raises Refused, and then nothing happened."""
        exchange = self._exchange
        first = group.pending if group.working is None else [group.working]
        with exchange:
            for order in first:
                exchange.admit(order)
                order.group = group
            self._reserve(first)
            self._register(group, first)
            group.armed = group.working is None
            for order in first:
                if order.is_open:
                    exchange.start(order)

    def cancel(self, group: OrderGroup, cancel_id: str) -> None:
        """All of it."""
        with self._exchange:
            for order in group.orders:
                self._exchange.cancel(order, cancel_id)

    def _reserve(self, orders: list[Order]) -> None:
        # Only one of them can fill: they share what is set aside.
        try:
            for order in orders:
                order.hold = orders[0].hold
                self._exchange.reserve(order)
        except Refused:
            for order in orders:
                order.status = Status.REJECTED
            self._exchange.release(orders[0])
            raise

    def _register(self, group: OrderGroup, first: list[Order]) -> None:
        group.id = len(self.groups)
        group.created_ns = self._exchange.clock.now_ns()
        group.client_id = group.client_id or f"practicelist{group.id}"
        self.groups[group.id] = group
        for order in group.orders:
            order.group = group
            if order not in first:
                order.status = Status.PENDING_NEW
            self._exchange.register(order)
        self._exchange.voice.say(GroupChanged(group=group))

    def _filled(self, order: Order) -> None:
        group = order.group
        if group is None:
            return
        if order is group.working:
            if order.status is Status.FILLED:
                self._arm(group)
        else:
            self._drop_others(group, order)
        self._conclude(group)

    def _triggered(self, order: Order) -> None:
        if order.group is not None:
            self._drop_others(order.group, order)

    def _ended(self, order: Order) -> None:
        group = order.group
        if group is None:
            return
        phase_one = order is group.working
        for other in group.orders:
            if other is not order and other.is_open:
                if order.status is Status.CANCELED:
                    self._exchange.cancel(other)
                elif phase_one:
                    self._exchange.expire(other, FIRST_PHASE_EXPIRED)
        self._conclude(group)

    def _drop_others(self, group: OrderGroup, order: Order) -> None:
        for other in group.pending:
            if other is not order and other.is_open:
                self._exchange.expire(other, OCO_TRIGGER)

    def _arm(self, group: OrderGroup) -> None:
        """A leg that cannot be paid for or would act at once expires, and takes the other along."""
        group.armed = True
        try:
            self._reserve(group.pending)
        except Refused:
            for order in group.pending:
                order.status = Status.PENDING_NEW
                self._exchange.expire(order, REJECTED)
            return
        for order in group.pending:
            if order.is_open:
                self._exchange.start(order)

    def _conclude(self, group: OrderGroup) -> None:
        if not group.done and not any(order.is_open for order in group.orders):
            group.done = True
            self._exchange.voice.say(GroupChanged(group=group))


def check_relation(above: Order, below: Order, market: Market) -> None:
    """The last price lies between the two. Raises Refused."""
    last = market.reference
    high, low = _level(above), _level(below)
    if not low < last < high:
        raise Refused(LIST_PRICES)


def _level(order: Order) -> Decimal:
    level = order.stop_price if order.stop_price is not None else order.price
    assert level is not None
    return level


def stops_belong(above: Order, below: Order) -> tuple[int, str] | None:
    """Binance's complaint where a leg is on the wrong side of its kind."""
    side = above.side
    stop_above, stop_below = (o.type.startswith("STOP_LOSS") for o in (above, below))
    if stop_above == stop_below:
        return -1168, "At least one OCO order must be contingent."
    if side is Side.BUY and not stop_above:
        return -1196, "A stop loss order in a buy OCO must be above."
    if side is Side.SELL and not stop_below:
        return -1197, "A stop loss order in a sell OCO must be below."
    return None
