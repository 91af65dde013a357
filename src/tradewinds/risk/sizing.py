"""How much: fractional Kelly on calibrated confidence, then every cap there is."""

from decimal import Decimal

from msgspec import Struct, structs

from tradewinds.model.decimals import BPS, ONE, ZERO, ceil_to_step, floor_to_step, to_decimal
from tradewinds.model.ids import TradeId
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Quote, Side
from tradewinds.model.order import OrderIntent, Purpose
from tradewinds.model.signal import EnterSignal
from tradewinds.risk.exposure import (
    entry_worst_loss,
    fee_rate,
    fill_price_max,
    held_notional,
    leverage_of,
)
from tradewinds.risk.figures import view_flaw
from tradewinds.risk.limits import RiskLimits, RiskView

BUY = Side.BUY
ENTER = Purpose.ENTER

PAYOFF_WITHOUT_TARGET = ONE
"""Assumed reward to risk where a strategy names no target: confidence is that of an even bet."""
HEADROOM = Decimal("0.000001")
"""Left free of every money limit, for what fees and values gain when each fill rounds them up."""


class SizingInput(Struct, frozen=True, kw_only=True):
    """What sizing needs besides the view. `scale` in [0, 1] = weight x mandate x drawdown step."""

    trade_id: TradeId
    instrument: Instrument
    quote: Quote
    scale: float


def bounded(value: float) -> float:
    """`value` held within [0, 1]; what is not a number is nothing."""
    return min(max(0.0, value), 1.0)


def within_one(value: float) -> Decimal:
    """`bounded`, as money."""
    return to_decimal(bounded(value))


def kelly_share(confidence: float, payoff: Decimal) -> Decimal:
    """Kelly 1956: f = p - (1 - p) / b, never negative. `payoff` b is reward over risk."""
    p = within_one(confidence)
    return max(p - (ONE - p) / payoff, ZERO)


def size_entry(
    signal: EnterSignal, wish: SizingInput, view: RiskView, limits: RiskLimits
) -> OrderIntent | str:
    """An intent within every cap, or the reason why there is none.

    The gate refuses none of these for a money reason; it may refuse one for its price, its stop,
    the state of the market, or because the caps leave less than the venue takes.
    """
    flaw = view_flaw(view)
    if flaw is not None or view.rate is None:
        return f"cannot size: {flaw}"
    unit = _unit_intent(signal, wish, limits)
    loss_per_unit = entry_worst_loss(unit, wish.instrument, limits)
    if unit.price <= ZERO or loss_per_unit <= ZERO:
        return f"cannot size: price {unit.price}, stop {unit.stop_price}"
    risk = _risk_budget(signal, unit, wish.scale, view, limits)
    if risk <= ZERO:
        return "no edge at this confidence and payoff, or no risk budget left"
    caps = [risk / (loss_per_unit * view.rate), _quantity_room(unit, view, limits)]
    if view.visible is not None and unit.taking:
        caps.append(view.visible)
    quantity = wish.instrument.quantity_down(max(min(caps), ZERO))
    if quantity <= ZERO:
        return f"size rounds to nothing (room {min(caps):.6f} {wish.instrument.base})"
    return structs.replace(unit, quantity=quantity)


def _unit_intent(signal: EnterSignal, wish: SizingInput, limits: RiskLimits) -> OrderIntent:
    price, taking = _worst_price(signal, wish.instrument, wish.quote, limits)
    instrument, buying = wish.instrument, signal.side is BUY
    stop = to_decimal(signal.stop_price)
    target = None if signal.target_price is None else to_decimal(signal.target_price)
    tick = instrument.tick_size
    if target is not None:
        target = floor_to_step(target, tick) if buying else ceil_to_step(target, tick)
    return OrderIntent(
        strategy_id=signal.strategy_id,
        trade_id=wish.trade_id,
        instrument_id=signal.instrument_id,
        side=signal.side,
        quantity=ONE,
        price=price,
        purpose=ENTER,
        decision_price=to_decimal((wish.quote.bid + wish.quote.ask) / 2),
        stop_price=ceil_to_step(stop, tick) if buying else floor_to_step(stop, tick),
        target_price=target,
        taking=taking,
    )


def _worst_price(
    signal: EnterSignal, instrument: Instrument, quote: Quote, limits: RiskLimits
) -> tuple[Decimal, bool]:
    """The price law for the entry: half the collar beyond the touch when taking, else the limit."""
    buying = signal.side is BUY
    if signal.limit_price is not None:
        limit = signal.limit_price
        price = instrument.price_down(limit) if buying else instrument.price_up(limit)
        taking = limit >= quote.ask if buying else limit <= quote.bid
        return price, taking
    slack = limits.collar_bps / 2 / 10_000
    if buying:
        return instrument.price_down(quote.ask * (1 + slack)), True
    return instrument.price_up(quote.bid * (1 - slack)), True


def _risk_budget(
    signal: EnterSignal, unit: OrderIntent, scale: float, view: RiskView, limits: RiskLimits
) -> Decimal:
    """Account currency this trade may lose: the smallest of Kelly, trade limit and day's rest."""
    if view.equity is None or unit.stop_price is None:
        return ZERO
    risk = abs(unit.price - unit.stop_price)
    reward = abs(unit.target_price - unit.price) if unit.target_price is not None else None
    payoff = reward / risk if reward and risk else PAYOFF_WITHOUT_TARGET
    kelly = kelly_share(signal.confidence, payoff) * to_decimal(limits.kelly_fraction)
    at_risk = view.open_risk
    left = limits.loss_per_day_max - view.realised_loss_today - at_risk
    above_reserve = view.equity - at_risk - limits.reserve
    part = within_one(scale)
    per_trade = limits.loss_per_trade_max * part
    wanted = kelly * view.equity * part
    return min(wanted, per_trade, left, above_reserve) - HEADROOM


def _quantity_room(unit: OrderIntent, view: RiskView, limits: RiskLimits) -> Decimal:
    """Base asset that exposure shares, reserve and free balance leave."""
    instrument = view.instrument
    if view.equity is None or instrument is None or view.rate is None or view.mid is None:
        return ZERO
    leverage = leverage_of(instrument, limits)
    here = held_notional(view, unit.instrument_id)
    per_asset = view.equity * to_decimal(limits.exposure_per_instrument_max) * leverage
    in_all = view.equity * to_decimal(limits.exposure_total_max) * leverage
    committed = view.committed
    above_reserve = view.equity - committed - limits.reserve
    free = view.free.get(instrument.settle, ZERO) * view.rate
    margin = ONE / leverage + fee_rate(instrument) + BPS
    room = min(per_asset - here, in_all - committed, above_reserve / margin, free / margin)
    return (room - HEADROOM) / (fill_price_max(unit, view.mid) * view.rate)
