"""Slows guessing down without ever locking the owner out for long."""

from collections.abc import Callable
from dataclasses import dataclass

FREE_FAILURES = 5
DELAY_MAX_S = 60.0
FORGET_AFTER_S = 15 * 60.0
SOURCES_MAX = 1024


@dataclass(slots=True)
class Tally:
    """Failures in a row and when the next try is allowed."""

    failures: int = 0
    free_at_s: float = 0.0
    last_s: float = 0.0


class LoginThrottle:
    """Counts failures per source address and for the account as a whole; the longer wait wins.

    Tries made during a wait are refused unread and not counted, so that a flood can neither
    burn the processor nor stretch the owner's wait beyond one minute.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._account = Tally()
        self._sources: dict[str, Tally] = {}

    def wait_s(self, source: str) -> float:
        """Seconds until this source may try; 0 when now."""
        now = self._clock()
        tally = self._sources.get(source, Tally())
        return max(0.0, tally.free_at_s - now, self._account.free_at_s - now)

    def failed(self, source: str) -> None:
        """Count a wrong password."""
        if source not in self._sources and len(self._sources) >= SOURCES_MAX:
            self._sources.clear()
        self._count(self._sources.setdefault(source, Tally()))
        self._count(self._account)

    def succeeded(self, source: str) -> None:
        """The right password clears the slate."""
        self._sources.pop(source, None)
        self._account = Tally()

    def _count(self, tally: Tally) -> None:
        now = self._clock()
        if now - tally.last_s > FORGET_AFTER_S:
            tally.failures = 0
        tally.failures += 1
        tally.last_s = now
        if tally.failures >= FREE_FAILURES:
            exponent = min(tally.failures - FREE_FAILURES, 10)
            tally.free_at_s = now + min(DELAY_MAX_S, 2.0**exponent)
