"""The market's state from hourly prices: what each number answers to, and its bounds."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewinds.features.regime import UNKNOWN, WARM_SAMPLES, Sample, advance, context_of
from tradewinds.model.ids import InstrumentId
from tradewinds.model.selection import Context, RegimeState

NAMES = tuple(InstrumentId(f"{letter}/USDT@x") for letter in "ABCD")


def after(hours: Iterable[Sequence[float]], liquid: Sequence[float] = ()) -> Context:
    """Context after hours of returns per instrument."""
    state = RegimeState()
    prices = dict.fromkeys(NAMES, 100.0)
    for hour, row in enumerate(hours):
        for name, change in zip(NAMES, row, strict=False):
            prices[name] *= math.exp(change)
        shown = liquid[hour] if liquid else 1.0
        state = advance(state, [Sample(name, prices[name], shown) for name in NAMES])
    return context_of(state)


def noise(count: int, size: float = 0.01, common: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(1)
    shared = rng.standard_normal((count, 1)) * common
    return shared + rng.standard_normal((count, 4)) * size


def test_before_two_days_nothing_is_told() -> None:
    assert after(noise(WARM_SAMPLES)) == UNKNOWN
    assert after(noise(WARM_SAMPLES + 1)) != UNKNOWN


def test_volatility_rises_when_it_gets_rough() -> None:
    calm = after(noise(400))[0]
    rough = after(np.concatenate((noise(400), noise(24, 0.05))))[0]
    assert abs(calm) < 0.5 < rough


def test_the_trend_has_the_sign_of_the_drift() -> None:
    assert after(noise(400) + 0.004)[1] > 0.5
    assert after(noise(400) - 0.004)[1] < -0.5


def test_correlation_tells_one_market_from_many() -> None:
    assert after(noise(400, size=0.0005, common=0.01))[3] > 0.9
    assert after(noise(400, size=0.01))[3] < -0.5


def test_liquidity_falls_when_books_thin_out() -> None:
    assert after(noise(400), [1.0] * 380 + [0.1] * 20)[2] < -0.5


prices = st.one_of(st.floats(1e-9, 1e9), st.just(0.0))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(prices, prices, st.floats(0.0, 1e12)), min_size=1, max_size=120))
def test_every_number_stays_within_one_whatever_happens(rows: list[tuple[float, ...]]) -> None:
    state = RegimeState()
    for one, other, liquid in rows:
        pair = zip(NAMES, (one, other), strict=False)
        state = advance(state, [Sample(name, price, liquid) for name, price in pair if price > 0])
        assert all(-1.0 <= value <= 1.0 for value in context_of(state))
