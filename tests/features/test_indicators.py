"""Indicators against brute force over the whole window, and against values worked by hand."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewinds.features.indicators import Atr, Ema, RollingMax, RollingMean

prices = st.floats(min_value=1e-6, max_value=1e7, allow_nan=False)
series = st.lists(prices, min_size=1, max_size=120)
windows = st.integers(min_value=1, max_value=30)


def brute_ema(values: Sequence[float], period: int) -> float | None:
    """Written as the weighted sum it is, not as the recursion under test."""
    if len(values) < period:
        return None
    alpha = 2 / (period + 1)
    later = np.array(values[period:])
    weights = alpha * (1 - alpha) ** np.arange(len(later) - 1, -1, -1)
    seed = float(np.mean(values[:period]))
    return float(weights @ later) + seed * (1 - alpha) ** len(later)


def brute_atr(bars: Sequence[tuple[float, float, float]], period: int) -> float | None:
    if len(bars) < period:
        return None
    table = np.array(bars)
    high, low, close = table[:, 0], table[:, 1], table[:, 2]
    before = np.concatenate(([np.nan], close[:-1]))
    ranges = np.nanmax([high - low, np.abs(high - before), np.abs(low - before)], axis=0)
    keep = (period - 1) / period
    later = ranges[period:]
    weights = (1 / period) * keep ** np.arange(len(later) - 1, -1, -1)
    return float(weights @ later) + float(ranges[:period].mean()) * keep ** len(later)


def same(answer: float | None, expected: float | None, rel: float = 1e-9) -> bool:
    if answer is None or expected is None:
        return answer is expected
    return answer == pytest.approx(expected, rel=rel, abs=1e-9 if rel > 1e-10 else 0.0)


@given(series, windows)
def test_ema_equals_the_weighted_sum(values: list[float], period: int) -> None:
    ema = Ema(period)
    for seen, value in enumerate(values, start=1):
        assert same(ema.update(value), brute_ema(values[:seen], period))


@given(st.lists(st.tuples(prices, prices, prices), min_size=1, max_size=80), windows)
def test_atr_equals_the_weighted_sum(rows: list[tuple[float, float, float]], period: int) -> None:
    bars = [(max(row), min(row), row[0]) for row in rows]
    atr = Atr(period)
    for seen, bar in enumerate(bars, start=1):
        assert same(atr.update(*bar), brute_atr(bars[:seen], period))


@given(series, windows)
def test_rolling_max_is_the_highest_of_the_window(values: list[float], window: int) -> None:
    rolling = RollingMax(window)
    for seen, value in enumerate(values, start=1):
        expected = max(values[seen - window : seen]) if seen >= window else None
        assert rolling.update(value) == expected


@given(series, windows)
def test_rolling_mean_is_the_mean_of_the_window(values: list[float], window: int) -> None:
    rolling = RollingMean(window)
    for seen, value in enumerate(values, start=1):
        expected = float(np.mean(values[seen - window : seen])) if seen >= window else None
        assert same(rolling.update(value), expected, rel=1e-12)


@given(series, windows)
def test_what_is_answered_now_does_not_depend_on_what_comes_later(
    values: list[float], window: int
) -> None:
    half = len(values) // 2
    for kind in (Ema, RollingMax, RollingMean):
        whole, prefix = kind(window), kind(window)
        answers = [whole.update(value) for value in values]
        assert [prefix.update(value) for value in values[:half]] == answers[:half]


def test_ema_of_a_known_series() -> None:
    """Period 3 weighs 1/2: seed (2 + 4 + 6) / 3, then halfway to each new value."""
    ema = Ema(3)
    assert [ema.update(value) for value in (2, 4, 6, 8, 12)] == [None, None, 4, 6, 9]


def test_atr_of_a_known_series() -> None:
    """True ranges 2, 3 (gap up from 9), 5 (gap down from 11), 2: Wilder's smoothing by hand."""
    atr = Atr(2)
    bars = [(10, 8, 9), (12, 10, 11), (8, 6, 7), (8, 6, 7)]
    assert [atr.update(*bar) for bar in bars] == [None, 2.5, 3.75, 2.875]


def test_a_huge_value_leaves_no_trace_in_the_mean() -> None:
    rolling = RollingMean(3)
    for value in (1e18, 0.1, 0.2, 0.3):
        rolling.update(value)
    assert rolling.value == pytest.approx(0.2, rel=1e-15)


@pytest.mark.parametrize("kind", [Ema, Atr, RollingMax, RollingMean])
def test_an_empty_window_is_refused(kind: type) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        kind(0)
