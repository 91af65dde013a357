"""Rows A3 and C of the scorecard: the spot user stream, broken in every known way."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.contract.live_rigs import SpotRig
from tradewinds.gateways.live_venue import LiveTerms
from tradewinds.gateways.user_stream import StreamEdge
from tradewinds.model import events as ev
from tradewinds.practice import garbage
from tradewinds.practice.faults import Close, HalfOpen, Reply, Silence

D = Decimal
TOLD = "spot-api user executionReport"


@pytest.fixture
def rig() -> Iterator[SpotRig]:
    made = SpotRig()
    made.connect()
    yield made
    made.close()


def test_a3_nonsense_in_the_stream_hides_no_fill(rig: SpotRig) -> None:
    for piece in garbage.ALL:
        rig.fault(TOLD, piece)
    orders = [rig.sell("market", "0.01") for _ in range(4)]
    rig.until(lambda: all(rig.filled(order) == D("0.01") for order in orders), timeout_s=15)
    assert rig.held() == D("0.96")
    after = rig.sell("market", "0.01")
    rig.until(lambda: rig.filled(after) == D("0.01"))


def fill_while_blind(rig: SpotRig) -> str:
    """A resting order that fills when nobody tells us."""
    order = rig.sell("limit", "0.01", price=20_500)
    rig.until(lambda: rig.story(order) == ["accepted"])
    return order


def told_filled(rig: SpotRig, order: str) -> bool:
    """By a report or by a reading of the state."""
    read = [fill for state in rig.of(ev.VenueStateRead) for fill in state.fills]
    return any(fill.client_order_id == order for fill in read) or rig.filled(order) > 0


@pytest.mark.parametrize("code", [1001, 1006])
def test_c3_a_fill_during_the_gap_of_a_reconnect_is_found(rig: SpotRig, code: int) -> None:
    order = fill_while_blind(rig)
    rig.fault(TOLD, Close(code=code))
    rig.quote(20_600, 20_610)
    rig.until(lambda: told_filled(rig, order))
    rig.until(lambda: rig.live.stream.up and rig.live.stream.connects == 2)
    troubles = [(t.cause, bool(t.reason)) for t in rig.of(ev.VenueTroubleChanged)]
    assert troubles[0] == ("stream", True)


def test_a_state_that_cannot_be_read_is_an_alarm_until_it_can(rig: SpotRig) -> None:
    """D8, D9: no answer is neither zero nor unlimited, and not flat."""
    down = Reply(status=500, body=b"<html/>")
    rig.settle()
    count = len(rig.of(ev.VenueStateRead))
    rig.fault("spot GET /api/v3/account", down, times=6)
    rig.live.look("test")
    rig.until(lambda: [t.cause for t in rig.of(ev.VenueTroubleChanged)] == ["state"])
    assert len(rig.of(ev.VenueStateRead)) == count
    rig.until(lambda: [bool(t.reason) for t in rig.of(ev.VenueTroubleChanged)] == [True, False])
    assert len(rig.of(ev.VenueStateRead)) == count + 1


def test_c4_a_half_open_connection_is_found_out_and_the_fill_with_it(rig: SpotRig) -> None:
    order = fill_while_blind(rig)
    rig.fault(TOLD, HalfOpen())
    rig.quote(20_600, 20_610)
    rig.until(lambda: told_filled(rig, order) and rig.live.stream.losses == 1, timeout_s=15)


def test_c4_a_stream_that_is_silent_but_alive_is_caught_by_the_timer() -> None:
    rig = SpotRig(terms=LiveTerms(tick_s=0.01, look_gap_s=0.05, state_every_s=1.0))
    rig.connect()
    order = fill_while_blind(rig)
    rig.fault(TOLD, Silence())
    rig.quote(20_600, 20_610)
    rig.until(lambda: told_filled(rig, order), timeout_s=5)
    rig.close()


def test_c2_a_stream_that_says_it_ends_is_followed_by_a_new_one(rig: SpotRig) -> None:
    sessions = rig.practice.spot.api.sessions
    session = next(iter(sessions.open.values()))
    sessions.end(session, 0)
    rig.until(lambda: rig.live.stream.rotations == 1)
    order = rig.sell("market", "0.01")
    rig.until(lambda: rig.filled(order) == D("0.01"))


def test_c3_a_planned_rotation_loses_and_doubles_nothing() -> None:
    rig = SpotRig(edge=StreamEdge(tick_s=0.02, overlap_s=0.2, life_s=0.7))
    rig.connect()
    orders = []
    while rig.live.stream.rotations < 2:
        orders.append(rig.sell("market", "0.001"))
        rig.settle(0.1)
    rig.settle(0.3)
    assert len(orders) > 3
    assert [rig.story(order) for order in orders] == [["accepted", "filled"]] * len(orders)
    rig.close()
