"""What momentum knows of one instrument's bars: trend, range, breakout and volume."""

from tradewinds.features.indicators import Atr, Ema, RollingMax, RollingMean
from tradewinds.model.market import Bar


class Trend:
    """Updated once per closed bar. Everything is of the last bar and those before it.

    `atr`, `fast` and `slow` (averages of the close) are in price units and mean something once
    `ready`. `high_before` and `volume_ratio` compare the last bar with the bars before it.
    Volume that was nil before confirms nothing (ratio 0); a factor of 0 asks for no volume.
    After a gap longer than the slow average it starts over: what it knew is of another time.
    """

    __slots__ = (
        "_atr",
        "_bars",
        "_fast",
        "_gap_max",
        "_highs",
        "_slow",
        "_volume_factor",
        "_volumes",
        "atr",
        "fast",
        "high_before",
        "open_time_ns",
        "ready",
        "slow",
        "volume_ratio",
    )

    def __init__(
        self,
        *,
        breakout_bars: int,
        volume_bars: int,
        volume_factor: float,
        ema_bars: tuple[int, int],
        atr_bars: int,
    ) -> None:
        self._bars = (breakout_bars, volume_bars, atr_bars, *ema_bars)
        self._volume_factor = volume_factor
        self._gap_max = max(ema_bars)
        self.open_time_ns = -1
        self._start_over()

    def _start_over(self) -> None:
        breakout_bars, volume_bars, atr_bars, fast_bars, slow_bars = self._bars
        self._highs = RollingMax(breakout_bars)
        self._volumes = RollingMean(volume_bars)
        self._atr = Atr(atr_bars)
        self._fast = Ema(fast_bars)
        self._slow = Ema(slow_bars)
        self.atr = self.fast = self.slow = self.high_before = self.volume_ratio = 0.0
        self.ready = False

    @property
    def strength(self) -> float:
        """How far the fast average is above the slow one, in ATR."""
        return (self.fast - self.slow) / self.atr if self.atr > 0.0 else 0.0

    def breaks_out(self, bar: Bar) -> bool:
        """Whether `bar`, the last one taken in, closed above all highs before it, on volume."""
        return (
            self.ready
            and bar.close > self.high_before
            and (self.volume_ratio > self._volume_factor or self._volume_factor == 0.0)
            and self.fast > self.slow
        )

    def update(self, bar: Bar) -> None:
        """Take in the next closed bar."""
        if 0 <= self.open_time_ns < bar.open_time_ns - self._gap_max * bar.timeframe_ns:
            self._start_over()
        self.open_time_ns = bar.open_time_ns
        high_before, volume_before = self._highs.value, self._volumes.value
        self._highs.update(bar.high)
        self._volumes.update(bar.volume)
        fast, slow = self._fast.update(bar.close), self._slow.update(bar.close)
        atr = self._atr.update(bar.high, bar.low, bar.close)
        if high_before is None or volume_before is None:
            return
        self.high_before = high_before
        self.volume_ratio = bar.volume / volume_before if volume_before > 0.0 else 0.0
        if fast is not None and slow is not None and atr is not None:
            self.fast, self.slow, self.atr = fast, slow, atr
            self.ready = True
