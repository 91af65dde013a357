"""The limits as the engine holds them, and what a check may look at."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from tradewinds.model.decimals import ZERO
from tradewinds.model.errors import ConfigError
from tradewinds.model.ids import Asset
from tradewinds.model.instrument import Instrument
from tradewinds.model.portfolio import Exposure, TradingState

RANGES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "loss_per_trade_max": ("0.000001", "1000"),
        "loss_per_day_max": ("0.000001", "2000"),
        "reserve": ("0", "1000000"),
        "exposure_per_instrument_max": ("0.000001", "1"),
        "exposure_total_max": ("0.000001", "1"),
        "leverage_max": ("1", "10"),
        "collar_bps": ("0.000001", "500"),
        "slippage_allowance_bps": ("1", "1000"),
        "unwind_loss_bps": ("10", "2000"),
        "stop_distance_max": ("0.000001", "0.5"),
        "stale_after_s": ("0.000001", "86400"),
        "liquidity_share_quote": ("0.000001", "1"),
        "liquidity_share_bar": ("0.000001", "0.2"),
        "orders_per_minute_max": ("1", "600"),
        "kelly_fraction": ("0.000001", "0.5"),
        "drawdown_scale": ("0.000001", "1"),
        "drawdown_reduce": ("0.000001", "1"),
        "drawdown_halt": ("0.000001", "1"),
        "price_jump_max": ("0.000001", "1"),
    }
)
"""Hard minima and maxima: whoever builds the limits, these hold."""


class RiskLimits(Struct, frozen=True, kw_only=True):
    """Money in account currency; shares as fractions of equity; `_bps` as bps of price.

    Raises ConfigError for a figure outside its range, or none at all.
    """

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

    def __post_init__(self) -> None:
        """Hard maxima in code, below every setting."""
        for name, (low, high) in RANGES.items():
            value = Decimal(str(getattr(self, name)))
            # NaN compares false with nothing, so it is asked for by name.
            if not value.is_finite() or not Decimal(low) <= value <= Decimal(high):
                raise ConfigError(f"limits.{name} = {value}: must be from {low} to {high}")


class RiskView(Struct, frozen=True, kw_only=True):
    """Everything a check may look at, as of one instant. None means: not known.

    `rate` is account currency per quote asset; `visible` the base quantity that liquidity rules
    allow; `free` balances not locked by resting orders; `realised_today` without what a basket
    under way has won and may lose again; `inventory` what a cycle may use of the account's own
    holdings besides its currency.
    """

    now_ns: int
    state: TradingState
    state_reason: str
    strategy_enabled: bool
    currency: Asset
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
    inventory: Mapping[Asset, Decimal] = {}

    @property
    def realised_loss_today(self) -> Decimal:
        """What today has cost so far; gains do not widen the day's budget."""
        return max(ZERO, -self.realised_today)

    @property
    def open_risk(self) -> Decimal:
        """Sum of worst losses, open and in flight."""
        return sum([item.worst_loss for item in self.exposures], ZERO)

    @property
    def committed(self) -> Decimal:
        """Sum of notionals, open and in flight."""
        return sum([item.notional for item in self.exposures], ZERO)
