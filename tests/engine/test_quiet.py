"""The short way of recorded bars: what it leaves behind is what the long way leaves."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from msgspec import Struct, structs

from tests.engine.quick_stage import (
    LIMITS,
    MINUTE,
    OPENING,
    PERPETUAL,
    SPOT,
    START,
    USDT,
    WHO,
    NoParams,
    Puppet,
    entry,
    minute_bar,
    start,
)
from tradewinds.engine.driver import Driver
from tradewinds.engine.engine import Engine
from tradewinds.engine.quiet import Quiet
from tradewinds.engine.settings import EngineSettings
from tradewinds.market.derive import Deriver
from tradewinds.model import events as ev
from tradewinds.model.commands import RecordOrder, RecordTrade
from tradewinds.model.ids import Asset, StrategyId
from tradewinds.model.instrument import InstrumentStatus
from tradewinds.model.market import Bar, FundingRate, MarkPrice, Quote, Side, TradePrint
from tradewinds.model.signal import Signal
from tradewinds.ports import MarketView, QuietVenue, Strategy, Subscription
from tradewinds.sim.faults import FaultPlan, FaultyVenue
from tradewinds.sim.settings import SimSettings
from tradewinds.sim.venue import SimVenue
from tradewinds.store.memory import MemoryJournal

LISTED = (SPOT, PERPETUAL)
LARGE = 5 * MINUTE
World = list[tuple[str, tuple[int, ...], int, int, int]]


class Reader(Puppet):
    """Says what the number of the minute tells it to, and keeps what it saw of the engine."""

    def __init__(self, words: dict[int, int]) -> None:
        super().__init__(LISTED)
        self.words = words
        self.seen: list[Any] = []

    def on_event(self, event: ev.MarketEvent, view: MarketView) -> Sequence[Signal]:
        assert isinstance(event, Bar)
        self.word = self.words.get(event.venue_time_ns, 0)
        of = event.instrument_id
        trades = [(t.trade_id, t.quantity, t.phase) for t in view.open_trades(WHO)]
        self.seen.append((event, view.now_ns, view.mid(of), view.quote(of), trades))
        if self.word == 5 and of == PERPETUAL.id:
            short = entry(of, event.close, None)
            stop = event.close * 1.015
            return [structs.replace(short, side=Side.SELL, stop_price=stop)]
        if self.word == 2:
            return [entry(of, event.close, event.close * 1.02)]
        return super().on_event(event, view)


class Neighbour:
    """Looks at larger bars alone, and buys at every fourth."""

    Params: ClassVar[type[Struct]] = NoParams
    strategy_id = StrategyId("neighbour")

    def __init__(self) -> None:
        self.count = 0

    def subscriptions(self) -> Sequence[Subscription]:
        return [Subscription(kind=Bar, instrument_id=SPOT.id, timeframe_ns=LARGE)]

    def on_event(self, event: ev.MarketEvent, view: MarketView) -> Sequence[Signal]:
        assert isinstance(event, Bar)
        assert event.timeframe_ns == LARGE
        self.count += 1
        if self.count % 4:
            return ()
        wish = entry(event.instrument_id, event.close, None)
        return [structs.replace(wish, strategy_id=self.strategy_id)]


class Forgetful(MemoryJournal):
    """Says that it forgets, and keeps the commands for the test."""

    forgets = True


class Stage:
    """An engine with both strategies at a simulated venue."""

    def __init__(self, words: dict[int, int], journal: MemoryJournal, beat: int) -> None:
        self.journal = journal
        self.reader = Reader(words)
        watching: list[Strategy] = [self.reader, Neighbour()]
        self.engine = Engine(EngineSettings(currency=USDT, limits=LIMITS), watching)
        self.venue = SimVenue(LISTED, OPENING, SimSettings())
        self.driver = Driver(self.engine, self.venue, journal, beat_ns=beat * MINUTE, durable=False)
        self.driver.derive = Deriver({LARGE}).add
        start(self.driver, LISTED)

    def left(self) -> dict[str, Any]:
        """All that could differ."""
        floor = self.engine.floor
        markets = self.venue.quiet_markets.values()
        return {
            "commands": [repr(command) for command in self.journal.commands],
            "slots": [
                {n: repr(getattr(s, n)) for n in s.__slots__ if "watchers" not in n}
                for s in floor.board.slots.values()
            ],
            "markets": [
                {n: repr(getattr(m, n)) for n in m.__slots__ if n not in ("doubt", "orders")}
                for m in markets
            ],
            "orders": [[working_of(w) for w in m.orders] for m in markets],
            "checkpoint": repr(self.engine.checkpoint()),
            "cause": floor.out.cause,
            "now": floor.out.now_ns,
            "events": self.driver.events,
            "anomalies": floor.out.anomalies,
            "equity": self.engine._upkeep._equity,
            "seen": self.reader.seen,
        }


def working_of(w: Any) -> tuple[Any, ...]:
    return (w.order.client_order_id, w.stage, w.fresh, w.active, w.gone)


def events_of(world: World) -> tuple[list[ev.MarketEvent], dict[int, int]]:
    """Market events in order of time, and what is said at which."""
    closes, now, words = [100.0, 100.0], START, {}
    made: list[ev.MarketEvent] = []
    for kind, moves, volume, word, place in world:
        now += MINUTE * {"gap": 7, "night": 400, "again": 0}.get(kind, 1)
        listed = LISTED[place]
        at = {"instrument_id": listed.id, "venue_time_ns": now, "received_time_ns": now}
        path = [max(round(closes[place] * (1 + part / 4_000), 2), 0.01) for part in moves]
        if abs(moves[3]) < 100 or volume % 2:
            closes[place] = path[-1]  # Else it was one wild print.
        if kind == "quote":
            bid, size = path[-1], float(volume + 1)
            made.append(Quote(bid=bid, ask=bid + 0.01, bid_size=size, ask_size=size, **at))
        elif kind == "print":
            # Of a moment in which the next bar is open already.
            late = {**at, "received_time_ns": now + 1, "venue_time_ns": now + 1}
            size = float(volume)
            made.append(
                TradePrint(price=path[-1], size=size, aggressor=Side.SELL, print_id="1", **late)
            )
        elif kind == "mark":
            made.append(MarkPrice(price=path[-1], **at))
        elif kind == "funding":
            made.append(FundingRate(rate=0.0001, **at))
        else:
            words[now] = word
            made.append(minute_bar(listed.id, path, float(volume), now))
    return made, words


def blocks_of(made: list[ev.MarketEvent], size: int, block: Callable[..., Any]) -> list[Any]:
    return [block(made[start : start + size]) for start in range(0, len(made), size)]


def both_ways(world: World, size: int, beat: int) -> tuple[Stage, Stage, int]:
    """The same world in sound blocks and one by one, and how many bars went the short way."""
    made, words = events_of(world)
    taken = 0
    run = Quiet.run

    def counted(self: Quiet, block: Any, start: int, *rest: Any) -> int:
        nonlocal taken
        reached = run(self, block, start, *rest)
        taken += reached - start
        return reached

    quick, slow = Stage(words, Forgetful(), beat), Stage(words, MemoryJournal(), beat)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Quiet, "run", counted)
        halts = {START + MINUTE * n for n, step in enumerate(world) if step[0] == "halt"}
        for stage, block in ((quick, ev.SoundBlock), (slow, tuple)):
            for part in blocks_of(made, size, block):
                stage.driver.markets(part)
                if any(event.received_time_ns in halts for event in part):
                    halt(stage, part[-1].received_time_ns)
    return quick, slow, taken


def halt(stage: Stage, now_ns: int) -> None:
    """The venue halts what is traded, or lets it trade again."""
    instrument = stage.engine.floor.board.slots[SPOT.id].instrument
    trading = instrument.status is InstrumentStatus.TRADING
    status = InstrumentStatus.HALTED if trading else InstrumentStatus.TRADING
    stage.driver.instrument_changed(
        ev.InstrumentChanged(
            instrument=structs.replace(instrument, status=status),
            venue_time_ns=now_ns,
            received_time_ns=now_ns,
        )
    )


def world_of(seed: int) -> World:
    """Mostly calm; at times a leap that nobody believes at once, silence, a halt, an old bar."""
    dice = random.Random(seed)
    leaps = [-1_500, 900, 2_000, 3_900] if seed % 4 == 3 else []
    others = ["mark", "funding", "gap", "again", "night"]
    others += ["print"] * (seed % 3 == 1) + ["halt"] * (seed % 6 == 1) + ["quote"] * (seed % 5 == 0)
    world = []
    for _ in range(250):
        kind = "bar" if dice.random() < 0.97 else dice.choice(others)
        moves = [dice.randint(-16, 16) for _ in range(4)]
        if leaps and dice.random() < 0.05:
            moves[3] = dice.choice(leaps)
        word = dice.randint(1, 5) if dice.random() < 0.15 else 0
        world.append((kind, tuple(moves), dice.randint(50, 400), word, int(dice.random() < 0.3)))
    return world


@pytest.mark.parametrize("seed", range(40))
def test_both_ways_leave_the_same_behind(seed: int) -> None:
    size, beat = (1, 3, 17, 100)[seed // 2 % 4], (1, 3, 5)[seed % 3]
    quick, slow, _ = both_ways(world_of(seed), size, beat)
    assert quick.left() == slow.left()


def test_those_worlds_hold_what_could_differ() -> None:
    found: Counter[str] = Counter()
    for seed in range(40):
        quick, _, taken = both_ways(world_of(seed), 17, 3)
        found["taken"] += taken
        for command in quick.journal.commands:
            if isinstance(command, RecordOrder):
                approved = command.order.approved
                found[f"{approved.purpose.value} {command.order.status.value}"] += 1
    assert found["taken"] > 40 * 100
    for what in ("enter filled", "stop filled", "target filled", "exit filled"):
        assert found[what] > 2, found


def test_many_bars_go_the_short_way_also_while_a_stop_rests() -> None:
    calm = [("bar", (0, 2, -2, n % 3 - 1), 300, int(n == 30), 0) for n in range(400)]
    quick, slow, taken = both_ways(calm, 50, 5)
    assert quick.left() == slow.left()
    assert any(isinstance(c, RecordTrade) for c in quick.journal.commands)
    assert any(isinstance(c, RecordOrder) for c in quick.journal.commands)
    assert quick.venue.working_orders()
    assert 370 < taken < 400


def test_who_keeps_a_journal_is_told_of_every_bar() -> None:
    calm = [("bar", (0, 0, 0, 0), 300, 0, 0) for _ in range(20)]
    made, words = events_of(calm)
    stage = Stage(words, MemoryJournal(), 5)
    stage.driver.markets(ev.SoundBlock(made))
    told = [e for e in stage.journal.events if isinstance(e, Bar) and e.timeframe_ns == MINUTE]
    assert told == made


def test_a_venue_with_faults_goes_the_long_way() -> None:
    venue = FaultyVenue(SimVenue(LISTED, {USDT: Decimal(1)}), FaultPlan(seed=1, shares={}))
    assert not isinstance(venue, QuietVenue)
    assert isinstance(SimVenue(LISTED, {Asset("USDT"): Decimal(1)}), QuietVenue)
