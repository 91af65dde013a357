"""Is it skill? Four questions put to one strategy on one stretch of the past, and a verdict."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec import Struct

from tradewinds.research.backtest import backtest
from tradewinds.research.deflated import ENOUGH, Deflated, deflate
from tradewinds.research.monte_carlo import MonteCarlo, monte_carlo
from tradewinds.research.overfitting import Overfitting, overfitting
from tradewinds.research.random_entry import RandomEntry, price_series, random_entry
from tradewinds.research.trial import Stretch, Trial, attempt, trial_of
from tradewinds.research.trials import TrialCount

OVERFIT_MAX: Final = 0.2
CHANCE_MAX: Final = 0.05
LOSS_CHANCE_MAX: Final = 0.05


class Finding(Struct, frozen=True, kw_only=True):
    """One question. `passed` None where there is too little to answer it, which is not a yes."""

    name: str
    passed: bool | None
    told: str


class Significance(Struct, frozen=True, kw_only=True):
    """`verdict` names the strategy. `lucky` means that at least one question says so;
    `undecided` that none does but not all could be answered.
    """

    strategies: tuple[str, ...]
    lucky: bool
    undecided: bool
    verdict: str
    findings: tuple[Finding, ...]
    deflated: Deflated | None
    overfitting: Overfitting | None
    monte_carlo: MonteCarlo | None
    random_entry: RandomEntry | None
    trials: int
    evaluations: int


class Evidence(Struct, frozen=True, kw_only=True):
    """Everything that is judged; None where there was too little to make it from."""

    strategies: tuple[str, ...]
    label: str
    tried: TrialCount
    deflated: Deflated | None
    overfitting: Overfitting | None
    monte_carlo: MonteCarlo | None
    random_entry: RandomEntry | None


def significance(
    on: Stretch,
    candidates: Sequence[dict[str, Any]],
    count: Callable[[], TrialCount],
    noted: Callable[[Trial], None],
) -> Significance:
    """All of it. The first of `candidates` is judged; the others are what else could have been
    chosen. `count` is asked when all of them are in the book.
    """
    result = backtest(on.task.settings, on.past, on.task.strategies, closing=True)
    judged = trial_of(result, {})
    noted(judged)
    others = [attempt(on, params) for params in candidates[1:]]
    for trial in others:
        noted(trial)
    rows = [trial.returns for trial in (judged, *others)]
    days = min(map(len, rows))
    tried = count()
    return judge(
        Evidence(
            strategies=on.task.strategies,
            label=result.label,
            tried=tried,
            deflated=deflate(judged.returns, max(tried.distinct, 1), tried.sharpes, tried.variance),
            overfitting=overfitting([row[:days] for row in rows]),
            monte_carlo=monte_carlo(
                judged.nets, float(judged.starting), on.task.settings.limits.drawdown_halt
            ),
            random_entry=random_entry(result.trades, price_series(list(on.past.blocks))),
        )
    )


def judge(evidence: Evidence) -> Significance:
    """Every question answered no, or not at all, speaks against it."""
    findings = (
        _sharpe_finding(evidence.deflated),
        _overfit_finding(evidence.overfitting),
        _order_finding(evidence.monte_carlo),
        _chance_finding(evidence.random_entry),
    )
    lucky = any(finding.passed is False for finding in findings)
    return Significance(
        strategies=evidence.strategies,
        lucky=lucky,
        undecided=not lucky and any(finding.passed is None for finding in findings),
        verdict=_verdict(", ".join(evidence.strategies), evidence.label, findings),
        findings=findings,
        deflated=evidence.deflated,
        overfitting=evidence.overfitting,
        monte_carlo=evidence.monte_carlo,
        random_entry=evidence.random_entry,
        trials=evidence.tried.distinct,
        evaluations=evidence.tried.evaluations,
    )


def _verdict(name: str, label: str, findings: Sequence[Finding]) -> str:
    failed = [finding.name for finding in findings if finding.passed is False]
    open_ = [finding.name for finding in findings if finding.passed is None]
    if failed:
        return f"{name} on {label}: cannot be told from luck ({', '.join(failed)})"
    if open_:
        return f"{name} on {label}: too little to tell ({', '.join(open_)})"
    return f"{name} on {label}: luck alone is an unlikely explanation; that is not a promise"


def _sharpe_finding(found: Deflated | None) -> Finding:
    name = "deflated Sharpe ratio"
    if found is None:
        return Finding(name=name, passed=None, told="too few days, or nothing ever moved")
    return Finding(
        name=name,
        passed=found.probability >= ENOUGH,
        told=(
            f"probability {found.probability:.3f} that the true daily Sharpe ({found.sharpe:.3f}"
            f" measured over {found.days} days) is above {found.expected_best:.3f}, what the best"
            f" of {found.trials} worthless trials would show; {ENOUGH} is asked for"
            f" ({found.undeflated:.3f} if it had been the only trial)"
        ),
    )


def _overfit_finding(found: Overfitting | None) -> Finding:
    name = "backtest overfitting"
    if found is None:
        return Finding(name=name, passed=None, told="too few days or parameter sets that traded")
    return Finding(
        name=name,
        passed=found.probability <= OVERFIT_MAX,
        told=(
            f"in {found.probability:.1%} of {found.splits:,} splits the best of {found.candidates}"
            f" parameter sets fell below the median afterwards ({OVERFIT_MAX:.0%} is allowed); it"
            f" lost money in {found.loss:.1%}"
        ),
    )


def _order_finding(found: MonteCarlo | None) -> Finding:
    name = "trades resampled"
    if found is None:
        return Finding(name=name, passed=None, told="fewer than ten closed trades")
    return Finding(
        name=name,
        passed=found.loss_chance <= LOSS_CHANCE_MAX,
        told=(
            f"{found.trades} trades drawn anew lose in {found.loss_chance:.1%} of cases"
            f" ({LOSS_CHANCE_MAX:.0%} is allowed); drawdown {found.actual_drawdown:.2%},"
            f" reshuffled {found.reshuffled.low:.2%} to {found.reshuffled.high:.2%}, resampled"
            f" {found.resampled.low:.2%} to {found.resampled.high:.2%}; through the halt at"
            f" {found.halt_at:.1%} in {found.halt_chance:.1%}"
        ),
    )


def _chance_finding(found: RandomEntry | None) -> Finding:
    name = "random entry"
    if found is None:
        return Finding(name=name, passed=None, told="fewer than ten closed trades")
    return Finding(
        name=name,
        passed=found.chance <= CHANCE_MAX,
        told=(
            f"{found.chance:.1%} of random entries with the same holding times did as well"
            f" ({CHANCE_MAX:.0%} is allowed): {found.actual * 1e4:+.1f} bps a trade before costs"
            f" against {found.random * 1e4:+.1f}"
        ),
    )
