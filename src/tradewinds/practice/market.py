"""One listed symbol as it trades: book, tape, prices, and what an order would meet there."""

from collections.abc import Iterator
from decimal import Decimal

from tradewinds.model.decimals import ZERO
from tradewinds.model.market import Side
from tradewinds.practice.book import Book
from tradewinds.practice.listing import Listing
from tradewinds.practice.orders import Order
from tradewinds.practice.tape import Tape

DEEP = 1_000


class Market:
    """Rules, book and history of one symbol. `waiting` are the stops that have not fired."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self.book = Book()
        self.tape = Tape()
        self.last = ZERO
        self.mark = ZERO
        self.funding_rate = Decimal("0.0001")
        self.waiting: list[Order] = []
        self.told_id = self.book.update_id

    @property
    def reference(self) -> Decimal:
        """The last price, or the middle of the book, or zero."""
        bid, ask = self.book.bids.best(), self.book.asks.best()
        if self.last > ZERO:
            return self.last
        return (bid + ask) / 2 if bid is not None and ask is not None else ZERO

    @property
    def mark_price(self) -> Decimal:
        """The mark price, or what stands in for it while none was given."""
        return self.mark or self.reference

    def crosses(self, order: Order) -> bool:
        """Whether it would take at once."""
        best = self.book.side(order.side.opposite).best()
        return best is not None and accepts(order, best)

    def fillable(self, order: Order) -> bool:
        """Whether all of it could be taken at once."""
        levels = self.book.levels(order.side.opposite, DEEP)
        reach = sum((size for price, size in levels if accepts(order, price)), ZERO)
        return reach >= order.remaining

    def hit(self, order: Order) -> bool:
        """Whether a stop's price has come."""
        price = self.mark_price if order.on_mark else self.reference
        if order.stop_price is None or price <= ZERO:
            return False
        return price >= order.stop_price if order.rises else price <= order.stop_price

    def average_to_take(self, side: Side, quantity: Decimal) -> Decimal:
        """What a base unit would cost by the book as it is, or the best guess."""
        left, cost = quantity, ZERO
        for price, size in self.book.levels(side.opposite, DEEP):
            part = min(left, size)
            cost, left = cost + part * price, left - part
            if left <= ZERO:
                break
        taken = quantity - left
        return cost / taken if taken > ZERO else self.reference


def accepts(order: Order, price: Decimal) -> bool:
    """Whether `order` may trade at `price`."""
    if order.price is None:
        return True
    return price <= order.price if order.side is Side.BUY else price >= order.price


def passed(own: dict[Decimal, list[Order]], price: Decimal, taker: Side) -> Iterator[Order]:
    """Orders that somebody who takes at `price` meets, best first, oldest first."""
    for level in sorted(own, reverse=taker is Side.SELL):
        if level < price if taker is Side.SELL else level > price:
            return
        yield from list(own[level])
