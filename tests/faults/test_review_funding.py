"""Funding in a run of months: what is paid today is read today, however much was paid before."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.live_rigs import UsdmRig
from tests.contract.rigs import D
from tradewinds.model import events as ev

HOUR = 3_600


@pytest.fixture
def rig() -> Iterator[UsdmRig]:
    made = UsdmRig()
    made.do(made.live.connect())
    yield made
    made.close()


def test_payments_are_asked_for_from_the_last_one_on(rig: UsdmRig) -> None:
    """The venue tells a thousand rows from the oldest on: from the start it would stop there."""
    dialect: Any = rig.dialect
    whole = dialect.payments
    asked: list[int] = []

    def payments(since_ns: int) -> Any:
        asked.append(since_ns)
        return whole(since_ns)

    dialect.payments = payments
    start_ns = rig.live._errands.start_ns
    rig.read_state()
    paid_ns = start_ns + 40 * 24 * HOUR * 10**9
    paid = ev.FundingPaid(
        funding_id="f",
        instrument_id=rig.instrument.id,
        asset=rig.instrument.settle,
        amount=D("-0.1"),
        venue_time_ns=paid_ns,
        received_time_ns=paid_ns,
    )
    dialect.paid = lambda answers, now_ns: [paid]
    rig.read_state()
    rig.read_state()
    assert asked[:2] == [start_ns, start_ns]
    assert start_ns < asked[2] < paid_ns
