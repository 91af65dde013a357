"""How far a figure could be off by luck: intervals from resampled days."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from msgspec import Struct

from tradewinds.ledger.curve import DAYS_PER_YEAR, NOISE
from tradewinds.research.scores import DAYS_PER_MONTH, MOVED

RESAMPLES: Final = 2_000
BLOCK_DAYS: Final = 10
LEVEL: Final = 0.90
FEWEST_DAYS: Final = 20
Array = np.ndarray[Any, np.dtype[np.float64]]


class Interval(Struct, frozen=True, kw_only=True):
    """From `low` to `high`: 90 % of the resampled figures lie within."""

    low: float
    high: float


class Intervals(Struct, frozen=True, kw_only=True):
    """Of figures of daily returns, as in scores.Figures. None below 20 days."""

    monthly: Interval | None
    sharpe: Interval | None
    drawdown: Interval | None
    winning_days: Interval | None


NO_INTERVALS: Final = Intervals(monthly=None, sharpe=None, drawdown=None, winning_days=None)


def stationary_indices(
    length: int, resamples: int, block: int, rng: np.random.Generator
) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """(resamples, length) positions: runs of geometric length, mean `block`, wrapping round.

    The stationary bootstrap, Politis and Romano, "The Stationary Bootstrap", Journal of the
    American Statistical Association 89 (1994): with probability 1/block a new run starts at a
    random place, else the next day follows the one before.
    """
    starts = rng.integers(0, length, size=(resamples, length))
    fresh = rng.random((resamples, length)) < 1.0 / block
    fresh[:, 0] = True
    since = np.arange(length) - np.maximum.accumulate(np.where(fresh, np.arange(length), 0), axis=1)
    heads = np.take_along_axis(starts, np.arange(length) - since, axis=1)
    return np.asarray((heads + since) % length)


def intervals_of(returns: Sequence[float], seed: int = 1) -> Intervals:
    """Percentile intervals by the stationary bootstrap, blocks of ten days on average."""
    if len(returns) < FEWEST_DAYS:
        return NO_INTERVALS
    series = np.asarray(returns, dtype=np.float64)
    picked = stationary_indices(len(series), RESAMPLES, BLOCK_DAYS, np.random.default_rng(seed))
    drawn = series[picked]
    levels = np.cumprod(1 + drawn, axis=1)
    spread = drawn.std(axis=1, ddof=1)
    moving = spread > NOISE
    sharpe = np.zeros(len(drawn))
    np.divide(drawn.mean(axis=1), spread, out=sharpe, where=moving)
    peaks = np.maximum(np.maximum.accumulate(levels, axis=1), 1.0)
    monthly = np.maximum(levels[:, -1], 0.0) ** (DAYS_PER_MONTH / len(series)) - 1
    return Intervals(
        monthly=interval(monthly),
        sharpe=interval(sharpe * np.sqrt(DAYS_PER_YEAR)) if moving.any() else None,
        drawdown=interval((1 - levels / peaks).max(axis=1)),
        winning_days=interval((drawn > MOVED).mean(axis=1)),
    )


def interval(values: Array) -> Interval:
    """The middle 90 %."""
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(low=float(low), high=float(high))


def trade_intervals(nets: Sequence[float], seed: int = 1) -> dict[str, Interval]:
    """`win_rate`, `profit_factor` and `expectancy` of trades in order, resampled in blocks.

    Empty below 20 trades. A profit factor without a loss counts as the largest one seen.
    """
    if len(nets) < FEWEST_DAYS:
        return {}
    series = np.asarray(nets, dtype=np.float64)
    block = max(1, round(len(series) ** (1 / 3)))
    picked = stationary_indices(len(series), RESAMPLES, block, np.random.default_rng(seed))
    drawn = series[picked]
    won, lost = (
        np.where(drawn > 0, drawn, 0).sum(axis=1),
        -np.where(drawn < 0, drawn, 0).sum(axis=1),
    )
    factor = np.full(len(drawn), np.nan)
    np.divide(won, lost, out=factor, where=lost > NOISE)
    found = {
        "win_rate": interval((drawn > 0).mean(axis=1)),
        "expectancy": interval(drawn.mean(axis=1)),
    }
    if not np.isnan(factor).all():
        found["profit_factor"] = interval(np.nan_to_num(factor, nan=float(np.nanmax(factor))))
    return found
