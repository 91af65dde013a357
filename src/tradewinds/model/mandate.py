"""What the strategic layer allows. It can only shrink risk."""

from msgspec import Struct, field

from tradewinds.model.ids import InstrumentId, StrategyId


class Mandate(Struct, frozen=True, kw_only=True, tag=True):
    """Weights in [0, 1] per strategy, one multiplier in [0, 1], bias in [-1, 1] per instrument.

    A strategy that is not named keeps weight 1. Valid until `expires_ns`, then neutral.
    """

    mandate_id: str
    risk_multiplier: float
    expires_ns: int
    weights: dict[StrategyId, float] = field(default_factory=dict)
    bias: dict[InstrumentId, float] = field(default_factory=dict)
    reason: str = ""


NEUTRAL = Mandate(mandate_id="neutral", risk_multiplier=1.0, expires_ns=2**63 - 1)
