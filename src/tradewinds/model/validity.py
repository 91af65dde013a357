"""What no market event may be: the checks that need nothing but the event itself."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from tradewinds.model.events import MarketEvent
from tradewinds.model.market import Bar, BookDelta, FundingRate, MarkPrice, Quote, TradePrint

INFINITY: Final = float("inf")
EARLIEST_NS: Final = 1_230_940_800_000_000_000
"""2009-01-03, the first block of Bitcoin: nothing of ours was traded before."""
LATEST_NS: Final = 4_102_444_800_000_000_000
"""2100-01-01: a later time is a time in the wrong unit."""
FUNDING_RATE_MAX: Final = 0.5
"""Venues cap funding far below; more is a percentage taken for a fraction."""


def quote_invalidity(event: Quote) -> str | None:
    """One chained comparison is false for NaN, infinity, zero, negative, crossed and locked."""
    if not 0.0 < event.bid < event.ask < INFINITY:
        return _why_prices_are_bad(event.bid, event.ask)
    if not (0.0 < event.bid_size < INFINITY and 0.0 < event.ask_size < INFINITY):
        return "empty or impossible book side"
    if not (
        EARLIEST_NS < event.venue_time_ns < LATEST_NS
        and EARLIEST_NS < event.received_time_ns < LATEST_NS
    ):
        return "absurd time"
    return None


def print_invalidity(event: TradePrint) -> str | None:
    """A trade has a price and a size."""
    if not 0.0 < event.price < INFINITY:
        return "price not a positive number"
    if not 0.0 < event.size < INFINITY:
        return "size not a positive number"
    return _time_invalidity(event.venue_time_ns, event.received_time_ns)


def bar_invalidity(event: Bar) -> str | None:
    """Low, open, close, high in order, and a close time that is open time plus timeframe."""
    low, high = event.low, event.high
    if not 0.0 < low <= high < INFINITY:
        return _why_prices_are_bad(low, high)
    if not (low <= event.open <= high and low <= event.close <= high):
        return "open, high, low, close out of order"
    if not 0.0 <= event.volume < INFINITY:
        return "volume not a number of zero or more"
    timeframe_ns = event.timeframe_ns
    if timeframe_ns <= 0 or event.open_time_ns + timeframe_ns != event.venue_time_ns:
        return "bar time is not its close"
    if (
        EARLIEST_NS < event.venue_time_ns < LATEST_NS
        and EARLIEST_NS < event.received_time_ns < LATEST_NS
    ):
        return None
    return "absurd time"


def book_invalidity(event: BookDelta) -> str | None:
    """Every level a positive price and a size of zero or more; a snapshot has two sides."""
    if not (_levels_are_sound(event.bids) and _levels_are_sound(event.asks)):
        return "level not a price and a size"
    if event.snapshot:
        if not event.bids or not event.asks:
            return "empty or impossible book side"
        if max(event.bids)[0] >= min(event.asks)[0]:
            return "crossed or locked"
    if event.last_update_id < event.first_update_id:
        return "update ids reversed"
    return _time_invalidity(event.venue_time_ns, event.received_time_ns)


def _levels_are_sound(levels: tuple[tuple[float, float], ...]) -> bool:
    for price, size in levels:
        if not (0.0 < price < INFINITY and 0.0 <= size < INFINITY):
            return False
    return True


def mark_invalidity(event: MarkPrice) -> str | None:
    """A mark price is a price."""
    if not 0.0 < event.price < INFINITY:
        return "price not a positive number"
    return _time_invalidity(event.venue_time_ns, event.received_time_ns)


def funding_invalidity(event: FundingRate) -> str | None:
    """A fraction of notional, of either sign."""
    if not -FUNDING_RATE_MAX < event.rate < FUNDING_RATE_MAX:
        return "funding rate not a small fraction"
    return _time_invalidity(event.venue_time_ns, event.received_time_ns)


def _time_invalidity(venue_time_ns: int, received_time_ns: int) -> str | None:
    if EARLIEST_NS < venue_time_ns < LATEST_NS and EARLIEST_NS < received_time_ns < LATEST_NS:
        return None
    return "absurd time"


def _why_prices_are_bad(low: float, high: float) -> str:
    if not (0.0 < low < INFINITY and 0.0 < high < INFINITY):
        return "price not a positive number"
    return "crossed or locked"


INVALIDITY: Final[Mapping[type, Callable[..., str | None]]] = MappingProxyType(
    {
        Quote: quote_invalidity,
        TradePrint: print_invalidity,
        Bar: bar_invalidity,
        BookDelta: book_invalidity,
        MarkPrice: mark_invalidity,
        FundingRate: funding_invalidity,
    }
)
"""The check by event type, for a caller that already knows the type."""


def invalidity(event: MarketEvent) -> str | None:
    """Why this event must be dropped, in words that can be counted; None when it is sound.

    Order, duplicates and unknown instruments need memory: the engine judges those.
    """
    return INVALIDITY[type(event)](event)
