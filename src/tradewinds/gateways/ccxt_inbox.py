"""Where several subscriptions meet: what they bring is taken in batches, and a fault ends all."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from tradewinds.model.events import MarketEvent

WAITING_MAX: Final = 50_000
"""Beyond this the oldest are dropped: an engine that far behind needs the newest."""


class Inbox:
    """Filled by `pump` tasks, emptied by one reader."""

    def __init__(self, faults: tuple[type[Exception], ...], now_ns: Callable[[], int]) -> None:
        self._faults = faults
        self._now_ns = now_ns
        self._waiting: deque[MarketEvent] = deque(maxlen=WAITING_MAX)
        self._arrived = asyncio.Event()
        self._failure: Exception | None = None

    async def pump(
        self,
        watch: Callable[[], Awaitable[Any]],
        make: Callable[[Any, int], Sequence[MarketEvent]],
    ) -> None:
        """Ask `watch` again and again until it fails."""
        try:
            while True:
                message = await watch()
                self._waiting.extend(make(message, self._now_ns()))
                if self._waiting:
                    self._arrived.set()
        except self._faults as error:
            self._failure = error
            self._arrived.set()

    async def take(self, timeout_s: float) -> list[MarketEvent]:
        """All that has arrived. Raises the fault of any subscription, or TimeoutError."""
        async with asyncio.timeout(timeout_s):
            await self._arrived.wait()
        self._arrived.clear()
        if self._failure is not None:
            raise self._failure
        batch = list(self._waiting)
        self._waiting.clear()
        return batch
