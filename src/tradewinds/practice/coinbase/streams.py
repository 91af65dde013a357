"""The WebSocket side: subscriptions, heartbeats, market data and the user's orders."""

import json
from collections.abc import Collection, Iterator
from typing import Any

from msgspec import Struct

from tradewinds.model.decimals import ZERO
from tradewinds.model.market import Side
from tradewinds.practice.book import Level
from tradewinds.practice.clock import NS_PER_S
from tradewinds.practice.coinbase import shapes
from tradewinds.practice.coinbase.figures import iso, plain, uuid_of
from tradewinds.practice.coinbase.messages import Json, Listener
from tradewinds.practice.coinbase.products import candle, public_trade, touch
from tradewinds.practice.coinbase.tokens import Refusal, Tokens
from tradewinds.practice.exchange import Exchange
from tradewinds.practice.market import Market
from tradewinds.practice.orders import BookChanged, Order, OrderChanged, Traded, VenueEvent
from tradewinds.practice.site import HttpAnswer, HttpCall
from tradewinds.practice.wire import Socket

MARKET_CHANNELS = frozenset({"level2", "ticker", "ticker_batch", "market_trades", "candles"})
CHANNELS = MARKET_CHANNELS | {"status", "user", "heartbeats"}
BY_TIME_S = {"ticker_batch": 5.0, "candles": 1.0, "status": 5.0}
BAR = "5m"
PAST_TRADES = 100
PAST_BARS = 350
ORDERS_A_MESSAGE = 50
SUBSCRIBE_WITHIN_S = 5.0
QUIET_S = 90.0
POLICY_VIOLATION = 1008
LONG_AGO = "1970-01-01T00:00:00Z"


class Place(Struct, frozen=True, kw_only=True):
    """A site's name and host names. Both serve every channel."""

    name: str
    hosts: Collection[str]


