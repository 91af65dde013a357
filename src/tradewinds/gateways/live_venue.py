"""A real venue in the shape of the simulated one: commands in, reports out, nothing ever waits."""

import asyncio
import logging
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from typing import Any, Final, cast

from msgspec import Struct

from tradewinds.gateways.account_watch import AccountWatch
from tradewinds.gateways.ccxt_orders import CcxtClient, Edge
from tradewinds.gateways.dialect import Dialect, Ending, Named, Retuned, Said, Stirred
from tradewinds.gateways.link import Wire
from tradewinds.gateways.order_desk import OrderDesk
from tradewinds.gateways.order_sender import OrderSender
from tradewinds.gateways.order_watch import OrderWatch
from tradewinds.gateways.outcomes import Cause
from tradewinds.gateways.purse import lacking
from tradewinds.gateways.state_reader import Reading, StateReader, StillMoving
from tradewinds.gateways.user_stream import Door, StreamEdge, UserStream
from tradewinds.gateways.venue_errands import BAD_ANSWER, Errands
from tradewinds.model.checkpoint import Checkpoint
from tradewinds.model.commands import CancelOrder, SubmitOrder
from tradewinds.model.errors import ConfigError, VenueUnavailable
from tradewinds.model.events import (
    MarketEvent,
    VenueReport,
    VenueStateRead,
    VenueTroubleChanged,
)
from tradewinds.model.ids import ClientOrderId, InstrumentId
from tradewinds.model.instrument import Instrument
from tradewinds.model.order import ApprovedOrder, Order

NS_PER_S: Final = 1_000_000_000
NAMELESS_S: Final = 1.0
log = logging.getLogger(__name__)


class LiveTerms(Struct, frozen=True, kw_only=True):
    """How often the whole state is read: while the stream is up, and while it is not.

    `status_every_s`: how often maintenance is asked for; 0 for never (testnets do not tell).
    `asleep_after_s`: nothing of ours keeps the loop for so long, so the machine itself was asleep.
    """

    state_every_s: float = 60.0
    state_every_blind_s: float = 5.0
    look_gap_s: float = 1.0
    tick_s: float = 0.05
    check_every_s: float = 3_600.0
    status_every_s: float = 60.0
    asleep_after_s: float = 10.0


