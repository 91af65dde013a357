"""Live public market data of Binance, spot and USD-M perpetuals, without keys."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from tradewinds.gateways.binance_books import BinanceBook
from tradewinds.gateways.binance_channel import BinanceChannel, Places, terms_of
from tradewinds.gateways.binance_frames import VENUE
from tradewinds.gateways.intake import Intake, listed
from tradewinds.gateways.level_book import LevelBook
from tradewinds.gateways.link import Wire
from tradewinds.gateways.restraint import ConnectBudget
from tradewinds.gateways.stream import Pace, Stream, StreamTerms
from tradewinds.gateways.venue_rest import MarketRest
from tradewinds.model.errors import VenueUnavailable
from tradewinds.model.events import InstrumentChanged, MarketEvent
from tradewinds.model.ids import InstrumentId
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.timeframes import MINUTE_NS, timeframe_text
from tradewinds.ports import BarHistory

DEPTH_LIMIT: Final = 1_000
SNAPSHOT_GAP_S: Final = 0.25
"""Between two depth snapshots: they are dear (50 of 6,000 a minute each on spot)."""
SNAPSHOT_AGAIN_S: Final = 2.0
log = logging.getLogger(__name__)


class Endpoints(Struct, frozen=True, kw_only=True):
    """USD-M has one address for books and quotes and another for the rest; the old one is mute."""

    spot: str = "wss://stream.binance.com:9443/stream"
    usdm_public: str = "wss://fstream.binance.com/public/stream"
    usdm_market: str = "wss://fstream.binance.com/market/stream"


class BinanceOptions(Struct, frozen=True, kw_only=True):
    """What to watch: quotes always; whole books, trades and bars (0: none) if wanted.

    Nothing usable on a connection for `silent_s` reconnects it.
    """

    symbols: tuple[str, ...]
    depth: bool = True
    prints: bool = True
    bars_ns: int = MINUTE_NS
    silent_s: float = 15.0
    endpoints: Endpoints = Endpoints()


class BinanceFeed:
    """Implements ports.Feed. Made by `connect`, which asks for the instruments.

    `counts` tells what was dropped and how often connections and books were made anew. Who wants
    to hear of changed instruments sets `on_change`.
    """

    def __init__(
        self,
        options: BinanceOptions,
        instruments: Sequence[Instrument],
        rest: MarketRest,
        wire: Wire | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._options = options
        self._rest = rest
        self._wire = wire or Wire()
        self._pace = pace or Pace()
        edges = (self._wire, self._pace)
        self._intake = Intake(VENUE, instruments, rest, edges, options.bars_ns)
        self._intake.spoil = self._begin_books_anew
        self._wanted: asyncio.Queue[InstrumentId] = asyncio.Queue()
        self._books = {
            i.id: BinanceBook(i.id, self._asker(i.id)) for i in instruments if options.depth
        }
        self._budget = ConnectBudget()
        self.channels: list[BinanceChannel] = []
        self.streams = self._intake.streams
        self._make_streams()

    @classmethod
    async def connect(
        cls,
        options: BinanceOptions,
        rest: MarketRest | None = None,
        wire: Wire | None = None,
        pace: Pace | None = None,
    ) -> "BinanceFeed":
        """Raises VenueUnavailable, or ConfigError when none of the symbols is listed."""
        instruments, rest = await listed(VENUE, options.symbols, rest)
        return cls(options, instruments, rest, wire, pace)

    @property
    def instruments(self) -> Sequence[Instrument]:
        """With the venue's filters and entry-tier fees, sorted by id."""
        return self._intake.instruments

    @property
    def label(self) -> str:
        """What the pages call it."""
        return self._intake.label

    @property
    def counts(self) -> dict[str, int]:
        """Everything left out, and every new beginning, by name."""
        dropped = [
            c for channel in self.channels for c in (channel.decoder.dropped, channel.dropped)
        ]
        found = self._intake.counts(dropped)
        found["book resyncs"] = sum(book.resyncs for book in self._books.values())
        return dict(+found)

    def on_change(self, told: Callable[[InstrumentChanged], None]) -> None:
        """`told` will hear when the venue changes an instrument."""
        self._intake.listing.on_change = told

    def book(self, instrument_id: InstrumentId) -> LevelBook | None:
        """The kept book; decide by it only while it is `clean`."""
        book = self._books.get(instrument_id)
        return None if book is None else book.levels

    async def history(self, bars: int, timeframe_ns: int = MINUTE_NS) -> BarHistory:
        """Up to `bars` closed bars each; the stream's bars will follow on from them."""
        return await self._intake.history(bars, timeframe_ns)

    def batches(self) -> AsyncIterator[Sequence[MarketEvent]]:
        """Market events as they come, for ever; closing the iterator closes the sockets."""
        return self._intake.batches(self._fetch_snapshots)

    async def close(self) -> None:
        """Stop asking; the streams end with `batches`."""
        await self._intake.close()

    def _make_streams(self) -> None:
        kinds = {kind: [i for i in self.instruments if i.kind is kind] for kind in InstrumentKind}
        ends, options = self._options.endpoints, self._options
        if spot := kinds[InstrumentKind.SPOT]:
            names = self._books_and_quotes(spot) + self._trades_and_bars(spot)
            self._open("spot", ends.spot, spot, _watched(names, "btcusdt@kline_1m"))
        if usdm := kinds[InstrumentKind.PERPETUAL]:
            names = _watched(self._books_and_quotes(usdm), "btcusdt@depth5@500ms")
            self._open("usdm public", ends.usdm_public, usdm, names)
            names = [f"{self._native(i)}@markPrice@1s" for i in usdm]
            names = _watched(names + self._trades_and_bars(usdm), "btcusdt@markPrice@1s")
            self._open("usdm market", ends.usdm_market, usdm, names)
        assert self.streams, f"nothing to watch in {options.symbols}"

    def _books_and_quotes(self, instruments: Sequence[Instrument]) -> list[str]:
        kinds = ["bookTicker"] + ["depth@100ms"] * self._options.depth
        return [f"{self._native(i)}@{kind}" for i in instruments for kind in kinds]

    def _trades_and_bars(self, instruments: Sequence[Instrument]) -> list[str]:
        bars_ns = self._options.bars_ns
        bars = [f"kline_{timeframe_text(bars_ns)}"] if bars_ns else []
        kinds = ["aggTrade"] * self._options.prints + bars
        return [f"{self._native(i)}@{kind}" for i in instruments for kind in kinds]

    def _native(self, instrument: Instrument) -> str:
        return self._rest.native_id(instrument.symbol).lower()

    def _open(
        self, name: str, url: str, instruments: Sequence[Instrument], streams: list[str]
    ) -> None:
        symbols = {self._rest.native_id(i.symbol): i.id for i in instruments}
        for terms in terms_of(name, url, streams, self._options.silent_s):
            self._add(terms, symbols)

    def _add(self, terms: StreamTerms, symbols: Mapping[str, InstrumentId]) -> None:
        told = b"".join(terms.hello)
        books = {
            id_: self._books[id_]
            for native, id_ in symbols.items()
            if id_ in self._books and f'"{native.lower()}@depth@100ms"'.encode() in told
        }
        intake = self._intake
        places = Places(put=intake.inlet.put, put_bar=intake.keeper.take, books=books)
        channel = BinanceChannel(symbols, places)
        channel.stream = Stream(terms, channel, self._wire, self._budget, self._pace)
        self.channels.append(channel)
        self.streams.append(channel.stream)

    def _asker(self, instrument_id: InstrumentId) -> Callable[[], None]:
        return lambda: self._wanted.put_nowait(instrument_id)

    async def _fetch_snapshots(self) -> None:
        """One after the other, with a pause: after a reconnect all books ask at once."""
        while True:
            id_ = await self._wanted.get()
            book = self._books[id_]
            try:
                depth = await self._rest.depth(id_.rpartition("@")[0], DEPTH_LIMIT)
            except VenueUnavailable as error:
                log.warning("snapshot_not_had instrument=%s error=%s", id_, error)
                book.failed()
                await self._pace.sleep(SNAPSHOT_AGAIN_S)
                continue
            for event in book.restore(depth, self._wire.now_ns()):
                self._intake.inlet.put(event)
            await self._pace.sleep(SNAPSHOT_GAP_S)

    def _begin_books_anew(self) -> None:
        for book in self._books.values():
            book.spoil()


def _watched(streams: list[str], canary: str) -> list[str]:
    """With one stream that never is silent for long, if there is none among them."""
    quiet = not any(name.startswith("btcusdt@") for name in streams)
    return [*streams, canary] if quiet else streams
