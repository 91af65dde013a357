"""A reading of two wallets is told whole or not at all: what one of them said is never lost."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.joint_rig import JointRig
from tests.contract.rigs import USDT, D, unknown_order
from tradewinds.model.errors import VenueUnavailable
from tradewinds.model.instrument import InstrumentKind
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
    assert len(calls) == 4, "twice in each of two attempts"
    assert found[order.client_order_id] is OrderStatus.CANCELED


def moved(rig: JointRig, amount: int) -> None:
    """From spot to futures, by the user, in the venue's own app."""
    rig.practice.spot.transfer(rig.key.account, "USDT", D(-amount))
    rig.practice.usdm.fund_wallet(rig.key.account, D(amount))


@pytest.mark.parametrize("part", ["perpetual", "spot"])
def test_a_transfer_while_both_wallets_are_read_is_counted_neither_twice_nor_not_at_all(
    rig: JointRig, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    errands = rig.live.parts[part]._errands
    whole, calls = errands.wallet, []

    async def wallet() -> Any:
        found = await whole()
        calls.append(1)
        if len(calls) == 1:
            # Nobody hears of it by the stream: it is not up.
            moved(rig, 100)
        return found

    monkeypatch.setattr(errands, "wallet", wallet)
    state = rig.read_state()
    assert state.balances[USDT] == rig.money() == 1500
    assert state.free[InstrumentKind.SPOT][USDT] == 900
    assert state.free[InstrumentKind.PERPETUAL][USDT] == 600


def test_a_transfer_between_two_readings_waits_until_both_have_been_seen_again(
    rig: JointRig,
) -> None:
    before = rig.read_state()
    moved(rig, 100)
    spot, perpetual = rig.live.parts["spot"], rig.live.parts["perpetual"]

    def read(part: Any) -> Any:
        part._look = ""
        rig.do(part._read())
        part._look = ""
        (told,) = (r for r in rig.live.due(rig.edge().now_ns()) if hasattr(r, "whole"))
        return told

    half = read(perpetual)
    assert not half.whole, "futures has it already, and spot as it was last seen has it still"
    for part in (spot, perpetual, spot):
        last = read(part)
        spot._look = perpetual._look = ""
    assert last.whole
    assert last.balances[USDT] == before.balances[USDT] == 1500
