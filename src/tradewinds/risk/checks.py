"""Risk is a list of questions. None is yes; a reason is no; not knowing is no."""

from collections.abc import Callable
from decimal import Decimal

from tradewinds.model.decimals import BPS, ONE, ZERO, to_decimal
from tradewinds.model.instrument import Instrument, InstrumentKind, InstrumentStatus
from tradewinds.model.market import Side
from tradewinds.model.order import OrderIntent
from tradewinds.model.portfolio import TradingState
from tradewinds.risk.exposure import committed_cash, entry_worst_loss
from tradewinds.risk.limits import RiskLimits, RiskView

Check = Callable[[OrderIntent, RiskView, RiskLimits], str | None]
NS = 1_000_000_000


def trading_active(intent: OrderIntent, view: RiskView, limits: RiskLimits) -> str | None:
    """New risk only while ACTIVE, from a strategy that is switched on."""
    if view.state is not TradingState.ACTIVE:
        return f"trading is {view.state.value}: {view.state_reason}"
    if not view.strategy_enabled:
        return f"strategy {intent.strategy_id} is switched off"
    return None


def instrument_tradable(intent: OrderIntent, view: RiskView, limits: RiskLimits) -> str | None:
    """Known, open for entries, and able to carry a resting stop."""
    if view.instrument is None:
        return f"unknown instrument {intent.instrument_id}"
    if view.instrument.status is not InstrumentStatus.TRADING:
        return f"instrument is {view.instrument.status.value}"
    if intent.stop_price is not None and not view.protection_possible:
        return "the venue takes no protective stop here"
    return None


def market_fresh(intent: OrderIntent, view: RiskView, limits: RiskLimits) -> str | None:
    """A price that is known, recent, and did not just jump."""
    if view.mid is None or view.price_age_ns is None:
        return "no price: cannot judge"
    if view.price_age_ns < 0:
        return "price from the future: clocks disagree"
    if view.price_age_ns > limits.stale_after_s * NS:
        return f"price is {view.price_age_ns / NS:.1f} s old, limit {limits.stale_after_s:g} s"
    if view.price_suspect:
        return f"price jumped more than {limits.price_jump_max:.0%}; waiting for confirmation"
    return None


def price_within_collar(intent: OrderIntent, view: RiskView, limits: RiskLimits) -> str | None:
    """The worst acceptable price may be only so much worse than the mid."""
    if view.mid is None:
        return "no price: cannot judge"
    worse = intent.price - view.mid if intent.side is Side.BUY else view.mid - intent.price
    if worse > view.mid * to_decimal(limits.collar_bps) * BPS:
        return f"price {intent.price} is beyond {limits.collar_bps:g} bps from mid {view.mid}"
    return None


def quantity_by_filters(intent: OrderIntent, view: RiskView, limits: RiskLimits) -> str | None:
    """Whole lots, whole ticks, within the venue's bounds, and closable after the worst stop."""
    instrument = view.instrument
    if instrument is None:
        return "no instrument: cannot judge"
    if not intent.quantity.is_finite() or not intent.price.is_finite():
        return "quantity or price is not a finite number"
    if intent.quantity <= ZERO or intent.price <= ZERO:
        return f"quantity {intent.quantity} and price {intent.price} must be positive"
    return _grid(intent, instrument) or _bounds(intent, instrument)


def _grid(intent: OrderIntent, instrument: Instrument) -> str | None:
    if intent.quantity % instrument.lot_size:
        return f"quantity {intent.quantity} is not a whole number of lots {instrument.lot_size}"
    if intent.price % instrument.tick_size:
        return f"price {intent.price} is not a whole number of ticks {instrument.tick_size}"
    return None


def _bounds(intent: OrderIntent, instrument: Instrument) -> str | None:
    if not instrument.min_quantity <= intent.quantity <= instrument.max_quantity:
        return (
            f"quantity {intent.quantity} is outside "
            f"[{instrument.min_quantity}, {instrument.max_quantity}]"
        )
    lowest = min(intent.price, intent.stop_price or intent.price)
    needed = instrument.min_notional * (2 if intent.stop_price is not None else 1)
    if intent.quantity * lowest < needed:
        return f"notional {intent.quantity * lowest:f} is below {needed:f}: might not be closable"
    return None


