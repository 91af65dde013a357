"""Market data as it enters: float64, two times in nanoseconds, no opinion."""

from enum import StrEnum

from msgspec import Struct

from tradewinds.model.ids import InstrumentId


class Side(StrEnum):
    """Which way an order, a fill or an aggressor goes."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> "Side":
        """The side that closes."""
        return Side.SELL if self is Side.BUY else Side.BUY


class Quote(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Best bid and ask. Sizes in base asset."""

    instrument_id: InstrumentId
    bid: float
    ask: float
    bid_size: float
    ask_size: float
    venue_time_ns: int
    received_time_ns: int


class TradePrint(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """One public trade. `aggressor` is the side that took liquidity; size in base asset."""

    instrument_id: InstrumentId
    price: float
    size: float
    aggressor: Side
    print_id: str
    venue_time_ns: int
    received_time_ns: int


class BookDelta(Struct, frozen=True, kw_only=True, tag=True):
    """Levels (price, size) that changed; size 0 removes one. `snapshot` replaces the book.

    `first_update_id` and `last_update_id` are the venue's, for gap checks; 0 where it has none.
    """

    instrument_id: InstrumentId
    bids: tuple[tuple[float, float], ...]
    asks: tuple[tuple[float, float], ...]
    snapshot: bool
    first_update_id: int
    last_update_id: int
    venue_time_ns: int
    received_time_ns: int


class Bar(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """A closed bar. `venue_time_ns` is its close: open_time_ns + timeframe_ns. Volume in base."""

    instrument_id: InstrumentId
    timeframe_ns: int
    open_time_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    venue_time_ns: int
    received_time_ns: int


class MarkPrice(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """A perpetual's mark price, from which margin and liquidation are judged."""

    instrument_id: InstrumentId
    price: float
    venue_time_ns: int
    received_time_ns: int


class FundingRate(Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """Funding due at `venue_time_ns`: longs pay notional x rate to shorts when it is positive."""

    instrument_id: InstrumentId
    rate: float
    venue_time_ns: int
    received_time_ns: int


MarketData = Quote | TradePrint | BookDelta | Bar | MarkPrice | FundingRate
