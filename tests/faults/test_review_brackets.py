"""Stops that came with their entry: a restart and a refused cancel leave none asleep for good."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.live_rigs import SpotRig
from tests.contract.rigs import unknown_order
from tradewinds.model.order import OrderStatus
from tradewinds.practice.faults import Reply

D = Decimal
REFUSED = Reply(status=400, body=b'{"code":-1100,"msg":"Illegal characters found."}')


@pytest.fixture
def rig() -> Iterator[SpotRig]:
    made = SpotRig(balances={"USDT": "10000", "BTC": "0.01"})
    made.connect()
    # The venue keeps saying PENDING_NEW of legs whose entry has filled.
    made.practice.spot.groups._arm = lambda group: None  # type: ignore[method-assign]
    yield made
    made.close()


def asleep(rig: SpotRig) -> Any:
    """A bought quantity whose stop the venue does not put in the book."""
    entry, stop = rig.bracket("0.01", 19_000, price=20_001, tif="ioc")
    rig.until(lambda: rig.filled(entry) == D("0.01") and "accepted" in rig.story(stop))
    rig.settle()
    return stop


def test_a_stop_that_sleeps_on_after_a_restart_is_taken_away(rig: SpotRig) -> None:
    """The entry has ended, so the checkpoint knows its leg alone."""
    stop = asleep(rig)
    sent: Any = rig.live._desk.get(stop)
    rig.restart()
    rig.read_state([unknown_order(sent.order, status=OrderStatus.OPEN)])
    rig.start()
    rig.until(lambda: rig.story(stop)[-1:] == ["canceled"])


def test_taking_a_sleeping_stop_away_is_tried_again_after_a_refusal(rig: SpotRig) -> None:
    stop = asleep(rig)
    rig.fault("spot DELETE *", REFUSED, times=1)
    rig.skip(3)
    rig.until(lambda: "cancel rejected" in rig.story(stop))
    rig.skip(10)
    rig.until(lambda: rig.story(stop)[-1] == "canceled")


def test_an_order_that_rises_after_its_end_was_told_can_be_cancelled(rig: SpotRig) -> None:
    target = rig.sell("limit", "0.01", price=30_000, purpose="target")
    rig.until(lambda: rig.standing() == [target] and rig.story(target) == ["accepted"])
    sent: Any = rig.live._desk.get(target)
    rig.live._desk.gone(sent, "accepted, but the venue does not know it", 1)
    rig.until(lambda: rig.story(target)[-1:] == ["expired"])
    state = rig.read_state()
    assert [order.client_order_id for order in state.orders] == [target]
    rig.cancel(target)
    rig.until(lambda: rig.standing() == [])
