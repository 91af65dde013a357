"""A search's first stage: many parameter sets through the kernel, the best of them handed on.

What it says of a set is an approximation: one instrument at a time, and only the rules that
`sweep_rules` can express. Results are only what the event-driven backtest confirms.
"""

import math
import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import Any, Final

import msgspec
from msgspec import Struct

from tradewinds.features.kernels.contract import Rules, SweepResult
from tradewinds.kernels.opening import open_kernels
from tradewinds.ledger.curve import DAYS_PER_YEAR, NOISE
from tradewinds.model.errors import ConfigError
from tradewinds.parts import params_of
from tradewinds.research.jobs import Job
from tradewinds.research.scores import DAYS_PER_MONTH, WORST
from tradewinds.research.space import DRAWS_MAX, Choice, Range, Space, draw, in_force
from tradewinds.research.sweep_ground import Ground, grounds, sweepable

PART: Final = 256
"""Sets drawn and run in one go: a second's work on five years of hours."""
PROBES: Final = 8
"""Draws by which a parameter shows whether it changes the kernel's rules."""


class SweepPlan(Struct, frozen=True, kw_only=True):
    """How many sets are drawn, by which seed, and by what the `kept` best are chosen."""

    sets: int
    kept: int
    seed: int
    objective: str
    trades_min: int


class Survey(Struct, frozen=True, kw_only=True):
    """What there is to sweep: of the space what the rules know, the rest as it is in force."""

    instruments: int
    bars: int
    moved: tuple[str, ...]
    held: dict[str, Any]


class Approximated(Struct, frozen=True, kw_only=True):
    """What the kernel says of a set: means over instruments, `sharpe` daily, `trades` of all."""

    params: dict[str, Any]
    score: float
    sharpe: float
    trades: int


class Swept(Struct, frozen=True, kw_only=True):
    """A sweep, as the study and the book of trials remember it. Figures are approximations.

    `sets` were looked at; `variance` is that of their daily Sharpe ratios. `best` were handed on.
    """

    sets: int
    instruments: int
    bars: int
    kernel: str
    moved: tuple[str, ...]
    held: dict[str, Any]
    variance: float
    best: tuple[Approximated, ...]


class Part(Struct, frozen=True, kw_only=True):
    """What became of some of the sets."""

    kernel: str
    best: tuple[Approximated, ...]
    sharpes: tuple[float, ...]


def sweep(
    job: Job, space: Space, plan: SweepPlan, pool: tuple[Executor, int], told: Callable[[str], None]
) -> Swept:
    """Draw and run `plan.sets`, the same for the same seed wherever they run.

    `pool` is who works and how many parts at once. Raises ConfigError for a strategy or a space
    that the kernel cannot express.
    """
    sweepable(job.strategies)
    workers, room = pool
    survey = workers.submit(surveyed, job, space).result()
    if not survey.moved:
        raise ConfigError(
            "--sweep: none of the searched parameters is among the kernel's rules"
            " (docs/KERNELS.md); leave --sweep out, or search others"
        )
    parts: list[tuple[int, Part]] = []
    running: dict[Future[Part], int] = {}
    for number, count in enumerate(_sizes(plan.sets)):
        running[workers.submit(run_part, job, space, survey, (plan, number, count))] = number
        if len(running) >= room:
            parts += _finished(running)
            told(f"sweep: {min(len(parts) * PART, plan.sets):,} of {plan.sets:,} sets")
    while running:
        parts += _finished(running)
    # In the order of the draw, whoever was first: the same sweep finds the same.
    in_order = [part for _, part in sorted(parts, key=lambda pair: pair[0])]
    sharpes = [sharpe for part in in_order for sharpe in part.sharpes]
    return Swept(
        sets=plan.sets,
        instruments=survey.instruments,
        bars=survey.bars,
        kernel=", ".join(sorted({part.kernel for part in in_order})),
        moved=survey.moved,
        held=survey.held,
        variance=statistics.variance(sharpes) if len(sharpes) > 1 else 0.0,
        best=_best([each for part in in_order for each in part.best], plan.kept),
    )


def surveyed(job: Job, space: Space) -> Survey:
    """Which parameters change the rules, asked by changing them."""
    found = grounds(job)
    rules_of = _rules_of(job, found)
    dice = random.Random(0)  # noqa: S311 - probes, the same each time
    moved = set()
    for drawn in [draw(dice, space) for _ in range(PROBES)]:
        for name, choice in space.items():
            said = [rules_of({**drawn, name: value}) for value in _ends(choice)]
            known = [rules for rules in said if rules]
            if any(rules != known[0] for rules in known):
                moved.add(name)
    settings = job.task.settings
    rest = {name: choice for name, choice in space.items() if name not in moved}
    return Survey(
        instruments=len(found),
        bars=sum(ground.traded for ground in found),
        moved=tuple(sorted(moved)),
        held=in_force(settings, rest),
    )


