"""An equity curve of any length in bounded memory, whose figures are those of all its points."""

from bisect import bisect_right
from typing import Final

from tradewinds.ledger.curve import Drawdown, Falls, Point
from tradewinds.ledger.results import NS_PER_DAY

POINTS_MAX: Final = 32_768
"""All points of 113 days at one every five minutes."""
HALVINGS: Final = 10
"""The shortest span of which only extremes stay is a day halved so often: 84 seconds."""


class LongCurve:
    """Takes points in time order. Up to `most` all stay; then of each span of time the lowest, the
    highest and the last, in spans that grow up to a UTC day, which is enough for fifteen years.

    The first point, the last of each day and the corners of the deepest fall always stay: growth
    and daily and monthly returns come out as of all points, and so does the drawdown, which is
    told on the way.
    """

    def __init__(self, most: int = POINTS_MAX) -> None:
        self._points: list[Point] = []
        self._falls = Falls()
        self._most = most
        self._halvings = HALVINGS

    def add(self, point: Point) -> None:
        """The next point."""
        self._falls.add(point)
        self._points.append(point)
        if len(self._points) > self._most:
            self._thin()

    def points(self) -> tuple[Point, ...]:
        """What has stayed, in time order."""
        return tuple(self._points)

    def drawdown(self) -> Drawdown | None:
        """Of all points, not only those that stayed."""
        return self._falls.deepest()

    def _thin(self) -> None:
        corners = self._falls.corners() | {self._points[0]}
        while len(self._points) > self._most // 2 and self._halvings >= 0:
            self._points = _extremes(self._points, NS_PER_DAY >> self._halvings, corners)
            self._halvings -= 1
        # Every day has its close by now; what is more than half is as many days.
        self._halvings = max(self._halvings, 0)
        self._most = max(self._most, 2 * len(self._points))


def _extremes(points: list[Point], span_ns: int, corners: set[Point]) -> list[Point]:
    """Of each span the first lowest, the first highest, the last, and what is a corner."""
    spans = [time_ns // span_ns for time_ns, _ in points]
    values = [value for _, value in points]
    times = {time_ns for time_ns, _ in corners}
    # Few have the time of a corner: a point's own hash would cost more than all the rest.
    kept = {at for at, point in enumerate(points) if point[0] in times and point in corners}
    start = 0
    while start < len(points):
        end = bisect_right(spans, spans[start], start)
        part = values[start:end]
        kept.update((start + part.index(min(part)), start + part.index(max(part)), end - 1))
        start = end
    return [points[at] for at in sorted(kept)]
