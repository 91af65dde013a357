"""Binance's filters, applied to an order as the symbol lists them."""

from decimal import Decimal

from tradewinds.model.decimals import ZERO
from tradewinds.practice.binance.refusals import ApiError
from tradewinds.practice.listing import Listing
from tradewinds.practice.market import Market
from tradewinds.practice.orders import Order

PRECISION = 8


def failed(name: str) -> ApiError:
    """`Filter failure: LOT_SIZE` and so on."""
    return ApiError(-1013, f"Filter failure: {name}")


def check_spot(order: Order, market: Market, open_orders: list[Order]) -> None:
    """Raises ApiError for the first filter that `order` breaks."""
    _precise(order)
    listing = market.listing
    for price in (order.price, order.stop_price):
        if price is not None:
            check_price(price, listing)
    if order.price is not None:
        check_percent(order.price, market)
    if order.quote_quantity is None:
        check_lot(order, listing)
    check_notional(order, market)
    if len(open_orders) >= listing.max_orders:
        raise failed("MAX_NUM_ORDERS")
    stops = sum(other.stop_price is not None for other in open_orders)
    if order.stop_price is not None and stops >= listing.max_stop_orders:
        raise failed("MAX_NUM_ALGO_ORDERS")


def check_price(price: Decimal, listing: Listing) -> None:
    """Between the bounds and on the tick."""
    low = listing.min_price or listing.tick
    if price < low or price > listing.max_price or price % listing.tick != ZERO:
        raise failed("PRICE_FILTER")


def check_percent(price: Decimal, market: Market) -> None:
    """Not absurdly far from the reference price."""
    reference, listing = market.reference, market.listing
    if reference <= ZERO or not listing.percent_up:
        return
    if price > reference * listing.percent_up or price < reference * listing.percent_down:
        raise failed("PERCENT_PRICE_BY_SIDE")


def check_lot(order: Order, listing: Listing) -> None:
    """Whole steps within the bounds; market orders have bounds of their own on top."""
    quantity = order.quantity
    if not listing.min_quantity <= quantity <= listing.max_quantity or quantity % listing.step:
        raise failed("LOT_SIZE")
    if order.price is None:
        step = listing.market_step
        if not listing.market_min_quantity <= quantity <= listing.market_max_quantity:
            raise failed("MARKET_LOT_SIZE")
        if step and quantity % step:
            raise failed("MARKET_LOT_SIZE")


def check_notional(order: Order, market: Market) -> None:
    """Worth enough, and not too much."""
    price = order.price or order.stop_price or market.reference
    worth = order.quote_quantity or order.quantity * price
    if worth < market.listing.min_notional or worth > market.listing.max_notional:
        raise failed("NOTIONAL")


def _precise(order: Order) -> None:
    for name, value in (
        ("quantity", order.quantity),
        ("price", order.price),
        ("stopPrice", order.stop_price),
        ("quoteOrderQty", order.quote_quantity),
    ):
        exponent = value.normalize().as_tuple().exponent if value else 0
        if isinstance(exponent, int) and -exponent > PRECISION:
            raise ApiError(-1111, f"Parameter '{name}' has too much precision.")
