"""Is every figure there, and is it a number? Asked before any other question."""

from decimal import Decimal

from msgspec import structs

from tradewinds.model.decimals import ONE, ZERO
from tradewinds.model.instrument import Instrument
from tradewinds.model.order import OrderIntent
from tradewinds.risk.limits import RiskLimits, RiskView

STEPS_MAX = Decimal(10) ** 27
"""More lots or ticks than this cannot be counted exactly in 28 digits."""
FEE_MAX = Decimal("0.1")
FEE_MIN = -FEE_MAX
VIEW_FIGURES = ("mid", "rate", "visible", "equity", "realised_today")
INTENT_FIGURES = (
    "quantity",
    "price",
    "decision_price",
    "stop_price",
    "target_price",
    "unwind_loss",
)


def figures_known(intent: OrderIntent, view: RiskView, limits: RiskLimits) -> str | None:
    """Nothing missing, nothing that is not a number, in the wish and in what it is judged by."""
    return view_flaw(view) or _intent_flaw(intent)


def view_flaw(view: RiskView) -> str | None:
    """What is missing or impossible in a view; None when a check may use all of it."""
    values = structs.astuple(view)
    if None in values:
        return f"{view.__struct_fields__[values.index(None)]} is not known: cannot judge"
    if not all(map(Decimal.is_finite, _view_figures(view))):
        return _not_finite(view)
    for name in ("mid", "rate"):
        if getattr(view, name) <= ZERO:
            return f"{name} is not positive"
    for item in view.exposures:
        if item.worst_loss < ZERO or item.notional < ZERO:
            return "an exposure is negative"
    return None if view.instrument is None else _instrument_flaw(view.instrument)


def _view_figures(view: RiskView) -> list[Decimal]:
    figures = [getattr(view, name) for name in VIEW_FIGURES]
    for item in view.exposures:
        figures += (item.worst_loss, item.notional)
    figures += view.free.values()
    figures += view.inventory.values()
    return figures


def _not_finite(view: RiskView) -> str:
    """Which figure it is, in words."""
    names = list(VIEW_FIGURES) + ["worst loss", "notional"] * len(view.exposures)
    names += [f"balance of {asset}" for asset in view.free]
    names += [f"inventory of {asset}" for asset in view.inventory]
    figures = zip(names, _view_figures(view), strict=True)
    return next(
        f"{name} is not a finite number" for name, value in figures if not value.is_finite()
    )


def _intent_flaw(intent: OrderIntent) -> str | None:
    needed = (intent.quantity, intent.price, intent.decision_price)
    optional = (intent.stop_price, intent.target_price, intent.unwind_loss)
    for name, value in zip(INTENT_FIGURES, needed + optional, strict=True):
        if value is not None and (not value.is_finite() or value <= ZERO):
            return f"{name} {value} is not a positive number"
    return None


def _instrument_flaw(instrument: Instrument) -> str | None:
    """Filters and fees that cannot be calculated with."""
    for name, value in zip(
        ("tick_size", "lot_size", "max_quantity"),
        (instrument.tick_size, instrument.lot_size, instrument.max_quantity),
        strict=True,
    ):
        if not value.is_finite() or value <= ZERO:
            return f"{name} {value} of the instrument is not a positive number"
    for name, value in (
        ("min_quantity", instrument.min_quantity),
        ("min_notional", instrument.min_notional),
    ):
        if not value.is_finite() or value < ZERO:
            return f"{name} {value} of the instrument is not a number of zero or more"
    for fee in (instrument.taker_fee, instrument.maker_fee):
        if not fee.is_finite() or not FEE_MIN <= fee <= FEE_MAX:
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
