"""An order book fed with raw depth frames (Binance's spelling, spot and USD-M)."""

import json
import math
import re
from bisect import bisect_left, insort
from collections.abc import Mapping
from typing import Any, Final

from tradewinds.features.kernels.contract import BookRow, BookSettings, BookStatus

NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
WHOLE: Final = re.compile(r"0|[1-9][0-9]{0,17}")
Level = tuple[float, float]


class _Refused(Exception):
    """Not JSON, or a depth frame that cannot be one."""


class _Number(str):
    """A number as it was written, told apart from one in quotation marks."""

    __slots__ = ()


class PlainBook:
    """See `contract.DepthBook`. Slower than the kernel, and the judge of what it does."""

    def __init__(self, settings: BookSettings) -> None:
        self._settings = settings
        self._bids = _Side(1.0, settings.capacity)
        self._asks = _Side(-1.0, settings.capacity)
        self._clean = False
        self._update_id = 0
        self._row = BookRow(*([0.0] * len(BookRow._fields)))

    def frame(self, data: bytes) -> int:
        """One raw message."""
        if len(data) > self._settings.frame_bytes:
            self.spoil()
            return BookStatus.MALFORMED
        try:
            message = _message(data)
            if all(key in message for key in ("lastUpdateId", "bids", "asks")):
                return self._snapshot(message)
            if all(key in message for key in ("U", "u", "b")):
                return self._delta(message)
        except _Refused:
            return BookStatus.MALFORMED
        return BookStatus.OTHER

    def row(self) -> BookRow:
        """After the last applied frame."""
        return self._row

    def levels(self, count: int) -> tuple[list[Level], list[Level]]:
        """Best first."""
        return self._bids.best(count), self._asks.best(count)

    def spoil(self) -> None:
        """Nothing is applied until the next snapshot."""
        self._clean = False

    def close(self) -> None:
        """It holds nothing."""

    def _foreign(self, message: Mapping[str, Any]) -> bool:
        named = message.get("s", "")
        if isinstance(named, _Number) or not isinstance(named, str):
            raise _Refused
        return "s" in message and bool(self._settings.symbol) and named != self._settings.symbol

    def _snapshot(self, message: Mapping[str, Any]) -> BookStatus:
        if self._foreign(message):
            return BookStatus.OTHER
        update_id = _whole(message, "lastUpdateId")
        event_ms = _whole(message, "E") if "E" in message else 0
        bids, asks = _levels(message, "bids"), _levels(message, "asks")
        self._bids.replace(bids)
        self._asks.replace(asks)
        self._update_id = update_id
        return self._settle(event_ms)

    def _delta(self, message: Mapping[str, Any]) -> BookStatus:
        if self._foreign(message):
            return BookStatus.OTHER
        named, last = _whole(message, "U"), _whole(message, "u")
        event_ms = _whole(message, "E") if "E" in message else 0
        # USD-M ids leap; what a frame follows on is told by `pu`.
        first = _whole(message, "pu") + 1 if "pu" in message else named
        bids, asks = _levels(message, "b"), _levels(message, "a")
        if last < named:
            raise _Refused
        return self._follow(first, last) or self._apply(bids, asks, last, event_ms)

    def _follow(self, first: int, last: int) -> BookStatus | None:
        """Why a delta does not carry on, if so."""
        if not self._clean:
            return BookStatus.DIRTY
        if last <= self._update_id:
            return BookStatus.OLD
        if first > self._update_id + 1:
            self._clean = False
            return BookStatus.GAP
        return None

    def _apply(self, bids: list[Level], asks: list[Level], last: int, event_ms: int) -> BookStatus:
        for price, size in bids:
            self._bids.change(price, size)
        for price, size in asks:
            self._asks.change(price, size)
        self._update_id = last
        return self._settle(event_ms)

    def _settle(self, event_ms: int) -> BookStatus:
        bids, asks = self._bids, self._asks
        self._clean = bool(bids.keys and asks.keys) and bids.keys[-1] < -asks.keys[-1]
        if not self._clean:
            return BookStatus.CROSSED
        bid, ask = bids.keys[-1], -asks.keys[-1]
        bid_size, ask_size = bids.sizes[bid], asks.sizes[ask]
        below = bids.depth(self._settings.imbalance_levels)
        above = asks.depth(self._settings.imbalance_levels)
        self._row = BookRow(
            bid=bid,
            bid_size=bid_size,
            ask=ask,
            ask_size=ask_size,
            microprice=(bid * ask_size + ask * bid_size) / (bid_size + ask_size),
            imbalance=(below - above) / (below + above),
            vwap_bid=bids.vwap(self._settings.quantity),
            vwap_ask=asks.vwap(self._settings.quantity),
            update_id=float(self._update_id),
            event_ms=float(event_ms),
            bid_levels=float(len(bids.keys)),
            ask_levels=float(len(asks.keys)),
        )
        return BookStatus.APPLIED


