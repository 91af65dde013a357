"""One venue, three markets between USDT, BTC and USDC, and an account that holds some of each."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from msgspec import Struct
from msgspec.structs import replace

from tradewinds.config import Settings
from tradewinds.engine.driver import Driver
from tradewinds.engine.engine import Engine
from tradewinds.ledger.loans import owed_by
from tradewinds.model import events as ev
from tradewinds.model.checkpoint import Checkpoint
from tradewinds.model.commands import Command, RecordRefusal, RecordTrade, SubmitOrder
from tradewinds.model.ids import ACCOUNT, Asset, FillId, InstrumentId, RunId, StrategyId, Venue
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.market import Quote, Side
from tradewinds.model.order import ApprovedOrder, Fill, Purpose, Refusal
from tradewinds.model.portfolio import Trade
from tradewinds.model.signal import BasketSignal, Leg, Sending, Signal
from tradewinds.parts import engine_settings_of
from tradewinds.ports import MarketView, Subscription
from tradewinds.sim.settings import SimSettings
from tradewinds.sim.venue import SimVenue
from tradewinds.store.memory import MemoryJournal

MS = 1_000_000
SECOND = 1_000 * MS
START = 1_700_000_000 * SECOND
USDT, USDC, BTC = Asset("USDT"), Asset("USDC"), Asset("BTC")
BTC_USDT, BTC_USDC, USDC_USDT = (
    InstrumentId(f"{pair}@sim") for pair in ("BTC/USDT", "BTC/USDC", "USDC/USDT")
)
PRICES = {BTC_USDT: 20_000.0, BTC_USDC: 20_200.0, USDC_USDT: 1.0}
"""1 % to be had on the way USDT > BTC > USDC > USDT."""
STOCK = {BTC: Decimal("0.02"), USDC: Decimal(400)}
WHO = StrategyId("cycler")


def _spot(id_: InstrumentId, tick: str, lot: str) -> Instrument:
    base, quote = id_.partition("@")[0].split("/")
    return Instrument(
        id=id_,
        symbol=f"{base}/{quote}",
        venue=Venue("sim"),
        kind=InstrumentKind.SPOT,
        base=Asset(base),
        quote=Asset(quote),
        settle=Asset(quote),
        tick_size=Decimal(tick),
        lot_size=Decimal(lot),
        min_quantity=Decimal(lot),
        max_quantity=Decimal(10**6),
        min_notional=Decimal(5),
        maker_fee=Decimal("0.001"),
        taker_fee=Decimal("0.001"),
    )


INSTRUMENTS = (
    _spot(BTC_USDT, "0.01", "0.00001"),
    _spot(BTC_USDC, "0.01", "0.00001"),
    _spot(USDC_USDT, "0.0001", "0.1"),
)


class Params(Struct, frozen=True, kw_only=True):
    """None."""


class Cycler:
    """Says at the next quote what the test wants said."""

    Params: ClassVar[type[Struct]] = Params
    strategy_id = WHO

    def __init__(self) -> None:
        self.say: list[Signal] = []

    def subscriptions(self) -> Sequence[Subscription]:
        return [Subscription(kind=Quote, instrument_id=each.id) for each in INSTRUMENTS]

    def on_event(self, event: ev.MarketEvent, view: MarketView) -> Sequence[Signal]:
        said, self.say = self.say, []
        return said


class Silent(SimVenue):
    """Takes orders and says nothing: the test makes the reports."""

    def __init__(self) -> None:
        super().__init__(INSTRUMENTS, {})
        self.canceled: list[str] = []

    def submit(self, command: SubmitOrder) -> None:
        """Taken; see `Stage.sent`."""

    def cancel(self, command: Any) -> None:
        self.canceled.append(command.client_order_id)


class Stage:
    """1,000 USDT beside the stock; all of the stock may be used unless told otherwise."""

    def __init__(
        self,
        *,
        venue: Any = None,
        stock: Mapping[Asset, Decimal] = STOCK,
        permitted: Mapping[Asset, Decimal] | None = None,
        limits: dict[str, Any] | None = None,
        instruments: Sequence[Instrument] = INSTRUMENTS,
    ) -> None:
        self.now = START
        self.instruments = tuple(instruments)
        self.stock = dict(stock)
        base = engine_settings_of(Settings())
        self.settings = replace(
            base,
            limits=replace(base.limits, **(limits or {})),
            inventory=dict(stock if permitted is None else permitted),
        )
        self.prices = dict(PRICES)
        self.runs = 0
        self.begin(venue, None)
        for name in self.prices:
            self.quote(name)
        self.pass_time(1.1)
        for name in self.prices:
            self.quote(name)

    @property
    def opening(self) -> dict[Asset, Decimal]:
        return {USDT: Decimal(1000), **self.stock}

    def begin(self, venue: Any, checkpoint: Checkpoint | None) -> None:
        """A run; with a checkpoint, the next one."""
        self.runs += 1
        sim = SimVenue(self.instruments, self.opening, SimSettings())
        self.venue = sim if venue is None else venue
        if checkpoint is not None:
            self.venue.restore(checkpoint)
        self.journal = MemoryJournal()
        self.strategy = Cycler()
        self.engine = Engine(self.settings, [self.strategy])
        self.driver = Driver(self.engine, self.venue, self.journal, beat_ns=SECOND)
        self.commands: list[Command] = []
        self.driver.listener = self.commands.extend
        self.driver.start(
            ev.RunStarted(
                run_id=RunId(f"run{self.runs}"),
                account="a",
                instruments=self.instruments,
                opening_balances=self.opening,
                checkpoint=checkpoint,
                settings="",
                venue_time_ns=self.now,
                received_time_ns=self.now,
            )
        )

    portfolio = property(lambda self: self.engine.floor.portfolio)
    ledger = property(lambda self: self.engine.floor.portfolio.ledger)
    state = property(lambda self: self.engine.floor.breaker.state)

    def of(self, kind: type) -> list[Any]:
        return [command for command in self.commands if isinstance(command, kind)]

    def sent(self, *purposes: Purpose) -> list[ApprovedOrder]:
        found = [command.order for command in self.of(SubmitOrder)]
        return [order for order in found if not purposes or order.purpose in purposes]

    def refusals(self) -> list[Refusal]:
        return [command.refusal for command in self.of(RecordRefusal)]

    def closed(self) -> Trade:
        """The round trip that was told last."""
        trade: Trade = self.of(RecordTrade)[-1].trade
        return trade

    def quote(self, name: InstrumentId, mid: float | None = None, **changes: Any) -> None:
        """A millisecond later, a basis point wide on each side, deep."""
        self.now += MS
        if mid is not None:
            self.prices[name] = mid
        price = self.prices[name]
        fields: dict[str, Any] = {
            "instrument_id": name,
            "bid": price * 0.9999,
            "ask": price * 1.0001,
            "bid_size": 1e6,
            "ask_size": 1e6,
            "venue_time_ns": self.now,
            "received_time_ns": self.now,
        }
        self.driver.market(Quote(**{**fields, **changes}))

    def pass_time(self, seconds: float) -> None:
        until = self.now + int(seconds * SECOND)
        while self.now < until:
            self.now = min(until, self.now + 20 * MS)
            self.driver.pass_time(self.now)

    def wish(self, sending: Sending = Sending.SIMULTANEOUS, notional: float = 150.0) -> None:
        """USDT > BTC > USDC > USDT, each leg 5 bps through the price, with the next quote."""
        sides = ((BTC_USDT, Side.BUY), (BTC_USDC, Side.SELL), (USDC_USDT, Side.SELL))
        worse = {Side.BUY: 1.0005, Side.SELL: 0.9995}
        self.strategy.say.append(
            BasketSignal(
                strategy_id=WHO,
                legs=tuple(
                    Leg(
                        instrument_id=name,
                        side=side,
                        limit_price=self.prices[name] * worse[side],
                        size_max=1e6,
                    )
                    for name, side in sides
                ),
                start_asset=USDT,
                notional_max=notional,
                edge_bps=60.0,
                reason="test",
                sending=sending,
            )
        )
        self.quote(BTC_USDT)

    def filled(self, order: ApprovedOrder, quantity: Decimal | None = None, **changes: Any) -> None:
        """At its limit or, without one, the mid of the decision; 10 bps in the quote asset."""
        amount = order.quantity if quantity is None else quantity
        price = changes.get("price", order.price or order.decision_price)
        quote = next(i.quote for i in self.instruments if i.id == order.instrument_id)
        times = {"venue_time_ns": self.now, "received_time_ns": self.now}
        fill = Fill(
            fill_id=FillId(f"{order.client_order_id}:{amount}"),
            client_order_id=order.client_order_id,
            instrument_id=order.instrument_id,
            side=order.side,
            quantity=amount,
            price=price,
            fee=amount * price * Decimal("0.001"),
            fee_asset=quote,
            maker=False,
            **times,
        )
        self.driver.inject(ev.OrderFilled(fill=fill, **times))

    def ended(self, order: ApprovedOrder, kind: Any = ev.OrderExpired) -> None:
        self.driver.inject(
            kind(
                client_order_id=order.client_order_id,
                instrument_id=order.instrument_id,
                reason="test",
                venue_time_ns=self.now,
                received_time_ns=self.now,
            )
        )

    def held(self, asset: Asset, owner: StrategyId = ACCOUNT) -> Decimal:
        lot = self.ledger.lot(owner, asset)
        return Decimal(0) if lot is None else lot.quantity

    def away(self, asset: Asset) -> Decimal:
        """How far the inventory is from what it was: what is owed, or what somebody else has."""
        return self.held(asset) - self.stock[asset]

    def owed(self, asset: Asset) -> Decimal:
        return owed_by(self.ledger.loans, asset)
