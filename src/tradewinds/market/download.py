"""History into the archive: what is there is not asked again, what is had is kept at once."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import numpy as np
from msgspec import Struct

from tradewinds.market.parquet_rows import ROW, Rows
from tradewinds.market.shelf import PRINT, Added, SeriesName, Shelf, Span, missing
from tradewinds.model.errors import VenueUnavailable
from tradewinds.model.market import Bar, FundingRate, Side, TradePrint
from tradewinds.model.timeframes import parse_timeframe

FLUSH_ROWS: Final = 20_000
TRIES: Final = 5
TRY_AGAIN_S: Final = 1.0
AT_ONCE: Final = 4
"""Series asked for side by side: the venue's rate limit is kept by the source."""


class Page(Struct, frozen=True, kw_only=True):
    """One answer of a venue: everything it has in [asked start, `next_ns`)."""

    events: Sequence[Bar | FundingRate | TradePrint]
    next_ns: int


class HistorySource(Protocol):
    """A venue's past, a page at a time."""

    async def page(self, name: SeriesName, since_ns: int, until_ns: int) -> Page:
        """From `since_ns` on. Raises VenueUnavailable when it is worth trying again."""
        ...


class Progress(Struct, frozen=True, kw_only=True):
    """How far a series is. `done_ns` of `whole_ns` of time have been asked for."""

    name: SeriesName
    done_ns: int
    whole_ns: int
    added: Added


class Fetched(Struct, frozen=True, kw_only=True):
    """How a series ended. `trouble` is '' when all of it has been had."""

    name: SeriesName
    added: Added
    trouble: str = ""


class Downloader:
    """Fills a shelf from a source."""

    def __init__(
        self,
        source: HistorySource,
        shelf: Shelf,
        told: Callable[[Progress], None],
        sleep: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        self._source = source
        self._shelf = shelf
        self._told = told
        self._sleep = sleep

    async def fetch(self, names: Sequence[SeriesName], wanted: Span) -> list[Fetched]:
        """Every series, a few side by side; one that fails does not stop the others."""
        room = asyncio.Semaphore(AT_ONCE)

        async def one(name: SeriesName) -> Fetched:
            async with room:
                return await self._series(name, wanted)

        return list(await asyncio.gather(*(one(name) for name in names)))

    async def _series(self, name: SeriesName, wanted: Span) -> Fetched:
        wanted = whole_bars(name, wanted)
        holes = missing(wanted, self._shelf.asked(name))
        whole_ns = wanted[1] - wanted[0]
        done_ns = whole_ns - sum(end - start for start, end in holes)
        added = Added()
        self._told(Progress(name=name, done_ns=done_ns, whole_ns=whole_ns, added=added))
        for start, end in holes:
            walk = Walk(self._source, name, (start, end), self._sleep)
            try:
                async for page in walk:
                    done_ns += page.next_ns - walk.began_ns
                    if len(walk.kept) >= FLUSH_ROWS or page.next_ns >= end:
                        added += self._keep(walk)
                    told = Progress(name=name, done_ns=done_ns, whole_ns=whole_ns, added=added)
                    self._told(told)
            except VenueUnavailable as error:
                return Fetched(name=name, added=added + self._keep(walk), trouble=str(error))
            except asyncio.CancelledError:
                self._keep(walk)
                raise
        return Fetched(name=name, added=added)

    def _keep(self, walk: "Walk") -> Added:
        """Rows first, then the note that they were had: a kill between asks for them once more."""
        added = self._shelf.add(walk.name, rows_of(walk.kept)) if walk.kept else Added()
        if walk.at_ns > walk.kept_to_ns:
            self._shelf.note_asked(walk.name, (walk.kept_to_ns, walk.at_ns))
        walk.kept, walk.kept_to_ns = [], walk.at_ns
        return added


class Walk:
    """Pages of one series over a span, each tried a few times; `kept` is not yet on the shelf."""

    def __init__(
        self, source: HistorySource, name: SeriesName, span: Span, sleep: Callable[[float], Any]
    ) -> None:
        self.name = name
        self.kept: list[Bar | FundingRate | TradePrint] = []
        self.kept_to_ns, self._end_ns = span
        self.at_ns = self.began_ns = span[0]
        self._source = source
        self._sleep = sleep

    def __aiter__(self) -> "Walk":
        return self

    async def __anext__(self) -> Page:
        """Raises VenueUnavailable after the last try."""
        if self.at_ns >= self._end_ns:
            raise StopAsyncIteration
        page = await self._tried()
        inside = [e for e in page.events if self.at_ns <= moment_ns(e) < self._end_ns]
        self.kept.extend(inside)
        self.began_ns, self.at_ns = self.at_ns, min(page.next_ns, self._end_ns)
        return Page(events=inside, next_ns=self.at_ns)

    async def _tried(self) -> Page:
        for attempt in range(TRIES - 1):
            try:
                return await self._source.page(self.name, self.at_ns, self._end_ns)
            except VenueUnavailable:
                await self._sleep(TRY_AGAIN_S * 2.0**attempt)
        return await self._source.page(self.name, self.at_ns, self._end_ns)


def whole_bars(name: SeriesName, span: Span) -> Span:
    """The part of a span whose bars have closed by its end: a bar that still grows is not had."""
    length_ns = parse_timeframe(name.tf) or 1
    return span[0], max(span[0], span[1] - span[1] % length_ns)


def moment_ns(event: Bar | FundingRate | TradePrint) -> int:
    """A bar belongs to the moment of its open."""
    return event.open_time_ns if isinstance(event, Bar) else event.venue_time_ns


def rows_of(events: Sequence[Bar | FundingRate | TradePrint]) -> Rows:
    """As the archive keeps them. A funding rate stands in the column `open`."""
    if isinstance(events[0], TradePrint):
        prints = [event for event in events if isinstance(event, TradePrint)]
        return np.array(
            [
                (p.venue_time_ns, p.price, p.size, p.aggressor is Side.BUY, p.print_id)
                for p in prints
            ],
            dtype=PRINT,
        )
    rows = [
        (e.open_time_ns, e.open, e.high, e.low, e.close, e.volume)
        if isinstance(e, Bar)
        else (e.venue_time_ns, e.rate, e.rate, e.rate, e.rate, 0.0)
        for e in events
        if not isinstance(e, TradePrint)
    ]
    return np.array(rows, dtype=ROW)
