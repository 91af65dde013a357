"""What was traded on one symbol: trades, their groups by taker, and bars of every length."""

from collections import deque
from decimal import Decimal
from itertools import islice

from msgspec import Struct

from tradewinds.model.decimals import ZERO
from tradewinds.model.market import Side
from tradewinds.practice.orders import Traded

KEPT = 5_000
MINUTE_MS = 60_000
NS_PER_MS = 1_000_000
INTERVALS_MS = {
    "1s": 1_000,
    "1m": MINUTE_MS,
    "3m": 3 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": 60 * MINUTE_MS,
    "2h": 120 * MINUTE_MS,
    "4h": 240 * MINUTE_MS,
    "6h": 360 * MINUTE_MS,
    "8h": 480 * MINUTE_MS,
    "12h": 720 * MINUTE_MS,
    "1d": 1_440 * MINUTE_MS,
}


class Candle(Struct, kw_only=True, eq=False):
    """One bar as it grows. `taken` is what buyers took, in base, `taken_quote` in quote."""

    open_ms: int
    close_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = ZERO
    quote_volume: Decimal = ZERO
    count: int = 0
    taken: Decimal = ZERO
    taken_quote: Decimal = ZERO
    first_id: int = -1
    last_id: int = -1

    def add(self, trade: Traded) -> None:
        """Take one trade in."""
        self.high = max(self.high, trade.price)
        self.low = min(self.low, trade.price)
        self.close = trade.price
        self.volume += trade.quantity
        self.quote_volume += trade.quantity * trade.price
        self.count += 1
        self.first_id = trade.trade_id if self.first_id < 0 else self.first_id
        self.last_id = trade.trade_id
        if trade.taker is Side.BUY:
            self.taken += trade.quantity
            self.taken_quote += trade.quantity * trade.price


class Group(Struct, kw_only=True, eq=False):
    """Trades of one taker at one price: what Binance calls an aggregate trade."""

    id: int
    key: tuple[int, Decimal]
    price: Decimal
    quantity: Decimal
    first_id: int
    last_id: int
    time_ms: int
    taker: Side


class Tape:
    """Remembers the last KEPT trades, groups and bars."""

    def __init__(self) -> None:
        self.trades: deque[Traded] = deque(maxlen=KEPT)
        self.groups: deque[Group] = deque(maxlen=KEPT)
        self.candles: dict[str, deque[Candle]] = {name: deque(maxlen=KEPT) for name in INTERVALS_MS}
        self.next_id = 1
        self._next_group = 1

    def add(self, trade: Traded) -> None:
        """In order of time."""
        self.trades.append(trade)
        self.next_id = trade.trade_id + 1
        self._group(trade)
        for name, width in INTERVALS_MS.items():
            candle_at(self.candles[name], width, trade).add(trade)

    def latest(self, interval: str) -> Candle | None:
        """The bar in hand."""
        bars = self.candles[interval]
        return bars[-1] if bars else None

    def last_bars(self, interval: str, limit: int) -> list[Candle]:
        """The newest `limit`, oldest first."""
        bars = self.candles[interval]
        return list(islice(bars, max(0, len(bars) - limit), None))

    def seed(self, interval: str, bars: list[Candle]) -> None:
        """History from before the venue opened."""
        self.candles[interval].extendleft(reversed(bars))

    def _group(self, trade: Traded) -> None:
        key = (trade.group_id, trade.price)
        if self.groups and self.groups[-1].key == key:
            group = self.groups[-1]
            group.quantity += trade.quantity
            group.last_id = trade.trade_id
            return
        self.groups.append(
            Group(
                id=self._next_group,
                key=key,
                price=trade.price,
                quantity=trade.quantity,
                first_id=trade.trade_id,
                last_id=trade.trade_id,
                time_ms=trade.time_ns // NS_PER_MS,
                taker=trade.taker,
            )
        )
        self._next_group += 1


def candle_at(bars: deque[Candle], width_ms: int, trade: Traded) -> Candle:
    """The bar this trade belongs to, made if it is the first."""
    at_ms = trade.time_ns // NS_PER_MS
    open_ms = at_ms - at_ms % width_ms
    if bars and bars[-1].open_ms >= open_ms:
        return bars[-1]
    price = trade.price
    bar = Candle(
        open_ms=open_ms,
        close_ms=open_ms + width_ms - 1,
        open=price,
        high=price,
        low=price,
        close=price,
    )
    bars.append(bar)
    return bar
