"""Streaming indicators: one value in, one value out, constant work on average.

All take finite float64 values in time order and answer None until their window is full. `value`
is the last answer. Nothing is ever subtracted from a running sum, so no rounding builds up.
"""

from collections import deque


class Ema:
    """Exponential moving average with weight 2 / (period + 1), after Hunter (1986).

    The first answer is the plain mean of the first `period` values (the usual textbook seed).
    """

    __slots__ = ("_alpha", "_period", "_seen", "_sum", "value")

    def __init__(self, period: int) -> None:
        if period < 1:
            raise ValueError(f"period must be at least 1, not {period}")
        self._period = period
        self._alpha = 2.0 / (period + 1.0)
        self._seen = 0
        self._sum = 0.0
        self.value: float | None = None

    def update(self, value: float) -> float | None:
        """Take in the next value; same unit out as in."""
        last = self.value
        if last is not None:
            self.value = last = last + self._alpha * (value - last)
            return last
        self._sum += value
        self._seen += 1
        if self._seen == self._period:
            self.value = self._sum / self._period
        return self.value


class Atr:
    """Average true range, Wilder, "New Concepts in Technical Trading Systems" (1978).

    True range is the largest of high - low, |high - previous close|, |low - previous close|; of
    the first bar it is high - low. The first answer is the mean of the first `period` true
    ranges, then (previous x (period - 1) + true range) / period. Price units.
    """

    __slots__ = ("_close", "_period", "_seen", "_sum", "value")

    def __init__(self, period: int) -> None:
        if period < 1:
            raise ValueError(f"period must be at least 1, not {period}")
        self._period = period
        self._seen = 0
        self._sum = 0.0
        self._close: float | None = None
        self.value: float | None = None

    def update(self, high: float, low: float, close: float) -> float | None:
        """Take in the next bar."""
        last_close = self._close
        self._close = close
        top, bottom = high, low
        if last_close is not None:
            top = max(high, last_close)
            bottom = min(low, last_close)
        true_range = top - bottom
        last = self.value
        if last is not None:
            self.value = last = last + (true_range - last) / self._period
            return last
        self._sum += true_range
        self._seen += 1
        if self._seen == self._period:
            self.value = self._sum / self._period
        return self.value


class RollingMax:
    """Highest of the last `window` values.

    Keeps only values that can still become the highest, in falling order (the monotonic queue).
    """

    __slots__ = ("_queue", "_seen", "_window", "value")

    def __init__(self, window: int) -> None:
        if window < 1:
            raise ValueError(f"window must be at least 1, not {window}")
        self._window = window
        self._seen = 0
        self._queue: deque[tuple[int, float]] = deque()
        self.value: float | None = None

    def update(self, value: float) -> float | None:
        """Take in the next value; same unit out as in."""
        queue = self._queue
        while queue and queue[-1][1] <= value:
            queue.pop()
        self._seen = seen = self._seen + 1
        queue.append((seen, value))
        if queue[0][0] <= seen - self._window:
            queue.popleft()
        if seen >= self._window:
            self.value = queue[0][1]
        return self.value


class RollingMean:
    """Plain mean of the last `window` values.

    The window is the tail of a full block and the head of the one being filled. The tails' sums
    are made once per block, so a huge value leaves no trace when it leaves the window.
    """

    __slots__ = ("_block", "_sum", "_tails", "_window", "value")

    def __init__(self, window: int) -> None:
        if window < 1:
            raise ValueError(f"window must be at least 1, not {window}")
        self._window = window
        self._block: list[float] = []
        self._sum = 0.0
        self._tails: list[float] = []
        self.value: float | None = None

    def update(self, value: float) -> float | None:
        """Take in the next value; same unit out as in."""
        block = self._block
        block.append(value)
        self._sum += value
        if len(block) == self._window:
            self._close_block()
        elif self._tails:
            self.value = (self._tails[len(block)] + self._sum) / self._window
        return self.value

    def _close_block(self) -> None:
        self.value = self._sum / self._window
        total = 0.0
        tails = self._block[:]
        for index in range(self._window - 1, -1, -1):
            total += tails[index]
            tails[index] = total
        self._tails = tails
        self._block.clear()
        self._sum = 0.0
