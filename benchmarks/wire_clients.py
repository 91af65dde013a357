"""Who reads the stream in this process: our feed with the whole engine, and ccxt.pro."""

import array
import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from benchmarks import rig
from benchmarks.wire_book import book_side
from benchmarks.wire_frames import native
from tradewinds.gateways.binance_feed import BinanceFeed, BinanceOptions, Endpoints
from tradewinds.gateways.venue_rest import Depth
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Bar

SILENT_S = 2.0
"""The stream is over when nothing has come for this long."""


class Decided(Struct, frozen=True, kw_only=True):
    """When the decision on each message was made, ns; by the message's place where some are left
    out: `numbers` counts from 0."""

    at: Sequence[int]
    numbers: Sequence[int]


class Rest:
    """The instruments of the synthetic market, listed as if Binance did."""

    instruments: Sequence[Instrument] = rig.FEED.instruments

    def native_id(self, symbol: str) -> str:
        """`BTCUSDT`."""
        return symbol.replace("/", "")

    async def depth(self, symbol: str, limit: int) -> Depth:
        """A book in which all levels of the frames lie."""
        return Depth(bids=book_side(-1), asks=book_side(1), update_id=1, limit=limit + 1)

    async def bars(self, symbol: str, timeframe_ns: int, since_ns: int, most: int) -> list[Bar]:
        """None."""
        return []

    async def listing(self, symbols: Sequence[str]) -> tuple[Instrument, ...]:
        """All."""
        return tuple(self.instruments)

    async def close(self) -> None:
        """Nothing is open."""


async def ours(url: str, kind: str, expected: int) -> Decided:
    """Through our feed and the whole engine."""
    driver, at, clock = rig.wired(time.time_ns()), array.array("q"), time.monotonic_ns
    ends = Endpoints(spot=f"{url}/stream")
    options = BinanceOptions(symbols=(), depth=kind == "depth", bars_ns=0, endpoints=ends)
    feed = BinanceFeed(options, Rest.instruments, Rest())
    rig.settle()
    market = driver.market

    async def read() -> None:
        async for batch in feed.batches():
            for event in batch:
                market(event)
                at.append(clock())
            if len(at) >= expected:
                return

    await until_silent(asyncio.create_task(read()), lambda: len(at))
    # Deltas before the snapshot come out in one: those that are missing are the first ones.
    return Decided(at=at, numbers=range(expected - len(at), expected))


async def until_silent(reader: "asyncio.Task[None]", count: Callable[[], int]) -> None:
    """Wait for the reader's end, or for a stream that brings nothing more."""
    seen = -1
    while not reader.done() and seen != count():
        seen = count()
        await asyncio.wait({reader}, timeout=SILENT_S)
    reader.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await reader


async def ccxt_pro(url: str, kind: str, expected: int) -> Decided:
    """Through ccxt.pro to nothing at all; of a burst it tells the newest quote or book."""
    import ccxt.pro

    exchange = ccxt.pro.binance({"newUpdates": True})
    exchange.set_markets([_market(exchange, i.symbol) for i in Rest.instruments])
    exchange.urls["api"]["ws"]["spot"] = f"{url}/ws"
    exchange.fetch_order_book = _snapshot
    at: dict[int, int] = {}
    rig.settle()
    reader = asyncio.create_task(_watch(exchange, kind, expected, at))
    await until_silent(reader, lambda: len(at))
    await exchange.close()
    return Decided(at=list(at.values()), numbers=list(at))


async def _watch(exchange: Any, kind: str, expected: int, at: dict[int, int]) -> None:
    symbols, clock = [i.symbol for i in Rest.instruments], time.monotonic_ns
    while expected - 1 not in at:
        if kind == "bookTicker":
            told = await exchange.watch_bids_asks(symbols)
            numbers = [ticker["info"]["u"] - 1 for ticker in told.values()]
        elif kind == "aggTrade":
            told = await exchange.watch_trades(symbols[0])
            numbers = [int(trade["id"]) - 1 for trade in told]
        else:
            book = await exchange.watch_order_book(symbols[0])
            numbers = [book["nonce"] - 2]
        at.update(dict.fromkeys(numbers, clock()))


async def _snapshot(symbol: str, limit: Any = None, params: Any = None) -> dict[str, Any]:
    bids, asks = (list(map(list, book_side(sign))) for sign in (-1, 1))
    return {"symbol": symbol, "bids": bids, "asks": asks, "nonce": 1, "timestamp": 1}


def _market(exchange: Any, symbol: str) -> Any:
    base, quote = symbol.split("/")
    names = {"symbol": symbol, "id": native(symbol), "lowercaseId": native(symbol).lower()}
    sides = {"base": base, "quote": quote, "baseId": base, "quoteId": quote}
    kind = {"type": "spot", "spot": True, "active": True, "contract": False, "swap": False}
    return exchange.safe_market_structure({**names, **sides, **kind})
