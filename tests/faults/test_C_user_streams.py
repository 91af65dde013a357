"""Rows C1 to C6 of the scorecard with the engine on a live venue: the user stream."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.live_floor import LiveFloor, opened
from tests.gateways.scripted import Hand
from tradewinds.gateways.live_venue import LiveTerms
from tradewinds.gateways.user_stream import LIFE_S, StreamEdge
from tradewinds.model.portfolio import TradingState
from tradewinds.practice.faults import Close, Deny, Drop, Garble, HalfOpen, Reply

KINDS = ["spot", "usdm"]
DAY_S = 24 * 3_600.0
NO_KEY = Reply(status=400, body=b'{"code":-1125,"msg":"This listenKey does not exist."}')


@pytest.fixture(params=KINDS)
def floor(request: pytest.FixtureRequest) -> Iterator[LiveFloor]:
    with opened(request.param) as made:
        yield made


@pytest.fixture
def usdm() -> Iterator[LiveFloor]:
    with opened("usdm") as made:
        yield made


def stream(floor: LiveFloor) -> Any:
    return floor.rig.live.stream


def everything(floor: LiveFloor) -> str:
    """All events of the user stream, as a place of the fault plan."""
    return str(floor.rig.told.rpartition(" ")[0]) + " *"


def well_again(floor: LiveFloor) -> None:
    """Connected, reconciled, trading: and a fill comes by stream."""
    floor.rig.practice.faults.clear()
    floor.until(lambda: stream(floor).up and floor.state is TradingState.ACTIVE)
    if not floor.flat():
        floor.emergency()
        floor.until(floor.flat)
    floor.check()


def test_c1_after_listen_key_expired_the_gap_is_read(usdm: LiveFloor) -> None:
    usdm.bought()
    read = usdm.readings()
    usdm.rig.fault(usdm.rig.told, Drop())
    usdm.rig.practice.usdm.keys.expire(usdm.rig.key.account)
    usdm.move(19_690.0, 19_692.0)
    usdm.until(lambda: stream(usdm).connects == 2 and usdm.readings() > read)
    usdm.until(usdm.flat)
    well_again(usdm)


def test_c1_a_key_that_can_no_longer_be_renewed_is_replaced_and_the_gap_read() -> None:
    hand = Hand()
    edge = StreamEdge(now_s=hand.now_s, tick_s=0.02, overlap_s=0.1)
    with opened("usdm", edge=edge) as floor:
        floor.bought()
        keys = floor.rig.practice.usdm.keys
        keys.keys.clear()
        floor.move(19_690.0, 19_692.0)
        assert stream(floor).up, "nothing was said: the stream is just mute"
        hand.ahead_s += 30 * 60
        floor.until(lambda: stream(floor).rotations == 1)
        floor.until(floor.flat)
        assert [r.status for r in floor.rig.asked("PUT /fapi/v1/listenKey")] == [400]
        well_again(floor)


ANNOUNCED = {
    "spot": b'{"event":{"e":"serverShutdown","E":1795000000000}}',
    "usdm": b'{"e":"serverShutdown","E":1795000000000}',
}


def test_c2_an_announced_shutdown_is_left_for_a_new_connection_first(floor: LiveFloor) -> None:
    floor.rig.fault(everything(floor), Garble(frame=ANNOUNCED[floor.rig.kind], instead=False))
    floor.bought()
    floor.until(lambda: stream(floor).rotations == 1)
    assert stream(floor).losses == 0
    assert ("stream", True) not in floor.causes()[1:], "never without a stream"
    floor.check()


def test_c2_a_terminated_stream_is_subscribed_to_anew_and_the_gap_read() -> None:
    with opened("spot") as floor:
        floor.bought()
        sessions = floor.rig.practice.spot.api.sessions
        session = next(iter(sessions.open.values()))
        read = floor.readings()
        sessions.end(session, 0)
        floor.rig.quote(19_690, 19_692)
        floor.until(lambda: stream(floor).rotations == 1 and floor.readings() > read)
        floor.price = (19_690.0, 19_692.0)
        floor.until(floor.flat)
        well_again(floor)


def test_c3_before_the_day_is_over_the_stream_has_moved() -> None:
    """23 hours pass at once, and a fill comes while both connections stand."""
    for kind in KINDS:
        hand = Hand()
        edge = StreamEdge(now_s=hand.now_s, tick_s=0.02, overlap_s=0.3)
        with opened(kind, edge=edge) as floor:
            assert LIFE_S < DAY_S
            floor.bought()
            hand.ahead_s += LIFE_S
            floor.until(lambda f=floor: stream(f).connects == 2)  # type: ignore[misc]
            floor.move(19_690.0, 19_692.0)
            floor.until(floor.flat)
            floor.until(lambda f=floor: stream(f).rotations == 1)  # type: ignore[misc]
            assert stream(floor).losses == 0
            well_again(floor)


def test_c3_a_day_old_connection_that_the_venue_closes_loses_no_fill(floor: LiveFloor) -> None:
    floor.bought()
    floor.rig.fault(floor.rig.told, Drop())
    read = floor.readings()
    floor.rig.quote(19_690, 19_692)
    floor.rig.practice.advance(DAY_S)
    floor.until(lambda: stream(floor).connects == 2 and floor.readings() > read)
    floor.price = (19_690.0, 19_692.0)
    floor.until(floor.flat)
    well_again(floor)


@pytest.mark.parametrize("code", [1001, 1006])
def test_c3_a_fill_within_the_gap_of_a_reconnect_is_booked_once(
    floor: LiveFloor, code: int
) -> None:
    floor.bought()
    floor.rig.fault(everything(floor), Close(code=code))
    floor.move(19_690.0, 19_692.0)
    floor.until(floor.flat)
    floor.until(lambda: stream(floor).connects == 2)
    well_again(floor)


def test_c4_a_half_open_connection_is_found_out(floor: LiveFloor) -> None:
    """Pings after a second of silence here, after five out there; a second for the answer."""
    wire = floor.rig.wire()
    assert wire.ping_after_s + wire.pong_within_s <= 2.0
    floor.bought()
    floor.rig.fault(everything(floor), HalfOpen())
    floor.move(19_690.0, 19_692.0)
    floor.until(lambda: stream(floor).losses == 1, timeout_s=15)
    floor.until(floor.flat)
    well_again(floor)


def test_c5_a_connection_that_is_cut_for_want_of_a_pong_is_made_anew(floor: LiveFloor) -> None:
    floor.bought()
    for _, socket in floor.rig.practice.server.sockets:
        socket.ponged = lambda: None
    floor.rig.practice.advance(200)
    floor.settle()
    floor.rig.fault(floor.rig.told, Drop())
    floor.rig.quote(19_690, 19_692)
    floor.rig.practice.advance(601)
    floor.until(lambda: stream(floor).connects == 2)
    floor.price = (19_690.0, 19_692.0)
    floor.until(floor.flat)
    well_again(floor)


def test_c5_pings_are_answered_for_as_long_as_they_come(floor: LiveFloor) -> None:
    for _ in range(4):
        floor.rig.practice.advance(200)
        floor.settle(0.1)
    assert stream(floor).connects == 1


def test_c6_ten_minutes_without_a_connection_are_few_knocks_and_no_new_risk() -> None:
    """Waiting is by a clock that jumps; the engine goes on reading by query meanwhile."""
    hand = Hand()

    async def sleep(seconds: float) -> None:
        hand.ahead_s += seconds if seconds > 0.02 else 0.0
        await asyncio.sleep(0.002)

    for kind in KINDS:
        edge = StreamEdge(now_s=hand.now_s, sleep=sleep, dice=lambda: 0.5, tick_s=0.02)
        terms = LiveTerms(tick_s=0.01, look_gap_s=0.05, state_every_blind_s=0.3)
        with opened(kind, edge=edge, terms=terms) as floor:
            floor.bought()
            place = "spot-api CONNECT" if kind == "spot" else "usdm-stream CONNECT"
            floor.rig.fault(place, Deny(status=503), times=None)
            floor.rig.fault(everything(floor), Close(code=1006))
            began_s, began = hand.ahead_s, stream(floor).connects
            floor.move(19_690.0, 19_692.0)
            floor.until(floor.flat)
            floor.enter()
            floor.until(lambda f=floor: bool(f.refusals()))  # type: ignore[misc]
            assert "user stream is down" in floor.reason
            floor.until(lambda h=hand, s=began_s: h.ahead_s - s > 600)  # type: ignore[misc]
            assert 5 < stream(floor).connects - began < 300
            well_again(floor)
