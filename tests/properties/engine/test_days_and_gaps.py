"""Single storms, drawn by hand: ten wishes at once, a gap, midnight, a halt over a restart."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from msgspec import Struct

from tradewinds.engine.driver import Driver
from tradewinds.engine.engine import Engine
from tradewinds.engine.settings import EngineSettings
from tradewinds.model import events as ev
from tradewinds.model.commands import RecordAnomaly, RecordRefusal, RecordTrade, SubmitOrder
from tradewinds.model.ids import Asset, InstrumentId, RunId, StrategyId, Venue
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.market import Quote, Side
from tradewinds.model.order import Purpose
from tradewinds.model.portfolio import Trade, TradePhase, TradingState
from tradewinds.model.signal import EnterSignal, ExitSignal, Signal, StopSignal
from tradewinds.ports import MarketView, Subscription
from tradewinds.sim.settings import SimSettings
from tradewinds.sim.venue import SimVenue
from tradewinds.store.memory import MemoryJournal

USDT, SECOND = Asset("USDT"), 1_000_000_000
MIDNIGHT = 1_767_225_600 * SECOND


def market(asset: str) -> Instrument:
    return Instrument(
        id=InstrumentId(f"{asset}/USDT@x"),
        symbol=f"{asset}/USDT",
        venue=Venue("x"),
        kind=InstrumentKind.SPOT,
        base=Asset(asset),
        quote=USDT,
        settle=USDT,
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.001"),
        min_quantity=Decimal("0.001"),
        max_quantity=Decimal(10**6),
        min_notional=Decimal(1),
        maker_fee=Decimal("0.001"),
        taker_fee=Decimal("0.001"),
    )


MARKETS = tuple(market(chr(65 + n)) for n in range(10))


class NoParams(Struct, frozen=True, kw_only=True):
    """None."""


class Puppet:
    """Says what it is told to say at the next quote."""

    Params: ClassVar[type[Struct]] = NoParams
    strategy_id = StrategyId("puppet")

    def __init__(self) -> None:
        self.lines: list[Signal] = []

    def subscriptions(self) -> Sequence[Subscription]:
        return [Subscription(kind=Quote, instrument_id=i.id) for i in MARKETS]

    def on_event(self, event: ev.MarketEvent, view: MarketView) -> Sequence[Signal]:
        said, self.lines = self.lines, []
        return said


class Stage:
    """Ten markets at 100, 1,000 dollars."""

    def __init__(
        self, limits: Any, now_ns: int = MIDNIGHT - 3600 * SECOND, latency_ns: int = 0
    ) -> None:
        self.limits, self.now, self.latency_ns = limits, now_ns, latency_ns
        self.journal = MemoryJournal()
        self.begin(None)
        for spec in MARKETS:
            self.quote(100.0, spec)

    def begin(self, checkpoint: Any) -> None:
        self.puppet = Puppet()
        settings = EngineSettings(currency=USDT, limits=self.limits)
        self.engine = Engine(settings, [self.puppet])
        self.venue = SimVenue(
            MARKETS, {USDT: Decimal(1000)}, SimSettings(latency_ns=self.latency_ns)
        )
        if checkpoint is not None:
            self.venue.restore(checkpoint)
        self.driver = Driver(self.engine, self.venue, self.journal, beat_ns=SECOND)
        self.driver.start(
            ev.RunStarted(
                run_id=RunId(f"r{self.now}"),
                account="a",
                instruments=MARKETS,
                opening_balances={USDT: Decimal(1000)},
                checkpoint=checkpoint,
                settings="",
                venue_time_ns=self.now,
                received_time_ns=self.now,
            )
        )

    def quote(self, price: float, spec: Instrument = MARKETS[0], after_s: float = 0.1) -> None:
        self.now += int(after_s * SECOND)
        self.driver.market(
            Quote(
                instrument_id=spec.id,
                bid=price - 0.01,
                ask=price + 0.01,
                bid_size=1e6,
                ask_size=1e6,
                venue_time_ns=self.now,
                received_time_ns=self.now,
            )
        )
        self.driver.pass_time(self.now)

    def say(self, *lines: Signal, price: float = 100.0) -> None:
        self.puppet.lines = list(lines)
        self.quote(price)

    def told(self, kind: type) -> list[Any]:
        return [command for command in self.journal.commands if isinstance(command, kind)]

    @property
    def trades(self) -> list[Trade]:
        return list(self.engine.floor.portfolio.trades.values())

    @property
    def state(self) -> TradingState:
        return self.engine.floor.breaker.state


def enter(stop: float = 95.0, spec: Instrument = MARKETS[0], **fields: Any) -> EnterSignal:
    return EnterSignal(
        strategy_id=Puppet.strategy_id,
        instrument_id=spec.id,
        side=Side.BUY,
        stop_price=stop,
        confidence=1.0,
        reason="",
        **fields,
    )


@pytest.fixture
def stage(law: Any) -> Stage:
    return Stage(law.limits())


def test_d2_ten_wishes_at_once_share_what_is_left_of_the_day(stage: Stage) -> None:
    ledger = stage.engine.floor.portfolio.ledger
    ledger.book_ai_cost("spent today", Decimal(11), stage.now)
    stage.say(*(enter(spec=spec) for spec in MARKETS))
    orders = [s.order for s in stage.told(SubmitOrder) if s.order.purpose is Purpose.ENTER]
    assert orders
    assert Decimal("8.9") < sum(order.worst_loss for order in orders) <= 9
    assert len(stage.told(RecordRefusal)) == len(MARKETS) - len(orders)


def test_d5_a_gap_through_the_stop_is_booked_told_and_counted(stage: Stage) -> None:
    stage.say(enter(stop=97.0))
    (held,) = stage.trades
    assert held.approved_loss <= 10
    stage.quote(90.0)
    stage.quote(90.0)
    closed = stage.told(RecordTrade)[-1].trade
    assert closed.phase is TradePhase.CLOSED
    truth = Decimal(1000) - stage.venue.balances[USDT]
    assert -closed.realised == truth, "booked as the venue has it"
    assert closed.gap == truth - closed.approved_loss > 0
    (gap,) = [a for a in stage.told(RecordAnomaly) if a.kind == "stop_gap"]
    assert str(closed.gap) in gap.detail
    assert stage.state is TradingState.HALTED, "more than 20 dollars in one gap end the day"


def test_a_stop_within_the_allowance_is_no_gap(stage: Stage) -> None:
    stage.say(enter(stop=97.0))
    stage.quote(97.0)
    stage.quote(97.0)
    closed = stage.told(RecordTrade)[-1].trade
    assert (closed.phase, closed.gap) == (TradePhase.CLOSED, 0)
    assert stage.state is TradingState.ACTIVE


def test_every_gap_is_told_and_not_only_the_first_two(law: Any) -> None:
    stage = Stage(law.limits(loss_per_trade_max=Decimal("0.5")))
    for _ in range(5):
        stage.say(enter(stop=99.0))
        stage.quote(98.0)
        stage.quote(98.0)
        stage.quote(100.0)
        stage.quote(100.0)
    assert len([a for a in stage.told(RecordAnomaly) if a.kind == "stop_gap"]) == 5


def test_d4_unrealised_losses_end_the_day_over_a_restart_until_midnight(law: Any) -> None:
    stage = Stage(law.limits(loss_per_trade_max=Decimal(20), exposure_per_instrument_max=0.8))
    stage.say(enter(stop=80.5), enter(stop=80.5, spec=MARKETS[1]))
    held = sum(trade.quantity for trade in stage.trades)
    drop = float(Decimal("20.2") / held)
    for _ in range(4):  # So far from the last price, it must be confirmed.
        for spec in MARKETS[:2]:
            stage.quote(100.0 - drop, spec)
    assert stage.state is TradingState.HALTED
    stage.begin(stage.engine.checkpoint())
    for _ in range(3):
        for spec in MARKETS[:2]:
            stage.quote(100.0 - drop, spec)
    assert not stage.trades, "what was open is closed, also after a restart in between"
    assert stage.state is TradingState.HALTED
    stage.driver.inject(
        ev.ResumeTrading(command_id="c", venue_time_ns=stage.now, received_time_ns=stage.now)
    )
    stage.say(enter())
    assert not stage.trades
    stage.now = MIDNIGHT - SECOND
    for _ in range(3):
        stage.quote(100.0, after_s=1.1)
    stage.say(enter())
    assert stage.state is TradingState.ACTIVE
    assert stage.trades


def test_c8_nineteen_before_midnight_and_two_after(law: Any) -> None:
    stage = Stage(law.limits(), MIDNIGHT - 60 * SECOND)
    ledger = stage.engine.floor.portfolio.ledger
    ledger.book_ai_cost("today", Decimal(19), MIDNIGHT - 1)
    stage.say(enter())
    assert [o.order.worst_loss <= 1 for o in stage.told(SubmitOrder)][:1] == [True]
    stage.now = MIDNIGHT - SECOND
    for _ in range(3):
        stage.quote(100.0, after_s=1.1)
    ledger.book_ai_cost("tomorrow", Decimal(2), MIDNIGHT)
    assert stage.state is TradingState.ACTIVE
    assert stage.engine.floor.portfolio.realised(stage.engine.floor.breaker.day) > -3
    stage.begin(stage.engine.checkpoint())
    assert stage.engine.floor.breaker.day == MIDNIGHT // (86_400 * SECOND)


def test_d6_only_tightening_reaches_the_venue(stage: Stage) -> None:
    stage.say(enter(stop=95.0))
    (held,) = stage.trades

    def stop(price: float) -> StopSignal:
        return StopSignal(
            strategy_id=Puppet.strategy_id, trade_id=held.trade_id, stop_price=price, reason=""
        )

    for price, resting in ((94.0, 95), (float("nan"), 95), (101.0, 95), (96.0, 96), (95.5, 96)):
        stage.say(stop(price))
        stage.quote(100.0)
        stage.quote(100.0)
        assert [o.trigger_price for o in stage.venue.working_orders()] == [resting]


def test_an_exit_without_a_reason_is_an_exit(stage: Stage) -> None:
    stage.say(enter())
    (held,) = stage.trades
    stage.say(ExitSignal(strategy_id=Puppet.strategy_id, trade_id=held.trade_id, reason=""))
    stage.quote(100.0)
    stage.quote(100.0)
    assert not stage.trades


def test_a_target_that_fills_in_part_leaves_the_rest_with_a_stop(law: Any) -> None:
    stage = Stage(law.limits(), latency_ns=SECOND // 5)
    stage.say(enter(stop=95.0, target_price=103.0))
    for _ in range(6):
        stage.quote(100.0)
    (held,) = stage.trades
    stage.now += SECOND
    stage.driver.market(
        Quote(
            instrument_id=MARKETS[0].id,
            bid=103.5,
            ask=103.6,
            bid_size=0.4,
            ask_size=0.4,
            venue_time_ns=stage.now,
            received_time_ns=stage.now,
        )
    )
    for _ in range(10):
        stage.quote(102.0)
    (trade,) = stage.trades
    assert 0 < trade.quantity < held.quantity
    resting = {o.purpose: o.quantity for o in stage.venue.working_orders()}
    assert resting == {Purpose.STOP: trade.quantity, Purpose.TARGET: trade.quantity}


@pytest.mark.parametrize("factor", [10.0, 3.0])
def test_a2_one_absurd_price_ends_no_day_and_opens_nothing(stage: Stage, factor: float) -> None:
    stage.say(enter(stop=95.0))
    stage.say(enter(stop=95.0 * factor), price=100.0 * factor)
    for _ in range(5):
        stage.quote(100.0)
    assert stage.state is TradingState.ACTIVE
    assert stage.engine.floor.breaker.peak_equity < 1001
    assert len(stage.trades) == 1


def test_a_crash_that_is_confirmed_is_believed(law: Any) -> None:
    stage = Stage(law.limits(loss_per_trade_max=Decimal(20), stop_distance_max=0.5))
    stage.say(enter(stop=60.0))
    for _ in range(6):
        stage.quote(70.0, after_s=0.5)
    assert stage.state is TradingState.ACTIVE, "part of the 20 dollars is lost"
    for _ in range(6):
        stage.quote(52.0, after_s=0.5)
    assert stage.state is TradingState.HALTED


def test_a5_old_prices_that_arrive_now_are_not_traded_on(stage: Stage) -> None:
    stage.puppet.lines = [enter()]
    stage.now += 5 * SECOND
    stage.driver.market(
        Quote(
            instrument_id=MARKETS[0].id,
            bid=99.99,
            ask=100.01,
            bid_size=1e6,
            ask_size=1e6,
            venue_time_ns=stage.now - 5 * SECOND,
            received_time_ns=stage.now + 7 * SECOND,
        )
    )
    (refusal,) = stage.told(RecordRefusal)
    assert refusal.refusal.check == "market_fresh"
    assert not stage.trades
