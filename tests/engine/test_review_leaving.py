"""Leaving in order: a stop that the venue is about to drop protects nobody while we are gone."""

from msgspec.structs import replace

from tests.engine.test_review_zombies import filled, ids, manual
from tests.faults.conftest import BTC
from tradewinds.engagement import Engagement, trouble
from tradewinds.engine.reconcile import STOPPING
from tradewinds.model import events as ev
from tradewinds.model.order import Purpose


def test_it_does_not_leave_with_a_stop_whose_entry_ended_short() -> None:
    rig = manual()
    rig.inject(
        ev.VenueFeaturesTold(brackets=(BTC,), venue_time_ns=rig.now, received_time_ns=rig.now)
    )
    rig.quote()
    rig.enter()
    rig.quote()
    entry, leg = rig.submitted()
    assert leg.bracket == entry.client_order_id
    for order in (entry, leg):
        rig.inject(ev.OrderAccepted(venue_order_id="1", **ids(rig, order)))
    whole = filled(rig, entry)
    half = rig.instruments[0].quantity_down(entry.quantity / 2)
    rig.inject(replace(whole, fill=replace(whole.fill, quantity=half)))
    engagement = Engagement.__new__(Engagement)
    engagement._driver = rig.driver
    rig.inject(trouble(STOPPING, "test", rig.now))
    assert not engagement._left_in_order()
    rig.inject(ev.OrderCanceled(reason="", **ids(rig, entry)))
    assert not engagement._left_in_order(), "the leg will never be armed"
    rig.inject(ev.OrderExpired(reason="", **ids(rig, leg)))
    assert not engagement._left_in_order(), "its successor is only on its way"
    stop = rig.submitted(Purpose.STOP)[-1]
    rig.inject(ev.OrderAccepted(venue_order_id="2", **ids(rig, stop)))
    assert engagement._left_in_order()
