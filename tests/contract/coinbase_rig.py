"""Coinbase through ccxt against the practice venue, in the words of the contract."""

import asyncio
import time
from decimal import Decimal
from typing import Any

from msgspec import structs

from tests.contract.live_rigs import LiveRig
from tests.contract.rigs import D, spot_instrument
from tradewinds.gateways.ccxt_orders import CcxtClient, private_exchange
from tradewinds.gateways.ccxt_quirks import COINBASE_QUIRKS
from tradewinds.gateways.coinbase_orders import CoinbaseDialect
from tradewinds.gateways.live_venue import LiveVenue
from tradewinds.gateways.user_stream_coinbase import CoinbaseDoor
from tradewinds.model.ids import InstrumentId, Venue
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Side
from tradewinds.practice.presets import coinbase_listings
from tradewinds.practice.venue import PracticeVenue, VenueSettings

PRODUCT = "BTC-USDT"
SETTLE_S = 20.0


def coinbase_instrument() -> Instrument:
    """BTC/USDT as the practice venue lists it there."""
    return structs.replace(
        spot_instrument(),
        id=InstrumentId("BTC/USDT@coinbase"),
        venue=Venue("coinbase"),
        min_notional=D(1),
        maker_fee=D("0.004"),
        taker_fee=D("0.006"),
        fee_in_received_asset=False,
    )


class CoinbaseRig(LiveRig):
    """Coinbase Advanced Trade. It takes a stop or a target for what is held, never both."""

    pairs = False

    def __init__(self, **options: Any) -> None:
        self.balances: dict[str, str] = options.pop("balances", {"USDT": "10000", "BTC": "1"})
        self.accepted: set[str] = options.pop("accepted", set())
        super().__init__(**options)
        self.instrument = coinbase_instrument()
        self.do(self._open())

    async def _open(self) -> None:
        settings = VenueSettings(coinbase=coinbase_listings())
        self.practice = PracticeVenue(settings, self.clock)
        await self.practice.start()
        self._admit()
        if self.accepted:
            self.practice.coinbase.orders.accepted = set(self.accepted)
        self.show(19_999, 20_001)
        await self._engage()

    def _admit(self) -> None:
        self.key = self.practice.coinbase.customer(**self.balances)

    async def _engage(self) -> None:
        self.session = self.practice.session()
        keys = {"key": self.key.key, "secret": self.key.secret}
        self.exchange = private_exchange(keys, mode="live", session=self.session, venue="coinbase")
        self.client = CcxtClient(self.exchange, COINBASE_QUIRKS, self.edge())
        self.dialect = CoinbaseDialect([self.instrument])
        door = CoinbaseDoor(self.exchange, [self.instrument])
        edges = (self.edge(), self.stream_edge)
        self.live = LiveVenue(self.client, self.dialect, (door, self.wire()), self.terms, edges)

    def settle(self, quiet_s: float = 0.12) -> None:
        """The stream tells totals, and executions are asked for after it: nothing is quiet while a
        question is open."""

        async def wait() -> None:
            since = time.monotonic()
            while time.monotonic() - since < quiet_s:
                before = len(self.log)
                await asyncio.sleep(0.005)
                self.take()
                if len(self.log) != before or self._asking():
                    since = time.monotonic()

        self.do(asyncio.wait_for(wait(), SETTLE_S))

    def _asking(self) -> bool:
        live = self.live
        unheard = any(sent.ending is not None for sent in live._desk.working())
        return bool(live._tasks or live._errands.to_ask or unheard or live._sender.busy)

    @property
    def engine(self) -> Any:
        """The venue's own."""
        return self.practice.coinbase.exchange

    def show(self, bid: Any, ask: Any, size: Any = 100) -> None:
        amount = D(str(size))
        self.engine.quote(PRODUCT, [(D(str(bid)), amount)], [(D(str(ask)), amount)])
        self.engine.trade(PRODUCT, D(str(bid)), D("0.00001"), Side.SELL)

    def held(self) -> Decimal:
        return self.key.account.balance("BTC").total

    def standing(self) -> list[str]:
        return [order.client_id for order in self.engine.open_orders(self.key.account)]
