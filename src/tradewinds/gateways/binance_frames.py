"""Raw Binance WebSocket messages, spot and USD-M, to market events. Typed, no dict in between."""

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, Final

import msgspec

from tradewinds.gateways.binance_messages import (
    AggTrade,
    BookTicker,
    DepthSnapshot,
    DepthUpdate,
    Kline,
    MarkPriceUpdate,
    Peek,
    Trade,
    Wrapped,
)
from tradewinds.model.events import MarketEvent
from tradewinds.model.ids import InstrumentId, instrument_id
from tradewinds.model.market import Bar, BookDelta, FundingRate, MarkPrice, Quote, Side, TradePrint
from tradewinds.model.symbols import unified_symbol

VENUE: Final = "binance"
NS_PER_MS: Final = 1_000_000
CLOCK_LAG_NS_MAX: Final = 10_000_000_000
HEAD_BYTES: Final = 120
"""The event's name stands near the start, behind a stream name of at most some fifty letters."""

STREAM_HEAD: Final = b'{"stream":"'

Maker = Callable[[Any, int], Sequence[MarketEvent]]
Entry = tuple[Callable[[bytes], Any], Maker, str]
"""Parser, maker of events, and the name to count under."""


class FrameDecoder:
    """Bytes to events for one kind of market: spot, or USD-M perpetuals.

    `symbols` maps Binance's spelling (`BTCUSDT`) to our ids; a symbol that is not in it is counted
    as unknown. `counts` holds messages by kind, `dropped` those that gave no event, by reason.
    Nothing a venue sends raises.

    A quote or trade whose id is not newer than the last one's is dropped: a feed that overlaps two
    connections brings the same twice. `forget` starts the ids anew.

    A message without a time of its own (spot bookTicker and snapshots) gets the time of its
    arrival, or the venue's last stated time if that is later: our clock may lag the venue's.
    """

    def __init__(self, symbols: Mapping[str, InstrumentId]) -> None:
        self._symbols = dict(symbols)
        self._last_venue_ns = 0
        self._funding: dict[InstrumentId, tuple[int, float]] = {}
        self._updates: dict[InstrumentId, int] = {}
        self._trade_ids: dict[str, int] = {}
        self._only = next(iter(self._symbols.values())) if len(self._symbols) == 1 else None
        self.counts: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        makers: list[tuple[bytes, type[Any], Maker]] = [
            (b"bookTicker", BookTicker, self._quote),
            (b"depthUpdate", DepthUpdate, self._delta),
            (b"snapshot", DepthSnapshot, self._snapshot),
            (b"trade", Trade, self._trade),
            (b"aggTrade", AggTrade, self._agg_trade),
            (b"kline", Kline, self._bar),
            (b"markPriceUpdate", MarkPriceUpdate, self._mark),
        ]
        self._bare = {kind: _entry(kind, type_, make) for kind, type_, make in makers}
        self._wrapped = {
            kind: _entry(kind, Wrapped[type_], make)  # type: ignore[valid-type]
            for kind, type_, make in makers
        }

    def decode(self, frame: bytes, received_time_ns: int) -> Sequence[MarketEvent]:
        """Events of one message. `received_time_ns` 0 means not known: the venue's time is taken.

        Raises nothing: what cannot be an event is counted in `dropped`.
        """
        wrapped = frame.startswith(STREAM_HEAD)
        known = (self._wrapped if wrapped else self._bare).get(_kind_of(frame))
        if known is None:
            return self._decode_unusual(frame, received_time_ns)
        message = self._parsed(known, frame)
        if message is None:
            return ()
        return known[1](message.data if wrapped else message, received_time_ns)

    def forget(self) -> None:
        """The next ids may be anything: a new connection that does not carry on from another."""
        self._updates.clear()
        self._trade_ids.clear()

    def _parsed(self, known: Entry, frame: bytes) -> Any:
        parse, _, name = known
        try:
            message = parse(frame)
        except msgspec.ValidationError:
            self.dropped[f"{name}: field missing or not a number"] += 1
            return None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self.dropped["not a message"] += 1
            return None
        self.counts[name] += 1
        return message

    def _decode_unusual(self, frame: bytes, received_ns: int) -> Sequence[MarketEvent]:
        """The same messages with their keys in another order, or some that are none of ours."""
        peek = _peek(frame)
        if peek is not None and len(bytes(peek.data)) > 0:
            frame = bytes(peek.data)
            peek = _peek(frame)
        if peek is None:
            self.dropped["not a message"] += 1
            return ()
        known = self._bare.get(peek.e.encode() or _kind_of(frame))
        if known is None:
            self.dropped["unknown message"] += 1
            return ()
        message = self._parsed(known, frame)
        return () if message is None else known[1](message, received_ns)

    def _quote(self, message: BookTicker, received_ns: int) -> Sequence[MarketEvent]:
        id_ = self._symbols.get(message.s)
        if id_ is None:
            return self._unknown()
        bid, ask, bid_size, ask_size = message.b, message.a, message.B, message.A
        if not math.isfinite(bid + ask + bid_size + ask_size):
            return self._not_finite()
        update_id = message.u
        if update_id:
            if update_id <= self._updates.get(id_, 0):
                return self._seen_before()
            self._updates[id_] = update_id
        venue_ns = message.E * NS_PER_MS if message.E else max(received_ns, self._last_venue_ns)
        return (
            Quote(
                instrument_id=id_,
                bid=bid,
                ask=ask,
                bid_size=bid_size,
                ask_size=ask_size,
                venue_time_ns=venue_ns,
                received_time_ns=received_ns or venue_ns,
            ),
        )

    def _delta(self, message: DepthUpdate, received_ns: int) -> Sequence[MarketEvent]:
        id_ = self._symbols.get(message.s)
        if id_ is None:
            return self._unknown()
        venue_ns = self._stated(message.E, received_ns)
        return self._book(
            BookDelta(
                instrument_id=id_,
                bids=message.b,
                asks=message.a,
                snapshot=False,
                # USD-M ids leave gaps; what a delta follows on from is what continuity needs.
                first_update_id=message.pu + 1 if message.pu else message.U,
                last_update_id=message.u,
                venue_time_ns=venue_ns,
                received_time_ns=received_ns or venue_ns,
            )
        )

    def _snapshot(self, message: DepthSnapshot, received_ns: int) -> Sequence[MarketEvent]:
        if self._only is None:
            self.dropped["snapshot without a symbol"] += 1
            return ()
        venue_ns = (
            self._stated(message.E, received_ns)
            if message.E
            else self._last_venue_ns or received_ns
        )
        return self._book(
            BookDelta(
                instrument_id=self._only,
                bids=message.bids,
                asks=message.asks,
                snapshot=True,
                first_update_id=message.last_update_id,
                last_update_id=message.last_update_id,
                venue_time_ns=venue_ns,
                received_time_ns=received_ns or venue_ns,
            )
        )

    def _book(self, delta: BookDelta) -> Sequence[MarketEvent]:
        total = sum(chain.from_iterable(delta.bids + delta.asks))
        return (delta,) if math.isfinite(total) else self._not_finite()

    def _trade(self, message: Trade, received_ns: int) -> Sequence[MarketEvent]:
        if message.X != "MARKET":
            # Insurance fund and ADL fills happen away from the book.
            self.dropped["trade off the book"] += 1
            return ()
        return self._print(message, "", message.t, received_ns)

    def _agg_trade(self, message: AggTrade, received_ns: int) -> Sequence[MarketEvent]:
        return self._print(message, "a", message.a, received_ns)

    def _print(
        self, message: Trade | AggTrade, prefix: str, number: int, received_ns: int
    ) -> Sequence[MarketEvent]:
        id_ = self._symbols.get(message.s)
        if id_ is None:
            return self._unknown()
        if not math.isfinite(message.p + message.q):
            return self._not_finite()
        series = prefix + message.s
        if number <= self._trade_ids.get(series, -1):
            return self._seen_before()
        self._trade_ids[series] = number
        self._stated(message.E, received_ns)
        venue_ns = message.T * NS_PER_MS
        return (
            TradePrint(
                instrument_id=id_,
                price=message.p,
                size=message.q,
                aggressor=Side.SELL if message.m else Side.BUY,
                print_id=f"{prefix}{number}",
                venue_time_ns=venue_ns,
                received_time_ns=received_ns or venue_ns,
            ),
        )

    def _bar(self, message: Kline, received_ns: int) -> Sequence[MarketEvent]:
        id_, body = self._symbols.get(message.s), message.k
        if id_ is None:
            return self._unknown()
        if not body.x:
            self.dropped["bar not closed"] += 1
            return ()
        if not math.isfinite(body.o + body.h + body.l + body.c + body.v):
            return self._not_finite()
        open_ns, close_ns = body.t * NS_PER_MS, (body.T + 1) * NS_PER_MS
        return (
            Bar(
                instrument_id=id_,
                timeframe_ns=close_ns - open_ns,
                open_time_ns=open_ns,
                open=body.o,
                high=body.h,
                low=body.l,
                close=body.c,
                volume=body.v,
                venue_time_ns=close_ns,
                received_time_ns=received_ns or self._stated(message.E, received_ns),
            ),
        )

    def _mark(self, message: MarkPriceUpdate, received_ns: int) -> Sequence[MarketEvent]:
        """The mark price; and once its time has come, the last rate announced for it."""
        id_ = self._symbols.get(message.s)
        if id_ is None:
            return self._unknown()
        if not math.isfinite(message.p + message.r):
            return self._not_finite()
        venue_ns = self._stated(message.E, received_ns)
        received_ns = received_ns or venue_ns
        mark = MarkPrice(
            instrument_id=id_,
            price=message.p,
            venue_time_ns=venue_ns,
            received_time_ns=received_ns,
        )
        due_ns, rate = self._funding.get(id_, (0, 0.0))
        self._funding[id_] = (message.T * NS_PER_MS, message.r)
        if not 0 < due_ns <= venue_ns or due_ns == message.T * NS_PER_MS:
            return (mark,)
        funding = FundingRate(
            instrument_id=id_, rate=rate, venue_time_ns=due_ns, received_time_ns=received_ns
        )
        return (mark, funding)

    def _stated(self, time_ms: int, received_ns: int) -> int:
        """The venue's time in ns; remembered unless it is too far from ours to be true."""
        stated_ns = time_ms * NS_PER_MS
        if stated_ns > self._last_venue_ns and (
            not received_ns or stated_ns - received_ns < CLOCK_LAG_NS_MAX
        ):
            self._last_venue_ns = stated_ns
        return stated_ns

    def _unknown(self) -> Sequence[MarketEvent]:
        self.dropped["unknown symbol"] += 1
        return ()

    def _seen_before(self) -> Sequence[MarketEvent]:
        self.dropped["seen before"] += 1
        return ()

    def _not_finite(self) -> Sequence[MarketEvent]:
        self.dropped["not a finite number"] += 1
        return ()