def stop_sane(intent: OrderIntent, view: RiskView, limits: RiskLimits) -> str | None:
    """Every entry has a stop on the losing side, not absurdly far; a leg has a bounded unwind."""
    stop = intent.stop_price
    if stop is None:
        return None if intent.unwind_loss is not None else "an entry without a stop"
    if not stop.is_finite() or stop <= ZERO:
        return f"stop {stop} is not a price"
    if view.mid is None:
        return "no price: cannot judge"
    distance = (view.mid - stop) if intent.side is Side.BUY else (stop - view.mid)
    if distance <= ZERO:
        return f"stop {stop} is on the wrong side of mid {view.mid}"
    if distance > view.mid * to_decimal(limits.stop_distance_max):
        return f"stop {stop} is more than {limits.stop_distance_max:.0%} away"
    return None


def worst_loss(intent: OrderIntent, view: RiskView, limits: RiskLimits) -> Decimal | None:
    """What this intent can cost in account currency, or None when it cannot be told."""
    if intent.unwind_loss is not None:
        return intent.unwind_loss if intent.unwind_loss >= ZERO else None
    if view.instrument is None or view.rate is None or intent.stop_price is None:
        return None
    return entry_worst_loss(intent, view.instrument, limits) * view.rate


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
    if view.equity is None or loss is None or view.rate is None or view.instrument is None:
        return "equity or worst loss cannot be told"
    if view.equity - view.open_risk - loss < limits.reserve:
        return f"equity {view.equity:.2f} minus worst losses would fall below {limits.reserve:.2f}"
    taken = committed_cash(intent, view.instrument, limits.leverage_max) * view.rate
    if view.equity - view.committed - taken < limits.reserve:
        return f"commits {taken:.2f}: the reserve of {limits.reserve:.2f} would be touched"
    return None


def exposure_within(intent: OrderIntent, view: RiskView, limits: RiskLimits) -> str | None:
    """Notional per instrument and in all, as a share of equity; leverage follows from it."""
    if view.equity is None or view.rate is None or view.equity <= ZERO:
        return "equity cannot be told"
    notional = intent.quantity * intent.price * view.rate
    here = sum(
        (item.notional for item in view.exposures if item.instrument_id == intent.instrument_id),
        ZERO,
    )
    scale = _leverage_scale(view, limits)
    if here + notional > view.equity * to_decimal(limits.exposure_per_instrument_max) * scale:
        return f"exposure {here + notional:.2f} in one instrument exceeds its share of equity"
    if view.committed + notional > view.equity * to_decimal(limits.exposure_total_max) * scale:
        return f"exposure {view.committed + notional:.2f} in all exceeds its share of equity"
    return None


def _leverage_scale(view: RiskView, limits: RiskLimits) -> Decimal:
    if view.instrument is not None and view.instrument.kind is InstrumentKind.PERPETUAL:
        return min(limits.leverage_max, view.instrument.leverage_max)
    return ONE


def liquidity_share(intent: OrderIntent, view: RiskView, limits: RiskLimits) -> str | None:
    """Only a share of what is visible may be taken."""
    if not intent.taking:
        return None
    if view.visible is None:
        return "no visible liquidity: cannot judge"
    if intent.quantity > view.visible:
        return f"quantity {intent.quantity} exceeds the liquidity share {view.visible}"
    return None


def order_rate(intent: OrderIntent, view: RiskView, limits: RiskLimits) -> str | None:
    """Orders per minute, so that a mad loop stops itself."""
    if view.orders_last_minute >= limits.orders_per_minute_max:
        return f"{view.orders_last_minute} orders in the last minute"
    return None


def funds_free(intent: OrderIntent, view: RiskView, limits: RiskLimits) -> str | None:
    """The asset that pays must be there, free, now."""
    instrument = view.instrument
    if instrument is None:
        return "no instrument: cannot judge"
    if intent.side is Side.SELL and instrument.kind is InstrumentKind.SPOT:
        asset, needed = instrument.base, intent.quantity
    else:
        asset = instrument.settle
        needed = committed_cash(intent, instrument, limits.leverage_max)
    free = view.free.get(asset)
    if free is None:
        return f"balance of {asset} is not known"
    if needed > free:
        return f"needs {needed:f} {asset}, free {free:f}"
    return None


CHECKS: tuple[tuple[str, Check], ...] = (
    ("trading_active", trading_active),
    ("instrument_tradable", instrument_tradable),
    ("market_fresh", market_fresh),
    ("price_within_collar", price_within_collar),
    ("quantity_by_filters", quantity_by_filters),
    ("stop_sane", stop_sane),
    ("loss_per_trade", loss_per_trade),
    ("loss_per_day", loss_per_day),
    ("reserve_kept", reserve_kept),
    ("exposure_within", exposure_within),
    ("liquidity_share", liquidity_share),
    ("order_rate", order_rate),
    ("funds_free", funds_free),
)
"""In this order; the first no is the answer."""
