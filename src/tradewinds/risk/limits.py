"""The limits as the engine holds them, and what a check may look at."""

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from tradewinds.model.decimals import ZERO
from tradewinds.model.ids import Asset
from tradewinds.model.instrument import Instrument
from tradewinds.model.portfolio import Exposure, TradingState


class RiskLimits(Struct, frozen=True, kw_only=True):
    """Money in account currency; shares as fractions of equity; `_bps` as bps of price."""

    loss_per_trade_max: Decimal
    loss_per_day_max: Decimal
    reserve: Decimal
    exposure_per_instrument_max: float
    exposure_total_max: float
    leverage_max: Decimal
    collar_bps: float
    slippage_allowance_bps: float
    unwind_loss_bps: float
    stop_distance_max: float
    stale_after_s: float
    liquidity_share_quote: float
    liquidity_share_bar: float
    orders_per_minute_max: int
    kelly_fraction: float
    drawdown_scale: float
    drawdown_reduce: float
    drawdown_halt: float
    price_jump_max: float


class RiskView(Struct, frozen=True, kw_only=True):
    """Everything a check may look at, as of one instant. None means: not known.

    `rate` is account currency per quote asset; `visible` the base quantity that liquidity rules
    allow; `free` balances not locked by resting orders; `order_times_ns` of the last minute.
    """

    now_ns: int
    state: TradingState
    state_reason: str
    strategy_enabled: bool
    instrument: Instrument | None
    mid: Decimal | None
    price_age_ns: int | None
    price_suspect: bool
    rate: Decimal | None
    visible: Decimal | None
    equity: Decimal | None
    realised_today: Decimal
    exposures: tuple[Exposure, ...]
    free: Mapping[Asset, Decimal]
    orders_last_minute: int
    protection_possible: bool

    @property
    def realised_loss_today(self) -> Decimal:
        """What today has cost so far; gains do not widen the day's budget."""
        return max(ZERO, -self.realised_today)

    @property
    def open_risk(self) -> Decimal:
        """Sum of worst losses, open and in flight."""
        return sum((item.worst_loss for item in self.exposures), ZERO)

    @property
    def committed(self) -> Decimal:
        """Sum of notionals, open and in flight."""
        return sum((item.notional for item in self.exposures), ZERO)
