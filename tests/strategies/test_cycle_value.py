"""What a cycle is worth: depth against brute force, and the odds after everything."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tradewinds.strategies.cycle_value import Odds, Road, round_trip

SURE = Odds(0.0, 0.0, 0.0)


def buying(*levels: tuple[float, float], fee: float = 0.0) -> Road:
    return Road(False, levels, 1.0 - fee, 1.0 / (1.0 - fee))


def selling(*levels: tuple[float, float], fee: float = 0.0) -> Road:
    return Road(True, levels, 1.0 - fee, 1.0)


def test_it_goes_as_deep_as_each_bit_still_pays() -> None:
    """A at 100 and then 100.5 and 102; sold for 101: the third level loses."""
    roads = [buying((100.0, 1.0), (100.5, 2.0), (102.0, 9.0)), selling((101.0, 50.0))]
    found = round_trip(roads, 1e9, SURE)
    assert found is not None
    assert found.notional == pytest.approx(100.0 + 201.0)
    assert found.prices == (100.5, 101.0)
    assert found.sizes == pytest.approx((3.0, 3.0))
    assert found.edge_bps == pytest.approx((1.0 + 2 * 0.5) / 301.0 * 1e4)


def test_a_sound_limit_on_money_stops_it_before_the_depth_does() -> None:
    found = round_trip([buying((100.0, 1.0), (100.5, 2.0)), selling((101.0, 9.0))], 50.0, SURE)
    assert found is not None
    assert (found.notional, found.sizes, found.prices) == (50.0, (0.5, 0.5), (100.0, 101.0))
    assert found.edge_bps == pytest.approx(100.0)


def test_a_level_whose_bit_is_not_worth_its_odds_is_left_alone() -> None:
    roads = [buying((100.0, 1.0), (100.5, 2.0)), selling((101.0, 50.0))]
    careful = round_trip(roads, 1e9, Odds(60.0, 0.0, 0.0))
    assert careful is not None
    assert careful.prices == (100.0, 101.0)
    assert careful.notional == pytest.approx(100.0)
    assert round_trip(roads, 1e9, Odds(101.0, 0.0, 0.0)) is None


def test_a_leg_that_shows_nothing_is_no_way_round() -> None:
    assert round_trip([buying(), selling((101.0, 1.0))], 100.0, SURE) is None


def test_value_counts_what_moves_and_the_way_back() -> None:
    assert Odds(2.0, 0.1, 30.0).value(12.0) == pytest.approx(0.9 * 10.0 - 3.0)


depths = st.lists(
    st.tuples(st.floats(0.0, 0.01), st.floats(0.01, 5.0)), min_size=1, max_size=4, unique=True
)


def ladder(levels: Any, mid: float, up: bool) -> list[tuple[float, float]]:
    signed = ((mid * (1 + away if up else 1 - away), size) for away, size in levels)
    return sorted(signed, reverse=not up)


def walked(road: Road, amount: float) -> float | None:
    """What `amount` brings when it takes level after level."""
    brought = 0.0
    for price, size in road.levels:
        room = size if road.selling else size * price
        room = room if road.selling else room / road.gross / road.keep
        part = min(amount, room)
        brought += part * (price * road.keep if road.selling else road.keep / price)
        amount -= part
        if amount <= 1e-12:
            return brought
    return None


@given(
    one=depths,
    two=depths,
    three=depths,
    fee=st.sampled_from([0.0, 0.001]),
    edge=st.floats(0.98, 1.03),
)
def test_no_other_size_gains_more(one: Any, two: Any, three: Any, fee: float, edge: float) -> None:
    roads = [
        buying(*ladder(one, 1.0, up=True), fee=fee),
        buying(*ladder(two, 1.0, up=True), fee=fee),
        selling(*ladder(three, edge, up=False), fee=fee),
    ]
    found = round_trip(roads, 8.0, SURE)

    def gain(notional: float) -> float | None:
        amount: float | None = notional
        for road in roads:
            amount = None if amount is None else walked(road, amount)
        return None if amount is None else amount - notional

    best = max((gain(n * 0.01) or 0.0 for n in range(1, 801)), default=0.0)
    if found is None:
        assert best <= 1e-9
        return
    assume(found.notional > 1e-6)
    got = found.notional * found.edge_bps / 1e4
    assert got >= best - 1e-9
    exact = gain(found.notional * (1 - 1e-9))
    assert exact is not None
    assert got == pytest.approx(exact, rel=1e-5, abs=1e-8)
