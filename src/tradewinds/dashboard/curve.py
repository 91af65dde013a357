"""The equity line of the last day, thinned as it grows so that it stays cheap to draw."""

from collections import deque

POINTS_MAX = 600
WINDOW_NS = 24 * 3_600_000_000_000
SPACING_MIN_NS = 500_000_000


class Curve:
    """Points (event time ns, equity) of one day back from the newest; float is enough to draw."""

    def __init__(self) -> None:
        self.points: deque[tuple[int, float]] = deque()
        self.version = 0
        self._spacing_ns = SPACING_MIN_NS

    def add(self, time_ns: int, equity: float) -> None:
        """Take a point unless it is too near the last. Time running back means another replay."""
        if self.points and time_ns < self.points[-1][0]:
            self.points.clear()
            self._spacing_ns = SPACING_MIN_NS
        if self.points and time_ns - self.points[-1][0] < self._spacing_ns:
            return
        self.points.append((time_ns, equity))
        while self.points[0][0] < time_ns - WINDOW_NS:
            self.points.popleft()
        if len(self.points) > POINTS_MAX:
            self._thin()
        self.version += 1

    def _thin(self) -> None:
        # Every other point, but the newest stays; from now on points come half as often.
        kept = list(self.points)[::-1][::2][::-1]
        self.points = deque(kept)
        span_ns = kept[-1][0] - kept[0][0]
        self._spacing_ns = max(self._spacing_ns, span_ns // len(kept))
