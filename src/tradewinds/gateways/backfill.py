"""Bars without a hole: what a stream missed is asked for before the next bar is let through."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from tradewinds.gateways.venue_rest import MarketRest
from tradewinds.model.errors import VenueUnavailable
from tradewinds.model.ids import InstrumentId
from tradewinds.model.market import Bar

TRIES: Final = 4
TRY_AGAIN_S: Final = 2.0
MISSING_MAX: Final = 5_000
"""A hole of more bars than this is filled from its young end."""
log = logging.getLogger(__name__)


class BarKeeper:
    """Closed bars in, closed bars out in order, each once, for one timeframe.

    A bar that does not follow on from the last one waits until the bars between have been asked
    for; if they cannot be had it goes out all the same. `counts` says what happened.
    """

    def __init__(
        self,
        rest: MarketRest,
        timeframe_ns: int,
        put: Callable[[Bar], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._rest = rest
        self._timeframe_ns = timeframe_ns
        self._put = put
        self._sleep = sleep
        self._next_ns: dict[InstrumentId, int] = {}
        self._held: dict[InstrumentId, list[Bar]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.counts: Counter[str] = Counter()

    def known(self, bars: Sequence[Bar]) -> None:
        """Bars that were handed out already, as history: the next one must follow on from them."""
        for bar in bars:
            if bar.timeframe_ns == self._timeframe_ns:
                self._next_ns[bar.instrument_id] = bar.venue_time_ns

    def take(self, bar: Bar) -> None:
        """A closed bar from the stream."""
        id_, next_ns = bar.instrument_id, self._next_ns.get(bar.instrument_id, bar.open_time_ns)
        if id_ in self._held:
            self._held[id_].append(bar)
        elif bar.open_time_ns < next_ns:
            self.counts["bar seen before"] += 1
        elif bar.open_time_ns == next_ns:
            self._out(bar)
        else:
            self._held[id_] = [bar]
            task = asyncio.create_task(self._fill(id_, next_ns, bar.open_time_ns))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Stop asking."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _out(self, bar: Bar) -> None:
        self._next_ns[bar.instrument_id] = bar.venue_time_ns
        self._put(bar)

    async def _fill(self, id_: InstrumentId, since_ns: int, until_ns: int) -> None:
        missing = (until_ns - since_ns) // self._timeframe_ns
        since_ns = max(since_ns, until_ns - MISSING_MAX * self._timeframe_ns)
        found = await self._asked(id_, since_ns, min(missing, MISSING_MAX))
        found = [bar for bar in found if since_ns <= bar.open_time_ns < until_ns]
        self.counts["bars filled in"] += len(found)
        self.counts["bars missing"] += missing - len(found)
        if missing > len(found):
            # An interval without a trade has no bar on some venues; that is a hole too.
            log.warning("bars_missing instrument=%s count=%d", id_, missing - len(found))
        for bar in found:
            self._out(bar)
        for bar in self._held.pop(id_):
            if bar.open_time_ns >= self._next_ns.get(id_, 0):
                self._out(bar)

    async def _asked(self, id_: InstrumentId, since_ns: int, most: int) -> list[Bar]:
        symbol = id_.rpartition("@")[0]
        for attempt in range(TRIES):
            if attempt:
                await self._sleep(TRY_AGAIN_S * 2.0**attempt)
            try:
                return await self._rest.bars(symbol, self._timeframe_ns, since_ns, most)
            except VenueUnavailable as error:
                log.warning("bars_not_had instrument=%s error=%s", id_, error)
        return []
