"""Money that comes or goes from outside is no result, in no figure of a report."""

from decimal import Decimal

import pytest

from tests.engine.test_venues_truth import reading
from tests.faults.conftest import USDT, Rig
from tradewinds.cli.report_data import without_flows
from tradewinds.cli.report_sheet import Feed, caveats_of_feed
from tradewinds.model.ids import Asset

D = Decimal


def test_the_curve_is_as_if_nobody_had_moved_money() -> None:
    points = [(1, D(1000)), (5, D(700)), (7, D(710)), (9, D(1210))]
    flows = [(5, D(-300)), (8, D(500))]
    assert without_flows(points, flows) == [(1, D(1000)), (5, D(1000)), (7, D(1010)), (9, D(1010))]
    assert without_flows(points, []) == points


@pytest.mark.parametrize("moved", [D(0), D("-29.96")])
def test_what_was_left_out_is_said(moved: Decimal) -> None:
    feed = Feed(label="REAL binance-spot", synthetic=False, currency=Asset("USDT"), moved=moved)
    told = " ".join(caveats_of_feed(feed))
    assert ("-29.96 USDT" in told) == bool(moved)
    assert "PAPER" not in told


@pytest.mark.parametrize(
    ("label", "word"),
    [
        ("PRACTICE binance-spot", "PRACTICE"),
        ("TESTNET binance-usdm", "TESTNET"),
        ("LIVE x", "PAPER"),
    ],
)
def test_whose_fills_they_are_is_said(label: str, word: str) -> None:
    feed = Feed(label=label, synthetic=False, currency=Asset("USDT"))
    assert next(caveats_of_feed(feed)).startswith(word)


def test_a_withdrawal_is_on_no_side_of_the_days_result() -> None:
    rig = Rig()
    rig.quote()
    reading(rig)
    reading(rig, {USDT: D(-300)})
    breaker = rig.engine.floor.breaker
    assert rig.engine.floor.portfolio.equity() == breaker.day_start_equity
