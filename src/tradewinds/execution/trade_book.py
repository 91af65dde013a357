"""Round trips: how orders and fills move a Trade from opening to closed."""

from decimal import Decimal

from msgspec import structs

from tradewinds.model.decimals import ONE, ZERO, round_loss_up
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.market import Side
from tradewinds.model.order import ApprovedOrder, Fill, Order, OrderIntent, Purpose
from tradewinds.model.portfolio import Trade, TradePhase
from tradewinds.risk.exposure import booked_price

CLOSED, CLOSING, OPEN, OPENING = (
    TradePhase.CLOSED,
    TradePhase.CLOSING,
    TradePhase.OPEN,
    TradePhase.OPENING,
)
ENTER = Purpose.ENTER
SPOT = InstrumentKind.SPOT
BUY, SELL = Side.BUY, Side.SELL


def opened(intent: OrderIntent, approved_loss: Decimal, reason: str, now_ns: int) -> Trade:
    """A round trip whose entry is about to be sent, allowed to cost `approved_loss`."""
    if intent.stop_price is None:
        raise ValueError("a round trip needs a stop")
    return Trade(
        trade_id=intent.trade_id,
        strategy_id=intent.strategy_id,
        instrument_id=intent.instrument_id,
        side=intent.side,
        phase=OPENING,
        quantity=ZERO,
        entry_price=ZERO,
        stop_price=intent.stop_price,
        target_price=intent.target_price,
        pending_quantity=intent.quantity,
        pending_price=booked_price(intent),
        opened_time_ns=now_ns,
        reason=reason,
        approved_loss=approved_loss,
    )


def with_fill(trade: Trade, approved: ApprovedOrder, fill: Fill, instrument: Instrument) -> Trade:
    """The round trip after an execution of one of its orders."""
    if approved.purpose is ENTER:
        return _entered(trade, fill, instrument)
    return _exited(trade, approved, fill)


def with_entry_ended(trade: Trade, order: Order) -> Trade:
    """The entry order is over: what did not fill is not in flight, and not allowed to cost."""
    if order.approved.purpose is not ENTER:
        return trade
    share = order.filled_quantity / order.approved.quantity
    return structs.replace(
        trade,
        pending_quantity=ZERO,
        approved_loss=round_loss_up(order.approved.worst_loss * min(share, ONE)),
    )


def with_result(trade: Trade, net: Decimal, fees: Decimal) -> Trade:
    """Add what the ledger booked for one fill, in account currency."""
    return structs.replace(trade, realised=trade.realised + net, fees=trade.fees + fees)


def is_over(trade: Trade, instrument: Instrument, price: Decimal) -> bool:
    """Nothing in flight and nothing held that the venue would let us close. The rest is dust."""
    if trade.pending_quantity > ZERO:
        return False
    sellable = instrument.quantity_down(trade.quantity)
    return sellable <= ZERO or not instrument.closable(sellable, price)


def taken(trade: Trade, quantity: Decimal, price: Decimal, reason: str) -> Trade:
    """Somebody else closed (part of) the position at a known price: a liquidation, the user."""
    exit_quantity = trade.exit_quantity + quantity
    value = trade.exit_price * trade.exit_quantity + price * quantity
    return structs.replace(
        trade,
        quantity=trade.quantity - quantity,
        exit_quantity=exit_quantity,
        exit_price=value / exit_quantity if exit_quantity else ZERO,
        exit_reason=reason,
    )


def taken_outside(trade: Trade, quantity: Decimal) -> Trade:
    """The user sold or moved part of what it held; there is no price of ours to book."""
    left = trade.quantity - quantity
    reason = trade.exit_reason or "reduced outside"
    return structs.replace(trade, quantity=left, exit_reason=reason)


def closing(trade: Trade) -> Trade:
    """A round trip on its way out."""
    return structs.replace(trade, phase=CLOSING)


def closed(trade: Trade, now_ns: int, exit_reason: str) -> Trade:
    """The end of a round trip; dust stays in the ledger's inventory."""
    return structs.replace(
        trade,
        phase=CLOSED,
        closed_time_ns=now_ns,
        exit_reason=exit_reason,
        gap=overshoot(trade.realised, trade.approved_loss),
    )


def overshoot(realised: Decimal, approved_loss: Decimal) -> Decimal:
    """What was lost beyond the approved worst loss: a price that jumped over the stop.

    Nothing where nothing was approved (a round trip found after a restart).
    """
    return max(ZERO, -realised - approved_loss) if approved_loss else ZERO


def _entered(trade: Trade, fill: Fill, instrument: Instrument) -> Trade:
    gained = fill.quantity
    if instrument.kind is SPOT and fill.fee_asset == instrument.base:
        gained -= fill.fee
    entry_quantity = trade.entry_quantity + fill.quantity
    value = trade.entry_price * trade.entry_quantity + fill.price * fill.quantity
    return structs.replace(
        trade,
        phase=OPEN if trade.phase is OPENING else trade.phase,
        quantity=trade.quantity + gained,
        entry_price=value / entry_quantity,
        entry_quantity=entry_quantity,
        pending_quantity=max(ZERO, trade.pending_quantity - fill.quantity),
    )


def _exited(trade: Trade, approved: ApprovedOrder, fill: Fill) -> Trade:
    exit_quantity = trade.exit_quantity + fill.quantity
    value = trade.exit_price * trade.exit_quantity + fill.price * fill.quantity
    return structs.replace(
        trade,
        phase=CLOSING,
        quantity=max(ZERO, trade.quantity - fill.quantity),
        exit_quantity=exit_quantity,
        exit_price=value / exit_quantity,
        exit_reason=trade.exit_reason or approved.purpose.value,
    )


def tightened(trade: Trade, stop_price: Decimal) -> Trade | None:
    """The round trip with a closer stop, or None: a stop never loosens."""
    closer = stop_price - trade.stop_price
    if trade.side is SELL:
        closer = -closer
    if closer <= ZERO:
        return None
    return structs.replace(trade, stop_price=stop_price)


def unrealised(trade: Trade, price: Decimal) -> Decimal:
    """Quote asset won or lost at `price` before exit costs."""
    sign = ONE if trade.side is BUY else -ONE
    return (price - trade.entry_price) * trade.quantity * sign
