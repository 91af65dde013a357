"""What a public feed of ours has besides its venue's protocol: listing, past bars, one inlet."""

import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence

from tradewinds.gateways.backfill import BarKeeper
from tradewinds.gateways.inlet import Inlet, Job, batches_beside
from tradewinds.gateways.link import Wire
from tradewinds.gateways.listing_watch import ListingWatch
from tradewinds.gateways.stream import Pace, Stream
from tradewinds.gateways.venue_rest import CcxtRest, MarketRest
from tradewinds.model.errors import ConfigError, VenueUnavailable
from tradewinds.model.events import MarketEvent
from tradewinds.model.instrument import Instrument
from tradewinds.ports import BarHistory

log = logging.getLogger(__name__)


async def listed(
    venue: str, symbols: Sequence[str], rest: MarketRest | None
) -> tuple[Sequence[Instrument], MarketRest]:
    """The instruments, and what they were asked of, ccxt where it is not given. Raises
    VenueUnavailable, or ConfigError when none of the symbols is listed."""
    rest = rest or CcxtRest(venue)
    try:
        return await rest.listing(symbols), rest
    except (VenueUnavailable, ConfigError):
        await rest.close()
        raise


class Intake:
    """Streams put events into `inlet` and closed bars into `keeper`; `batches` hands them over.

    The feed adds its `streams`, and sets `spoil` to what begins its books anew after a loss.
    """

    def __init__(
        self,
        venue: str,
        instruments: Sequence[Instrument],
        rest: MarketRest,
        edges: tuple[Wire, Pace],
        bars_ns: int,
    ) -> None:
        wire, pace = edges
        self.label = f"LIVE {venue}"
        self.instruments = tuple(instruments)
        self.inlet = Inlet(self._overflowed, self._full)
        self.keeper = BarKeeper(rest, bars_ns, self.inlet.put, pace.sleep)
        self.listing = ListingWatch(rest, instruments, pace.sleep, wire.now_ns)
        self.streams: list[Stream] = []
        self.spoil: Callable[[], None] = _nothing_kept
        self._rest = rest

    def counts(self, dropped: Iterable[Counter[str]]) -> Counter[str]:
        """Everything left out, and every new beginning, by name."""
        found = Counter(self.keeper.counts)
        for each in dropped:
            found += each
        found["reconnects"] = sum(stream.losses for stream in self.streams)
        found["rotations"] = sum(stream.rotations for stream in self.streams)
        found["events lost to a slow reader"] = self.inlet.lost
        return found

    async def history(self, bars: int, timeframe_ns: int) -> BarHistory:
        """Up to `bars` closed bars each; the stream's bars will follow on from them."""
        found = {}
        for instrument in self.instruments:
            try:
                had = await self._rest.bars(instrument.symbol, timeframe_ns, 0, bars)
            except VenueUnavailable as error:
                log.warning("history_missing symbol=%s error=%s", instrument.symbol, error)
                continue
            self.keeper.known(had[-1:])
            found[instrument.id] = tuple(had)
        return found

    async def batches(self, *jobs: Job) -> AsyncIterator[Sequence[MarketEvent]]:
        """Events as they come while streams, `jobs` and the look at the listing run, for ever;
        closing the iterator closes the sockets."""
        running = [*(stream.run for stream in self.streams), *jobs, self.listing.run]
        try:
            async for batch in batches_beside(self.inlet, running):
                yield batch
        finally:
            await self.close()

    async def close(self) -> None:
        """Stop asking; the streams end with `batches`."""
        await self.keeper.close()
        await self._rest.close()

    def _full(self, full: bool) -> None:
        for stream in self.streams:
            stream.pause(paused=full)

    def _overflowed(self) -> None:
        log.error("engine_too_slow effect=events_dropped_books_begun_anew")
        self.spoil()


def _nothing_kept() -> None:
    """A feed without books has nothing to begin anew."""
