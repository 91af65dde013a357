"""Binance's order books from a snapshot and the deltas after it, with the gap rules kept."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from tradewinds.gateways.level_book import LevelBook
from tradewinds.gateways.venue_rest import Depth
from tradewinds.model.ids import InstrumentId
from tradewinds.model.market import BookDelta

EVERYTHING: Final = (0.0, float("inf"))
Touch = tuple[float, float, float, float]
WAITING_MAX: Final = 3_000
"""Deltas kept while a snapshot is fetched: five minutes of them."""


class BinanceBook:
    """One instrument's. Deltas come out only when they follow on without a gap.

    A delta with `last_update_id` at or below the book's is old and dropped; one whose
    `first_update_id` leaves a gap makes the book dirty: nothing comes out until the next snapshot.
    The rules are the venue's own ("How to manage a local order book correctly"); for USD-M the
    decoder states the delta's predecessor `pu` + 1 as its first id.

    A snapshot tells the levels of a price range only. Half way to its edge a new one is asked
    for while the book goes on; beyond the edge the book is dirty.
    """

    def __init__(self, instrument_id: InstrumentId, want_snapshot: Callable[[], None]) -> None:
        self.instrument_id = instrument_id
        self._want_snapshot = want_snapshot
        self._last_ns = 0
        self._waiting: deque[BookDelta] = deque(maxlen=WAITING_MAX)
        self._asked = False
        self._known = self._middle = EVERYTHING
        self.levels = LevelBook()
        self.resyncs = 0

    @property
    def clean(self) -> bool:
        """Whether it may be decided by."""
        return self.levels.clean

    def take(self, delta: BookDelta) -> Sequence[BookDelta]:
        """The delta if it carries on; nothing while the book is dirty or the delta is old."""
        levels = self.levels
        self._last_ns = delta.venue_time_ns
        if not levels.clean:
            self._wait(delta)
            return ()
        if delta.last_update_id <= levels.update_id:
            return ()
        if delta.first_update_id > levels.update_id + 1:
            self.spoil()
            self._wait(delta)
            return ()
        levels.change(delta.bids, delta.asks, delta.last_update_id)
        touch = levels.touch()
        if touch is None or _outside(touch, self._known):
            self.spoil()
            return ()
        if self._asked or _outside(touch, self._middle):
            self._wait(delta)
        return (delta,)

    def spoil(self) -> None:
        """Something was missed or cannot be true: dirty until the next snapshot."""
        self.resyncs += self.levels.clean
        self.levels.clean = False
        self._waiting.clear()
        self._asked = False

    def restore(self, depth: Depth, now_ns: int) -> Sequence[BookDelta]:
        """A snapshot has come: the book after it and what came meanwhile; or nothing, of no use."""
        waiting = list(self._waiting)
        if waiting and waiting[0].first_update_id > depth.update_id + 1:
            # Older than the first delta we have: there is a gap between. Ask again at once.
            self._want_snapshot()
            return ()
        self._asked = False
        self._waiting.clear()
        self.levels.replace(depth.bids, depth.asks, depth.update_id)
        self._learn_range(depth)
        for delta in waiting:
            self.take(delta)
        return (self._whole(now_ns),) if self.clean else ()

    def failed(self) -> None:
        """The snapshot could not be had; the next delta asks again."""
        self._asked = False
        self._waiting.clear()

    def _wait(self, delta: BookDelta) -> None:
        self._waiting.append(delta)
        if not self._asked:
            self._asked = True
            self._want_snapshot()

    def _learn_range(self, depth: Depth) -> None:
        """Where the snapshot was cut off there is more that it did not tell."""
        touch = self.levels.touch()
        self._known = self._middle = EVERYTHING
        if touch is None:
            return
        (low, high), (bid, _, ask, _) = EVERYTHING, touch
        if len(depth.bids) >= depth.limit:
            low = self.levels.bids.worst() or low
        if len(depth.asks) >= depth.limit:
            high = self.levels.asks.worst() or high
        self._known, self._middle = (low, high), ((low + bid) / 2.0, (ask + high) / 2.0)

    def _whole(self, now_ns: int) -> BookDelta:
        """Its time is that of the last delta in it, or the deltas that follow would look old."""
        return BookDelta(
            instrument_id=self.instrument_id,
            bids=tuple(self.levels.bids.sizes.items()),
            asks=tuple(self.levels.asks.sizes.items()),
            snapshot=True,
            first_update_id=self.levels.update_id,
            last_update_id=self.levels.update_id,
            venue_time_ns=self._last_ns or now_ns,
            received_time_ns=now_ns,
        )


def _outside(touch: Touch, prices: tuple[float, float]) -> bool:
    return touch[0] <= prices[0] or touch[2] >= prices[1]
