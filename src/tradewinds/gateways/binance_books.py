"""Binance's order books from a snapshot and the deltas after it, with the gap rules kept."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from tradewinds.gateways.level_book import LevelBook
from tradewinds.gateways.venue_rest import Depth
from tradewinds.model.ids import InstrumentId
from tradewinds.model.market import BookDelta

INFINITY: Final = float("inf")
WAITING_MAX: Final = 3_000
"""Deltas kept while a snapshot is fetched: five minutes of them."""


class BinanceBook:
    """One instrument's. Deltas come out only when they follow on without a gap.

    A delta with `last_update_id` at or below the book's is old and dropped; one whose
    `first_update_id` leaves a gap makes the book dirty: nothing comes out until the next snapshot.
    The rules are the venue's own ("How to manage a local order book correctly"); for USD-M the
    decoder states the delta's predecessor `pu` + 1 as its first id.
    """

    def __init__(self, instrument_id: InstrumentId, want_snapshot: Callable[[], None]) -> None:
        self.instrument_id = instrument_id
        self._want_snapshot = want_snapshot
        self._last_ns = 0
        self._waiting: deque[BookDelta] = deque(maxlen=WAITING_MAX)
        self._asked = False
        self._range = (0.0, INFINITY)
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
        if self._doubtful():
            self.spoil()
            return ()
        return (delta,)

    def spoil(self) -> None:
        """Something was missed or cannot be true: dirty until the next snapshot."""
        self.resyncs += self.levels.clean
        self.levels.clean = False
        self._waiting.clear()
        self._asked = False

    def restore(self, depth: Depth, now_ns: int) -> Sequence[BookDelta]:
        """A snapshot has come: it and the deltas after it; nothing when it was of no use."""
        waiting = list(self._waiting)
        self._asked = False
        if waiting and waiting[0].first_update_id > depth.update_id + 1:
            # Older than the first delta we have: there is a gap between. Ask again at once.
            self._ask()
            return ()
        self.levels.replace(depth.bids, depth.asks, depth.update_id)
        self._waiting.clear()
        if not self.levels.clean:
            self._ask()
            return ()
        self._range = self._known(depth)
        # Its time must not be later than that of the deltas that follow, or they would look old.
        venue_ns = waiting[0].venue_time_ns if waiting else self._last_ns or now_ns
        out = [self._snapshot(depth, venue_ns, now_ns)]
        for delta in waiting:
            out.extend(self.take(delta))
        return out if self.clean else ()

    def failed(self) -> None:
        """The snapshot could not be had; the next delta asks again."""
        self._asked = False

    def _wait(self, delta: BookDelta) -> None:
        self._waiting.append(delta)
        if not self._asked:
            self._ask()

    def _ask(self) -> None:
        self._asked = True
        self._want_snapshot()

    def _doubtful(self) -> bool:
        """Crossed, or the touch has left the prices of which the snapshot told all levels."""
        touch = self.levels.touch()
        low, high = self._range
        return touch is None or touch[0] <= low or touch[2] >= high

    def _known(self, depth: Depth) -> tuple[float, float]:
        """Within these prices the snapshot told every level."""
        cut_bids, cut_asks = len(depth.bids) >= depth.limit, len(depth.asks) >= depth.limit
        low = self.levels.bids.worst() if cut_bids else None
        high = self.levels.asks.worst() if cut_asks else None
        return low or 0.0, high or INFINITY

    def _snapshot(self, depth: Depth, venue_ns: int, now_ns: int) -> BookDelta:
        return BookDelta(
            instrument_id=self.instrument_id,
            bids=tuple(depth.bids),
            asks=tuple(depth.asks),
            snapshot=True,
            first_update_id=depth.update_id,
            last_update_id=depth.update_id,
            venue_time_ns=venue_ns,
            received_time_ns=now_ns,
        )
