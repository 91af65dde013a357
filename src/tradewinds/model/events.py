"""Everything from outside: market data, venue reports, timers, operator words. All journalled."""

from decimal import Decimal

from msgspec import Struct

from tradewinds.model.checkpoint import Checkpoint
from tradewinds.model.ids import Asset, ClientOrderId, InstrumentId, RunId, StrategyId
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.mandate import Mandate
from tradewinds.model.market import Bar, BookDelta, FundingRate, MarkPrice, Quote, TradePrint
from tradewinds.model.order import Fill, OrderStatus


class OrderAccepted(Struct, frozen=True, kw_only=True, tag=True):
    """The venue has the order on its books (or filled it at once)."""

    client_order_id: ClientOrderId
    instrument_id: InstrumentId
    venue_order_id: str
    venue_time_ns: int
    received_time_ns: int


class OrderRejected(Struct, frozen=True, kw_only=True, tag=True):
    """The venue's definitive no."""

    client_order_id: ClientOrderId
    instrument_id: InstrumentId
    reason: str
    venue_time_ns: int
    received_time_ns: int


class OrderFilled(Struct, frozen=True, kw_only=True, tag=True):
    """An execution. May arrive twice or before its acceptance: idempotent by fill id."""

    fill: Fill
    venue_time_ns: int
    received_time_ns: int


class OrderCanceled(Struct, frozen=True, kw_only=True, tag=True):
    """Gone at our wish, or by its OCO sibling. What filled before stays filled."""

    client_order_id: ClientOrderId
    instrument_id: InstrumentId
    reason: str
    venue_time_ns: int
    received_time_ns: int


class OrderExpired(Struct, frozen=True, kw_only=True, tag=True):
    """Gone at the venue's wish: IOC remainder, FOK unfilled, post-only that would take."""

    client_order_id: ClientOrderId
    instrument_id: InstrumentId
    reason: str
    venue_time_ns: int
    received_time_ns: int


class CancelRejected(Struct, frozen=True, kw_only=True, tag=True):
    """The venue would not cancel: usually because the order is already gone."""

    client_order_id: ClientOrderId
    instrument_id: InstrumentId
    reason: str
    venue_time_ns: int
    received_time_ns: int


class OrderOutcomeUnknown(Struct, frozen=True, kw_only=True, tag=True):
    """Nobody knows yet whether the venue has it. It stays in flight and is queried."""

    client_order_id: ClientOrderId
    instrument_id: InstrumentId
    reason: str
    venue_time_ns: int
    received_time_ns: int


class FundingPaid(Struct, frozen=True, kw_only=True, tag=True):
    """Funding settled on a perpetual position. `amount` in `asset`, negative when we pay."""

    funding_id: str
    instrument_id: InstrumentId
    asset: Asset
    amount: Decimal
    venue_time_ns: int
    received_time_ns: int


class TimerFired(Struct, frozen=True, kw_only=True, tag=True):
    """A timer set by the engine, or the edge's regular beat (`timer_id` "beat")."""

    timer_id: str
    venue_time_ns: int
    received_time_ns: int


class RunStarted(Struct, frozen=True, kw_only=True, tag=True):
    """First event of every run: who we are, what exists, what an earlier run left behind.

    `settings` is the engine's configuration as canonical JSON, so that a journal replays without
    the file it was started with. `own_runs`: every earlier run whose orders at the venue are this
    account's, so that another's are left alone; None: all that bear our mark.
    """

    run_id: RunId
    account: str
    instruments: tuple[Instrument, ...]
    opening_balances: dict[Asset, Decimal]
    checkpoint: Checkpoint | None
    settings: str
    venue_time_ns: int
    received_time_ns: int
    own_runs: tuple[RunId, ...] | None = None


class HistoryLoaded(Struct, frozen=True, kw_only=True, tag=True):
    """Past bars per instrument, oldest first: strategies learn from them, nobody trades on them."""

    bars: tuple[Bar, ...]
    venue_time_ns: int
    received_time_ns: int


class InstrumentChanged(Struct, frozen=True, kw_only=True, tag=True):
    """The venue changed filters, fees or status."""

    instrument: Instrument
    venue_time_ns: int
    received_time_ns: int


