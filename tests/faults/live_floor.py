"""The engine, unchanged, on a live venue of the practice venue: what scorecard rows act on."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from tests.contract.live_rigs import SpotRig, UsdmRig
from tests.faults import invariants
from tradewinds.config import Settings
from tradewinds.engine.driver import Driver
from tradewinds.engine.engine import Engine
from tradewinds.gateways.ccxt_orders import Edge
from tradewinds.model import events as ev
from tradewinds.model.checkpoint import Checkpoint
from tradewinds.model.commands import RecordAnomaly, RecordRefusal, RecordTransaction, SubmitOrder
from tradewinds.model.ids import Asset, StrategyId, run_id
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Quote, Side
from tradewinds.model.order import ApprovedOrder, Purpose
from tradewinds.model.signal import EnterSignal
from tradewinds.parts import engine_settings_of
from tradewinds.ports import Subscription
from tradewinds.store.memory import MemoryJournal

D = Decimal
SECOND = 1_000_000_000
USDT = Asset("USDT")


class Scripted:
    """Says at the next quote what the test wants said."""

    def __init__(self, instrument_id: Any) -> None:
        self.strategy_id = StrategyId("scripted")
        self.say: list[Any] = []
        self._instrument_id = instrument_id

    def subscriptions(self) -> Any:
        return [Subscription(kind=Quote, instrument_id=self._instrument_id)]

    def on_event(self, event: Any, view: Any) -> Any:
        said, self.say = self.say, []
        return said


class AuditedVenue:
    """Passes on to the live venue, and looks whether what it passes on was durable before (V7)."""

    def __init__(self, live: Any, journal: MemoryJournal) -> None:
        self._live = live
        self._journal = journal

    def __getattr__(self, name: str) -> Any:
        return getattr(self._live, name)

    def submit(self, command: SubmitOrder) -> None:
        durable = self._journal.entries[: self._journal.flushed]
        assert any(message is command for _, _, message in durable), "V7: sent before it was kept"
        self._live.submit(command)


class Hurried:
    """Long waits are short: whoever waits looks again soon, by a clock that tests set forward."""

    skew_ns: int

    def edge(self) -> Edge:
        return Edge(now_ns=lambda: time.time_ns() + self.skew_ns, sleep=_nap)


async def _nap(seconds: float) -> None:
    await asyncio.sleep(seconds if seconds < 1.0 else 0.05)


class LiveSpot(Hurried, SpotRig):
    """With the account of a user: 1,000 USDT."""

    kind = "spot"
    place = "spot POST /api/v3/order*"
    stop_place = place
    told = "spot-api user executionReport"
    told_stop = told

    def __init__(self, **options: Any) -> None:
        super().__init__(balances=options.pop("balances", {"USDT": "1000"}), **options)

    def money(self) -> Decimal:
        """By the venue's books."""
        return self.key.account.balance("USDT").total

    def taken(self) -> list[Any]:
        """Orders of ours that the venue took, whatever became of them."""
        orders = self.engine.orders.values()
        return [order for order in orders if order.account is self.key.account]

    def tell(self, payload: dict[str, Any]) -> None:
        """An event of the user stream, made by the test."""
        self.practice.spot.api.sessions.tell(self.key.account, payload)

    def ordered(self) -> list[Any]:
        """Requests for orders, brackets included."""
        requests = self.practice.record.requests
        return [asked for asked in requests if asked.what.startswith("POST /api/v3/order")]

    def take_stop_away(self) -> None:
        for order in self.engine.open_orders(self.key.account):
            self.engine.expire(order, "maintenance")


class LiveUsdm(Hurried, UsdmRig):
    """Likewise."""

    kind = "usdm"
    place = "usdm POST /fapi/v1/order"
    stop_place = "usdm POST /fapi/v1/algoOrder"
    told = "usdm-stream user ORDER_TRADE_UPDATE"
    told_stop = "usdm-stream user ALGO_UPDATE"

    def __init__(self, **options: Any) -> None:
        super().__init__(wallet=options.pop("wallet", "1000"), **options)

    def money(self) -> Decimal:
        """By the venue's books."""
        wallet: Decimal = self.practice.usdm.owner(self.key.account).wallet
        return wallet

    def taken(self) -> list[Any]:
        """Orders of ours that the venue took, whatever became of them."""
        orders = self.engine.orders.values()
        return [order for order in orders if order.account is self.key.account]

    def tell(self, payload: dict[str, Any]) -> None:
        """An event of the user stream, made by the test."""
        self.practice.usdm.keys.tell(self.key.account, payload)

    def ordered(self) -> list[Any]:
        """Requests for orders."""
        requests = self.practice.record.requests
        names = ("POST /fapi/v1/order", "POST /fapi/v1/algoOrder")
        return [asked for asked in requests if asked.what in names]

    def take_stop_away(self) -> None:
        algos = self.practice.usdm.algos
        for algo in algos.open(self.key.account):
            algos.expire(algo, "canceled by the system")


