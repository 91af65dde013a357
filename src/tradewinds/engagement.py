"""One engine at one real venue: the first reading, watching beside it, and leaving in order."""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from tradewinds.engine.driver import Driver
from tradewinds.engine.reconcile import OURS, STOPPING
from tradewinds.engine.run import AtVenue
from tradewinds.execution import bracket
from tradewinds.gateways.joint_venue import OrderVenue
from tradewinds.logs import Log
from tradewinds.model.checkpoint import Checkpoint
from tradewinds.model.decimals import ZERO
from tradewinds.model.errors import ConfigError, VenueUnavailable
from tradewinds.model.events import EmergencyStop, Event, VenueStateRead, VenueTroubleChanged
from tradewinds.model.ids import Asset, run_of
from tradewinds.model.instrument import Instrument
from tradewinds.model.order import WORKING, OrderStatus, Purpose
from tradewinds.model.portfolio import Trade
from tradewinds.venues import Reach, orders_at, patiently, why_refused

NO_INVENTORY: Final[Mapping[Asset, Decimal]] = MappingProxyType({})
RESTING: Final = frozenset({Purpose.STOP, Purpose.TARGET})
RECENT_NS: Final = 24 * 3_600_000_000_000
LEAVE_S: Final = 6.0
"""Less than the supervisor waits before it kills."""
RESCUE_S: Final = 45.0
LOOK_S: Final = 0.02
RIGHTS_EVERY_S: Final = 86_400.0
RIGHTS_AGAIN_S: Final = 600.0
log = Log("engagement")


