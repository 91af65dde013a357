"""What the engine is told once, at the start."""

from decimal import Decimal

from msgspec import Struct

from tradewinds.model.ids import Asset, StrategyId
from tradewinds.risk.limits import RiskLimits


class EngineSettings(Struct, frozen=True, kw_only=True):
    """Times in seconds of event time. `disabled` strategies start switched off. `inventory`: what
    may be used of assets besides the account's currency, by cycles alone.
    """

    currency: Asset
    limits: RiskLimits
    entry_lifetime_s: float = 60.0
    equity_every_s: float = 300.0
    disabled: tuple[StrategyId, ...] = ()
    selector: bool = True
    inventory: dict[Asset, Decimal] = {}
