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
import struct
from collections.abc import Sequence
from functools import lru_cache
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
PRIOR: Final = tuple(1.0 / deviation**2 for deviation in PRIOR_DEVIATION)
KEEP: Final = 0.99
"""Of the evidence, with each new result: about a hundred count."""
RESULT_MIN: Final = -2.0
RESULT_MAX: Final = 6.0
BENCH_BELOW: Final = 0.15
BACK_ABOVE: Final = 0.5
SEEN_MIN: Final = 15.0
DRAWS: Final = 32
UNIT: Final = 2.0**32
TURN: Final = 2.0 * math.pi
WORDS: Final = struct.Struct(">8I")
Matrix = tuple[tuple[float, ...], ...]


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
    moment = list(arm.moment)
    moment[0] += PRIOR[0] * PRIOR_MEAN
    lean = _solved(_factors(arm.precision), x)
    mean = _dot(lean, moment)
    return mean, math.sqrt(max(_dot(lean, x), 0.0))


def chance(arm: ArmState, context: Context) -> float:
    """Probability that it earns in times like now."""
    return _chance(*worth(arm, context))


def _chance(mean: float, deviation: float) -> float:
    return 0.5 * math.erfc(-mean / (deviation * math.sqrt(2.0))) if deviation > 0.0 else 0.5


def weighed(arm: ArmState, context: Context, hour: int) -> ArmState:
    """The arm with its weight for the next hour: twice the share of draws that say it earns, one
    at most, and one while too little is seen; benched or back by the chance itself, which no draw
    can sway."""
    new = arm.seen < SEEN_MIN
    if new and not arm.benched:
        return arm if arm.weight == 1.0 else structs.replace(arm, weight=1.0)
    mean, deviation = worth(arm, context)
    odds = _chance(mean, deviation)
    if odds <= BACK_ABOVE if arm.benched else odds < BENCH_BELOW:
        return structs.replace(arm, benched=True, weight=0.0)
    if new:
        return structs.replace(arm, benched=False, weight=1.0)
    weight = _weight(mean, deviation, f"{arm.strategy_id}:{hour}")
    return structs.replace(arm, benched=False, weight=weight)


def normals(seed: str, count: int) -> list[float]:
    """Standard normal numbers that are a function of `seed` (Box and Muller 1958)."""
    found: list[float] = []
    while len(found) < count:
        found += _eight(seed, len(found) // 8)
    return found[:count]


def _eight(seed: str, block: int) -> list[float]:
    """The eight of `normals` that come after `block` times eight others."""
    words = WORDS.unpack(hashlib.sha256(f"{seed}:{block}".encode()).digest())
    found: list[float] = []
    for one, other in zip(words[::2], words[1::2], strict=True):
        radius = math.sqrt(-2.0 * math.log((one + 1.0) / (UNIT + 1.0)))
        angle = TURN * other / UNIT
        found += (radius * math.cos(angle), radius * math.sin(angle))
    return found


def _weight(mean: float, deviation: float, seed: str) -> float:
    """Twice the share of DRAWS that say it earns; no more are drawn once that is one."""
    good = 0
    for block in range(DRAWS // 8):
        for z in _eight(seed, block):
            if mean + deviation * z > 0.0:
                good += 1
        if 2 * good >= DRAWS:
            return 1.0
    return 2.0 * good / DRAWS


@lru_cache(maxsize=64)
def _factors(precision: Matrix) -> Matrix:
    """Cholesky's, of a belief and its prior: rows of the lower triangle. A belief changes with each
    result, but is asked every hour."""
    lower: list[tuple[float, ...]] = []
    for i, (given, prior) in enumerate(zip(precision, PRIOR, strict=True)):
        row: list[float] = []
        for j, other in enumerate(lower):
            row.append((given[j] - _dot(row, other)) / other[j])
        row.append(math.sqrt(given[i] + prior - _dot(row, row)))
        lower.append(tuple(row))
    return tuple(lower)


def _solved(lower: Matrix, right: Sequence[float]) -> list[float]:
    """Solution of the system whose matrix has these factors."""
    forward: list[float] = []
    for row, value in zip(lower, right, strict=True):
        forward.append((value - _dot(row, forward)) / row[-1])
    size = len(right)
    back = [0.0] * size
    for i in range(size - 1, -1, -1):
        known = 0.0
        for k in range(i + 1, size):
            known += lower[k][i] * back[k]
        back[i] = (forward[i] - known) / lower[i][i]
    return back


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    """Over the shorter of the two, added in order: the same bits on every Python."""
    total = 0.0
    for a, b in zip(one, other, strict=False):
        total += a * b
    return total