class LiveFloor:
    """An engine whose venue is a rig's, in a market that shows what the rig's venue shows.

    `feeding` off: the feed is silent. `price` is what the feed says, which `move` keeps equal to
    what the venue shows and a test may set apart from it.
    """

    def __init__(self, rig: Any, checkpoint: Checkpoint | None = None) -> None:
        self.rig = rig
        self.feeding = True
        self.price = (19_999.0, 20_001.0)
        self.lowest_held = D(0)
        self.journal = MemoryJournal()
        self.strategy = Scripted(rig.instrument.id)
        settings = engine_settings_of(Settings())
        self.engine = Engine(settings, [self.strategy])  # type: ignore[list-item]
        venue: Any = AuditedVenue(rig.live, self.journal)
        self.driver = Driver(self.engine, venue, self.journal, beat_ns=SECOND)
        if checkpoint is not None:
            rig.live.restore(checkpoint)
        self._begin(checkpoint)
        rig.take = self.take

    def _begin(self, checkpoint: Checkpoint | None) -> None:
        state = self.rig.read_state(() if checkpoint is None else checkpoint.orders)
        now = self.now
        self.driver.start(
            ev.RunStarted(
                run_id=run_id("test", now),
                account="test",
                instruments=(self.rig.instrument,),
                opening_balances={USDT: D(1000)},
                checkpoint=checkpoint,
                settings="",
                venue_time_ns=now,
                received_time_ns=now,
            ),
            state,
        )

    @property
    def now(self) -> int:
        """Ours, with what was skipped."""
        now_ns: int = self.rig.edge().now_ns()
        return now_ns

    def take(self) -> None:
        """Time passes in the engine, with a quote each time; the rig's log hears what was told."""
        seen = len(self.journal.entries)
        now = self.now
        if self.feeding:
            self.driver.market(self.quote(now))
        self.driver.pass_time(now)
        news = (message for kind, _, message in self.journal.entries[seen:])
        told = [message for message in news if isinstance(message, TOLD)]
        self.rig.log.extend(told)
        self.lowest_held = min(self.lowest_held, self.rig.held())
        if self.rig._running is not None and self.rig._running.done():
            self.rig._running.result()

    def quote(self, now: int) -> Quote:
        bid, ask = self.price
        return Quote(
            instrument_id=self.rig.instrument.id,
            bid=bid,
            ask=ask,
            bid_size=10.0,
            ask_size=10.0,
            venue_time_ns=now,
            received_time_ns=now,
        )

    def move(self, bid: float, ask: float, size: Any = 100) -> None:
        """The whole market."""
        self.price = (bid, ask)
        self.rig.quote(bid, ask, size)

    def until(self, happened: Callable[[], bool], timeout_s: float = 8.0) -> None:
        """Let time pass until it has happened."""
        self.rig.until(happened, timeout_s)

    def settle(self, quiet_s: float = 0.05) -> None:
        """Until nothing has been told for a while."""
        self.rig.settle(quiet_s)

    def enter(self, stop: float = 19_700.0, target: float | None = None) -> None:
        """Want in at the next quote."""
        self.strategy.say = [
            EnterSignal(
                strategy_id=self.strategy.strategy_id,
                instrument_id=self.rig.instrument.id,
                side=Side.BUY,
                stop_price=stop,
                target_price=target,
                confidence=0.9,
                reason="test",
            )
        ]

    def bought(self, stop: float = 19_700.0) -> "LiveFloor":
        """In, with a stop that stands at the venue."""
        self.enter(stop)
        self.until(self.guarded)
        self.settle()
        return self

    def guarded(self) -> bool:
        """Whether something is held, and its stop stands at the venue and is known to."""
        stops = self.stops()
        there = {order.approved.client_order_id for order in stops} & set(self.rig.standing())
        return bool(self.held() > 0 and stops and len(there) == len(stops))

    def emergency(self) -> None:
        """The operator's stop, now."""
        now = self.now
        self.driver.inject(
            ev.EmergencyStop(command_id="e", reason="test", venue_time_ns=now, received_time_ns=now)
        )

    # What is to be seen

    state = property(lambda self: self.engine.floor.breaker.state)
    reason = property(lambda self: self.engine.floor.breaker.reason)
    ledger = property(lambda self: self.engine.floor.portfolio.ledger)

    @property
    def instrument(self) -> Instrument:
        """With the filters that the engine knows now."""
        return self.engine.floor.board.slots[self.rig.instrument.id].instrument

    @property
    def trades(self) -> list[Any]:
        return list(self.engine.floor.portfolio.trades.values())

    def stops(self) -> list[Any]:
        working = self.engine.floor.portfolio.orders.working()
        return [o for o in working if o.approved.purpose is Purpose.STOP]

    def held(self) -> Decimal:
        return sum((trade.quantity for trade in self.trades), D(0))

    def flat(self) -> bool:
        """By engine and venue; less than a lot is nothing."""
        lot = self.instrument.lot_size
        return bool(not self.trades and self.rig.held() < lot and not self.rig.standing())

    def submitted(self, *purposes: Purpose) -> list[ApprovedOrder]:
        found = [c.order for c in self.journal.commands if isinstance(c, SubmitOrder)]
        return [order for order in found if not purposes or order.purpose in purposes]

    def refusals(self) -> list[str]:
        told = [c for c in self.journal.commands if isinstance(c, RecordRefusal)]
        return [f"{c.refusal.check}: {c.refusal.reason}" for c in told]

    def anomalies(self) -> set[str]:
        return {c.kind for c in self.journal.commands if isinstance(c, RecordAnomaly)}

    def booked(self) -> list[Any]:
        told = [c for c in self.journal.commands if isinstance(c, RecordTransaction)]
        return [c.transaction for c in told]

    def causes(self) -> list[tuple[str, bool]]:
        """Troubles that were told, in order: which, and whether they began or ended."""
        events = [e for e in self.journal.events if isinstance(e, ev.VenueTroubleChanged)]
        return [(event.cause, bool(event.reason)) for event in events]

    def readings(self) -> int:
        return sum(isinstance(e, ev.VenueStateRead) for e in self.journal.events)

    def fills_told(self) -> int:
        """By report or by reading; duplicates included."""
        reports = [e for e in self.journal.events if isinstance(e, ev.OrderFilled)]
        read = [e.fills for e in self.journal.events if isinstance(e, ev.VenueStateRead)]
        return len(reports) + sum(map(len, read))

    def entries_asked(self) -> list[Any]:
        """Requests to buy that reached the venue."""
        sides = ("side", "workingSide")
        return [r for r in self.rig.ordered() if "BUY" in [r.params.get(side) for side in sides]]

    def check(self) -> None:
        """At rest, every invariant holds; rest comes within two seconds."""
        deadline_s = time.monotonic() + 2.0
        while True:
            self.settle()
            try:
                invariants.hold(self)
            except AssertionError:
                if time.monotonic() > deadline_s:
                    raise
            else:
                return


TOLD = (
    ev.OrderAccepted,
    ev.OrderRejected,
    ev.OrderFilled,
    ev.OrderCanceled,
    ev.OrderExpired,
    ev.CancelRejected,
    ev.OrderOutcomeUnknown,
    ev.VenueStateRead,
    ev.VenueTroubleChanged,
    ev.InstrumentChanged,
    ev.FundingPaid,
)
RIGS: dict[str, Callable[..., Any]] = {"spot": LiveSpot, "usdm": LiveUsdm}


@contextmanager
def opened(kind: str, **options: Any) -> Iterator[LiveFloor]:
    """Connected, running, with the first reading taken; closed in the end."""
    rig = RIGS[kind](**options)
    try:
        rig.do(rig.live.connect())
        rig.start()
        floor = LiveFloor(rig)
        floor.until(lambda: rig.live.stream.up and floor.readings() > 1)
        floor.settle()
        yield floor
    finally:
        rig.close()
