"""What a strategy wants, before sizing and before the law. Prices are float64."""

from enum import StrEnum

from msgspec import Struct

from tradewinds.model.ids import Asset, InstrumentId, StrategyId, TradeId
from tradewinds.model.market import Side


class EnterSignal(Struct, frozen=True, kw_only=True, tag=True):
    """Open a round trip. Confidence is a calibrated probability-like number in (0, 1].

    `limit_price` None means: take liquidity now, within the price collar.
    """

    strategy_id: StrategyId
    instrument_id: InstrumentId
    side: Side
    stop_price: float
    confidence: float
    reason: str
    target_price: float | None = None
    limit_price: float | None = None


class ExitSignal(Struct, frozen=True, kw_only=True, tag=True):
    """Close a round trip at market."""

    strategy_id: StrategyId
    trade_id: TradeId
    reason: str


class StopSignal(Struct, frozen=True, kw_only=True, tag=True):
    """Tighten a stop. A stop that would loosen is refused."""

    strategy_id: StrategyId
    trade_id: TradeId
    stop_price: float
    reason: str


class Leg(Struct, frozen=True, kw_only=True):
    """One step of a cycle: take up to `size_max` (base asset) at `limit_price` or better."""

    instrument_id: InstrumentId
    side: Side
    limit_price: float
    size_max: float


class Sending(StrEnum):
    """How a basket's legs leave: each with what the last one brought, or all at once out of what
    the account holds; EITHER is all at once where that is there.
    """

    SEQUENCED = "sequenced"
    SIMULTANEOUS = "simultaneous"
    EITHER = "either"


class BasketSignal(Struct, frozen=True, kw_only=True, tag=True, omit_defaults=True):
    """Several legs that only make sense together; starts and ends in `start_asset`.

    `edge_bps` is the expected gain of the whole cycle after fees, in bps of the start notional.
    """

    strategy_id: StrategyId
    legs: tuple[Leg, ...]
    start_asset: Asset
    notional_max: float
    edge_bps: float
    reason: str
    sending: Sending = Sending.SEQUENCED


Signal = EnterSignal | ExitSignal | StopSignal | BasketSignal
