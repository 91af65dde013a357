"""The promotion gate: what a strategy must have shown before real money may follow it."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from tradewinds.research.lookahead import LookaheadReport
from tradewinds.research.significance import Significance
from tradewinds.research.walk_forward import Whole

TEST_DAYS_MIN: Final = 180
TRADES_MIN: Final = 30
DRAWDOWN_MAX: Final = 0.05
"""A wider `limits.drawdown_halt` does not make the gate wider."""


class Demand(Struct, frozen=True, kw_only=True):
    """One thing asked for. `met` is false also where there was too little to tell."""

    name: str
    met: bool
    told: str


class Shown(Struct, frozen=True, kw_only=True):
    """What was found out: in test windows with what training chose and with the settings in force,
    about luck, and about knowing the future. `halt_at` is the drawdown that stops trading.
    """

    chosen: Whole
    shipped: Whole
    luck: Significance
    future: LookaheadReport
    halt_at: float


def demands(shown: Shown) -> tuple[Demand, ...]:
    """Every one must be met; what cannot be told is not met."""
    luck, future = shown.luck, shown.future
    return (
        *_earned("settings in force", shown.shipped, min(shown.halt_at, DRAWDOWN_MAX)),
        _won("chosen in training", shown.chosen),
        *(
            Demand(name=finding.name, met=finding.passed is True, told=finding.told)
            for finding in luck.findings
        ),
        Demand(
            name="no look-ahead",
            met=future.clean and future.checked > 0,
            told=f"{future.checked:,} signals compared, {len(future.leaks)} leaks",
        ),
    )


def passed(found: Sequence[Demand]) -> bool:
    """All of them, and at least one was asked."""
    return bool(found) and all(demand.met for demand in found)


def evidence(found: Sequence[Demand], label: str) -> dict[str, str]:
    """For the record: each demand with the figures that met it."""
    return {"data": label, **{demand.name: demand.told for demand in found}}


def _earned(name: str, whole: Whole, halt_at: float) -> tuple[Demand, ...]:
    monthly = whole.intervals.monthly
    low = None if monthly is None else monthly.low
    return (
        Demand(
            name="enough to judge by",
            met=whole.figures.days >= TEST_DAYS_MIN and whole.trades >= TRADES_MIN,
            told=f"{whole.figures.days} test days with {whole.trades} trades;"
            f" {TEST_DAYS_MIN} days and {TRADES_MIN} trades are asked for",
        ),
        _won(name, whole),
        Demand(
            name="better than doing nothing",
            met=low is not None and low > 0,
            told="too few days for an interval"
            if low is None
            else f"nine in ten resamples make at least {low:+.2%} a month; above 0 is asked for",
        ),
        Demand(
            name="drawdown",
            met=whole.drawdown < halt_at and not whole.halts,
            told=f"{whole.drawdown:.2%} at the deepest, {whole.halts} windows halted;"
            f" below {halt_at:.1%} and none are asked for",
        ),
    )


def _won(name: str, whole: Whole) -> Demand:
    return Demand(
        name=f"profit after costs, {name}",
        met=whole.figures.total > 0,
        told=f"{whole.figures.total:+.2%} over {whole.windows} test windows,"
        f" {whole.windows_won} of them won",
    )
