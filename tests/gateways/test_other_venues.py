"""Kraken, Bybit and OKX through unmodified ccxt.pro: frames as they document them, on our feed.

Only the socket is replaced: what ccxt subscribes to is looked at, and the answers are frames.
"""

import asyncio
import contextlib
import json
from collections.abc import Sequence
from typing import Any

import pytest
from ccxt.async_support.base.ws.client import Client

from tests.gateways.test_history import market
from tradewinds.gateways.ccxt_feed import CcxtFeed, Edge, LiveOptions, public_exchange
from tradewinds.model.events import MarketEvent
from tradewinds.model.market import Quote, Side, TradePrint

MS = 1_704_067_200_123
TIME = "2024-01-01T00:00:00.123456Z"

KRAKEN = (
    {
        "channel": "ticker",
        "type": "update",
        "data": [
            {
                "symbol": "BTC/USDT", "bid": 42000.1, "bid_qty": 0.5, "ask": 42000.2,
                "ask_qty": 1.5, "last": 42000.1, "volume": 12.3, "vwap": 42001.0, "low": 41000.0,
                "high": 43000.0, "change": 1.0, "change_pct": 0.01,
            }
        ],
    },
    {
        "channel": "trade",
        "type": "update",
        "data": [
            {
                "symbol": "BTC/USDT", "side": "sell", "price": 42000.1, "qty": 0.25,
                "ord_type": "market", "trade_id": 77, "timestamp": TIME,
            }
        ],
    },
)  # fmt: skip
BYBIT = (
    {
        "topic": "orderbook.1.BTCUSDT",
        "ts": MS,
        "type": "snapshot",
        "data": {
            "s": "BTCUSDT", "b": [["42000.1", "0.5"]], "a": [["42000.2", "1.5"]],
            "u": 1, "seq": 2,
        },
        "cts": MS,
    },
    {
        "topic": "publicTrade.BTCUSDT",
        "type": "snapshot",
        "ts": MS,
        "data": [
            {
                "T": MS, "s": "BTCUSDT", "S": "Sell", "v": "0.25", "p": "42000.1",
                "L": "MinusTick", "i": "77", "BT": False,
            }
        ],
    },
)  # fmt: skip
OKX = (
    {
        "arg": {"channel": "tickers", "instId": "BTC-USDT"},
        "data": [
            {
                "instType": "SPOT", "instId": "BTC-USDT", "last": "42000.1", "lastSz": "0.1",
                "askPx": "42000.2", "askSz": "1.5", "bidPx": "42000.1", "bidSz": "0.5",
                "open24h": "41500", "high24h": "43000", "low24h": "41000", "volCcy24h": "9",
                "vol24h": "9", "sodUtc0": "1", "sodUtc8": "1", "ts": str(MS),
            }
        ],
    },
    {
        "arg": {"channel": "trades", "instId": "BTC-USDT"},
        "data": [
            {
                "instId": "BTC-USDT", "tradeId": "77", "px": "42000.1", "sz": "0.25",
                "side": "sell", "ts": str(MS), "count": "1",
            }
        ],
    },
)  # fmt: skip
GARBAGE: dict[str, Sequence[Any]] = {
    "kraken": ({"channel": "ticker", "type": "update", "data": [{"symbol": "BTC/USDT"}]},),
    "bybit": (
        {"topic": "publicTrade.BTCUSDT", "ts": MS, "data": [{"s": "BTCUSDT", "p": "x", "T": MS}]},
    ),
    "okx": ({"arg": {"channel": "trades", "instId": "BTC-USDT"}, "data": [{"px": "NaN"}]},),
}
SPELLED = {"kraken": "XBTUSDT", "bybit": "BTCUSDT", "okx": "BTC-USDT"}


def played(
    venue: str, first: Sequence[Any], then: Sequence[Any], monkeypatch: pytest.MonkeyPatch
) -> tuple[CcxtFeed, list[Any]]:
    """Our feed on ccxt's exchange: the first subscription is answered with `first`, any later one
    with `then`."""
    asked: list[Any] = []

    def made() -> Any:
        exchange = public_exchange(venue)
        exchange.set_markets([market("BTC/USDT", id=SPELLED[venue], wsId="BTC/USDT")])
        return exchange

    def connect(client: Any, session: Any, backoff_delay: float = 0) -> Any:
        client.connected = client.connected or client.asyncio_loop.create_future()
        if not client.connected.done():
            client.connected.set_result(client.url)
        return client.connected

    async def send(client: Any, message: Any) -> None:
        asked.append(message)
        for frame in then if len(asked) > 1 else first:
            client.asyncio_loop.call_soon(client.on_message_callback, client, dict(frame))

    monkeypatch.setattr(Client, "connect", connect)
    monkeypatch.setattr(Client, "send", send)
    options = LiveOptions(venue=venue, symbols=("BTC/USDT",), stale_s=1.0)
    return CcxtFeed(options, made(), made, Edge()), asked


def taken(feed: CcxtFeed) -> list[MarketEvent]:
    """Until there was a quote and a trade."""

    async def read() -> list[MarketEvent]:
        found: list[MarketEvent] = []
        async with asyncio.timeout(20), contextlib.aclosing(feed.batches()) as batches:  # type: ignore[type-var]
            async for batch in batches:
                found.extend(batch)
                if {Quote, TradePrint} <= {type(event) for event in found}:
                    break
        return found

    return asyncio.run(read())


@pytest.mark.parametrize(("venue", "frames"), [("kraken", KRAKEN), ("bybit", BYBIT), ("okx", OKX)])
def test_quotes_and_trades_of_other_venues_become_our_events(
    venue: str, frames: Sequence[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    feed, asked = played(venue, frames, frames, monkeypatch)
    found = taken(feed)
    quote = next(event for event in found if isinstance(event, Quote))
    trade = next(event for event in found if isinstance(event, TradePrint))
    assert quote.instrument_id == trade.instrument_id == f"BTC/USDT@{venue}"
    assert (quote.bid, quote.bid_size, quote.ask, quote.ask_size) == (42000.1, 0.5, 42000.2, 1.5)
    assert (trade.price, trade.size, trade.aggressor, trade.print_id) == (
        42000.1, 0.25, Side.SELL, "77",
    )  # fmt: skip
    assert trade.venue_time_ns // 1_000_000 == MS
    assert asked
    assert all("subscribe" in json.dumps(message) for message in asked)
    assert not feed.dropped


@pytest.mark.parametrize("venue", GARBAGE)
def test_frames_that_lack_what_a_price_needs_give_no_event_and_the_next_ones_do(
    venue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = {"kraken": KRAKEN, "bybit": BYBIT, "okx": OKX}[venue]
    feed, _ = played(venue, GARBAGE[venue], good, monkeypatch)
    for event in taken(feed):
        prices = (event.bid, event.ask) if isinstance(event, Quote) else ()
        assert all(price > 0 for price in prices)
        assert not isinstance(event, TradePrint) or event.price == 42000.1
