"""What a futures venue does by itself: liquidation, deleveraging, funding."""

from decimal import Decimal

from tradewinds.model.decimals import ZERO, truncate_to_places
from tradewinds.model.market import Side
from tradewinds.practice.clock import NS_PER_S
from tradewinds.practice.custody import FEE_PLACES
from tradewinds.practice.exchange import Exchange
from tradewinds.practice.margin import MarginAccount, MarginCustody, Position
from tradewinds.practice.market import Market
from tradewinds.practice.orders import AccountChanged, Fill, Order

LIQUIDATION = "autoclose-"
DELEVERAGING = "adl_autoclose"
HOUR_NS = 3_600 * NS_PER_S


class Force:
    """Watches mark prices and the clock."""

    def __init__(self, exchange: Exchange, custody: MarginCustody) -> None:
        self._exchange = exchange
        self._custody = custody
        self._closing: set[Position] = set()
        now_ns = exchange.clock.elapsed_ns()
        self._due_ns = {
            symbol: now_ns + self._to_the_hour(market.listing.funding_hours)
            for symbol, market in exchange.markets.items()
        }
        exchange.voice.on_mark.append(self._judge)

    def next_funding_ms(self, market: Market) -> int:
        """By the venue's own time."""
        left_ns = self._due_ns[market.listing.symbol] - self._exchange.clock.elapsed_ns()
        due_ns = self._exchange.clock.now_ns() + max(0, left_ns)
        # The two clocks drift by a little; funding is always on a whole second.
        return round(due_ns / NS_PER_S) * 1_000

    def tick(self) -> None:
        """Pay funding when it is due."""
        now_ns = self._exchange.clock.elapsed_ns()
        for symbol, due_ns in list(self._due_ns.items()):
            if now_ns >= due_ns:
                hours = self._exchange.markets[symbol].listing.funding_hours
                self._due_ns[symbol] = due_ns + hours * HOUR_NS
                self.fund(symbol)

    def fund(self, symbol: str) -> None:
        """Longs pay shorts where the rate is positive."""
        market = self._exchange.markets[symbol]
        for owner in self._custody.accounts.values():
            for position in owner.open_positions(symbol):
                worth = position.quantity * market.mark_price
                paid = truncate_to_places(-worth * market.funding_rate, FEE_PLACES)
                self._move(owner, position, "FUNDING_FEE", paid)

    def deleverage(self, owner: MarginAccount, symbol: str) -> None:
        """The venue closes a winner to pay for a loser."""
        for position in owner.open_positions(symbol):
            self._close(owner, position, f"{DELEVERAGING}_{self._exchange.clock.now_ms()}")

    def liquidate(self, owner: MarginAccount, symbol: str) -> None:
        """Close by force whatever the margin says."""
        for position in owner.open_positions(symbol):
            self._liquidate(owner, position)

    def liquidation_price(self, owner: MarginAccount, position: Position) -> Decimal:
        """Where margin meets maintenance; zero where it never does, or crossed with others."""
        if not position.quantity:
            return ZERO
        rate = self._exchange.markets[position.symbol].listing.maintenance_rate
        isolated = owner.terms_of(position.symbol).isolated
        margin = position.wallet if isolated else owner.cross_wallet
        size, sign = abs(position.quantity), 1 if position.quantity > ZERO else -1
        price = (position.entry - sign * margin / size) / (1 - sign * rate)
        return max(ZERO, price)

    def _judge(self, market: Market) -> None:
        for owner in self._custody.accounts.values():
            for position in owner.open_positions(market.listing.symbol):
                if position not in self._closing and self._is_lost(owner, position):
                    self._liquidate(owner, position)

    def _is_lost(self, owner: MarginAccount, position: Position) -> bool:
        custody = self._custody
        if owner.terms_of(position.symbol).isolated:
            profit = position.profit_at(custody.mark(position.symbol))
            return position.wallet + profit <= custody.maintenance(position)
        crossed = [p for p in owner.open_positions() if not owner.terms_of(p.symbol).isolated]
        profit = sum((p.profit_at(custody.mark(p.symbol)) for p in crossed), ZERO)
        needed = sum((custody.maintenance(p) for p in crossed), ZERO)
        return owner.cross_wallet + profit <= needed

    def _liquidate(self, owner: MarginAccount, position: Position) -> None:
        """What the margin does not cover the insurance fund does; what is left of it, it takes."""
        worth = abs(position.quantity) * self._custody.mark(position.symbol)
        listing = self._exchange.markets[position.symbol].listing
        isolated = owner.terms_of(position.symbol).isolated
        posted = position.wallet if isolated else owner.cross_wallet
        before = owner.wallet
        self._close(owner, position, f"{LIQUIDATION}{self._exchange.clock.now_ms()}")
        left = posted - (before - owner.wallet)
        fee = truncate_to_places(worth * listing.liquidation_fee, FEE_PLACES)
        self._move(owner, position, "INSURANCE_CLEAR", -min(left, fee))

    def _close(self, owner: MarginAccount, position: Position, client_id: str) -> None:
        exchange = self._exchange
        self._closing.add(position)
        with exchange:
            for order in exchange.open_orders(owner.account, position.symbol):
                exchange.expire(order, "LIQUIDATION")
            side = Side.SELL if position.quantity > ZERO else Side.BUY
            order = Order(
                account=owner.account,
                symbol=position.symbol,
                side=side,
                type="MARKET",
                quantity=abs(position.quantity),
                client_id=client_id,
                reduce_only=True,
                forced=True,
                position_side=position.side,
            )
            exchange.submit(order)
        self._closing.discard(position)

    def _move(self, owner: MarginAccount, position: Position, kind: str, amount: Decimal) -> None:
        now_ns = self._exchange.clock.now_ns()
        owner.wallet += amount
        if owner.terms_of(position.symbol).isolated and position.quantity:
            position.wallet += amount
        nothing = Fill(
            trade_id=0,
            order_id=0,
            symbol=position.symbol,
            side=Side.BUY,
            price=ZERO,
            quantity=ZERO,
            fee=ZERO,
            fee_asset="",
            maker=False,
            time_ns=now_ns,
        )
        self._custody.book(owner, position.symbol, kind, amount, nothing)
        self._exchange.voice.say(
            AccountChanged(
                account=owner.account,
                assets=frozenset({owner.asset}),
                symbols=frozenset({position.symbol}),
                reason=kind,
            )
        )

    def _to_the_hour(self, hours: int) -> int:
        length = hours * HOUR_NS
        return length - self._exchange.clock.now_ns() % length
