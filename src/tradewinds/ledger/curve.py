"""What an equity curve says: growth, how rough the way was, how deep and long under water."""

import math
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

from msgspec import Struct

from tradewinds.ledger.results import NS_PER_DAY, day_of

DAYS_PER_YEAR = 365
"""Crypto trades every day."""

NOISE = 1e-12
"""A spread or a sum below this is rounding, and nothing is divided by it."""

Point = tuple[int, Decimal]
"""Time in nanoseconds and equity in account currency."""


class MonthReturn(Struct, frozen=True, kw_only=True):
    """Return of a UTC month as a fraction, from its first point or the month before's last."""

    year: int
    month: int
    value: float


class Returns(Struct, frozen=True, kw_only=True):
    """Fractions; ratios are annualised over 365 days, from daily returns (UTC), risk-free rate 0.

    volatility  std(ddof=1) x sqrt(365)
    sharpe      mean / std(ddof=1) x sqrt(365)
    sortino     mean / sqrt(sum of squared negative returns / number of all) x sqrt(365)
    calmar      cagr / deepest relative drawdown
    omega       sum of gains / sum of losses
    cagr        (final / starting) ^ (365 days / span) - 1; None below one day
    Volatility, Sharpe, Sortino and Calmar are defined as in quantstats. None where undefined: too
    few days, no spread, no losses.
    """

    total: float | None
    cagr: float | None
    volatility: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    omega: float | None
    monthly: tuple[MonthReturn, ...]


class Drawdown(Struct, frozen=True, kw_only=True):
    """The relatively deepest fall from a peak. `recovered_ns` None: not yet.

    `underwater_ns` is the longest time below an earlier peak, which may be another fall.
    """

    share: float
    amount: Decimal
    peak_ns: int
    low_ns: int
    recovered_ns: int | None
    underwater_ns: int

    @property
    def duration_ns(self) -> int:
        """From the peak to the lowest point."""
        return self.low_ns - self.peak_ns


def returns(points: Sequence[Point], deepest: Drawdown | None) -> Returns:
    """Figures of a curve in time order; gaps count as days without change."""
    daily = daily_returns(points)
    growth = cagr(points)
    losses = [value for value in daily if value < 0]
    return Returns(
        total=_change(points[0][1], points[-1][1]) if points else None,
        cagr=growth,
        volatility=_annual(_deviation(daily)),
        sharpe=_annual(ratio(_mean(daily), _deviation(daily))),
        sortino=_annual(ratio(_mean(daily), _downside(daily))),
        calmar=ratio(growth, deepest.share) if deepest is not None else None,
        omega=ratio(math.fsum(value for value in daily if value > 0), -math.fsum(losses)),
        monthly=monthly_returns(points),
    )


def daily_returns(points: Sequence[Point]) -> list[float]:
    """One per UTC day touched; the first from the first point. Empty unless equity was positive."""
    if not points:
        return []
    closes = _closes(points, [day_of(time_ns) for time_ns, _ in points])
    levels = [float(points[0][1])]
    first, last = day_of(points[0][0]), day_of(points[-1][0])
    for day in range(first, last + 1):
        levels.append(float(closes.get(day, levels[-1])))
    if min(levels) <= 0:
        return []
    return [after / before - 1 for before, after in pairwise(levels)]


