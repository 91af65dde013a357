"""Timers in event time: due ones come out in order, ties in the order they were set."""

import heapq
from collections.abc import Iterable, Iterator

from tradewinds.model.commands import SetTimer
from tradewinds.model.events import TimerFired


class TimerQueue:
    """A heap of timers the engine has set."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, str]] = []
        self._count = 0

    def set(self, command: SetTimer) -> None:
        """Add a timer."""
        self._count += 1
        heapq.heappush(self._heap, (command.due_ns, self._count, command.timer_id))

    def due(self, now_ns: int) -> Iterable[TimerFired]:
        """Take out what is due at `now_ns`, earliest first."""
        heap = self._heap
        return self._ripe(now_ns) if heap and heap[0][0] <= now_ns else ()

    def _ripe(self, now_ns: int) -> Iterator[TimerFired]:
        while self._heap and self._heap[0][0] <= now_ns:
            due_ns, _, timer_id = heapq.heappop(self._heap)
            yield TimerFired(timer_id=timer_id, venue_time_ns=due_ns, received_time_ns=now_ns)