def run_part(job: Job, space: Space, survey: Survey, which: tuple[SweepPlan, int, int]) -> Part:
    """The sets of one part: (plan, number of the part, how many)."""
    plan, number, count = which
    moved = {name: space[name] for name in survey.moved}
    dice = random.Random(f"{plan.seed}/{number}")  # noqa: S311 - a draw to be repeated
    found = grounds(job)
    rules_of = _rules_of(job, found)
    sets = [_fitting(dice, moved, survey.held, rules_of) for _ in range(count)]
    rows: list[list[tuple[Ground, SweepResult]]] = [[] for _ in sets]
    kernels = open_kernels()
    try:
        for place, ground in enumerate(found):
            kernel = kernels.sweep(ground.bars, ground.market)
            traded = [(n, rules[place]) for n, (_, rules) in enumerate(sets) if rules[place]]
            answers = kernel.run([rules for _, rules in traded if rules is not None])
            for (n, _), answer in zip(traded, answers, strict=True):
                rows[n].append((ground, answer))
            kernel.close()
    finally:
        kernels.close()
    judged = [
        judge(params, row, plan.objective, plan.trades_min)
        for (params, _), row in zip(sets, rows, strict=True)
    ]
    return Part(
        kernel=kernels.name,
        best=_best(judged, plan.kept),
        sharpes=tuple(each.sharpe for each in judged if each.trades),
    )


def judge(
    params: dict[str, Any],
    rows: Sequence[tuple[Ground, SweepResult]],
    objective: str,
    trades_min: int,
) -> Approximated:
    """What the search would rank by, of the mean instrument."""
    trades = sum(row.trades for _, row in rows)
    # NaN: rules that the kernel cannot run.
    if not rows or not math.isfinite(trades):
        return Approximated(params=params, score=WORST, sharpe=0.0, trades=0)
    sharpe = statistics.fmean(daily_sharpe_of(row, ground) for ground, row in rows)
    return Approximated(
        params=params,
        score=_score(rows, objective, sharpe) if trades >= trades_min else WORST,
        sharpe=sharpe,
        trades=int(trades),
    )


def daily_sharpe_of(row: SweepResult, ground: Ground) -> float:
    """From the sums over bars, as if bars did not depend on each other; 0 where nothing moved."""
    mean = row.returns / ground.traded
    variance = row.squares / ground.traded - mean * mean
    if variance <= NOISE * NOISE:
        return 0.0
    return mean / math.sqrt(variance) * math.sqrt(ground.bars_a_day)


def _score(
    rows: Sequence[tuple[Ground, SweepResult]], objective: str, daily_sharpe: float
) -> float:
    if objective == "sharpe":
        return daily_sharpe * math.sqrt(DAYS_PER_YEAR)
    total = statistics.fmean(row.equity / ground.market.cash for ground, row in rows) - 1.0
    if objective == "return":
        return total
    days = max(ground.traded / ground.bars_a_day for ground, _ in rows)
    drawdown = statistics.fmean(row.drawdown for _, row in rows)
    monthly = (1.0 + total) ** (DAYS_PER_MONTH / days) - 1.0 if total > -1.0 else -1.0
    return monthly / max(drawdown, NOISE)


def _best(judged: Sequence[Approximated], kept: int) -> tuple[Approximated, ...]:
    """The best that traded enough; of those that came to the same, the first."""
    distinct: dict[tuple[float, ...], Approximated] = {}
    for each in judged:
        if each.score > WORST:
            distinct.setdefault((each.score, each.sharpe, each.trades), each)
    return tuple(sorted(distinct.values(), key=lambda each: -each.score)[:kept])


def _sizes(sets: int) -> list[int]:
    return [min(PART, sets - start) for start in range(0, sets, PART)]


def _finished(running: dict[Future[Part], int]) -> list[tuple[int, Part]]:
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    return [(running.pop(future), future.result()) for future in done]


RulesOf = Callable[[Mapping[str, Any]], list[Rules | None]]
"""Parameters of the space to rules on each ground; empty for what the strategy refuses."""


def _rules_of(job: Job, found: Sequence[Ground]) -> RulesOf:
    (name,) = job.strategies
    kind = sweepable(job.strategies)
    given = params_of(job.task.settings, {})[name]

    def rules_of(params: Mapping[str, Any]) -> list[Rules | None]:
        own = {key.partition(".")[2]: value for key, value in params.items()}
        try:
            read = msgspec.convert({**given, **own}, kind.Params, strict=True)
        except msgspec.ValidationError:
            return []
        return [kind.sweep_rules(read, ground.instrument) for ground in found]

    return rules_of


def _fitting(
    dice: random.Random, moved: Space, held: Mapping[str, Any], rules_of: RulesOf
) -> tuple[dict[str, Any], list[Rules | None]]:
    """A draw that the strategy takes, with what is held, and its rules."""
    for _ in range(DRAWS_MAX):
        params = {**held, **draw(dice, moved)}
        rules = rules_of(params)
        if rules:
            return params, rules
    raise ConfigError("--sweep: the search space holds nothing that fits the strategy's own rules")


def _ends(choice: Range | Choice) -> tuple[Any, ...]:
    if isinstance(choice, Choice):
        return choice.options
    ends = (choice.low, choice.high)
    return tuple(round(end) for end in ends) if choice.whole else ends
