"""One market, two puppets and an engine, for tests of the selector at work."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar

from msgspec import Struct

from tradewinds.engine.driver import Driver
from tradewinds.engine.engine import Engine
from tradewinds.engine.selection import HOUR_NS, Selection
from tradewinds.engine.settings import EngineSettings
from tradewinds.model import events as ev
from tradewinds.model.checkpoint import Checkpoint
from tradewinds.model.commands import SubmitOrder
from tradewinds.model.ids import Asset, RunId, StrategyId
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Bar, Quote, Side
from tradewinds.model.order import Purpose
from tradewinds.model.portfolio import Trade
from tradewinds.model.signal import EnterSignal, ExitSignal, Signal
from tradewinds.ports import MarketView, Subscription
from tradewinds.risk.limits import RiskLimits
from tradewinds.sim.settings import SimSettings
from tradewinds.sim.venue import SimVenue
from tradewinds.store.memory import MemoryJournal

S = 1_000_000_000
START = 1_700_000_000 * S // HOUR_NS * HOUR_NS
USDT = Asset("USDT")
LOSER, OTHER = StrategyId("loser"), StrategyId("other")
LIMITS = RiskLimits(
    loss_per_trade_max=Decimal(10),
    loss_per_day_max=Decimal(500),
    reserve=Decimal(200),
    exposure_per_instrument_max=0.4,
    exposure_total_max=0.8,
    leverage_max=Decimal(3),
    collar_bps=30.0,
    slippage_allowance_bps=20.0,
    unwind_loss_bps=100.0,
    stop_distance_max=0.2,
    stale_after_s=10.0,
    liquidity_share_quote=0.5,
    liquidity_share_bar=0.02,
    orders_per_minute_max=600,
    kelly_fraction=0.25,
    drawdown_scale=0.7,
    drawdown_reduce=0.8,
    drawdown_halt=0.9,
    price_jump_max=0.5,
)


class NoParams(Struct, frozen=True, kw_only=True):
    """None."""


class Puppet:
    """Says what it is told to say at the next event, and remembers which trades it saw."""

    Params: ClassVar[type[Struct]] = NoParams

    def __init__(self, strategy_id: StrategyId, listed: Sequence[Instrument]) -> None:
        self.strategy_id = strategy_id
        self._listed = listed
        self.lines: list[Signal] = []
        self.seen: Sequence[Trade] = ()

    def subscriptions(self) -> Sequence[Subscription]:
        return [
            Subscription(kind=kind, instrument_id=i.id)
            for i in self._listed
            for kind in (Quote, Bar)
        ]

    def on_event(self, event: ev.MarketEvent, view: MarketView) -> Sequence[Signal]:
        self.seen = view.open_trades(self.strategy_id)
        said, self.lines = self.lines, []
        return said


class Stage:
    """One market at 100, 1,000 dollars, two puppets."""

    def __init__(self, listed: Sequence[Instrument], *, selector: bool = True) -> None:
        self.listed, self.selector = listed, selector
        self.now = START
        self.journal = MemoryJournal()
        self.begin(None)

    def begin(self, checkpoint: Checkpoint | None) -> None:
        self.loser, self.other = Puppet(LOSER, self.listed), Puppet(OTHER, self.listed)
        config = EngineSettings(currency=USDT, limits=LIMITS, selector=self.selector)
        self.engine = Engine(config, [self.loser, self.other])
        venue = SimVenue(self.listed, {USDT: Decimal(1000)}, SimSettings(latency_ns=0))
        if checkpoint is not None:
            venue.restore(checkpoint)
        self.driver = Driver(self.engine, venue, self.journal, beat_ns=S)
        self.driver.start(
            ev.RunStarted(
                run_id=RunId("run"),
                account="a",
                instruments=tuple(self.listed),
                opening_balances={USDT: Decimal(1000)},
                checkpoint=checkpoint,
                settings="",
                venue_time_ns=self.now,
                received_time_ns=self.now,
            )
        )

    @property
    def selection(self) -> Selection:
        return self.engine.floor.selection

    def quote(self, price: float, place: int = 0, after_ns: int = S // 10) -> None:
        self.now += after_ns
        self.driver.pass_time(self.now)
        self.driver.market(
            Quote(
                instrument_id=self.listed[place].id,
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
        who = self.loser if lines[0].strategy_id == LOSER else self.other
        who.lines = list(lines)
        self.quote(price)

    def round_trip(self, end: float) -> None:
        """In at 100 with a stop at 98, to `end` and back, within an hour."""
        self.say(enter())
        self.quote(end)
        trades = [*self.loser.seen]
        if trades:
            self.say(
                ExitSignal(strategy_id=LOSER, trade_id=trades[0].trade_id, reason="end"), price=end
            )
        self.quote(end)
        for after_ns in (HOUR_NS, S, S):  # the feed is missed in between, and then trusted again
            self.quote(100.0, after_ns=after_ns)

    def bench(self) -> None:
        """Losses until it sits on the bench."""
        for _ in range(60):
            if self.selection.benched(LOSER):
                return
            self.round_trip(97.0)
        raise AssertionError("never benched")

    def told(self, kind: type) -> list[Any]:
        return [command for command in self.journal.commands if isinstance(command, kind)]

    def entries(self) -> int:
        orders = [command.order for command in self.told(SubmitOrder)]
        return sum(order.purpose in (Purpose.ENTER, Purpose.LEG) for order in orders)


def enter(**fields: Any) -> EnterSignal:
    values: dict[str, Any] = {
        "strategy_id": LOSER,
        "instrument_id": "A/USDT@x",
        "side": Side.BUY,
        "stop_price": 98.0,
        "confidence": 0.6,
        "reason": "told to",
    }
    return EnterSignal(**(values | fields))
