"""What USD-M refuses before it matches: filters, position mode, reduce-only."""

from decimal import Decimal

from tradewinds.model.decimals import ZERO
from tradewinds.practice.binance.params import Params
from tradewinds.practice.binance.refusals import ApiError
from tradewinds.practice.exchange import Exchange
from tradewinds.practice.listing import Listing
from tradewinds.practice.margin import BOTH, LONG, SHORT, MarginCustody
from tradewinds.practice.market import Market
from tradewinds.practice.orders import Order


def too_precise() -> ApiError:
    """More digits than the symbol has."""
    return ApiError(-1111, "Precision is over the maximum defined for this asset.")


def position_side(params: Params, *, hedged: bool) -> str:
    """BOTH in one-way mode, LONG or SHORT in hedge mode. Raises ApiError -4061."""
    side = params.text("positionSide") or BOTH
    if side not in (BOTH, LONG, SHORT):
        raise ApiError(-1130, "Data sent for parameter 'positionSide' is not valid.")
    if hedged == (side == BOTH):
        raise ApiError(-4061, "Order's position side does not match user's setting.")
    return side


def check_price(price: Decimal | None, market: Market, name: str = "Price") -> None:
    """On the tick, within bounds."""
    listing = market.listing
    if price is None:
        return
    if _digits(price) > listing.price_places:
        raise too_precise()
    if price < (listing.min_price or listing.tick):
        raise ApiError(-4013, f"{name} less than min price.")
    if price > listing.max_price:
        raise ApiError(-4002, f"{name} greater than max price.")
    if price % listing.tick:
        raise ApiError(-4014, f"{name} not increased by tick size.")


def check_order(order: Order, market: Market) -> None:
    """Raises ApiError for the first rule broken."""
    check_quantity(order.quantity, order.price is None, market.listing)
    check_price(order.price, market)
    reference = market.mark_price
    if order.price is not None and reference > ZERO:
        top = reference * market.listing.percent_up
        bottom = reference * market.listing.percent_down
        if order.price > top:
            raise ApiError(-4016, f"Limit price can't be higher than {top:f}.")
        if order.price < bottom:
            raise ApiError(-4024, f"Limit price can't be lower than {bottom:f}.")
    worth = order.quantity * (order.price or reference)
    if worth < market.listing.min_notional and not order.reduce_only:
        least = f"{market.listing.min_notional:f}"
        raise ApiError(
            -4164,
            f"Order's notional must be no smaller than {least} (unless you choose reduce only).",
        )


def check_quantity(quantity: Decimal, market_order: bool, listing: Listing) -> None:
    """Whole steps within the bounds."""
    if _digits(quantity) > listing.quantity_places:
        raise too_precise()
    if quantity <= ZERO:
        raise ApiError(-4003, "Quantity less than or equal to zero.")
    if quantity < listing.min_quantity:
        raise ApiError(-4004, "Quantity less than min quantity.")
    most = listing.market_max_quantity if market_order else listing.max_quantity
    if quantity > most:
        raise ApiError(-4005, "Quantity greater than max quantity.")


def check_reduce_only(order: Order, exchange: Exchange, custody: MarginCustody) -> None:
    """-2022 where there is nothing to reduce; -4118 where resting orders reduce it already.

    The second rule is modelled after reports of users: Binance does not publish it.
    """
    closable = custody.position_of(order).closable(order.side)
    if closable <= ZERO:
        raise ApiError(-2022, "ReduceOnly Order is rejected.")
    resting = sum(
        (
            other.remaining
            for other in exchange.open_orders(order.account, order.symbol)
            if other.reduce_only
            and other.side is order.side
            and other.position_side == order.position_side
        ),
        ZERO,
    )
    if resting > ZERO and resting + order.quantity > closable:
        raise ApiError(
            -4118,
            "ReduceOnly Order Failed. Please check your existing position and open orders",
        )


def check_market_price(order: Order, market: Market) -> None:
    """-4131: the best price of the other side is too far from the mark."""
    best = market.book.side(order.side.opposite).best()
    reference = market.mark_price
    if order.price is not None or best is None or reference <= ZERO:
        return
    up, down = market.listing.percent_up, market.listing.percent_down
    if best > reference * up or best < reference * down:
        raise ApiError(
            -4131,
            "The counterparty's best price does not meet the PERCENT_PRICE filter limit.",
        )


def _digits(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
