"""An order book of price levels: changes in, best and top levels out."""

from bisect import bisect_left, insort
from collections.abc import Sequence

Level = tuple[float, float]


class BookSide:
    """Sizes by price, and the prices in order with the best at the end, where changes are many.

    `sign` is 1 for bids (the highest is best) and -1 for asks.
    """

    __slots__ = ("_keys", "_sign", "sizes")

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._keys: list[float] = []
        self.sizes: dict[float, float] = {}

    def __len__(self) -> int:
        return len(self.sizes)

    def replace(self, levels: Sequence[Level]) -> None:
        """Forget everything; these are all there are."""
        self.sizes = {price: size for price, size in dict(levels).items() if size > 0.0}
        self._keys = sorted(self._sign * price for price in self.sizes)

    def change(self, levels: Sequence[Level]) -> None:
        """New sizes; 0 removes a level."""
        sizes, keys, sign = self.sizes, self._keys, self._sign
        for price, size in levels:
            if size > 0.0:
                if price not in sizes:
                    insort(keys, sign * price)
                sizes[price] = size
            elif sizes.pop(price, None) is not None:
                del keys[bisect_left(keys, sign * price)]

    def best_price(self) -> float:
        """The best level's; 0 where there is none."""
        return self._sign * self._keys[-1] if self._keys else 0.0

    def best(self) -> Level | None:
        """Price and size of the best level, or None."""
        if not self._keys:
            return None
        price = self._sign * self._keys[-1]
        return price, self.sizes[price]

    def worst(self) -> float | None:
        """The price farthest from the touch, or None."""
        return self._sign * self._keys[0] if self._keys else None

    def top(self, count: int) -> list[Level]:
        """Up to `count` levels, best first."""
        prices = [self._sign * key for key in reversed(self._keys[-count:])]
        return [(price, self.sizes[price]) for price in prices]


class LevelBook:
    """Both sides. `clean` is false until there is a snapshot, and after anything doubtful."""

    __slots__ = ("asks", "bids", "clean", "update_id")

    def __init__(self) -> None:
        self.bids = BookSide(1)
        self.asks = BookSide(-1)
        self.clean = False
        self.update_id = 0

    def replace(self, bids: Sequence[Level], asks: Sequence[Level], update_id: int) -> None:
        """Begin anew from a snapshot."""
        self.bids.replace(bids)
        self.asks.replace(asks)
        self.update_id = update_id
        self.clean = True
        self.clean = self.touch() is not None

    def change(self, bids: Sequence[Level], asks: Sequence[Level], update_id: int) -> None:
        """Carry on."""
        self.bids.change(bids)
        self.asks.change(asks)
        self.update_id = update_id

    def touch(self) -> tuple[float, float, float, float] | None:
        """Bid, its size, ask, its size; None when the book is dirty, crossed or one-sided."""
        bids, asks = self.bids, self.asks
        bid, ask = bids.best_price(), asks.best_price()
        if not self.clean or not 0.0 < bid < ask:
            return None
        return bid, bids.sizes[bid], ask, asks.sizes[ask]
