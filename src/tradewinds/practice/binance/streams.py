"""Market streams of one product: who listens to what, and when each kind is due."""

from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Final

from msgspec import Struct

from tradewinds.practice.binance.figures import to_json
from tradewinds.practice.binance.frames import Frames
from tradewinds.practice.binance.subscriber import (
    POLICY_VIOLATION,
    Subscriber,
    command,
    connect,
)
from tradewinds.practice.clock import NS_PER_S
from tradewinds.practice.exchange import Exchange
from tradewinds.practice.faults import FaultPlan
from tradewinds.practice.market import Market
from tradewinds.practice.orders import BookChanged, CommandDone, Traded, VenueEvent
from tradewinds.practice.site import HttpAnswer, HttpCall
from tradewinds.practice.tape import Candle
from tradewinds.practice.wire import Socket

PUBLIC: Final = frozenset({"depth", "rpiDepth", "bookTicker", "trade"})
SPEEDS_S: Final = {"100ms": 0.1, "250ms": 0.25, "500ms": 0.5, "1000ms": 1.0, "1s": 1.0}
MARK_S: Final = 3.0
TICKER_S: Final = 1.0
CLOSED: Final = -2
"""In place of a count of trades: the bar was sent as closed."""
Json = dict[str, object]


class Product(Struct, frozen=True, kw_only=True):
    """How one product streams. `bars_s`: how often a growing bar is sent."""

    name: str
    hosts: Collection[str]
    routed: bool
    depth_s: float
    messages_per_s: int
    ping_s: float
    pong_s: float
    bars_s: float = 2.0


