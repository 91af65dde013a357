"""The practice venue in a thread of its own, for clients that block."""

import asyncio
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from tradewinds.practice.venue import PracticeVenue, VenueSettings

T = TypeVar("T")
START_S = 10.0


class ThreadedVenue:
    """`with ThreadedVenue(settings) as handle`, then `handle.run(lambda venue: ...)`.

    Only `hosts`, `port` and `certificate` of `venue` may be read from outside its thread.
    """

    def __init__(self, settings: VenueSettings) -> None:
        self.venue = PracticeVenue(settings)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def run(self, action: Callable[[PracticeVenue], T]) -> T:
        """Do something to the venue on its own loop, and wait for it."""

        async def act() -> T:
            return action(self.venue)

        return asyncio.run_coroutine_threadsafe(act(), self._loop).result(START_S)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.venue.start(), self._loop).result(START_S)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self.venue.stop(), self._loop).result(START_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_S)
        self._loop.close()
