"""Live public market data of Coinbase Advanced Trade, without keys."""

import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from tradewinds.gateways.backfill import BarKeeper
from tradewinds.gateways.coinbase_channel import CANDLE_NS, CoinbaseChannel, Places
from tradewinds.gateways.inlet import Inlet, batches_beside
from tradewinds.gateways.level_book import LevelBook
from tradewinds.gateways.link import Wire
from tradewinds.gateways.listing_watch import ListingWatch
from tradewinds.gateways.restraint import ConnectBudget
from tradewinds.gateways.stream import Pace, Stream, StreamTerms
from tradewinds.gateways.venue_rest import CcxtRest, MarketRest
from tradewinds.model.errors import ConfigError, VenueUnavailable
from tradewinds.model.events import InstrumentChanged, MarketEvent
from tradewinds.model.ids import InstrumentId
from tradewinds.model.instrument import Instrument
from tradewinds.model.timeframes import MINUTE_NS
from tradewinds.ports import BarHistory

VENUE: Final = "coinbase"
URL: Final = "wss://advanced-trade-ws.coinbase.com"
OWN_USDC_BOOKS: Final = frozenset({"USDT", "EURC"})
"""Bases whose USDC market is its own. Any other's public data are those of its USD market."""
log = logging.getLogger(__name__)


class CoinbaseOptions(Struct, frozen=True, kw_only=True):
    """What to watch: quotes always; whole books to the engine, trades, 5m bars if wanted."""

    symbols: tuple[str, ...]
    depth: bool = True
    prints: bool = True
    bars: bool = True
    silent_s: float = 10.0
    url: str = URL


class CoinbaseFeed:
    """Implements ports.Feed. Made by `connect`, which asks for the instruments.

    `counts` tells what was dropped and how often the connection was made anew.
    """

    def __init__(
        self,
        options: CoinbaseOptions,
        instruments: Sequence[Instrument],
        rest: MarketRest,
        wire: Wire | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._instruments = tuple(instruments)
        self._rest = rest
        wire, pace = wire or Wire(), pace or Pace()
        self._inlet = Inlet(self._overflowed, self._full)
        self._keeper = BarKeeper(rest, CANDLE_NS, self._inlet.put, pace.sleep)
        self._listing = ListingWatch(rest, instruments, pace.sleep, wire.now_ns)
        products: dict[str, tuple[InstrumentId, ...]] = {}
        for instrument in instruments:
            product = _product(instrument, rest.native_id(instrument.symbol))
            products[product] = (*products.get(product, ()), instrument.id)
        places = Places(
            put=self._inlet.put,
            put_bar=self._keeper.take,
            now_s=pace.now_s,
            whole_books=options.depth,
        )
        self.channel = CoinbaseChannel(products, places)
        self.stream = Stream(
            StreamTerms(
                name=VENUE,
                url=options.url,
                hello=_hello(options, tuple(products)),
                silent_s=options.silent_s,
            ),
            self.channel,
            wire,
            ConnectBudget(),
            pace,
        )

    @classmethod
    async def connect(
        cls,
        options: CoinbaseOptions,
        rest: MarketRest | None = None,
        wire: Wire | None = None,
        pace: Pace | None = None,
    ) -> "CoinbaseFeed":
        """Raises VenueUnavailable, or ConfigError when none of the symbols is listed."""
        rest = rest or CcxtRest(VENUE)
        try:
            instruments = await rest.listing(options.symbols)
        except (VenueUnavailable, ConfigError):
            await rest.close()
            raise
        return cls(options, instruments, rest, wire, pace)

    @property
    def instruments(self) -> Sequence[Instrument]:
        """With the venue's filters and entry-tier fees, sorted by id."""
        return self._instruments

    @property
    def label(self) -> str:
        """What the pages call it."""
        return f"LIVE {VENUE}"

    @property
    def counts(self) -> dict[str, int]:
        """Everything left out, and every new beginning, by name."""
        found = Counter(self._keeper.counts) + self.channel.dropped + self.channel.decoder.dropped
        found["reconnects"] = self.stream.losses
        found["rotations"] = self.stream.rotations
        found["events lost to a slow reader"] = self._inlet.lost
        return dict(+found)

    def on_change(self, told: Callable[[InstrumentChanged], None]) -> None:
        """`told` will hear when the venue changes an instrument."""
        self._listing.on_change = told

    def book(self, instrument_id: InstrumentId) -> LevelBook | None:
        """The kept book; decide by it only while it is `clean`."""
        return self.channel.books.get(instrument_id)

    async def history(self, bars: int, timeframe_ns: int = CANDLE_NS) -> BarHistory:
        """Up to `bars` closed bars each; the stream's 5m bars will follow on from such."""
        found = {}
        for instrument in self._instruments:
            try:
                had = await self._rest.bars(instrument.symbol, timeframe_ns, 0, bars)
            except VenueUnavailable as error:
                log.warning("history_missing symbol=%s error=%s", instrument.symbol, error)
                continue
            self._keeper.known(had[-1:])
            found[instrument.id] = tuple(had)
        return found

    async def minutes(self, bars: int) -> BarHistory:
        """Up to `bars` closed bars of one minute each."""
        return await self.history(bars, MINUTE_NS)

    async def batches(self) -> AsyncIterator[Sequence[MarketEvent]]:
        """Market events as they come, for ever; closing the iterator closes the socket."""
        try:
            async for batch in batches_beside(self._inlet, [self.stream.run, self._listing.run]):
                yield batch
        finally:
            await self.close()

    async def close(self) -> None:
        """Stop asking; the stream ends with `batches`."""
        await self._keeper.close()
        await self._rest.close()

    def _full(self, full: bool) -> None:
        self.stream.pause(paused=full)

    def _overflowed(self) -> None:
        log.error("engine_too_slow effect=events_dropped_books_begun_anew")
        self.channel.distrust("engine too slow")


def _product(instrument: Instrument, native: str) -> str:
    if native.endswith("-USDC") and instrument.base not in OWN_USDC_BOOKS:
        return native.removesuffix("C")
    return native


def _hello(options: CoinbaseOptions, products: tuple[str, ...]) -> tuple[bytes, ...]:
    """One subscription a channel, heartbeats first: they keep the others alive."""
    channels = ["level2", "ticker"]
    channels += ["market_trades"] * options.prints + ["candles"] * options.bars
    asked: list[dict[str, object]] = [{"type": "subscribe", "channel": "heartbeats"}]
    asked += [{"type": "subscribe", "channel": c, "product_ids": products} for c in channels]
    return tuple(msgspec.json.encode(each) for each in asked)
