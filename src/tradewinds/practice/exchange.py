"""Price-time matching of customers' orders, synchronous: a command that returns has said it all."""

from collections import deque
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import partial
from typing import Self

from tradewinds.model.decimals import ZERO, floor_to_step
from tradewinds.model.market import Side
from tradewinds.practice.accounts import Account
from tradewinds.practice.book import Level
from tradewinds.practice.clock import NS_PER_S, VenueClock
from tradewinds.practice.custody import Custody
from tradewinds.practice.listing import Listing
from tradewinds.practice.market import Market, accepts, passed
from tradewinds.practice.orders import (
    DUPLICATE_ID,
    MARKET_CLOSED,
    WOULD_TAKE,
    WOULD_TRIGGER,
    Marked,
    Order,
    OrderChanged,
    Refused,
    Status,
    Traded,
    new_fill,
)
from tradewinds.practice.voice import Voice

INSUFFICIENT_LIQUIDITY = "INSUFFICIENT_LIQUIDITY"
UNFILLED_IOC = "UNFILLED_IOC_QUANTITY_EXPIRED"
UNFILLED_FOK = "UNFILLED_FOK_ORDER_EXPIRED"


class Exchange:
    """A venue's engine; its `voice` says what happened. A `with` block makes one command of many.

    `lag_s` is how long a new order stays invisible to queries.
    """

    def __init__(
        self, clock: VenueClock, listings: Iterable[Listing], custody: Custody, first_id: int = 1
    ) -> None:
        self.clock = clock
        self.custody = custody
        self.markets = {listing.symbol: Market(listing) for listing in listings}
        self.orders: dict[int, Order] = {}
        self.voice = Voice(self.markets)
        self.lag_s = 0.0
        self._next_id = first_id
        self._groups = 0
        self._depth = 0
        self._later: deque[Callable[[], None]] = deque()

    # What others ask

    def open_orders(self, account: Account, symbol: str | None = None) -> list[Order]:
        """Oldest first."""
        return [
            order
            for order in self.orders.values()
            if order.is_open
            and order.account is account
            and (symbol is None or order.symbol == symbol)
        ]

    def find(self, account: Account, order_id: int | None, client_id: str | None) -> Order | None:
        """By the venue's id, or the newest with this client id. Visible or not."""
        if order_id is not None:
            order = self.orders.get(order_id)
            return order if order is not None and order.account is account else None
        for order in reversed(self.orders.values()):
            if order.client_id == client_id and order.account is account:
                return order
        return None

    def visible(self, order: Order) -> bool:
        """Whether queries show it yet."""
        return order.visible_ns <= self.clock.elapsed_ns()

    # What customers do

    def next_id(self) -> int:
        """Order ids are handed out in order."""
        self._next_id += 1
        return self._next_id - 1

    def submit(self, order: Order) -> Order:
        """Take an order in and match it. Raises Refused, and then nothing happened."""
        with self:
            self.admit(order)
            self.reserve(order)
            self.register(order)
            self.start(order)
        return order

    def admit(self, order: Order) -> None:
        """What is wrong with an order before money is looked at."""
        market = self.markets[order.symbol]
        if market.listing.status != "TRADING" and not order.forced:
            raise Refused(MARKET_CLOSED)
        open_ids = {o.client_id for o in self.open_orders(order.account)}
        if order.client_id in open_ids:
            raise Refused(DUPLICATE_ID)
        if order.waits and market.hit(order):
            raise Refused(WOULD_TRIGGER)
        if order.post_only and not order.waits and order.tif == "GTC" and market.crosses(order):
            raise Refused(WOULD_TAKE)

    def reserve(self, order: Order) -> None:
        """Set the money aside."""
        market = self.markets[order.symbol]
        price = None if order.price else market.average_to_take(order.side, order.quantity)
        self.custody.reserve(order, market.listing, price)
        self.voice.note(order.account, {order.hold.asset} if order.hold else set())

    def register(self, order: Order) -> None:
        """Give it an id and say that it is here."""
        order.id = self.next_id()
        order.created_ns = order.updated_ns = self.clock.now_ns()
        order.visible_ns = self.clock.elapsed_ns() + round(self.lag_s * NS_PER_S)
        if not order.client_id:
            order.client_id = f"practice{order.id}"
        self.orders[order.id] = order
        self.voice.say(OrderChanged(order=order, execution="NEW"))

    def start(self, order: Order) -> None:
        """Let it wait for its trigger, or meet the book."""
        with self:
            if order.status is Status.PENDING_NEW:
                order.status = Status.NEW
            if order.waits:
                self.markets[order.symbol].waiting.append(order)
            else:
                self._work(order)

    def cancel(self, order: Order, cancel_id: str = "") -> None:
        """On a customer's request."""
        with self:
            self._end(order, Status.CANCELED, "CANCELED", cancel_id)

    def expire(self, order: Order, reason: str, status: Status = Status.EXPIRED) -> None:
        """By the venue's own decision."""
        with self:
            order.expiry_reason = reason
            in_match = status is Status.EXPIRED_IN_MATCH
            self._end(order, status, "TRADE_PREVENTION" if in_match else "EXPIRED")

    def expire_all(self, reason: str = "EXCHANGE_CANCELED") -> None:
        """As in maintenance: every open order of every customer."""
        with self:
            for order in [order for order in self.orders.values() if order.is_open]:
                self.expire(order, reason)

    # What the market does

    def quote(self, symbol: str, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """Replace all liquidity from outside. Orders that it crosses fill at their own price."""
        market = self.markets[symbol]
        with self:
            market.book.replace_outside(Side.BUY, bids)
            market.book.replace_outside(Side.SELL, asks)
            self._uncross(market)

    def change(self, symbol: str, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """Some levels of liquidity from outside have a new size; zero takes one away."""
        market = self.markets[symbol]
        with self:
            for side, levels in ((Side.BUY, bids), (Side.SELL, asks)):
                for price, size in levels:
                    market.book.set_outside(side, price, size)
            self._uncross(market)

    def trade(self, symbol: str, price: Decimal, quantity: Decimal, taker: Side) -> None:
        """Somebody outside takes `quantity` at `price`, from our customers first where they offer
        better, at the same price only beyond what others show there."""
        market = self.markets[symbol]
        with self:
            group, left = self._new_group(), quantity
            half = market.book.side(taker.opposite)
            for order in passed(half.own, price, taker):
                assert order.price is not None
                ahead = half.outside.get(order.price, ZERO) if order.price == price else ZERO
                size = self._offered(order, market, min(order.remaining, left - ahead))
                if size > ZERO:
                    self._match(order, (order.price, size), maker=True)
                    self._print(market, (order.price, size), taker, group)
                    left -= size
            if left > ZERO:
                self._print(market, (price, left), taker, group)

    def set_mark(self, symbol: str, price: Decimal) -> None:
        """The price by which margin is judged."""
        market = self.markets[symbol]
        with self:
            market.mark = price
            self.voice.say(Marked(symbol=symbol))
            self._fire(market)
            for hook in self.voice.on_mark:
                hook(market)

    # The inside

    def __enter__(self) -> Self:
        self._depth += 1
        return self

    def __exit__(self, *_: object) -> None:
        if self._depth == 1:
            while self._later:
                self._later.popleft()()
            self.voice.tell()
        self._depth -= 1

    def later(self, action: Callable[[], None]) -> None:
        """Run it when what is in hand is done, still within this command."""
        self._later.append(action)

    def _new_group(self) -> int:
        self._groups += 1
        return self._groups

    def _work(self, order: Order) -> None:
        market = self.markets[order.symbol]
        order.working_ns = self.clock.now_ns()
        if order.tif == "FOK" and not market.fillable(order):
            self.expire(order, UNFILLED_FOK)
            return
        self._take(order, market)
        if not order.is_open:
            return
        if order.price is None:
            self.expire(order, INSUFFICIENT_LIQUIDITY)
        elif order.tif in ("IOC", "FOK"):
            self.expire(order, UNFILLED_IOC)
        else:
            market.book.side(order.side).rest(order, order.price)
            market.book.touch(order.side, order.price)

    def _take(self, order: Order, market: Market) -> None:
        group = self._new_group()
        half = market.book.side(order.side.opposite)
        while order.is_open:
            price = half.best()
            if price is None or not accepts(order, price):
                return
            size = self._wanted(order, market, price)
            if size <= ZERO:
                self.expire(order, INSUFFICIENT_LIQUIDITY)
                return
            if price in half.outside:
                self._take_outside(order, market, (price, min(size, half.outside[price])), group)
            elif not self._prevented(order, half.own[price][0]):
                self._take_own(order, market, half.own[price][0], (size, group))

    def _take_outside(self, order: Order, market: Market, level: Level, group: int) -> None:
        price, size = level
        opposite = order.side.opposite
        left = market.book.side(opposite).outside[price] - size
        market.book.set_outside(opposite, price, left)
        self._match(order, level, maker=False)
        self._print(market, level, order.side, group)

    def _take_own(
        self, order: Order, market: Market, resting: Order, wanted: tuple[Decimal, int]
    ) -> None:
        assert resting.price is not None
        size, group = wanted
        level = (resting.price, self._offered(resting, market, min(size, resting.remaining)))
        if level[1] <= ZERO:
            return
        self._match(order, level, maker=False)
        self._match(resting, level, maker=True)
        self._print(market, level, order.side, group)

    def _offered(self, order: Order, market: Market, size: Decimal) -> Decimal:
        """How much of a resting order can fill; one with nothing left to reduce expires."""
        if size <= ZERO or order.price is None:
            return ZERO
        most = min(size, self.custody.most(order, market.listing, order.price))
        if most <= ZERO:
            self.expire(order, INSUFFICIENT_LIQUIDITY)
        return most

    def _wanted(self, order: Order, market: Market, price: Decimal) -> Decimal:
        size = order.remaining
        if order.quote_quantity is not None:
            left = order.quote_quantity - order.cost
            size = floor_to_step(left / price, market.listing.step)
        return min(size, self.custody.most(order, market.listing, price))

    def _prevented(self, order: Order, resting: Order) -> bool:
        """Whether the two are of one customer who does not want them to meet."""
        if order.account is not resting.account or order.stp == "NONE":
            return False
        size = min(order.remaining, resting.remaining)
        if order.stp in ("EXPIRE_MAKER", "EXPIRE_BOTH"):
            resting.prevented += size
            self.expire(resting, "", Status.EXPIRED_IN_MATCH)
        if order.stp in ("EXPIRE_TAKER", "EXPIRE_BOTH"):
            order.prevented += size
            self.expire(order, "", Status.EXPIRED_IN_MATCH)
        return True

    def _match(self, order: Order, level: Level, *, maker: bool) -> None:
        market = self.markets[order.symbol]
        price, size = level
        now_ns = self.clock.now_ns()
        match = new_fill(order, market.tape.next_id, level, now_ns, maker=maker)
        fill, assets = self.custody.settle(order, market.listing, match)
        order.fills.append(fill)
        order.filled += size
        order.cost += price * size
        order.updated_ns = now_ns
        if order.quote_quantity is not None:
            left = order.quote_quantity - order.cost
            order.quantity = order.filled + floor_to_step(left / price, market.listing.step)
        full = order.remaining <= ZERO
        order.status = Status.FILLED if full else Status.PARTIALLY_FILLED
        if maker:
            self._shrink(order, market)
        self.voice.note(order.account, assets | self.release(order), {order.symbol})
        self.voice.say(OrderChanged(order=order, execution="TRADE", fill=fill))
        for hook in self.voice.on_fill:
            hook(order)

    def _shrink(self, order: Order, market: Market) -> None:
        assert order.price is not None
        if not order.is_open:
            market.book.side(order.side).remove(order)
        market.book.touch(order.side, order.price)

    def release(self, order: Order) -> frozenset[str]:
        """Give back what it no longer needs; the assets that changed."""
        return self.custody.release(order, self.markets[order.symbol].listing)

    def _print(self, market: Market, level: Level, taker: Side, group: int) -> None:
        traded = Traded(
            symbol=market.listing.symbol,
            trade_id=market.tape.next_id,
            price=level[0],
            quantity=level[1],
            taker=taker,
            group_id=group,
            time_ns=self.clock.now_ns(),
        )
        market.tape.add(traded)
        market.last = traded.price
        self.voice.say(traded)
        self._fire(market)

    def _uncross(self, market: Market) -> None:
        for side in (Side.BUY, Side.SELL):
            facing = market.book.side(side.opposite).outside
            for order in [o for line in market.book.side(side).own.values() for o in line]:
                while order.is_open and order.price is not None and facing:
                    best = min(facing) if side is Side.BUY else max(facing)
                    if not accepts(order, best):
                        break
                    size = self._offered(order, market, min(order.remaining, facing[best]))
                    if size <= ZERO:
                        break
                    market.book.set_outside(side.opposite, best, facing[best] - size)
                    self._match(order, (order.price, size), maker=True)
                    level = (order.price, size)
                    self._print(market, level, side.opposite, self._new_group())

    def _fire(self, market: Market) -> None:
        """Stops whose price has come leave the waiting room; they act after what is in hand."""
        hit = [order for order in market.waiting if market.hit(order)]
        if hit:
            market.waiting = [order for order in market.waiting if order not in hit]
            self._later.extend(partial(self._trigger, order) for order in hit)

    def _trigger(self, order: Order) -> None:
        if not order.is_open:
            return
        order.triggered = True
        for hook in self.voice.on_trigger:
            hook(order)
        if order.is_open:
            self._work(order)

    def _end(self, order: Order, status: Status, execution: str, cancel_id: str = "") -> None:
        if not order.is_open:
            return
        market = self.markets[order.symbol]
        order.status = status
        order.updated_ns = self.clock.now_ns()
        market.waiting = [other for other in market.waiting if other is not order]
        if market.book.side(order.side).remove(order) and order.price is not None:
            market.book.touch(order.side, order.price)
        self.voice.note(order.account, set(self.release(order)))
        self.voice.say(OrderChanged(order=order, execution=execution, cancel_id=cancel_id))
        for hook in self.voice.on_end:
            hook(order)
