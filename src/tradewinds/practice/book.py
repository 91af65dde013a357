"""One symbol's order book: liquidity from outside and the venue's own customers' orders.

At one price what came from outside is served first: nobody knows how long it had been there.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from tradewinds.model.decimals import ZERO
from tradewinds.model.market import Side
from tradewinds.practice.orders import Order

Level = tuple[Decimal, Decimal]
LOGGED = 200_000


class HalfBook:
    """One side. Prices are kept sorted, best first by `levels`."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.outside: dict[Decimal, Decimal] = {}
        self.own: dict[Decimal, list[Order]] = {}
        self._prices: list[Decimal] = []

    def set_outside(self, price: Decimal, quantity: Decimal) -> None:
        """Zero takes the level away."""
        if quantity > ZERO:
            self.outside[price] = quantity
        else:
            self.outside.pop(price, None)
        self._settle(price)

    def rest(self, order: Order, price: Decimal) -> None:
        """Last in line at its price."""
        self.own.setdefault(price, []).append(order)
        self._settle(price)

    def remove(self, order: Order) -> bool:
        """Whether it was here."""
        line = self.own.get(order.price) if order.price is not None else None
        if line is None or order not in line or order.price is None:
            return False
        line.remove(order)
        if not line:
            del self.own[order.price]
        self._settle(order.price)
        return True

    def shown(self, price: Decimal) -> Decimal:
        """All that is offered at `price`."""
        own = sum((order.remaining for order in self.own.get(price, ())), ZERO)
        return self.outside.get(price, ZERO) + own

    def best(self) -> Decimal | None:
        """The best price, if there is any."""
        if not self._prices:
            return None
        return self._prices[-1] if self.side is Side.BUY else self._prices[0]

    def prices(self) -> Iterator[Decimal]:
        """Best first."""
        return iter(self._prices[::-1] if self.side is Side.BUY else list(self._prices))

    def _settle(self, price: Decimal) -> None:
        at = bisect_left(self._prices, price)
        listed = at < len(self._prices) and self._prices[at] == price
        wanted = price in self.outside or price in self.own
        if wanted and not listed:
            insort(self._prices, price)
        elif listed and not wanted:
            del self._prices[at]


class Book:
    """Both sides, with the update ids that depth streams and snapshots agree on."""

    def __init__(self, first_update_id: int = 1_000) -> None:
        self.bids = HalfBook(Side.BUY)
        self.asks = HalfBook(Side.SELL)
        self.update_id = first_update_id
        self._log: deque[tuple[int, Side, Decimal]] = deque(maxlen=LOGGED)

    def side(self, side: Side) -> HalfBook:
        """Bids for BUY, asks for SELL."""
        return self.bids if side is Side.BUY else self.asks

    def touch(self, side: Side, price: Decimal) -> None:
        """A level changed: the next depth update tells its new size."""
        self.update_id += 1
        self._log.append((self.update_id, side, price))

    def set_outside(self, side: Side, price: Decimal, quantity: Decimal) -> None:
        """Liquidity from outside at one price."""
        half = self.side(side)
        if half.outside.get(price, ZERO) != quantity:
            half.set_outside(price, quantity)
            self.touch(side, price)

    def replace_outside(self, side: Side, levels: Iterable[Level]) -> None:
        """All liquidity from outside on one side."""
        wanted: Mapping[Decimal, Decimal] = dict(levels)
        for price in [p for p in self.side(side).outside if p not in wanted]:
            self.set_outside(side, price, ZERO)
        for price, quantity in wanted.items():
            self.set_outside(side, price, quantity)

    def levels(self, side: Side, limit: int) -> list[Level]:
        """Best first."""
        half = self.side(side)
        out: list[Level] = []
        for price in half.prices():
            if len(out) == limit:
                break
            out.append((price, half.shown(price)))
        return out

    def changes_since(self, update_id: int) -> tuple[list[Level], list[Level]]:
        """Bids and asks that changed after `update_id`, as they are now; zero for those gone."""
        touched: dict[tuple[Side, Decimal], None] = {}
        for number, side, price in reversed(self._log):
            if number <= update_id:
                break
            touched[side, price] = None
        bids = [(p, self.bids.shown(p)) for side, p in touched if side is Side.BUY]
        asks = [(p, self.asks.shown(p)) for side, p in touched if side is Side.SELL]
        return bids, asks
