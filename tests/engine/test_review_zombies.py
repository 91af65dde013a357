"""What still stands at the venue although its end was told, and what is remembered of it all."""

from typing import Any

from tests.faults.conftest import BTC, ManualVenue, Rig
from tradewinds.model import events as ev
from tradewinds.model.commands import CancelOrder
from tradewinds.model.ids import Asset, FillId
from tradewinds.model.order import ApprovedOrder, Fill, OrderStatus, Purpose


def manual() -> Rig:
    """The test makes the venue's reports."""
    venue: Any = ManualVenue()
    return Rig(venue=venue)


def ids(rig: Rig, order: ApprovedOrder) -> dict[str, Any]:
    return {
        "client_order_id": order.client_order_id,
        "instrument_id": order.instrument_id,
        "venue_time_ns": rig.now,
        "received_time_ns": rig.now,
    }


def filled(rig: Rig, order: ApprovedOrder) -> ev.OrderFilled:
    fill = Fill(
        fill_id=FillId(f"f-{order.client_order_id}"),
        client_order_id=order.client_order_id,
        instrument_id=order.instrument_id,
        side=order.side,
        quantity=order.quantity,
        price=order.price or order.decision_price,
        fee=order.quantity * 0,
        fee_asset=Asset("USDT"),
        maker=False,
        venue_time_ns=rig.now,
        received_time_ns=rig.now,
    )
    return ev.OrderFilled(fill=fill, venue_time_ns=rig.now, received_time_ns=rig.now)


def shown(rig: Rig, order: ApprovedOrder, status: OrderStatus) -> None:
    """The venue's state tells of this order."""
    row = ev.VenueOrder(
        client_order_id=order.client_order_id,
        venue_order_id="1",
        instrument_id=order.instrument_id,
        status=status,
        filled_quantity=order.quantity * 0,
        reason="",
    )
    rig.inject(
        ev.VenueStateRead(
            balances={},
            orders=(row,),
            positions=(),
            fills=(),
            venue_time_ns=rig.now,
            received_time_ns=rig.now,
            whole=False,
        )
    )


def given_up_stop() -> tuple[Rig, ApprovedOrder]:
    """A position whose stop was taken for lost, so that another way out has been sent."""
    rig = manual()
    rig.quote()
    rig.enter()
    rig.quote()
    (entry,) = rig.submitted(Purpose.ENTER)
    rig.inject(filled(rig, entry))
    (stop,) = rig.submitted(Purpose.STOP)
    rig.inject(ev.OrderAccepted(venue_order_id="1", **ids(rig, stop)))
    rig.inject(ev.OrderExpired(reason="not found", **ids(rig, stop)))
    assert stop.client_order_id not in {o.approved.client_order_id for o in rig.working}
    return rig, stop


def test_an_order_that_stands_although_it_had_ended_here_is_cancelled() -> None:
    """It would sell a second time what its successor sells."""
    rig, stop = given_up_stop()
    before = len(rig.of(CancelOrder))
    shown(rig, stop, OrderStatus.OPEN)
    (canceled,) = rig.of(CancelOrder)[before:]
    assert canceled.client_order_id == stop.client_order_id
    assert rig.anomalies()["orphan_order"] == 1


def test_an_end_that_is_told_twice_leads_to_nothing() -> None:
    rig, stop = given_up_stop()
    before = len(rig.of(CancelOrder))
    shown(rig, stop, OrderStatus.EXPIRED)
    shown(rig, stop, OrderStatus.UNKNOWN)
    assert rig.of(CancelOrder)[before:] == []


def test_cycles_that_never_filled_leave_no_memory_behind() -> None:
    rig = manual()
    for instrument in rig.instruments:
        rig.quote(instrument.id)
    for number in range(3):
        rig.cycle()
        rig.quote(BTC)
        leg = rig.submitted(Purpose.LEG)[number]
        rig.inject(ev.OrderExpired(reason="nothing there", **ids(rig, leg)))
    saved = rig.engine.checkpoint().selection
    assert saved is not None
    assert saved.contexts == {}
