"""Closed bars from quotes, trades or smaller bars. An interval without an event has no bar."""

from typing import Final

from tradewinds.model.ids import InstrumentId
from tradewinds.model.market import Bar, Quote, TradePrint

GRACE_NS: Final = 2_000_000_000
"""How long after an interval's end `advance` waits for its last events before it closes."""


class OpenBar:
    """A bar that is still growing. Volume in base asset."""

    __slots__ = ("close", "close_ns", "high", "low", "open", "open_ns", "volume")

    def __init__(self, open_ns: int, close_ns: int, price: float) -> None:
        self.open_ns = open_ns
        self.close_ns = close_ns
        self.open = self.high = self.low = self.close = price
        self.volume = 0.0

    def add(self, price: float, volume: float) -> None:
        """One more price."""
        if price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.close = price
        self.volume += volume

    def absorb(self, bar: Bar) -> None:
        """A smaller bar within this one."""
        self.high = max(self.high, bar.high)
        self.low = min(self.low, bar.low)
        self.close = bar.close
        self.volume += bar.volume

    def closed(self, instrument_id: InstrumentId, received_ns: int) -> Bar:
        """The value, known at `received_ns`."""
        return Bar(
            instrument_id=instrument_id,
            timeframe_ns=self.close_ns - self.open_ns,
            open_time_ns=self.open_ns,
            open=self.open,
            high=self.high,
            low=self.low,
            close=self.close,
            volume=self.volume,
            venue_time_ns=self.close_ns,
            received_time_ns=received_ns,
        )


class BarBuilder:
    """Bars of one timeframe for any number of instruments, by venue time.

    A bar is handed out by the first event of a later interval, or by `advance` when none comes.
    The interval in which an instrument is first seen was joined midway and gives no bar, nor does
    one without events. Events later than their bar's close are counted in `late` and dropped.
    """

    def __init__(self, timeframe_ns: int) -> None:
        self._timeframe_ns = timeframe_ns
        self._open: dict[InstrumentId, OpenBar] = {}
        self._closed_until: dict[InstrumentId, int] = {}
        self.late = 0

    def add(self, event: Quote | TradePrint) -> Bar | None:
        """Take in a mid or a trade; the bar it closed, if it closed one."""
        if isinstance(event, Quote):
            price, volume = (event.bid + event.ask) / 2.0, 0.0
        else:
            price, volume = event.price, event.size
        id_, time_ns = event.instrument_id, event.venue_time_ns
        growing = self._open.get(id_)
        if growing is not None and growing.open_ns <= time_ns < growing.close_ns:
            growing.add(price, volume)
            return None
        return self._turn(event, price, volume)

    def advance(self, now_ns: int) -> list[Bar]:
        """Close what ended at least GRACE_NS before `now_ns`; sorted by instrument."""
        due = sorted(id_ for id_, bar in self._open.items() if bar.close_ns + GRACE_NS <= now_ns)
        bars = [self._close(id_, now_ns) for id_ in due]
        return [bar for bar in bars if bar is not None]

    def _turn(self, event: Quote | TradePrint, price: float, volume: float) -> Bar | None:
        id_, time_ns = event.instrument_id, event.venue_time_ns
        open_ns = time_ns - time_ns % self._timeframe_ns
        first = id_ not in self._closed_until
        if first:
            # The first interval is marked as closed already, so that its bar is never handed out.
            self._closed_until[id_] = open_ns + self._timeframe_ns
        elif (
            time_ns < self._closed_until[id_]
            and open_ns + self._timeframe_ns <= (self._closed_until[id_])
        ):
            self.late += 1
            return None
        closed = self._close(id_, event.received_time_ns)
        self._open[id_] = OpenBar(open_ns, open_ns + self._timeframe_ns, price)
        self._open[id_].volume = volume
        return closed

    def _close(self, id_: InstrumentId, received_ns: int) -> Bar | None:
        growing = self._open.pop(id_, None)
        if growing is None:
            return None
        whole = growing.close_ns > self._closed_until[id_]
        self._closed_until[id_] = max(self._closed_until[id_], growing.close_ns)
        return growing.closed(id_, received_ns) if whole else None


class Resampler:
    """Bars of a larger timeframe from smaller closed ones.

    A large bar is handed out with the small bar that ends it, or with a later one if there is a
    gap. The first interval is dropped unless its very first small bar was seen.
    """

    def __init__(self, timeframe_ns: int) -> None:
        self._timeframe_ns = timeframe_ns
        self._open: dict[InstrumentId, OpenBar] = {}
        self._seen: set[InstrumentId] = set()

    def add(self, bar: Bar) -> list[Bar]:
        """Take in a small bar; the large bars it completed: none, one, or after a gap two."""
        id_ = bar.instrument_id
        closed = []
        growing = self._open.get(id_)
        if growing is not None and bar.open_time_ns >= growing.close_ns:
            closed.append(self._open.pop(id_).closed(id_, bar.received_time_ns))
            growing = None
        if growing is not None:
            growing.absorb(bar)
        elif not self._begin(bar):
            return closed
        growing = self._open[id_]
        if bar.venue_time_ns >= growing.close_ns:
            closed.append(self._open.pop(id_).closed(id_, bar.received_time_ns))
        return closed

    def _begin(self, bar: Bar) -> bool:
        id_ = bar.instrument_id
        start = bar.open_time_ns - bar.open_time_ns % self._timeframe_ns
        if id_ not in self._seen and start != bar.open_time_ns:
            return False
        self._seen.add(id_)
        growing = OpenBar(start, start + self._timeframe_ns, bar.open)
        growing.absorb(bar)
        self._open[id_] = growing
        return True
