"""Spot orders as answers spell them."""

from decimal import Decimal

from tradewinds.model.decimals import ZERO
from tradewinds.practice.binance.figures import fixed, ms, side_name
from tradewinds.practice.orders import Fill, Order, OrderGroup

Json = dict[str, object]
STOP_TYPES = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})


def ack(order: Order) -> Json:
    """The shortest answer to a new order."""
    return {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": list_id(order),
        "clientOrderId": order.client_id,
        "transactTime": ms(order.updated_ns),
    }


def result(order: Order) -> Json:
    """What became of it at once."""
    return {
        **ack(order),
        **_figures(order),
        "workingTime": ms(order.working_ns),
        "selfTradePreventionMode": order.stp,
        **_optional(order),
    }


def full(order: Order) -> Json:
    """With its fills."""
    return {**result(order), "fills": [_fill(fill) for fill in order.fills]}


def placed(order: Order, response_type: str | None) -> Json:
    """As `newOrderRespType` asks; FULL for plain orders, ACK for others."""
    plain_type = order.type in ("LIMIT", "MARKET")
    shape = response_type or ("FULL" if plain_type else "ACK")
    return {"ACK": ack, "RESULT": result}.get(shape, full)(order)


def canceled(order: Order, cancel_id: str) -> Json:
    """Answer to a cancel."""
    return {
        **ack(order),
        "origClientOrderId": order.client_id,
        "clientOrderId": cancel_id,
        **_figures(order),
        "selfTradePreventionMode": order.stp,
        **_optional(order),
    }


def queried(order: Order) -> Json:
    """Answer to a query."""
    shape: Json = {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": list_id(order),
        "clientOrderId": order.client_id,
        **_figures(order),
        "stopPrice": fixed(order.stop_price or ZERO),
        "icebergQty": fixed(ZERO),
        "time": ms(order.created_ns),
        "updateTime": ms(order.updated_ns),
        "isWorking": order.working_ns >= 0,
        "workingTime": ms(order.working_ns),
        "selfTradePreventionMode": order.stp,
        **_optional(order),
    }
    if order.expiry_reason:
        shape["expiryReason"] = order.expiry_reason
    return shape


def trade(fill: Fill, order: Order) -> Json:
    """A row of myTrades."""
    return {
        "symbol": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "orderListId": list_id(order),
        "price": fixed(fill.price),
        "qty": fixed(fill.quantity),
        "quoteQty": fixed(fill.quote_quantity),
        "commission": fixed(fill.fee),
        "commissionAsset": fill.fee_asset,
        "time": ms(fill.time_ns),
        "isBuyer": side_name(fill.side) == "BUY",
        "isMaker": fill.maker,
        "isBestMatch": True,
    }


def group(group: OrderGroup) -> Json:
    """An order list without its reports."""
    done = group.done
    return {
        "orderListId": group.id,
        "contingencyType": group.contingency,
        "listStatusType": "ALL_DONE" if done else "EXEC_STARTED",
        "listOrderStatus": "ALL_DONE" if done else "EXECUTING",
        "listClientOrderId": group.client_id,
        "transactionTime": ms(max(order.updated_ns for order in group.orders)),
        "symbol": group.symbol,
        "orders": [
            {"symbol": o.symbol, "orderId": o.id, "clientOrderId": o.client_id}
            for o in group.orders
        ],
    }


def list_id(order: Order) -> int:
    """-1 outside a list."""
    return -1 if order.group is None else order.group.id


def _figures(order: Order) -> Json:
    return {
        "price": fixed(order.price or ZERO),
        "origQty": fixed(order.quantity),
        "executedQty": fixed(order.filled),
        "origQuoteOrderQty": fixed(order.quote_quantity or ZERO),
        "cummulativeQuoteQty": fixed(order.cost),
        "status": str(order.status),
        "timeInForce": order.tif,
        "type": order.type,
        "side": side_name(order.side),
    }


def _optional(order: Order) -> Json:
    shape: Json = {}
    if order.type in STOP_TYPES:
        shape["stopPrice"] = fixed(order.stop_price or ZERO)
    if order.prevented > ZERO:
        shape["preventedMatchId"] = order.id
        shape["preventedQuantity"] = fixed(order.prevented)
    for name in ("strategyId", "strategyType"):
        if name in order.labels:
            shape[name] = order.labels[name]
    return shape


def _fill(fill: Fill) -> Json:
    return {
        "price": fixed(fill.price),
        "qty": fixed(fill.quantity),
        "commission": fixed(fill.fee),
        "commissionAsset": fill.fee_asset,
        "tradeId": fill.trade_id,
    }


def rate_text(rate: Decimal) -> str:
    """A fee rate."""
    return fixed(rate)
