"""What `walk-forward` answers."""

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from tradewinds.research.walk_forward import Whole, WindowResult


class WalkForwardAnswer(Struct, frozen=True, kw_only=True):
    """`chosen` is the figure to believe. `benched` stays out of a test where training lost;
    `shipped` is the settings as they are, in the same windows. `trials` counts every evaluation
    of these strategies on these data, earlier ones too.
    """

    label: str
    strategies: tuple[str, ...]
    objective: str
    candidates: int
    chosen: "Whole"
    benched: "Whole"
    shipped: "Whole"
    windows: "tuple[WindowResult, ...]"
    trials: int
    evaluations: int
    survivorship: str
    fees: str
    slippage_bps: float