class Streams:
    """A site. A connection that subscribes to nothing within five seconds is closed, and so is one
    that has been told nothing for 90 seconds: heartbeats keep it open."""

    def __init__(self, place: Place, exchange: Exchange, tokens: Tokens) -> None:
        self.name = place.name
        self.hosts = place.hosts
        self.listeners: dict[Socket, Listener] = {}
        self._exchange = exchange
        self._tokens = tokens
        self._told_ids: dict[str, int] = {}
        exchange.voice.listeners.append(self._heard)

    def answer(self, call: HttpCall) -> HttpAnswer:
        """There is no REST at these hosts."""
        return HttpAnswer(status=404, body=b"", content_type="text/plain")

    def opened(self, socket: Socket) -> bool:
        """At the root only."""
        self.listeners[socket] = Listener(socket, self._exchange.clock)
        return True

    def closed(self, socket: Socket) -> None:
        """Gone."""
        self.listeners.pop(socket, None)

    def received(self, socket: Socket, text: str) -> None:
        """`subscribe` or `unsubscribe`; anything else is an error and stays without effect."""
        listener = self.listeners[socket]
        try:
            asked = json.loads(text)
        except ValueError:
            asked = None
        if not isinstance(asked, dict) or asked.get("type") not in ("subscribe", "unsubscribe"):
            listener.complain("failure to parse message")
            return
        channel, products = str(asked.get("channel")), asked.get("product_ids") or []
        if channel not in CHANNELS or not isinstance(products, list):
            listener.complain(f"channel {channel} is not supported")
        elif not self._proved(listener, channel, asked.get("jwt")):
            listener.complain("authentication failure")
        elif asked["type"] == "subscribe":
            self._subscribe(listener, channel, [str(product) for product in products])
        else:
            self._unsubscribe(listener, channel, [str(product) for product in products])

    def tick(self) -> None:
        """Heartbeats, what is told by time, and the end of connections that say nothing."""
        for listener in list(self.listeners.values()):
            self._attend(listener)

    def _proved(self, listener: Listener, channel: str, token: object) -> bool:
        """Market data need no token, but a wrong one is refused everywhere."""
        if token is None:
            return channel != "user"
        try:
            key = self._tokens.of_message(str(token))
        except Refusal:
            return False
        listener.account = key.account
        return key.can_read

    def _subscribe(self, listener: Listener, channel: str, products: list[str]) -> None:
        unknown = [name for name in products if name not in self._exchange.markets]
        if unknown and channel != "heartbeats":
            listener.complain(f"unknown product {unknown[0]}")
            return
        fresh = [] if channel == "heartbeats" else products
        listener.channels.setdefault(channel, {}).update(dict.fromkeys(fresh))
        self._begin(listener, channel, fresh)
        self._confirm(listener)

    def _unsubscribe(self, listener: Listener, channel: str, products: list[str]) -> None:
        known = listener.channels.get(channel, {})
        for name in products or list(known):
            known.pop(name, None)
        if not known:
            listener.channels.pop(channel, None)
        self._confirm(listener)

    def _confirm(self, listener: Listener) -> None:
        told: dict[str, list[str]] = {}
        for channel, products in listener.channels.items():
            told[channel] = list(products) or ["heartbeats"]
            if channel == "user":
                assert listener.account is not None
                told[channel] = [uuid_of(f"user {listener.account.name}")]
        listener.tell("subscriptions", "subscriptions", [{"subscriptions": told}])

    def _begin(self, listener: Listener, channel: str, products: list[str]) -> None:
        """A snapshot of each."""
        markets = [self._exchange.markets[name] for name in products]
        listener.sent_ns[channel] = self._exchange.clock.elapsed_ns()
        if channel == "user":
            self._begin_user(listener)
        elif channel == "status":
            listener.tell(channel, channel, [_event("snapshot", "products", self._statuses())])
        elif channel in ("ticker", "ticker_batch"):
            for market in markets:
                self._ticker(listener, channel, market, "snapshot")
        else:
            snapshots = {"level2": self._book, "market_trades": _past, "candles": _past_bars}
            for market in markets if channel in snapshots else ():
                name = "l2_data" if channel == "level2" else channel
                event = snapshots[channel](market)
                listener.tell(f"{channel} {market.listing.symbol}", name, [event])

    def _begin_user(self, listener: Listener) -> None:
        assert listener.account is not None
        rows = [
            shapes.told(order)
            for order in self._exchange.open_orders(listener.account)
            if listener.listens("user", order.symbol)
        ]
        for start in range(0, max(1, len(rows)), ORDERS_A_MESSAGE):
            event = _user("snapshot", rows[start : start + ORDERS_A_MESSAGE])
            listener.tell("user", "user", [event])

    def _heard(self, event: VenueEvent) -> None:
        match event:
            case OrderChanged(order=order):
                self._tell_user(order)
            case Traded():
                self._tell_trade(event)
            case BookChanged(symbol=symbol):
                self._tell_book(self._exchange.markets[symbol])

    def _tell_user(self, order: Order) -> None:
        for listener in self._listening("user", order.symbol):
            if listener.account is order.account:
                listener.tell("user", "user", [_user("update", [shapes.told(order)])])

    def _tell_trade(self, trade: Traded) -> None:
        market = self._exchange.markets[trade.symbol]
        event = _event("update", "trades", [public_trade(trade)])
        for listener in self._listening("market_trades", trade.symbol):
            listener.tell(f"market_trades {trade.symbol}", "market_trades", [event])
        for listener in self._listening("ticker", trade.symbol):
            self._ticker(listener, "ticker", market, "update")

    def _tell_book(self, market: Market) -> None:
        symbol, now = market.listing.symbol, iso(self._exchange.clock.now_ns())
        bids, asks = market.book.changes_since(self._told_ids.get(symbol, 0))
        self._told_ids[symbol] = market.book.update_id
        updates = [_level("bid", one, now) for one in bids]
        updates += [_level("offer", one, now) for one in asks]
        event = {"type": "update", "product_id": symbol, "updates": updates}
        for listener in self._listening("level2", symbol):
            listener.tell(f"level2 {symbol}", "l2_data", [event])

    def _listening(self, channel: str, product: str) -> Iterator[Listener]:
        for listener in list(self.listeners.values()):
            if listener.listens(channel, product):
                yield listener

    def _attend(self, listener: Listener) -> None:
        now_ns = self._exchange.clock.elapsed_ns()
        if "heartbeats" in listener.channels and now_ns - listener.beat_ns >= NS_PER_S:
            listener.beat_ns = now_ns
            self._beat(listener)
        for channel, seconds in BY_TIME_S.items():
            due = now_ns - listener.sent_ns.get(channel, now_ns) >= seconds * NS_PER_S
            if due and channel in listener.channels:
                listener.sent_ns[channel] = now_ns
                self._by_time(listener, channel)
        idle = not listener.channels and now_ns - listener.opened_ns > SUBSCRIBE_WITHIN_S * NS_PER_S
        quiet = now_ns - listener.told_ns > QUIET_S * NS_PER_S
        if (idle or quiet) and not listener.socket.closing:
            listener.socket.close(POLICY_VIOLATION)

    def _beat(self, listener: Listener) -> None:
        listener.beats += 1
        now = iso(self._exchange.clock.now_ns())
        told = {"current_time": f"{now} +0000 UTC", "heartbeat_counter": str(listener.beats)}
        listener.tell("heartbeats", "heartbeats", [told])

    def _by_time(self, listener: Listener, channel: str) -> None:
        if channel == "status":
            listener.tell(channel, channel, [_event("update", "products", self._statuses())])
            return
        for name in listener.channels[channel] or self._exchange.markets:
            market = self._exchange.markets[name]
            if channel == "ticker_batch":
                self._ticker(listener, channel, market, "update")
            elif (bar := market.tape.latest(BAR)) is not None:
                rows = [candle(bar) | {"product_id": name}]
                event = _event("update", "candles", rows)
                listener.tell(f"candles {name}", channel, [event])

    def _ticker(self, listener: Listener, channel: str, market: Market, kind: str) -> None:
        event = _event(kind, "tickers", [_ticker(market)])
        listener.tell(f"{channel} {market.listing.symbol}", channel, [event])

    def _book(self, market: Market) -> Json:
        """The whole of it, as it is now."""
        bids, asks = (market.book.levels(side, 10**6) for side in (Side.BUY, Side.SELL))
        updates = [_level("bid", one, LONG_AGO) for one in bids]
        updates += [_level("offer", one, LONG_AGO) for one in asks]
        return {"type": "snapshot", "product_id": market.listing.symbol, "updates": updates}

    def _statuses(self) -> list[Json]:
        return [_status(market) for market in self._exchange.markets.values()]


