"""The synchronous edge: journal, step, make durable, send. The same for `for` and `async for`."""

import logging
from collections.abc import Callable, Iterable, Sequence

from tradewinds.engine.engine import Engine
from tradewinds.engine.queue import TimerQueue
from tradewinds.engine.quiet import Quiet
from tradewinds.execution.bracket import carries
from tradewinds.model.commands import CancelOrder, Command, SetTimer, SubmitOrder
from tradewinds.model.errors import StoreUnavailable
from tradewinds.model.events import (
    Event,
    InstrumentChanged,
    MarketEvent,
    OrderRejected,
    SoundBlock,
    StoreHealthChanged,
    TimerFired,
)
from tradewinds.model.market import Bar, TradePrint
from tradewinds.model.order import Purpose
from tradewinds.ports import DrivenVenue, Journal, QuietVenue

log = logging.getLogger(__name__)
BEAT = "beat"
DERIVED_FROM = frozenset({Bar, TradePrint})
Derive = Callable[[MarketEvent], Sequence[Bar]]
ADDS_RISK = frozenset({Purpose.ENTER, Purpose.LEG})


class Driver:
    """Carries events to the engine and its commands to journal, venue, timers and listener."""

    def __init__(
        self,
        engine: Engine,
        venue: DrivenVenue,
        journal: Journal,
        *,
        beat_ns: int,
        durable: bool = True,
    ) -> None:
        self.engine = engine
        self.venue = venue
        self.journal = journal
        self.derive: Derive | None = None
        self.listener: Callable[[Sequence[Command]], None] | None = None
        self.events = 0
        self.started = False
        self.store_healthy = True
        self._durable = durable
        self._timers = TimerQueue()
        self._beat_ns = beat_ns
        self._beat_due_ns = 0
        self._quiet: Quiet | None = None
        if isinstance(venue, QuietVenue) and getattr(journal, "forgets", False):
            self._quiet = engine.quiet(venue)

    def start(self, *first: Event) -> None:
        """The run's first events; time passes from here on."""
        for event in first:
            self.inject(event)
        self.make_durable()
        self.started = True

    def market(self, event: MarketEvent) -> None:
        """One market event."""
        self._each((event,))

    def markets(self, events: Iterable[MarketEvent]) -> None:
        """Market events in order; of each: timers that were due, the venue's matching, then the
        engine, then the bars it completes."""
        if self._quiet is not None and isinstance(events, SoundBlock):
            self._sound(self._quiet, events)
        else:
            self._each(events)

    def _each(self, events: Iterable[MarketEvent]) -> None:
        stages, derive = self.venue.stages, self.derive
        append_event, step = self.journal.append_event, self.engine.step
        for event in events:
            received_ns = event.received_time_ns
            if received_ns >= self._beat_due_ns:
                self.pass_time(received_ns)
            for reports in stages(event):
                for report in reports:
                    self.inject(report)
            # What `inject` does, without a call more for each of millions of events.
            self.events += 1
            append_event(event)
            commands = step(event)
            if commands:
                self._carry_out(commands)
            if derive is not None and type(event) in DERIVED_FROM:
                for bar in derive(event):
                    self.inject(bar)

    def _sound(self, quiet: Quiet, block: SoundBlock) -> None:
        """The same, with a short way for bars in which nothing of ours can happen."""
        out, derive = self.engine.floor.out, self.derive or _nothing
        index, count = 0, len(block)
        while index < count:
            event = block[index]
            if event.received_time_ns >= self._beat_due_ns:
                self.pass_time(event.received_time_ns)
            reached = quiet.run(block, index, self._beat_due_ns, derive)
            if reached == index:
                self._each((event,))
                index += 1
                continue
            self.events += reached - index
            index = reached
            made, commands = quiet.made, out.commands
            if commands:
                out.commands = []
                self._carry_out(commands)
            for bar in made:
                self.inject(bar)

    def instrument_changed(self, event: InstrumentChanged) -> None:
        """New filters, fees or status: the venue takes them up first, then the engine."""
        self.venue.update_instrument(event.instrument)
        self.inject(event)

    def pass_time(self, now_ns: int) -> None:
        """What is due by `now_ns`: venue reports, timers, the beat."""
        for report in self.venue.due(now_ns):
            self.inject(report)
        for timer in self._timers.due(now_ns):
            self.inject(timer)
        if now_ns >= self._beat_due_ns:
            self._beat_due_ns = now_ns + self._beat_ns
            self.inject(TimerFired(timer_id=BEAT, venue_time_ns=now_ns, received_time_ns=now_ns))

    def inject(self, event: Event) -> None:
        """Journal an input, step, carry out what follows."""
        self.events += 1
        self.journal.append_event(event)
        commands = self.engine.step(event)
        if commands:
            self._carry_out(commands)

    def _carry_out(self, commands: Sequence[Command]) -> None:
        self.journal.append_commands(commands)
        outgoing: list[SubmitOrder | CancelOrder] = []
        for command in commands:
            kind = type(command)
            if kind is SubmitOrder or kind is CancelOrder:
                outgoing.append(command)  # type: ignore[arg-type]
            elif kind is SetTimer:
                self._timers.set(command)  # type: ignore[arg-type]
        if self.listener is not None:
            self.listener(commands)
        if not outgoing:
            return
        # A store that is known to fail is not waited for again: closing must not be slow.
        if self.store_healthy and self.make_durable():
            self._send(outgoing)
        else:
            self.save_aside()
            self._send_without_store(outgoing)

    def make_durable(self) -> bool:
        """Flush the journal; False, and the engine told, when it cannot be done."""
        if not self._durable:
            return True
        try:
            self.journal.flush(self.engine.checkpoint())
        except StoreUnavailable as error:
            self._store_health(healthy=False, reason=str(error))
            return False
        self._store_health(healthy=True, reason="")
        return True

    def settle(self) -> None:
        """At the end of a run: durable in the store, or else in the emergency file."""
        if not self.make_durable():
            self.save_aside()

    def save_aside(self) -> None:
        """While the store fails, keep what has happened in the emergency file, if there is one."""
        flush_emergency = getattr(self.journal, "flush_emergency", None)
        if flush_emergency is None:
            return
        try:
            flush_emergency(self.engine.checkpoint())
        except StoreUnavailable as error:
            log.error("not_saved_aside reason=%s", error)

    def _store_health(self, *, healthy: bool, reason: str) -> None:
        if healthy is self.store_healthy:
            return
        self.store_healthy = healthy
        log.log(logging.INFO if healthy else logging.ERROR, "store healthy=%s %s", healthy, reason)
        now_ns = self.engine.floor.out.now_ns
        self.inject(
            StoreHealthChanged(
                healthy=healthy, reason=reason, venue_time_ns=now_ns, received_time_ns=now_ns
            )
        )

    def _send(self, outgoing: Iterable[SubmitOrder | CancelOrder]) -> None:
        for command in outgoing:
            if isinstance(command, SubmitOrder):
                self.venue.submit(command)
            else:
                self.venue.cancel(command)

    def _send_without_store(self, outgoing: Iterable[SubmitOrder | CancelOrder]) -> None:
        """No journal, no new risk; what closes goes out all the same."""
        refused: list[SubmitOrder] = []
        for command in outgoing:
            if isinstance(command, SubmitOrder) and _risks(command, refused):
                refused.append(command)
            else:
                self._send((command,))
        for command in refused:
            self.inject(
                OrderRejected(
                    client_order_id=command.order.client_order_id,
                    instrument_id=command.order.instrument_id,
                    reason="not sent: the journal cannot be written",
                    venue_time_ns=command.time_ns,
                    received_time_ns=command.time_ns,
                )
            )


def _risks(command: SubmitOrder, refused: Sequence[SubmitOrder]) -> bool:
    """An order that adds risk, or a way out that was to travel with one that is not sent."""
    carried = carries(command.order, (entry.order for entry in refused))
    return command.order.purpose in ADDS_RISK or carried


def _nothing(event: MarketEvent) -> Sequence[Bar]:
    """No larger bars are wanted."""
    return ()
