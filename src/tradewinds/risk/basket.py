"""Baskets: how much may start a cycle, and what it costs if the cycle breaks on the way."""

from decimal import Decimal

from tradewinds.model.decimals import BPS, ONE, ZERO, round_loss_up, to_decimal
from tradewinds.model.order import OrderIntent, Refusal
from tradewinds.model.signal import BasketSignal
from tradewinds.risk.checks import instrument_tradable, market_fresh, price_within_collar
from tradewinds.risk.gate import refuse
from tradewinds.risk.limits import RiskLimits, RiskView

UNWIND_FEES = 4
"""Two legs in, two legs out: the most taker fees a broken three-leg cycle pays."""
LATER_LEG_CHECKS = (
    ("instrument_tradable", instrument_tradable),
    ("market_fresh", market_fresh),
    ("price_within_collar", price_within_collar),
)


def unwind_loss(notional: Decimal, fee_max: Decimal, limits: RiskLimits) -> Decimal:
    """Worst case of a cycle in account currency: market move while unwinding, and every fee."""
    move = to_decimal(limits.unwind_loss_bps) * BPS
    return round_loss_up(notional * (move + UNWIND_FEES * fee_max))


def basket_plan_size(
    signal: BasketSignal, view: RiskView, limits: RiskLimits, scale: float
) -> Decimal | str:
    """Start asset to commit within every cap, or the reason why none."""
    instrument = view.instrument
    if view.equity is None or view.rate is None or instrument is None:
        return "cannot size: rate or equity unknown"
    fee = max(instrument.taker_fee, BPS)
    per_unit = unwind_loss(ONE, fee, limits)
    loss_left = limits.loss_per_day_max - view.realised_loss_today - view.open_risk
    loss = min(limits.loss_per_trade_max * to_decimal(min(max(scale, 0.0), 1.0)), loss_left)
    margin = ONE + fee + BPS
    room = min(
        loss / per_unit,
        view.equity * to_decimal(limits.exposure_per_instrument_max),
        view.equity * to_decimal(limits.exposure_total_max) - view.committed,
        (view.equity - view.committed - limits.reserve) / margin,
        view.free.get(signal.start_asset, ZERO),
        to_decimal(signal.notional_max),
    )
    if room <= ZERO:
        return "no risk budget or free balance left for a basket"
    return room


def judge_later_leg(intent: OrderIntent, view: RiskView, limits: RiskLimits) -> Refusal | None:
    """What can be judged of a leg before its quantity is known."""
    for name, check in LATER_LEG_CHECKS:
        reason = check(intent, view, limits)
        if reason is not None:
            return refuse(intent, name, reason, view.now_ns)
    return None
