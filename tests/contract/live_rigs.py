"""Live venues through ccxt against the practice venue, in the words of the contract."""

import asyncio
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import aiohttp

from tests.contract.rigs import SECOND, D, Trader, perpetual_instrument, spot_instrument
from tradewinds.gateways.binance_spot_orders import SpotDialect
from tradewinds.gateways.binance_usdm_orders import UsdmDialect
from tradewinds.gateways.ccxt_orders import CcxtClient, Edge, private_exchange
from tradewinds.gateways.ccxt_quirks import SPOT_QUIRKS, USDM_QUIRKS
from tradewinds.gateways.link import Wire
from tradewinds.gateways.live_venue import LiveTerms, LiveVenue
from tradewinds.gateways.user_stream import StreamEdge
from tradewinds.gateways.user_stream_binance import SpotDoor, UsdmDoor
from tradewinds.model import events as ev
from tradewinds.model.commands import CancelOrder, SubmitOrder
from tradewinds.model.ids import ClientOrderId
from tradewinds.model.market import Side
from tradewinds.model.order import ApprovedOrder, Order
from tradewinds.practice.accounts import ApiKey
from tradewinds.practice.clock import VenueClock
from tradewinds.practice.presets import spot_listings, usdm_listings
from tradewinds.practice.resolver import LoopbackResolver
from tradewinds.practice.venue import PracticeVenue, VenueSettings


class LiveRig(Trader):
    """LiveVenue through ccxt against the practice venue, on a loop of its own."""

    def __init__(self, *, terms: LiveTerms | None = None, edge: StreamEdge | None = None) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.practice: PracticeVenue
        self.key: ApiKey
        self.live: LiveVenue
        self.session: aiohttp.ClientSession
        self.clock = VenueClock()
        # Time that a test skips was not slept through.
        awake = LiveTerms(tick_s=0.01, look_gap_s=0.05, asleep_after_s=float("inf"))
        self.terms = terms or awake
        self.stream_edge = edge or StreamEdge(tick_s=0.02, overlap_s=0.1)
        self._running: asyncio.Task[None] | None = None
        self.skew_ns = 0

    def edge(self) -> Edge:
        """Our clock, which `skip` can set forward."""
        return Edge(now_ns=lambda: time.time_ns() + self.skew_ns)

    def skip(self, seconds: float) -> None:
        """As if so much time had passed for us, and for us alone."""
        self.skew_ns += int(seconds * SECOND)

    def fault(self, where: str, fault: Any, times: int | None = 1, skip: int = 0) -> Any:
        """See practice.faults."""
        return self.practice.faults.on(where, fault, times=times, skip=skip)

    def do(self, work: Any) -> Any:
        """Run a coroutine on the rig's loop."""
        return self.runner.run(work)

    async def _open(self) -> None:
        settings = VenueSettings(spot=spot_listings(), usdm=usdm_listings())
        self.practice = PracticeVenue(settings, self.clock)
        await self.practice.start()
        self._admit()
        self.show(19_999, 20_001)
        await self._engage()

    def quote(self, bid: Any, ask: Any, size: Any = 100) -> None:
        """The whole market moves there, and somebody trades at the bid."""

        async def moved() -> None:
            self.show(bid, ask, size)

        self.do(moved())

    def show(self, bid: Any, ask: Any, size: Any = 100) -> None:
        """The same, on the loop."""
        raise NotImplementedError

    def _admit(self) -> None:
        """Open an account."""
        raise NotImplementedError

    async def _engage(self) -> None:
        """Make what a process of ours would have."""
        raise NotImplementedError

    def connect(self) -> None:
        """Connect, start, and wait until the stream is up and the first reading is in."""
        self.do(self.live.connect())
        self.start()
        self.until(lambda: bool(self.of(ev.VenueStateRead)) and self.live.stream.up)

    def start(self) -> None:
        async def begin() -> None:
            self._running = asyncio.create_task(self.live.run())

        self.do(begin())

    def restart(self) -> None:
        """A new process: same account, nothing remembered. It is not yet running."""

        async def again() -> None:
            await self._stop()
            await self._engage()
            await self.live.connect()

        self.log.clear()
        self.do(again())

    async def _stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
            self._running = None
        await self.live.close()
        await self.session.close()

    def take(self) -> None:
        """What has arrived, into the log."""
        self.log.extend(self.live.due(0))
        if self._running is not None and self._running.done():
            self._running.result()

    def until(self, happened: Callable[[], bool], timeout_s: float = 8.0) -> None:
        """Let time pass until it has happened."""

        async def wait() -> None:
            async with asyncio.timeout(timeout_s):
                while not happened():
                    await asyncio.sleep(0.005)
                    self.take()

        try:
            self.do(wait())
        except TimeoutError:
            told = "\n".join(str(report) for report in self.log[-12:])
            message = f"did not happen within {timeout_s} s; last told:\n{told}"
            raise AssertionError(message) from None

    def settle(self, quiet_s: float = 0.12) -> None:
        """Until nothing has been told for a while."""

        async def wait() -> None:
            before, since = -1, time.monotonic()
            while time.monotonic() - since < quiet_s:
                await asyncio.sleep(0.005)
                self.take()
                if len(self.log) != before:
                    before, since = len(self.log), time.monotonic()

        self.do(wait())

    def submit(self, order: ApprovedOrder) -> None:
        self.live.submit(SubmitOrder(order=order, time_ns=time.time_ns(), cause=0))

    def cancel(self, order_id: ClientOrderId) -> None:
        self.live.cancel(
            CancelOrder(
                client_order_id=order_id,
                instrument_id=self.instrument.id,
                time_ns=time.time_ns(),
                cause=0,
            )
        )

    def read_state(self, orders: Sequence[Order] = ()) -> ev.VenueStateRead:
        state: ev.VenueStateRead = self.do(self.live.read_state(orders))
        return state

    def asked(self, what: str) -> list[Any]:
        """Requests of one kind that reached the venue."""
        return self.practice.record.of(what)

    def close(self) -> None:
        async def end() -> None:
            await self._stop()
            await self.practice.stop()

        self.do(end())
        self.runner.close()

    def wire(self) -> Wire:
        resolver = LoopbackResolver(self.practice.hosts, self.practice.port)
        return Wire(
            resolver=resolver,
            context=self.practice.client_context(),
            ping_after_s=1.0,
            pong_within_s=1.0,
        )