class LiveVenue:
    """Implements ports.DrivenVenue: `submit` and `cancel` only take note, `stages` and `due`
    hand over what has arrived. `connect` first, then `run` until cancelled, then `close`.

    Everything happens in one thread, the engine's.
    """

    def __init__(
        self,
        client: CcxtClient,
        dialect: Dialect,
        stream: tuple[Door, Wire],
        terms: LiveTerms | None = None,
        edges: tuple[Edge, StreamEdge] | None = None,
    ) -> None:
        """`stream`: the way into the user stream, and what lies between. `edges` for tests."""
        self._edge, stream_edge = edges or (Edge(), StreamEdge())
        self._terms = terms or LiveTerms()
        self._client, self._dialect = client, dialect
        self._desk = OrderDesk()
        self._errands = Errands(client, dialect, self._desk, self._edge)
        self._sender = OrderSender(client, dialect, self._desk, self._errands, self._edge)
        self.reader = StateReader(dialect, self._desk, self._errands, self._edge)
        parts = (self._desk, self._errands, self._sender)
        self._watch = OrderWatch(*parts, self._start, self._edge)
        self._account = AccountWatch(client, dialect, self._errands, self._watch, self._trouble)
        self.stream = UserStream(*stream, self._take, self._stream_changed, stream_edge)
        self._told: dict[str, str] = {}
        self._look = ""
        self._looked_ns = 0
        self._checked_ns = self._awake_ns = self._edge.now_ns()
        self._polled_ns = self._checked_ns
        self._reading: Reading | None = None
        self._told_news = -1
        self._nameless_ns = 0
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._failure: BaseException | None = None
        client.on_trouble = self._cause_changed
        self._errands.look = self.look
        self._errands.failed = self._failed

    # The engine's side

    def submit(self, command: SubmitOrder) -> None:
        """Take it; it leaves as soon as the loop turns."""
        self._errands.touched.add(command.order.instrument_id)
        self._sender.submit(command)

    def lacking(self, order: ApprovedOrder) -> str:
        """Why the money here cannot pay for an order, by the last reading and what came since."""
        return lacking(order, self.instruments, self._errands.purse, self._desk)

    def refuse(self, command: SubmitOrder, reason: str) -> None:
        """Told like a refusal of the venue's; it never leaves. Its ways out do not either."""
        sent = self._desk.add(command.order, command.time_ns)
        self._desk.rejected(sent, reason, self._edge.now_ns())
        self.look("an order was too large for its wallet")

    def cancel(self, command: CancelOrder) -> None:
        """Take it."""
        self._sender.cancel(command)

    def stages(self, event: MarketEvent) -> Iterator[Sequence[VenueReport]]:
        """What has arrived, whatever the event."""
        if self._desk.reports or self._reading is not None:
            return iter((self._drained(),))
        return iter(())

    def due(self, now_ns: int) -> Sequence[VenueReport]:
        """What has arrived."""
        return self._drained() if self._desk.reports or self._reading is not None else ()

    def restore(self, checkpoint: Checkpoint) -> None:
        """The venue remembers by itself; executions are read from the checkpoint's time on."""
        self._errands.start_ns = min(self._errands.start_ns, checkpoint.time_ns)
        self._errands.concern(checkpoint.orders)

    def update_instrument(self, instrument: Instrument) -> None:
        """Filters come from the venue, not to it."""

    def _drained(self) -> Sequence[VenueReport]:
        """A reading that an order or a report has overtaken is not handed over but made anew: it
        would deny what is newer than itself."""
        reading, self._reading = self._reading, None
        if reading is not None and self.reader.fresh(reading):
            self._desk.reports.append(self.tell(reading))
            self._trouble("state", "")
            self._trouble("asleep", "")
            if self.stream.up:
                self._trouble("stream", "")
        elif reading is not None:
            self.look("the last reading was overtaken")
        taken, self._desk.reports = self._desk.reports, []
        return cast("Sequence[VenueReport]", taken)

    # The edge's side

    async def connect(self) -> None:
        """Clock, account settings, filters. Raises ConfigError for what the operator must change,
        VenueUnavailable when the venue does not answer."""
        if not await self._client.synchronise():
            if Cause.REGION in self._client.limit.holds(self._edge.now_ns()):
                raise ConfigError("the venue bars this place (HTTP 451)")
            raise VenueUnavailable("the venue does not tell its time")
        flaw = await self._account.flaw()
        if flaw:
            raise ConfigError(flaw)
        await self._errands.refresh_filters()
        self._checked_ns = self._edge.now_ns()

    async def run(self) -> None:
        """Until cancelled. Raises what is a bug of ours; the venue's faults become reports."""
        tasks = [
            asyncio.create_task(self._sender.run()),
            asyncio.create_task(self.stream.run()),
            asyncio.create_task(self._keep_up()),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            under_way = [*tasks, *self._tasks.values()]
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def read_state(self, orders: Sequence[Order] = ()) -> VenueStateRead:
        """The venue's truth, now; hand over what `due` has before it. Raises VenueUnavailable."""
        return self.tell(await self.read(orders))

    async def read(self, orders: Sequence[Order] = ()) -> Reading:
        """The same, told to nobody yet: `tell` it while it `holds`. Raises VenueUnavailable."""
        reading = await self.reader.read(orders)
        self._looked_ns = self._edge.now_ns()
        return reading

    async def latest(self, since_ns: int) -> Sequence[ClientOrderId]:
        """See StateReader."""
        return await self.reader.latest(since_ns)

    def holds(self, reading: Reading) -> bool:
        """Whether nothing has been sent or heard since."""
        return self.reader.fresh(reading) and not self._sender.busy

    def tell(self, reading: Reading) -> VenueStateRead:
        """What it brings counts as told from here on."""
        state = self.reader.tell(reading)
        self._told_news = self._desk.news
        self._account.read(reading.began_ns)
        return state

    @property
    def instruments(self) -> Mapping[InstrumentId, Instrument]:
        """What is traded here."""
        return self._dialect.instruments

    @property
    def unmoved(self) -> bool:
        """Whether nothing has been sent or heard since the last reading that was handed over."""
        return self._desk.news == self._told_news and not self._sender.busy

    @property
    def still(self) -> bool:
        """Whether that reading holds: nor has anything asked for another one."""
        asked = self._look or self._reading is not None or "state" in self._tasks
        return self.unmoved and not asked

    async def close(self) -> None:
        """Give back connections."""
        await self._client.close()

    def look(self, reason: str) -> None:
        """Read the state soon."""
        log.info("look wanted=%s", reason)
        self._look = reason

    # The inside

    def _take(self, message: Any) -> None:
        now_ns = self._edge.now_ns()
        try:
            updates = self._dialect.updates(message, now_ns)
        except BAD_ANSWER as error:
            log.warning("user_event_unread error=%r", error)
            self.look("an event that makes no sense")
            return
        for update in updates:
            match update:
                case Said():
                    self._heard(update, now_ns)
                case Named():
                    self._desk.named(update, now_ns)
                    self._part(update.client_order_id)
                case Ending():
                    self.stream.renew_connection(update.reason)
                case Stirred():
                    self.look(update.reason)
                case Retuned():
                    self._retuned(update)
                case _:
                    self._desk.paid(update)

    def _retuned(self, update: Retuned) -> None:
        """A market that was set otherwise is not entered until it is set back; whether the account
        may be traded at all is asked."""
        if update.instrument_id is None:
            self._checked_ns = 0
            return
        flaw = self._sender.settings.retuned(update)
        self._errands.bar(update.instrument_id, update.setting, flaw)
        if flaw:
            log.warning("market_retuned instrument=%s reason=%s", update.instrument_id, flaw)

    def _heard(self, said: Said, now_ns: int) -> None:
        self._desk.heard(said, now_ns)
        if self._desk.nameless() and not self._nameless_ns:
            self._nameless_ns = now_ns
        name = self._desk.name_of(said.order.venue_order_id) or said.order.client_order_id
        sent = self._desk.get(name)
        if sent is not None:
            sent.confirmed = sent.confirmed or not said.waiting
            if said.order.filled_quantity > sent.filled and not said.fills:
                self._errands.ask_about(sent)
            if sent.active and sent.carrier is not None and not sent.carrier.active:
                self._errands.ask_about(sent.carrier)
        self._part(name)

    def _part(self, order_id: ClientOrderId) -> None:
        sent = self._desk.get(order_id)
        if sent is not None:
            self._sender.part(sent)

    def _stream_changed(self, up: bool, why: str) -> None:
        if up:
            self.look(why or "the user stream is up")
        else:
            self._trouble("stream", f"the user stream is down: {why}")

    def _cause_changed(self, cause: Cause, reason: str) -> None:
        self._trouble(str(cause), reason)

    def _trouble(self, cause: str, reason: str) -> None:
        """Told once for each change."""
        if bool(self._told.get(cause)) == bool(reason):
            return
        self._told[cause] = reason
        now_ns = self._edge.now_ns()
        self._desk.reports.append(
            VenueTroubleChanged(
                cause=cause, reason=reason, venue_time_ns=now_ns, received_time_ns=now_ns
            )
        )

    async def _keep_up(self) -> None:
        while True:
            await self._edge.sleep(self._terms.tick_s)
            if self._failure is not None:
                raise self._failure
            now_ns = self._edge.now_ns()
            self._notice_sleep(now_ns)
            self._watch.round(now_ns)
            self._lift_troubles(now_ns)
            self._forget_strangers(now_ns)
            self._look_if_due(now_ns)

    def _notice_sleep(self, now_ns: int) -> None:
        """Who slept knows neither what filled nor whether anybody still listens."""
        slept_s, self._awake_ns = (now_ns - self._awake_ns) / NS_PER_S, now_ns
        if slept_s > self._terms.asleep_after_s:
            why = f"this machine was asleep for {slept_s:.0f} s"
            self._trouble("asleep", f"{why}: the venue's state is read first")
            self._reading = None
            self.stream.renew_connection(why)
            self.look(why)

    def _lift_troubles(self, now_ns: int) -> None:
        """A hold is over when its time is over and a request has succeeded since."""
        holds = {str(cause) for cause in self._client.limit.holds(now_ns)}
        for cause in (Cause.RATE, Cause.BANNED, Cause.BLOCKED, Cause.KEY):
            since_ns = self._client.limit.began_ns(cause)
            if cause not in holds and self._client.succeeded_ns > since_ns:
                self._trouble(str(cause), "")

    def _forget_strangers(self, now_ns: int) -> None:
        """Executions that nobody claims: look whose they are, and let the rest be."""
        if self._nameless_ns and now_ns - self._nameless_ns > NAMELESS_S * NS_PER_S:
            self._nameless_ns = 0
            if self._desk.nameless():
                self._desk.forget_nameless()
                self.look("executions of orders that are not known here")

    def _look_if_due(self, now_ns: int) -> None:
        age_s = (now_ns - self._looked_ns) / NS_PER_S
        terms = self._terms
        every_s = terms.state_every_s if self.stream.up else terms.state_every_blind_s
        wanted = self._look and age_s >= terms.look_gap_s
        if (wanted or age_s >= every_s) and not self._sender.busy:
            self._start("state", self._read())
        every_s = terms.state_every_s if self._told.get(Cause.MODE) else terms.check_every_s
        if now_ns - self._checked_ns >= every_s * NS_PER_S:
            self._checked_ns = now_ns
            self._start("check", self._account.check())
        polls = terms.status_every_s and self._client.quirks.status_method
        if polls and now_ns - self._polled_ns >= terms.status_every_s * NS_PER_S:
            self._polled_ns = now_ns
            self._start("status", self._account.poll(now_ns))

    async def _read(self) -> None:
        why, self._look = self._look, ""
        self._looked_ns = self._edge.now_ns()
        try:
            self._reading = await self.reader.read()
        except StillMoving:
            self._look = why or "the last reading was overtaken"
        except VenueUnavailable as error:
            log.warning("state_not_read error=%s", error)
            self._look = why or "the last reading failed"
            self._trouble("state", f"{error}")

    def _start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        running = self._tasks.get(name)
        if running is not None and not running.done():
            work.close()
            return
        task = asyncio.create_task(work)
        self._tasks[name] = task
        task.add_done_callback(lambda done: self._finished(name, done))

    def _finished(self, name: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(name) is task:
            del self._tasks[name]
        if not task.cancelled():
            self._failed(task.exception())

    def _failed(self, error: BaseException | None) -> None:
        """Our own bug: it ends `run`, and whoever runs us must close what is open."""
        self._failure = self._failure or error
