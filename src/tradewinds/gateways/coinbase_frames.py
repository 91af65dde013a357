"""Coinbase Advanced Trade's public WebSocket messages, typed as they come."""

from calendar import timegm
from collections import Counter
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import Struct

NS: Final = 1_000_000_000
FRACTION_DIGITS: Final = 9


class Envelope(Struct, kw_only=True, tag_field="channel"):
    """What every message has. `sequence_num` counts per connection, over all channels."""

    sequence_num: int
    timestamp: str = ""


class LevelUpdate(Struct):
    """A price level's new size; 0 removes it. `side` is `bid` or `offer`."""

    side: str
    price_level: float
    new_quantity: float


class LevelEvent(Struct):
    """`type` is `snapshot` or `update`."""

    type: str
    product_id: str
    updates: list[LevelUpdate]


class Level2(Envelope, tag="l2_data"):
    """Channel level2."""

    events: list[LevelEvent]


class Ticker(Struct):
    """Sent with every trade."""

    product_id: str
    best_bid: float
    best_ask: float
    best_bid_quantity: float
    best_ask_quantity: float


class TickerEvent(Struct):
    """A list of one, usually."""

    tickers: list[Ticker]


class Tickers(Envelope, tag="ticker"):
    """Channel ticker."""

    events: list[TickerEvent]


class MarketTrade(Struct):
    """One trade; newest first within an event."""

    trade_id: str
    product_id: str
    price: float
    size: float
    side: str
    time: str


class TradeEvent(Struct):
    """Trades of the last quarter of a second; a snapshot holds older ones."""

    trades: list[MarketTrade]


class MarketTrades(Envelope, tag="market_trades"):
    """Channel market_trades."""

    events: list[TradeEvent]


class Candle(Struct):
    """Five minutes from `start` (s since the epoch), growing; nothing says that it is closed."""

    start: int
    product_id: str
    open: float
    high: float
    low: float
    close: float
    volume: float


class CandleEvent(Struct):
    """A snapshot holds past ones."""

    type: str
    candles: list[Candle]


class Candles(Envelope, tag="candles"):
    """Channel candles."""

    events: list[CandleEvent]


class Heartbeat(Struct):
    """One a second."""

    heartbeat_counter: int


class Heartbeats(Envelope, tag="heartbeats"):
    """Channel heartbeats."""

    events: list[Heartbeat]


class Subscriptions(Envelope, tag="subscriptions"):
    """What the connection is subscribed to now."""


class Peek(Struct):
    """Enough of a message that is none of these."""

    type: str = ""
    message: str = ""
    channel: str = ""
    sequence_num: int = -1


Message = Level2 | Tickers | MarketTrades | Candles | Heartbeats | Subscriptions


class CoinbaseDecoder:
    """Bytes to typed messages. `dropped` counts what is none, by reason. Raises nothing."""

    def __init__(self) -> None:
        self._decode: Callable[[bytes], Message] = msgspec.json.Decoder(
            Message, strict=False
        ).decode
        self._peek = msgspec.json.Decoder(Peek, strict=False).decode
        self.dropped: Counter[str] = Counter()

    def decode(self, frame: bytes) -> Message | Peek | None:
        """A message; a Peek at one that is not understood; None for what is no message at all."""
        try:
            return self._decode(frame)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._look(frame)

    def _look(self, frame: bytes) -> Peek | None:
        try:
            peek = self._peek(frame)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self.dropped["not a message"] += 1
            return None
        self.dropped[f"{peek.channel or 'message'}: not understood"] += 1
        return peek


class Stamps:
    """RFC 3339 texts to ns since the epoch; remembers the last second, which most repeat."""

    def __init__(self) -> None:
        self._text = ""
        self._seconds = 0

    def ns(self, text: str, otherwise: int) -> int:
        """`2023-02-09T20:32:50.714964855Z`; `otherwise` for what is not written like that."""
        second, fraction = text[:19], text[19:].rstrip("Z")
        try:
            if second != self._text:
                self._seconds = _seconds(second)
                self._text = second
            digits = fraction[1 : 1 + FRACTION_DIGITS]
            part = int(digits.ljust(FRACTION_DIGITS, "0")) if digits else 0
        except ValueError:
            return otherwise
        return self._seconds * NS + part


def _seconds(text: str) -> int:
    year, month, day = int(text[0:4]), int(text[5:7]), int(text[8:10])
    return timegm((year, month, day, int(text[11:13]), int(text[14:16]), int(text[17:19])))
