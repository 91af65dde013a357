"""The questions about money: what an order can lose, and what it takes."""

from decimal import Decimal

from tradewinds.model.decimals import BPS, ZERO, to_decimal
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.market import Side
from tradewinds.model.order import OrderIntent, Purpose
from tradewinds.risk.exposure import (
    committed_cash,
    entry_worst_loss,
    fee_rate,
    fill_price_max,
    held_notional,
    leverage_of,
)
from tradewinds.risk.limits import RiskLimits, RiskView

LEG = Purpose.LEG
SELL = Side.SELL
SPOT = InstrumentKind.SPOT


def worst_loss(intent: OrderIntent, view: RiskView, limits: RiskLimits) -> Decimal | None:
    """What this intent can cost in account currency, or None when it cannot be told."""
    if view.instrument is None or view.rate is None:
        return None
    if intent.purpose is LEG:
        return _leg_loss(intent, view.instrument, view.rate, limits)
    if intent.stop_price is None:
        return None
    return entry_worst_loss(intent, view.instrument, limits) * view.rate


def _leg_loss(
    intent: OrderIntent, instrument: Instrument, rate: Decimal, limits: RiskLimits
) -> Decimal | None:
    """The basket's figure, if it covers at least this leg there and back."""
    if intent.unwind_loss is None:
        return None
    share = to_decimal(limits.unwind_loss_bps) * BPS + 2 * fee_rate(instrument)
    covered = intent.unwind_loss >= intent.quantity * intent.price * rate * share
    return intent.unwind_loss if covered else None


def loss_per_trade(intent: OrderIntent, view: RiskView, limits: RiskLimits) -> str | None:
    """The money one trade may lose."""
    loss = worst_loss(intent, view, limits)
    if loss is None:
        return "worst loss cannot be told"
    if loss > limits.loss_per_trade_max:
        return f"worst loss {loss:.2f} exceeds {limits.loss_per_trade_max:.2f} per trade"
    return None


def loss_per_day(intent: OrderIntent, view: RiskView, limits: RiskLimits) -> str | None:
    """The invariant: realised loss + open + in flight + this <= the day's limit."""
    loss = worst_loss(intent, view, limits)
    if loss is None:
        return "worst loss cannot be told"
    used = view.realised_loss_today + view.open_risk
    if used + loss > limits.loss_per_day_max:
        return (
            f"worst loss {loss:.2f} on top of {used:.2f} used exceeds "
            f"{limits.loss_per_day_max:.2f} per day"
        )
    return None


def reserve_kept(intent: OrderIntent, view: RiskView, limits: RiskLimits) -> str | None:
    """The reserve is never committed, neither as notional nor by losing everything at risk."""
    loss = worst_loss(intent, view, limits)
    if view.equity is None or view.rate is None or view.instrument is None or view.mid is None:
        return "equity or price cannot be told"
    if loss is None:
        return "worst loss cannot be told"
    if view.equity - view.open_risk - loss < limits.reserve:
        return f"equity {view.equity:.2f} minus worst losses would fall below {limits.reserve:.2f}"
    taken = committed_cash(intent, view.instrument, view.mid, limits) * view.rate
    if view.equity - view.committed - taken < limits.reserve:
        return f"commits {taken:.2f}: the reserve of {limits.reserve:.2f} would be touched"
    return None


def exposure_within(intent: OrderIntent, view: RiskView, limits: RiskLimits) -> str | None:
    """Notional per base asset and in all, as a share of equity; leverage follows from it."""
    if view.equity is None or view.rate is None or view.equity <= ZERO:
        return "equity cannot be told"
    if view.instrument is None or view.mid is None:
        return "no price: cannot judge"
    notional = intent.quantity * fill_price_max(intent, view.mid) * view.rate
    here = held_notional(view, intent.instrument_id)
    scale = leverage_of(view.instrument, limits)
    if here + notional > view.equity * to_decimal(limits.exposure_per_instrument_max) * scale:
        return f"exposure {here + notional:.2f} in one asset exceeds its share of equity"
    if view.committed + notional > view.equity * to_decimal(limits.exposure_total_max) * scale:
        return f"exposure {view.committed + notional:.2f} in all exceeds its share of equity"
    return None


def liquidity_share(intent: OrderIntent, view: RiskView, limits: RiskLimits) -> str | None:
    """Only a share of what is visible may be taken."""
    if not intent.taking:
        return None
    if view.visible is None:
        return "no visible liquidity: cannot judge"
    if intent.quantity > view.visible:
        return f"quantity {intent.quantity} exceeds the liquidity share {view.visible}"
    return None


def funds_free(intent: OrderIntent, view: RiskView, limits: RiskLimits) -> str | None:
    """The asset that pays must be there, free, now."""
    instrument = view.instrument
    if instrument is None or view.mid is None:
        return "no instrument or price: cannot judge"
    if intent.side is SELL and instrument.kind is SPOT:
        asset, needed = instrument.base, intent.quantity
    else:
        asset = instrument.settle
        needed = committed_cash(intent, instrument, view.mid, limits)
    free = view.free.get(asset)
    if free is None:
        return f"balance of {asset} is not known"
    if needed > free:
        return f"needs {needed:f} {asset}, free {free:f}"
    return None
