"""A thinned curve tells what all of its points would, and does not grow with them."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewinds.ledger.curve import Point, daily_returns, drawdown, monthly_returns, returns
from tradewinds.ledger.long_curve import LongCurve
from tradewinds.ledger.performance import Record, measure, measured
from tradewinds.ledger.results import NS_PER_DAY

MINUTE_NS = 60 * 10**9
START_NS = 20_454 * NS_PER_DAY

STEPS = st.lists(
    st.tuples(
        # Many points at one moment, many in a day, and days without any.
        st.sampled_from([0, 5 * MINUTE_NS, 7 * MINUTE_NS, NS_PER_DAY // 3, 3 * NS_PER_DAY]),
        st.integers(-40, 40),
    ),
    min_size=1,
    max_size=150,
)


def curve_of(steps: list[tuple[int, int]], level: int = 1_000) -> list[Point]:
    time_ns, points = START_NS, []
    for later_ns, change in steps:
        time_ns, level = time_ns + later_ns, level + change
        points.append((time_ns, Decimal(level) / 7))
    return points


def thinned(points: list[Point], most: int) -> LongCurve:
    curve = LongCurve(most)
    for point in points:
        curve.add(point)
    return curve


@settings(max_examples=200, deadline=None)
@given(STEPS, st.sampled_from([6, 12, 40, 1_000]), st.sampled_from([60, 1_000, 20_000]))
def test_every_figure_is_that_of_all_points(
    steps: list[tuple[int, int]], most: int, level: int
) -> None:
    points = curve_of(steps, level)
    curve = thinned(points, most)
    kept = curve.points()
    assert curve.drawdown() == drawdown(points)
    assert daily_returns(kept) == daily_returns(points)
    assert monthly_returns(kept) == monthly_returns(points)
    assert returns(kept, curve.drawdown()) == returns(points, drawdown(points))
    whole = measure(Record(equity=points))
    assert measured(Record(equity=kept), kept, curve.drawdown()) == whole


@settings(max_examples=200, deadline=None)
@given(STEPS, st.sampled_from([6, 12, 40]))
def test_what_is_drawn_shows_the_same_deepest_fall(steps: list[tuple[int, int]], most: int) -> None:
    points = curve_of(steps)
    kept = thinned(points, most).points()
    rest = iter(points)
    assert all(point in rest for point in kept), "in order, none made up"
    assert kept[0] == points[0]
    assert kept[-1] == points[-1]
    shown, told = drawdown(kept), drawdown(points)
    if told is None:
        assert shown is None
    else:
        assert shown is not None
        assert (shown.share, shown.amount) == (told.share, told.amount)
        assert (shown.peak_ns, shown.low_ns, shown.recovered_ns) == (
            told.peak_ns, told.low_ns, told.recovered_ns,
        )  # fmt: skip


def walk(days: int, a_day: int) -> list[Point]:
    """Up and down by a few parts of a thousand, with its worst fall far from either end."""
    step_ns = NS_PER_DAY // a_day
    middle = days * a_day // 2
    return [
        (START_NS + i * step_ns, Decimal(10_000 + (i * 7_919) % 61 - 900 * (0 < i - middle < 3)))
        for i in range(days * a_day)
    ]


def test_a_year_of_five_minutes_stays_within_its_bound() -> None:
    most = 3_000
    curve = LongCurve(most)
    for at, point in enumerate(walk(365, 288)):
        curve.add(point)
        if at % 101 == 0:
            assert len(curve.points()) <= most


def test_all_points_of_a_short_run_stay() -> None:
    points = walk(10, 288)
    assert list(thinned(points, len(points)).points()) == points


@pytest.mark.parametrize("days", [40, 400])
def test_more_days_than_room_keep_their_closes_and_few_points_more(days: int) -> None:
    points = walk(days, 12)
    kept = thinned(points, 30).points()
    assert daily_returns(kept) == daily_returns(points)
    assert len(kept) <= 6 * days
