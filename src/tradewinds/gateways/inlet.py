"""Where a feed's events wait for the engine; what one socket read brought comes as one batch."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

from tradewinds.model.events import MarketEvent

WAITING_MAX: Final = 50_000


class Inlet:
    """Many writers, one reader, one thread. `overflowed` is told when the reader is too slow.

    Then all that waits is thrown away: an engine that far behind needs the newest. Whoever keeps
    books must begin them anew. `lost` counts those events.
    """

    def __init__(self, overflowed: Callable[[], None], most: int = WAITING_MAX) -> None:
        self._waiting: list[MarketEvent] = []
        self._reader: asyncio.Future[None] | None = None
        self._overflowed = overflowed
        self._most = most
        self.lost = 0

    def put(self, event: MarketEvent) -> None:
        """One more."""
        waiting = self._waiting
        waiting.append(event)
        if self._reader is not None:
            self._reader.set_result(None)
            self._reader = None
        elif len(waiting) > self._most:
            self.lost += len(waiting)
            waiting.clear()
            self._overflowed()

    async def batches(self) -> AsyncIterator[list[MarketEvent]]:
        """All that waits, as soon as there is something; never an empty one."""
        loop = asyncio.get_running_loop()
        while True:
            if not self._waiting:
                self._reader = reader = loop.create_future()
                try:
                    await reader
                finally:
                    self._reader = None
            batch, self._waiting = self._waiting, []
            if batch:
                yield batch
