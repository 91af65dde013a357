"""One Binance connection's messages: decoded, judged by their time, put where they belong."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

import msgspec
from msgspec import Struct

from tradewinds.gateways.binance_books import BinanceBook
from tradewinds.gateways.binance_frames import STREAM_HEAD, FrameDecoder
from tradewinds.gateways.stream import Stream, StreamTerms
from tradewinds.model.events import MarketEvent
from tradewinds.model.ids import InstrumentId
from tradewinds.model.market import Bar, BookDelta, FundingRate

AGE_NS_MAX: Final = 10_000_000_000
"""An event this much older, or younger, than its arrival is not of now: it is left out."""
PARAMS_MAX: Final = 100
"""Streams in one message of ours, so that it stays small."""
STREAMS_MAX: Final = 1_000
"""On one connection; the venue's limit is 1,024."""
CANARY: Final = b'{"stream":"btcusdt@'
"""Binance's busiest market: on a connection that is alive it is never silent for long."""
log = logging.getLogger(__name__)


class Word(Struct):
    """A message about the connection itself: an answer, an error, an announcement."""

    e: str = ""
    id: int | str | None = None
    error: msgspec.Raw = msgspec.Raw(b"")
    code: int = 0


class Places(Struct, frozen=True, kw_only=True):
    """Where events go."""

    put: Callable[[MarketEvent], None]
    put_bar: Callable[[Bar], None]
    books: Mapping[InstrumentId, BinanceBook]


class BinanceChannel:
    """A Receiver of one Stream. `dropped` counts what was left out, beside the decoder's own."""

    def __init__(self, symbols: Mapping[str, InstrumentId], places: Places) -> None:
        self.decoder = FrameDecoder(symbols)
        self._decode = self.decoder.decode
        self._put = places.put
        self._put_bar = places.put_bar
        self._books = places.books
        self.stream: Stream | None = None
        self.usable = 0
        self.dropped: Counter[str] = Counter()

    def opened(self, *, carries_on: bool) -> None:
        """A connection that does not carry on from another may have missed anything."""
        if not carries_on:
            self.decoder.forget()
            for book in self._books.values():
                book.spoil()

    def frame(self, message: bytes, received_ns: int) -> None:
        """One message to its events; what is not market data is read as a word."""
        events = self._decode(message, received_ns) if message.startswith(STREAM_HEAD) else ()
        if not events:
            self._rare(message)
            return
        for event in events:
            age_ns = received_ns - event.venue_time_ns
            if not -AGE_NS_MAX < age_ns < AGE_NS_MAX and type(event) is not FundingRate:
                self._out_of_time(age_ns)
                return
            kind = type(event)
            if kind is BookDelta:
                self._take_delta(event)  # type: ignore[arg-type]
            elif kind is Bar:
                self._put_bar(event)  # type: ignore[arg-type]
            else:
                self._put(event)
        self.usable += 1

    def fault(self) -> str:
        """Silence and nonsense are the stream's to notice."""
        return ""

    def _take_delta(self, delta: BookDelta) -> None:
        book = self._books.get(delta.instrument_id)
        if book is None:
            self.dropped["delta of no book"] += 1
            return
        for sound in book.take(delta):
            self._put(sound)

    def _out_of_time(self, age_ns: int) -> None:
        reason = "older than 10 s" if age_ns > 0 else "ahead of our clock by 10 s"
        self.dropped[reason] += 1
        if self.dropped[reason] == 1:
            log.error("clock_or_data_wrong age_s=%.1f hint=check_this_machines_clock", age_ns / 1e9)

    def _rare(self, message: bytes) -> None:
        if message.startswith(CANARY):
            self.usable += 1
        elif message.startswith(STREAM_HEAD) and b"serverShutdown" not in message[:200]:
            # A market message without an event: the decoder has counted why.
            return
        else:
            self._word(message)

    def _word(self, message: bytes) -> None:
        try:
            word = msgspec.json.decode(message, type=Word)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self.dropped["not a message"] += 1
            return
        if b"serverShutdown" in message[:200]:
            log.info("server_shutdown_announced")
            if self.stream is not None:
                self.stream.rotate("serverShutdown")
        elif bytes(word.error) or word.code:
            self.dropped["subscription refused"] += 1
            log.error("subscription_refused answer=%.200s", message.decode(errors="replace"))
        elif word.id is None:
            self.dropped["unknown word"] += 1


def terms_of(name: str, url: str, streams: list[str], silent_s: float) -> list[StreamTerms]:
    """One connection's terms for up to STREAMS_MAX streams each."""
    return [
        StreamTerms(
            name=name,
            url=url,
            hello=_subscriptions(streams[start : start + STREAMS_MAX]),
            silent_s=silent_s,
        )
        for start in range(0, len(streams), STREAMS_MAX)
    ]


def _subscriptions(streams: list[str]) -> tuple[bytes, ...]:
    chunks = [streams[i : i + PARAMS_MAX] for i in range(0, len(streams), PARAMS_MAX)]
    return tuple(
        msgspec.json.encode({"method": "SUBSCRIBE", "params": chunk, "id": number})
        for number, chunk in enumerate(chunks, 1)
    )
