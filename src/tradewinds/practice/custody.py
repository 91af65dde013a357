"""Whose money moves how: the port of the exchange to its customers' money, and the spot kind."""

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

from msgspec import structs

from tradewinds.model.decimals import ONE, ZERO, floor_to_step, truncate_to_places
from tradewinds.model.market import Side
from tradewinds.practice.accounts import Account
from tradewinds.practice.listing import Listing
from tradewinds.practice.orders import INSUFFICIENT_BALANCE, Fill, Hold, Order, Refused

FEE_PLACES = 8
FEE_ASSET_SHARE = Decimal("0.75")
"""A fee paid in the venue's own asset costs three quarters."""


class Custody(Protocol):
    """What the exchange needs to know about money."""

    def reserve(self, order: Order, listing: Listing, price: Decimal | None) -> None:
        """Set aside what `order` may cost, at `price` where it has none. Raises Refused."""

    def most(self, order: Order, listing: Listing, price: Decimal) -> Decimal:
        """How much of `order` could be paid for at `price`."""

    def settle(self, order: Order, listing: Listing, match: Fill) -> tuple[Fill, frozenset[str]]:
        """Move what a match moves. Answers it with fee and profit, and the assets that changed."""

    def release(self, order: Order, listing: Listing) -> frozenset[str]:
        """Give back what is no longer needed; the assets that changed."""


class SpotCustody:
    """Assets change hands; what an order may spend is locked.

    `price_of(asset, quote)` values the fee asset, or answers None. `fees_on_top`: buyers pay the
    fee in quote on top of the price, and their holds cover it.
    """

    def __init__(
        self, price_of: Callable[[str, str], Decimal | None], *, fees_on_top: bool = False
    ) -> None:
        self._price_of = price_of
        self._fees_on_top = fees_on_top

    def reserve(self, order: Order, listing: Listing, price: Decimal | None) -> None:
        """Orders of a group that already holds enough share its hold."""
        asset, amount = self._need(order, listing, price)
        if order.hold is not None:
            if order.hold.amount >= amount:
                return
            amount -= order.hold.amount
        balance = order.account.balance(asset)
        if balance.free < amount:
            raise Refused(INSUFFICIENT_BALANCE)
        balance.free -= amount
        balance.locked += amount
        if order.hold is None:
            order.hold = Hold(asset=asset, amount=ZERO)
        order.hold.amount += amount

    def most(self, order: Order, listing: Listing, price: Decimal) -> Decimal:
        """A buyer's hold and free money; a seller's hold is the thing itself."""
        if _sells(order) or price <= ZERO:
            return order.remaining
        money = order.account.balance(listing.quote).free
        money += order.hold.amount if order.hold else ZERO
        unit = price * self._with_fee(order, listing)
        return min(order.remaining, floor_to_step(money / unit, listing.step))

    def settle(self, order: Order, listing: Listing, match: Fill) -> tuple[Fill, frozenset[str]]:
        """The fee comes out of what is received, unless the account pays it in the fee asset or
        on top."""
        paid = listing.quote if order.side is Side.BUY else listing.base
        got = listing.base if order.side is Side.BUY else listing.quote
        spent = match.quote_quantity if order.side is Side.BUY else match.quantity
        gained = match.quantity if order.side is Side.BUY else match.quote_quantity
        charged = (listing.quote, match.quote_quantity) if self._fees_on_top else (got, gained)
        fee, fee_asset = self._fee(order.account, listing, match, charged)
        on_top = self._fees_on_top and order.side is Side.BUY
        self._spend(order, paid, spent + fee if on_top else spent)
        order.account.balance(got).free += gained
        if not on_top:
            order.account.balance(fee_asset).free -= fee
        settled = structs.replace(match, fee=fee, fee_asset=fee_asset)
        return settled, frozenset({paid, got, fee_asset})

    def release(self, order: Order, listing: Listing) -> frozenset[str]:
        """What no open order of the same hold can still spend."""
        hold = order.hold
        if hold is None:
            return frozenset()
        sharing = order.group.orders if order.group else [order]
        still = [o for o in sharing if o.hold is hold and o.is_open]
        priced = [o for o in still if o.price or _sells(o)]
        keep = max((self._need(o, listing, None)[1] for o in priced), default=ZERO)
        if not still:
            keep = ZERO
        elif any(o.price is None and not _sells(o) for o in still):
            keep = hold.amount
        excess = hold.amount - keep
        if excess <= ZERO:
            return frozenset()
        hold.amount = keep
        balance = order.account.balance(hold.asset)
        balance.locked -= excess
        balance.free += excess
        return frozenset({hold.asset})

    def _need(self, order: Order, listing: Listing, price: Decimal | None) -> tuple[str, Decimal]:
        asset, amount = need(order, listing, price)
        return asset, amount * self._with_fee(order, listing)

    def _with_fee(self, order: Order, listing: Listing) -> Decimal:
        """What a unit of money costs a buyer; the dearer fee, since nobody knows yet which."""
        if not self._fees_on_top or _sells(order):
            return ONE
        rates = (fee_rate(order.account, listing, maker=maker) for maker in (True, False))
        return ONE + max(rates)

    def _spend(self, order: Order, asset: str, amount: Decimal) -> None:
        balance = order.account.balance(asset)
        held = min(amount, order.hold.amount) if order.hold else ZERO
        if order.hold is not None:
            order.hold.amount -= held
        balance.locked -= held
        balance.free -= amount - held

    def _fee(
        self, account: Account, listing: Listing, match: Fill, charged: tuple[str, Decimal]
    ) -> tuple[Decimal, str]:
        rate = fee_rate(account, listing, maker=match.maker)
        asset, amount = charged
        if account.fee_asset is not None:
            price = self._price_of(account.fee_asset, listing.quote)
            if price is not None and price > ZERO:
                fee = truncate_to_places(
                    match.quote_quantity * rate * FEE_ASSET_SHARE / price, FEE_PLACES
                )
                if account.balance(account.fee_asset).free >= fee:
                    return fee, account.fee_asset
        return truncate_to_places(amount * rate, FEE_PLACES), asset


def need(order: Order, listing: Listing, price: Decimal | None) -> tuple[str, Decimal]:
    """The asset an order spends and the most of it that it still may."""
    if _sells(order):
        return listing.base, order.remaining
    if order.quote_quantity is not None:
        return listing.quote, order.quote_quantity - order.cost
    unit = order.price or order.stop_price or price or ZERO
    return listing.quote, order.remaining * unit


def fee_rate(account: Account, listing: Listing, *, maker: bool) -> Decimal:
    """The account's own rate, or the listing's."""
    own = account.maker_fee if maker else account.taker_fee
    if own is not None:
        return own
    return listing.maker_fee if maker else listing.taker_fee


def _sells(order: Order) -> bool:
    return order.side is Side.SELL
