"""The selector: gives each strategy a weight in [0, 1] by what it has earned in times like now.

A contextual bandit. For each strategy a Bayesian regression of results (in multiples of what was
risked) on the state of the market; the weight follows Thompson (1933): how often a draw from the
belief says that it earns. Draws are functions of the strategy and the hour, not dice, so that
backtest, paper and replay of the same hours agree. A strategy that most probably loses is
benched: it gets nothing, its signals go on to a twin on paper, and what that earns brings it
back.
"""

import hashlib
import math
from collections.abc import Sequence
from typing import Final

from msgspec import structs

from tradewinds.features.regime import UNKNOWN
from tradewinds.model.ids import StrategyId
from tradewinds.model.selection import ArmState, Context

DIMENSIONS: Final = 1 + len(UNKNOWN)
NOISE: Final = 1.5
"""Standard deviation of one result, in multiples of what was risked."""
PRIOR_MEAN: Final = 0.1
PRIOR_DEVIATION: Final = (0.3, 0.1, 0.1, 0.1, 0.1)
"""What a strategy is worth before it has shown anything: a little, and the context less."""
KEEP: Final = 0.99
"""Of the evidence, with each new result: about a hundred count."""
RESULT_MIN: Final = -2.0
RESULT_MAX: Final = 6.0
BENCH_BELOW: Final = 0.15
BACK_ABOVE: Final = 0.5
SEEN_MIN: Final = 15.0
DRAWS: Final = 32
UNIT: Final = 2.0**32


def new_arm(strategy_id: StrategyId) -> ArmState:
    """Nothing seen, full weight."""
    return ArmState(
        strategy_id=strategy_id,
        precision=tuple(tuple(0.0 for _ in range(DIMENSIONS)) for _ in range(DIMENSIONS)),
        moment=tuple(0.0 for _ in range(DIMENSIONS)),
    )


def learned(arm: ArmState, context: Context, result: float) -> ArmState:
    """The belief after one result. What is not a number teaches nothing."""
    if not math.isfinite(result):
        return arm
    x = (1.0, *context)
    r = min(max(result, RESULT_MIN), RESULT_MAX) / NOISE**2
    precision = tuple(
        tuple(KEEP * old + a * b / NOISE**2 for old, b in zip(row, x, strict=True))
        for row, a in zip(arm.precision, x, strict=True)
    )
    moment = tuple(KEEP * old + a * r for old, a in zip(arm.moment, x, strict=True))
    return structs.replace(arm, precision=precision, moment=moment, seen=KEEP * arm.seen + 1.0)


def worth(arm: ArmState, context: Context) -> tuple[float, float]:
    """Mean and standard deviation of what the strategy is believed to earn now."""
    x = [1.0, *context]
    prior = [1.0 / deviation**2 for deviation in PRIOR_DEVIATION]
    matrix = [list(row) for row in arm.precision]
    for index, value in enumerate(prior):
        matrix[index][index] += value
    moment = list(arm.moment)
    moment[0] += prior[0] * PRIOR_MEAN
    lean = _solved(matrix, x)
    mean = sum(a * b for a, b in zip(lean, moment, strict=True))
    variance = sum(a * b for a, b in zip(lean, x, strict=True))
    return mean, math.sqrt(max(variance, 0.0))


def chance(arm: ArmState, context: Context) -> float:
    """Probability that it earns in times like now."""
    mean, deviation = worth(arm, context)
    return 0.5 * math.erfc(-mean / (deviation * math.sqrt(2.0))) if deviation > 0.0 else 0.5


def weighed(arm: ArmState, context: Context, hour: int) -> ArmState:
    """The arm with its weight for the next hour: twice the share of draws that say it earns, one
    at most, and one while too little is seen; benched or back by the chance itself, which no draw
    can sway."""
    odds = chance(arm, context)
    losing = odds < BENCH_BELOW and arm.seen >= SEEN_MIN
    benched = odds <= BACK_ABOVE if arm.benched else losing
    if benched:
        return structs.replace(arm, benched=True, weight=0.0)
    if arm.seen < SEEN_MIN:
        return structs.replace(arm, benched=False, weight=1.0)
    mean, deviation = worth(arm, context)
    draws = normals(f"{arm.strategy_id}:{hour}", DRAWS)
    good = sum(mean + deviation * z > 0.0 for z in draws)
    return structs.replace(arm, benched=False, weight=min(1.0, 2.0 * good / DRAWS))


def normals(seed: str, count: int) -> list[float]:
    """Standard normal numbers that are a function of `seed` (Box and Muller 1958)."""
    found: list[float] = []
    block = 0
    while len(found) < count:
        digest = hashlib.sha256(f"{seed}:{block}".encode()).digest()
        block += 1
        words = [int.from_bytes(digest[at : at + 4], "big") for at in range(0, 32, 4)]
        for one, other in zip(words[::2], words[1::2], strict=True):
            radius = math.sqrt(-2.0 * math.log((one + 1.0) / (UNIT + 1.0)))
            angle = 2.0 * math.pi * other / UNIT
            found += [radius * math.cos(angle), radius * math.sin(angle)]
    return found[:count]


def _solved(matrix: list[list[float]], right: Sequence[float]) -> list[float]:
    """Solution of a small symmetric positive definite system, by Cholesky's factors."""
    size = len(right)
    lower = [[0.0] * size for _ in range(size)]
    for i in range(size):
        for j in range(i + 1):
            rest = matrix[i][j] - sum(lower[i][k] * lower[j][k] for k in range(j))
            lower[i][j] = math.sqrt(rest) if i == j else rest / lower[j][j]
    forward: list[float] = []
    for i in range(size):
        known = sum(lower[i][k] * forward[k] for k in range(i))
        forward.append((right[i] - known) / lower[i][i])
    back = [0.0] * size
    for i in reversed(range(size)):
        known = sum(lower[k][i] * back[k] for k in range(i + 1, size))
        back[i] = (forward[i] - known) / lower[i][i]
    return back
