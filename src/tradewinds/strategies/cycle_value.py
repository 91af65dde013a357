"""What going round a cycle is worth: how much fits, at what edge, and what bad luck leaves."""

import math
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

BPS: Final = 10_000.0
DUST: Final = 1e-12
"""Of the start asset: a level with less than this left is used up."""


class Road(Struct, frozen=True):
    """One leg as its taker meets it: levels (price, base size) from the best on, what a trade
    keeps after its fee, and the base quantity to order for one that is kept."""

    selling: bool
    levels: Sequence[tuple[float, float]]
    keep: float
    gross: float

    def rate(self, level: int) -> float:
        """What one unit spent brings at a level."""
        price = self.levels[level][0]
        return price * self.keep if self.selling else self.keep / price


class Round(Struct, frozen=True):
    """A way round: start asset that goes in, the mean edge in bps, base sizes and worst prices."""

    notional: float
    edge_bps: float
    sizes: tuple[float, ...]
    prices: tuple[float, ...]


class Odds(Struct, frozen=True):
    """Bps lost to what moves meanwhile; how often a leg fails; bps that the way back then costs."""

    allowance_bps: float
    failure_chance: float
    unwind_bps: float

    def value(self, edge_bps: float) -> float:
        """Expected bps after everything: the edge if all goes well, the way back if not."""
        good = (1.0 - self.failure_chance) * (edge_bps - self.allowance_bps)
        return good - self.failure_chance * self.unwind_bps


def broken_at_once(failure_chance: float) -> float:
    """How often some but not all of three legs fill that leave at once, where `failure_chance` is
    that of the second or the third of three in sequence, and each fills or not by itself."""
    fills = math.sqrt(1.0 - failure_chance)
    return 1.0 - fills**3 - (1.0 - fills) ** 3


def round_trip(roads: Sequence[Road], notional_max: float, odds: Odds) -> Round | None:
    """As much as pays: level by level, until the next bit would be worth nothing or all is used.

    The edge of the next bit only falls, so stopping at the first worthless one is best.
    """
    if not all(road.levels for road in roads):
        return None
    places = used = [0] * len(roads)
    left = [road.levels[0][1] for road in roads]
    sizes = [0.0] * len(roads)
    spent = gained = 0.0
    while spent < notional_max:
        units, end = _units(roads, places)
        fits = (has / unit for has, unit in zip(left, units, strict=True))
        bit = min(notional_max - spent, *fits)
        if odds.value((end - 1.0) * BPS) <= 0.0 or not bit > 0.0:
            break
        spent += bit
        gained += bit * (end - 1.0)
        sizes = [had + bit * unit for had, unit in zip(sizes, units, strict=True)]
        left = [had - bit * unit for had, unit in zip(left, units, strict=True)]
        used = places
        deeper = _deeper(roads, places, left, units)
        if deeper is None:
            break
        places = deeper
    if not spent > 0.0:
        return None
    return Round(
        notional=spent,
        edge_bps=gained / spent * BPS,
        sizes=tuple(sizes),
        prices=tuple(road.levels[at][0] for road, at in zip(roads, used, strict=True)),
    )


def _units(roads: Sequence[Road], places: Sequence[int]) -> tuple[list[float], float]:
    """Base quantity of each leg for one unit of the start asset, and what comes of it."""
    amount, units = 1.0, []
    for road, place in zip(roads, places, strict=True):
        rate = road.rate(place)
        units.append(amount if road.selling else amount * rate * road.gross)
        amount *= rate
    return units, amount


def _deeper(
    roads: Sequence[Road], places: list[int], left: list[float], units: Sequence[float]
) -> list[int] | None:
    """The places after used-up legs have moved on, their sizes put into `left`; None where one
    has nothing more to show."""
    moved = list(places)
    for index, unit in enumerate(units):
        if left[index] > unit * DUST:
            continue
        moved[index] += 1
        if moved[index] == len(roads[index].levels):
            return None
        left[index] = roads[index].levels[moved[index]][1]
    return None if moved == places else moved
