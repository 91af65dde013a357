"""Baskets: how much may start a cycle, and what it costs if the cycle breaks on the way."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from msgspec import Struct

from tradewinds.model.decimals import BPS, ONE, ZERO, round_loss_up, to_decimal
from tradewinds.model.ids import Asset
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.market import Side
from tradewinds.model.order import OrderIntent, Refusal
from tradewinds.model.signal import BasketSignal
from tradewinds.risk.checks import instrument_tradable, market_fresh, price_within_collar
from tradewinds.risk.exposure import fee_rate, held_notional
from tradewinds.risk.figures import figures_known, view_flaw
from tradewinds.risk.gate import refuse
from tradewinds.risk.limits import RiskLimits, RiskView
from tradewinds.risk.sizing import HEADROOM, within_one

LEGS = (2, 3)
"""Fewer is no cycle; with more, what breaks half-way has no direct way back."""
LATER_LEG_CHECKS = (
    ("figures_known", figures_known),
    ("instrument_tradable", instrument_tradable),
    ("market_fresh", market_fresh),
    ("price_within_collar", price_within_collar),
)


class PlannedLeg(Struct, frozen=True, kw_only=True):
    """One leg with its worst price, on the venue's grid; `decision_price` is the mid."""

    instrument: Instrument
    side: Side
    price: Decimal
    decision_price: Decimal

    @property
    def spends(self) -> Asset:
        """What the leg pays with."""
        return self.instrument.quote if self.side is Side.BUY else self.instrument.base

    @property
    def brings(self) -> Asset:
        """What the leg is for."""
        return self.instrument.base if self.side is Side.BUY else self.instrument.quote


class Plan(Struct, frozen=True, kw_only=True):
    """A cycle that is wanted, and the largest part of its start asset that it can lose."""

    signal: BasketSignal
    legs: tuple[PlannedLeg, ...]
    share: Decimal


def cycle_flaw(legs: Sequence[PlannedLeg], start: Asset, currency: Asset) -> str | None:
    """Why these legs are not a cycle from our money back to it, with a way back from each step."""
    if not LEGS[0] <= len(legs) <= LEGS[1]:
        return f"a cycle of {len(legs)} legs has no direct way back from each of them"
    if start != currency:
        return f"starts in {start}, not in {currency}: the loss cannot be bounded"
    if any(leg.instrument.kind is not InstrumentKind.SPOT for leg in legs):
        return "a cycle has spot legs only"
    if any(min(leg.price, leg.decision_price) <= ZERO for leg in legs):
        return "a leg without a price"
    if legs[0].spends != start or legs[-1].brings != start:
        return f"does not start and end in {start}"
    if any(one.brings != other.spends for one, other in pairwise(legs)):
        return "a leg does not spend what the one before brought"
    if any(way_back(legs, start, leg.brings) is None for leg in legs[:-1]):
        return "no direct way back from each step"
    return None


def way_back(legs: Sequence[PlannedLeg], start: Asset, held: Asset) -> PlannedLeg | None:
    """The first leg whose market turns `held` into the start asset, as it must be traded then."""
    for leg in legs:
        base, quote = leg.instrument.base, leg.instrument.quote
        if (base, quote) == (held, start):
            return _turned(leg, Side.SELL)
        if (base, quote) == (start, held):
            return _turned(leg, Side.BUY)
    return None


def _turned(leg: PlannedLeg, side: Side) -> PlannedLeg:
    return PlannedLeg(
        instrument=leg.instrument, side=side, price=leg.price, decision_price=leg.decision_price
    )


def unwind_share(legs: Sequence[PlannedLeg], start: Asset, limits: RiskLimits) -> Decimal:
    """The largest part of the start asset that the cycle can lose, wherever it breaks.

    Every leg until the break fills at its worst price; what is held then goes back at the mid of
    the decision, worsened by `unwind_loss_bps`; every fill pays its fee. Never less than the
    move and one fee more than there are legs.
    """
    move = to_decimal(limits.unwind_loss_bps) * BPS
    least, amount = ONE, ONE
    for leg in legs:
        amount *= rate_at(leg, leg.price)
        back = way_back(legs, start, leg.brings)
        least = min(least, amount if back is None else amount * worst_rate(back, move))
    fees = (len(legs) + 1) * max(fee_rate(leg.instrument) for leg in legs)
    return max(ONE - least, move + fees)


def worst_rate(leg: PlannedLeg, move: Decimal) -> Decimal:
    """What one unit spent brings after the mid of the decision has moved against it."""
    worse = ONE + move if leg.side is Side.BUY else ONE - move
    return rate_at(leg, leg.decision_price * worse)


def rate_at(leg: PlannedLeg, price: Decimal) -> Decimal:
    """What one unit spent brings, the fee taken off."""
    fee = fee_rate(leg.instrument)
    if leg.side is Side.SELL:
        return price * (ONE - fee)
    return (
        (ONE - fee) / price if leg.instrument.fee_in_received_asset else ONE / price / (ONE + fee)
    )


def unwind_loss(notional: Decimal, share: Decimal) -> Decimal:
    """Worst case of a cycle in account currency."""
    return round_loss_up(notional * share + HEADROOM)


def basket_plan_size(plan: Plan, view: RiskView, limits: RiskLimits, scale: float) -> Decimal | str:
    """Start asset to commit within every cap, or the reason why none. `view`: of the first leg."""
    flaw = view_flaw(view)
    if flaw is not None or view.equity is None or view.visible is None:
        return f"cannot size: {flaw}"
    signal, first = plan.signal, plan.legs[0]
    loss = min(
        limits.loss_per_trade_max * within_one(scale),
        limits.loss_per_day_max - view.realised_loss_today - view.open_risk,
        view.equity - view.open_risk - limits.reserve,
    )
    shown = min(view.visible, to_decimal(signal.legs[0].size_max))
    exposed = view.equity * to_decimal(limits.exposure_per_instrument_max)
    in_all = view.equity * to_decimal(limits.exposure_total_max)
    margin = ONE + fee_rate(first.instrument) + BPS
    room = min(
        (loss - HEADROOM) / plan.share,
        exposed - held_notional(view, first.instrument.id),
        in_all - view.committed,
        (view.equity - view.committed - limits.reserve) / margin,
        view.free.get(signal.start_asset, ZERO) / margin,
        shown * (first.price if first.side is Side.BUY else ONE),
        to_decimal(signal.notional_max),
    )
    if room <= HEADROOM:
        return "no risk budget, free balance or liquidity left for a basket"
    return room - HEADROOM


def judge_later_leg(intent: OrderIntent, view: RiskView, limits: RiskLimits) -> Refusal | None:
    """What can be judged of a leg before its quantity is known."""
    for name, check in LATER_LEG_CHECKS:
        reason = check(intent, view, limits)
        if reason is not None:
            return refuse(intent, name, reason, view.now_ns)
    return None
