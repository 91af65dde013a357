"""Events of a spot user stream."""

from tradewinds.model.decimals import ZERO
from tradewinds.practice.accounts import Account
from tradewinds.practice.binance.figures import fixed, ms, plain, side_name
from tradewinds.practice.binance.spot_shapes import list_id
from tradewinds.practice.clock import VenueClock
from tradewinds.practice.orders import (
    AccountChanged,
    GroupChanged,
    Order,
    OrderChanged,
    OrderGroup,
    Transferred,
    VenueEvent,
)

Json = dict[str, object]


def account_and_payload(event: VenueEvent, clock: VenueClock) -> tuple[Account, Json] | None:
    """Whose stream it belongs on, and what is said there; None where it is public."""
    match event:
        case OrderChanged():
            return event.order.account, execution_report(event, clock)
        case GroupChanged():
            return event.group.account, list_status(event.group, clock)
        case AccountChanged():
            return event.account, account_position(event, clock)
        case Transferred():
            return event.account, balance_update(event, clock)
    return None


def execution_report(event: OrderChanged, clock: VenueClock) -> Json:
    """The long one."""
    order, fill = event.order, event.fill
    canceled = event.execution == "CANCELED"
    shape: Json = {
        "e": "executionReport",
        "E": clock.now_ms(),
        "s": order.symbol,
        "c": (event.cancel_id or order.client_id) if canceled else order.client_id,
        "S": side_name(order.side),
        "o": order.type,
        "f": order.tif,
        "q": fixed(order.quantity),
        "p": fixed(order.price or ZERO),
        "P": fixed(order.stop_price or ZERO),
        "F": fixed(ZERO),
        "g": list_id(order),
        "C": order.client_id if canceled else "",
        "x": event.execution,
        "X": str(order.status),
        "r": "NONE",
        "i": order.id,
        "l": fixed(fill.quantity if fill else ZERO),
        "z": fixed(order.filled),
        "L": fixed(fill.price if fill else ZERO),
        "n": plain(fill.fee) if fill else "0",
        "N": fill.fee_asset if fill else None,
        "T": ms(fill.time_ns if fill else order.updated_ns),
        "t": fill.trade_id if fill else -1,
        "I": order.id * 1_000 + len(order.fills),
        "w": order.is_open and not order.waits,
        "m": fill.maker if fill else False,
        "M": bool(fill),
        "O": ms(order.created_ns),
        "Z": fixed(order.cost),
        "Y": fixed(fill.quote_quantity if fill else ZERO),
        "Q": fixed(order.quote_quantity or ZERO),
        "V": order.stp,
    }
    return shape | _conditional(order, event.execution)


def _conditional(order: Order, execution: str) -> Json:
    shape: Json = {}
    if order.working_ns >= 0:
        shape["W"] = ms(order.working_ns)
    if execution == "TRADE_PREVENTION":
        shape |= {"v": order.id, "A": fixed(order.prevented), "B": fixed(order.prevented)}
    if execution == "EXPIRED" and order.expiry_reason:
        shape["eR"] = order.expiry_reason
    for letter, name in (("j", "strategyId"), ("J", "strategyType")):
        if name in order.labels:
            shape[letter] = order.labels[name]
    return shape


def list_status(group: OrderGroup, clock: VenueClock) -> Json:
    """A list began or is done."""
    return {
        "e": "listStatus",
        "E": clock.now_ms(),
        "s": group.symbol,
        "g": group.id,
        "c": group.contingency,
        "l": "ALL_DONE" if group.done else "EXEC_STARTED",
        "L": "ALL_DONE" if group.done else "EXECUTING",
        "r": "NONE",
        "C": group.client_id,
        "T": clock.now_ms(),
        "O": [{"s": o.symbol, "i": o.id, "c": o.client_id} for o in group.orders],
    }


def account_position(event: AccountChanged, clock: VenueClock) -> Json:
    """Balances that may have changed."""
    account = event.account
    return {
        "e": "outboundAccountPosition",
        "E": clock.now_ms(),
        "u": clock.now_ms(),
        "B": [
            {
                "a": asset,
                "f": fixed(account.balance(asset).free),
                "l": fixed(account.balance(asset).locked),
            }
            for asset in sorted(event.assets)
        ],
    }


def balance_update(event: Transferred, clock: VenueClock) -> Json:
    """Money came or went."""
    return {
        "e": "balanceUpdate",
        "E": clock.now_ms(),
        "a": event.asset,
        "d": fixed(event.amount),
        "T": clock.now_ms(),
    }
