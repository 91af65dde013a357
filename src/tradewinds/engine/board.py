"""The last word of the market per instrument, checked as it comes in."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from tradewinds.model.decimals import ONE, ZERO, to_decimal
from tradewinds.model.events import MarketEvent
from tradewinds.model.ids import Asset, InstrumentId
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.market import Bar, BookDelta, MarkPrice, Quote, TradePrint
from tradewinds.model.validity import (
    EARLIEST_NS,
    INFINITY,
    LATEST_NS,
    bar_invalidity,
    invalidity,
    quote_invalidity,
)
from tradewinds.ports import Strategy

CONFIRMATIONS = 3
"""Prices near each other that make a jump believable."""
CLOCKS_APART_NS = 5_000_000_000
"""A venue's clock may be this much ahead of ours."""
FROM_THE_FUTURE = "from the future"
"""A bar that has not closed, or a time that would make all that follows look old."""


class Slot:
    """Mutable state of one instrument. Times are the venue's, per kind of event; `received_ns`
    is when the price was known: ours, or the venue's where that is older."""

    __slots__ = (
        "bar_times", "bar_volume", "bar_watchers", "book_time", "book_watchers",
        "funding_watchers", "instrument",
        "mark", "mark_time", "mid", "open_mid", "print_time", "print_watchers", "quote",
        "quote_time", "quote_watchers", "quoted", "received_ns", "suspect_left", "suspect_mid",
        "tolerance_ns", "value_quantity", "worth", "worth_of",
    )  # fmt: skip

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.quote: Quote | None = None
        self.mid = 0.0
        self.mark = 0.0
        self.open_mid = 0.0
        self.quote_time = self.print_time = self.mark_time = self.book_time = -1
        self.bar_times: dict[int, int] = {}
        self.received_ns = -1
        self.tolerance_ns = 0
        self.quoted = False
        self.bar_volume = 0.0
        self.suspect_left = 0
        self.suspect_mid = 0.0
        self.value_quantity = 0.0
        self.worth = ZERO
        self.worth_of = -1.0
        self.quote_watchers: list[Strategy] = []
        self.print_watchers: list[Strategy] = []
        self.book_watchers: list[Strategy] = []
        self.funding_watchers: list[Strategy] = []
        self.bar_watchers: list[tuple[int, Strategy]] = []

    def price(self) -> Decimal:
        """`mid` as money, worked out once for each."""
        mid = self.mid
        if self.worth_of is not mid:
            self.worth, self.worth_of = to_decimal(mid), mid
        return self.worth


