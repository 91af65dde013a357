"""One engine's venue over two products of the practice venue: spot and USD-M, one account."""

from decimal import Decimal
from typing import Any

from tests.contract.live_rigs import LiveRig
from tests.contract.rigs import D, perpetual_instrument, spot_instrument
from tradewinds.gateways.joint_venue import JointVenue
from tradewinds.gateways.live_open import Access, open_live_venue
from tradewinds.model.market import Side


class JointRig(LiveRig):
    """1,000 USDT in the spot wallet and 500 in the futures wallet."""

    live: Any

    def __init__(self, spot: str = "1000", wallet: str = "500", **options: Any) -> None:
        self.spot_money, self.wallet = spot, wallet
        super().__init__(**options)
        self.spot, self.perpetual = spot_instrument(), perpetual_instrument()
        self.instrument = self.spot
        self.do(self._open())

    def _admit(self) -> None:
        self.key = self.practice.customer(USDT=self.spot_money)
        self.practice.usdm.fund_wallet(self.key.account, D(self.wallet))

    async def _engage(self) -> None:
        self.session = self.practice.session()
        access = Access(
            key=self.key.key,
            secret=self.key.secret,
            session=self.session,
            wire=self.wire(),
            terms=self.terms,
            edge=self.edge(),
            stream_edge=self.stream_edge,
        )
        self.live = open_live_venue("binance", (self.spot, self.perpetual), access)
        assert isinstance(self.live, JointVenue)
        self.exchange = self.live.parts["spot"]._client.exchange

    def show(self, bid: Any, ask: Any, size: Any = 100) -> None:
        amount, bid, ask = D(str(size)), D(str(bid)), D(str(ask))
        for engine in (self.practice.spot.exchange, self.practice.usdm.exchange):
            engine.quote("BTCUSDT", [(bid, amount)], [(ask, amount)])
        self.practice.usdm.exchange.set_mark("BTCUSDT", bid)
        self.practice.spot.exchange.trade("BTCUSDT", bid, D("0.00001"), Side.SELL)
        self.practice.usdm.exchange.trade("BTCUSDT", bid, D("0.001"), Side.SELL)

    def up(self) -> bool:
        """Whether both user streams are."""
        return all(part.stream.up for part in self.live.parts.values())

    def held(self) -> Decimal:
        """On spot."""
        return self.key.account.balance("BTC").total

    def position(self) -> Decimal:
        """On USD-M."""
        quantity: Decimal = (
            self.practice.usdm.owner(self.key.account).position("BTCUSDT", "BOTH").quantity
        )
        return quantity

    def money(self) -> Decimal:
        """Of both wallets, by the venue's books."""
        wallet: Decimal = self.practice.usdm.owner(self.key.account).wallet
        return self.key.account.balance("USDT").total + wallet

    def standing(self) -> list[str]:
        algos = self.practice.usdm.algos.open(self.key.account)
        spot = self.practice.spot.exchange.open_orders(self.key.account)
        usdm = self.practice.usdm.exchange.open_orders(self.key.account)
        return [order.client_id for order in (*spot, *usdm, *algos)]
