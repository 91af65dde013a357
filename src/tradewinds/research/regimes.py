"""Results by what the market was doing: up, down or sideways, calm or wild."""

import math
import statistics
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from msgspec import Struct

from tradewinds.ledger.results import day_of
from tradewinds.research.price_path import PricePath
from tradewinds.research.scores import MOVED, annual_sharpe

LOOK_BACK_DAYS: Final = 30
TREND_MIN: Final = 0.10
"""A market that moved less than this in thirty days went sideways."""
UNKNOWN: Final = "not known yet"


class RegimeRow(Struct, frozen=True, kw_only=True):
    """Days of one kind. `total` is what compounding them alone would give."""

    name: str
    days: int
    total: float
    mean_daily: float
    sharpe: float | None
    winning_days: float
    market: float


def regimes(returns: Sequence[float], first_day: int, prices: PricePath) -> tuple[RegimeRow, ...]:
    """The days' returns by the regime of the thirty days before each, so nothing is foreknown.

    The market is the mean daily change of all instruments. Wild is above the median volatility
    of the whole span: that one line is drawn in hindsight.
    """
    market = market_returns(prices)
    names = regime_names(market, first_day, len(returns))
    rows: dict[str, list[tuple[float, float]]] = {}
    for index, value in enumerate(returns):
        pair = (value, market.get(first_day + index, 0.0))
        rows.setdefault(names[index], []).append(pair)
    return tuple(_row(name, rows[name]) for name in sorted(rows))


def market_returns(prices: PricePath) -> dict[int, float]:
    """Mean change of the instruments by UTC day."""
    closes: dict[int, tuple[float, ...]] = {
        day_of(time_ns): row for time_ns, row in zip(prices.times, prices.mids, strict=True)
    }
    found = {}
    for before, after in pairwise(sorted(closes)):
        changes = [
            new / old - 1
            for old, new in zip(closes[before], closes[after], strict=True)
            if old > 0 and new > 0
        ]
        if changes:
            found[after] = statistics.fmean(changes)
    return found


def regime_names(market: Mapping[int, float], first_day: int, days: int) -> list[str]:
    """One for each day, from the days before it alone."""
    seen = [_before(market, first_day + index) for index in range(days)]
    spreads = [statistics.pstdev(past) for past in seen if past]
    middle = statistics.median(spreads) if spreads else 0.0
    return [_name(past, middle) if past else UNKNOWN for past in seen]


def _before(market: Mapping[int, float], day: int) -> list[float]:
    past = [market[d] for d in range(day - LOOK_BACK_DAYS, day) if d in market]
    return past if len(past) > LOOK_BACK_DAYS // 2 else []


def _name(past: Sequence[float], middle: float) -> str:
    moved = math.prod(1 + value for value in past) - 1
    trend = "sideways" if abs(moved) < TREND_MIN else "up" if moved > 0 else "down"
    return f"{trend}, {'wild' if statistics.pstdev(past) > middle else 'calm'}"


def _row(name: str, pairs: Sequence[tuple[float, float]]) -> RegimeRow:
    returns = [value for value, _ in pairs]
    return RegimeRow(
        name=name,
        days=len(pairs),
        total=math.prod(1 + value for value in returns) - 1,
        mean_daily=statistics.fmean(returns),
        sharpe=annual_sharpe(returns),
        winning_days=sum(value > MOVED for value in returns) / len(returns),
        market=math.prod(1 + value for _, value in pairs) - 1,
    )
