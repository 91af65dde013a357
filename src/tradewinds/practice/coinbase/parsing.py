"""An order configuration as the exchange's order, checked as the product's rules ask."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from msgspec import Struct

from tradewinds.model.decimals import ONE, ZERO, floor_to_step, truncate_to_places
from tradewinds.model.market import Side
from tradewinds.practice.accounts import Account
from tradewinds.practice.coinbase import refusals
from tradewinds.practice.coinbase.figures import ns_of
from tradewinds.practice.coinbase.refusals import OrderRefused, bad_request
from tradewinds.practice.custody import fee_rate
from tradewinds.practice.listing import Listing
from tradewinds.practice.market import Market
from tradewinds.practice.orders import Order

UP, DOWN = "STOP_DIRECTION_STOP_UP", "STOP_DIRECTION_STOP_DOWN"
QUOTE_PLACES = 8
BRACKET_BAND = Decimal("0.05")
"""A triggered bracket works on as a limit order this far beyond its trigger."""


class Kind(Struct, frozen=True, kw_only=True):
    """What a configuration's name says."""

    type: str
    tif: str


KINDS = {
    "market_market_ioc": Kind(type="MARKET", tif="IOC"),
    "sor_limit_ioc": Kind(type="LIMIT", tif="IOC"),
    "limit_limit_gtc": Kind(type="LIMIT", tif="GTC"),
    "limit_limit_gtd": Kind(type="LIMIT", tif="GTD"),
    "limit_limit_fok": Kind(type="LIMIT", tif="FOK"),
    "stop_limit_stop_limit_gtc": Kind(type="STOP_LIMIT", tif="GTC"),
    "stop_limit_stop_limit_gtd": Kind(type="STOP_LIMIT", tif="GTD"),
    "trigger_bracket_gtc": Kind(type="BRACKET", tif="GTC"),
    "trigger_bracket_gtd": Kind(type="BRACKET", tif="GTD"),
}


def order_of(body: Mapping[str, Any], market: Market, account: Account) -> Order:
    """Raises ApiError for what is malformed, OrderRefused for what the rules forbid."""
    name, fields = configuration(body)
    kind, side = KINDS[name], side_of(body.get("side"))
    order = Order(
        account=account,
        symbol=market.listing.symbol,
        side=side,
        type=kind.type,
        quantity=ZERO,
        tif="GTC" if kind.tif == "GTD" else kind.tif,
        post_only=bool(fields.get("post_only")),
        client_id=str(body.get("client_order_id") or ""),
        labels={"configuration": {name: dict(fields)}, "type": kind.type, "tif": kind.tif},
    )
    _size(order, fields, market)
    if kind.type != "MARKET":
        order.price = amount(fields, "limit_price")
    if kind.type == "STOP_LIMIT":
        _stop(order, fields)
    if kind.type == "BRACKET":
        _bracket(order, fields)
    if kind.tif == "GTD":
        order.labels["end_ns"] = _end_ns(fields)
    _check(order, market)
    return order


