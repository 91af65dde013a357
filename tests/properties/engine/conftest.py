"""The whole engine in a storm: mad strategies, wild prices, unruly reports, restarts, operators."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from msgspec import structs

from tradewinds.engine.driver import Driver
from tradewinds.engine.engine import Engine
from tradewinds.engine.settings import EngineSettings
from tradewinds.model import events as ev
from tradewinds.model.checkpoint import Checkpoint
from tradewinds.model.commands import Command, RecordAnomaly, RecordTrade, SubmitOrder
from tradewinds.model.ids import Asset, InstrumentId, RunId, StrategyId, TradeId
from tradewinds.model.instrument import Instrument, InstrumentStatus
from tradewinds.model.mandate import Mandate
from tradewinds.model.market import Bar, Quote, Side
from tradewinds.model.order import Purpose
from tradewinds.model.portfolio import Trade, TradingState
from tradewinds.risk.limits import RiskLimits
from tradewinds.sim.faults import Fault, FaultPlan, FaultyVenue
from tradewinds.sim.settings import SimSettings
from tradewinds.sim.venue import SimVenue
from tradewinds.store.memory import NullJournal

START_NS = 1_767_225_600_000_000_000 - 600_000_000_000
"""Ten minutes before a UTC midnight."""
MS = 1_000_000
USDT = Asset("USDT")
RISKING = (Purpose.ENTER, Purpose.LEG)
UNCOVERED_STEPS, UNCOVERED_NS = 12, 4_000_000_000
"""Market steps and time that a position may be without its stop: reports may be 1.5 s late."""


class World(NamedTuple):
    """How wild it is. `jump`: share of steps on which a price leaps; `walk_bps` of a usual one.

    `strict`: no price can jump over a stop, so the invariant must hold without exception.
    """

    name: str
    steps: int = 260
    walk_bps: float = 3.0
    jump: float = 0.0
    jump_size: float = 0.05
    unruly: float = 0.0
    operators: float = 0.0
    restarts: float = 0.0
    cash: int = 1000
    bars: bool = False
    strict: bool = False


class Cast(NamedTuple):
    """Who plays: instruments, where their prices begin, strategies made from the dice."""

    instruments: tuple[Instrument, ...]
    prices: Mapping[str, float]
    strategies: Callable[[random.Random], Sequence[Any]]


class Watched(Engine):
    """An engine whose every step is held against the law."""

    def __init__(self, settings: EngineSettings, strategies: Sequence[Any], strict: bool) -> None:
        super().__init__(settings, strategies)
        self.strict = strict
        self.gaps: list[Trade] = []
        self.told: list[str] = []
        self.entered = 0

    def step(self, event: ev.Event) -> Sequence[Command]:
        commands = super().step(event)
        for command in commands:
            self.look_at(command)
        if self.floor.run_id:
            self.law_holds()
        return commands

    def look_at(self, command: Command) -> None:
        if isinstance(command, RecordAnomaly) and command.kind == "stop_gap":
            self.told.append(command.detail)
        if isinstance(command, RecordTrade) and command.trade.gap > 0:
            self.gaps.append(command.trade)
        if isinstance(command, SubmitOrder) and command.order.purpose in RISKING:
            self.entered += 1
            assert command.order.worst_loss <= self.floor.limits.loss_per_trade_max

    def law_holds(self) -> None:
        portfolio, breaker, limits = self.floor.portfolio, self.floor.breaker, self.floor.limits
        realised = portfolio.settled(breaker.day)
        used = max(Decimal(0), -realised) + portfolio.open_risk()
        if used > limits.loss_per_day_max:
            assert breaker.state is TradingState.HALTED, f"V4: {used} used while {breaker.state}"
            assert set(portfolio.trades) == set(portfolio.exit_reasons), "V4: not all is closing"
            assert not self.strict, f"V4: {used} used without a gap: {breaker.reason}"
        self.nothing_absurd()

    def nothing_absurd(self) -> None:
        portfolio = self.floor.portfolio
        for asset, amount in portfolio.ledger.balances.items():
            assert amount.is_finite(), f"V9: {amount} {asset}"
            assert amount >= 0, f"V9: {amount} {asset}"
        for lot in portfolio.ledger.lots:
            if not lot.instrument_id:
                assert lot.quantity >= 0, f"V12: short {lot}"
                continue
            sides = [
                t.side for t in portfolio.trades.values() if t.instrument_id == lot.instrument_id
            ]
            held = Side.BUY if lot.quantity > 0 else Side.SELL
            assert lot.quantity == 0 or set(sides) == {held}, f"V12: {lot} against {sides}"
        for trade in portfolio.trades.values():
            assert trade.quantity >= 0, f"V9: {trade}"
            assert trade.stop_price > 0, f"V9: {trade}"


class Shuffled(FaultyVenue):
    """Reports of one moment in any order, some twice, some late."""

    def __init__(self, venue: SimVenue, seed: int, share: float) -> None:
        shares = {Fault.DUPLICATE: share, Fault.DELAY: share}
        super().__init__(venue, FaultPlan(seed=seed, shares=shares, delay_ns=1_500 * MS))
        self.dice = random.Random(seed)
        self.share = share

    def stages(self, event: ev.MarketEvent) -> Iterator[Sequence[ev.VenueReport]]:
        for batch in super().stages(event):
            yield self.mixed(batch)

    def due(self, now_ns: int) -> Sequence[ev.VenueReport]:
        return self.mixed(super().due(now_ns))

    def mixed(self, batch: Sequence[ev.VenueReport]) -> Sequence[ev.VenueReport]:
        reports = list(batch)
        if self.dice.random() < self.share:
            self.dice.shuffle(reports)
        return reports


class Chaos:
    """One world from one seed."""

    def __init__(self, world: World, seed: int, limits: RiskLimits, cast: Cast) -> None:
        self.world, self.limits, self.cast = world, limits, cast
        self.dice = random.Random(f"{world.name}:{seed}")
        self.now, self.runs, self.seed = START_NS, 0, seed
        self.prices = dict(cast.prices)
        self.waiting: dict[TradeId, tuple[int, int]] = {}
        self.gaps: list[Trade] = []
        self.entered = 0
        self.start(None)

    def start(self, checkpoint: Checkpoint | None) -> None:
        self.runs += 1
        settings = EngineSettings(currency=USDT, limits=self.limits)
        self.engine = Watched(settings, self.cast.strategies(self.dice), self.world.strict)
        self.truth = SimVenue(
            self.cast.instruments, {USDT: Decimal(self.world.cash)}, SimSettings()
        )
        self.venue = Shuffled(self.truth, self.seed * 100 + self.runs, self.world.unruly)
        if checkpoint is not None:
            self.venue.restore(checkpoint)
        self.driver = Driver(self.engine, self.venue, NullJournal(), beat_ns=1000 * MS)
        self.driver.start(
            ev.RunStarted(
                run_id=RunId(f"r{self.runs}"),
                account="a",
                instruments=self.cast.instruments,
                opening_balances={USDT: Decimal(self.world.cash)},
                checkpoint=checkpoint,
                settings="",
                venue_time_ns=self.now,
                received_time_ns=self.now,
            )
        )

    def run(self) -> None:
        for _ in range(self.world.steps):
            self.market_step()
            if self.dice.random() < self.world.operators:
                self.driver.inject(self.operator_event())
            if self.dice.random() < self.world.restarts:
                self.restart()
        self.settle()

    def restart(self) -> None:
        """The simulated venue starts anew too, so what it still had to report comes first."""
        self.now += 2_000 * MS
        self.driver.pass_time(self.now)
        before = self.engine.floor.breaker.saved()
        self.take_notes()
        self.start(self.engine.checkpoint())
        after = self.engine.floor.breaker
        assert after.day == before.day
        assert after.day_start_equity == before.day_start_equity
        if before.causes:
            assert after.state is before.trading_state or after.state is TradingState.HALTED

    def take_notes(self) -> None:
        self.gaps.extend(self.engine.gaps)
        self.entered += self.engine.entered
        assert len(self.engine.told) == len(self.engine.gaps)

    def market_step(self) -> None:
        dice, world = self.dice, self.world
        self.now += dice.choice([1, 20, 100, 300, 700]) * MS * dice.choice([1, 1, 1, 3])
        if dice.random() < 0.01:
            self.now += dice.choice([15, 300, 3600]) * 1000 * MS
        name = dice.choice(list(self.prices))
        move = dice.gauss(0, world.walk_bps / 10_000)
        if dice.random() < world.jump:
            move += dice.choice([-1, 1]) * dice.uniform(0.2, 1) * world.jump_size
        self.prices[name] = max(self.prices[name] * (1 + move), self.cast.prices[name] / 50)
        if name == "SOL/USDT@x" and world.bars:
            self.feed_bar(name)
        else:
            self.feed_quote(name)
        self.driver.pass_time(self.now)
        self.covered()

    def feed_quote(self, name: str) -> None:
        dice, mid = self.dice, self.prices[name]
        dollars = 1e5 if self.engine.strict else dice.choice([20.0, 300.0, 1e5])
        size = dollars / mid / (60_000 if name == "ETH/BTC@x" else 1)
        quote = Quote(
            instrument_id=InstrumentId(name),
            bid=mid * 0.9999,
            ask=mid * 1.0001,
            bid_size=size,
            ask_size=size,
            venue_time_ns=self.now,
            received_time_ns=self.now,
        )
        if dice.random() < 0.05:
            bad = dice.choice([{"ask": mid * 0.9}, {"bid": float("nan")}, {"venue_time_ns": 5}])
            self.driver.inject(structs.replace(quote, **bad))
        self.driver.market(quote)

    def feed_bar(self, name: str) -> None:
        close = self.prices[name]
        opened = self.now - self.now % 60_000_000_000
        first = close * self.dice.uniform(0.997, 1.003)
        high, low = max(first, close) * 1.001, min(first, close) * 0.999
        self.driver.market(
            Bar(
                instrument_id=InstrumentId(name),
                timeframe_ns=60_000_000_000,
                open_time_ns=opened,
                open=first,
                high=high,
                low=low,
                close=close,
                volume=self.dice.choice([1.0, 1e5]),
                venue_time_ns=opened + 60_000_000_000,
                received_time_ns=opened + 60_000_000_000,
            )
        )
        self.now = max(self.now, opened + 60_000_000_000)

    def operator_event(self) -> ev.Event:
        times = {"venue_time_ns": self.now, "received_time_ns": self.now}
        changed = self.dice.choice(self.cast.instruments)
        status = self.dice.choice(list(InstrumentStatus) + [InstrumentStatus.TRADING] * 3)
        mandate = Mandate(
            mandate_id="m",
            risk_multiplier=self.dice.choice([0.5, 1.0, 7.0, float("nan")]),
            expires_ns=self.now + 10**12,
            weights={StrategyId("mad"): self.dice.choice([2.0, -1.0, float("nan"), 0.5])},
        )
        choices: list[ev.Event] = [
            ev.PauseTrading(command_id="c", reason="", **times),
            ev.ResumeTrading(command_id="c", **times),
            ev.ResumeTrading(command_id="c", **times),
            ev.EmergencyStop(command_id="c", reason="", **times),
            ev.StrategySwitched(
                command_id="c", strategy_id=StrategyId("mad"), enabled=True, **times
            ),
            ev.StrategySwitched(
                command_id="c", strategy_id=StrategyId("madder"), enabled=False, **times
            ),
            ev.InstrumentChanged(instrument=structs.replace(changed, status=status), **times),
            ev.MandateIssued(mandate=mandate, **times),
        ]
        return self.dice.choice(choices)

    def covered(self) -> None:
        """V3: each position has stops for just what can be closed of it, or is on its way out."""
        floor = self.engine.floor
        for trade in floor.portfolio.trades.values():
            spec = floor.board.slots[trade.instrument_id].instrument
            closable = spec.quantity_down(trade.quantity)
            orders = floor.portfolio.orders.working_of(trade.trade_id)
            stops = sum(
                (o.remaining for o in orders if o.approved.purpose is Purpose.STOP), Decimal(0)
            )
            small = not spec.closable(closable, trade.stop_price) and trade.pending_quantity > 0
            leaving = trade.trade_id in floor.portfolio.exit_reasons
            price = floor.board.price(trade.instrument_id) or trade.entry_price
            dust = stops < closable and not spec.closable(closable - stops, price)
            if leaving or small or dust or stops == closable:
                self.waiting.pop(trade.trade_id, None)
                continue
            steps, since = self.waiting.get(trade.trade_id, (0, self.now))
            self.waiting[trade.trade_id] = steps + 1, since
            late = steps >= UNCOVERED_STEPS and self.now - since > UNCOVERED_NS
            assert not late, f"V3: {trade} has stops for {stops}: {orders}"

    def settle(self) -> None:
        """The storm is over: within a minute all is flat on demand, and the books agree."""
        for strategy in self.engine.strategies:
            strategy.calm = True  # type: ignore[attr-defined]
        for spec in self.cast.instruments:
            self.driver.inject(
                ev.InstrumentChanged(
                    instrument=spec, venue_time_ns=self.now, received_time_ns=self.now
                )
            )
        self.driver.inject(
            ev.EmergencyStop(
                command_id="end", reason="", venue_time_ns=self.now, received_time_ns=self.now
            )
        )
        for _ in range(60):
            for name in self.prices:
                self.now += 200 * MS
                self.calm_quote(name)
                self.driver.pass_time(self.now)
        self.take_notes()
        assert self.engine.floor.portfolio.flat(), self.engine.floor.portfolio.trades
        self.books_agree()

    def calm_quote(self, name: str) -> None:
        mid = self.prices[name]
        self.driver.market(
            Quote(
                instrument_id=InstrumentId(name),
                bid=mid * 0.9999,
                ask=mid * 1.0001,
                bid_size=1e9,
                ask_size=1e9,
                venue_time_ns=self.now,
                received_time_ns=self.now,
            )
        )

    def books_agree(self) -> None:
        """V1: what the venue holds for us is what the ledger says."""
        ledger = self.engine.floor.portfolio.ledger
        for asset in {*self.truth.balances, *ledger.balances}:
            ours, theirs = (
                ledger.balances.get(asset, Decimal(0)),
                self.truth.balances.get(asset, Decimal(0)),
            )
            assert ours == theirs, f"V1: {asset}: ledger {ours}, venue {theirs}"
        assert not self.truth.positions, f"V1: {self.truth.positions}"
        assert not self.truth.working_orders(), "V1: the venue still has orders of ours"


class Storm:
    """What the tests need."""

    World = World
    Cast = Cast
    Chaos = Chaos
    Watched = Watched
    Shuffled = Shuffled


@pytest.fixture(scope="session")
def storm() -> type[Storm]:
    """Worlds and chaos."""
    return Storm
