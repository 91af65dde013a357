"""Twenty numbers from each bar and those before it. docs/KERNELS.md defines each."""

import math
from array import array
from collections import deque
from collections.abc import Sequence
from itertools import islice

from tradewinds.features.indicators import Atr, Ema, RollingMax, RollingMean
from tradewinds.features.kernels.contract import (
    FEATURES,
    SYMBOL_BAR_ROW,
    Doubles,
    Floats,
    Lengths,
    doubles,
)
from tradewinds.features.kernels.logarithm import ln

PRICE_MIN, PRICE_MAX = 1e-30, 1e30
VARIANCE_WEIGHT = 0.06
SHORT_RETURN = 5
NAN = math.nan


def sane(bar: Sequence[float]) -> bool:
    """Whether open, high, low, close, volume can be true. NaN fails every comparison."""
    open_, high, low, close, volume = bar
    return (
        PRICE_MIN <= low <= open_ <= high <= PRICE_MAX
        and low <= close <= high
        and 0.0 <= volume <= PRICE_MAX
    )


class PlainFeatures:
    """See `contract.BarFeatures`."""

    def __init__(self, symbols: int, lengths: Lengths) -> None:
        self._symbols = [_Symbol(lengths) for _ in range(symbols)]
        self.refused = 0

    def update(self, rows: Doubles) -> Floats:
        """Bars in turn."""
        flat = doubles(rows, SYMBOL_BAR_ROW)
        out = array("d")
        for at in range(0, len(flat), SYMBOL_BAR_ROW):
            symbol, *bar = flat[at : at + SYMBOL_BAR_ROW]
            if 0.0 <= symbol < len(self._symbols) and sane(bar):
                out.extend(self._symbols[int(symbol)].update(bar))
            else:
                out.extend([NAN] * len(FEATURES))
                self.refused += 1
        return out

    def update_into(self, rows: Doubles, out: Doubles) -> None:
        """The same, into `out`."""
        doubles(out, len(FEATURES))[:] = memoryview(self.update(rows))

    def close(self) -> None:
        """It holds nothing."""


class WilderMean:
    """Wilder's average of plain values; the first answer is their mean."""

    __slots__ = ("_left", "_period", "_sum", "value")

    def __init__(self, period: int) -> None:
        self._period = period
        self._left = period
        self._sum = 0.0
        self.value: float | None = None

    def update(self, value: float) -> float | None:
        """Take in the next value; same unit out as in."""
        last = self.value
        if last is not None:
            self.value = last + (value - last) / self._period
        else:
            self._sum += value
            self._left -= 1
            if self._left == 0:
                self.value = self._sum / self._period
        return self.value


