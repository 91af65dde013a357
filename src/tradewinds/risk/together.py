"""Legs that leave at once: what they take of the inventory, and what it costs if some stay out."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import compress, product
from typing import NamedTuple

from tradewinds.model.decimals import BPS, ONE, ZERO, to_decimal
from tradewinds.model.ids import Asset
from tradewinds.model.market import Side
from tradewinds.risk.basket import Plan, PlannedLeg, rate_at, way_back, worst_rate
from tradewinds.risk.exposure import fee_rate, held_notional
from tradewinds.risk.limits import RiskLimits, RiskView
from tradewinds.risk.sizing import HEADROOM


class Flow(NamedTuple):
    """What a leg takes and brings, and the base quantity it orders, for one unit that the cycle
    starts with; all at worst prices, so that what comes in is never less than what goes out."""

    leg: PlannedLeg
    spent: Decimal
    brought: Decimal
    quantity: Decimal


def flows(legs: Sequence[PlannedLeg]) -> Iterator[Flow]:
    """Each leg spends what the one before brings."""
    amount = ONE
    for leg in legs:
        brought = amount * rate_at(leg, leg.price)
        on_top = ZERO if leg.instrument.fee_in_received_asset else fee_rate(leg.instrument)
        bought = amount / leg.price / (ONE + on_top)
        yield Flow(leg, amount, brought, amount if leg.side is Side.SELL else bought)
        amount = brought


def together_share(legs: Sequence[PlannedLeg], start: Asset, limits: RiskLimits) -> Decimal:
    """The largest part of the start asset that the cycle can lose, whichever of its legs fill.

    What has filled has at its worst price; every asset that is then too much or too little goes
    back, or is bought back, at the mid of the decision worsened by `unwind_loss_bps`; every fill
    pays its fee. The loss is convex in how much of each leg fills, so that the whole and the empty
    fills are the worst ones.
    """
    move = to_decimal(limits.unwind_loss_bps) * BPS
    planned = tuple(flows(legs))
    choices = product((False, True), repeat=len(planned))
    filled = (tuple(compress(planned, chosen)) for chosen in choices)
    lost = (-_left(some, start, legs, move) for some in filled)
    fees = (len(legs) + 1) * max(fee_rate(leg.instrument) for leg in legs)
    return max(*lost, move + fees)


def _left(
    filled: Sequence[Flow], start: Asset, legs: Sequence[PlannedLeg], move: Decimal
) -> Decimal:
    """Start asset gained (or, negative, lost) once everything has been put right."""
    held: dict[Asset, Decimal] = {}
    for flow in filled:
        held[flow.leg.spends] = held.get(flow.leg.spends, ZERO) - flow.spent
        held[flow.leg.brings] = held.get(flow.leg.brings, ZERO) + flow.brought
    total = held.pop(start, ZERO)
    for asset, amount in held.items():
        back = way_back(legs, start, asset)
        there = way_back(legs, asset, start)
        assert back is not None, "a cycle with a way back from each step"
        assert there is not None, "the same market the other way"
        more = amount > ZERO
        total += amount * worst_rate(back, move) if more else amount / worst_rate(there, move)
    return total


def across_is_no_dearer(
    legs: Sequence[PlannedLeg], start: Asset, assets: tuple[Asset, Asset], move: Decimal
) -> bool:
    """Whether turning the first asset into the second at its worst costs no more than what was
    counted on: selling the one and buying the other for the start asset."""
    source, target = assets
    cross, back = way_back(legs, target, source), way_back(legs, start, source)
    there = way_back(legs, target, start)
    if cross is None or back is None or there is None:
        return False
    return worst_rate(back, move) <= worst_rate(cross, move) / worst_rate(there, move)


def depth_room(plan: Plan, views: Sequence[RiskView]) -> Decimal:
    """Start asset that the shares of what every leg's market shows, and the signal, allow."""
    rooms = []
    for flow, wish, view in zip(flows(plan.legs), plan.signal.legs, views, strict=True):
        shown = min(view.visible or ZERO, to_decimal(wish.size_max))
        rooms.append(shown / flow.quantity)
    return min(rooms)


def law_room(plan: Plan, views: Sequence[RiskView], limits: RiskLimits) -> Decimal:
    """Start asset that exposure and reserve allow for the notional of every leg."""
    rooms = []
    for flow, view in zip(flows(plan.legs), views, strict=True):
        if view.equity is None or view.mid is None or view.rate is None:
            return ZERO
        instrument = flow.leg.instrument
        unit = flow.quantity * max(flow.leg.price, view.mid) * view.rate
        here = view.equity * to_decimal(limits.exposure_per_instrument_max)
        in_all = view.equity * to_decimal(limits.exposure_total_max)
        margin = ONE + fee_rate(instrument) + BPS
        room = min(
            here - held_notional(view, instrument.id),
            in_all - view.committed,
            (view.equity - view.committed - limits.reserve) / margin,
        )
        rooms.append((room - HEADROOM) / unit)
    return max(min(rooms), ZERO)


def inventory_room(plan: Plan, inventory: Mapping[Asset, Decimal]) -> Decimal:
    """Start asset for which what may be used of the inventory is there, for every leg."""
    later = list(flows(plan.legs))[1:]
    return min(inventory.get(flow.leg.spends, ZERO) / flow.spent for flow in later)