class Streams:
    """A site: connections, subscriptions, frames. `next_funding_ms` is asked for mark prices."""

    def __init__(
        self, product: Product, exchange: Exchange, frames: Frames, plan: FaultPlan
    ) -> None:
        self.product = product
        self.name = product.name
        self.hosts = product.hosts
        self.subscribers: dict[Socket, Subscriber] = {}
        self.next_funding_ms: Callable[[Market], int] = lambda market: 0
        self.on_tick: list[Callable[[], None]] = []
        self._exchange = exchange
        self._frames = frames
        self._plan = plan
        self._sent_ns: dict[str, int] = {}
        self._depth_ids: dict[str, int] = {}
        self._touches: dict[str, object] = {}
        self._grouped: dict[str, int] = {}
        self._bars: dict[str, tuple[int, int]] = {}
        exchange.voice.listeners.append(self._heard)

    def answer(self, call: HttpCall) -> HttpAnswer:
        """There is no REST at these hosts."""
        return HttpAnswer(status=404, body=b"", content_type="text/html")

    def opened(self, socket: Socket) -> bool:
        """By path; False where there is nothing."""
        subscriber = connect(socket, routed=self.product.routed)
        if subscriber is None:
            return False
        socket.ping_s, socket.pong_s = self.product.ping_s, self.product.pong_s
        self.subscribers[socket] = subscriber
        self._begin(subscriber)
        return True

    def received(self, socket: Socket, text: str) -> None:
        """A command."""
        subscriber = self.subscribers[socket]
        if subscriber.too_fast(self._exchange.clock, self.product.messages_per_s):
            socket.close(POLICY_VIOLATION)
            return
        socket.reply(to_json(command(subscriber, text, self._plan)))
        self._begin(subscriber)

    def closed(self, socket: Socket) -> None:
        """Gone."""
        self.subscribers.pop(socket, None)

    def shut_down(self) -> None:
        """Tell everybody that this server goes away soon."""
        event = {"e": "serverShutdown", "E": self._exchange.clock.now_ms()}
        for subscriber in self.subscribers.values():
            subscriber.send("!serverShutdown", event)

    def tick(self) -> None:
        """Send what is due by time."""
        for hook in self.on_tick:
            hook()
        wanted = self.wanted()
        for gone in self._depth_ids.keys() - set(wanted):
            del self._depth_ids[gone]
        for name in wanted:
            symbol, _, channel = name.partition("@")
            market = self._exchange.markets.get(symbol.upper())
            if market is not None:
                self._timed(name, channel, market)
            elif name.startswith("!"):
                self._of_all(name)

    def wanted(self) -> list[str]:
        """Every stream that somebody listens to."""
        return list(dict.fromkeys(n for s in self.subscribers.values() for n in s.names))

    def publish(self, name: str, data: Callable[[], object]) -> None:
        """To whoever listens; the payload is made only then."""
        listeners = list(self._listening(name))
        if listeners:
            payload = data()
            for subscriber in listeners:
                subscriber.send(name, payload)

    def _listening(self, name: str) -> Iterator[Subscriber]:
        channel = name.partition("@")[2].partition("@")[0] or name.lstrip("!")
        public = channel.rstrip("0123456789") in PUBLIC
        for subscriber in list(self.subscribers.values()):
            served = not self.product.routed or (subscriber.route == "public") == public
            if name in subscriber.names and served and subscriber.route != "private":
                yield subscriber

    def _begin(self, subscriber: Subscriber) -> None:
        """A depth stream tells every change from the moment somebody asks for it."""
        for name in subscriber.names:
            symbol, _, channel = name.partition("@")
            market = self._exchange.markets.get(symbol.upper())
            if market is not None and channel.startswith("depth"):
                self._depth_ids.setdefault(name, market.book.update_id)

    def _heard(self, event: VenueEvent) -> None:
        match event:
            case Traded(symbol=symbol):
                market = self._exchange.markets[symbol]
                trade = event
                self.publish(f"{symbol.lower()}@trade", lambda: self._frames.trade(market, trade))
            case BookChanged(symbol=symbol):
                self._touch(self._exchange.markets[symbol])
            case CommandDone():
                self._tell_groups()

    def _touch(self, market: Market) -> None:
        frame = self._frames.book_ticker(market)
        seen = tuple(frame[letter] for letter in "bBaA")
        symbol = market.listing.symbol
        if self._touches.get(symbol) != seen:
            self._touches[symbol] = seen
            self.publish(f"{symbol.lower()}@bookTicker", lambda: frame)
            self.publish("!bookTicker", lambda: frame)

    def _tell_groups(self) -> None:
        for symbol, market in self._exchange.markets.items():
            groups = market.tape.groups
            last = groups[-1].id if groups else 0
            known = self._grouped.get(symbol, 0)
            if last == known:
                continue
            self._grouped[symbol] = last
            for group in [g for g in list(groups)[-(last - known) :] if g.id > known]:
                frame = self._frames.group(market, group)
                self.publish(f"{symbol.lower()}@aggTrade", partial(_same, frame))

    def _due(self, name: str, seconds: float) -> bool:
        now_ns = self._exchange.clock.elapsed_ns()
        if now_ns - self._sent_ns.get(name, 0) < seconds * NS_PER_S:
            return False
        self._sent_ns[name] = now_ns
        return True

    def _timed(self, name: str, channel: str, market: Market) -> None:
        kind, _, speed = channel.partition("@")
        if kind.startswith("kline_"):
            self._kline(name, kind.removeprefix("kline_"), market)
        elif kind.startswith("depth"):
            self._depth(name, kind.removeprefix("depth"), SPEEDS_S.get(speed), market)
        elif kind == "markPrice" and self._due(name, SPEEDS_S.get(speed, MARK_S)):
            self.publish(name, lambda: self._mark(market))
        elif kind in ("ticker", "miniTicker") and self._due(name, TICKER_S):
            shape = self._frames.ticker if kind == "ticker" else self._frames.mini_ticker
            self.publish(name, lambda: shape(market))

    def _mark(self, market: Market) -> Json:
        return self._frames.mark_price(market, self.next_funding_ms(market))

    def _of_all(self, name: str) -> None:
        shapes: dict[str, Callable[[Market], Json]] = {
            "!markPrice": self._mark,
            "!ticker": self._frames.ticker,
            "!miniTicker": self._frames.mini_ticker,
        }
        kind, _, speed = name.partition("@arr")
        shape = shapes.get(kind)
        if shape is not None and self._due(name, SPEEDS_S.get(speed.lstrip("@"), TICKER_S)):
            self.publish(name, lambda: [shape(m) for m in self._exchange.markets.values()])

    def _depth(self, name: str, levels: str, speed_s: float | None, market: Market) -> None:
        if not self._due(name, speed_s or self.product.depth_s):
            return
        update_id = market.book.update_id
        since_id = self._depth_ids.get(name, update_id)
        self._depth_ids[name] = update_id
        if update_id == since_id:
            return
        # On USD-M `pu` is the `u` of this stream's frame before: what we last counted to.
        if levels:
            self.publish(name, lambda: self._frames.top(market, int(levels), since_id))
        else:
            self.publish(name, lambda: self._frames.depth(market, since_id, since_id))

    def _kline(self, name: str, interval: str, market: Market) -> None:
        bar = market.tape.latest(interval)
        if bar is None:
            return
        known_ms, known_count = self._bars.get(name, (bar.open_ms, -1))
        if bar.open_ms != known_ms and known_count != CLOSED:
            before = market.tape.last_bars(interval, 2)[0]
            self._send_bar(name, before, interval, market, closed=True)
        closed = self._exchange.clock.now_ms() > bar.close_ms
        state = (bar.open_ms, CLOSED if closed else bar.count)
        if state != (known_ms, known_count) and (closed or self._due(name, self.product.bars_s)):
            self._send_bar(name, bar, interval, market, closed=closed)

    def _send_bar(
        self, name: str, bar: Candle, interval: str, market: Market, *, closed: bool
    ) -> None:
        self._bars[name] = (bar.open_ms, CLOSED if closed else bar.count)
        frame = self._frames.kline(market, bar, interval, closed=closed)
        self.publish(name, lambda: frame)


def _same(frame: Json) -> Json:
    return frame
