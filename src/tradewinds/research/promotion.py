"""The promotion gate: what a strategy must have shown before real money may follow it."""

from collections.abc import Collection, Sequence
from typing import Final

from msgspec import Struct

from tradewinds.clearance import Promoted, Row
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


class Wish(Struct, frozen=True, kw_only=True):
    """A strategy with a name of exactly its parameters, and what it is to trade."""

    strategy: str
    params_hash: str
    symbols: tuple[str, ...]


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


def proof_of(rows: Sequence[Row], wish: Wish) -> Promoted | None:
    """What proved exactly this, the newest; what was proved on one market says nothing of another,
    and what was proved on several together says nothing of one alone."""
    found = [row for row in _of(rows, wish) if not difference(row, wish)]
    return found[-1] if found else None


def unproven(rows: Sequence[Row], wish: Wish) -> str:
    """Why a strategy may not trade, by how its newest promotion differs."""
    found = _of(rows, wish)
    name = f"{wish.strategy} ({wish.params_hash})"
    return f"{name}: {difference(found[-1], wish)}" if found else f"{name}: never promoted"


def difference(proof: Promoted, wish: Wish) -> str:
    """What was proved against what is wanted; '' where they are the same."""
    if not proof.evidence:
        return "promoted without evidence"
    if proof.params_hash != wish.params_hash:
        return f"promoted with other parameters ({proof.params_hash})"
    if not proof.symbols:
        return "promoted before it was noted on which symbols: promote it again"
    if set(proof.symbols) == set(wish.symbols):
        return ""
    return (
        f"promoted on {markets_told(proof.symbols)}, and this run trades "
        f"{markets_told(wish.symbols)}: promote it on these, or start with --symbols "
        f"{','.join(proof.symbols)}"
    )


def markets_told(symbols: Collection[str]) -> str:
    """`BTC/USDT (spot), BTC/USDT:USDT (perpetual)`."""
    kinds = ((symbol, "perpetual" if ":" in symbol else "spot") for symbol in sorted(symbols))
    return ", ".join(f"{symbol} ({kind})" for symbol, kind in kinds) or "nothing"


def _of(rows: Sequence[Row], wish: Wish) -> list[Promoted]:
    return [row for row in rows if isinstance(row, Promoted) and row.strategy == wish.strategy]


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
