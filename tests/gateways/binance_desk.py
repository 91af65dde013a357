"""Binance's messages as it writes them, and a feed that meets them on a scripted server."""

import asyncio
import contextlib

from tests.gateways.scripted import (
    MINUTE,
    FakeRest,
    ScriptedServer,
    acknowledge,
    calm,
    quick,
    spot,
)
from tradewinds.gateways.binance_feed import BinanceFeed, BinanceOptions, Endpoints
from tradewinds.model.market import Bar

NOW = 1_767_225_600_000_000_000
NOW_MS = NOW // 1_000_000
BTC, PERP = "BTC/USDT", "BTC/USDT:USDT"


def ticker(u=1, s="BTCUSDT", bid="100.0", ask="100.1", **extra):
    data = {"u": u, "s": s, "b": bid, "B": "1", "a": ask, "A": "2", **extra}
    return {"stream": f"{s.lower()}@bookTicker", "data": data}


def trade(a=1, s="BTCUSDT", at=NOW_MS, **extra):
    data = {"e": "aggTrade", "E": at, "s": s, "a": a, "p": "100.05", "q": "0.1", "T": at, "m": True}
    return {"stream": f"{s.lower()}@aggTrade", "data": {**data, **extra}}


def depth(first, last, bids=(), asks=(), s="BTCUSDT", **extra):
    data = {"e": "depthUpdate", "E": NOW_MS, "s": s, "U": first, "u": last, "b": bids, "a": asks}
    return {"stream": f"{s.lower()}@depth@100ms", "data": {**data, **extra}}


def kline(minute, closed=True, s="BTCUSDT"):
    start = NOW_MS + minute * 60_000
    body = {"t": start, "T": start + 59_999, "x": closed}
    body |= {"o": "1", "h": "2", "l": "0.5", "c": "1.5", "v": "9"}
    data = {"e": "kline", "E": start + 60_000, "s": s, "k": body}
    return {"stream": f"{s.lower()}@kline_1m", "data": data}


def bar(minute, symbol=BTC):
    start = NOW + minute * MINUTE
    return Bar(
        instrument_id=f"{symbol}@binance",
        timeframe_ns=MINUTE,
        open_time_ns=start,
        open=1.0,
        high=2.0,
        low=0.5,
        close=1.5,
        volume=9.0,
        venue_time_ns=start + MINUTE,
        received_time_ns=start + MINUTE,
    )


class Desk:
    """A feed on a scripted server, its events collected."""

    def __init__(self, server, *symbols, hand=None, **options):
        self.now_ns = NOW
        self.rest = FakeRest(*(spot(symbol) for symbol in symbols or (BTC,)))
        self.events = []
        ends = Endpoints(
            spot=server.url("/spot"),
            usdm_public=server.url("/public"),
            usdm_market=server.url("/market"),
        )
        self.feed = BinanceFeed(
            BinanceOptions(symbols=symbols or (BTC,), endpoints=ends, **options),
            self.rest.instruments,
            self.rest,
            quick(now_ns=lambda: self.now_ns),
            calm(hand),
        )

    async def collect(self):
        async for batch in self.feed.batches():
            assert batch
            self.events += batch

    def close_minute(self, visit, minute, copies=1):
        """The venue says so, at that time."""
        self.now_ns = NOW + (minute + 1) * MINUTE
        visit.say(*[kline(minute)] * copies)

    def of(self, kind):
        return [event for event in self.events if type(event) is kind]


@contextlib.asynccontextmanager
async def running(*symbols, greet=acknowledge, **options):
    async with asyncio.timeout(20), ScriptedServer(greet) as server:
        desk = Desk(server, *symbols, **options)
        task = asyncio.create_task(desk.collect())
        try:
            yield server, desk
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def scenario(*symbols, **options):
    """Run an asyncio test with server and desk."""

    def wrap(test):
        def run():
            async def main():
                async with running(*symbols, **options) as (server, desk):
                    await test(server, desk)

            asyncio.run(main())

        run.__name__ = test.__name__
        return run

    return wrap
