"""An order and its fills as queries tell them, and as the user channel does."""

from typing import Any

from tradewinds.model.decimals import ZERO
from tradewinds.model.market import Side
from tradewinds.practice.coinbase.figures import iso, order_uuid, plain, side_word, uuid_of
from tradewinds.practice.orders import Fill, Order, Status

Json = dict[str, Any]
STATUSES = {
    Status.PENDING_NEW: "PENDING",
    Status.NEW: "OPEN",
    Status.PARTIALLY_FILLED: "OPEN",
    Status.FILLED: "FILLED",
    Status.CANCELED: "CANCELLED",
    Status.REJECTED: "FAILED",
    Status.EXPIRED: "EXPIRED",
    Status.EXPIRED_IN_MATCH: "CANCELLED",
}
TIFS = {
    "IOC": "IMMEDIATE_OR_CANCEL",
    "FOK": "FILL_OR_KILL",
    "GTD": "GOOD_UNTIL_DATE_TIME",
    "GTC": "GOOD_UNTIL_CANCELLED",
}
CHANNEL_TYPES = {
    "MARKET": "Market",
    "LIMIT": "Limit",
    "STOP_LIMIT": "Stop Limit",
    "BRACKET": "Bracket",
}


def status_of(order: Order) -> str:
    """What did not fill at once is cancelled here; only a date expires an order."""
    word = STATUSES[order.status]
    at_once = order.labels.get("tif") in ("IOC", "FOK")
    if word == "EXPIRED" and order.labels.get("type") == "MARKET" and order.filled:
        return "FILLED"
    return "CANCELLED" if word == "EXPIRED" and at_once else word


def trigger_status(order: Order) -> str:
    """Of a stop or a bracket."""
    if order.labels.get("type") not in ("STOP_LIMIT", "BRACKET"):
        return "INVALID_ORDER_TYPE"
    return "STOP_TRIGGERED" if order.triggered else "STOP_PENDING"


def queried(order: Order) -> Json:
    """As the historical endpoints tell it."""
    fees = sum((fill.fee for fill in order.fills), ZERO)
    last = order.fills[-1].time_ns if order.fills else None
    return {
        "order_id": order_uuid(order.id),
        "product_id": order.symbol,
        "user_id": uuid_of(f"user {order.account.name}"),
        "order_configuration": order.labels["configuration"],
        "side": side_word(order.side),
        "client_order_id": order.client_id,
        "status": status_of(order),
        "time_in_force": TIFS[str(order.labels["tif"])],
        "created_time": iso(order.created_ns),
        "completion_percentage": _completed(order),
        "filled_size": plain(order.filled),
        "average_filled_price": plain(order.average_price),
        "fee": "",
        "number_of_fills": str(len(order.fills)),
        "filled_value": plain(order.cost),
        "pending_cancel": False,
        "size_in_quote": order.quote_quantity is not None,
        "total_fees": plain(fees),
        "size_inclusive_of_fees": order.quote_quantity is not None,
        "total_value_after_fees": plain(_after_fees(order)),
        "trigger_status": trigger_status(order),
        "order_type": order.labels["type"],
        "reject_reason": "REJECT_REASON_UNSPECIFIED",
        "settled": not order.is_open,
        "product_type": "SPOT",
        "reject_message": "",
        "cancel_message": "User requested cancel" if order.status is Status.CANCELED else "",
        "order_placement_source": "RETAIL_ADVANCED",
        "outstanding_hold_amount": plain(order.hold.amount if order.hold else ZERO),
        "is_liquidation": False,
        "last_fill_time": None if last is None else iso(last),
        "edit_history": [],
        "leverage": "",
        "margin_type": "UNKNOWN_MARGIN_TYPE",
        "retail_portfolio_id": portfolio_of(order.account.name),
        "originating_order_id": "",
        "attached_order_id": "",
    }


def told(order: Order) -> Json:
    """As the user channel tells it: totals so far, everything as text."""
    fees = sum((fill.fee for fill in order.fills), ZERO)
    kind = str(order.labels["type"])
    return {
        "avg_price": plain(order.average_price),
        "cancel_reason": "User requested cancel" if order.status is Status.CANCELED else "",
        "client_order_id": order.client_id,
        "completion_percentage": _completed(order),
        "contract_expiry_type": "UNKNOWN_CONTRACT_EXPIRY_TYPE",
        "cumulative_quantity": plain(order.filled),
        "filled_value": plain(order.cost),
        "leaves_quantity": plain(order.remaining if order.is_open else ZERO),
        "limit_price": plain(order.price or ZERO),
        "number_of_fills": str(len(order.fills)),
        "order_id": order_uuid(order.id),
        "order_side": side_word(order.side),
        "order_type": CHANNEL_TYPES[kind],
        "outstanding_hold_amount": plain(order.hold.amount if order.hold else ZERO),
        "post_only": "true" if order.post_only else "false",
        "product_id": order.symbol,
        "product_type": "SPOT",
        "reject_reason": "",
        "retail_portfolio_id": portfolio_of(order.account.name),
        "risk_managed_by": "UNKNOWN_RISK_MANAGEMENT_TYPE",
        "status": status_of(order),
        "stop_price": str(order.labels.get("stop_price", "")),
        "time_in_force": TIFS[str(order.labels["tif"])],
        "total_fees": plain(fees),
        "total_value_after_fees": plain(_after_fees(order)),
        "trigger_status": trigger_status(order),
        "creation_time": iso(order.created_ns),
        "end_time": "0001-01-01T00:00:00Z",
        "start_time": "0001-01-01T00:00:00Z",
    }


def filled(order: Order, fill: Fill) -> Json:
    """One match. An order meets itself in nobody: trade and order together name it."""
    return {
        "entry_id": uuid_of(f"entry {fill.symbol} {fill.trade_id} {order.id}").replace("-", ""),
        "trade_id": uuid_of(f"trade {fill.symbol} {fill.trade_id}"),
        "order_id": order_uuid(order.id),
        "trade_time": iso(fill.time_ns),
        "trade_type": "FILL",
        "price": plain(fill.price),
        "size": plain(fill.quantity),
        "commission": plain(fill.fee),
        "product_id": fill.symbol,
        "sequence_timestamp": iso(fill.time_ns),
        "liquidity_indicator": "MAKER" if fill.maker else "TAKER",
        "size_in_quote": False,
        "user_id": uuid_of(f"user {order.account.name}"),
        "side": side_word(fill.side),
        "retail_portfolio_id": portfolio_of(order.account.name),
    }


def portfolio_of(name: str) -> str:
    """Every account has one portfolio."""
    return uuid_of(f"portfolio {name}")


def _completed(order: Order) -> str:
    if not order.quantity:
        return "0"
    share = order.filled / order.quantity * 100
    return "100.00" if order.status is Status.FILLED else f"{share:.2f}" if share else "0"


def _after_fees(order: Order) -> Any:
    fees = sum((fill.fee for fill in order.fills), ZERO)
    return order.cost + fees if order.side is Side.BUY else order.cost - fees
