"""Margin accounts: one settlement asset, positions with leverage, isolated or crossed."""

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct, structs

from tradewinds.model.decimals import ZERO, truncate_to_places
from tradewinds.model.market import Side
from tradewinds.practice.accounts import Account
from tradewinds.practice.custody import FEE_PLACES, fee_rate
from tradewinds.practice.listing import Listing
from tradewinds.practice.market import Market
from tradewinds.practice.orders import INSUFFICIENT_MARGIN, Fill, Hold, Order, Refused

DEFAULT_LEVERAGE = 20
BOTH, LONG, SHORT = "BOTH", "LONG", "SHORT"


class Position(Struct, kw_only=True, eq=False):
    """`quantity` is below zero for a short. `wallet` is what an isolated one holds of its own."""

    symbol: str
    side: str
    quantity: Decimal = ZERO
    entry: Decimal = ZERO
    wallet: Decimal = ZERO
    realized: Decimal = ZERO
    updated_ns: int = 0

    def profit_at(self, price: Decimal) -> Decimal:
        """Not yet realised."""
        return self.quantity * (price - self.entry)

    def closable(self, side: Side) -> Decimal:
        """How much an order of `side` would close."""
        against = self.quantity > ZERO if side is Side.SELL else self.quantity < ZERO
        return abs(self.quantity) if against else ZERO


class Terms(Struct, kw_only=True, eq=False):
    """What the customer chose for one symbol."""

    leverage: int = DEFAULT_LEVERAGE
    isolated: bool = False


class Income(Struct, frozen=True, kw_only=True):
    """One line of what moved the wallet."""

    symbol: str
    kind: str
    amount: Decimal
    time_ns: int
    number: int
    trade_id: int | None = None


class MarginAccount(Struct, kw_only=True, eq=False):
    """One customer's futures wallet, in `asset`."""

    account: Account
    asset: str = "USDT"
    wallet: Decimal = ZERO
    hedged: bool = False
    multi_assets: bool = False
    positions: dict[tuple[str, str], Position] = {}
    terms: dict[str, Terms] = {}
    income: list[Income] = []

    def position(self, symbol: str, side: str) -> Position:
        """Made when first asked for, flat."""
        fresh = Position(symbol=symbol, side=side)
        return self.positions.setdefault((symbol, side), fresh)

    def terms_of(self, symbol: str) -> Terms:
        """Twenty times, crossed, until the customer says otherwise."""
        return self.terms.setdefault(symbol, Terms())

    def open_positions(self, symbol: str | None = None) -> list[Position]:
        """Those that are not flat."""
        return [p for p in self.positions.values() if p.quantity and symbol in (None, p.symbol)]

    @property
    def cross_wallet(self) -> Decimal:
        """What is not tied to an isolated position."""
        return self.wallet - sum((p.wallet for p in self.positions.values()), ZERO)


