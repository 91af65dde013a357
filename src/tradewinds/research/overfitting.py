"""How often the best of many parameter sets is a disappointment afterwards."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any, Final

import numpy as np
from msgspec import Struct

from tradewinds.ledger.curve import NOISE

PIECES: Final = 16
FEWEST_DAYS_A_PIECE: Final = 4
Array = np.ndarray[Any, np.dtype[np.float64]]


class Overfitting(Struct, frozen=True, kw_only=True):
    """`probability`: share of splits in which the best in sample was below the median out of it.

    `degradation` is the slope of out-of-sample on in-sample Sharpe of the best ones: negative means
    that looking better went with doing worse. `loss` is the share of splits in which the best in
    sample lost money out of it.
    """

    probability: float
    loss: float
    degradation: float | None
    candidates: int
    pieces: int
    splits: int


def overfitting(returns: Sequence[Sequence[float]]) -> Overfitting | None:
    """Probability of backtest overfitting by combinatorially symmetric cross-validation.

    Bailey, Borwein, Lopez de Prado and Zhu, "The Probability of Backtest Overfitting", Journal of
    Computational Finance 20 (2017). `returns` are daily, one row per parameter set over the same
    days. The days are cut into an even number of pieces; for every way of taking half of them as
    in-sample, the set with the best Sharpe there is ranked among all in the other half: the
    probability is how often its logit ln(w / (1 - w)), w its rank over N + 1, is not positive.
    None for less than two sets that ever moved, or too few days. Sets that did the same are one.
    """
    matrix = np.unique(np.asarray(returns, dtype=np.float64), axis=0)
    moved = matrix[matrix.std(axis=1) > NOISE] if matrix.ndim == 2 else matrix[:0]
    pieces = min(PIECES, (moved.shape[1] if moved.ndim == 2 else 0) // FEWEST_DAYS_A_PIECE)
    pieces -= pieces % 2
    if len(moved) < 2 or pieces < 4:
        return None
    inside, outside, lost = _halves(moved.T, pieces)
    best = inside.argmax(axis=1)
    rows = np.arange(len(best))
    ranks = outside.argsort(axis=1).argsort(axis=1)[rows, best] + 1.0
    share = ranks / (len(moved) + 1)
    logits = np.log(share / (1 - share))
    chosen_in, chosen_out = inside[rows, best], outside[rows, best]
    spread = chosen_in.std()
    slope = np.polyfit(chosen_in, chosen_out, 1)[0] if spread > NOISE else None
    return Overfitting(
        probability=float((logits <= 0).mean()),
        loss=float(lost[rows, best].mean()),
        degradation=None if slope is None else float(slope),
        candidates=len(moved),
        pieces=pieces,
        splits=len(best),
    )


def _halves(days: Array, pieces: int) -> tuple[Array, Array, Array]:
    """Sharpe in and out of sample, and whether out of it lost; (splits, sets) each."""
    length = len(days) // pieces
    cut = days[: length * pieces].reshape(pieces, length, -1)
    sums, squares = cut.sum(axis=1), (cut**2).sum(axis=1)
    masks = [list(half) for half in combinations(range(pieces), pieces // 2)]
    chosen = np.zeros((len(masks), pieces))
    for row, half in enumerate(masks):
        chosen[row, half] = 1.0
    count = length * pieces // 2
    found = []
    for mask in (chosen, 1 - chosen):
        total, square = mask @ sums, mask @ squares
        mean = total / count
        spread = np.sqrt(np.maximum(square / count - mean**2, 0.0))
        sharpe = np.zeros_like(mean)
        np.divide(mean, spread, out=sharpe, where=spread > NOISE)
        found.append((sharpe, total < 0))
    return found[0][0], found[1][0], np.asarray(found[1][1], dtype=np.float64)
