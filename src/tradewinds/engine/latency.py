"""How long one event takes, sampled; and how many come in a second."""

import time
from typing import Final

RING: Final = 4_096


class Latency:
    """A ring of the latest decision times."""

    def __init__(self) -> None:
        self._ring: list[int] = []
        self._next = 0
        self._last_events = 0
        self._last_ns = time.perf_counter_ns()
        self._rate = 0.0

    def add(self, elapsed_ns: int) -> None:
        """One sample."""
        if len(self._ring) < RING:
            self._ring.append(elapsed_ns)
            return
        self._ring[self._next] = elapsed_ns
        self._next = (self._next + 1) % RING

    def quantiles_us(self) -> tuple[float, float]:
        """p50 and p99 in microseconds; zeros before the first sample."""
        if not self._ring:
            return 0.0, 0.0
        ordered = sorted(self._ring)
        count = len(ordered)
        return ordered[count // 2] / 1e3, ordered[min(count - 1, count * 99 // 100)] / 1e3

    def per_second(self, events: int) -> float:
        """Events a second since it was last asked, at least half a second ago."""
        now_ns = time.perf_counter_ns()
        elapsed = (now_ns - self._last_ns) / 1e9
        if elapsed >= 0.5:
            self._rate = (events - self._last_events) / elapsed
            self._last_events, self._last_ns = events, now_ns
        return self._rate
