"""What a position or an order can cost if its stop is hit: pure arithmetic, rounded up."""

from decimal import Decimal
from functools import lru_cache

from tradewinds.model.decimals import BPS, ONE, ZERO, round_loss_up, to_decimal
from tradewinds.model.ids import Asset, InstrumentId, split_instrument_id
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.market import Side
from tradewinds.model.order import OrderIntent
from tradewinds.model.portfolio import Exposure, Trade
from tradewinds.model.symbols import split_symbol
from tradewinds.risk.limits import RiskLimits, RiskView

BUY, SPOT = Side.BUY, InstrumentKind.SPOT


def fee_rate(instrument: Instrument) -> Decimal:
    """The dearer of both fees: a limit may take, and a rebate may be gone tomorrow."""
    return max(instrument.taker_fee, instrument.maker_fee, ZERO)


def leverage_of(instrument: Instrument, limits: RiskLimits) -> Decimal:
    """What a perpetual's entry is sent with; spot has none."""
    if instrument.kind is SPOT:
        return ONE
    return min(limits.leverage_max, instrument.leverage_max)


def stop_fill_price(side: Side, stop_price: Decimal, limits: RiskLimits) -> Decimal:
    """Where a stop is assumed to fill: beyond its trigger by the slippage allowance."""
    return stop_price * _stop_factor(limits.slippage_allowance_bps, buying=side is BUY)


@lru_cache(maxsize=16)
def _stop_factor(bps: float, *, buying: bool) -> Decimal:
    slip = to_decimal(bps) * BPS
    return ONE - slip if buying else ONE + slip


def unit_loss(side: Side, price: Decimal, stop_price: Decimal, limits: RiskLimits) -> Decimal:
    """Quote asset lost per unit of base between `price` and the stop's fill; negative is gain."""
    exit_price = stop_fill_price(side, stop_price, limits)
    return price - exit_price if side is BUY else exit_price - price


def exit_fee(
    side: Side, stop_price: Decimal, instrument: Instrument, limits: RiskLimits
) -> Decimal:
    """Fee per unit of base at the stop; a short pays it on the slipped, higher price."""
    return max(stop_price, stop_fill_price(side, stop_price, limits)) * fee_rate(instrument)


def booked_price(intent: OrderIntent) -> Decimal:
    """The price the loss counts from: the ledger books entries at the decision price, so a limit
    that is better than the market was does not make the loss smaller."""
    if intent.side is BUY:
        return max(intent.price, intent.decision_price)
    return min(intent.price, intent.decision_price)


def entry_worst_loss(intent: OrderIntent, instrument: Instrument, limits: RiskLimits) -> Decimal:
    """Quote asset lost if `intent` fills whole at its worst price and its stop is hit.

    Both fees at the dearer rate. A stop beyond entry does not make the loss negative.
    """
    if intent.stop_price is None:
        raise ValueError("an intent without a stop has no worst loss by price")
    return intent.quantity * _pending_loss(
        intent.side, booked_price(intent), intent.stop_price, instrument, limits
    )


def _pending_loss(
    side: Side, price: Decimal, stop: Decimal, instrument: Instrument, limits: RiskLimits
) -> Decimal:
    """Per unit of base, from before the entry until after the stop.

    The exit's fee is that of the entry price at least, so that tightening never adds risk.
    """
    exit_price = stop_fill_price(side, stop, limits)
    move = max(price - exit_price if side is BUY else exit_price - price, ZERO)
    return move + (price + max(price, exit_price)) * fee_rate(instrument)


def trade_exposure(
    trade: Trade,
    instrument: Instrument,
    rate: Decimal,
    limits: RiskLimits,
    cost: Decimal | None = None,
) -> Exposure:
    """The open and in-flight risk of a round trip, in account currency, rounded up.

    What has filled has its entry fee and slippage booked already, so it counts from `cost`: what
    the ledger holds a unit at, in account currency (None: the average fill). What is in flight
    counts whole. `rate` is account currency per quote asset.
    """
    basis = trade.entry_price if cost is None else cost / rate
    held = unit_loss(trade.side, basis, trade.stop_price, limits)
    held += exit_fee(trade.side, trade.stop_price, instrument, limits)
    loss = trade.quantity * max(held, ZERO)
    if trade.pending_quantity:
        loss += trade.pending_quantity * _pending_loss(
            trade.side, trade.pending_price, trade.stop_price, instrument, limits
        )
    notional = trade.quantity * trade.entry_price + trade.pending_quantity * trade.pending_price
    return Exposure(
        trade_id=trade.trade_id,
        strategy_id=trade.strategy_id,
        instrument_id=trade.instrument_id,
        worst_loss=round_loss_up(loss * rate),
        notional=round_loss_up(notional * rate),
    )


def fill_price_max(intent: OrderIntent, mid: Decimal) -> Decimal:
    """The most a unit can be worth when it fills: a seller may get more than its limit."""
    return intent.price if intent.side is BUY else max(intent.price, mid)


def committed_cash(
    intent: OrderIntent, instrument: Instrument, mid: Decimal, limits: RiskLimits
) -> Decimal:
    """Quote (or settle) asset that the entry takes from the free balance, fee included."""
    notional = intent.quantity * fill_price_max(intent, mid)
    return notional / leverage_of(instrument, limits) + notional * fee_rate(instrument)


def paid_quantity(side: Side, quantity: Decimal, price: Decimal, instrument: Instrument) -> Decimal:
    """What a spot order takes of the asset it pays with, at its worst price; a fee on top too."""
    if side is Side.SELL:
        return quantity
    on_top = ZERO if instrument.fee_in_received_asset else fee_rate(instrument)
    return quantity * price * (ONE + on_top)


def held_notional(view: RiskView, instrument_id: InstrumentId) -> Decimal:
    """Account currency already committed to the same base asset, on whatever market of it."""
    if not view.exposures:
        return ZERO
    asset = base_asset(instrument_id)
    return sum(
        (item.notional for item in view.exposures if base_asset(item.instrument_id) == asset), ZERO
    )


def base_asset(instrument_id: InstrumentId) -> Asset | InstrumentId:
    """`BTC` of `BTC/USDT:USDT@venue`; the id itself where the symbol cannot be read."""
    pair = split_symbol(split_instrument_id(instrument_id)[0])
    return instrument_id if pair is None else pair[0]
