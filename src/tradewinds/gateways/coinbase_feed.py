"""Live public market data of Coinbase Advanced Trade, without keys."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from tradewinds.gateways.coinbase_channel import CANDLE_NS, CoinbaseChannel, Places
from tradewinds.gateways.intake import Intake, listed
from tradewinds.gateways.level_book import LevelBook
from tradewinds.gateways.link import Wire
from tradewinds.gateways.restraint import ConnectBudget
from tradewinds.gateways.stream import Pace, Stream, StreamTerms
from tradewinds.gateways.venue_rest import MarketRest
from tradewinds.model.events import InstrumentChanged, MarketEvent
from tradewinds.model.ids import InstrumentId
from tradewinds.model.instrument import Instrument
from tradewinds.model.timeframes import MINUTE_NS
from tradewinds.ports import BarHistory

VENUE: Final = "coinbase"
URL: Final = "wss://advanced-trade-ws.coinbase.com"
OWN_USDC_BOOKS: Final = frozenset({"USDT", "EURC"})
"""Bases whose USDC market is its own. Any other's public data are those of its USD market."""


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
        wire, pace = wire or Wire(), pace or Pace()
        self._intake = Intake(VENUE, instruments, rest, (wire, pace), CANDLE_NS)
        self._intake.spoil = self._begin_books_anew
        products: dict[str, tuple[InstrumentId, ...]] = {}
        for instrument in instruments:
            product = _product(instrument, rest.native_id(instrument.symbol))
            products[product] = (*products.get(product, ()), instrument.id)
        places = Places(
            put=self._intake.inlet.put,
            put_bar=self._intake.keeper.take,
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
        self._intake.streams.append(self.stream)

    @classmethod
    async def connect(
        cls,
        options: CoinbaseOptions,
        rest: MarketRest | None = None,
        wire: Wire | None = None,
        pace: Pace | None = None,
    ) -> "CoinbaseFeed":
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
        return dict(+self._intake.counts([self.channel.dropped, self.channel.decoder.dropped]))

    def on_change(self, told: Callable[[InstrumentChanged], None]) -> None:
        """`told` will hear when the venue changes an instrument."""
        self._intake.listing.on_change = told

    def book(self, instrument_id: InstrumentId) -> LevelBook | None:
        """The kept book; decide by it only while it is `clean`."""
        return self.channel.books.get(instrument_id)

    async def history(self, bars: int, timeframe_ns: int = CANDLE_NS) -> BarHistory:
        """Up to `bars` closed bars each; the stream's 5m bars will follow on from such."""
        return await self._intake.history(bars, timeframe_ns)

    async def minutes(self, bars: int) -> BarHistory:
        """Up to `bars` closed bars of one minute each."""
        return await self.history(bars, MINUTE_NS)

    def batches(self) -> AsyncIterator[Sequence[MarketEvent]]:
        """Market events as they come, for ever; closing the iterator closes the socket."""
        return self._intake.batches()

    async def close(self) -> None:
        """Stop asking; the stream ends with `batches`."""
        await self._intake.close()

    def _begin_books_anew(self) -> None:
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