def monthly_returns(points: Sequence[Point]) -> tuple[MonthReturn, ...]:
    """One per UTC month that has points; months of non-positive equity are left out."""
    months = []
    opening = points[0][1] if points else Decimal(0)
    for month, close in _closes(points, [_month_of(time_ns) for time_ns, _ in points]).items():
        value = _change(opening, close)
        if value is not None:
            months.append(MonthReturn(year=month // 12, month=month % 12 + 1, value=value))
        opening = close
    return tuple(months)


def cagr(points: Sequence[Point]) -> float | None:
    """Yearly growth rate; None below one day or when either end is not positive."""
    if not points or points[-1][0] - points[0][0] < NS_PER_DAY:
        return None
    start, end = float(points[0][1]), float(points[-1][1])
    if start <= 0 or end <= 0:
        return None
    years = (points[-1][0] - points[0][0]) / (DAYS_PER_YEAR * NS_PER_DAY)
    try:
        return float((end / start) ** (1 / years)) - 1
    except OverflowError:
        return None


def drawdown(points: Sequence[Point]) -> Drawdown | None:
    """The deepest fall over all points, not only daily closes; None when equity never fell."""
    falls = Falls()
    for point in points:
        falls.add(point)
    return falls.deepest()


def ratio(above: float | None, below: float | None) -> float | None:
    """A quotient, or None where either side is missing or the divisor is but rounding."""
    if above is None or below is None or abs(below) <= NOISE:
        return None
    return above / below


class _Fall(Struct, frozen=True, kw_only=True):
    peak: Point
    low: Point
    end: Point
    recovered: bool

    @property
    def share(self) -> float:
        return float((self.peak[1] - self.low[1]) / self.peak[1])

    @property
    def lasted_ns(self) -> int:
        return self.end[0] - self.peak[0]


class Falls:
    """The falls of a curve, told point by point in time order, without keeping its points."""

    __slots__ = ("_deepest", "_last", "_longest_ns", "_low", "_peak")

    def __init__(self) -> None:
        self._peak: Point | None = None
        self._low = self._last = (0, Decimal(0))
        self._deepest: _Fall | None = None
        self._longest_ns = 0

    def add(self, point: Point) -> None:
        """The next point."""
        self._last = point
        if self._peak is None:
            self._peak = self._low = point
        elif point[1] >= self._peak[1]:
            fall = self._fall(recovered=True)
            if fall is not None:
                self._deepest = self._deeper(fall)
                self._longest_ns = max(self._longest_ns, fall.lasted_ns)
            self._peak = self._low = point
        elif point[1] < self._low[1]:
            self._low = point

    def deepest(self) -> Drawdown | None:
        """The relatively deepest so far; the first of them where several are."""
        under = self._fall(recovered=False)
        deepest = self._deeper(under)
        if deepest is None:
            return None
        return Drawdown(
            share=deepest.share,
            amount=deepest.peak[1] - deepest.low[1],
            peak_ns=deepest.peak[0],
            low_ns=deepest.low[0],
            recovered_ns=deepest.end[0] if deepest.recovered else None,
            underwater_ns=max(self._longest_ns, under.lasted_ns if under else 0),
        )

    def corners(self) -> set[Point]:
        """Points that the deepest fall is told by, now or once the present one has ended."""
        found = {self._low, self._peak or self._low}
        if self._deepest is not None:
            found |= {self._deepest.peak, self._deepest.low, self._deepest.end}
        return found

    def _fall(self, *, recovered: bool) -> _Fall | None:
        peak = self._peak
        if peak is None or self._low[1] >= peak[1] or peak[1] <= 0:
            return None
        return _Fall(peak=peak, low=self._low, end=self._last, recovered=recovered)

    def _deeper(self, fall: _Fall | None) -> _Fall | None:
        best = self._deepest
        if fall is None or (best is not None and best.share >= fall.share):
            return best
        return fall


def _closes(points: Sequence[Point], periods: Sequence[int]) -> dict[int, Decimal]:
    return {period: equity for period, (_, equity) in zip(periods, points, strict=True)}


def _month_of(time_ns: int) -> int:
    moment = datetime.fromtimestamp(time_ns // 1_000_000_000, tz=UTC)
    return moment.year * 12 + moment.month - 1


def _change(before: Decimal, after: Decimal) -> float | None:
    return float(after / before) - 1 if before > 0 else None


def _mean(values: Sequence[float]) -> float | None:
    return statistics.fmean(values) if values else None


def _deviation(values: Sequence[float]) -> float | None:
    return statistics.stdev(values) if len(values) > 1 else None


def _downside(values: Sequence[float]) -> float | None:
    if not values:
        return None
    return math.sqrt(math.fsum(value**2 for value in values if value < 0) / len(values))


def _annual(value: float | None) -> float | None:
    return None if value is None else value * math.sqrt(DAYS_PER_YEAR)
