"""Is every figure there, and is it a number? Asked before any other question."""

from collections.abc import Iterator
from decimal import Decimal

from tradewinds.model.decimals import ONE, ZERO
from tradewinds.model.instrument import Instrument
from tradewinds.model.order import OrderIntent
from tradewinds.risk.limits import RiskLimits, RiskView

STEPS_MAX = Decimal(10) ** 27
"""More lots or ticks than this cannot be counted exactly in 28 digits."""
FEE_MAX = Decimal("0.1")


def figures_known(intent: OrderIntent, view: RiskView, limits: RiskLimits) -> str | None:
    """Nothing missing, nothing that is not a number, in the wish and in what it is judged by."""
    return view_flaw(view) or _intent_flaw(intent)


def view_flaw(view: RiskView) -> str | None:
    """What is missing or impossible in a view; None when a check may use all of it."""
    for name in view.__struct_fields__:
        if getattr(view, name) is None:
            return f"{name} is not known: cannot judge"
    for name, value in _view_figures(view):
        if not value.is_finite():
            return f"{name} is not a finite number"
    for name in ("mid", "rate"):
        if getattr(view, name) <= ZERO:
            return f"{name} is not positive"
    if any(item.worst_loss < ZERO or item.notional < ZERO for item in view.exposures):
        return "an exposure is negative"
    return None if view.instrument is None else _instrument_flaw(view.instrument)


def _view_figures(view: RiskView) -> Iterator[tuple[str, Decimal]]:
    for name in ("mid", "rate", "visible", "equity", "realised_today"):
        yield name, getattr(view, name)
    for item in view.exposures:
        yield "worst loss", item.worst_loss
        yield "notional", item.notional
    for asset, amount in view.free.items():
        yield f"balance of {asset}", amount


def _intent_flaw(intent: OrderIntent) -> str | None:
    for name in ("quantity", "price", "decision_price"):
        value = getattr(intent, name)
        if not value.is_finite() or value <= ZERO:
            return f"{name} {value} is not a positive number"
    for name in ("stop_price", "target_price", "unwind_loss"):
        value = getattr(intent, name)
        if value is not None and (not value.is_finite() or value <= ZERO):
            return f"{name} {value} is not a positive number"
    return None


def _instrument_flaw(instrument: Instrument) -> str | None:
    """Filters and fees that cannot be calculated with."""
    for name in ("tick_size", "lot_size", "max_quantity"):
        value = getattr(instrument, name)
        if not value.is_finite() or value <= ZERO:
            return f"{name} {value} of the instrument is not a positive number"
    for name in ("min_quantity", "min_notional"):
        value = getattr(instrument, name)
        if not value.is_finite() or value < ZERO:
            return f"{name} {value} of the instrument is not a number of zero or more"
    for fee in (instrument.taker_fee, instrument.maker_fee):
        if not fee.is_finite() or abs(fee) > FEE_MAX:
            return f"a fee of {fee} is not a small fraction"
    leverage = instrument.leverage_max
    if not leverage.is_finite() or leverage < ONE:
        return f"leverage_max {leverage} of the instrument is below 1"
    return None


def off_grid(value: Decimal, step: Decimal) -> str | None:
    """Why `value` is not a whole number of steps."""
    if value > step * STEPS_MAX:
        return f"{value} is more steps of {step} than can be counted"
    return f"{value} is not a whole number of steps of {step}" if value % step else None
