"""One instrument's bars in one timeframe as features, and larger timeframes from smaller bars.

Every value is of closed bars only. A larger bar is closed by the small bar that ends it, or by a
later one where there is a gap.
"""

import math
from collections import deque
from typing import Final

from tradewinds.features.indicators import Atr, Ema, RollingMax, RollingMean
from tradewinds.model.market import Bar

SHORT: Final = 5
LONG: Final = 20
RANGE_BARS: Final = 14
FRAME_FEATURES: Final = (
    "return_1",
    "return_5",
    "return_20",
    "volatility",
    "range",
    "trend",
    "channel",
    "stretch",
    "volume",
)
"""Log returns over 1, 5 and 20 bars; root of the mean squared return of 20 bars; average true
range over close; EMA(5) less EMA(20) in ranges; place in the high-low channel of 20 bars, 0 to 1;
close less EMA(20) in ranges; volume over the mean of the 20 bars before."""


class OpenFrame:
    """A larger bar that is growing: its place, and open, high, low, close, volume so far."""

    __slots__ = ("close", "high", "low", "open", "start_ns", "volume")

    def __init__(self, start_ns: int, bar: Bar) -> None:
        self.start_ns = start_ns
        self.open = bar.open
        self.high = bar.high
        self.low = bar.low
        self.close = bar.close
        self.volume = bar.volume

    def absorb(self, bar: Bar) -> None:
        """Take in the next small bar of the same larger one."""
        self.high = max(self.high, bar.high)
        self.low = min(self.low, bar.low)
        self.close = bar.close
        self.volume += bar.volume


class FrameFeatures:
    """FRAME_FEATURES of one timeframe, one closed bar at a time, constant work a bar."""

    __slots__ = (
        "_atr", "_closes", "_ema_long", "_ema_short", "_highs", "_lows", "_squares", "_volumes",
        "values",
    )  # fmt: skip

    def __init__(self) -> None:
        self._atr = Atr(RANGE_BARS)
        self._closes: deque[float] = deque(maxlen=LONG + 1)
        self._ema_short = Ema(SHORT)
        self._ema_long = Ema(LONG)
        self._highs = RollingMax(LONG)
        self._lows = RollingMax(LONG)
        self._squares = RollingMean(LONG)
        self._volumes = RollingMean(LONG)
        self.values: tuple[float, ...] | None = None

    def update(self, high: float, low: float, close: float, volume: float) -> None:
        """Take in the next closed bar; `values` stays None until every window is full."""
        closes = self._closes
        if closes:
            change = math.log(close / closes[-1])
            self._squares.update(change * change)
        closes.append(close)
        volume_before = self._volumes.value
        self._volumes.update(volume)
        atr = self._atr.update(high, low, close)
        short, long = self._ema_short.update(close), self._ema_long.update(close)
        top, bottom = self._highs.update(high), self._lows.update(-low)
        if atr is None or short is None or long is None or top is None or bottom is None:
            return
        if volume_before is None or len(closes) <= LONG:
            return
        width = top + bottom
        self.values = (
            math.log(close / closes[-2]),
            math.log(close / closes[-1 - SHORT]),
            math.log(close / closes[-1 - LONG]),
            math.sqrt(self._squares.value or 0.0),
            atr / close,
            (short - long) / atr if atr > 0.0 else 0.0,
            (close + bottom) / width if width > 0.0 else 0.5,
            (close - long) / atr if atr > 0.0 else 0.0,
            volume / volume_before if volume_before > 0.0 else 0.0,
        )


class Frame:
    """Features of bars `multiple` times as long as those that come in."""

    __slots__ = ("_growing", "_whole_ns", "features", "multiple")

    def __init__(self, multiple: int) -> None:
        if multiple < 1:
            raise ValueError(f"a frame is 1 or more bars long, not {multiple}")
        self.multiple = multiple
        self.features = FrameFeatures()
        self._growing: OpenFrame | None = None
        self._whole_ns = 0

    def update(self, bar: Bar) -> None:
        """Take in the next closed small bar, in order of time."""
        if self.multiple == 1:
            self.features.update(bar.high, bar.low, bar.close, bar.volume)
            return
        length_ns = bar.timeframe_ns * self.multiple
        start_ns = bar.open_time_ns - bar.open_time_ns % length_ns
        growing = self._growing
        if growing is not None and growing.start_ns != start_ns:
            self._close(growing)
            growing = None
        if growing is None:
            self._growing = growing = self._begin(start_ns, bar)
        else:
            growing.absorb(bar)
        if growing is not None and bar.open_time_ns + bar.timeframe_ns >= start_ns + length_ns:
            self._close(growing)

    def _begin(self, start_ns: int, bar: Bar) -> OpenFrame | None:
        """The very first interval counts only if its first small bar is here."""
        if self._whole_ns == 0:
            joined_midway = start_ns != bar.open_time_ns
            self._whole_ns = start_ns + (bar.timeframe_ns * self.multiple if joined_midway else 0)
        return OpenFrame(start_ns, bar) if start_ns >= self._whole_ns else None

    def _close(self, growing: OpenFrame) -> None:
        self.features.update(growing.high, growing.low, growing.close, growing.volume)
        self._growing = None
