"""A reading of two wallets is told whole or not at all: what one of them said is never lost."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.joint_rig import JointRig
from tests.contract.rigs import D, unknown_order
from tradewinds.model.errors import VenueUnavailable
from tradewinds.model.order import ApprovedOrder, OrderStatus
from tradewinds.practice.faults import Reply

DOWN = Reply(status=502, body=b"<html/>")
SPOT = "spot GET /api/v3/account"


@pytest.fixture
def rig() -> Iterator[JointRig]:
    made = JointRig()
    made.instrument = made.perpetual
    made.do(made.live.connect())
    yield made
    made.close()


def futures(rig: JointRig) -> Any:
    """The part that is read first."""
    assert list(rig.live.parts) == ["perpetual", "spot"]
    return rig.live.parts["perpetual"]


def placed(rig: JointRig, price: int) -> ApprovedOrder:
    """Bought at the venue by a process of ours that is gone."""
    order = rig.make("buy", "limit", "0.01", price=price)
    request = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.01",
        "price": str(price),
        "newClientOrderId": order.client_order_id,
    }
    rig.do(futures(rig)._client.exchange.fapiPrivatePostOrder(request))
    return order


def test_what_one_wallet_told_is_told_again_when_the_other_was_silent(rig: JointRig) -> None:
    order = placed(rig, 20_010)
    rig.fault(SPOT, DOWN, times=None)
    with pytest.raises(VenueUnavailable):
        rig.read_state([unknown_order(order, status=OrderStatus.OPEN)])
    rig.practice.faults.clear()
    state = rig.read_state()
    assert sum(fill.quantity for fill in state.fills) == D("0.01")


def test_an_end_that_was_read_while_the_other_wallet_moved_is_told(
    rig: JointRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = placed(rig, 19_500)
    gone = {"symbol": "BTCUSDT", "origClientOrderId": order.client_order_id}
    rig.do(futures(rig)._client.exchange.fapiPrivateDeleteOrder(gone))
    errands = rig.live.parts["spot"]._errands
    whole, calls = errands.wallet, []

    async def wallet() -> Any:
        calls.append(1)
        if len(calls) == 1:
            # Something of futures is heard while spot is read.
            futures(rig)._desk.news += 1
        return await whole()

    monkeypatch.setattr(errands, "wallet", wallet)
    state = rig.read_state([unknown_order(order, status=OrderStatus.OPEN)])
    found = {each.client_order_id: each.status for each in state.orders}
    assert len(calls) == 2
    assert found[order.client_order_id] is OrderStatus.CANCELED
