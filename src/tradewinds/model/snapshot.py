"""What pages and `status` show, and the words sent back: messages on the bus, in msgpack."""

from decimal import Decimal

from msgspec import Struct

from tradewinds.model.ids import Asset, InstrumentId, RunId, StrategyId, TradeId
from tradewinds.model.market import Side
from tradewinds.model.portfolio import TradingState

TOPIC_SNAPSHOT = "snapshot"
TOPIC_ACTIVITY = "activity"


class PositionRow(Struct, frozen=True, kw_only=True):
    """An open round trip, valued at the last price."""

    trade_id: TradeId
    strategy_id: StrategyId
    instrument_id: InstrumentId
    side: Side
    quantity: Decimal
    entry_price: Decimal
    last_price: Decimal
    stop_price: Decimal
    target_price: Decimal | None
    unrealised: Decimal
    worst_loss: Decimal
    opened_time_ns: int


class StrategyRow(Struct, frozen=True, kw_only=True):
    """One strategy: switched on or off, what it has made, what it waits for."""

    strategy_id: StrategyId
    enabled: bool
    weight: float
    open_trades: int
    net_today: Decimal
    net_total: Decimal
    signals: int
    refusals: int


class PriceRow(Struct, frozen=True, kw_only=True):
    """The last price of an instrument and how old it is."""

    instrument_id: InstrumentId
    bid: float
    ask: float
    change_day: float
    age_ms: float


class LimitsRow(Struct, frozen=True, kw_only=True):
    """The law in money, as loaded."""

    loss_per_trade_max: Decimal
    loss_per_day_max: Decimal
    reserve: Decimal
    exposure_total_max: Decimal
    exposure_per_instrument_max: Decimal
    leverage_max: Decimal
    drawdown_reduce: float
    drawdown_halt: float


class Snapshot(Struct, frozen=True, kw_only=True):
    """The engine's state, sent several times a second. Money in `currency`.

    `time_ns` is event time (a replay's own time), `wall_time_ns` ours. `progress` in [0, 1] for
    a replay, else None. `day_loss_used` = realised loss today + open worst losses.
    """

    run_id: RunId
    account: str = ""
    mode: str
    feed_label: str
    synthetic: bool
    trading_state: TradingState
    state_reason: str
    currency: Asset
    starting_equity: Decimal
    equity: Decimal
    cash: Decimal
    day_pnl: Decimal
    realised_today: Decimal
    open_risk: Decimal
    day_loss_used: Decimal
    drawdown: float
    positions: tuple[PositionRow, ...]
    strategies: tuple[StrategyRow, ...]
    prices: tuple[PriceRow, ...]
    limits: LimitsRow
    working_orders: int
    trades_closed: int
    events_total: int
    events_per_second: float
    decision_p50_us: float
    decision_p99_us: float
    anomalies: int
    journal_sequence: int
    engine_pid: int
    started_wall_ns: int
    time_ns: int
    wall_time_ns: int
    progress: float | None
    finished: bool


class Activity(Struct, frozen=True, kw_only=True):
    """One line of the live page. `kind`: signal refusal order fill trade state anomaly equity."""

    time_ns: int
    kind: str
    strategy_id: StrategyId
    instrument_id: InstrumentId
    title: str
    detail: str


class EmergencyRequest(Struct, frozen=True, kw_only=True):
    """verb `emergency`."""

    command_id: str
    reason: str


class SwitchRequest(Struct, frozen=True, kw_only=True):
    """verb `strategy`."""

    command_id: str
    strategy_id: StrategyId
    enabled: bool


class OperatorRequest(Struct, frozen=True, kw_only=True):
    """verbs `pause` and `resume`."""

    command_id: str
    reason: str


class OperatorReply(Struct, frozen=True, kw_only=True):
    """Answer to every operator verb. For `emergency`, `done` means verified flat."""

    command_id: str
    done: bool
    detail: str
    elapsed_ms: float
