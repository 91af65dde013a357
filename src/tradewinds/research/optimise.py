"""Searches parameters with Optuna, in a study that goes on where it was left.

What is searched is the first part of the data; the rest is looked at once, at the end, for the
winner and for the settings in force. Whoever searches again has spent it.
"""

import fcntl
import hashlib
import math
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from tradewinds.model.errors import ConfigError
from tradewinds.model.timeframes import DAY_NS
from tradewinds.research.deflated import Deflated, deflate
from tradewinds.research.jobs import Job, evaluate, executor, job_of, slots
from tradewinds.research.scores import WORST, daily_sharpe, score
from tradewinds.research.space import Choice, Range, Space, fits, in_force
from tradewinds.research.sweep_ground import sweepable
from tradewinds.research.sweeping import SweepPlan, Swept, sweep
from tradewinds.research.trial import Task, Trial
from tradewinds.research.trials import FOLDER, TrialRow, trial_row

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import Trial as Asked

TRADES_MIN: Final = 5
FINGERPRINT: Final = "tradewinds"
SHARPE: Final = "daily_sharpe"
SWEPT: Final = "swept"


class SearchPlan(Struct, frozen=True, kw_only=True):
    """`trials` is how many the study is to hold in the end, those of earlier calls included.

    `sweep` parameter sets go through the kernel first, once in the life of the study.
    """

    study: str
    storage: str
    home: Path
    trials: int
    objective: str
    held_out: float
    workers: int
    cluster: str
    seed: int
    label: str
    start_ns: int
    end_ns: int
    sweep: int = 0


class Witness(Struct, frozen=True, kw_only=True):
    """Who hears of what was tried, for the book of trials, and of how far the search is."""

    noted: Callable[[Trial], None]
    swept: Callable[[Swept], None]
    told: Callable[[str], None]


class Optimised(Struct, frozen=True, kw_only=True):
    """`searched` and `held_out` are (best, as set) on the part that was searched and on the rest.

    `deflated` judges the best on the searched part, given how many were tried there: `trials` and
    each set that was swept. All records are of the event-driven backtest, but those in `swept`.
    """

    study: str
    strategies: tuple[str, ...]
    label: str
    trials: int
    failed: int
    score: float | None
    params: dict[str, Any]
    split_ns: int
    searched: tuple[Trial, Trial]
    held_out: tuple[Trial, Trial]
    deflated: Deflated | None
    swept: Swept | None


def optimise(task: Task, space: Space, plan: SearchPlan, witness: Witness) -> Optimised:
    """Search until the study holds `plan.trials`, then look at what was held out. The settings in
    force are changed only for what did better.

    Raises ConfigError for an empty space, a study of something else, one that is being searched,
    or a sweep of what the kernel cannot express.
    """
    if not space:
        raise ConfigError("nothing to search: name parameters with --search NAME=low:high")
    if plan.sweep:
        sweepable(task.strategies)
    split_ns = split_of(plan)
    job = job_of(task, plan.start_ns, split_ns)
    with _alone(plan), executor(plan.workers, plan.cluster) as pool:
        study = _study(task, space, plan, split_ns)
        swept = _swept(study, (task, space, job), plan, pool, witness) if plan.sweep else None
        _search(study, (task, space, job), plan, pool, witness)
    rest = job_of(task, split_ns, plan.end_ns)
    as_set = evaluate(job, {})
    best = _best(study, score(as_set.returns, len(as_set.nets), plan.objective, TRADES_MIN))
    searched = (evaluate(job, best), as_set)
    held_out = (evaluate(rest, best), evaluate(rest, {}))
    for trial in (searched[1], *held_out):
        witness.noted(trial)
    done = [trial for trial in study.trials if trial.state.name == "COMPLETE"]
    sharpes = [trial.user_attrs[SHARPE] for trial in done if SHARPE in trial.user_attrs]
    found = [value for trial in done if (value := trial.value) is not None and value > WORST]
    return Optimised(
        study=plan.study,
        strategies=task.strategies,
        label=plan.label,
        trials=len(done),
        failed=sum(trial.state.name == "FAIL" for trial in study.trials),
        score=max(found, default=None),
        params=best,
        split_ns=split_ns,
        searched=searched,
        held_out=held_out,
        deflated=deflate(
            searched[0].returns,
            max(len(done), 1) + (swept.sets if swept else 0),
            sharpes,
            swept.variance if swept else 0.0,
        ),
        swept=swept,
    )


def split_of(plan: SearchPlan) -> int:
    """Where the search must stop looking: a UTC midnight with a day at least on both sides."""
    span = plan.end_ns - plan.start_ns
    split_ns = int(plan.start_ns + span * (1 - plan.held_out)) // DAY_NS * DAY_NS
    if not plan.start_ns + DAY_NS <= split_ns <= plan.end_ns - DAY_NS:
        raise ConfigError("optimize: the data is too short to hold a part of it out")
    return split_ns


