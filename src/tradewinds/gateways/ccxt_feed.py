"""Live public market data of any venue ccxt speaks to: quotes and trades, reconnected for ever."""

import asyncio
import contextlib
import logging
import random
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from msgspec import Struct

from tradewinds.gateways.ccxt_inbox import Inbox
from tradewinds.gateways.ccxt_markets import bar_from, instrument_from, number
from tradewinds.model.errors import ConfigError, VenueUnavailable
from tradewinds.model.events import MarketEvent
from tradewinds.model.ids import InstrumentId
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Bar, Quote, Side, TradePrint
from tradewinds.model.timeframes import parse_timeframe
from tradewinds.ports import BarHistory

KEEP_ALIVE_MS: Final = 10_000
"""ccxt notices a dead socket only after three of these; its own default is minutes."""
NS_PER_MS: Final = 1_000_000
BACKOFF_S: Final = 0.5
BACKOFF_S_MAX: Final = 30.0
BOOK_DEPTH: Final = 5
SIDES: Final = frozenset(side.value for side in Side)

Make = Callable[[Any, int], Sequence[MarketEvent]]
log = logging.getLogger(__name__)


class LiveOptions(Struct, frozen=True, kw_only=True):
    """Which venue and symbols (`BTC/USDT`). Silence of `stale_s` on all of them reconnects."""

    venue: str
    symbols: tuple[str, ...]
    trades: bool = True
    stale_s: float = 20.0


class Edge(Struct, frozen=True, kw_only=True):
    """The clock, the waiting and the dice of the real world, replaceable in tests."""

    now_ns: Callable[[], int] = time.time_ns
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random