class EmergencyStop(Struct, frozen=True, kw_only=True, tag=True):
    """Cancel all, flatten all, verify flat, stay HALTED until the operator resumes."""

    command_id: str
    reason: str
    venue_time_ns: int
    received_time_ns: int


class ResumeTrading(Struct, frozen=True, kw_only=True, tag=True):
    """The operator acknowledges a halt. The day's loss limit still holds."""

    command_id: str
    venue_time_ns: int
    received_time_ns: int


class PauseTrading(Struct, frozen=True, kw_only=True, tag=True):
    """The operator wants no new risk: REDUCING until resumed."""

    command_id: str
    reason: str
    venue_time_ns: int
    received_time_ns: int


class StrategySwitched(Struct, frozen=True, kw_only=True, tag=True):
    """The operator switches a strategy on or off. Off: no entries; open trades keep their stops."""

    command_id: str
    strategy_id: StrategyId
    enabled: bool
    venue_time_ns: int
    received_time_ns: int


class MandateIssued(Struct, frozen=True, kw_only=True, tag=True):
    """A mandate from the strategic layer."""

    mandate: Mandate
    venue_time_ns: int
    received_time_ns: int


class VenueOrder(Struct, frozen=True, kw_only=True):
    """One order as the venue tells it when asked. `client_order_id` may be somebody else's."""

    client_order_id: ClientOrderId
    venue_order_id: str
    instrument_id: InstrumentId
    status: OrderStatus
    filled_quantity: Decimal
    reason: str = ""


class VenuePosition(Struct, frozen=True, kw_only=True):
    """A perpetual position as the venue tells it; signed base quantity, 0 when flat."""

    instrument_id: InstrumentId
    quantity: Decimal
    entry_price: Decimal


class VenueStateRead(Struct, frozen=True, kw_only=True, tag=True):
    """The venue's truth, read in one go. `orders` holds every open order there and, for each order
    of ours that still works here, what became of it; `fills` all of ours since the last reading.

    `balances` are totals, locks included. `whole` False: a part of the account could not be read
    together with the rest, so neither balances nor positions are told, only orders and fills.
    `free`: where each product has a wallet of its own, what may be spent in those just read.
    """

    balances: dict[Asset, Decimal]
    orders: tuple[VenueOrder, ...]
    positions: tuple[VenuePosition, ...]
    fills: tuple[Fill, ...]
    venue_time_ns: int
    received_time_ns: int
    whole: bool = True
    free: dict[InstrumentKind, dict[Asset, Decimal]] = {}


class VenueTroubleChanged(Struct, frozen=True, kw_only=True, tag=True):
    """Something at the venue forbids new risk (`cause` names it), or no longer does (reason '')."""

    cause: str
    reason: str
    venue_time_ns: int
    received_time_ns: int


class VenueFeaturesTold(Struct, frozen=True, kw_only=True, tag=True):
    """What the venue does beyond single orders. `brackets`: markets whose entries may carry their
    stop and target in the same request."""

    brackets: tuple[InstrumentId, ...]
    venue_time_ns: int
    received_time_ns: int


class StoreHealthChanged(Struct, frozen=True, kw_only=True, tag=True):
    """The journal's store failed (no new risk) or works again."""

    healthy: bool
    reason: str
    venue_time_ns: int
    received_time_ns: int


MarketEvent = Quote | TradePrint | BookDelta | Bar | MarkPrice | FundingRate


class SoundBlock(list[MarketEvent]):
    """Market events in order of time. Its bars are of one length, received when they closed, and
    `validity.invalidity` finds nothing in any of them."""


VenueReport = (
    OrderAccepted
    | OrderRejected
    | OrderFilled
    | OrderCanceled
    | OrderExpired
    | CancelRejected
    | OrderOutcomeUnknown
    | FundingPaid
)
OperatorEvent = EmergencyStop | ResumeTrading | PauseTrading | StrategySwitched
Event = (
    MarketEvent
    | VenueReport
    | OperatorEvent
    | TimerFired
    | RunStarted
    | HistoryLoaded
    | InstrumentChanged
    | MandateIssued
    | StoreHealthChanged
    | VenueStateRead
    | VenueTroubleChanged
    | VenueFeaturesTold
)
