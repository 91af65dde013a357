"""What the engine answers: orders for the venue, facts for the journal. `cause` is the
sequence number of the input event that led to it."""

from decimal import Decimal

from msgspec import Struct

from tradewinds.model.ids import ClientOrderId, InstrumentId, StrategyId
from tradewinds.model.ledger import Transaction
from tradewinds.model.order import ApprovedOrder, Order, Refusal
from tradewinds.model.portfolio import Trade, TradingState
from tradewinds.model.signal import Signal


class SubmitOrder(Struct, frozen=True, kw_only=True, tag=True):
    """Send this order. It is durable in the journal before it leaves."""

    order: ApprovedOrder
    time_ns: int
    cause: int


class CancelOrder(Struct, frozen=True, kw_only=True, tag=True):
    """Cancel by our own id."""

    client_order_id: ClientOrderId
    instrument_id: InstrumentId
    time_ns: int
    cause: int


class RecordSignal(Struct, frozen=True, kw_only=True, tag=True):
    """What a strategy wanted."""

    signal: Signal
    time_ns: int
    cause: int


class RecordRefusal(Struct, frozen=True, kw_only=True, tag=True):
    """Our no."""

    refusal: Refusal
    cause: int


class RecordOrder(Struct, frozen=True, kw_only=True, tag=True):
    """An order's new state."""

    order: Order
    time_ns: int
    cause: int


class RecordTrade(Struct, frozen=True, kw_only=True, tag=True):
    """A round trip's new state."""

    trade: Trade
    time_ns: int
    cause: int


class RecordTransaction(Struct, frozen=True, kw_only=True, tag=True):
    """Postings that sum to zero."""

    transaction: Transaction
    cause: int


class RecordEquity(Struct, frozen=True, kw_only=True, tag=True):
    """A point of the equity curve, in account currency. `open_risk` is the sum of worst losses."""

    equity: Decimal
    cash: Decimal
    realised_today: Decimal
    open_risk: Decimal
    time_ns: int
    cause: int


class StateChanged(Struct, frozen=True, kw_only=True, tag=True):
    """A new TradingState and the reason, or `strategy_id` switched."""

    state: TradingState
    reason: str
    time_ns: int
    cause: int


class StrategyStateChanged(Struct, frozen=True, kw_only=True, tag=True):
    """A strategy was switched on or off."""

    strategy_id: StrategyId
    enabled: bool
    reason: str
    time_ns: int
    cause: int


class RecordSelection(Struct, frozen=True, kw_only=True, tag=True):
    """New weights per strategy and whom they bench. `regime`: see features.regime.REGIME_NAMES."""

    weights: dict[StrategyId, float]
    benched: tuple[StrategyId, ...]
    regime: tuple[float, ...]
    time_ns: int
    cause: int


class RecordAnomaly(Struct, frozen=True, kw_only=True, tag=True):
    """Bad input that was dropped: how often so far, and the first reason. Instrument may be ''."""

    kind: str
    instrument_id: InstrumentId
    detail: str
    count: int
    time_ns: int
    cause: int


class SetTimer(Struct, frozen=True, kw_only=True, tag=True):
    """Wake the engine with TimerFired(timer_id) at `due_ns` of event time."""

    timer_id: str
    due_ns: int
    cause: int


class EmergencyFinished(Struct, frozen=True, kw_only=True, tag=True):
    """Flat is verified: no working order, no position. `command_id` of the EmergencyStop."""

    command_id: str
    flat: bool
    detail: str
    started_ns: int
    time_ns: int
    cause: int


Command = (
    SubmitOrder
    | CancelOrder
    | RecordSignal
    | RecordRefusal
    | RecordOrder
    | RecordTrade
    | RecordTransaction
    | RecordEquity
    | StateChanged
    | StrategyStateChanged
    | RecordSelection
    | RecordAnomaly
    | SetTimer
    | EmergencyFinished
)
