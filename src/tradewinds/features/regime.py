"""The state of the whole market in four numbers: volatility, trend, liquidity, correlation.

An equally weighted index of all instruments is sampled once an hour; each number is in [-1, 1],
nil where it is as usual or not known yet. A pure function of the state and the sample.
"""

import math
from collections.abc import Sequence
from typing import Final

from msgspec import Struct, structs

from tradewinds.model.ids import InstrumentId
from tradewinds.model.selection import Context, RegimeState

FAST_HOURS: Final = 24.0
SLOW_HOURS: Final = 240.0
WARM_SAMPLES: Final = 48
"""Before so many hours nothing is told."""
CHANGE_MAX: Final = 0.2
"""What one instrument may add to the index in an hour: a redenomination is no trend."""
REGIME_NAMES: Final = ("volatility", "trend", "liquidity", "correlation")
UNKNOWN: Final[Context] = (0.0, 0.0, 0.0, 0.0)


class Sample(Struct, frozen=True):
    """One instrument now: price, and quote asset that is shown or was traded in the last bar."""

    instrument_id: InstrumentId
    price: float
    liquid: float


def advance(state: RegimeState, samples: Sequence[Sample]) -> RegimeState:
    """The state an hour later."""
    changes = [
        min(max(math.log(one.price / before), -CHANGE_MAX), CHANGE_MAX)
        for one in samples
        if (before := state.prices.get(one.instrument_id, 0.0)) > 0.0 < one.price
    ]
    prices = {one.instrument_id: one.price for one in samples}
    if not changes:
        return structs.replace(state, prices=prices)
    index = sum(changes) / len(changes)
    squares = sum(change * change for change in changes) / len(changes)
    liquid = [math.log(one.liquid) for one in samples if one.liquid > 0.0]
    shown = sum(liquid) / len(liquid) if liquid else state.liquidity_fast
    first = state.samples == 0
    fast, slow = 1.0 / FAST_HOURS, 1.0 / SLOW_HOURS
    if first:
        fast = slow = 1.0
    square = index * index
    return RegimeState(
        samples=state.samples + 1,
        variance_fast=_moved(state.variance_fast, square, max(fast, 1.0 / (state.samples + 1))),
        variance_slow=_moved(state.variance_slow, square, max(slow, 1.0 / (state.samples + 1))),
        drift=_moved(state.drift, index, 2.0 * slow if not first else 1.0),
        index_variance=_moved(state.index_variance, square, max(fast, slow)),
        mean_variance=_moved(state.mean_variance, squares, max(fast, slow)),
        liquidity_fast=_moved(state.liquidity_fast, shown, fast),
        liquidity_slow=_moved(state.liquidity_slow, shown, slow),
        breadth=_moved(state.breadth, float(len(changes)), fast),
        prices=prices,
    )


def context_of(state: RegimeState) -> Context:
    """REGIME_NAMES in numbers."""
    if state.samples < WARM_SAMPLES or state.variance_slow <= 0.0:
        return UNKNOWN
    volatility = 0.5 * math.log(max(state.variance_fast, 1e-18) / state.variance_slow)
    trend = state.drift / math.sqrt(state.variance_slow) * math.sqrt(SLOW_HOURS / 4.0)
    liquidity = state.liquidity_fast - state.liquidity_slow
    return (_unit(volatility), _unit(trend / 2.0), _unit(liquidity), _correlation(state))


def _correlation(state: RegimeState) -> float:
    """Mean pairwise correlation as the variances of index and members tell it; 0 to 1 becomes
    -1 to 1."""
    count = state.breadth
    if count < 2.0 or state.mean_variance <= 0.0:
        return 0.0
    share = state.index_variance / state.mean_variance
    mean = (share * count - 1.0) / (count - 1.0)
    return _unit(2.0 * min(max(mean, 0.0), 1.0) - 1.0)


def _moved(value: float, towards: float, share: float) -> float:
    return value + (towards - value) * share


def _unit(value: float) -> float:
    return min(max(value, -1.0), 1.0)
