"""Risk is a list of questions. None is yes; a reason is no; not knowing is no."""

from collections.abc import Callable

from tradewinds.model.decimals import BPS, ONE, ZERO, floor_to_step, to_decimal
from tradewinds.model.ids import Asset
from tradewinds.model.instrument import Instrument, InstrumentKind, InstrumentStatus
from tradewinds.model.market import Side
from tradewinds.model.order import OrderIntent, Purpose
from tradewinds.model.portfolio import TradingState
from tradewinds.risk.exposure import fee_rate, leverage_of, paid_quantity, unit_loss
from tradewinds.risk.figures import figures_known, off_grid
from tradewinds.risk.limits import RiskLimits, RiskView
from tradewinds.risk.money import (
    exposure_within,
    funds_free,
    liquidity_share,
    loss_per_day,
    loss_per_trade,
    reserve_kept,
)

ACTIVE = TradingState.ACTIVE
TRADING = InstrumentStatus.TRADING
ENTER, LEG = Purpose.ENTER, Purpose.LEG
SPOT = InstrumentKind.SPOT
BUY, SELL = Side.BUY, Side.SELL

Check = Callable[[OrderIntent, RiskView, RiskLimits], str | None]
NS = 1_000_000_000


def trading_active(intent: OrderIntent, view: RiskView, limits: RiskLimits) -> str | None:
    """New risk only while ACTIVE, from a strategy that is switched on."""
    if view.state is not ACTIVE:
        return f"trading is {view.state.value}: {view.state_reason}"
    if not view.strategy_enabled:
        return f"strategy {intent.strategy_id} is switched off"
    return None


def instrument_tradable(intent: OrderIntent, view: RiskView, limits: RiskLimits) -> str | None:
    """Known, open for entries, and able to carry a resting stop."""
    if view.instrument is None or view.instrument.id != intent.instrument_id:
        return f"unknown instrument {intent.instrument_id}"
    if view.instrument.status is not TRADING:
        return f"instrument is {view.instrument.status.value}"
    if intent.stop_price is not None and not view.protection_possible:
        return "the venue takes no protective stop here"
    return None


def purpose_fits(intent: OrderIntent, view: RiskView, limits: RiskLimits) -> str | None:
    """An entry is bounded by its stop, a leg by its unwind; nothing else may add risk."""
    if intent.purpose is ENTER:
        if intent.stop_price is None or intent.unwind_loss is not None:
            return "an entry is bounded by a stop, and by nothing else"
        return _entry_side(intent, view)
    if intent.purpose is not LEG:
        return f"an order to {intent.purpose.value} adds no risk and is not asked for here"
    if intent.unwind_loss is None or intent.stop_price is not None or not intent.taking:
        return "a leg is bounded by the loss of unwinding it, and taken at once"
    if view.instrument is None or view.instrument.kind is not SPOT:
        return "a cycle has spot legs only"
    return None


def _entry_side(intent: OrderIntent, view: RiskView) -> str | None:
    """What is sold must be ours to lose: spot is not sold short, and a venue nets perpetuals."""
    if view.instrument is None:
        return "no instrument: cannot judge"
    if view.instrument.kind is SPOT:
        return "spot cannot be sold short" if intent.side is SELL else None
    if any(item.instrument_id == intent.instrument_id for item in view.exposures):
        return "one round trip at a time in a perpetual: the venue would net them"
    return None


def paid_in_currency(intent: OrderIntent, view: RiskView, limits: RiskLimits) -> str | None:
    """A loss in another asset is not bounded in ours: entries and cycles start from our money."""
    instrument = view.instrument
    if instrument is None:
        return "no instrument: cannot judge"
    selling_spot = intent.side is SELL and instrument.kind is SPOT
    paid = instrument.base if selling_spot else instrument.settle
    if paid != view.currency:
        return _paid_from_inventory(intent, view, paid)
    if instrument.quote == view.currency and view.rate != ONE:
        return f"{view.currency} cannot be worth {view.rate} {view.currency}"
    return None


def _paid_from_inventory(intent: OrderIntent, view: RiskView, paid: Asset) -> str | None:
    """Only a leg of a cycle that gives back what it takes, and only what may be used of it."""
    reason = f"pays with {paid}, not with {view.currency}: the loss cannot be bounded"
    if intent.purpose is not Purpose.LEG or not intent.from_inventory or view.instrument is None:
        return reason
    needed = paid_quantity(intent.side, intent.quantity, intent.price, view.instrument)
    held = view.inventory.get(paid, ZERO)
    return None if needed <= held else f"{reason}; inventory {held:f} {paid}, needs {needed:f}"


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
    worse = intent.price - view.mid if intent.side is BUY else view.mid - intent.price
    if worse > view.mid * to_decimal(limits.collar_bps) * BPS:
        return f"price {intent.price} is beyond {limits.collar_bps:g} bps from mid {view.mid}"
    return None


