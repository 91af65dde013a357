"""An order book from its changes: what can be had at which price."""

from heapq import nlargest, nsmallest

from tradewinds.model.market import BookDelta

Level = tuple[float, float]


class Book:
    """Prices and sizes of both sides. Answers nothing until a snapshot came, nor after a gap.

    A change costs one dictionary entry; the best levels are sorted only when asked for.
    """

    __slots__ = ("_asks", "_bids", "_last_id", "_whole", "time_ns")

    def __init__(self) -> None:
        self._bids: dict[float, float] = {}
        self._asks: dict[float, float] = {}
        self._last_id = 0
        self._whole = False
        self.time_ns = 0

    def apply(self, delta: BookDelta) -> None:
        """Take in the next change, or a whole book."""
        if delta.snapshot:
            self._bids.clear()
            self._asks.clear()
            self._whole = True
        elif self._last_id and delta.first_update_id > self._last_id + 1:
            self._whole = False
        self._last_id = delta.last_update_id
        self.time_ns = min(delta.venue_time_ns, delta.received_time_ns)
        _change(self._bids, delta.bids)
        _change(self._asks, delta.asks)

    def bids(self, count: int) -> list[Level]:
        """The best `count` levels, highest first; none where the book cannot be trusted."""
        return nlargest(count, self._bids.items()) if self._whole else []

    def asks(self, count: int) -> list[Level]:
        """The best `count` levels, lowest first; none where the book cannot be trusted."""
        return nsmallest(count, self._asks.items()) if self._whole else []


def _change(side: dict[float, float], levels: tuple[Level, ...]) -> None:
    for price, size in levels:
        if size > 0.0:
            side[price] = size
        else:
            side.pop(price, None)
