"""The only maker of ApprovedOrder. A check that cannot decide refuses."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct, structs

from tradewinds.model.decimals import ZERO, round_loss_up
from tradewinds.model.ids import ClientOrderId
from tradewinds.model.order import (
    ApprovedOrder,
    OrderIntent,
    OrderType,
    Purpose,
    Refusal,
    TimeInForce,
)
from tradewinds.model.portfolio import Trade
from tradewinds.risk.checks import CHECKS
from tradewinds.risk.exposure import leverage_of
from tradewinds.risk.limits import RiskLimits, RiskView
from tradewinds.risk.money import worst_loss

LIMIT, MARKET, STOP_MARKET = OrderType.LIMIT, OrderType.MARKET, OrderType.STOP_MARKET
GTC, IOC = TimeInForce.GTC, TimeInForce.IOC
STOP, TARGET = Purpose.STOP, Purpose.TARGET


class Closing(Struct, frozen=True, kw_only=True):
    """A wish that can only reduce: how much of a trade to close, why, at what trigger.

    `reduce_only` asks the venue to enforce it too, where it can (perpetuals).
    """

    purpose: Purpose
    quantity: Decimal
    decision_price: Decimal
    trigger_price: Decimal | None = None
    limit_price: Decimal | None = None
    oco_group: str = ""
    reduce_only: bool = False


def review(
    intent: OrderIntent, view: RiskView, limits: RiskLimits, order_id: ClientOrderId
) -> ApprovedOrder | Refusal:
    """Ask every question; permit only if none objects. Entries are limits: a worst price is law."""
    for name, check in CHECKS:
        reason = check(intent, view, limits)
        if reason is not None:
            return refuse(intent, name, reason, view.now_ns)
    loss = worst_loss(intent, view, limits)
    if loss is None or view.instrument is None:
        return refuse(intent, "loss_per_trade", "worst loss cannot be told", view.now_ns)
    return ApprovedOrder(
        client_order_id=order_id,
        trade_id=intent.trade_id,
        strategy_id=intent.strategy_id,
        instrument_id=intent.instrument_id,
        side=intent.side,
        order_type=LIMIT,
        quantity=intent.quantity,
        price=intent.price,
        purpose=intent.purpose,
        decision_price=intent.decision_price,
        worst_loss=round_loss_up(loss),
        time_in_force=IOC if intent.taking else GTC,
        post_only=not intent.taking,
        leverage=leverage_of(view.instrument, limits),
    )


def refuse(intent: OrderIntent, check: str, reason: str, time_ns: int) -> Refusal:
    """Our no, in words."""
    return Refusal(
        strategy_id=intent.strategy_id,
        instrument_id=intent.instrument_id,
        check=check,
        reason=reason,
        time_ns=time_ns,
    )


def approve_closing(trade: Trade, wish: Closing, order_id: ClientOrderId) -> ApprovedOrder:
    """Closing is always allowed, and never for more than the trade holds.

    Raises ValueError if it would close more: that is our own bug.
    """
    if not ZERO < wish.quantity <= trade.quantity:
        raise ValueError(f"closing {wish.quantity} of a trade that holds {trade.quantity}")
    return _way_out(trade, wish, order_id)


def approve_bracket(
    entry: ApprovedOrder, wishes: Sequence[Closing], order_ids: Sequence[ClientOrderId]
) -> tuple[ApprovedOrder, ...]:
    """The entry and the orders that wait at the venue until it has filled: they only reduce.

    Raises ValueError if one would close more than the entry buys: that is our own bug.
    """
    legs = []
    for wish, order_id in zip(wishes, order_ids, strict=True):
        if not ZERO < wish.quantity <= entry.quantity:
            raise ValueError(f"a leg of {wish.quantity} on an entry of {entry.quantity}")
        way_out = _way_out(entry, wish, order_id)
        legs.append(structs.replace(way_out, bracket=entry.client_order_id))
    return structs.replace(entry, bracket=entry.client_order_id), *legs


def approve_continuation(
    intent: OrderIntent, order_id: ClientOrderId, *, at_market: bool
) -> ApprovedOrder:
    """A later leg, or the unwind, of a basket whose worst loss was approved with its first leg.

    It sells or spends only what the basket already holds, so it adds no risk of its own.
    """
    return ApprovedOrder(
        client_order_id=order_id,
        trade_id=intent.trade_id,
        strategy_id=intent.strategy_id,
        instrument_id=intent.instrument_id,
        side=intent.side,
        order_type=MARKET if at_market else LIMIT,
        quantity=intent.quantity,
        price=None if at_market else intent.price,
        purpose=intent.purpose,
        decision_price=intent.decision_price,
        worst_loss=ZERO,
        time_in_force=IOC,
    )


def _way_out(of: Trade | ApprovedOrder, wish: Closing, order_id: ClientOrderId) -> ApprovedOrder:
    """What a round trip, or the order that opens it, is left by: risks nothing."""
    return ApprovedOrder(
        client_order_id=order_id,
        trade_id=of.trade_id,
        strategy_id=of.strategy_id,
        instrument_id=of.instrument_id,
        side=of.side.opposite,
        order_type=_closing_type(wish),
        quantity=wish.quantity,
        price=wish.limit_price,
        trigger_price=wish.trigger_price,
        purpose=wish.purpose,
        decision_price=wish.decision_price,
        worst_loss=ZERO,
        reduce_only=wish.reduce_only,
        oco_group=wish.oco_group,
    )


def _closing_type(wish: Closing) -> OrderType:
    if wish.purpose is STOP:
        return STOP_MARKET
    if wish.purpose is TARGET:
        return LIMIT
    return MARKET
