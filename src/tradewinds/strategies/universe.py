"""Which instruments are worth looking at now, how each compares with the others, and how alike.

All of closed bars: turnover and age by the bars themselves, so that what was delisted or not yet
listed is in the universe exactly as long as it traded.
"""

import math
from collections import deque
from typing import Final

from tradewinds.features.vector import FeatureStream
from tradewinds.model.ids import InstrumentId
from tradewinds.model.market import Bar
from tradewinds.strategies.trend import Trend

RETURNS: Final = 168
"""Bars over which two instruments are compared."""
TOGETHER_MIN: Final = 48
"""Bars that two must have in common before their correlation means anything."""
DAY_NS: Final = 86_400_000_000_000
TURNOVER_DAYS: Final = 7.0
LARGER: Final = (4, 24)
"""Longer timeframes, in bars: four hours and days where bars are hours."""
TREND_PLACE: Final = 5
"""Of `trend` in FRAME_FEATURES."""


class Member:
    """One instrument: its trend, larger timeframes, turnover a day, age, and recent returns."""

    __slots__ = ("_alpha", "age", "close", "frames", "last_ns", "returns", "trend", "turnover")

    def __init__(self, instrument_id: InstrumentId, trend: Trend, timeframe_ns: int) -> None:
        bars_a_day = DAY_NS / timeframe_ns
        self._alpha = min(1.0, 1.0 / (TURNOVER_DAYS * bars_a_day))
        self.trend = trend
        self.frames = FeatureStream(instrument_id, LARGER)
        self.turnover = 0.0
        self.age = 0
        self.close = 0.0
        self.last_ns = -1
        self.returns: deque[tuple[int, float]] = deque(maxlen=RETURNS)

    def update(self, bar: Bar) -> None:
        """Take in the next closed bar."""
        self.trend.update(bar)
        self.frames.update(bar)
        self.age += 1
        daily = bar.close * bar.volume * (DAY_NS / bar.timeframe_ns)
        # A plain mean while young, so that one lively first bar does not count for a week.
        self.turnover += (daily - self.turnover) * max(self._alpha, 1.0 / self.age)
        if self.close > 0.0:
            self.returns.append((bar.open_time_ns, math.log(bar.close / self.close)))
        self.close = bar.close
        self.last_ns = bar.open_time_ns

    @property
    def rising(self) -> bool:
        """Whether the close is above the slow average."""
        return self.trend.ready and self.close > self.trend.slow

    def larger_rising(self) -> int:
        """In how many of the larger timeframes the trend is up. Not knowing is no."""
        frames = (self.frames.frame(index) for index in range(len(LARGER)))
        return sum(values is not None and values[TREND_PLACE] > 0.0 for values in frames)


class Universe:
    """All members of one strategy, compared as of one bar."""

    def __init__(self, timeframe_ns: int, turnover: tuple[float, float], age_min: int) -> None:
        self._timeframe_ns = timeframe_ns
        self._turnover_min, self._turnover_max = turnover[0], turnover[1] or math.inf
        self._age_min = age_min
        self.members: dict[InstrumentId, Member] = {}

    def eligible(self, member: Member, open_ns: int) -> bool:
        """Old and liquid enough, and still trading: its last bar is this one or the one before."""
        return (
            member.trend.ready
            and member.age >= self._age_min
            and self._turnover_min <= member.turnover <= self._turnover_max
            and member.last_ns >= open_ns - self._timeframe_ns
        )

    def standing(self, member: Member, open_ns: int) -> tuple[float, float]:
        """Share of eligible instruments stronger than this one, and share of them that rise."""
        stronger = rising = count = 0
        mine = member.trend.strength
        for other in self.members.values():
            if not self.eligible(other, open_ns):
                continue
            count += 1
            stronger += other.trend.strength > mine
            rising += other.rising
        return (stronger / count, rising / count) if count else (1.0, 0.0)


def correlation(one: Member, other: Member) -> float | None:
    """Pearson's of the returns of bars that both have; None if they are too few to tell."""
    theirs = dict(other.returns)
    pairs = [(value, theirs[time]) for time, value in one.returns if time in theirs]
    if len(pairs) < TOGETHER_MIN:
        return None
    count = len(pairs)
    mean_x = sum(x for x, _ in pairs) / count
    mean_y = sum(y for _, y in pairs) / count
    xy = sum((x - mean_x) * (y - mean_y) for x, y in pairs)
    xx = sum((x - mean_x) ** 2 for x, _ in pairs)
    yy = sum((y - mean_y) ** 2 for _, y in pairs)
    return xy / math.sqrt(xx * yy) if xx > 0.0 and yy > 0.0 else None
