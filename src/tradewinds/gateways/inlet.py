"""Where a feed's events wait for the engine; what one socket read brought comes as one batch."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Sequence
from typing import Any, Final

from tradewinds.model.events import MarketEvent

FULL: Final = 2_000
"""More than this and sockets are not read until the reader has come round."""
WAITING_MAX: Final = 50_000
Job = Callable[[], Coroutine[Any, Any, None]]


class Inlet:
    """Many writers, one reader, one thread.

    `full` is called with True when the writers should stop for a moment and with False when they
    may go on. Should they not stop, all that waits is thrown away and `overflowed` is told:
    whoever keeps books must begin them anew. `lost` counts those events.
    """

    def __init__(
        self,
        overflowed: Callable[[], None],
        full: Callable[[bool], None],
        most: int = WAITING_MAX,
    ) -> None:
        self._waiting: list[MarketEvent] = []
        self._reader: asyncio.Future[None] | None = None
        self._overflowed = overflowed
        self._full = full
        self._is_full = False
        self._most = most
        self.lost = 0

    def put(self, event: MarketEvent) -> None:
        """One more."""
        waiting = self._waiting
        waiting.append(event)
        if self._reader is not None:
            self.wake()
        elif len(waiting) > FULL:
            self._fill_up(waiting)

    def wake(self) -> None:
        """Let the reader look."""
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
        self._reader = None

    def _fill_up(self, waiting: list[MarketEvent]) -> None:
        if not self._is_full:
            self._is_full = True
            self._full(True)
        if len(waiting) > self._most:
            self.lost += len(waiting)
            waiting.clear()
            self._overflowed()

    async def take(self) -> list[MarketEvent]:
        """All that waits, as soon as there is something or `wake` is called."""
        if self._is_full and not self._waiting:
            self._is_full = False
            self._full(False)
        if not self._waiting:
            self._reader = reader = asyncio.get_running_loop().create_future()
            try:
                await reader
            finally:
                self._reader = None
        batch, self._waiting = self._waiting, []
        return batch


async def batches_beside(inlet: Inlet, jobs: Sequence[Job]) -> AsyncIterator[Sequence[MarketEvent]]:
    """What comes in while `jobs` run, for ever; ends them with itself. Raises what a job raises."""
    async with contextlib.aclosing(_tended(inlet, jobs)) as batches:
        async for batch in batches:
            yield batch


async def _tended(inlet: Inlet, jobs: Sequence[Job]) -> AsyncGenerator[list[MarketEvent], None]:
    tasks = [asyncio.create_task(job()) for job in jobs]
    for task in tasks:
        task.add_done_callback(lambda _: inlet.wake())
    try:
        while True:
            batch = await inlet.take()
            if batch:
                yield batch
                continue
            for task in tasks:
                if task.done():
                    task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
