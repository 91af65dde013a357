"""An engine and its surroundings in one thread: the market, the venue and the store are ours."""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace

from tradewinds.config import Settings
from tradewinds.engine.driver import Driver
from tradewinds.engine.engine import Engine
from tradewinds.engine.settings import EngineSettings
from tradewinds.model import events as ev
from tradewinds.model.checkpoint import Checkpoint
from tradewinds.model.commands import CancelOrder, Command, RecordAnomaly, SubmitOrder
from tradewinds.model.ids import Asset, FillId, InstrumentId, RunId, StrategyId, Venue, run_id
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.market import Bar, Quote, Side
from tradewinds.model.order import ApprovedOrder, Fill, Order, Purpose
from tradewinds.model.portfolio import Trade, TradingState
from tradewinds.model.signal import BasketSignal, EnterSignal, ExitSignal, Leg, Signal, StopSignal
from tradewinds.parts import engine_settings_of
from tradewinds.ports import DrivenVenue, Journal, MarketView, Subscription
from tradewinds.sim.settings import SimSettings
from tradewinds.sim.venue import SimVenue
from tradewinds.store.memory import MemoryJournal

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
START = 1_700_000_000 * SECOND
USDT = Asset("USDT")
BTC, ETH, ETHBTC = (InstrumentId(f"{s}@sim") for s in ("BTC/USDT", "ETH/USDT", "ETH/BTC"))
PRICES = {BTC: 20_000.0, ETH: 1_000.0, ETHBTC: 0.05}
SCRIPTED = StrategyId("scripted")


def spot(id_: InstrumentId, tick: str, lot: str, **changes: Any) -> Instrument:
    """10 bps maker and taker, 5 of the quote asset at least."""
    base, quote = id_.partition("@")[0].split("/")
    fields: dict[str, Any] = {
        "id": id_,
        "symbol": f"{base}/{quote}",
        "venue": Venue("sim"),
        "kind": InstrumentKind.SPOT,
        "base": Asset(base),
        "quote": Asset(quote),
        "settle": Asset(quote),
        "tick_size": Decimal(tick),
        "lot_size": Decimal(lot),
        "min_quantity": Decimal(lot),
        "max_quantity": Decimal(1000),
        "min_notional": Decimal(5) if quote == "USDT" else Decimal("0.0001"),
        "maker_fee": Decimal("0.001"),
        "taker_fee": Decimal("0.001"),
    }
    return Instrument(**{**fields, **changes})


INSTRUMENTS = (
    spot(BTC, "0.01", "0.00001"),
    spot(ETH, "0.01", "0.0001"),
    spot(ETHBTC, "0.000001", "0.0001"),
)


class Scripted:
    """Says at the next event what the test wants said; remembers what it saw."""

    class Params(Struct, frozen=True, kw_only=True):
        """None."""

    def __init__(self) -> None:
        self.strategy_id = SCRIPTED
        self.say: list[Signal] = []
        self.seen = 0

    def subscriptions(self) -> Sequence[Subscription]:
        return [Subscription(kind=k, instrument_id=i.id) for i in INSTRUMENTS for k in (Quote, Bar)]

    def on_event(self, event: ev.MarketEvent, view: MarketView) -> Sequence[Signal]:
        self.seen += 1
        said, self.say = self.say, []
        return said


class ManualVenue:
    """Takes orders and says nothing: the test makes the reports."""

    def __init__(self) -> None:
        self.canceled: list[str] = []

    def submit(self, command: SubmitOrder) -> None:
        """Taken; see `Rig.submitted`."""

    def cancel(self, command: CancelOrder) -> None:
        self.canceled.append(command.client_order_id)

    def stages(self, event: ev.MarketEvent) -> Iterator[Sequence[ev.VenueReport]]:
        return iter(())

    def due(self, now_ns: int) -> Sequence[ev.VenueReport]:
        return ()

    def restore(self, checkpoint: Checkpoint) -> None:
        """Nothing was kept."""


