"""What a restart needs: written with every durable batch, read as part of the first event."""

from decimal import Decimal

from msgspec import Struct

from tradewinds.model.ids import Asset, InstrumentId, StrategyId
from tradewinds.model.ledger import LedgerState
from tradewinds.model.order import Order
from tradewinds.model.portfolio import Trade, TradingState
from tradewinds.model.selection import SelectionState


class Cause(Struct, frozen=True, kw_only=True):
    """A standing reason not to trade, by its name."""

    name: str
    state: TradingState
    reason: str


class RiskState(Struct, frozen=True, kw_only=True):
    """The law's memory. `day` is days since the epoch, UTC; `causes` are those that a restart
    does not end.
    """

    trading_state: TradingState
    reason: str
    operator_halt: bool
    day: int
    day_start_equity: Decimal
    peak_equity: Decimal
    day_limit_hit: bool
    causes: tuple[Cause, ...] = ()


class Checkpoint(Struct, frozen=True, kw_only=True):
    """The engine's durable state at `time_ns`. `waiting` is inventory that is not in the books yet,
    because it has had no price.
    """

    time_ns: int
    ledger: LedgerState
    risk: RiskState
    trades: tuple[Trade, ...]
    orders: tuple[Order, ...]
    disabled_strategies: tuple[StrategyId, ...]
    last_prices: dict[InstrumentId, float]
    selection: SelectionState | None = None
    waiting: dict[Asset, Decimal] = {}
