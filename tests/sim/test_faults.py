"""The misbehaving venue misbehaves exactly as planned, and the truth below stays intact."""

import pytest

from tradewinds.ports import DrivenVenue
from tradewinds.sim.faults import Fault, FaultPlan, FaultyVenue
from tradewinds.sim.venue import SimVenue

SECOND = 1_000_000_000


def faulty(kit, **shares):
    rig = kit.Rig()
    truth = rig.venue
    plan = FaultPlan(seed=7, shares={Fault(kind): share for kind, share in shares.items()})
    rig.venue = FaultyVenue(truth, plan)
    rig.quote(99.0, 100.0)
    rig.buy("market", 1)
    return rig, truth


def test_both_venues_fit_the_port(kit):
    venue: DrivenVenue = SimVenue([kit.spot()], {})
    wrapped: DrivenVenue = FaultyVenue(venue, FaultPlan(seed=1, shares={}))
    assert wrapped.due(0) == []


@pytest.mark.parametrize(
    ("fault", "seen"),
    [("drop", []), ("duplicate", ["OrderAccepted"] * 2 + ["OrderFilled"] * 2), ("delay", [])],
)
def test_reports_get_lost_doubled_or_late(kit, fault, seen):
    rig, truth = faulty(kit, **{fault: 1.0})
    assert kit.names(rig.due()) == seen
    assert truth.balances["BTC"] == 11
    rig.now += SECOND
    late = ["OrderAccepted", "OrderFilled"] if fault == "delay" else []
    assert kit.names(rig.due()) == late


@pytest.mark.parametrize(("fault", "held"), [("unknown_done", 11), ("unknown_not_done", 10)])
def test_an_unknown_outcome_may_be_either(kit, fault, held):
    rig, truth = faulty(kit, **{fault: 1.0})
    rig.now += 5 * SECOND
    assert "OrderOutcomeUnknown" in kit.names(rig.due())
    assert truth.balances["BTC"] == held


def test_a_plan_strikes_the_same_reports_every_time(kit):
    def run():
        rig, _ = faulty(kit, drop=0.2, duplicate=0.2, delay=0.2)
        for _ in range(50):
            rig.buy("market", "0.1")
            rig.quote(99.0, 100.0)
        return rig.log, rig.venue.struck

    assert run() == run()
    assert set(run()[1]) == {Fault.DROP, Fault.DUPLICATE, Fault.DELAY}
