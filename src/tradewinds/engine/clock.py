"""Clocks of the edge. The core never sees one."""

import time
from collections.abc import Callable

from tradewinds.model.events import MarketEvent


class WallClock:
    """Ours: nanoseconds since the epoch, UTC. It never goes back.

    When the machine's clock is set back, time goes on from where it was, so that whatever waits
    goes on; prices then look old, and nothing new is risked, until the engine is started anew.
    """

    def __init__(
        self,
        wall_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._wall_ns = wall_ns
        self._monotonic_ns = monotonic_ns
        self._ahead_ns = wall_ns() - monotonic_ns()

    def now_ns(self) -> int:
        """Now."""
        # The wall is read first: an interruption in between can then not push time ahead.
        wall_ns = self._wall_ns()
        monotonic_ns = self._monotonic_ns()
        self._ahead_ns = max(self._ahead_ns, wall_ns - monotonic_ns)
        return monotonic_ns + self._ahead_ns


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
