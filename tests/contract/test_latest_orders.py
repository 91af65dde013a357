"""Who has traded an account lately is told by the venue, whether anything rests there or not."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.coinbase_rig import CoinbaseRig
from tests.contract.joint_rig import JointRig
from tests.contract.live_rigs import SpotRig, UsdmRig
from tradewinds.model.errors import VenueUnavailable
from tradewinds.practice.faults import Reply

MINUTE = 60_000_000_000


@pytest.mark.parametrize("make", [SpotRig, UsdmRig, CoinbaseRig, JointRig])
def test_orders_that_have_ended_are_told_by_name_and_old_ones_are_not(
    make: Callable[[], Any],
) -> None:
    rig = make()
    if isinstance(rig, JointRig):
        rig.do(rig.live.connect())
        rig.read_state()
        rig.start()
        rig.until(rig.up)
    else:
        rig.connect()
    order = rig.buy("market", "0.01")
    rig.until(lambda: rig.filled(order) > 0)
    now = rig.edge().now_ns()
    assert rig.standing() == []
    assert order in rig.do(rig.live.latest(now - MINUTE))
    assert order not in rig.do(rig.live.latest(now + MINUTE))
    rig.close()


@pytest.mark.parametrize(
    "answer", [Reply(status=502, body=b"<html/>"), Reply(status=200, body=b'[{"a":1}]')]
)
def test_no_answer_is_not_taken_for_nobody(answer: Reply) -> None:
    rig = SpotRig()
    rig.connect()
    rig.fault("spot GET /api/v3/allOrders", answer, times=None)
    with pytest.raises(VenueUnavailable):
        rig.do(rig.live.latest(0))
    rig.close()