def _swept(
    study: "Study",
    what: tuple[Task, Space, Job],
    plan: SearchPlan,
    pool: Executor,
    witness: Witness,
) -> Swept:
    """What was swept for this study; now, if it has not been yet. The best are its next trials."""
    known = study.user_attrs.get(SWEPT)
    if known is not None:
        return msgspec.convert(known, Swept)
    task, space, job = what
    wanted = SweepPlan(
        sets=plan.sweep,
        kept=max(1, plan.trials // 2),
        seed=plan.seed,
        objective=plan.objective,
        trades_min=TRADES_MIN,
    )
    found = sweep(job, space, wanted, (pool, slots(plan.workers, pool)), witness.told)
    # In the book before anybody has seen what came of it.
    witness.swept(found)
    as_set = in_force(task.settings, space)
    for params in (as_set if len(as_set) == len(space) else {}, *(e.params for e in found.best)):
        if params:
            study.enqueue_trial(params, skip_if_exists=True)
    # Last: a search that dies before it sweeps again, and queues nothing twice.
    study.set_user_attr(SWEPT, msgspec.to_builtins(found))
    return found


def _search(
    study: "Study",
    what: tuple[Task, Space, Job],
    plan: SearchPlan,
    pool: Executor,
    witness: Witness,
) -> None:
    from optuna.trial import TrialState

    task, space, job = what
    running: dict[Future[Trial], Asked] = {}
    left = plan.trials - sum(t.state is TrialState.COMPLETE for t in study.trials)
    room = slots(plan.workers, pool)
    while left > 0 or running:
        while left > 0 and len(running) < room:
            asked = study.ask()
            params = _asked(asked, space)
            if fits(task.settings, params):
                running[pool.submit(evaluate, job, params)] = asked
            else:
                # Against a rule between two settings: worth nothing, and it counts.
                study.tell(asked, WORST)
            left -= 1
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            asked = running.pop(future)
            value = _take(study, asked, future.result(), plan.objective)
            witness.noted(future.result())
            witness.told(f"trial {asked.number + 1}: {_text(value)}")


def _take(study: "Study", asked: "Asked", trial: Trial, objective: str) -> float:
    value = score(trial.returns, len(trial.nets), objective, TRADES_MIN)
    sharpe = daily_sharpe(trial.returns)
    if sharpe is not None:
        asked.set_user_attr(SHARPE, sharpe)
    asked.set_user_attr("trades", len(trial.nets))
    study.tell(asked, value)
    return value


def _text(value: float) -> str:
    return "too few trades" if value <= WORST else f"{value:.3f}"


def _asked(asked: "Asked", space: Space) -> dict[str, Any]:
    return {name: _suggest(asked, name, choice) for name, choice in sorted(space.items())}


def _suggest(asked: "Asked", name: str, choice: Range | Choice) -> Any:
    if isinstance(choice, Choice):
        return asked.suggest_categorical(name, list(choice.options))
    log = choice.log and choice.low > 0
    if choice.whole:
        return asked.suggest_int(name, int(choice.low), int(choice.high), log=log)
    return asked.suggest_float(name, choice.low, choice.high, log=log)


def _best(study: "Study", as_set: float) -> dict[str, Any]:
    """The best parameters; none to change where the settings in force did as well."""
    done = [t for t in study.trials if t.value is not None and t.value > as_set]
    best = max(done, key=lambda t: t.value if t.value is not None else -math.inf, default=None)
    return {} if best is None else dict(best.params)


def sweep_row(task: Task, space: Space, plan: SearchPlan, swept: Swept) -> TrialRow:
    """For the book of trials: as many trials as sets."""
    drawn = {name: repr(choice) for name, choice in space.items()}
    given = {name: task.settings.strategies[name].params for name in task.strategies}
    tried = {name: {"given": given[name], "drawn": drawn, "seed": plan.seed} for name in given}
    return trial_row(
        "sweep",
        tried,
        plan.label,
        (plan.start_ns, split_of(plan)),
        sharpe=None,
        days=(split_of(plan) - plan.start_ns) // DAY_NS,
        sets=swept.sets,
        variance=swept.variance,
    )


def _study(task: Task, space: Space, plan: SearchPlan, split_ns: int) -> "Study":
    """Made or found. Trials that were running when a search died are given up, those that a sweep
    had handed on are queued again."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        study_name=plan.study,
        storage=optuna.storages.RDBStorage(plan.storage),
        direction="maximize",
        load_if_exists=True,
    )
    # The same seed again would draw again what the study holds already.
    seed = plan.seed + len(study.trials)
    study.sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True)
    fingerprint = _fingerprint(task, space, plan, split_ns)
    known = study.user_attrs.get(FINGERPRINT)
    if known is None:
        study.set_user_attr(FINGERPRINT, fingerprint)
    elif known != fingerprint:
        raise ConfigError(
            f"study {plan.study!r} searched something else (other data, ranges, settings or"
            " objective); go on with those, or choose another --study"
        )
    for trial in study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        if asked_for := trial.system_attrs.get("fixed_params"):
            study.enqueue_trial(asked_for)
    return study


def _fingerprint(task: Task, space: Space, plan: SearchPlan, split_ns: int) -> str:
    what: dict[str, Any] = {
        "settings": task.settings.model_dump(mode="json"),
        "strategies": task.strategies,
        "space": {name: repr(choice) for name, choice in space.items()},
        "data": plan.label,
        "span": (plan.start_ns, split_ns),
        "objective": plan.objective,
    }
    if plan.sweep:
        what["sweep"] = plan.sweep
    text = msgspec.json.encode(what, order="deterministic")
    return hashlib.sha256(text).hexdigest()[:16]


@contextmanager
def _alone(plan: SearchPlan) -> Iterator[None]:
    """One search of a study at a time in a data folder: it gives up what another left running."""
    folder = plan.home / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = hashlib.sha256(plan.study.encode()).hexdigest()[:16]
    with (folder / f"{name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(f"study {plan.study!r} is being searched already") from None
        yield
