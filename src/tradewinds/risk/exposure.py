"""What a position or an order can cost if its stop is hit: pure arithmetic, rounded up."""

from decimal import Decimal

from tradewinds.model.decimals import BPS, ONE, ZERO, round_loss_up, to_decimal
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.market import Side
from tradewinds.model.order import OrderIntent
from tradewinds.model.portfolio import Exposure, Trade
from tradewinds.risk.limits import RiskLimits


def stop_fill_price(side: Side, stop_price: Decimal, limits: RiskLimits) -> Decimal:
    """Where a stop is assumed to fill: beyond its trigger by the slippage allowance."""
    slip = to_decimal(limits.slippage_allowance_bps) * BPS
    return stop_price * (ONE - slip if side is Side.BUY else ONE + slip)


def unit_loss(side: Side, price: Decimal, stop_price: Decimal, limits: RiskLimits) -> Decimal:
    """Quote asset lost per unit of base between `price` and the stop's fill; negative is gain."""
    exit_price = stop_fill_price(side, stop_price, limits)
    return price - exit_price if side is Side.BUY else exit_price - price


def entry_worst_loss(intent: OrderIntent, instrument: Instrument, limits: RiskLimits) -> Decimal:
    """Quote asset lost if `intent` fills whole at its worst price and its stop is hit.

    Both fees at the taker's rate. A stop beyond entry does not make the loss negative.
    """
    if intent.stop_price is None:
        raise ValueError("an intent without a stop has no worst loss by price")
    per_unit = unit_loss(intent.side, intent.price, intent.stop_price, limits)
    fees = (intent.price + intent.stop_price) * instrument.taker_fee
    return intent.quantity * (max(per_unit, ZERO) + fees)


def trade_exposure(
    trade: Trade, instrument: Instrument, rate: Decimal, limits: RiskLimits
) -> Exposure:
    """The open and in-flight risk of a round trip, in account currency, rounded up.

    The entry fee of what has filled is booked already, so only its exit fee counts; what is
    still in flight counts both. `rate` is account currency per quote asset.
    """
    exit_fee = trade.stop_price * instrument.taker_fee
    held = max(unit_loss(trade.side, trade.entry_price, trade.stop_price, limits), ZERO) + exit_fee
    pending = max(unit_loss(trade.side, trade.pending_price, trade.stop_price, limits), ZERO)
    pending += exit_fee + trade.pending_price * instrument.taker_fee
    loss = trade.quantity * held + trade.pending_quantity * pending
    notional = trade.quantity * trade.entry_price + trade.pending_quantity * trade.pending_price
    return Exposure(
        trade_id=trade.trade_id,
        strategy_id=trade.strategy_id,
        instrument_id=trade.instrument_id,
        worst_loss=round_loss_up(loss * rate),
        notional=round_loss_up(notional * rate),
    )


def committed_cash(intent: OrderIntent, instrument: Instrument, leverage: Decimal) -> Decimal:
    """Quote (or settle) asset that the entry takes from the free balance, fee included."""
    notional = intent.quantity * intent.price
    fee = notional * instrument.taker_fee
    if instrument.kind is InstrumentKind.PERPETUAL:
        return notional / leverage + fee
    return notional + fee
