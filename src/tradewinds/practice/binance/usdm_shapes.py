"""USD-M orders, fills and positions as answers spell them."""

from decimal import Decimal

from tradewinds.model.decimals import ZERO
from tradewinds.practice.binance.figures import fixed, ms, side_name
from tradewinds.practice.listing import Listing
from tradewinds.practice.orders import Fill, Order

Json = dict[str, object]


def placed(order: Order, listing: Listing) -> Json:
    """Answer to a new order or a cancel. Prices of fills are not in it: see userTrades."""
    price, size = listing.price_places, listing.quantity_places
    return {
        "orderId": order.id,
        "symbol": order.symbol,
        "status": str(order.status),
        "clientOrderId": order.client_id,
        "price": fixed(order.price or ZERO, price),
        "origQty": fixed(order.quantity, size),
        "executedQty": fixed(order.filled, size),
        "cumQty": fixed(order.filled, size),
        "timeInForce": order.tif,
        "type": order.type,
        "reduceOnly": order.reduce_only,
        "closePosition": bool(order.labels.get("closePosition")),
        "side": side_name(order.side),
        "positionSide": order.position_side,
        "stopPrice": fixed(ZERO, price),
        "workingType": order.labels.get("workingType", "CONTRACT_PRICE"),
        "priceProtect": False,
        "origType": order.labels.get("origType", order.type),
        "priceMatch": "NONE",
        "selfTradePreventionMode": order.stp,
        "goodTillDate": 0,
        "updateTime": ms(order.updated_ns),
    }


def queried(order: Order, listing: Listing) -> Json:
    """Answer to a query."""
    shape = placed(order, listing)
    shape.pop("cumQty")
    return shape | {
        "avgPrice": fixed(order.average_price, listing.price_places),
        "cumQuote": fixed(order.cost, 5),
        "time": ms(order.created_ns),
    }


def trade(fill: Fill, order: Order, listing: Listing) -> Json:
    """A row of userTrades."""
    return {
        "symbol": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "side": side_name(fill.side),
        "price": fixed(fill.price, listing.price_places),
        "qty": fixed(fill.quantity, listing.quantity_places),
        "realizedPnl": fixed(fill.profit),
        "quoteQty": fixed(fill.quote_quantity, 5),
        "commission": fixed(fill.fee),
        "commissionAsset": fill.fee_asset,
        "time": ms(fill.time_ns),
        "positionSide": order.position_side,
        "maker": fill.maker,
        "buyer": side_name(fill.side) == "BUY",
    }


def money(amount: Decimal) -> str:
    """Eight digits."""
    return fixed(amount, 8)