def configuration(body: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Its one name and its fields."""
    told = body.get("order_configuration")
    if not isinstance(told, dict) or len(told) != 1:
        raise bad_request("order_configuration must have exactly one kind")
    name, fields = next(iter(told.items()))
    if name not in KINDS or not isinstance(fields, dict):
        raise bad_request(f"unknown order configuration {name!r}")
    return name, fields


def side_of(word: object) -> Side:
    """BUY or SELL."""
    if word not in ("BUY", "SELL"):
        raise bad_request("side must be BUY or SELL")
    return Side.BUY if word == "BUY" else Side.SELL


def amount(fields: Mapping[str, Any], name: str) -> Decimal:
    """Text with a number above zero."""
    value = fields.get(name)
    if not isinstance(value, str):
        raise bad_request(f"{name} must be text with a number")
    try:
        found = Decimal(value)
    except InvalidOperation as error:
        raise bad_request(f"{name} is not a number") from error
    if not found.is_finite() or found <= ZERO:
        raise bad_request(f"{name} must be above zero")
    return found


def worst(order: Order, listing: Listing) -> Decimal:
    """Where a triggered bracket works on."""
    trigger = order.labels["trigger"]
    assert isinstance(trigger, Decimal)
    return floor_to_step(trigger * (ONE - BRACKET_BAND), listing.tick)


def _size(order: Order, fields: Mapping[str, Any], market: Market) -> None:
    if "quote_size" not in fields:
        order.quantity = amount(fields, "base_size")
        return
    if order.labels["type"] != "MARKET" or order.side is not Side.BUY or "base_size" in fields:
        raise OrderRefused(refusals.UNSUPPORTED)
    spend = amount(fields, "quote_size")
    if spend % market.listing.tick:
        raise OrderRefused(refusals.QUOTE_PRECISION)
    # The sum includes the fee.
    rate = fee_rate(order.account, market.listing, maker=False)
    order.quote_quantity = truncate_to_places(spend / (ONE + rate), QUOTE_PLACES)
    price = market.average_to_take(order.side, ZERO) or ONE
    order.quantity = floor_to_step(order.quote_quantity / price, market.listing.step)


def _stop(order: Order, fields: Mapping[str, Any]) -> None:
    direction = fields.get("stop_direction")
    if direction not in (UP, DOWN):
        raise bad_request("stop_direction is not valid")
    order.stop_price = amount(fields, "stop_price")
    order.rises = direction == UP
    order.labels["stop_price"] = fields["stop_price"]


def _bracket(order: Order, fields: Mapping[str, Any]) -> None:
    """Only ways out of what is owned: a purchase as a bracket is not played."""
    if order.side is not Side.SELL:
        raise OrderRefused(refusals.UNSUPPORTED)
    order.labels["trigger"] = amount(fields, "stop_trigger_price")
    order.labels["stop_price"] = fields["stop_trigger_price"]


def _end_ns(fields: Mapping[str, Any]) -> int:
    ends = ns_of(str(fields.get("end_time")))
    if ends is None:
        raise bad_request("end_time is not a time")
    return ends


def _check(order: Order, market: Market) -> None:
    """Raises OrderRefused for the first rule that it breaks."""
    listing = market.listing
    _open(order, listing)
    trigger = order.labels.get("trigger")
    for price in (order.price, order.stop_price, trigger):
        if isinstance(price, Decimal) and price % listing.tick:
            raise OrderRefused(refusals.PRICE_PRECISION)
    if order.quote_quantity is None:
        _check_size(order, listing)
    worth = order.quote_quantity or order.quantity * (order.price or market.reference)
    if worth < listing.min_notional:
        raise OrderRefused(refusals.QUOTE_TOO_SMALL)
    if worth > listing.max_notional:
        raise OrderRefused(refusals.QUOTE_TOO_LARGE)
    _check_stop(order, market)


def _open(order: Order, listing: Listing) -> None:
    kind, post_only = order.labels["type"], order.post_only
    allowed = {
        "TRADING": True,
        "LIMIT_ONLY": kind != "MARKET",
        "POST_ONLY": post_only,
    }
    if not allowed.get(listing.status, False):
        raise OrderRefused(refusals.CLOSED)


def _check_size(order: Order, listing: Listing) -> None:
    if order.quantity % listing.step:
        raise OrderRefused(refusals.SIZE_PRECISION)
    if order.quantity < listing.min_quantity:
        raise OrderRefused(refusals.BASE_TOO_SMALL)
    if order.quantity > listing.max_quantity:
        raise OrderRefused(refusals.BASE_TOO_LARGE)


def _check_stop(order: Order, market: Market) -> None:
    trigger, last = order.labels.get("trigger"), market.reference
    if isinstance(trigger, Decimal) and order.price is not None:
        if trigger >= last > ZERO:
            raise OrderRefused(refusals.STOP_ABOVE)
        if trigger >= order.price:
            raise OrderRefused(refusals.STOP_LIMIT)
    if order.stop_price is None or order.price is None:
        return
    if last > ZERO and (order.stop_price <= last if order.rises else order.stop_price >= last):
        raise OrderRefused(refusals.STOP_BELOW if order.rises else refusals.STOP_ABOVE)
    sells_below = order.side is Side.SELL and order.price > order.stop_price and not order.rises
    buys_above = order.side is Side.BUY and order.price < order.stop_price and order.rises
    if sells_below or buys_above:
        raise OrderRefused(refusals.STOP_LIMIT)
