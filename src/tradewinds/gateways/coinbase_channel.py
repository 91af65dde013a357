"""Coinbase's messages of one connection: counted, their books kept, turned into events."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from tradewinds.gateways import coinbase_frames as frames
from tradewinds.gateways.level_book import LevelBook
from tradewinds.model.events import MarketEvent
from tradewinds.model.ids import InstrumentId
from tradewinds.model.market import Bar, BookDelta, Quote, Side, TradePrint
from tradewinds.model.timeframes import MINUTE_NS
from tradewinds.model.validity import invalidity

AGE_NS_MAX: Final = 10_000_000_000
HEARTBEAT_S_MAX: Final = 5.0
LEVELS_SILENT_S_MAX: Final = 60.0
"""The venue itself ends a channel without updates after 60 to 90 s."""
CANDLE_NS: Final = 5 * MINUTE_NS
CANDLE_GRACE_NS: Final = 2_000_000_000
log = logging.getLogger(__name__)


class Places(Struct, frozen=True, kw_only=True):
    """Where events go, and the clock (s) by which silence is measured."""

    put: Callable[[MarketEvent], None]
    put_bar: Callable[[Bar], None]
    now_s: Callable[[], float]
    whole_books: bool


class CoinbaseChannel:
    """A Receiver of one Stream. `products` maps a venue's name to the instruments it speaks of.

    A gap in `sequence_num` or in the heartbeats' counter, a stopped heartbeat or silent books are
    faults: the connection is made anew, and no quote comes from a book until its next snapshot.
    """

    def __init__(self, products: Mapping[str, Sequence[InstrumentId]], places: Places) -> None:
        self._products = products
        self._places = places
        self._put = places.put
        self._stamps = frames.Stamps()
        self._trade_ids: dict[InstrumentId, int] = {}
        self._growing: dict[InstrumentId, frames.Candle] = {}
        self.decoder = frames.CoinbaseDecoder()
        self.books = {id_: LevelBook() for ids in products.values() for id_ in ids}
        self.usable = 0
        self.dropped: Counter[str] = Counter()
        self._routes: dict[type, Callable[[Any, int, int], None]] = {
            frames.Level2: self._levels,
            frames.Tickers: self._tickers,
            frames.MarketTrades: self._trades,
            frames.Candles: self._candles,
            frames.Heartbeats: self._heartbeats,
            frames.Subscriptions: self._subscriptions,
        }
        self._begin()

    def opened(self, *, carries_on: bool) -> None:
        """Every connection counts from 0 and begins with snapshots."""
        for book in self.books.values():
            book.clean = False
        self._begin()

    def frame(self, message: bytes, received_ns: int) -> None:
        """One message, unless something was missed: then nothing until the next connection."""
        if self._wrong:
            return
        found = self.decoder.decode(message)
        if found is None:
            return
        if not self._follows_on(found.sequence_num):
            return
        if isinstance(found, frames.Peek):
            self._rare(found)
            return
        venue_ns = self._stamps.ns(found.timestamp, received_ns)
        age_ns = received_ns - venue_ns
        if not -AGE_NS_MAX < age_ns < AGE_NS_MAX:
            self.dropped["older than 10 s" if age_ns > 0 else "ahead of our clock by 10 s"] += 1
            return
        self._routes[type(found)](found, venue_ns, received_ns)
        self.usable += 1

    def fault(self) -> str:
        """Why the connection must be given up, or nothing."""
        if self._wrong:
            return self._wrong
        now_s = self._places.now_s()
        if now_s - self._beat_s > HEARTBEAT_S_MAX:
            return "heartbeats stopped"
        if now_s - self._levels_s > LEVELS_SILENT_S_MAX:
            return "books silent"
        return ""

    def _begin(self) -> None:
        self._wrong = ""
        self._next_number = -1
        self._counter = -1
        # Subscribing takes a while: the first heartbeat has twice the time of the others.
        self._beat_s = self._places.now_s() + HEARTBEAT_S_MAX
        self._levels_s = self._places.now_s()

    def _follows_on(self, number: int) -> bool:
        if number < 0:
            return True
        if self._next_number >= 0 and number != self._next_number:
            if number < self._next_number:
                self.dropped["seen before"] += 1
            else:
                self.distrust(f"sequence gap: {number} after {self._next_number - 1}")
            return False
        self._next_number = number + 1
        return True

    def distrust(self, why: str) -> None:
        """Something was missed: no book is known, the connection must be made anew."""
        self._wrong = why
        self.dropped["connections with a gap"] += 1
        for book in self.books.values():
            book.clean = False

    def _rare(self, peek: frames.Peek) -> None:
        if peek.type == "error":
            log.error("venue_said_error message=%.200s", peek.message)
            self._wrong = "the venue said error"
        elif peek.channel == "l2_data":
            # A change of the book was not understood: the book is not known any more.
            self.distrust("book message not understood")

    def _levels(self, message: frames.Level2, venue_ns: int, received_ns: int) -> None:
        self._levels_s = self._places.now_s()
        for event in message.events:
            for id_ in self._known(event.product_id):
                self._level_event(id_, event, venue_ns, received_ns)

    def _level_event(
        self, id_: InstrumentId, event: frames.LevelEvent, venue_ns: int, received_ns: int
    ) -> None:
        book, snapshot = self.books[id_], event.type == "snapshot"
        if not (snapshot or book.clean):
            self.dropped["change of no book"] += 1
            return
        before = book.touch()
        bids = tuple((u.price_level, u.new_quantity) for u in event.updates if u.side == "bid")
        asks = tuple((u.price_level, u.new_quantity) for u in event.updates if u.side == "offer")
        delta = BookDelta(
            instrument_id=id_,
            bids=bids,
            asks=asks,
            snapshot=snapshot,
            first_update_id=0,
            last_update_id=0,
            venue_time_ns=venue_ns,
            received_time_ns=received_ns,
        )
        if invalidity(delta) is not None:
            self.distrust(f"impossible book message: {invalidity(delta)}")
            return
        (book.replace if snapshot else book.change)(bids, asks, 0)
        touch = book.touch()
        if touch is None:
            self.distrust("crossed or empty book")
            return
        if self._places.whole_books:
            self._put(delta)
        if touch != before:
            self._quote(id_, touch, venue_ns, received_ns)

    def _tickers(self, message: frames.Tickers, venue_ns: int, received_ns: int) -> None:
        """Of use only where there is no book to tell more."""
        for event in message.events:
            for ticker in event.tickers:
                touch = (
                    *(ticker.best_bid, ticker.best_bid_quantity),
                    *(ticker.best_ask, ticker.best_ask_quantity),
                )
                for id_ in self._known(ticker.product_id):
                    if not self.books[id_].clean:
                        self._quote(id_, touch, venue_ns, received_ns)

    def _quote(
        self,
        id_: InstrumentId,
        touch: tuple[float, float, float, float],
        venue_ns: int,
        received_ns: int,
    ) -> None:
        self._put(
            Quote(
                instrument_id=id_,
                bid=touch[0],
                bid_size=touch[1],
                ask=touch[2],
                ask_size=touch[3],
                venue_time_ns=venue_ns,
                received_time_ns=received_ns,
            )
        )

    def _trades(self, message: frames.MarketTrades, venue_ns: int, received_ns: int) -> None:
        for event in message.events:
            for trade in reversed(event.trades):
                for id_ in self._known(trade.product_id):
                    self._print(id_, trade, received_ns)

    def _print(self, id_: InstrumentId, trade: frames.MarketTrade, received_ns: int) -> None:
        time_ns = self._stamps.ns(trade.time, 0)
        number = int(trade.trade_id) if trade.trade_id.isdecimal() else -1
        if trade.side not in ("BUY", "SELL") or number < 0:
            self.dropped["trade without a side or an id"] += 1
        elif number <= self._trade_ids.get(id_, -1):
            self.dropped["seen before"] += 1
        elif received_ns - time_ns > AGE_NS_MAX:
            self.dropped["trade older than 10 s"] += 1
        else:
            self._trade_ids[id_] = number
            self._put(
                TradePrint(
                    instrument_id=id_,
                    price=trade.price,
                    size=trade.size,
                    aggressor=Side.BUY if trade.side == "BUY" else Side.SELL,
                    print_id=trade.trade_id,
                    venue_time_ns=time_ns,
                    received_time_ns=received_ns,
                )
            )

    def _candles(self, message: frames.Candles, venue_ns: int, received_ns: int) -> None:
        """A candle is closed by the one after it. Of a snapshot only the newest is of interest."""
        for event in message.events:
            for candle in sorted(event.candles, key=lambda each: each.start):
                for id_ in self._known(candle.product_id):
                    growing = self._growing.get(id_)
                    if growing is not None and candle.start < growing.start:
                        continue
                    if growing is not None and candle.start > growing.start:
                        self._close(id_, growing, received_ns)
                    self._growing[id_] = candle

    def _close(self, id_: InstrumentId, candle: frames.Candle, received_ns: int) -> None:
        open_ns = candle.start * frames.NS
        bar = Bar(
            instrument_id=id_,
            timeframe_ns=CANDLE_NS,
            open_time_ns=open_ns,
            open=candle.open,
            high=candle.high,
            low=candle.low,
            close=candle.close,
            volume=candle.volume,
            venue_time_ns=open_ns + CANDLE_NS,
            received_time_ns=received_ns,
        )
        why = invalidity(bar)
        if why is None and received_ns - bar.venue_time_ns < CANDLE_NS:
            self._places.put_bar(bar)
        elif why is not None:
            self.dropped[why] += 1

    def _heartbeats(self, message: frames.Heartbeats, venue_ns: int, received_ns: int) -> None:
        self._beat_s = self._places.now_s()
        for beat in message.events:
            if self._counter >= 0 and beat.heartbeat_counter > self._counter + 1:
                self.distrust(f"heartbeat gap: {beat.heartbeat_counter} after {self._counter}")
            self._counter = beat.heartbeat_counter
        for id_, candle in list(self._growing.items()):
            if (candle.start * frames.NS) + CANDLE_NS + CANDLE_GRACE_NS <= venue_ns:
                self._close(id_, self._growing.pop(id_), received_ns)

    def _subscriptions(self, message: object, venue_ns: int, received_ns: int) -> None:
        """Told after every subscription of ours."""

    def _known(self, product_id: str) -> Sequence[InstrumentId]:
        found = self._products.get(product_id)
        if found is None:
            self.dropped["unknown symbol"] += 1
            return ()
        return found
