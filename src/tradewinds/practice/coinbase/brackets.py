"""Brackets and dates: what the exchange does not know by itself."""

from decimal import Decimal
from functools import partial

from tradewinds.model.decimals import ZERO
from tradewinds.practice.coinbase.parsing import worst
from tradewinds.practice.exchange import Exchange
from tradewinds.practice.orders import Order, OrderChanged, Traded, VenueEvent


class Brackets:
    """A bracket rests as its target; when the price falls to its trigger, the same order goes on
    as a limit far below. An order with a date expires when the date has come."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._resting: dict[int, Order] = {}
        self._dated: dict[int, Order] = {}
        exchange.voice.listeners.append(self._heard)

    def tick(self) -> None:
        """Dates that have come."""
        now_ns = self._exchange.clock.now_ns()
        for order in [o for o in self._dated.values() if _end_ns(o) <= now_ns]:
            del self._dated[order.id]
            self._exchange.expire(order, "end time")

    def _heard(self, event: VenueEvent) -> None:
        match event:
            case OrderChanged(order=order, execution="NEW"):
                if "trigger" in order.labels:
                    self._resting[order.id] = order
                if "end_ns" in order.labels:
                    self._dated[order.id] = order
            case OrderChanged(order=order) if not order.is_open:
                self._resting.pop(order.id, None)
                self._dated.pop(order.id, None)
            case Traded(symbol=symbol, price=price):
                self._look(symbol, price)

    def _look(self, symbol: str, price: Decimal) -> None:
        for order in [o for o in self._resting.values() if o.symbol == symbol]:
            trigger = order.labels["trigger"]
            assert isinstance(trigger, Decimal)
            if ZERO < price <= trigger:
                del self._resting[order.id]
                self._exchange.later(partial(self._fire, order))

    def _fire(self, order: Order) -> None:
        if not order.is_open or order.price is None:
            return
        market = self._exchange.markets[order.symbol]
        market.book.side(order.side).remove(order)
        market.book.touch(order.side, order.price)
        order.price, order.triggered = worst(order, market.listing), True
        self._exchange.start(order)


def _end_ns(order: Order) -> int:
    ends = order.labels["end_ns"]
    assert isinstance(ends, int)
    return ends
