"""The asynchronous edge: feed in, pages out, operator in. One task each, one thread for all."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from tradewinds.engine.activity import describe
from tradewinds.engine.clock import EventClock, WallClock
from tradewinds.engine.driver import Driver
from tradewinds.engine.endings import Endings
from tradewinds.engine.latency import Latency
from tradewinds.engine.status import Pulse, snapshot
from tradewinds.engine.words import Words
from tradewinds.model.commands import Command, EmergencyFinished
from tradewinds.model.errors import InvariantBroken
from tradewinds.model.events import MarketEvent
from tradewinds.model.snapshot import TOPIC_ACTIVITY, TOPIC_SNAPSHOT, Snapshot
from tradewinds.ports import Feed, Outlet

SLICE_NS = 5_000_000
"""How long the engine may keep the loop before the operator is heard."""
EVENTS_PER_LOOK = 32
FLUSH_EVENTS = 20_000
TICK_S = 0.02
PUBLISH_EVERY = 12
FLUSH_EVERY = 25
STATUS_EVERY = 50
ACTIVITY_MAX = 200
Job = Callable[[], Coroutine[Any, Any, None]]


class VenueLost(InvariantBroken):
    """What speaks with the venue ended by a bug of ours; the cause says which."""


class AtVenue(Struct, frozen=True, kw_only=True):
    """What a real venue adds to a session.

    `jobs` run beside it and never end by themselves. `leave` is given time before they are
    stopped, so that nothing stays half done. `agrees` asks the venue whether it is flat: '' if so.
    """

    jobs: tuple[Job, ...]
    leave: Job
    agrees: Callable[[], Awaitable[str]]


class Terms(Struct, frozen=True, kw_only=True):
    """What a session is told. `stop_at_end` ends it with its data; `at_venue` None: simulated."""

    account: str
    mode: str
    synthetic: bool
    starting_equity: Decimal
    pid: int
    status_path: Path
    unpaced: bool
    stop_at_end: bool
    every_second: Callable[[], None]
    journal_sequence: Callable[[], int]
    at_venue: AtVenue | None = None


class Session:
    """Runs until stopped. Everything that touches the engine happens in this one thread."""

    def __init__(
        self, driver: Driver, feed: Feed, clock: EventClock | WallClock, terms: Terms
    ) -> None:
        self._driver = driver
        self._feed = feed
        self._clock = clock
        self._terms = terms
        self._latency = Latency()
        self._stop = asyncio.Event()
        self._started_ns = time.time_ns()
        self._finished = False
        self._flushed_events = 0
        self._activity: list[bytes] = []
        self._encoder = msgspec.msgpack.Encoder()
        self.outlets: Sequence[Outlet] = ()
        self.words = Words(driver, self.now_ns, self.snapshot)
        self.words.agrees = None if terms.at_venue is None else terms.at_venue.agrees
        driver.listener = self._heard

    def now_ns(self) -> int:
        """Event time of this run."""
        return self._clock.now_ns()

    def stop(self) -> None:
        """End the session in order."""
        self._stop.set()

    async def run(self) -> None:
        """Until stopped, or the data ends and the terms say so. Raises what a task raised,
        VenueLost where that was what speaks with the venue."""
        at_venue = self._terms.at_venue
        consume = asyncio.create_task(self._consume())
        tick = asyncio.create_task(self._tick())
        stop: asyncio.Task[Any] = asyncio.create_task(self._stop.wait())
        beside = [asyncio.create_task(job()) for job in at_venue.jobs] if at_venue else []
        try:
            await asyncio.wait({consume, tick, stop, *beside}, return_when=asyncio.FIRST_COMPLETED)
            fed = consume.done() and not consume.exception()
            if fed and not self._terms.stop_at_end:
                await asyncio.wait({tick, stop, *beside}, return_when=asyncio.FIRST_COMPLETED)
            _raise_lost(beside)
            for task in (consume, tick):
                if task.done():
                    task.result()
            if at_venue is not None:
                await _cancel(consume)
                await at_venue.leave()
        finally:
            await _cancel(consume, tick, stop, *beside)
            self._driver.settle()
            self._write_status()
            self._publish()

    async def _consume(self) -> None:
        """Feed to engine, a slice at a time; of each look's events the first is timed."""
        market, latency = self._market(), self._latency
        saw = self._clock.saw if isinstance(self._clock, EventClock) else None
        slice_end = time.perf_counter_ns() + SLICE_NS
        async for batch in self._feed.batches():
            for start in range(0, len(batch), EVENTS_PER_LOOK):
                events = batch[start : start + EVENTS_PER_LOOK]
                began = time.perf_counter_ns()
                market(events[0])
                latency.add(time.perf_counter_ns() - began)
                for event in events[1:]:
                    market(event)
                if saw is not None:
                    saw(events[-1])
                if time.perf_counter_ns() > slice_end:
                    await self._breathe()
                    slice_end = time.perf_counter_ns() + SLICE_NS
        self._finished = True
        self._driver.make_durable()

    def _market(self) -> Callable[[MarketEvent], None]:
        """A recording knows when a market has ended, as a live venue would tell."""
        known = getattr(self._feed, "endings", None)
        if not known:
            return self._driver.market
        return Endings(self._driver, self._feed.instruments, known).market

    async def _breathe(self) -> None:
        if self._driver.events - self._flushed_events > FLUSH_EVENTS:
            self._flush()
        await asyncio.sleep(0)

    def _flush_if_needed(self) -> None:
        if self._driver.events != self._flushed_events or not self._driver.store_healthy:
            self._flush()

    def _flush(self) -> None:
        self._flushed_events = self._driver.events
        self._driver.make_durable()

    async def _tick(self) -> None:
        """Time passes also when the market is silent."""
        count = 0
        while True:
            await asyncio.sleep(TICK_S)
            count += 1
            if self._finished or not self._terms.unpaced:
                # An unpaced replay makes its own time, the same as a backtest does.
                self._driver.pass_time(self.now_ns())
            if count % FLUSH_EVERY == 0:
                self._flush_if_needed()
            if count % PUBLISH_EVERY == 0:
                self._publish()
            if count % STATUS_EVERY == 0:
                self._write_status()
                self._terms.every_second()

    def _heard(self, commands: Sequence[Command]) -> None:
        """Commands on their way to the pages, and to who waits for an emergency's end."""
        for command in commands:
            if isinstance(command, EmergencyFinished):
                self.words.finished(command)
            line = describe(command)
            if line is not None and len(self._activity) < ACTIVITY_MAX:
                self._activity.append(self._encoder.encode(line))

    def _publish(self) -> None:
        if not self.outlets:
            return
        state = self._encoder.encode(self.snapshot())
        for outlet in self.outlets:
            outlet.publish_now(TOPIC_SNAPSHOT, state)
            for line in self._activity:
                outlet.publish_now(TOPIC_ACTIVITY, line)
        self._activity.clear()

    def _write_status(self) -> None:
        """For `status` when nobody answers. Losing it must never matter."""
        path = self._terms.status_path
        partial = path.with_suffix(".partial")
        with contextlib.suppress(OSError):
            partial.write_bytes(msgspec.json.encode(self.snapshot()))
            partial.replace(path)

    def snapshot(self) -> Snapshot:
        """The state of this instant."""
        p50, p99 = self._latency.quantiles_us()
        progress = getattr(self._feed, "progress", None)
        return snapshot(
            self._driver.engine,
            Pulse(
                account=self._terms.account,
                mode=self._terms.mode,
                feed_label=self._feed.label,
                synthetic=self._terms.synthetic,
                starting_equity=self._terms.starting_equity,
                events_total=self._driver.events,
                events_per_second=self._latency.per_second(self._driver.events),
                decision_p50_us=p50,
                decision_p99_us=p99,
                journal_sequence=self._terms.journal_sequence(),
                engine_pid=self._terms.pid,
                started_wall_ns=self._started_ns,
                now_ns=self._clock.now_ns(),
                wall_time_ns=time.time_ns(),
                progress=progress,
                finished=self._finished,
            ),
        )


def _raise_lost(tasks: "Sequence[asyncio.Task[None]]") -> None:
    for task in tasks:
        if task.done():
            raise VenueLost(f"the talk with the venue ended: {task.exception()!r}") from (
                task.exception()
            )


async def _cancel(*tasks: "asyncio.Task[Any]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
