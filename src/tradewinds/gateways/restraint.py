"""How often a venue may be knocked at: pauses spread by chance, and a budget of connections."""

from collections import deque
from collections.abc import Callable
from typing import Final

PAUSE_S: Final = 0.5
PAUSE_S_MAX: Final = 30.0
REFUSED_S: Final = 60.0
"""After a refusal by status (403, 418, 429, 451): at most one try a minute."""
DOUBLINGS_MAX: Final = 16
WINDOW_S: Final = 300.0
CONNECTS_MAX: Final = 150
"""Half of what Binance allows an address in five minutes: another program may connect as well."""


def pause_s(failures: int, dice: Callable[[], float]) -> float:
    """Full jitter: anything from 0 up to 0.5 s doubled by each further failure, 30 s at most."""
    ceiling = min(PAUSE_S * 2.0 ** min(max(failures - 1, 0), DOUBLINGS_MAX), PAUSE_S_MAX)
    return ceiling * dice()


class ConnectBudget:
    """Connections of one process to one venue within a sliding window."""

    def __init__(self, most: int = CONNECTS_MAX, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self._made: deque[float] = deque(maxlen=most)

    def wait_s(self, now_s: float) -> float:
        """How long until another one is allowed; 0 when it is now."""
        if len(self._made) < (self._made.maxlen or 0):
            return 0.0
        return max(0.0, self._made[0] + self._window_s - now_s)

    def spend(self, now_s: float) -> None:
        """One more is being made."""
        self._made.append(now_s)