class CcxtFeed:
    """Implements ports.Feed. `connect` makes one: the venue must be asked for its instruments.

    On any fault the exchange object is thrown away and a new one connects, after a pause that
    doubles up to 30 s and is spread by chance. `dropped` counts what could not be an event,
    `reconnects` how often the connection was made anew.
    """

    def __init__(
        self,
        options: LiveOptions,
        exchange: Any,
        make_exchange: Callable[[], Any],
        edge: Edge,
    ) -> None:
        self._options = options
        self._exchange = exchange
        self._make_exchange = make_exchange
        self._edge = edge
        self._markets = exchange.markets
        self._instruments = _instruments(options, exchange)
        self._ids: dict[str, InstrumentId] = {i.symbol: i.id for i in self._instruments}
        self.dropped: Counter[str] = Counter()
        self.reconnects = 0

    @classmethod
    async def connect(cls, venue: str, symbols: Sequence[str]) -> "CcxtFeed":
        """Quotes and trades of a venue's symbols. Raises like `open_feed`."""
        return await open_feed(LiveOptions(venue=venue, symbols=tuple(symbols)))

    @property
    def instruments(self) -> Sequence[Instrument]:
        """With the venue's filters and entry-tier fees, sorted by id."""
        return self._instruments

    @property
    def label(self) -> str:
        """`LIVE binance`."""
        return f"LIVE {self._options.venue}"

    async def batches(self) -> AsyncIterator[Sequence[MarketEvent]]:
        """Quotes and trades as they come, for ever; closing the iterator closes the sockets."""
        failures = 0
        while True:
            try:
                async with contextlib.aclosing(self._session(self._exchange)) as session:
                    async for batch in session:
                        failures = 0
                        yield batch
            except venue_faults() as error:
                failures += 1
                self.reconnects += 1
                log.warning(
                    "feed_lost venue=%s error=%s detail=%.200s",
                    self._options.venue,
                    type(error).__name__,
                    error,
                )
            finally:
                await self.close()
            await self._edge.sleep(backoff_s(failures, self._edge.jitter()))
            self._exchange = self._make_exchange()
            self._exchange.set_markets(self._markets)

    async def history(self, bars: int, timeframe: str = "1m") -> BarHistory:
        """Up to `bars` closed bars of each instrument; none for one whose bars do not come."""
        timeframe_ns = parse_timeframe(timeframe)
        if timeframe_ns is None:
            raise ConfigError(f"timeframe {timeframe!r}: write it like 1m, 5m, 1h or 1d")
        found: dict[InstrumentId, Sequence[Bar]] = {}
        for symbol, id_ in self._ids.items():
            try:
                rows = await self._exchange.fetch_ohlcv(symbol, timeframe, limit=bars + 1)
            except venue_faults() as error:
                log.warning("history_missing symbol=%s error=%s", symbol, type(error).__name__)
                continue
            now_ns = self._edge.now_ns()
            made = [bar_from((id_, timeframe_ns), row, now_ns, self.dropped) for row in rows]
            found[id_] = tuple(bar for bar in made if bar is not None)[-bars:]
        return found

    async def close(self) -> None:
        """Close sockets and sessions; what fails in that is of no interest any more."""
        with contextlib.suppress(*venue_faults()):
            await self._exchange.close()

    async def _session(self, exchange: Any) -> AsyncGenerator[Sequence[MarketEvent], None]:
        inbox = Inbox(venue_faults(), self._edge.now_ns)
        tasks = [asyncio.create_task(inbox.pump(w, make)) for w, make in self._streams(exchange)]
        try:
            while True:
                yield await inbox.take(self._options.stale_s)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _streams(self, exchange: Any) -> list[tuple[Callable[[], Awaitable[Any]], Make]]:
        """The cheapest subscription for quotes that the venue has, and trades if wanted."""
        symbols, has = list(self._ids), exchange.has
        streams: list[tuple[Callable[[], Awaitable[Any]], Make]]
        if has.get("watchBidsAsks"):
            streams = [(partial(exchange.watch_bids_asks, symbols), self._tickers)]
        elif has.get("watchTickers"):
            streams = [(partial(exchange.watch_tickers, symbols), self._tickers)]
        else:
            streams = [
                (partial(exchange.watch_order_book, s, BOOK_DEPTH), self._top) for s in symbols
            ]
        if self._options.trades and has.get("watchTradesForSymbols"):
            streams.append((partial(exchange.watch_trades_for_symbols, symbols), self._prints))
        elif self._options.trades and has.get("watchTrades"):
            streams += [(partial(exchange.watch_trades, s), self._prints) for s in symbols]
        return streams

    def _tickers(self, tickers: Mapping[str, Any], received_ns: int) -> Sequence[MarketEvent]:
        made = (
            self._quote(
                t, (t.get("bid"), t.get("ask"), t.get("bidVolume"), t.get("askVolume")), received_ns
            )
            for t in tickers.values()
        )
        return [quote for quote in made if quote is not None]

    def _top(self, book: Mapping[str, Any], received_ns: int) -> Sequence[MarketEvent]:
        if not book.get("bids") or not book.get("asks"):
            self.dropped["empty book side"] += 1
            return ()
        bid, ask = book["bids"][0], book["asks"][0]
        quote = self._quote(book, (bid[0], ask[0], bid[1], ask[1]), received_ns)
        return () if quote is None else (quote,)

    def _quote(
        self, source: Mapping[str, Any], fields: tuple[object, ...], received_ns: int
    ) -> Quote | None:
        id_ = self._ids.get(source.get("symbol") or "")
        if id_ is None:
            self.dropped["unknown symbol"] += 1
            return None
        bid, ask, bid_size, ask_size = (number(field) for field in fields)
        if bid is None or ask is None or bid_size is None or ask_size is None:
            self.dropped["quote incomplete or not finite"] += 1
            return None
        return Quote(
            instrument_id=id_,
            bid=bid,
            ask=ask,
            bid_size=bid_size,
            ask_size=ask_size,
            venue_time_ns=_time_ns(source.get("timestamp"), received_ns),
            received_time_ns=received_ns,
        )

    def _prints(self, trades: Sequence[Any], received_ns: int) -> Sequence[MarketEvent]:
        made = (self._print(trade, received_ns) for trade in trades)
        return [trade for trade in made if trade is not None]

    def _print(self, trade: Mapping[str, Any], received_ns: int) -> TradePrint | None:
        id_ = self._ids.get(trade.get("symbol") or "")
        price, size = number(trade.get("price")), number(trade.get("amount"))
        if id_ is None or price is None or size is None or trade.get("side") not in SIDES:
            self.dropped["trade incomplete or not finite"] += 1
            return None
        return TradePrint(
            instrument_id=id_,
            price=price,
            size=size,
            aggressor=Side(trade["side"]),
            print_id=str(trade.get("id") or ""),
            venue_time_ns=_time_ns(trade.get("timestamp"), received_ns),
            received_time_ns=received_ns,
        )


