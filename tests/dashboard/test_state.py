"""What the dashboard makes of what the bus brings."""

import asyncio
import contextlib

import msgspec
import pytest

from tests.dashboard.conftest import Hand
from tests.dashboard.fakes import NS, START_NS, FakeBus, FakeEngine, FakeHistory
from tradewinds.dashboard.curve import POINTS_MAX, WINDOW_NS, Curve
from tradewinds.dashboard.desk import Desk
from tradewinds.dashboard.state import LINES_MAX, LiveState
from tradewinds.model.errors import BusUnavailable
from tradewinds.model.ids import InstrumentId
from tradewinds.model.snapshot import TOPIC_ACTIVITY, TOPIC_SNAPSHOT


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def state(engine: FakeEngine, clock: Hand) -> LiveState:
    return LiveState(FakeBus(engine), clock, silent_s=3.0)


def show(state: LiveState, engine: FakeEngine) -> None:
    state.take(TOPIC_SNAPSHOT, msgspec.msgpack.encode(engine.step()))


def say(state: LiveState, engine: FakeEngine, count: int) -> None:
    lines = [engine.line("fill", f"line {number}", "") for number in range(count)]
    state.take(TOPIC_ACTIVITY, msgspec.msgpack.encode(lines))


def test_it_is_connected_while_snapshots_come(
    state: LiveState, engine: FakeEngine, clock: Hand
) -> None:
    assert state.starting
    assert not state.connected
    show(state, engine)
    assert state.connected
    clock.turn(3.5)
    assert not state.connected
    assert not state.starting
    show(state, engine)
    assert state.connected


def test_an_engine_never_heard_is_lost_after_a_while(state: LiveState, clock: Hand) -> None:
    clock.turn(13)
    assert not state.starting
    assert not state.connected


@pytest.mark.parametrize("payload", [b"", b"\xff", b"\x80", msgspec.msgpack.encode({"run_id": 1})])
def test_what_does_not_decode_is_counted_and_dropped(
    state: LiveState, engine: FakeEngine, payload: bytes
) -> None:
    show(state, engine)
    before = state.snapshot
    state.take(TOPIC_SNAPSHOT, payload)
    state.take(TOPIC_ACTIVITY, payload)
    state.take("unknown", payload)
    assert state.malformed == 2
    assert state.snapshot is before


def test_one_line_or_many_are_numbered_in_order(state: LiveState, engine: FakeEngine) -> None:
    state.take(TOPIC_ACTIVITY, msgspec.msgpack.encode(engine.line("fill", "one", "")))
    say(state, engine, 3)
    assert [number for number, _ in state.lines_after(0, 10)] == [1, 2, 3, 4]
    assert [number for number, _ in state.lines_after(3, 10)] == [4]
    assert [number for number, _ in state.lines_after(0, 2)] == [3, 4]
    assert state.lines_after(4, 10) == []
    assert state.lines_after(99, 10) == []


def test_the_number_of_kept_lines_is_bounded(state: LiveState, engine: FakeEngine) -> None:
    for _ in range(5):
        say(state, engine, 1000)
    kept = state.lines_after(0, 10**6)
    assert len(kept) == LINES_MAX
    assert kept[-1][0] == 5000


def test_prices_keep_the_finest_decimals_seen(state: LiveState, engine: FakeEngine) -> None:
    for _ in range(20):
        show(state, engine)
    assert state.places(InstrumentId("ETH/BTC@sim")) == 6
    assert state.places(InstrumentId("BTC/USDT@sim")) == 1
    assert state.places(InstrumentId("never/seen")) == 2


def test_it_starts_with_the_past_and_goes_on_live(state: LiveState, engine: FakeEngine) -> None:
    asyncio.run(state.load(FakeHistory(days=2)))
    assert len(state.curve.points) > 20
    show(state, engine)
    assert state.snapshot is not None
    assert state.curve.points[-1][0] == state.snapshot.time_ns
    assert len(state.curve.points) > 20


def test_a_past_that_cannot_be_read_does_not_stop_the_start(state: LiveState) -> None:
    history = FakeHistory(days=2)
    history.broken = True
    asyncio.run(state.load(history))
    assert not state.curve.points


def test_it_listens_again_when_the_engine_comes_back(engine: FakeEngine) -> None:
    class Flapping(FakeBus):
        calls = 0
        third_call = asyncio.Event()

        async def subscribe(self, topics):  # type: ignore[no-untyped-def]
            self.calls += 1
            if self.calls == 3:
                self.third_call.set()
            if self.calls == 1:
                raise BusUnavailable("nobody there")
            yield TOPIC_SNAPSHOT, msgspec.msgpack.encode(engine.step())
            raise ConnectionResetError

    async def listen() -> tuple[int, int]:
        bus = Flapping(engine)
        bus.gone = True  # for requests
        state = LiveState(bus, Hand(), 3.0)
        task = asyncio.create_task(state.run())
        await asyncio.wait_for(bus.third_call.wait(), 10)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return bus.calls, state.version

    calls, version = asyncio.run(listen())
    assert calls == 3
    assert version >= 1


def test_a_desk_without_an_engine_says_so(engine: FakeEngine) -> None:
    bus = FakeBus(engine)
    bus.gone = True
    reply = asyncio.run(Desk(bus).emergency("test"))
    assert not reply.done
    assert "nobody listens" in reply.detail


def test_the_curve_stays_small_and_keeps_both_ends() -> None:
    curve = Curve()
    for number in range(20_000):
        curve.add(START_NS + number * NS, 1000 + number % 7)
    assert len(curve.points) <= POINTS_MAX
    assert len(curve.points) > POINTS_MAX // 4
    assert curve.points[-1][0] >= START_NS + 19_800 * NS
    assert curve.points[0][0] < START_NS + 100 * NS


def test_the_curve_shows_one_day() -> None:
    curve = Curve()
    for number in range(200):
        curve.add(START_NS + number * 3600 * NS, 1000.0)
    times = [time_ns for time_ns, _ in curve.points]
    assert times[-1] - times[0] <= WINDOW_NS


def test_time_running_back_starts_the_curve_again() -> None:
    curve = Curve()
    curve.add(START_NS, 1000.0)
    curve.add(START_NS - 5 * NS, 900.0)
    assert list(curve.points) == [(START_NS - 5 * NS, 900.0)]
