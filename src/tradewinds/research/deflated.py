"""How likely a Sharpe ratio is to be real, given how short the record is and how much was tried.

Formulas: Bailey and Lopez de Prado, "The Sharpe Ratio Efficient Frontier", Journal of Risk 15
(2012), for the probabilistic Sharpe ratio; the same authors, "The Deflated Sharpe Ratio:
Correcting for Selection Bias, Backtest Overfitting, and Non-Normality", Journal of Portfolio
Management 40 (2014), for the rest. Sharpe ratios here are daily, never annualised.
"""

import math
import statistics
from collections.abc import Sequence
from statistics import NormalDist
from typing import Final

from msgspec import Struct

from tradewinds.ledger.curve import NOISE
from tradewinds.research.scores import daily_sharpe

EULER_MASCHERONI: Final = 0.577_215_664_901_532_9
NORMAL: Final = NormalDist()
FEWEST_DAYS: Final = 10
ENOUGH: Final = 0.95
"""A probability below it is not called evidence."""


class Deflated(Struct, frozen=True, kw_only=True):
    """`sharpe` is daily. `expected_best` is the Sharpe that the luckiest of `trials` worthless
    strategies would show; `probability` that the true Sharpe lies above it, `undeflated` above 0.
    """

    sharpe: float
    days: int
    skewness: float
    kurtosis: float
    trials: int
    expected_best: float
    probability: float
    undeflated: float


def probabilistic_sharpe(returns: Sequence[float], benchmark: float) -> float | None:
    """P(true daily Sharpe > benchmark) of a record; None for one that is too short or flat."""
    sharpe = daily_sharpe(returns)
    if sharpe is None or len(returns) < FEWEST_DAYS:
        return None
    return sharpe_probability(sharpe, benchmark, len(returns), moments(returns))


def sharpe_probability(
    sharpe: float, benchmark: float, days: int, shape: tuple[float, float]
) -> float | None:
    """By the normal limit with skewness g3 and kurtosis g4 (not in excess).

    PSR = Phi[(SR - SR*) sqrt(n - 1) / sqrt(1 - g3 SR + (g4 - 1)/4 SR^2)].
    """
    skewness, kurtosis = shape
    spread = 1 - skewness * sharpe + (kurtosis - 1) / 4 * sharpe**2
    if spread <= NOISE:
        return None
    return NORMAL.cdf((sharpe - benchmark) * math.sqrt(days - 1) / math.sqrt(spread))


def expected_best_sharpe(trials: int, variance: float) -> float:
    """What the best of N independent worthless trials is expected to show.

    SR0 = sqrt(V) [(1 - g) Phi^-1(1 - 1/N) + g Phi^-1(1 - 1/(N e))], g Euler-Mascheroni, V the
    variance of the trials' Sharpe ratios. Nothing for one trial.
    """
    if trials < 2 or variance <= 0:
        return 0.0
    first = NORMAL.inv_cdf(1 - 1 / trials)
    second = NORMAL.inv_cdf(1 - 1 / (trials * math.e))
    return math.sqrt(variance) * ((1 - EULER_MASCHERONI) * first + EULER_MASCHERONI * second)


def deflate(
    returns: Sequence[float], trials: int, sharpes: Sequence[float], variance_min: float = 0.0
) -> Deflated | None:
    """The verdict on a record chosen among `trials`, whose daily Sharpe ratios are `sharpes`.

    With fewer than two of them known, their variance is what estimating a Sharpe of zero over so
    many days gives: 1 / (days - 1). Never below `variance_min`: where `sharpes` are of the better
    trials only, they vary less than all. None for too short a record or one that never moved.
    """
    sharpe = daily_sharpe(returns)
    undeflated = probabilistic_sharpe(returns, 0.0)
    if sharpe is None or undeflated is None:
        return None
    by_chance = 1 / (len(returns) - 1)
    variance = statistics.variance(sharpes) if len(sharpes) > 1 else by_chance
    expected = expected_best_sharpe(trials, max(variance, variance_min))
    probability = probabilistic_sharpe(returns, expected)
    skewness, kurtosis = moments(returns)
    return Deflated(
        sharpe=sharpe,
        days=len(returns),
        skewness=skewness,
        kurtosis=kurtosis,
        trials=trials,
        expected_best=expected,
        probability=0.0 if probability is None else probability,
        undeflated=undeflated,
    )


def moments(values: Sequence[float]) -> tuple[float, float]:
    """Skewness and kurtosis (3 for the normal), from central moments over n."""
    mean = statistics.fmean(values)
    second = statistics.fmean((value - mean) ** 2 for value in values)
    if second <= NOISE**2:
        return 0.0, 3.0
    third = statistics.fmean((value - mean) ** 3 for value in values)
    fourth = statistics.fmean((value - mean) ** 4 for value in values)
    return third / second**1.5, fourth / second**2
