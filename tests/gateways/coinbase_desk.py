"""Coinbase's messages as it writes them, and a feed that meets them on a scripted server."""

import asyncio
import contextlib
import datetime

from tests.gateways.scripted import FakeRest, Hand, ScriptedServer, calm, quick, spot
from tradewinds.gateways.coinbase_feed import CoinbaseFeed, CoinbaseOptions

NOW = 1_767_225_600_000_000_000
USD = "BTC/USD"


def stamp(ns=NOW):
    moment = datetime.datetime.fromtimestamp(ns // 10**9, datetime.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ns % 10**9:09d}Z"


class Teller:
    """Numbers a connection's messages as the venue does."""

    def __init__(self, visit):
        self.visit = visit
        self.number = 0
        self.counter = 100
        self.at_ns = NOW

    def say(self, channel, *events, number=None):
        if number is not None:
            self.number = number
        message = {
            "channel": channel,
            "timestamp": stamp(self.at_ns),
            "sequence_num": self.number,
            "events": list(events),
        }
        self.number += 1
        self.visit.say(message)

    def beat(self, step=1):
        self.counter += step
        self.say("heartbeats", {"current_time": "x", "heartbeat_counter": self.counter})

    def book(self, bids, asks, kind="snapshot", product="BTC-USD"):
        updates = [level("bid", *each) for each in bids] + [level("offer", *each) for each in asks]
        self.say("l2_data", {"type": kind, "product_id": product, "updates": updates})

    def trades(self, *trades, kind="update"):
        self.say("market_trades", {"type": kind, "trades": list(trades)})


def level(side, price, size):
    return {"side": side, "event_time": stamp(), "price_level": price, "new_quantity": size}


def trade(number, at_ns=NOW, side="BUY", **extra):
    fields = {
        "trade_id": str(number),
        "product_id": "BTC-USD",
        "price": "100.5",
        "size": "0.25",
        "side": side,
        "time": stamp(at_ns),
    }
    return {**fields, **extra}


class Desk:
    """A feed on a scripted server, its events collected."""

    def __init__(self, server, *symbols, hand=None, **options):
        self.now_ns = NOW
        wanted = symbols or (USD,)
        self.rest = FakeRest(*(spot(symbol, "coinbase") for symbol in wanted))
        self.events = []
        self.feed = CoinbaseFeed(
            CoinbaseOptions(symbols=wanted, url=server.url("/"), **options),
            self.rest.instruments,
            self.rest,
            quick(now_ns=lambda: self.now_ns),
            calm(hand or Hand()),
        )

    async def collect(self):
        async for batch in self.feed.batches():
            self.events += batch

    def of(self, kind):
        return [event for event in self.events if type(event) is kind]


def scenario(*symbols, **options):
    """Run an asyncio test with server and desk."""

    def wrap(test):
        def run():
            async def main():
                async with asyncio.timeout(20), ScriptedServer(lambda *_: ()) as server:
                    desk = Desk(server, *symbols, **options)
                    task = asyncio.create_task(desk.collect())
                    try:
                        await test(server, desk)
                    finally:
                        task.cancel()
                        with contextlib.suppress(asyncio.CancelledError):
                            await task

            asyncio.run(main())

        run.__name__ = test.__name__
        return run

    return wrap
