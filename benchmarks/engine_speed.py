"""Events through the whole engine, and how long a decision takes."""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import rig
from benchmarks.eager import Eager, EagerParams
from benchmarks.table import Row
from tradewinds.engine.driver import Driver
from tradewinds.model.events import MarketEvent
from tradewinds.model.market import Quote

EVENTS = 300_000
ROUNDS = 3
BAR_DAYS = 20


def floor_seconds(events: Sequence[MarketEvent]) -> float:
    """The least that Python does: look at each quote object and add up its mids."""

    def run() -> float:
        total = 0.0
        for event in events:
            if type(event) is Quote:
                total += (event.bid + event.ask) * 0.5
        return total

    return rig.timed(run)


def through(driver: Driver, events: Sequence[MarketEvent]) -> float:
    """Seconds for all events."""

    def run() -> None:
        market = driver.market
        for event in events:
            market(event)
        driver.make_durable()

    return rig.timed(run)


def step_only(events: Sequence[MarketEvent]) -> float:
    """The engine alone: no venue, no journal."""
    driver = rig.wired(events[0].received_time_ns)

    def run() -> None:
        step = driver.engine.step
        for event in events:
            step(event)

    return rig.timed(run)


def latencies_us(driver: Driver, events: Sequence[MarketEvent]) -> tuple[float, float, float]:
    """p50, p99 and p99.9 of one event through driver, venue and engine."""
    market, clock = driver.market, time.perf_counter_ns
    taken = []
    for event in events:
        began = clock()
        market(event)
        taken.append(clock() - began)
    taken.sort()
    count = len(taken)
    return tuple(taken[int(count * share)] / 1e3 for share in (0.5, 0.99, 0.999))  # type: ignore[return-value]


def measure() -> list[Row]:
    """All rows, interleaved over the rounds, best of each."""
    events = rig.quotes_and_more(EVENTS)
    first_ns = events[0].received_time_ns
    best: dict[str, float] = {}

    def keep(name: str, seconds: float) -> None:
        best[name] = min(best.get(name, seconds), seconds)

    for _ in range(ROUNDS):
        keep("floor: plain Python loop over the same quotes", floor_seconds(events))
        keep("engine.step, all built-in strategies, risk on", step_only(events))
        keep("with simulated venue and driver", through(rig.wired(first_ns), events))
        busy = rig.wired(first_ns, extra=[Eager(EagerParams(), rig.FEED.instruments)])
        keep("... and a signal on every 100th quote", through(busy, events))
        with tempfile.TemporaryDirectory() as folder:
            journalled = rig.wired(first_ns, rig.sqlite_journal(Path(folder)))
            keep("... journalled to SQLite, hash-chained", _flushed(journalled, events))
    floor = best["floor: plain Python loop over the same quotes"]
    rows = [
        Row(name=name, figure=EVENTS / seconds, unit="events/s", ratio=floor / seconds)
        for name, seconds in best.items()
    ]
    return rows + _latency_rows(events) + [_bars_row()]


def _flushed(driver: Driver, events: Sequence[MarketEvent]) -> float:
    """As a session does it: durable every 4,000 events besides every order."""

    def run() -> None:
        market = driver.market
        for start in range(0, len(events), 4_000):
            for event in events[start : start + 4_000]:
                market(event)
            driver.make_durable()

    return rig.timed(run)


def _latency_rows(events: Sequence[MarketEvent]) -> list[Row]:
    quiet = latencies_us(rig.wired(events[0].received_time_ns), events)
    eager = Eager(EagerParams(every=20), rig.FEED.instruments)
    busy = latencies_us(rig.wired(events[0].received_time_ns, extra=[eager]), events)
    rows = []
    for name, figures in (
        ("all built-in strategies", quiet),
        ("a signal on every 20th quote", busy),
    ):
        for label, figure in zip(("p50", "p99", "p99.9"), figures, strict=True):
            rows.append(Row(name=f"decision latency {label}, {name}", figure=figure, unit="us"))
    return rows


def _bars_row() -> Row:
    events = rig.bars(BAR_DAYS)
    seconds = min(
        through(rig.wired(events[0].received_time_ns, history=0), events) for _ in range(2)
    )
    name = f"backtest of 1m bars, 12 instruments, {BAR_DAYS} days"
    return Row(name=name, figure=len(events) / seconds, unit="bars/s")