class Board:
    """All slots; takes market events in and says why it would not."""

    def __init__(self, price_jump_max: float) -> None:
        self._jump = price_jump_max
        self.slots: dict[InstrumentId, Slot] = {}
        self.listings = 0
        self._spot: dict[tuple[Asset, Asset], Slot] = {}
        self._selling: dict[Asset, list[Slot]] = {}
        self._takers: dict[type, Callable[[Slot, MarketEvent], str | None]] = {
            TradePrint: self._take_print,
            MarkPrice: self._take_mark,
            BookDelta: self._take_book,
        }

    def list_instruments(self, instruments: Sequence[Instrument]) -> None:
        """Make slots, keeping what is known of instruments seen before."""
        for instrument in instruments:
            slot = self.slots.get(instrument.id)
            if slot is None:
                self.slots[instrument.id] = Slot(instrument)
            else:
                slot.instrument = instrument
        self.listings += 1
        self._spot.clear()
        self._selling.clear()
        for slot in self.slots.values():
            if slot.instrument.kind is InstrumentKind.SPOT:
                self._spot.setdefault((slot.instrument.base, slot.instrument.quote), slot)
                self._selling.setdefault(slot.instrument.base, []).append(slot)

    def take(self, slot: Slot, event: MarketEvent) -> str | None:
        """Take an event in, or say why it was dropped."""
        taker = self._takers.get(type(event))
        if taker is None:
            return None
        if event.venue_time_ns > event.received_time_ns + CLOCKS_APART_NS:
            return FROM_THE_FUTURE
        return taker(slot, event)

    def take_quote(self, slot: Slot, quote: Quote) -> str | None:
        """Take a quote in: from now on its middle is the price."""
        time, received = quote.venue_time_ns, quote.received_time_ns
        if time > received + CLOCKS_APART_NS:
            return FROM_THE_FUTURE
        reason = quote_invalidity(quote)
        if reason is not None:
            return reason
        if time < slot.quote_time:
            return "out of order"
        if quote == slot.quote:
            return "duplicate"
        slot.quote_time = time
        slot.quote = quote
        slot.quoted = True
        slot.tolerance_ns = 0
        known_ns = min(time, received)
        self._price(slot, (quote.bid + quote.ask) * 0.5, known_ns)
        return None

    def take_bar(self, slot: Slot, bar: Bar) -> str | None:
        """Take a bar in: its close is the price where there are no quotes."""
        low, high, close = bar.low, bar.high, bar.close
        closed_ns, received_ns = bar.venue_time_ns, bar.received_time_ns
        timeframe_ns, opened_ns = bar.timeframe_ns, bar.open_time_ns
        # All that `_why_no_bar` asks, at once: nearly every bar is sound. False for NaN.
        if not (
            0.0 < low <= close <= high < INFINITY
            and low <= bar.open <= high
            and 0.0 <= bar.volume < INFINITY
            and 0 < timeframe_ns == closed_ns - opened_ns
            and EARLIEST_NS < closed_ns < LATEST_NS
            and EARLIEST_NS < received_ns < LATEST_NS
            and closed_ns <= received_ns + CLOCKS_APART_NS
            and opened_ns > slot.bar_times.get(timeframe_ns, -1)
        ):
            reason = _why_no_bar(slot, bar)
            if reason is not None:
                return reason
        slot.bar_times[timeframe_ns] = opened_ns
        slot.bar_volume = bar.volume
        if slot.quoted:
            return None
        slot.tolerance_ns = timeframe_ns
        slot.quote = None
        known_ns = min(received_ns, closed_ns)
        last = slot.mid
        if last and abs(close - last) <= self._jump * last:
            slot.received_ns, slot.mid, slot.suspect_left = known_ns, close, 0
        else:
            self._price(slot, close, known_ns)
        return None

    def _take_print(self, slot: Slot, event: MarketEvent) -> str | None:
        reason = invalidity(event)
        if reason is None and event.venue_time_ns < slot.print_time:
            reason = "out of order"
        if reason is None:
            slot.print_time = event.venue_time_ns
        return reason

    def _take_mark(self, slot: Slot, event: MarketEvent) -> str | None:
        mark: MarkPrice = event  # type: ignore[assignment]
        reason = invalidity(mark)
        if reason is None and mark.venue_time_ns < slot.mark_time:
            reason = "out of order"
        if reason is None:
            slot.mark = mark.price
            slot.mark_time = mark.venue_time_ns
        return reason

    def _take_book(self, slot: Slot, event: MarketEvent) -> str | None:
        reason = invalidity(event)
        if reason is None and event.venue_time_ns < slot.book_time:
            reason = "out of order"
        if reason is None:
            slot.book_time = event.venue_time_ns
        return reason

    def _price(self, slot: Slot, mid: float, known_ns: int) -> None:
        last = slot.mid
        slot.received_ns = known_ns
        if last and abs(mid - last) > self._jump * last:
            self._suspect(slot, mid)
            return
        slot.mid = mid
        slot.suspect_left = 0
        if last == 0.0:
            slot.open_mid = mid

    def _suspect(self, slot: Slot, mid: float) -> None:
        """A price that jumped is neither valued by nor traded on until others are near it."""
        if slot.suspect_left == 0 or abs(mid - slot.suspect_mid) > self._jump * slot.suspect_mid:
            slot.suspect_left = CONFIRMATIONS
        else:
            slot.suspect_left -= 1
        slot.suspect_mid = mid
        if slot.suspect_left == 0:
            slot.mid = mid

    def last_quote(self, instrument_id: InstrumentId) -> Quote | None:
        """The last quote; with bars alone a quote of no width at the close."""
        slot = self.slots.get(instrument_id)
        if slot is None or slot.mid == 0.0:
            return None
        if slot.quote is None:
            slot.quote = Quote(
                instrument_id=instrument_id,
                bid=slot.mid,
                ask=slot.mid,
                bid_size=0.0,
                ask_size=0.0,
                venue_time_ns=slot.received_ns,
                received_time_ns=slot.received_ns,
            )
        return slot.quote

    def mid(self, instrument_id: InstrumentId) -> float | None:
        """The last price to value by, or None."""
        slot = self.slots.get(instrument_id)
        return None if slot is None or slot.mid == 0.0 else slot.mid

    def price(self, instrument_id: InstrumentId) -> Decimal | None:
        """`mid` as money."""
        slot = self.slots.get(instrument_id)
        return None if slot is None or slot.mid == 0.0 else slot.price()

    def rate(self, asset: Asset, currency: Asset) -> Decimal | None:
        """Account currency per unit of `asset`: direct, inverse, or over one asset between."""
        if asset == currency:
            return ONE
        direct = self._one_step(asset, currency)
        if direct is not None:
            return direct
        for slot in self._selling.get(asset, ()):
            onward = self._one_step(slot.instrument.quote, currency) if slot.mid else None
            if onward is not None:
                return slot.price() * onward
        return None

    def seller(self, asset: Asset, currency: Asset) -> Slot | None:
        """The market whose price values `asset` as long as it has one; until the next listing."""
        return self._spot.get((asset, currency))

    def _one_step(self, asset: Asset, currency: Asset) -> Decimal | None:
        slot = self._spot.get((asset, currency))
        if slot is not None and slot.mid:
            return slot.price()
        slot = self._spot.get((currency, asset))
        if slot is not None and slot.mid:
            return 1 / slot.price()
        return None


def _why_no_bar(slot: Slot, bar: Bar) -> str | None:
    """In words that can be counted; None for a bar that may be taken in."""
    if bar.venue_time_ns > bar.received_time_ns + CLOCKS_APART_NS:
        return FROM_THE_FUTURE
    reason = bar_invalidity(bar)
    if reason is not None:
        return reason
    last_ns = slot.bar_times.get(bar.timeframe_ns, -1)
    if bar.open_time_ns <= last_ns:
        return "duplicate" if bar.open_time_ns == last_ns else "out of order"
    return None
