"""Replays at the speed of the clock, or a multiple of it: the only place here that waits."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Final

from tradewinds.model.events import MarketEvent
from tradewinds.model.timeframes import DAY_NS

BATCH_EVENTS: Final = 256
GRAIN_NS: Final = 2_000_000
"""Events that fall within this much wall time go out together."""
GAP_NS_MAX: Final = DAY_NS
"""A longer stretch of event time in which nothing happens is skipped, not waited for."""
NS_PER_S: Final = 1_000_000_000

Sleep = Callable[[float], Awaitable[None]]


class Pace:
    """`speed` 1 is real time, 60 a minute a second, None as fast as it is taken.

    `now_ns` need not know the date: only differences count.
    """

    def __init__(
        self,
        speed: float | None = None,
        now_ns: Callable[[], int] = time.monotonic_ns,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._speed = speed
        self._now_ns = now_ns
        self._sleep = sleep

    async def batches(
        self, blocks: Iterator[Sequence[MarketEvent]]
    ) -> AsyncIterator[Sequence[MarketEvent]]:
        """Batches when their last event is due; the other tasks of the loop run in between."""
        if self._speed is None:
            async for batch in self._unpaced(blocks):
                yield batch
            return
        event_anchor = wall_anchor = last_ns = 0
        grain_ns = max(1, int(GRAIN_NS * self._speed))
        for block in blocks:
            for batch in _grains(block, grain_ns):
                time_ns = batch[0].received_time_ns
                if last_ns == 0 or time_ns - last_ns > GAP_NS_MAX:
                    event_anchor, wall_anchor = time_ns, self._now_ns()
                due_ns = wall_anchor + int((time_ns - event_anchor) / self._speed)
                await self._sleep(max(0.0, (due_ns - self._now_ns()) / NS_PER_S))
                last_ns = batch[-1].received_time_ns
                yield batch

    async def _unpaced(
        self, blocks: Iterator[Sequence[MarketEvent]]
    ) -> AsyncIterator[Sequence[MarketEvent]]:
        for block in blocks:
            for start in range(0, len(block), BATCH_EVENTS):
                await self._sleep(0.0)
                yield block[start : start + BATCH_EVENTS]


def _grains(block: Sequence[MarketEvent], grain_ns: int) -> Iterator[Sequence[MarketEvent]]:
    start, end_ns = 0, 0
    for index, event in enumerate(block):
        if event.received_time_ns >= end_ns or index - start >= BATCH_EVENTS:
            if index > start:
                yield block[start:index]
            start, end_ns = index, event.received_time_ns + grain_ns
    if start < len(block):
        yield block[start:]
