"""The venue's questions before it takes an order. No answer is a yes here; a reason is a no."""

from collections.abc import Callable
from decimal import Decimal

from tradewinds.model.decimals import ONE, ZERO, floor_to_step, whole_steps
from tradewinds.model.instrument import InstrumentStatus
from tradewinds.model.market import Side
from tradewinds.model.order import ApprovedOrder, OrderType, TimeInForce
from tradewinds.sim.account import closable
from tradewinds.sim.desk import Desk
from tradewinds.sim.market_state import MarketState
from tradewinds.sim.working import PLAIN, PRICED, lock_key, working

LIMIT = OrderType.LIMIT
GTC = TimeInForce.GTC
SELL = Side.SELL
CLOSE_ONLY, HALTED = InstrumentStatus.CLOSE_ONLY, InstrumentStatus.HALTED

Check = Callable[[ApprovedOrder, MarketState, Desk], str | None]


def refusal(order: ApprovedOrder, market: MarketState, desk: Desk) -> str | None:
    """The first reason to reject, or None."""
    for check in CHECKS:
        reason = check(order, market, desk)
        if reason is not None:
            return reason
    return None


def fields_fit(order: ApprovedOrder, _market: MarketState, _desk: Desk) -> str | None:
    """Every type needs its prices; post-only means a plain limit that may rest."""
    if order.order_type in PRICED and not _positive(order.price):
        return "price missing or not positive"
    if order.order_type not in PLAIN and not _positive(order.trigger_price):
        return "trigger price missing or not positive"
    if order.order_type not in PRICED and order.price is not None:
        return "price not allowed for this order type"
    rests = order.order_type is LIMIT and order.time_in_force is GTC
    if order.post_only and not rests:
        return "post-only needs a GTC limit order"
    return None


def not_duplicate(order: ApprovedOrder, _market: MarketState, desk: Desk) -> str | None:
    """A client order id names one open order."""
    if order.client_order_id in desk.account.orders:
        return "duplicate client order id"
    return None


def status_allows(order: ApprovedOrder, market: MarketState, _desk: Desk) -> str | None:
    """HALTED takes nothing; CLOSE_ONLY takes what reduces; DELISTED only at any price."""
    status = market.instrument.status
    reducing = order.reduce_only if market.perpetual else order.side is SELL
    if status is HALTED:
        return "market is halted"
    if status is CLOSE_ONLY and not reducing:
        return "market is close-only"
    if status is InstrumentStatus.DELISTED and not (reducing and _at_any_price(order)):
        return "market is delisted"
    return None


def _at_any_price(order: ApprovedOrder) -> bool:
    return order.order_type is OrderType.MARKET


def prices_on_tick(order: ApprovedOrder, market: MarketState, _desk: Desk) -> str | None:
    """PRICE_FILTER."""
    tick = market.instrument.tick_size
    for price in (order.price, order.trigger_price):
        if price is not None and not whole_steps(price, tick):
            return f"PRICE_FILTER: {price} is not a multiple of {tick}"
    return None


def quantity_in_range(order: ApprovedOrder, market: MarketState, _desk: Desk) -> str | None:
    """LOT_SIZE."""
    rules, quantity = market.instrument, order.quantity
    if quantity <= ZERO or not whole_steps(quantity, rules.lot_size):
        return f"LOT_SIZE: {quantity} is not a positive multiple of {rules.lot_size}"
    if not rules.min_quantity <= quantity <= rules.max_quantity:
        return f"LOT_SIZE: {quantity} not in {rules.min_quantity} to {rules.max_quantity}"
    return None


def notional_enough(order: ApprovedOrder, market: MarketState, _desk: Desk) -> str | None:
    """NOTIONAL; a perpetual may always be reduced."""
    if market.perpetual and order.reduce_only:
        return None
    price = order.price or order.trigger_price or market.reference(order.side)
    if price is None:
        return "no market price yet"
    if order.quantity * price < market.instrument.min_notional:
        return f"NOTIONAL: {order.quantity * price} below {market.instrument.min_notional}"
    return None


def leverage_allowed(order: ApprovedOrder, market: MarketState, _desk: Desk) -> str | None:
    """From 1 to the instrument's maximum; spot has none."""
    most = market.instrument.leverage_max if market.perpetual else ONE
    if not ONE <= order.leverage <= most:
        return f"leverage {order.leverage} not in 1 to {most}"
    return None


def something_to_reduce(order: ApprovedOrder, market: MarketState, desk: Desk) -> str | None:
    """Reduce-only needs a position on the other side; on spot, something to sell."""
    if not order.reduce_only:
        return None
    if market.perpetual:
        held = closable(market, order.side)
    elif order.side is SELL:
        free = desk.account.free(market.instrument.base, lock_key(order))
        held = floor_to_step(max(free, ZERO), market.instrument.lot_size)
    else:
        held = ZERO
    return None if held > ZERO else "ReduceOnly order rejected: no position to reduce"


def group_open(order: ApprovedOrder, _market: MarketState, desk: Desk) -> str | None:
    """A leg that comes after its sibling filled is too late; legs share instrument and side."""
    if order.oco_group and order.oco_group in desk.done_groups:
        return "OCO sibling already filled or triggered"
    if not order.oco_group:
        return None
    for other in desk.account.orders.values():
        same = (other.order.instrument_id, other.order.side) == (order.instrument_id, order.side)
        if other.order.oco_group == order.oco_group and not same:
            return "OCO legs must share instrument and side"
    return None


def not_through(order: ApprovedOrder, market: MarketState, desk: Desk) -> str | None:
    """Some venues refuse a stop that would trigger at once."""
    if order.order_type in PLAIN or not desk.settings.reject_immediate_trigger:
        return None
    touch = market.touch()
    if touch is None:
        return None
    lock = desk.account.lock_for(order, market)
    stop = working(order, 0, lock, market.instrument, desk.settings.trade_through_ticks)
    return "order would immediately trigger" if stop.hit(*touch) else None


def funds_suffice(order: ApprovedOrder, market: MarketState, desk: Desk) -> str | None:
    """What it may cost must be free now."""
    lock = desk.account.lock_for(order, market)
    if desk.account.covers(lock, lock_key(order)):
        return None
    return f"insufficient balance: {lock.unit * lock.quantity} {lock.asset} needed"


CHECKS: tuple[Check, ...] = (
    fields_fit,
    not_duplicate,
    status_allows,
    prices_on_tick,
    quantity_in_range,
    notional_enough,
    leverage_allowed,
    something_to_reduce,
    group_open,
    not_through,
    funds_suffice,
)


def _positive(price: Decimal | None) -> bool:
    return price is not None and price > ZERO
