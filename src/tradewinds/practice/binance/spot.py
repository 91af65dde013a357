"""Binance spot, put together."""

from collections.abc import Iterable
from decimal import Decimal

from tradewinds.practice.accounts import Account
from tradewinds.practice.binance import hosts
from tradewinds.practice.binance.desk import Desk, RestSite, Rules
from tradewinds.practice.binance.frames import Frames
from tradewinds.practice.binance.guard import Guard
from tradewinds.practice.binance.market_data import MarketData
from tradewinds.practice.binance.refusals import SPOT_REFUSALS
from tradewinds.practice.binance.spot_account import SpotAccount
from tradewinds.practice.binance.spot_groups import Groups
from tradewinds.practice.binance.spot_info import ORDERS, WEIGHT, SpotInfo
from tradewinds.practice.binance.spot_lists import SpotLists
from tradewinds.practice.binance.spot_orders import SpotOrders
from tradewinds.practice.binance.streams import Product, Streams
from tradewinds.practice.binance.ws_api import SpotWsApi
from tradewinds.practice.clock import VenueClock
from tradewinds.practice.custody import SpotCustody
from tradewinds.practice.exchange import Exchange
from tradewinds.practice.faults import FaultPlan
from tradewinds.practice.feed import move
from tradewinds.practice.listing import Listing
from tradewinds.practice.orders import Transferred
from tradewinds.practice.record import Record
from tradewinds.practice.site import Site

STREAM = Product(
    name="spot-stream",
    hosts=hosts.SPOT_STREAM,
    routed=False,
    depth_s=1.0,
    messages_per_s=5,
    ping_s=20.0,
    pong_s=60.0,
)
FIRST_ORDER = 100_001


class Spot:
    """The whole product. `exchange` is the truth; `api` ends sessions; `account` maintenance."""

    def __init__(
        self,
        clock: VenueClock,
        listings: Iterable[Listing],
        guard: Guard,
        plan: FaultPlan,
        record: Record,
    ) -> None:
        custody = SpotCustody(self.price_of)
        self.exchange = Exchange(clock, listings, custody, FIRST_ORDER)
        self.groups = Groups(self.exchange)
        self.account = SpotAccount(self.exchange)
        data = MarketData(self.exchange, "/api/v3", futures=False)
        rules = Rules(weight=WEIGHT, orders=ORDERS, refusals=SPOT_REFUSALS, orders_are_free=True)
        self.desk = Desk({}, guard, clock, rules)
        self.desk.endpoints.update(
            SpotInfo(self.exchange).endpoints()
            | data.endpoints()
            | SpotOrders(self.exchange).endpoints()
            | SpotLists(self.exchange, self.groups).endpoints()
            | self.account.endpoints(self.desk)
        )
        frames = Frames(data, clock, futures=False)
        self.streams = Streams(STREAM, self.exchange, frames, plan)
        self.api = SpotWsApi(self.desk, self.exchange, plan, record)

    def sites(self) -> list[Site]:
        """REST, streams, WebSocket API."""
        return [RestSite("spot", hosts.SPOT_REST, self.desk), self.streams, self.api]

    def price_of(self, asset: str, quote: str) -> Decimal | None:
        """What one `asset` is worth in `quote`, where that is listed."""
        if asset == quote:
            return Decimal(1)
        market = self.exchange.markets.get(f"{asset}{quote}")
        return market.reference if market is not None and market.reference else None

    def transfer(self, account: Account, asset: str, amount: Decimal) -> None:
        """Money in, or out when negative, as a deposit or a transfer by the user."""
        with self.exchange as exchange:
            account.credit(asset, amount)
            exchange.voice.say(Transferred(account=account, asset=asset, amount=amount))
            exchange.voice.note(account, {asset})

    def move(self, symbol: str, price: str, size: str = "10") -> None:
        """The whole market goes to `price`: see feed.move."""
        move(self.exchange, symbol, Decimal(price), Decimal(size))
