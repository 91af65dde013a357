"""What the engine is told once, at the start."""

from msgspec import Struct

from tradewinds.model.ids import Asset, StrategyId
from tradewinds.risk.limits import RiskLimits


class EngineSettings(Struct, frozen=True, kw_only=True):
    """Times in seconds of event time. `disabled` strategies start switched off."""

    currency: Asset
    limits: RiskLimits
    entry_lifetime_s: float = 60.0
    equity_every_s: float = 300.0
    disabled: tuple[StrategyId, ...] = ()
    selector: bool = True
