"""The venue's two clocks: the time it tells, and the time that passes."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000


class VenueClock:
    """`offset_ms` makes the told time wrong; `advance` lets time pass without waiting.

    What lasts (windows of limits, lives of connections and keys) is measured in elapsed time, so
    that a day can pass in a test without every signature growing a day old.
    """

    def __init__(
        self,
        wall_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._wall_ns = wall_ns
        self._monotonic_ns = monotonic_ns
        self._skipped_ns = 0
        self.offset_ms = 0

    def now_ns(self) -> int:
        """What the venue believes the time to be."""
        return self._wall_ns() + self.offset_ms * NS_PER_MS

    def now_ms(self) -> int:
        """The same in milliseconds, as the protocols want it."""
        return self.now_ns() // NS_PER_MS

    def elapsed_ns(self) -> int:
        """Grows with real time and with every `advance`; its zero means nothing."""
        return self._monotonic_ns() + self._skipped_ns

    def advance(self, seconds: float) -> None:
        """Let this much time pass at once."""
        self._skipped_ns += round(seconds * NS_PER_S)

    @contextmanager
    def later(self, seconds: float) -> Iterator[None]:
        """As long as it lasts the venue tells a later time."""
        ahead_ms = round(seconds * NS_PER_S) // NS_PER_MS
        self.offset_ms += ahead_ms
        try:
            yield
        finally:
            self.offset_ms -= ahead_ms
