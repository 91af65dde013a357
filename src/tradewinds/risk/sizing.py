"""How much: fractional Kelly on calibrated confidence, then every cap there is."""

from decimal import Decimal

from msgspec import Struct

from tradewinds.model.decimals import BPS, ONE, ZERO, ceil_to_step, floor_to_step, to_decimal
from tradewinds.model.ids import TradeId
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.market import Quote, Side
from tradewinds.model.order import OrderIntent, Purpose
from tradewinds.model.signal import EnterSignal
from tradewinds.risk.exposure import entry_worst_loss
from tradewinds.risk.limits import RiskLimits, RiskView

PAYOFF_WITHOUT_TARGET = ONE
"""Assumed reward to risk where a strategy names no target: confidence is that of an even bet."""


class SizingInput(Struct, frozen=True, kw_only=True):
    """What sizing needs besides the view. `scale` in [0, 1] = weight x mandate x drawdown step."""

    trade_id: TradeId
    instrument: Instrument
    quote: Quote
    scale: float


def kelly_share(confidence: float, payoff: Decimal) -> Decimal:
    """Kelly 1956: f = p - (1 - p) / b, never negative. `payoff` b is reward over risk."""
    p = to_decimal(min(max(confidence, 0.0), 1.0))
    return max(p - (ONE - p) / payoff, ZERO)


def size_entry(
    signal: EnterSignal, wish: SizingInput, view: RiskView, limits: RiskLimits
) -> OrderIntent | str:
    """An intent within every cap, or the reason why there is none."""
    unit = _unit_intent(signal, wish, limits)
    loss_per_unit = entry_worst_loss(unit, wish.instrument, limits)
    if view.rate is None or view.equity is None or loss_per_unit <= ZERO:
        return "cannot size: rate, equity or stop unknown"
    risk = _risk_budget(signal, unit, wish.scale, view, limits)
    if risk <= ZERO:
        return "no edge at this confidence and payoff, or no risk budget left"
    caps = [
        risk / (loss_per_unit * view.rate),
        _notional_room(unit, view, limits) / (unit.price * view.rate),
    ]
    if view.visible is not None and unit.taking:
        caps.append(view.visible)
    quantity = wish.instrument.quantity_down(max(min(caps), ZERO))
    if quantity <= ZERO:
        return f"size rounds to nothing (room {min(caps):.6f} {wish.instrument.base})"
    return _with_quantity(unit, quantity)


def _unit_intent(signal: EnterSignal, wish: SizingInput, limits: RiskLimits) -> OrderIntent:
    price, taking = _worst_price(signal, wish.instrument, wish.quote, limits)
    instrument, buying = wish.instrument, signal.side is Side.BUY
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
        purpose=Purpose.ENTER,
        decision_price=to_decimal((wish.quote.bid + wish.quote.ask) / 2),
        stop_price=ceil_to_step(stop, tick) if buying else floor_to_step(stop, tick),
        target_price=target,
        taking=taking,
    )


def _worst_price(
    signal: EnterSignal, instrument: Instrument, quote: Quote, limits: RiskLimits
) -> tuple[Decimal, bool]:
    """The price law for the entry: half the collar beyond the touch when taking, else the limit."""
    buying = signal.side is Side.BUY
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
    left = limits.loss_per_day_max - view.realised_loss_today - view.open_risk
    above_reserve = view.equity - view.open_risk - limits.reserve
    scaled = to_decimal(min(max(scale, 0.0), 1.0))
    return min(kelly * view.equity, limits.loss_per_trade_max * scaled, left, above_reserve)


def _notional_room(unit: OrderIntent, view: RiskView, limits: RiskLimits) -> Decimal:
    """Account currency of notional that exposure shares, reserve and free balance leave."""
    instrument = view.instrument
    if view.equity is None or instrument is None or view.rate is None:
        return ZERO
    perpetual = instrument.kind is InstrumentKind.PERPETUAL
    leverage = min(limits.leverage_max, instrument.leverage_max) if perpetual else ONE
    here = [i.notional for i in view.exposures if i.instrument_id == unit.instrument_id]
    per_instrument = view.equity * to_decimal(limits.exposure_per_instrument_max) * leverage
    in_all = view.equity * to_decimal(limits.exposure_total_max) * leverage
    above_reserve = (view.equity - view.committed - limits.reserve) * leverage
    free = view.free.get(instrument.settle, ZERO) * view.rate * leverage
    margin = ONE + instrument.taker_fee * leverage + BPS
    return min(
        per_instrument - sum(here, ZERO),
        in_all - view.committed,
        above_reserve / margin,
        free / margin,
    )


def _with_quantity(unit: OrderIntent, quantity: Decimal) -> OrderIntent:
    return OrderIntent(
        strategy_id=unit.strategy_id,
        trade_id=unit.trade_id,
        instrument_id=unit.instrument_id,
        side=unit.side,
        quantity=quantity,
        price=unit.price,
        purpose=unit.purpose,
        decision_price=unit.decision_price,
        stop_price=unit.stop_price,
        target_price=unit.target_price,
        taking=unit.taking,
    )