class Engagement:
    """Begin it, hand `venue` and `first` to the driver, then run `at_venue` beside the session."""

    def __init__(self, reach: Reach, instruments: Sequence[Instrument]) -> None:
        self._reach = reach
        self._instruments = tuple(instruments)
        self._told_rights = ""
        self._driver: Driver | None = None
        self.venue: OrderVenue = orders_at(reach, instruments)
        self.state: VenueStateRead | None = None

    async def begin(
        self,
        checkpoint: Checkpoint | None,
        runs: Collection[str] | None = None,
        ended: Collection[str] = (),
    ) -> None:
        """Clock, account settings, filters and the first reading. Waits until the venue answers.

        `runs`: those of this account; None for no matter whose. `ended`: those of other accounts
        here, which trade no more. Raises ConfigError for what the operator must change.
        """
        self.state = await patiently("its state", lambda: self._approach(checkpoint))
        if checkpoint is None or runs is not None:
            self._require_alone(runs or ())
            since_ns = time.time_ns() - RECENT_NS
            found = await patiently("its latest orders", lambda: self.venue.latest(since_ns))
            _require_quiet(found, {*(runs or ()), *ended})

    def _require_alone(self, runs: Collection[str]) -> None:
        """What stands here and is of no run of this account is another's, who trades with another
        data folder, account name or key: its stops would be taken for orphans and cancelled."""
        assert self.state is not None
        ours = [o for o in self.state.orders if o.client_order_id.startswith(OURS)]
        standing = [
            o.client_order_id
            for o in ours
            if o.status in WORKING and run_of(o.client_order_id) not in runs
        ]
        if standing:
            lost = ",".join(sorted({*filter(None, map(run_of, standing))}))
            raise ConfigError(
                f"{len(standing)} order(s) of another Tradewinds rest on this account "
                f"({', '.join(standing[:3])}): start it with the data folder, account name, key "
                "and products it was traded with. If that is lost, see in the venue's own app what "
                f"they protect, and cancel them there or here, with --take-over {lost}"
            )

    async def _approach(self, checkpoint: Checkpoint | None) -> VenueStateRead:
        await self.venue.close()
        self.venue = orders_at(self._reach, self._instruments)
        if checkpoint is not None:
            self.venue.restore(checkpoint)
        await self.venue.connect()
        return await self.venue.read_state(() if checkpoint is None else checkpoint.orders)

    def opening(
        self, currency: Asset, inventory: Mapping[Asset, Decimal] = NO_INVENTORY
    ) -> dict[Asset, Decimal]:
        """What the account opens with: its money, and as much as may be used of what the settings
        name. What else lies there is the user's own."""
        assert self.state is not None
        balances = self.state.balances
        named = {asset: min(most, balances.get(asset, ZERO)) for asset, most in inventory.items()}
        return {currency: balances.get(currency, ZERO)} | named

    def first(self) -> tuple[Event, ...]:
        """After the start of the run: nothing is risked before the reading has been taken in."""
        assert self.state is not None
        now_ns = self.state.received_time_ns
        barred = trouble("reconcile", "not yet compared with the venue", now_ns)
        return (barred, *self.venue.due(now_ns), self.state)

    def at_venue(self, driver: Driver) -> AtVenue:
        """What runs beside a session of this driver."""
        self._driver = driver
        return AtVenue(
            jobs=(self.venue.run, self._watch_rights), leave=self._leave, agrees=self._agrees
        )

    async def close(self) -> None:
        """Give back connections."""
        await self.venue.close()

    async def flatten(self, reason: str) -> bool:
        """A bug of ours ended the talk: a new one, only to close what is open. Whether it did."""
        driver = self._engaged
        checkpoint = driver.engine.checkpoint()
        try:
            async with asyncio.timeout(RESCUE_S):
                state = await patiently("its state", lambda: self._approach(checkpoint))
                driver.venue = self.venue
                running = asyncio.create_task(self.venue.run())
                try:
                    await self._close_all(state, reason, running)
                finally:
                    running.cancel()
                    await asyncio.wait({running})
        except (TimeoutError, ConfigError) as error:
            log.error("not_flattened", reason=str(error) or f"not within {RESCUE_S:g} s")
        driver.settle()
        return driver.engine.floor.portfolio.flat()

    async def _close_all(
        self, state: VenueStateRead, reason: str, running: "asyncio.Task[None]"
    ) -> None:
        driver, now_ns = self._engaged, time.time_ns()
        for report in (*self.venue.due(now_ns), state):
            driver.inject(report)
        driver.inject(
            EmergencyStop(
                command_id=f"bug-{now_ns}",
                reason=reason,
                venue_time_ns=now_ns,
                received_time_ns=now_ns,
            )
        )
        while not driver.engine.floor.portfolio.flat() and not running.done():
            await asyncio.sleep(LOOK_S)
            driver.pass_time(time.time_ns())

    async def _leave(self) -> None:
        """What could still open is withdrawn, and what is held gets its stop, before we go."""
        driver = self._engaged
        now_ns = time.time_ns()
        driver.inject(trouble(STOPPING, "this engine is stopping", now_ns))
        for _ in range(int(LEAVE_S / LOOK_S)):
            if self._left_in_order():
                break
            await asyncio.sleep(LOOK_S)
        self._tell_open()

    def _left_in_order(self) -> bool:
        portfolio = self._engaged.engine.floor.portfolio
        working = portfolio.orders.working()
        settled = all(
            order.approved.purpose in RESTING and order.status is OrderStatus.OPEN
            for order in working
        )
        return settled and not portfolio.baskets and all(map(self._stopped, self._held()))

    def _held(self) -> list[Trade]:
        return [t for t in self._engaged.engine.floor.portfolio.trades.values() if t.quantity]

    def _stopped(self, trade: Trade) -> bool:
        """By one that stands and stays: not one that is being taken away, or sleeps for good."""
        orders = self._engaged.engine.floor.portfolio.orders
        working = orders.working_of(trade.trade_id)
        legs = bracket.read(working, orders.get)
        idle = legs.waiting | legs.void
        stops = (o.approved for o in working if o.approved.purpose is Purpose.STOP)
        ids = (stop.client_order_id for stop in stops)
        return any(id_ not in idle and not orders.canceling(id_) for id_ in ids)

    def _tell_open(self) -> None:
        """What stays at the venue while nobody is here."""
        for trade in self._held():
            tell = log.info if self._stopped(trade) else log.error
            tell(
                "position_stays_open",
                instrument=trade.instrument_id,
                side=trade.side.value,
                quantity=str(trade.quantity),
                stop=str(trade.stop_price) if self._stopped(trade) else "NONE: look at the venue",
            )
        orders = self._engaged.engine.floor.portfolio.orders.working()
        log.info("orders_stay_open", count=len(orders), positions=len(self._held()))

    async def _agrees(self) -> str:
        """The venue's own word on being flat: no order of ours, no position in a perpetual."""
        try:
            state = await self.venue.read_state()
        except VenueUnavailable as error:
            return f"the venue could not be asked: {error}"
        driver = self._engaged
        for report in (*self.venue.due(state.received_time_ns), state):
            driver.inject(report)
        ours = [o for o in state.orders if o.client_order_id.startswith(OURS)]
        standing = [o.client_order_id for o in ours if o.status in WORKING]
        held = [p.instrument_id for p in state.positions if p.quantity]
        if not driver.engine.floor.portfolio.flat():
            return "the venue told of something new: still closing"
        left = [f"order {name}" for name in standing] + [f"a position in {name}" for name in held]
        return f"the venue still has {', '.join(left)}" if left else ""

    async def _watch_rights(self) -> None:
        """A key may be changed at the venue while we run: what it may do is asked daily."""
        pause_s = RIGHTS_EVERY_S
        while True:
            await asyncio.sleep(pause_s)
            try:
                reason = await why_refused(self._reach)
            except VenueUnavailable as error:
                reason = str(error)
            pause_s = RIGHTS_AGAIN_S if reason else RIGHTS_EVERY_S
            if bool(reason) != bool(self._told_rights):
                self._engaged.inject(trouble("rights", reason, time.time_ns()))
            self._told_rights = reason

    @property
    def _engaged(self) -> Driver:
        assert self._driver is not None, "begin, then at_venue"
        return self._driver


def _require_quiet(names: Collection[str], known: Collection[str]) -> None:
    """Another Tradewinds that trades here need not have an order standing just now."""
    others = [n for n in names if n.startswith(OURS) and run_of(n) not in known]
    if others:
        runs = ",".join(sorted({*filter(None, map(run_of, others))}))
        raise ConfigError(
            f"another Tradewinds has traded this account within the last day ({others[-1]}): two "
            "know neither each other's risk nor money. Stop it, wherever it runs; then go on with "
            f"its data folder, account name and key, or start here with --take-over {runs}"
        )


def trouble(cause: str, reason: str, now_ns: int) -> VenueTroubleChanged:
    """For the engine: something forbids new risk, or no longer does."""
    return VenueTroubleChanged(
        cause=cause, reason=reason, venue_time_ns=now_ns, received_time_ns=now_ns
    )
