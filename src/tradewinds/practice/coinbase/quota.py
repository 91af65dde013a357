"""How often somebody may ask: by the second and by the hour, with the headers that tell."""

from tradewinds.practice.clock import NS_PER_S, VenueClock
from tradewinds.practice.limits import Window


class Overrun(Exception):
    """429."""


class Quota:
    """Of one caller. `windows` may be changed while it runs."""

    def __init__(self, clock: VenueClock, *limits: tuple[int, int]) -> None:
        """`limits` are requests and the seconds they count for."""
        self._clock = clock
        self.windows = [Window(limit=limit, length_s=length) for limit, length in limits]

    def charge(self) -> None:
        """Count one request. Raises Overrun."""
        now_ns = self._clock.elapsed_ns()
        for window in self.windows:
            window.roll(now_ns)
        if any(window.count >= window.limit for window in self.windows):
            raise Overrun
        for window in self.windows:
            window.count += 1

    def headers(self) -> dict[str, str]:
        """Of the window that is nearest to its end."""
        now_ns = self._clock.elapsed_ns()
        tightest = min(self.windows, key=lambda window: window.limit - window.count)
        resets_s = self._clock.now_ns() // NS_PER_S + tightest.left_s(now_ns)
        return {
            "x-ratelimit-limit": str(tightest.limit),
            "x-ratelimit-remaining": str(max(0, tightest.limit - tightest.count)),
            "x-ratelimit-reset": str(resets_s),
        }
