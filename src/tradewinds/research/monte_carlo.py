"""The same trades in another order, and other trades like them: what else could have happened."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from msgspec import Struct

from tradewinds.research.bootstrap import Interval, interval, stationary_indices

RESAMPLES: Final = 2_000
FEWEST_TRADES: Final = 10
Array = np.ndarray[Any, np.dtype[np.float64]]


class MonteCarlo(Struct, frozen=True, kw_only=True):
    """Drawdowns are shares of the highest balance so far, of closed trades alone.

    `reshuffled` keeps every trade and changes the order: what was luck of sequence. `resampled`
    draws trades with replacement in blocks: what was luck of the draw; `loss_chance` is how often
    that ends below the start, `halt_chance` how often it falls through `halt_at` on the way.
    """

    trades: int
    actual_drawdown: float
    reshuffled: Interval
    resampled: Interval
    final: Interval
    loss_chance: float
    halt_at: float
    halt_chance: float


def monte_carlo(
    nets: Sequence[float], starting: float, halt_at: float, seed: int = 1
) -> MonteCarlo | None:
    """Of closed trades' net results in the order in which they ended. None below ten trades."""
    if len(nets) < FEWEST_TRADES:
        return None
    series = np.asarray(nets, dtype=np.float64)
    rng = np.random.default_rng(seed)
    orders = rng.permuted(np.tile(np.arange(len(series)), (RESAMPLES, 1)), axis=1)
    block = max(1, round(len(series) ** (1 / 3)))
    drawn = series[stationary_indices(len(series), RESAMPLES, block, rng)]
    falls = _drawdowns(drawn, starting)
    final = drawn.sum(axis=1)
    return MonteCarlo(
        trades=len(series),
        actual_drawdown=float(_drawdowns(series[None, :], starting)[0]),
        reshuffled=interval(_drawdowns(series[orders], starting)),
        resampled=interval(falls),
        final=interval(final),
        loss_chance=float((final < 0).mean()),
        halt_at=halt_at,
        halt_chance=float((falls >= halt_at).mean()),
    )


def _drawdowns(nets: Array, starting: float) -> Array:
    balance = starting + np.cumsum(nets, axis=1)
    peaks = np.maximum(np.maximum.accumulate(balance, axis=1), starting)
    return np.asarray((1 - balance / peaks).max(axis=1))
