"""Two Tradewinds on one account: neither cancels the other's orders, and neither risks more."""

import pytest

from tests.faults.conftest import BTC, Rig
from tradewinds.model import events as ev
from tradewinds.model.commands import CancelOrder
from tradewinds.model.decimals import ZERO
from tradewinds.model.ids import ClientOrderId, RunId, client_order_id, run_of, trade_id
from tradewinds.model.order import OrderStatus
from tradewinds.model.portfolio import TradingState

EARLIER, OTHER = RunId("aaaaaaaaaa"), RunId("bbbbbbbbbb")


def shown(rig: Rig, name: ClientOrderId, *, whole: bool = True) -> None:
    """A reading in which this order stands."""
    row = ev.VenueOrder(
        client_order_id=name,
        venue_order_id="1",
        instrument_id=BTC,
        status=OrderStatus.OPEN,
        filled_quantity=ZERO,
        reason="",
    )
    rig.inject(
        ev.VenueStateRead(
            balances=dict(rig.sim.balances),
            orders=(row,),
            positions=(),
            fills=(),
            venue_time_ns=rig.now,
            received_time_ns=rig.now,
            whole=whole,
        )
    )


def canceled(rig: Rig) -> list[str]:
    return [command.client_order_id for command in rig.of(CancelOrder)]


def test_the_run_of_an_order_is_in_its_name() -> None:
    assert run_of(client_order_id(EARLIER, 7)) == EARLIER
    for name in ("", "tw", "tw-", "tw-a", "x-aaaaaaaaaa-7", trade_id(EARLIER, 7), "a-b-c-d"):
        assert run_of(name) == ""


@pytest.mark.parametrize("whole", [True, False])
def test_an_order_of_another_tradewinds_is_left_alone_and_nothing_new_is_risked(
    whole: bool,
) -> None:
    rig = Rig(own_runs=(EARLIER,))
    rig.quote()
    name = client_order_id(OTHER, 3)
    shown(rig, name, whole=whole)
    assert canceled(rig) == []
    assert rig.state is TradingState.REDUCING
    assert name in rig.reason
    assert rig.anomalies()["foreign_order"] == 1
    rig.enter()
    assert rig.submitted() == []


def test_it_holds_over_a_restart_and_until_the_operator_resumes() -> None:
    rig = Rig(own_runs=())
    rig.quote()
    shown(rig, client_order_id(OTHER, 3))
    again = Rig(checkpoint=rig.engine.checkpoint(), start_ns=rig.now + 1, own_runs=())
    assert again.state is TradingState.REDUCING
    resume(again)
    assert again.state is TradingState.ACTIVE
    shown(again, client_order_id(OTHER, 3))
    assert again.state is TradingState.REDUCING, "it is still there"


def resume(rig: Rig) -> None:
    rig.inject(ev.ResumeTrading(command_id="r", venue_time_ns=rig.now, received_time_ns=rig.now))


def test_orphans_of_earlier_runs_and_of_runs_taken_over_are_cancelled() -> None:
    rig = Rig(own_runs=(EARLIER, OTHER))
    rig.quote()
    names = [client_order_id(run, 3) for run in (EARLIER, OTHER, rig.engine.floor.run_id)]
    for name in names:
        shown(rig, name)
    assert canceled(rig) == names
    assert rig.state is TradingState.ACTIVE
