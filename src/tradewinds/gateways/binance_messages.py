"""Binance's WebSocket messages as they are typed on the wire, one letter a field."""

from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

Levels = tuple[tuple[float, float], ...]
T = TypeVar("T")


class Wrapped(Struct, Generic[T]):
    """A message of a combined stream."""

    data: T


class Peek(Struct):
    """Enough to see what an unusual message is."""

    e: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")


class BookTicker(Struct):
    """`s` symbol, `b` `B` bid and size, `a` `A` ask and size, `u` update id; USD-M: `E` ms."""

    s: str
    b: float
    B: float
    a: float
    A: float
    E: int = 0
    u: int = 0


class DepthUpdate(Struct):
    """`U` to `u` update ids, `b` and `a` levels; USD-M follows on from update id `pu`."""

    s: str
    E: int
    U: int
    u: int
    b: Levels
    a: Levels
    pu: int = 0


class DepthSnapshot(Struct, rename={"last_update_id": "lastUpdateId"}):
    """Answer of the depth endpoint. It does not name its symbol; spot has no time."""

    last_update_id: int
    bids: Levels
    asks: Levels
    E: int = 0


class Trade(Struct):
    """`m`: the buyer was the maker, so the seller took. USD-M marks other fills in `X`."""

    s: str
    E: int
    T: int
    t: int
    p: float
    q: float
    m: bool
    X: str = "MARKET"


class AggTrade(Struct):
    """Fills of one taker order at one price."""

    s: str
    E: int
    T: int
    a: int
    p: float
    q: float
    m: bool


class KlineBody(Struct):
    """`t` open ms, `T` last ms, `x` closed."""

    t: int
    T: int
    o: float
    h: float
    l: float  # noqa: E741 - Binance's name
    c: float
    v: float
    x: bool


class Kline(Struct):
    """A bar, growing or closed."""

    s: str
    E: int
    k: KlineBody


class MarkPriceUpdate(Struct):
    """`p` mark price, `r` funding rate due at `T`."""

    s: str
    E: int
    p: float
    r: float
    T: int
