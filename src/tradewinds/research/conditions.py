"""What a result was made under: the costs assumed, the data, and how often something was tried."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from tradewinds.model.decimals import BPS
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.research.backtest import BacktestResult
from tradewinds.research.trials import TrialCount

NS_PER_MS = 1_000_000


class Conditions(Struct, frozen=True, kw_only=True):
    """Sentences for people, under names that stay. `trials` counts this run too."""

    fees: str
    spread_and_slippage: str
    funding: str
    buy_and_hold: str
    survivorship: str
    trials: int
    evaluations: int

    def rows(self) -> tuple[tuple[str, str], ...]:
        """For a table."""
        tried = f"{self.trials} different, {self.evaluations} in all, on this data"
        return (
            ("Fees", self.fees),
            ("Spread and slippage", self.spread_and_slippage),
            ("Funding", self.funding),
            ("Buy and hold", self.buy_and_hold),
            ("Survivorship", self.survivorship),
            ("Trials made", tried),
        )


def conditions_of(result: BacktestResult, count: TrialCount) -> Conditions:
    """Of one backtest."""
    return Conditions(
        fees=fees_text(result.instruments),
        spread_and_slippage=(
            f"{result.sim.slippage_bps.normalize():f} bps against us on every fill at a bar's"
            f" price (half the spread and slip); orders arrive"
            f" {result.sim.latency_ns // NS_PER_MS} ms late and get at most"
            f" {result.sim.bar_volume_share_max * 100:.0f} % of a bar's volume"
        ),
        funding=_funding_text(result),
        buy_and_hold="mean price change of the instruments that had a price on the first day",
        survivorship=(
            "the market is made up" if result.synthetic else survivorship_text(result.instruments)
        ),
        trials=count.distinct,
        evaluations=count.evaluations,
    )


def fees_text(instruments: Sequence[Instrument]) -> str:
    """`10 bps maker, 10 bps taker`, or from and to."""
    makers = {instrument.maker_fee for instrument in instruments}
    takers = {instrument.taker_fee for instrument in instruments}
    return f"{_span(makers)} bps maker, {_span(takers)} bps taker of the notional"


def survivorship_text(instruments: Sequence[Instrument]) -> str:
    """What nobody can know of a recording from the recording alone."""
    return (
        f"{len(instruments)} instruments chosen by whoever recorded the data, who knew what came"
        " after; those that were delisted before are missing unless the recording kept them"
    )


def _funding_text(result: BacktestResult) -> str:
    if all(instrument.kind is InstrumentKind.SPOT for instrument in result.instruments):
        return "none: spot only"
    paid = result.performance.realised.funding
    return f"as recorded, {paid:.2f} {result.currency} paid; instruments without records pay none"


def _span(rates: set[Decimal]) -> str:
    low, high = min(rates) / BPS, max(rates) / BPS
    return f"{low.normalize():f}" if low == high else f"{low.normalize():f} to {high.normalize():f}"