class SpotRig(LiveRig):
    """Binance spot."""

    def __init__(self, **options: Any) -> None:
        self.balances: dict[str, str] = options.pop("balances", {"USDT": "10000", "BTC": "1"})
        super().__init__(**options)
        self.instrument = spot_instrument()
        self.do(self._open())

    def _admit(self) -> None:
        self.key = self.practice.customer(**self.balances)

    async def _engage(self) -> None:
        self.session = self.practice.session()
        keys = {"key": self.key.key, "secret": self.key.secret}
        self.exchange = private_exchange(keys, mode="live", session=self.session)
        self.client = CcxtClient(self.exchange, SPOT_QUIRKS, self.edge())
        self.dialect = SpotDialect([self.instrument])
        door = SpotDoor(self.exchange, "live")
        edges = (self.edge(), self.stream_edge)
        self.live = LiveVenue(self.client, self.dialect, (door, self.wire()), self.terms, edges)

    @property
    def engine(self) -> Any:
        """The venue's own."""
        return self.practice.spot.exchange

    def show(self, bid: Any, ask: Any, size: Any = 100) -> None:
        amount = D(str(size))
        bids, asks = [(D(str(bid)), amount)], [(D(str(ask)), amount)]
        self.engine.quote("BTCUSDT", bids, asks)
        # A stop looks at the last price: somebody trades at what is shown.
        self.engine.trade("BTCUSDT", D(str(bid)), D("0.00001"), Side.SELL)

    def held(self) -> Decimal:
        return self.key.account.balance("BTC").total

    def standing(self) -> list[str]:
        return [order.client_id for order in self.engine.open_orders(self.key.account)]


class UsdmRig(LiveRig):
    """Binance USD-M futures."""

    def __init__(self, **options: Any) -> None:
        self.wallet: str = options.pop("wallet", "10000")
        super().__init__(**options)
        self.instrument = perpetual_instrument()
        self.do(self._open())

    def _admit(self) -> None:
        self.key = self.practice.customer()
        self.practice.usdm.fund_wallet(self.key.account, D(self.wallet))

    async def _engage(self) -> None:
        self.session = self.practice.session()
        keys = {"key": self.key.key, "secret": self.key.secret}
        self.exchange = private_exchange(keys, mode="live", session=self.session)
        self.client = CcxtClient(self.exchange, USDM_QUIRKS, self.edge())
        self.dialect = UsdmDialect([self.instrument])
        door = UsdmDoor(self.client, "live")
        edges = (self.edge(), self.stream_edge)
        self.live = LiveVenue(self.client, self.dialect, (door, self.wire()), self.terms, edges)

    @property
    def engine(self) -> Any:
        """The venue's own."""
        return self.practice.usdm.exchange

    def show(self, bid: Any, ask: Any, size: Any = 100) -> None:
        amount = D(str(size))
        bid, ask = D(str(bid)), D(str(ask))
        self.engine.quote("BTCUSDT", [(bid, amount)], [(ask, amount)])
        self.engine.set_mark("BTCUSDT", bid)
        self.engine.trade("BTCUSDT", bid, D("0.001"), Side.SELL)

    @property
    def position(self) -> Any:
        return self.practice.usdm.owner(self.key.account).position("BTCUSDT", "BOTH")

    def held(self) -> Decimal:
        quantity: Decimal = self.position.quantity
        return quantity

    def standing(self) -> list[str]:
        algos = self.practice.usdm.algos.open(self.key.account)
        orders = self.engine.open_orders(self.key.account)
        return [order.client_id for order in (*orders, *algos)]