class MarginCustody:
    """The exchange's port to margin accounts. `markets` value positions by mark price."""

    def __init__(self) -> None:
        self.markets: Mapping[str, Market] = {}
        self.accounts: dict[str, MarginAccount] = {}
        self._holding: list[Order] = []
        self._income = 0

    def of(self, account: Account) -> MarginAccount:
        """Made when first asked for, empty."""
        return self.accounts.setdefault(account.name, MarginAccount(account=account))

    def position_of(self, order: Order) -> Position:
        """The one that `order` opens or closes."""
        return self.of(order.account).position(order.symbol, order.position_side)

    def mark(self, symbol: str) -> Decimal:
        """Mark price."""
        return self.markets[symbol].mark_price

    def initial(self, owner: MarginAccount, position: Position) -> Decimal:
        """Margin an open position binds."""
        leverage = owner.terms_of(position.symbol).leverage
        return abs(position.quantity) * self.mark(position.symbol) / leverage

    def maintenance(self, position: Position) -> Decimal:
        """Margin below which it is closed by force."""
        listing = self.markets[position.symbol].listing
        return abs(position.quantity) * self.mark(position.symbol) * listing.maintenance_rate

    def ordered(self, owner: MarginAccount, symbol: str | None = None) -> Decimal:
        """Margin that open orders bind."""
        return sum(
            (
                order.hold.amount
                for order in self._holding
                if order.hold is not None
                and order.account is owner.account
                and symbol in (None, order.symbol)
            ),
            ZERO,
        )

    def available(self, owner: MarginAccount) -> Decimal:
        """What a new order may bind."""
        crossed = [p for p in owner.open_positions() if not owner.terms_of(p.symbol).isolated]
        profit = sum((p.profit_at(self.mark(p.symbol)) for p in crossed), ZERO)
        bound = sum((self.initial(owner, p) for p in crossed), ZERO)
        return max(ZERO, owner.cross_wallet + profit - bound - self.ordered(owner))

    def reserve(self, order: Order, listing: Listing, price: Decimal | None) -> None:
        """Only what opens needs margin."""
        owner = self.of(order.account)
        opening = order.quantity - self.position_of(order).closable(order.side)
        if order.reduce_only or opening <= ZERO:
            return
        unit = order.price or price or self.mark(order.symbol)
        margin = opening * unit / owner.terms_of(order.symbol).leverage
        if margin > self.available(owner):
            raise Refused(INSUFFICIENT_MARGIN)
        order.hold = Hold(asset=owner.asset, amount=margin)
        self._holding.append(order)

    def most(self, order: Order, listing: Listing, price: Decimal) -> Decimal:
        """A reducing order never does more than close."""
        if order.reduce_only:
            return min(order.remaining, self.position_of(order).closable(order.side))
        return order.remaining

    def settle(self, order: Order, listing: Listing, match: Fill) -> tuple[Fill, frozenset[str]]:
        """Close first, then open; profit and fee go through the wallet."""
        owner, position = self.of(order.account), self.position_of(order)
        closing = min(match.quantity, position.closable(order.side))
        profit = self._close(position, closing, match.price)
        self._open(owner, position, order.side, (match.quantity - closing, match.price))
        rate = fee_rate(order.account, listing, maker=match.maker)
        fee = truncate_to_places(match.quote_quantity * rate, FEE_PLACES)
        owner.wallet += profit - fee
        position.realized += profit
        position.updated_ns = match.time_ns
        if profit:
            self.book(owner, match.symbol, "REALIZED_PNL", profit, match)
        self.book(owner, match.symbol, "COMMISSION", -fee, match)
        settled = structs.replace(match, fee=fee, fee_asset=owner.asset, profit=profit)
        return settled, frozenset({owner.asset})

    def release(self, order: Order, listing: Listing) -> frozenset[str]:
        """Margin of what is no longer open."""
        if order.hold is not None:
            share = order.remaining / order.quantity if order.is_open else ZERO
            order.hold.amount = min(order.hold.amount, order.hold.amount * share)
            if not order.is_open:
                self._holding = [other for other in self._holding if other is not order]
        return frozenset()

    def book(
        self, owner: MarginAccount, symbol: str, kind: str, amount: Decimal, match: Fill
    ) -> None:
        """Write down what moved the wallet."""
        self._income += 1
        owner.income.append(
            Income(
                symbol=symbol,
                kind=kind,
                amount=amount,
                time_ns=match.time_ns,
                number=self._income,
                trade_id=match.trade_id if match.order_id else None,
            )
        )

    def _close(self, position: Position, size: Decimal, price: Decimal) -> Decimal:
        if size <= ZERO:
            return ZERO
        whole = abs(position.quantity)
        sign = 1 if position.quantity > ZERO else -1
        profit = truncate_to_places(sign * size * (price - position.entry), FEE_PLACES)
        position.wallet -= truncate_to_places(position.wallet * size / whole, FEE_PLACES)
        position.quantity -= sign * size
        if not position.quantity:
            position.entry = position.wallet = ZERO
        return profit

    def _open(
        self, owner: MarginAccount, position: Position, side: Side, match: tuple[Decimal, Decimal]
    ) -> None:
        size, price = match
        if size <= ZERO:
            return
        before = abs(position.quantity)
        position.entry = (position.entry * before + price * size) / (before + size)
        position.quantity += size if side is Side.BUY else -size
        terms = owner.terms_of(position.symbol)
        if terms.isolated:
            margin = truncate_to_places(size * price / terms.leverage, FEE_PLACES)
            position.wallet += margin