def quantity_by_filters(intent: OrderIntent, view: RiskView, limits: RiskLimits) -> str | None:
    """Whole lots, whole ticks, within the venue's bounds, and closable after the worst stop."""
    instrument = view.instrument
    if instrument is None:
        return "no instrument: cannot judge"
    return (
        off_grid(intent.quantity, instrument.lot_size)
        or off_grid(intent.price, instrument.tick_size)
        or _within_bounds(intent, instrument)
        or _closable(intent, instrument)
    )


def _within_bounds(intent: OrderIntent, instrument: Instrument) -> str | None:
    if not instrument.min_quantity <= intent.quantity <= instrument.max_quantity:
        return (
            f"quantity {intent.quantity} is outside "
            f"[{instrument.min_quantity}, {instrument.max_quantity}]"
        )
    return None


def _closable(intent: OrderIntent, instrument: Instrument) -> str | None:
    """What a fee in the bought asset leaves of it must still be an order the venue takes."""
    lowest = min(intent.price, intent.stop_price or intent.price)
    needed = instrument.min_notional * (2 if intent.stop_price is not None else 1)
    left = intent.quantity
    if instrument.fee_in_received_asset and intent.side is BUY:
        left = floor_to_step(left * (1 - fee_rate(instrument)), instrument.lot_size)
    if left < instrument.min_quantity or left <= ZERO:
        return f"quantity {left:f} after the fee is below {instrument.min_quantity}: not closable"
    if left * lowest < needed:
        return f"notional {left * lowest:f} is below {needed:f}: might not be closable"
    return None


def stop_sane(intent: OrderIntent, view: RiskView, limits: RiskLimits) -> str | None:
    """The stop is on the losing side of both mid and entry, on a tick, not absurdly far."""
    stop = intent.stop_price
    if stop is None:
        return None
    if view.mid is None or view.instrument is None:
        return "no price: cannot judge"
    nearest = min(view.mid, intent.price) if intent.side is BUY else max(view.mid, intent.price)
    if (nearest - stop if intent.side is BUY else stop - nearest) <= ZERO:
        return f"stop {stop} is on the wrong side of {nearest}"
    if abs(view.mid - stop) > view.mid * to_decimal(limits.stop_distance_max):
        return f"stop {stop} is more than {limits.stop_distance_max:.0%} away"
    return off_grid(stop, view.instrument.tick_size) or _liquidated_first(intent, view, limits)


def _liquidated_first(intent: OrderIntent, view: RiskView, limits: RiskLimits) -> str | None:
    instrument, stop = view.instrument, intent.stop_price
    if instrument is None or stop is None or instrument.kind is SPOT:
        return None
    leverage = leverage_of(instrument, limits)
    needed = unit_loss(intent.side, intent.price, stop, limits)
    needed += stop * instrument.maintenance_margin_rate
    if needed > intent.price / leverage:
        return f"at leverage {leverage} the venue would liquidate before the stop {stop}"
    return None


def target_sane(intent: OrderIntent, view: RiskView, limits: RiskLimits) -> str | None:
    """A target is on the winning side of both mid and entry, and on a tick."""
    target = intent.target_price
    if target is None:
        return None
    if view.mid is None or view.instrument is None:
        return "no price: cannot judge"
    if intent.side is BUY:
        won = target - max(view.mid, intent.price)
    else:
        won = min(view.mid, intent.price) - target
    if won <= ZERO:
        return f"target {target} is on the wrong side of the price"
    return off_grid(target, view.instrument.tick_size)


def order_rate(intent: OrderIntent, view: RiskView, limits: RiskLimits) -> str | None:
    """Orders per minute, so that a mad loop stops itself."""
    if view.orders_last_minute >= limits.orders_per_minute_max:
        return f"{view.orders_last_minute} orders in the last minute"
    return None


CHECKS: tuple[tuple[str, Check], ...] = (
    ("figures_known", figures_known),
    ("trading_active", trading_active),
    ("instrument_tradable", instrument_tradable),
    ("purpose_fits", purpose_fits),
    ("paid_in_currency", paid_in_currency),
    ("market_fresh", market_fresh),
    ("price_within_collar", price_within_collar),
    ("quantity_by_filters", quantity_by_filters),
    ("stop_sane", stop_sane),
    ("target_sane", target_sane),
    ("loss_per_trade", loss_per_trade),
    ("loss_per_day", loss_per_day),
    ("reserve_kept", reserve_kept),
    ("exposure_within", exposure_within),
    ("liquidity_share", liquidity_share),
    ("order_rate", order_rate),
    ("funds_free", funds_free),
)
"""In this order; the first no is the answer."""
