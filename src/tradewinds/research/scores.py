"""What a series of daily returns is worth, for choosing among parameter sets."""

import math
import statistics
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from tradewinds.ledger.curve import DAYS_PER_YEAR, NOISE

OBJECTIVES: Final = ("sharpe", "calmar", "return")
DAYS_PER_MONTH: Final = DAYS_PER_YEAR / 12
MOVED: Final = 1e-5
"""A day that changed equity by less than a cent on a thousand was neither won nor lost: what the
venue's smallest order left behind goes on having a price."""
WORST: Final = -1e9
"""Below every score a strategy can reach: what did not trade enough is not chosen."""


class Figures(Struct, frozen=True, kw_only=True):
    """Of daily returns. `monthly` is the geometric mean per month; `sharpe` is annualised, rate 0.

    `drawdown` is the deepest fall of daily closes, a positive share. `winning_days` is a share of
    all days, those without a trade included; `won_of_moved` of those that moved equity at all.
    None where undefined.
    """

    days: int
    total: float
    monthly: float | None
    sharpe: float | None
    drawdown: float
    winning_days: float | None
    won_of_moved: float | None


def figures_of(returns: Sequence[float]) -> Figures:
    """All of them."""
    growth, peak, deepest = 1.0, 1.0, 0.0
    for value in returns:
        growth *= 1 + value
        peak = max(peak, growth)
        deepest = max(deepest, 1 - growth / peak)
    days = len(returns)
    won = sum(value > MOVED for value in returns)
    moved = sum(abs(value) > MOVED for value in returns)
    return Figures(
        days=days,
        total=growth - 1,
        monthly=growth ** (DAYS_PER_MONTH / days) - 1 if days and growth > 0 else None,
        sharpe=annual_sharpe(returns),
        drawdown=deepest,
        winning_days=won / days if days else None,
        won_of_moved=won / moved if moved else None,
    )


def annual_sharpe(returns: Sequence[float]) -> float | None:
    """Mean / standard deviation (ddof 1) x sqrt(365)."""
    plain = daily_sharpe(returns)
    return None if plain is None else plain * math.sqrt(DAYS_PER_YEAR)


def daily_sharpe(returns: Sequence[float]) -> float | None:
    """Not annualised; None without a spread."""
    if len(returns) < 2:
        return None
    deviation = statistics.stdev(returns)
    return statistics.fmean(returns) / deviation if deviation > NOISE else None


def score(returns: Sequence[float], trades: int, objective: str, trades_min: int) -> float:
    """What training ranks by; WORST for too few trades to tell."""
    figures = figures_of(returns)
    if trades < trades_min or not figures.days:
        return WORST
    if objective == "return":
        return figures.total
    if objective == "calmar":
        return (figures.monthly or 0.0) / max(figures.drawdown, NOISE)
    return WORST if figures.sharpe is None else figures.sharpe