def _entry(kind: bytes, type_: type[Any], make: Maker) -> Entry:
    return msgspec.json.Decoder(type_, strict=False).decode, make, kind.decode()


def _peek(frame: bytes) -> Peek | None:
    try:
        return msgspec.json.decode(frame, type=Peek)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _kind_of(frame: bytes) -> bytes:
    """The event's name, by where Binance writes it; empty where it is not there."""
    if frame.startswith(b'{"data":'):
        return b""
    start = frame.find(b'"e":"', 0, HEAD_BYTES)
    if start >= 0:
        return frame[start + 5 : frame.find(b'"', start + 5)]
    if frame.startswith(b'{"u":') or b"@bookTicker" in frame[:HEAD_BYTES]:
        return b"bookTicker"
    if frame.startswith(b'{"lastUpdateId":'):
        return b"snapshot"
    return b""


def decoder_for(frames: Sequence[bytes]) -> Callable[[bytes, int], Sequence[MarketEvent]]:
    """A decoder for a recording, by its first frames: which symbols, and spot or USD-M.

    Only USD-M depth has `pu`, only USD-M trades `X`, only USD-M bookTickers an `e`.
    """
    perpetual = any(
        b'"pu":' in frame or b'"X":' in frame or b'"e":"bookTicker"' in frame for frame in frames
    )
    found = sorted({match for frame in frames for match in re.findall(rb'"s":"([^"]+)"', frame)})
    symbols: dict[str, InstrumentId] = {}
    for spelling in (name.decode(errors="replace") for name in found):
        symbol = unified_symbol(spelling, perpetual=perpetual)
        if symbol is not None:
            symbols[spelling] = instrument_id(symbol, VENUE)
    return FrameDecoder(symbols).decode