class _Symbol:
    def __init__(self, lengths: Lengths) -> None:
        window = lengths.window
        self._window = window
        self._fast, self._slow = Ema(lengths.fast), Ema(lengths.slow)
        self._atr = Atr(lengths.atr)
        self._gains, self._losses = WilderMean(lengths.rsi), WilderMean(lengths.rsi)
        self._closes: deque[float] = deque(maxlen=max(window, SHORT_RETURN) + 1)
        self._close_mean = RollingMean(window)
        self._returns: deque[float] = deque(maxlen=window)
        self._return_mean = RollingMean(window)
        self._variance: float | None = None
        self._volume_mean = RollingMean(window)
        self._paid_mean = RollingMean(window)
        self._path_mean = RollingMean(window)
        self._highest, self._lowest = RollingMax(lengths.channel), RollingMax(lengths.channel)

    def update(self, bar: Sequence[float]) -> list[float]:
        open_, high, low, close, _ = bar
        before = self._closes[-1] if self._closes else None
        self._closes.append(close)
        log_return = None if before is None else ln(close / before)
        strength, efficiency = self._path(close, before)
        return [
            _or_nan(log_return),
            self._log_since(close, SHORT_RETURN),
            self._log_since(close, self._window),
            ln(close / open_),
            ln(high / low),
            share(close - low, high - low, 0.5),
            NAN if before is None else ln(open_ / before),
            *self._trend(high, low, close),
            strength,
            self._z_score(close),
            *self._volatility(log_return),
            *self._volume(bar),
            *self._channel(high, low, close),
            efficiency,
        ]

    def _ago(self, bars: int) -> float | None:
        return self._closes[-1 - bars] if bars < len(self._closes) else None

    def _log_since(self, close: float, bars: int) -> float:
        then = self._ago(bars)
        return NAN if then is None else ln(close / then)

    def _path(self, close: float, before: float | None) -> tuple[float, float]:
        """Relative strength in [0, 100], and how straight the way of the window was in [0, 1]."""
        if before is None:
            return NAN, NAN
        up = close >= before
        gains = self._gains.update(close - before if up else 0.0)
        losses = self._losses.update(0.0 if up else before - close)
        path = self._path_mean.update(close - before if up else before - close)
        then = self._ago(self._window)
        strength = efficiency = NAN
        if gains is not None and losses is not None:
            strength = 100.0 * share(gains, gains + losses, 0.5)
        if path is not None and then is not None:
            efficiency = share(abs(close - then), path * self._window, 0.0)
        return strength, efficiency

    def _trend(self, high: float, low: float, close: float) -> tuple[float, float, float, float]:
        fast, slow = self._fast.update(close), self._slow.update(close)
        atr = self._atr.update(high, low, close)
        known = fast is not None and slow is not None and atr is not None
        return (
            NAN if fast is None else close / fast - 1.0,
            NAN if slow is None else close / slow - 1.0,
            share(fast - slow, atr, 0.0) if known else NAN,  # type: ignore[operator,arg-type]
            NAN if atr is None else atr / close,
        )

    def _z_score(self, close: float) -> float:
        mean = self._close_mean.update(close)
        if mean is None:
            return NAN
        newest = islice(self._closes, len(self._closes) - self._window, None)
        return share(close - mean, deviation(list(newest), mean), 0.0)

    def _volatility(self, log_return: float | None) -> tuple[float, float]:
        if log_return is None:
            return NAN, NAN
        self._returns.append(log_return)
        mean = self._return_mean.update(log_return)
        square, last = log_return * log_return, self._variance
        self._variance = square if last is None else last + VARIANCE_WEIGHT * (square - last)
        plain = NAN if mean is None else deviation(list(self._returns), mean)
        return plain, math.sqrt(self._variance)

    def _volume(self, bar: Sequence[float]) -> tuple[float, float]:
        _, high, low, close, volume = bar
        before = self._volume_mean.value
        ratio = NAN if before is None else share(volume, before, 0.0)
        mean = self._volume_mean.update(volume)
        paid = self._paid_mean.update((high + low + close) / 3.0 * volume)
        if mean is None or paid is None:
            return ratio, NAN
        return ratio, close * mean / paid - 1.0 if paid > 0.0 else 0.0

    def _channel(self, high: float, low: float, close: float) -> tuple[float, float]:
        before = self._highest.value
        breakout = NAN if before is None else close / before - 1.0
        top, bottom = self._highest.update(high), self._lowest.update(-low)
        if top is None or bottom is None:
            return NAN, breakout
        return share(close + bottom, top + bottom, 0.5), breakout


def share(part: float, whole: float, otherwise: float) -> float:
    """part / whole, or `otherwise` where the whole is nothing."""
    return part / whole if whole > 0.0 else otherwise


def deviation(values: Sequence[float], mean: float) -> float:
    """Standard deviation about `mean`; squares go to four sums in turn, as in the kernel."""
    sums = [0.0, 0.0, 0.0, 0.0]
    for place, value in enumerate(values):
        off = value - mean
        sums[place % 4] += off * off
    return math.sqrt(((sums[0] + sums[1]) + (sums[2] + sums[3])) / len(values))


def _or_nan(value: float | None) -> float:
    return NAN if value is None else value