async def open_feed(
    options: LiveOptions,
    make_exchange: Callable[[], Any] | None = None,
    edge: Edge | None = None,
) -> CcxtFeed:
    """Ask the venue what can be traded. Raises VenueUnavailable, or ConfigError for bad names."""
    make = make_exchange or partial(public_exchange, options.venue)
    exchange = make()
    try:
        await exchange.load_markets()
        return CcxtFeed(options, exchange, make, edge or Edge())
    except venue_faults() as error:
        await _close_quietly(exchange)
        raise VenueUnavailable(f"{options.venue}: {type(error).__name__}: {error}") from error
    except ConfigError:
        await _close_quietly(exchange)
        raise


def public_exchange(venue: str) -> Any:
    """A ccxt.pro exchange without keys."""
    import ccxt.pro

    if venue not in ccxt.pro.exchanges:
        raise ConfigError(f"venue {venue!r} is not known; examples: binance, coinbase, kraken")
    exchange = getattr(ccxt.pro, venue)({"enableRateLimit": True, "newUpdates": True})
    keep_alive = min(exchange.streaming.get("keepAlive", KEEP_ALIVE_MS), KEEP_ALIVE_MS)
    exchange.streaming = {**exchange.streaming, "keepAlive": keep_alive}
    return exchange


def venue_faults() -> tuple[type[Exception], ...]:
    """What a venue, a network, or ccxt's parsing of an unforeseen answer can raise."""
    import aiohttp
    import ccxt

    parsing = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
    return (ccxt.BaseError, aiohttp.ClientError, OSError, TimeoutError, *parsing)


def backoff_s(failures: int, jitter: float) -> float:
    """0.5 s, doubled by each failure in a row up to 30 s, times 0.5 + `jitter` in [0, 1)."""
    doubled = min(BACKOFF_S * 2.0 ** min(max(failures - 1, 0), 16), BACKOFF_S_MAX)
    return doubled * (0.5 + jitter)


def _instruments(options: LiveOptions, exchange: Any) -> tuple[Instrument, ...]:
    made = [
        instrument_from(exchange.markets[symbol], options.venue, exchange.precisionMode)
        for symbol in options.symbols
        if symbol in exchange.markets
    ]
    found = sorted((i for i in made if i is not None), key=lambda instrument: instrument.id)
    if not found:
        raise ConfigError(
            f"{options.venue} lists none of {', '.join(options.symbols)} in a form we can trade;"
            " check the symbols, written like BTC/USDT"
        )
    missing = sorted(set(options.symbols) - {instrument.symbol for instrument in found})
    if missing:
        log.warning("symbols_left_out venue=%s symbols=%s", options.venue, ",".join(missing))
    return tuple(found)


def _time_ns(timestamp_ms: object, received_ns: int) -> int:
    found = number(timestamp_ms)
    return received_ns if found is None else int(found) * NS_PER_MS


async def _close_quietly(exchange: Any) -> None:
    with contextlib.suppress(*venue_faults()):
        await exchange.close()