def _event(kind: str, name: str, rows: list[Json]) -> Json:
    return {"type": kind, name: rows}


def _user(kind: str, orders: list[Json]) -> Json:
    none: dict[str, list[Any]] = {
        "perpetual_futures_positions": [],
        "expiring_futures_positions": [],
    }
    return {"type": kind, "orders": orders, "positions": none}


def _level(side: str, level: Level, at: str) -> Json:
    return {
        "side": side,
        "event_time": at,
        "price_level": plain(level[0]),
        "new_quantity": plain(level[1]),
    }


def _past(market: Market) -> Json:
    """Newest first."""
    trades = list(market.tape.trades)[-PAST_TRADES:]
    return _event("snapshot", "trades", [public_trade(trade) for trade in reversed(trades)])


def _past_bars(market: Market) -> Json:
    bars = market.tape.last_bars(BAR, PAST_BARS)
    name = {"product_id": market.listing.symbol}
    return _event("snapshot", "candles", [candle(bar) | name for bar in reversed(bars)])


def _ticker(market: Market) -> Json:
    day = market.tape.latest("1d")
    bid, ask = touch(market, Side.BUY), touch(market, Side.SELL)
    low, high = (day.low, day.high) if day is not None else (ZERO, ZERO)
    change = (day.close - day.open) / day.open * 100 if day is not None and day.open else ZERO
    return {
        "type": "ticker",
        "product_id": market.listing.symbol,
        "price": plain(market.reference),
        "volume_24_h": plain(day.volume if day is not None else ZERO),
        "low_24_h": plain(low),
        "high_24_h": plain(high),
        "low_52_w": plain(low),
        "high_52_w": plain(high),
        "price_percent_chg_24_h": plain(change),
        "best_bid": plain(bid[0]),
        "best_bid_quantity": plain(bid[1]),
        "best_ask": plain(ask[0]),
        "best_ask_quantity": plain(ask[1]),
    }


def _status(market: Market) -> Json:
    listing = market.listing
    return {
        "product_type": "SPOT",
        "id": listing.symbol,
        "base_currency": listing.base,
        "quote_currency": listing.quote,
        "base_increment": plain(listing.step),
        "quote_increment": plain(listing.tick),
        "display_name": f"{listing.base}/{listing.quote}",
        "status": "online" if listing.status == "TRADING" else "offline",
        "status_message": "",
        "min_market_funds": plain(listing.min_notional),
    }
