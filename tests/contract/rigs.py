"""The same words for a simulated and a live venue: an order, a price, what was told and held."""

import asyncio
import itertools
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Protocol

import aiohttp

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
from tradewinds.model.ids import Asset, ClientOrderId, InstrumentId, StrategyId, TradeId, Venue
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.market import Quote, Side
from tradewinds.model.order import (
    ApprovedOrder,
    Order,
    OrderStatus,
    OrderType,
    Purpose,
    TimeInForce,
)
from tradewinds.practice.accounts import ApiKey
from tradewinds.practice.clock import VenueClock
from tradewinds.practice.presets import spot_listings, usdm_listings
from tradewinds.practice.resolver import LoopbackResolver
from tradewinds.practice.venue import PracticeVenue, VenueSettings
from tradewinds.sim.settings import SimSettings
from tradewinds.sim.venue import SimVenue

SECOND = 1_000_000_000
BTC, USDT = Asset("BTC"), Asset("USDT")
D = Decimal
WORDS = {
    ev.OrderAccepted: "accepted",
    ev.OrderRejected: "rejected",
    ev.OrderFilled: "filled",
    ev.OrderCanceled: "canceled",
    ev.OrderExpired: "expired",
    ev.CancelRejected: "cancel rejected",
    ev.OrderOutcomeUnknown: "unknown",
}
ENDS = {"rejected", "canceled", "expired"}


def spot_instrument() -> Instrument:
    """BTC/USDT as the practice venue lists it."""
    return Instrument(
        id=InstrumentId("BTC/USDT@binance"),
        symbol="BTC/USDT",
        venue=Venue("binance"),
        kind=InstrumentKind.SPOT,
        base=BTC,
        quote=USDT,
        settle=USDT,
        tick_size=D("0.01"),
        lot_size=D("0.00001"),
        min_quantity=D("0.00001"),
        max_quantity=D(9_000),
        min_notional=D(5),
        maker_fee=D("0.001"),
        taker_fee=D("0.001"),
        fee_in_received_asset=True,
    )


def perpetual_instrument() -> Instrument:
    """BTC/USDT:USDT as the practice venue lists it."""
    return Instrument(
        id=InstrumentId("BTC/USDT:USDT@binance"),
        symbol="BTC/USDT:USDT",
        venue=Venue("binance"),
        kind=InstrumentKind.PERPETUAL,
        base=BTC,
        quote=USDT,
        settle=USDT,
        tick_size=D("0.10"),
        lot_size=D("0.001"),
        min_quantity=D("0.001"),
        max_quantity=D(1_000),
        min_notional=D(100),
        maker_fee=D("0.0002"),
        taker_fee=D("0.0005"),
        leverage_max=D(20),
    )


class Rig(Protocol):
    """What the contract needs of a venue."""

    instrument: Instrument
    log: list[Any]

    def quote(self, bid: Any, ask: Any, size: Any = 100) -> None: ...
    def submit(self, order: ApprovedOrder) -> None: ...
    def cancel(self, order_id: ClientOrderId) -> None: ...
    def settle(self) -> None: ...
    def held(self) -> Decimal: ...
    def standing(self) -> list[str]: ...
    def close(self) -> None: ...


class Told:
    """Reading of a rig's log."""

    log: list[Any]

    def story(self, order_id: str) -> list[str]:
        """What was said of an order, in order."""
        return [WORDS[type(r)] for r in self.log if type(r) in WORDS and _id(r) == order_id]

    def fills(self, order_id: str | None = None) -> list[ev.OrderFilled]:
        fills = [r for r in self.log if isinstance(r, ev.OrderFilled)]
        return [r for r in fills if order_id in (None, r.fill.client_order_id)]

    def filled(self, order_id: str) -> Decimal:
        return sum((r.fill.quantity for r in self.fills(order_id)), D(0))

    def of(self, kind: type) -> list[Any]:
        return [r for r in self.log if isinstance(r, kind)]

    def reason(self, order_id: str) -> str:
        """Of the last report that has one."""
        told = [r for r in self.log if type(r) in WORDS and _id(r) == order_id]
        return next((r.reason for r in reversed(told) if hasattr(r, "reason")), "")


def _id(report: Any) -> str:
    fill = getattr(report, "fill", None)
    return report.client_order_id if fill is None else fill.client_order_id


