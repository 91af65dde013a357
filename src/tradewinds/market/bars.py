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
    one without events. `ignored` counts events of that interval, and those that come too late.
    """

    def __init__(self, timeframe_ns: int) -> None:
        self._timeframe_ns = timeframe_ns
        self._open: dict[InstrumentId, OpenBar] = {}
        self._not_before: dict[InstrumentId, int] = {}
        self.ignored = 0

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
        start_ns = time_ns - time_ns % self._timeframe_ns
        if start_ns < self._not_before.setdefault(id_, start_ns + self._timeframe_ns):
            self.ignored += 1
            return None
        closed = self._close(id_, event.received_time_ns)
        self._not_before[id_] = start_ns
        self._open[id_] = OpenBar(start_ns, start_ns + self._timeframe_ns, price)
        self._open[id_].volume = volume
        return closed

    def advance(self, now_ns: int) -> list[Bar]:
        """Close what ended at least GRACE_NS before `now_ns`; sorted by instrument."""
        due = sorted(id_ for id_, bar in self._open.items() if bar.close_ns + GRACE_NS <= now_ns)
        bars = [self._close(id_, now_ns) for id_ in due]
        return [bar for bar in bars if bar is not None]

    def _close(self, id_: InstrumentId, received_ns: int) -> Bar | None:
        growing = self._open.pop(id_, None)
        if growing is None:
            return None
        self._not_before[id_] = growing.close_ns
        return growing.closed(id_, received_ns)


class Resampler:
    """Bars of a larger timeframe, up to a day, from smaller closed ones.

    A large bar is handed out with the small bar that ends it, or with a later one if there is a
    gap. The first interval is dropped unless its very first small bar was seen.
    """

    def __init__(self, timeframe_ns: int) -> None:
        self._timeframe_ns = timeframe_ns
        self._open: dict[InstrumentId, OpenBar] = {}
        self._not_before: dict[InstrumentId, int] = {}

    def add(self, bar: Bar) -> list[Bar]:
        """Take in a small bar; the large bars it completed: none, one, or after a gap two."""
        id_ = bar.instrument_id
        known = self._open.get(id_)
        if (
            known
            and known.open_ns <= bar.open_time_ns < known.close_ns
            and bar.venue_time_ns < known.close_ns
        ):
            # Neither the first nor the last of its interval, as nearly every bar.
            known.absorb(bar)
            return []
        start_ns = bar.open_time_ns - bar.open_time_ns % self._timeframe_ns
        joined_midway = start_ns != bar.open_time_ns
        first_ns = start_ns + self._timeframe_ns if joined_midway else start_ns
        if start_ns < self._not_before.setdefault(id_, first_ns):
            return []
        closed = []
        growing = self._open.get(id_)
        if growing is not None and growing.open_ns != start_ns:
            closed.append(self._close(growing, bar))
            growing = None
        if growing is None:
            self._not_before[id_] = start_ns
            growing = OpenBar(start_ns, start_ns + self._timeframe_ns, bar.open)
            self._open[id_] = growing
        growing.absorb(bar)
        if bar.venue_time_ns >= growing.close_ns:
            closed.append(self._close(growing, bar))
        return closed

    def _close(self, growing: OpenBar, last: Bar) -> Bar:
        id_ = last.instrument_id
        del self._open[id_]
        self._not_before[id_] = growing.close_ns
        return growing.closed(id_, last.received_time_ns)
