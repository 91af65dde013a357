"""What is held, why, and what it can cost."""

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from tradewinds.model.decimals import ZERO
from tradewinds.model.ids import InstrumentId, StrategyId, TradeId
from tradewinds.model.market import Side


class TradingState(StrEnum):
    """ACTIVE trades; REDUCING only closes; HALTED waits for the operator or for a new day."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


class TradePhase(StrEnum):
    """Life of a round trip."""

    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


class Trade(Struct, frozen=True, kw_only=True, tag=True):
    """A round trip of one strategy in one instrument, from first entry order to flat.

    `quantity` is what is held now (base asset, unsigned); `pending_quantity` what an entry in
    flight may still add at `pending_price` at worst. `stop_price` is the resting stop.
    `approved_loss` is what the entry was allowed to cost; `gap` how much more it did cost.
    """

    trade_id: TradeId
    strategy_id: StrategyId
    instrument_id: InstrumentId
    side: Side
    phase: TradePhase
    quantity: Decimal
    entry_price: Decimal
    stop_price: Decimal
    opened_time_ns: int
    pending_quantity: Decimal = ZERO
    pending_price: Decimal = ZERO
    target_price: Decimal | None = None
    entry_quantity: Decimal = ZERO
    exit_quantity: Decimal = ZERO
    exit_price: Decimal = ZERO
    fees: Decimal = ZERO
    realised: Decimal = ZERO
    closed_time_ns: int = 0
    reason: str = ""
    exit_reason: str = ""
    approved_loss: Decimal = ZERO
    gap: Decimal = ZERO


class Exposure(Struct, frozen=True, kw_only=True):
    """One open or in-flight risk, in account currency.

    `worst_loss` is what is lost if its stop is hit, exit fee and slippage allowance included;
    `notional` what it commits.
    """

    trade_id: TradeId
    strategy_id: StrategyId
    instrument_id: InstrumentId
    worst_loss: Decimal
    notional: Decimal