class Trader(Told):
    """Orders in one line."""

    instrument: Instrument

    def __init__(self) -> None:
        self.log = []
        self._numbers = itertools.count(1)

    def order(self, side: str, kind: str, quantity: Any, **fields: Any) -> ClientOrderId:
        made = self.make(side, kind, quantity, **fields)
        self.submit(made)  # type: ignore[attr-defined]
        return made.client_order_id

    def make(self, side: str, kind: str, quantity: Any, **fields: Any) -> ApprovedOrder:
        """Numbers may be given as such. A sell closes unless told otherwise."""
        name = ClientOrderId(fields.pop("name", f"tw-run-{next(self._numbers)}"))
        for key in ("price", "trigger_price", "leverage"):
            if key in fields:
                fields[key] = D(str(fields[key]))
        purpose = Purpose.ENTER if side == "buy" else Purpose.EXIT
        if "tif" in fields:
            fields["time_in_force"] = TimeInForce(fields.pop("tif"))
        return ApprovedOrder(
            client_order_id=name,
            trade_id=TradeId("t"),
            strategy_id=StrategyId("s"),
            instrument_id=self.instrument.id,
            side=Side(side),
            order_type=OrderType(kind),
            quantity=D(str(quantity)),
            purpose=Purpose(fields.pop("purpose", purpose)),
            decision_price=D(20_000),
            worst_loss=D(0),
            **fields,
        )

    def buy(self, kind: str, quantity: Any, **fields: Any) -> ClientOrderId:
        return self.order("buy", kind, quantity, **fields)

    def sell(self, kind: str, quantity: Any, **fields: Any) -> ClientOrderId:
        if self.instrument.kind is InstrumentKind.PERPETUAL:
            fields.setdefault("reduce_only", True)
        return self.order("sell", kind, quantity, **fields)

    def stop(self, quantity: Any, trigger: Any, **fields: Any) -> ClientOrderId:
        fields.setdefault("purpose", "stop")
        return self.sell("stop_market", quantity, trigger_price=trigger, **fields)

    def target(self, quantity: Any, price: Any, **fields: Any) -> ClientOrderId:
        return self.sell("limit", quantity, price=price, purpose="target", **fields)


class SimRig(Trader):
    """The simulated venue, without latency."""

    def __init__(self, instrument: Instrument, balances: dict[Asset, Decimal]) -> None:
        super().__init__()
        self.instrument = instrument
        settings = SimSettings(latency_ns=0, reject_immediate_trigger=True)
        self.venue = SimVenue([instrument], balances, settings)
        self.now = 1_700_000_000 * SECOND
        self._last = (D(19_999), D(20_001), D(100))

    def quote(self, bid: Any, ask: Any, size: Any = 100) -> None:
        self._last = (D(str(bid)), D(str(ask)), D(str(size)))
        self._show()

    def _show(self) -> None:
        self.now += SECOND
        bid, ask, size = (float(number) for number in self._last)
        quote = Quote(
            instrument_id=self.instrument.id,
            bid=bid,
            ask=ask,
            bid_size=size,
            ask_size=size,
            venue_time_ns=self.now,
            received_time_ns=self.now,
        )
        for batch in self.venue.stages(quote):
            self.log.extend(batch)

    def submit(self, order: ApprovedOrder) -> None:
        self.venue.submit(SubmitOrder(order=order, time_ns=self.now, cause=0))

    def cancel(self, order_id: ClientOrderId) -> None:
        self.venue.cancel(
            CancelOrder(
                client_order_id=order_id,
                instrument_id=self.instrument.id,
                time_ns=self.now,
                cause=0,
            )
        )

    def settle(self) -> None:
        self.now += SECOND
        self.log.extend(self.venue.due(self.now))

    def held(self) -> Decimal:
        if self.instrument.kind is InstrumentKind.SPOT:
            return self.venue.balances.get(BTC, D(0))
        position = self.venue.positions.get(self.instrument.id)
        return D(0) if position is None else position.quantity

    def standing(self) -> list[str]:
        return [order.client_order_id for order in self.venue.working_orders()]

    def close(self) -> None:
        """Nothing is open."""


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
        self.terms = terms or LiveTerms(tick_s=0.01, look_gap_s=0.05)
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


def unknown_order(approved: ApprovedOrder, **fields: Any) -> Order:
    """As an engine remembers it after a restart."""
    now = time.time_ns() - 60 * SECOND
    values = {
        "status": OrderStatus.UNKNOWN,
        "filled_quantity": D(0),
        "average_price": D(0),
        "submitted_time_ns": now,
        "updated_time_ns": now,
    }
    return Order(approved=approved, **{**values, **fields})
