"""What the selector remembers: the state of the market, and what is believed of each strategy."""

from msgspec import Struct, field

from tradewinds.model.ids import InstrumentId, StrategyId, TradeId
from tradewinds.model.portfolio import Trade

Context = tuple[float, ...]


class RegimeState(Struct, frozen=True, kw_only=True):
    """Running figures of hourly samples. `liquid` is what each instrument showed, in quote asset,
    `prices` its price, both at the last sample.
    """

    samples: int = 0
    variance_fast: float = 0.0
    variance_slow: float = 0.0
    drift: float = 0.0
    index_variance: float = 0.0
    mean_variance: float = 0.0
    liquidity_fast: float = 0.0
    liquidity_slow: float = 0.0
    breadth: float = 0.0
    prices: dict[InstrumentId, float] = field(default_factory=dict)


class ArmState(Struct, frozen=True, kw_only=True):
    """What is believed of one strategy: a Gaussian over what each part of the context is worth.

    `precision` and `moment` hold evidence alone, without the prior; `seen` is how many results
    still count. `weight` is the one in use, nil while `benched`.
    """

    strategy_id: StrategyId
    precision: tuple[tuple[float, ...], ...]
    moment: tuple[float, ...]
    seen: float = 0.0
    weight: float = 1.0
    benched: bool = False


class SelectionState(Struct, frozen=True, kw_only=True):
    """All that a restart needs. `contexts` are those in which open trades were entered; `shadow`
    the benched strategies' trades on paper. Weights are next drawn at `due_ns`.
    """

    regime: RegimeState
    arms: tuple[ArmState, ...]
    contexts: dict[TradeId, Context]
    shadow: tuple[Trade, ...]
    due_ns: int
