"""The selector's beliefs: bounds for any history, benching, coming back, and no dice."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewinds.features.regime import UNKNOWN
from tradewinds.model.ids import StrategyId
from tradewinds.model.selection import ArmState, Context
from tradewinds.strategies import selector
from tradewinds.strategies.selector import (
    NOISE,
    PRIOR_DEVIATION,
    PRIOR_MEAN,
    SEEN_MIN,
    chance,
    learned,
    new_arm,
    normals,
    weighed,
    worth,
)

WHO = StrategyId("momentum")
unit = st.floats(-1.0, 1.0)
contexts = st.tuples(unit, unit, unit, unit)
results = st.one_of(st.floats(-1e6, 1e6), st.sampled_from([math.nan, math.inf, -math.inf]))


def taught(*given_results: float, context: Context = UNKNOWN) -> ArmState:
    arm = new_arm(WHO)
    for result in given_results:
        arm = learned(arm, context, result)
    return arm


@settings(max_examples=60, deadline=None)
@given(history=st.lists(st.tuples(contexts, results), max_size=120), now=contexts)
def test_a_weight_is_within_nil_and_one_for_any_history(
    history: list[tuple[Context, float]], now: Context
) -> None:
    arm = new_arm(WHO)
    for hour, (context, result) in enumerate(history):
        arm = weighed(learned(arm, context, result), now, hour)
        assert 0.0 <= arm.weight <= 1.0
        assert not (arm.benched and arm.weight > 0.0), "benched is without any risk"
        assert 0.0 <= chance(arm, now) <= 1.0


def test_a_belief_is_that_of_the_textbooks_regression() -> None:
    """Posterior of a Gaussian prior and Gaussian noise by numpy, results weighted by their age."""
    rng = np.random.default_rng(2)
    x = np.column_stack((np.ones(40), rng.uniform(-1, 1, (40, 4))))
    y = rng.standard_normal(40).clip(-2, 6)
    arm = new_arm(WHO)
    for row, result in zip(x, y, strict=True):
        arm = learned(arm, tuple(row[1:].tolist()), float(result))
    age = 0.99 ** np.arange(39, -1, -1)
    prior = np.diag(1.0 / np.array(PRIOR_DEVIATION) ** 2)
    precision = prior + (x * age[:, None]).T @ x / NOISE**2
    start = np.array([PRIOR_MEAN, 0, 0, 0, 0])
    mean = np.linalg.solve(precision, prior @ start + (x * age[:, None]).T @ y / NOISE**2)
    now = np.array([1.0, 0.5, -0.2, 0.1, 0.9])
    found = worth(arm, (0.5, -0.2, 0.1, 0.9))
    expected = (now @ mean, math.sqrt(now @ np.linalg.solve(precision, now)))
    assert found == pytest.approx(expected)


def test_before_it_has_shown_anything_a_strategy_has_its_full_weight() -> None:
    few = taught(*[-1.0] * int(SEEN_MIN - 1))
    for arm in (new_arm(WHO), few):
        assert weighed(arm, UNKNOWN, 7).weight == 1.0


def test_one_that_stops_earning_is_benched_and_one_that_earns_is_not() -> None:
    bad = weighed(taught(*[-1.0] * 40), UNKNOWN, 1)
    assert (bad.benched, bad.weight) == (True, 0.0)
    good = weighed(taught(*[-1.0, 2.0] * 20), UNKNOWN, 1)
    assert (good.benched, good.weight) == (False, 1.0)


def test_between_the_two_the_weight_falls_with_the_chance() -> None:
    mean = {}
    for result in (0.0, -0.1, -0.2, -0.3):
        arm = taught(*[result] * 25)
        mean[result] = sum(weighed(arm, UNKNOWN, hour).weight for hour in range(200)) / 200
    assert list(mean.values()) == sorted(mean.values(), reverse=True)
    assert mean[-0.3] < 0.8


def test_a_benched_one_comes_back_only_when_it_more_likely_earns_than_not() -> None:
    arm = weighed(taught(*[-1.0] * 40), UNKNOWN, 1)
    returned_at = None
    for number in range(200):
        arm = weighed(learned(arm, UNKNOWN, 1.0), UNKNOWN, number)
        if not arm.benched:
            returned_at = number
            break
    assert returned_at is not None
    assert returned_at > 10, "a few good results do not undo forty bad ones"
    assert arm.weight > 0.5
    assert chance(arm, UNKNOWN) > 0.5


def test_what_it_earned_in_other_times_counts_less() -> None:
    rough, calm = (1.0, 0.0, 0.0, 0.0), (-1.0, 0.0, 0.0, 0.0)
    arm = new_arm(WHO)
    for _ in range(40):
        arm = learned(learned(arm, rough, 1.5), calm, -1.0)
    assert chance(arm, rough) > chance(arm, calm) + 0.1


@pytest.mark.parametrize("result", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_number_teaches_nothing(result: float) -> None:
    assert taught(1.0, result) == taught(1.0)


def test_one_result_counts_only_so_much() -> None:
    assert taught(1e9) == taught(6.0)
    assert taught(-1e9) == taught(-2.0)


def test_draws_are_a_function_of_who_and_when() -> None:
    arm = taught(*[-0.2] * 30)
    weights = [weighed(arm, UNKNOWN, hour).weight for hour in range(50)]
    assert weights == [weighed(arm, UNKNOWN, hour).weight for hour in range(50)]
    assert len(set(weights)) > 5
    other: Any = [normals(seed, 5) for seed in ("a:1", "a:2", "b:1")]
    assert len({tuple(row) for row in other}) == 3


def test_draws_are_normal() -> None:
    found = np.array([z for hour in range(400) for z in normals(f"x:{hour}", 32)])
    assert abs(found.mean()) < 0.03
    assert abs(found.std() - 1.0) < 0.03
    assert abs((found > 1.6449).mean() - 0.05) < 0.006


@given(mean=st.floats(-1.0, 1.0), deviation=st.floats(0.01, 1.0), hour=st.integers(0, 10**6))
def test_the_weight_is_what_all_draws_would_give(mean: float, deviation: float, hour: int) -> None:
    seed = f"a:{hour}"
    good = sum(mean + deviation * z > 0.0 for z in normals(seed, selector.DRAWS))
    weight = selector._weight(mean, deviation, seed)
    assert weight == min(1.0, 2.0 * good / selector.DRAWS)
