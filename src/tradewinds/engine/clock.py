"""Clocks of the edge. The core never sees one."""

import time

from tradewinds.model.events import MarketEvent


class WallClock:
    """Ours: nanoseconds since the epoch, UTC."""

    def now_ns(self) -> int:
        """Now."""
        return time.time_ns()


class EventClock:
    """A replay's time: the last event's, moving on with the wall in between.

    So that latencies and timers still pass while a slow replay waits for its next bar, or after
    its last one.
    """

    def __init__(self, start_ns: int, speed: float = 1.0) -> None:
        self._speed = 1.0 if speed == float("inf") else speed
        self._event_ns = start_ns
        self._wall_ns = time.monotonic_ns()

    def saw(self, event: MarketEvent) -> None:
        """Set the clock by an event; it never goes back."""
        if event.received_time_ns > self._event_ns:
            self._event_ns = event.received_time_ns
            self._wall_ns = time.monotonic_ns()

    def now_ns(self) -> int:
        """The replay's now."""
        passed = time.monotonic_ns() - self._wall_ns
        return self._event_ns + int(passed * self._speed)
