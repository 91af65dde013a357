"""A spot order out of its parameters, or Binance's word for what is wrong with them."""

from tradewinds.model.decimals import ZERO, floor_to_step
from tradewinds.model.market import Side
from tradewinds.practice.accounts import Account
from tradewinds.practice.binance.params import Params
from tradewinds.practice.binance.refusals import ApiError, missing
from tradewinds.practice.binance.spot_shapes import STOP_TYPES
from tradewinds.practice.exchange import Exchange
from tradewinds.practice.market import Market
from tradewinds.practice.orders import Order

TYPES = frozenset({"LIMIT", "MARKET", "LIMIT_MAKER"}) | STOP_TYPES
PRICED = frozenset({"LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})
STP_MODES = frozenset({"NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"})


def market_of(exchange: Exchange, params: Params) -> Market:
    """Raises ApiError for an unknown symbol."""
    market = exchange.markets.get(params.need("symbol"))
    if market is None:
        raise ApiError(-1121, "Invalid symbol.")
    return market


def order_of(params: Params, market: Market, account: Account) -> Order:
    """A single order."""
    order = leg_of(params, market, account, params.side())
    if order.type != "MARKET":
        params.forbid("quoteOrderQty")
    elif params.text("quoteOrderQty") is not None:
        params.forbid("quantity")
        _spend(order, params, market)
    if order.quote_quantity is None:
        order.quantity = params.amount("quantity")
    order.client_id = params.client_id("newClientOrderId")
    return order


def leg_of(params: Params, market: Market, account: Account, side: Side) -> Order:
    """What single orders and legs of lists share. Its quantity is still zero."""
    kind = params.need("type")
    if kind not in TYPES:
        raise ApiError(-1116, "Invalid orderType.")
    order = Order(
        account=account, symbol=market.listing.symbol, side=side, type=kind, quantity=ZERO
    )
    if kind in PRICED:
        order.price = params.amount("price")
    else:
        params.forbid("price")
    _time(order, params)
    if kind in STOP_TYPES:
        order.stop_price = params.amount("stopPrice")
        order.rises = (side is Side.BUY) == kind.startswith("STOP_LOSS")
    else:
        params.forbid("stopPrice")
    order.post_only = kind == "LIMIT_MAKER"
    order.stp = _stp(params)
    for name in ("strategyId", "strategyType"):
        value = params.whole(name)
        if value is not None:
            order.labels[name] = value
    return order


def _time(order: Order, params: Params) -> None:
    if order.type in ("LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"):
        order.tif = params.tif(must=True)
        if order.tif not in ("GTC", "IOC", "FOK"):
            raise ApiError(-1115, "Invalid timeInForce.")
    else:
        params.forbid("timeInForce")


def _spend(order: Order, params: Params, market: Market) -> None:
    order.quote_quantity = params.amount("quoteOrderQty")
    best = market.book.side(order.side.opposite).best() or market.reference
    if best <= ZERO:
        raise ApiError(-2010, "Order book liquidity is less than symbol minimum quantity.")
    order.quantity = floor_to_step(order.quote_quantity / best, market.listing.step)


def _stp(params: Params) -> str:
    mode = params.text("selfTradePreventionMode") or "NONE"
    if mode not in STP_MODES:
        raise ApiError(-1130, "Data sent for parameter 'selfTradePreventionMode' is not valid.")
    return mode


def which(params: Params, by_id: str, by_client: str) -> tuple[int | None, str | None]:
    """The order a request is about. Raises ApiError where it says neither."""
    order_id, client_id = params.whole(by_id), params.text(by_client)
    if order_id is None and client_id is None:
        raise ApiError(
            -1102,
            f"Param '{by_client}' or '{by_id}' must be sent, but both were empty/null!",
        )
    return order_id, client_id


def positive(params: Params, name: str) -> None:
    """Raises ApiError where it is absent."""
    if params.text(name) is None:
        raise missing(params.name(name))
