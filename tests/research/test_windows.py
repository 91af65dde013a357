"""Walk-forward windows never let training touch what they are judged on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewinds.model.errors import ConfigError
from tradewinds.research.windows import SHORTEST_TEST, WalkPlan, windows

DAY_NS = 86_400_000_000_000
PLANS = st.builds(
    WalkPlan,
    train_days=st.integers(1, 60),
    test_days=st.integers(1, 30),
    anchored=st.booleans(),
    purge_days=st.integers(0, 5),
    embargo_days=st.integers(0, 5),
)


@given(PLANS, st.integers(0, 3 * DAY_NS), st.integers(100, 400))
def test_training_ends_a_gap_before_its_test_and_tests_follow_each_other(
    plan: WalkPlan, offset: int, days: int
) -> None:
    start, end = 10_000 * DAY_NS + offset, 10_000 * DAY_NS + days * DAY_NS
    found = windows(start, end, plan)
    gap = (plan.purge_days + plan.embargo_days) * DAY_NS
    for before, window in zip((None, *found), found, strict=False):
        assert start <= window.train_start_ns < window.train_end_ns
        assert window.train_end_ns + gap == window.test_start_ns < window.test_end_ns <= end
        assert window.test_start_ns % DAY_NS == 0
        trained = window.train_end_ns - window.train_start_ns
        if plan.anchored:
            assert window.train_start_ns == found[0].train_start_ns
        else:
            assert trained == plan.train_days * DAY_NS
        if before is not None:
            assert before.test_end_ns == window.test_start_ns
    assert end - found[-1].test_end_ns < plan.test_days * DAY_NS * SHORTEST_TEST


def test_too_little_data_is_refused_with_what_it_takes() -> None:
    plan = WalkPlan(train_days=30, test_days=10)
    with pytest.raises(ConfigError, match=r"20\.0 days, one window takes 42"):
        windows(0, 20 * DAY_NS, plan)


def test_a_gap_or_length_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="a day at least"):
        windows(0, 20 * DAY_NS, WalkPlan(train_days=0, test_days=1))