class _Side:
    """Sizes by price, and signed prices in order with the best at the end."""

    __slots__ = ("_capacity", "_sign", "keys", "sizes")

    def __init__(self, sign: float, capacity: int) -> None:
        self._sign = sign
        self._capacity = capacity
        self.keys: list[float] = []
        self.sizes: dict[float, float] = {}

    def replace(self, levels: list[Level]) -> None:
        """These are all there are; of a price told twice the last counts."""
        told = {price: size for price, size in dict(levels).items() if size > 0.0}
        self.keys = sorted(self._sign * price for price in told)[-self._capacity :]
        self.sizes = {self._sign * key: told[self._sign * key] for key in self.keys}

    def change(self, price: float, size: float) -> None:
        """A new size; 0 removes the level."""
        key = self._sign * price
        if size > 0.0:
            if price not in self.sizes:
                insort(self.keys, key)
            self.sizes[price] = size
            if len(self.keys) > self._capacity:
                del self.sizes[self._sign * self.keys.pop(0)]
        elif self.sizes.pop(price, None) is not None:
            del self.keys[bisect_left(self.keys, key)]

    def best(self, count: int) -> list[Level]:
        """Up to `count` levels, best first."""
        prices = (self._sign * key for key in reversed(self.keys[-count:] if count else []))
        return [(price, self.sizes[price]) for price in prices]

    def depth(self, count: int) -> float:
        """The sum of the best `count` sizes, from the best on."""
        total = 0.0
        for _, size in self.best(count):
            total += size
        return total

    def vwap(self, quantity: float) -> float:
        """The average price of taking `quantity`; NaN where less is shown."""
        left, paid = quantity, 0.0
        for key in reversed(self.keys):
            price = self._sign * key
            size = self.sizes[price]
            part = min(left, size)
            paid += price * part
            left -= part
            if left <= 0.0:
                return paid / quantity
        return math.nan


def _message(data: bytes) -> Mapping[str, Any]:
    """The message in a frame: the frame itself, or its `data`. Raises _Refused."""
    if b"\\" in data:
        raise _Refused
    try:
        outer = json.loads(
            data.decode("utf-8"),
            parse_int=_Number,
            parse_float=_Number,
            parse_constant=_refuse,
        )
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise _Refused from error
    if not isinstance(outer, dict):
        raise _Refused
    inner = outer.get("data")
    return inner if isinstance(inner, dict) else outer


def _refuse(_: str) -> Any:
    raise _Refused


def _whole(message: Mapping[str, Any], key: str) -> int:
    value = message.get(key)
    if not isinstance(value, _Number) or not WHOLE.fullmatch(value):
        raise _Refused
    return int(value)


def _levels(message: Mapping[str, Any], key: str) -> list[Level]:
    rows = message.get(key)
    if not isinstance(rows, list):
        raise _Refused
    return [_level(row) for row in rows]


def _level(row: Any) -> Level:
    if not isinstance(row, list) or len(row) < 2:
        raise _Refused
    price, size = _decimal(row[0]), _decimal(row[1])
    if price <= 0.0 or size < 0.0:
        raise _Refused
    return price, size


def _decimal(text: Any) -> float:
    if not isinstance(text, str) or not NUMBER.fullmatch(text):
        raise _Refused
    value = float(text)
    if not math.isfinite(value):
        raise _Refused
    return value
