"""Time as the edge hands it in: a replay's clock, and timers that are due."""

import time

import pytest

from tradewinds.engine.clock import EventClock, WallClock
from tradewinds.engine.queue import TimerQueue
from tradewinds.model.commands import SetTimer
from tradewinds.model.ids import InstrumentId
from tradewinds.model.market import MarkPrice

START = 1_700_000_000_000_000_000
SECOND = 1_000_000_000


class Wall:
    """A monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.ns = 5_000

    def monotonic_ns(self) -> int:
        return self.ns


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    moved = Wall()
    monkeypatch.setattr(time, "monotonic_ns", moved.monotonic_ns)
    return moved


def at(time_ns: int) -> MarkPrice:
    return MarkPrice(
        instrument_id=InstrumentId("X"),
        price=1.0,
        venue_time_ns=time_ns,
        received_time_ns=time_ns,
    )


def test_a_replays_clock_moves_on_with_the_wall_between_its_events(wall: Wall) -> None:
    clock = EventClock(START)
    wall.ns += 50_000_000
    assert clock.now_ns() == START + 50_000_000
    clock.saw(at(START + 60 * SECOND))
    assert clock.now_ns() == START + 60 * SECOND
    wall.ns += 7
    assert clock.now_ns() == START + 60 * SECOND + 7


def test_a_fast_replays_clock_runs_as_fast(wall: Wall) -> None:
    clock = EventClock(START, 60.0)
    wall.ns += SECOND
    assert clock.now_ns() == START + 60 * SECOND


def test_an_unpaced_replay_goes_on_at_the_pace_of_the_wall_after_its_end(wall: Wall) -> None:
    clock = EventClock(START, float("inf"))
    wall.ns += SECOND
    assert clock.now_ns() == START + SECOND


def test_an_old_event_does_not_turn_the_clock_back(wall: Wall) -> None:
    clock = EventClock(START)
    clock.saw(at(START - SECOND))
    assert clock.now_ns() == START


def test_the_wall_clock_is_the_wall_clock() -> None:
    before = time.time_ns()
    assert before <= WallClock().now_ns() <= time.time_ns()


def timer(name: str, due_ns: int) -> SetTimer:
    return SetTimer(timer_id=name, due_ns=due_ns, cause=0)


def test_due_timers_come_earliest_first_and_ties_as_they_were_set() -> None:
    queue = TimerQueue()
    for name, due in (("late", 30), ("second", 20), ("third", 20), ("first", 10), ("far", 99)):
        queue.set(timer(name, due))
    fired = list(queue.due(30))
    assert [each.timer_id for each in fired] == ["first", "second", "third", "late"]
    assert [each.venue_time_ns for each in fired] == [10, 20, 20, 30]
    assert {each.received_time_ns for each in fired} == {30}
    assert list(queue.due(30)) == []


def test_a_timer_set_while_others_fire_waits_for_its_time() -> None:
    queue = TimerQueue()
    queue.set(timer("one", 10))
    seen = []
    for each in queue.due(20):
        seen.append(each.timer_id)
        if len(seen) < 3:
            queue.set(timer(f"again-{len(seen)}", 15))
        queue.set(timer("later", 25))
    assert seen == ["one", "again-1", "again-2"]