class Rig:
    """One line per event. Time stands still until `quote`, `bar` or `pass_time` moves it."""

    def __init__(
        self,
        *,
        venue: DrivenVenue | None = None,
        journal: Journal | None = None,
        checkpoint: Checkpoint | None = None,
        start_ns: int = START,
        instruments: Sequence[Instrument] = INSTRUMENTS,
        limits: dict[str, Any] | None = None,
        own_runs: tuple[RunId, ...] | None = None,
    ) -> None:
        self.now = start_ns
        self.instruments = instruments
        balances = {USDT: Decimal(1000)}
        self.sim = SimVenue(instruments, balances, SimSettings())
        self.venue: Any = self.sim if venue is None else venue
        if checkpoint is not None:
            self.venue.restore(checkpoint)
        self.journal: Any = MemoryJournal() if journal is None else journal
        self.strategy = Scripted()
        base = engine_settings_of(Settings())
        settings: EngineSettings = replace(base, limits=replace(base.limits, **(limits or {})))
        self.engine = Engine(settings, [self.strategy])
        self.driver = Driver(self.engine, self.venue, self.journal, beat_ns=SECOND)
        self.commands: list[Command] = []
        self.driver.listener = self.commands.extend
        self.driver.start(
            ev.RunStarted(
                run_id=run_id("test", start_ns),
                account="test",
                instruments=tuple(instruments),
                opening_balances=balances,
                checkpoint=checkpoint,
                settings="",
                venue_time_ns=start_ns,
                received_time_ns=start_ns,
                own_runs=own_runs,
            )
        )

    @property
    def trades(self) -> list[Trade]:
        return list(self.engine.floor.portfolio.trades.values())

    @property
    def working(self) -> list[Order]:
        return self.engine.floor.portfolio.orders.working()

    state = property(lambda self: self.engine.floor.breaker.state)
    reason = property(lambda self: self.engine.floor.breaker.reason)

    def of(self, kind: type) -> list[Any]:
        """Commands of one kind so far."""
        return [command for command in self.commands if isinstance(command, kind)]

    def submitted(self, *purposes: Purpose) -> list[ApprovedOrder]:
        found = [command.order for command in self.of(SubmitOrder)]
        return [order for order in found if not purposes or order.purpose in purposes]

    def anomalies(self) -> dict[str, int]:
        """Kind and how often it was counted."""
        counts: dict[str, int] = {}
        for (kind, _), count in self.engine.floor.out._anomalies.items():
            counts[kind] = counts.get(kind, 0) + count
        told = {command.kind for command in self.of(RecordAnomaly)}
        assert set(counts) == told, "every kind of anomaly is journalled at least once"
        return counts

    def inject(self, event: ev.Event) -> None:
        self.driver.inject(event)

    def quote(self, id_: InstrumentId = BTC, mid: float | None = None, **changes: Any) -> None:
        """A quote one millisecond after the last event, 2 bps wide, deep."""
        self.now += SECOND // 1000
        price = PRICES[id_] if mid is None else mid
        fields: dict[str, Any] = {
            "instrument_id": id_,
            "bid": round(price * 0.9999, 6),
            "ask": round(price * 1.0001, 6),
            "bid_size": 1000.0,
            "ask_size": 1000.0,
            "venue_time_ns": self.now,
            "received_time_ns": self.now,
        }
        self.driver.market(Quote(**{**fields, **changes}))

    def bar(self, id_: InstrumentId = BTC, close: float | None = None, **changes: Any) -> None:
        """A minute bar that closes at the next whole minute."""
        self.now = (self.now // MINUTE + 1) * MINUTE
        price = PRICES[id_] if close is None else close
        fields: dict[str, Any] = {
            "instrument_id": id_,
            "timeframe_ns": MINUTE,
            "open_time_ns": self.now - MINUTE,
            "open": price,
            "high": price,
            "low": price,
            "close": price,
            "volume": 10_000.0,
            "venue_time_ns": self.now,
            "received_time_ns": self.now,
        }
        self.driver.market(Bar(**{**fields, **changes}))

    def pass_time(self, seconds: float) -> None:
        """The wall goes on, the market is silent: as the session's tick sees it, every 20 ms."""
        until = self.now + int(seconds * SECOND)
        while self.now < until:
            self.now = min(until, self.now + SECOND // 50)
            self.driver.pass_time(self.now)

    def enter(self, id_: InstrumentId = BTC, *, stop: float = 0.97, **changes: Any) -> None:
        """Want in at market at the next quote, which comes at once; `stop` as a share of price."""
        signal = EnterSignal(
            strategy_id=SCRIPTED,
            instrument_id=id_,
            side=Side.BUY,
            stop_price=PRICES[id_] * stop,
            confidence=0.6,
            reason="test",
        )
        self.strategy.say.append(replace(signal, **changes))

    def leave(self, trade: Trade) -> None:
        """Want out at the next event."""
        exit_ = ExitSignal(strategy_id=SCRIPTED, trade_id=trade.trade_id, reason="test")
        self.strategy.say.append(exit_)

    def tighten(self, trade: Trade, stop: float) -> None:
        """Want another stop at the next event."""
        self.strategy.say.append(
            StopSignal(
                strategy_id=SCRIPTED, trade_id=trade.trade_id, stop_price=stop, reason="test"
            )
        )

    def cycle(self, notional: float = 150.0) -> None:
        """Want USDT -> BTC -> ETH -> USDT at the next event, each leg 10 bps through the price."""
        sides = ((BTC, Side.BUY), (ETHBTC, Side.BUY), (ETH, Side.SELL))
        worse = {Side.BUY: 1.001, Side.SELL: 0.999}
        self.strategy.say.append(
            BasketSignal(
                strategy_id=SCRIPTED,
                legs=tuple(
                    Leg(
                        instrument_id=id_,
                        side=side,
                        limit_price=PRICES[id_] * worse[side],
                        size_max=1000.0,
                    )
                    for id_, side in sides
                ),
                start_asset=USDT,
                notional_max=notional,
                edge_bps=10.0,
                reason="test",
            )
        )

    def position(self, id_: InstrumentId = BTC) -> Trade:
        """Enter and be filled; the open round trip with its stop resting at the venue."""
        for each in PRICES:
            self.quote(each)
        self.enter(id_)
        self.quote(id_)
        self.pass_time(0.2)
        self.quote(id_)
        self.pass_time(0.2)
        return next(trade for trade in self.trades if trade.instrument_id == id_)

    def emergency(self, name: str = "stop-1") -> None:
        """The operator's stop, now."""
        self.inject(
            ev.EmergencyStop(
                command_id=name,
                reason="test",
                venue_time_ns=self.now,
                received_time_ns=self.now,
            )
        )

    def resume(self) -> None:
        """The operator lifts what may be lifted."""
        self.inject(
            ev.ResumeTrading(command_id="r", venue_time_ns=self.now, received_time_ns=self.now)
        )

    # Reports of a manual venue.

    def _times(self) -> dict[str, int]:
        return {"venue_time_ns": self.now, "received_time_ns": self.now}

    def accepted(self, order: ApprovedOrder) -> None:
        self.inject(
            ev.OrderAccepted(
                client_order_id=order.client_order_id,
                instrument_id=order.instrument_id,
                venue_order_id="v",
                **self._times(),
            )
        )

    def ended(self, kind: Any, order: ApprovedOrder, reason: str = "test") -> None:
        """Rejected, canceled, expired, cancel rejected or unknown."""
        self.inject(
            kind(
                client_order_id=order.client_order_id,
                instrument_id=order.instrument_id,
                reason=reason,
                **self._times(),
            )
        )

    def filled(self, order: ApprovedOrder, quantity: Decimal | None = None, **changes: Any) -> None:
        """An execution at the decision price, 10 bps fee in the quote asset."""
        amount = order.quantity if quantity is None else quantity
        price = changes.pop("price", order.decision_price)
        instrument = next(i for i in self.instruments if i.id == order.instrument_id)
        fill = Fill(
            fill_id=FillId(changes.pop("fill_id", f"{order.client_order_id}:{amount}")),
            client_order_id=order.client_order_id,
            instrument_id=order.instrument_id,
            side=order.side,
            quantity=amount,
            price=price,
            fee=changes.pop("fee", amount * price * Decimal("0.001")),
            fee_asset=changes.pop("fee_asset", instrument.quote),
            maker=False,
            **self._times(),
            **changes,
        )
        self.inject(ev.OrderFilled(fill=fill, **self._times()))

    # What must hold after every scenario.

    def check(self) -> None:
        """V1 venue = ledger; V3 a stop or an exit for all that is held; V4 the day's law; V9."""
        portfolio = self.engine.floor.portfolio
        ledger = dict(portfolio.ledger.balances)
        if self.venue is self.sim:
            held = {asset: amount for asset, amount in self.sim.balances.items() if amount}
            assert held == {asset: amount for asset, amount in ledger.items() if amount}
        assert all(amount.is_finite() and amount >= 0 for amount in ledger.values())
        for trade in self.trades:
            mine = portfolio.orders.working_of(trade.trade_id)
            guards = {Purpose.STOP, Purpose.EXIT, Purpose.FLATTEN}
            guarding = sum((o.remaining for o in mine if o.approved.purpose in guards), Decimal(0))
            instrument = next(i for i in self.instruments if i.id == trade.instrument_id)
            dust = instrument.lot_size + 5 / (trade.entry_price or Decimal(1))
            assert guarding <= trade.quantity, "V12: closing more than is held"
            assert trade.quantity - guarding < dust, "V3: a position without its stop"
        realised = portfolio.realised(self.engine.floor.breaker.day)
        used = max(Decimal(0), -realised) + portfolio.open_risk()
        halted = self.state is TradingState.HALTED
        assert halted or used <= self.engine.floor.limits.loss_per_day_max, "V4"

    def flat(self) -> bool:
        """By the venue's books: nothing works, and no base asset is worth selling."""
        worth = {i.base: Decimal(str(PRICES[i.id])) for i in self.instruments if i.quote == USDT}
        dust = all(
            amount * worth[asset] < 5
            for asset, amount in self.sim.balances.items()
            if asset in worth
        )
        return dust and not self.sim.working_orders()


@pytest.fixture
def make_rig() -> Callable[..., Rig]:
    """A rig with what the test wants otherwise."""
    return Rig


@pytest.fixture
def rig() -> Rig:
    return Rig()


@pytest.fixture
def manual() -> Rig:
    """On a venue whose every report the test makes."""
    return Rig(venue=ManualVenue())


@pytest.fixture
def ids() -> tuple[InstrumentId, ...]:
    return BTC, ETH, ETHBTC
