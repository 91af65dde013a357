"""Binance USD-M futures, put together."""

from collections.abc import Iterable
from decimal import Decimal
from functools import partial

from tradewinds.practice.accounts import Account
from tradewinds.practice.binance import hosts
from tradewinds.practice.binance.algos import Algos
from tradewinds.practice.binance.desk import Desk, RestSite, Rules
from tradewinds.practice.binance.frames import Frames
from tradewinds.practice.binance.guard import Guard
from tradewinds.practice.binance.listen_keys import ListenKeys
from tradewinds.practice.binance.market_data import MarketData
from tradewinds.practice.binance.positions import Shapes
from tradewinds.practice.binance.refusals import USDM_REFUSALS
from tradewinds.practice.binance.streams import Product, Streams
from tradewinds.practice.binance.usdm_account import UsdmAccount
from tradewinds.practice.binance.usdm_algos import UsdmAlgos
from tradewinds.practice.binance.usdm_events import UsdmEvents
from tradewinds.practice.binance.usdm_info import ORDERS, WEIGHT, UsdmInfo
from tradewinds.practice.binance.usdm_orders import UsdmOrders
from tradewinds.practice.clock import VenueClock
from tradewinds.practice.exchange import Exchange
from tradewinds.practice.faults import FaultPlan
from tradewinds.practice.feed import move
from tradewinds.practice.force import Force
from tradewinds.practice.listing import Listing
from tradewinds.practice.margin import MarginAccount, MarginCustody
from tradewinds.practice.orders import Order
from tradewinds.practice.site import Site

STREAM = Product(
    name="usdm-stream",
    hosts=hosts.USDM_STREAM,
    routed=True,
    depth_s=0.25,
    messages_per_s=10,
    ping_s=180.0,
    pong_s=600.0,
    bars_s=0.25,
)
FIRST_ORDER = 4_000_000_001


class Usdm:
    """The whole product. `exchange`, `custody` and `algos` are the truth; `force` liquidates."""

    def __init__(
        self, clock: VenueClock, listings: Iterable[Listing], guard: Guard, plan: FaultPlan
    ) -> None:
        self.custody = MarginCustody()
        self.exchange = Exchange(clock, listings, self.custody, FIRST_ORDER)
        self.custody.markets = self.exchange.markets
        self.force = Force(self.exchange, self.custody)
        self.algos = Algos(self.exchange, self.custody)
        self.orders = UsdmOrders(self.exchange, self.custody)
        shapes = Shapes(self.exchange, self.custody, self.force)
        self.account = UsdmAccount(self.exchange, self.custody, shapes)
        data = MarketData(self.exchange, "/fapi/v1", futures=True)
        frames = Frames(data, clock, futures=True)
        self.streams = Streams(STREAM, self.exchange, frames, plan)
        self.streams.next_funding_ms = self.force.next_funding_ms
        self.streams.on_tick += [self.force.tick, self.orders.tick]
        events = UsdmEvents(self.exchange, self.custody)
        self.keys = ListenKeys(self.streams, events, clock)
        self.streams.on_tick.append(self.keys.tick)
        self.exchange.voice.listeners.append(self.keys.heard)
        self.exchange.voice.on_fill.append(self._drop_idle_reducers)
        self.algos.listeners.append(self.keys.heard_algo)
        rules = Rules(weight=WEIGHT, orders=ORDERS, refusals=USDM_REFUSALS, orders_are_free=False)
        self.desk = Desk({}, guard, clock, rules)
        self.desk.endpoints.update(
            UsdmInfo(self.exchange, self.force).endpoints()
            | data.endpoints()
            | self.orders.endpoints()
            | UsdmAlgos(self.exchange, self.custody, self.algos).endpoints()
            | self.account.endpoints()
            | self.keys.endpoints()
        )

    def sites(self) -> list[Site]:
        """REST and streams."""
        return [RestSite("usdm", hosts.USDM_REST, self.desk), self.streams]

    def owner(self, account: Account) -> MarginAccount:
        """The futures side of a customer."""
        return self.custody.of(account)

    def fund_wallet(self, account: Account, amount: Decimal) -> None:
        """Money into the futures wallet, or out of it when negative."""
        self.account.transfer(self.custody.of(account), amount)

    def move(self, symbol: str, price: str, size: str = "10") -> None:
        """The whole market and the mark price go to `price`: see feed.move."""
        with self.exchange as exchange:
            move(exchange, symbol, Decimal(price), Decimal(size))
            exchange.set_mark(symbol, Decimal(price))

    def _drop_idle_reducers(self, filled: Order) -> None:
        """Resting reduce-only orders with nothing left to reduce expire."""
        for order in self.exchange.open_orders(filled.account, filled.symbol):
            idle = order.reduce_only and not self.custody.position_of(order).closable(order.side)
            if idle and order is not filled:
                self.exchange.later(partial(self.exchange.expire, order, "REDUCE_ONLY"))
