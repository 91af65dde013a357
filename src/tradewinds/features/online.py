"""Learning while going: a regression that forgets, and a score of its guesses made beforehand."""

import math
from collections.abc import Sequence
from typing import Final

PRIOR: Final = 1.0
"""Precision of the coefficients before anything is seen: they start at nil and are slow to leave
it. In units of the features, which are meant to be about one in size."""


class OnlineRegression:
    """Least squares of y on a few features, with exponential forgetting (Haykin, "Adaptive Filter
    Theory": recursive least squares). Work is the square of the number of features.

    `memory` is how many samples count. No constant: a drift is no edge.
    """

    __slots__ = ("_keep", "_spread", "weights")

    def __init__(self, features: int, memory: int) -> None:
        self._keep = 1.0 - 1.0 / memory
        self._spread = [
            [1.0 / PRIOR if i == j else 0.0 for j in range(features)] for i in range(features)
        ]
        self.weights = [0.0] * features

    def guess(self, features: Sequence[float]) -> float:
        """What y to expect, from what was seen so far."""
        return sum(w * x for w, x in zip(self.weights, features, strict=True))

    def update(self, features: Sequence[float], y: float) -> None:
        """Learn from one sample."""
        spread, keep = self._spread, self._keep
        leaning = [sum(s * x for s, x in zip(row, features, strict=True)) for row in spread]
        scale = keep + sum(x * g for x, g in zip(features, leaning, strict=True))
        miss = y - self.guess(features)
        for i, gain in enumerate(leaning):
            self.weights[i] += gain * miss / scale
        for i, left in enumerate(leaning):
            row = spread[i]
            for j, right in enumerate(leaning):
                row[j] = (row[j] - left * right / scale) / keep
            # Forgetting must not make us ever less sure of what is never seen.
            row[i] = min(row[i], 1.0 / PRIOR)


class GuessScore:
    """How guesses made beforehand compare with what came: their slope and how sure it is.

    `slope` is by how much a guess must be multiplied to be right on average; `sureness` the
    slope over its standard error. Overlapping outcomes count as `overlap` times fewer samples.
    """

    __slots__ = ("_cross", "_keep", "_overlap", "_square", "_weight", "_weight2", "_y2")

    def __init__(self, memory: int, overlap: int) -> None:
        self._keep = 1.0 - 1.0 / memory
        self._overlap = max(1, overlap)
        self._cross = self._square = self._y2 = self._weight = self._weight2 = 0.0

    def update(self, guess: float, y: float) -> None:
        """Take in a guess and what came."""
        keep = self._keep
        self._cross = self._cross * keep + guess * y
        self._square = self._square * keep + guess * guess
        self._y2 = self._y2 * keep + y * y
        self._weight = self._weight * keep + 1.0
        self._weight2 = self._weight2 * keep * keep + 1.0

    @property
    def samples(self) -> float:
        """Effective number of samples that do not overlap."""
        return self._weight**2 / self._weight2 / self._overlap if self._weight2 else 0.0

    @property
    def slope(self) -> float:
        """Nil until a guess was other than nil."""
        return self._cross / self._square if self._square > 0.0 else 0.0

    @property
    def deviation(self) -> float:
        """Root mean square of what came."""
        return math.sqrt(self._y2 / self._weight) if self._weight else 0.0

    @property
    def sureness(self) -> float:
        """Slope over its standard error; nil where it cannot be told."""
        if self._square <= 0.0 or self.samples < 2.0:
            return 0.0
        slope = self.slope
        residual = max(self._y2 - slope * self._cross, 0.0) / self._weight
        error2 = residual / (self._square / self._weight * self.samples)
        return slope / math.sqrt(error2) if error2 > 0.0 else 0.0
