"""UTC that no step of the machine's clock moves, for everything that waits or grows old."""

import time
from collections.abc import Callable


class SteadyClock:
    """The time of day as it was when this was made, going on as time passes. A sleep of the machine
    counts as time that passed, where the system can tell."""

    def __init__(
        self,
        wall_ns: Callable[[], int] = time.time_ns,
        passed_ns: Callable[[], int] | None = None,
    ) -> None:
        self._passed_ns = passed_ns or passed_since_boot_ns
        self._began_ns = wall_ns() - self._passed_ns()

    def __call__(self) -> int:
        return self._began_ns + self._passed_ns()


def passed_since_boot_ns() -> int:
    """Grows with real time alone; asleep too on Linux, awake only where nothing else is told."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic_ns() if boot is None else time.clock_gettime_ns(boot)
