"""`optimize`: searches parameters, on all cores or a cluster, and goes on where it was left."""

import os
import sys
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from tradewinds.cli.config_verbs import load_settings
from tradewinds.cli.exits import CliError, Exit
from tradewinds.cli.option import Option
from tradewinds.cli.outcome import Frame, Outcome
from tradewinds.cli.research_options import (
    ConfigFile,
    End,
    PathArgument,
    Searched,
    Seed,
    Start,
    StrategyNames,
    Symbols,
    SyntheticDays,
    Timeframe,
    require_recorded,
    task_of,
)
from tradewinds.cli.screen import Screen, Table
from tradewinds.cli.words import moment, number, percent

if TYPE_CHECKING:
    from tradewinds.research.optimise import Optimised, SearchPlan
    from tradewinds.research.sweeping import Swept
    from tradewinds.research.trial import Task, Trial

COLUMNS = ("", "return", "Sharpe", "drawdown", "trades")


class OptimizeArguments(Struct, frozen=True, kw_only=True):
    """Data, what is searched, and where."""

    path: PathArgument = None
    strategy: StrategyNames = ()
    search: Searched = ()
    trials: Annotated[
        int, Option(help="So many the study is to hold, earlier ones included.", least=1)
    ] = 50
    objective: Annotated[str, Option(help="What is searched for: sharpe, calmar or return.")] = (
        "sharpe"
    )
    held_out: Annotated[
        float, Option(help="Share of the data kept for the end.", least=0.05, most=0.9)
    ] = 0.3
    sweep: Annotated[
        int,
        Option(help="First so many parameter sets through the kernel.", least=0, most=1_000_000),
    ] = 0
    study: Annotated[
        str, Option(help="Its name (else made of strategies and data).", metavar="NAME")
    ] = ""
    workers: Annotated[int, Option(help="Processes (0: one for each core).", least=0, most=256)] = 0
    cluster: Annotated[
        str, Option(help="Search on this Dask cluster instead.", metavar="tcp://HOST:PORT")
    ] = ""
    draw: Annotated[int, Option(help="Seed of the search.", least=0)] = 1
    timeframe: Timeframe = None
    start: Start = None
    end: End = None
    symbols: Symbols = ()
    config: ConfigFile = None
    synthetic_days: SyntheticDays = None
    seed: Seed = None


class OptimizeAnswer(Struct, frozen=True, kw_only=True):
    """`toml` is what to paste into config.toml, if you believe it. `trials` and `evaluations`
    count everything tried with these strategies on these data, by every verb.
    """

    found: "Optimised"
    toml: str
    trials: int
    evaluations: int


def optimize(arguments: OptimizeArguments, frame: Frame) -> Outcome:
    """Search parameters on the first part of the data, then judge the best on the rest."""
    from tradewinds.research.scores import OBJECTIVES

    if arguments.objective not in OBJECTIVES:
        raise CliError(
            f"--objective {arguments.objective!r}", Exit.USAGE, f"one of {', '.join(OBJECTIVES)}"
        )
    task = task_of(arguments, load_settings(frame, arguments.config), "optimize")
    require_recorded(task, "optimize")
    answer = answer_of(arguments, task, frame)
    return Outcome(data=answer, show=lambda screen: show(screen, answer))


def answer_of(arguments: OptimizeArguments, task: "Task", frame: Frame) -> OptimizeAnswer:
    """The search, with every evaluation in the book of trials."""
    from tradewinds.research.optimise import Witness, optimise, sweep_row
    from tradewinds.research.space import space_of
    from tradewinds.research.trial import row_of
    from tradewinds.research.trials import TrialBook

    plan = plan_of(arguments, task, frame)
    book = TrialBook(frame.home)

    def noted(trial: "Trial") -> None:
        book.note([row_of("optimize", task, plan.label, trial)])

    def swept(found: "Swept") -> None:
        book.note([sweep_row(task, space, plan, found)])

    def told(text: str) -> None:
        if not frame.json:
            sys.stderr.write(text + "\n")
            sys.stderr.flush()

    space = space_of(task.settings, task.strategies, arguments.search)
    found = optimise(task, space, plan, Witness(noted=noted, swept=swept, told=told))
    count = book.count(task.strategies, plan.label)
    return OptimizeAnswer(
        found=found,
        toml=toml_of(found),
        trials=count.distinct,
        evaluations=count.evaluations,
    )


def plan_of(arguments: OptimizeArguments, task: "Task", frame: Frame) -> "SearchPlan":
    """As asked for."""
    from tradewinds.config import database_url
    from tradewinds.research.optimise import SearchPlan
    from tradewinds.research.trial import span_of
    from tradewinds.store.studies import studies_url

    label, first_ns, last_ns = span_of(task)
    swept = f" sweep {arguments.sweep}" if arguments.sweep else ""
    own = f"{'+'.join(task.strategies)} {arguments.objective} {label}{swept}"
    return SearchPlan(
        study=arguments.study or own,
        storage=studies_url(database_url(task.settings, frame.home), frame.home),
        home=frame.home,
        trials=arguments.trials,
        objective=arguments.objective,
        held_out=arguments.held_out,
        workers=arguments.workers or os.cpu_count() or 1,
        cluster=arguments.cluster,
        seed=arguments.draw,
        label=label,
        start_ns=first_ns,
        end_ns=last_ns,
        sweep=arguments.sweep,
    )


def toml_of(found: "Optimised") -> str:
    """Sections of config.toml."""
    sections: dict[str, list[str]] = {}
    for key, value in sorted(found.params.items()):
        name, _, parameter = key.partition(".")
        text = f'"{value}"' if isinstance(value, str) else str(value).lower()
        sections.setdefault(name, []).append(f"{parameter} = {text}")
    return "\n\n".join(
        f"[strategies.{name}.params]\n" + "\n".join(lines) for name, lines in sections.items()
    )


def show(screen: Screen, answer: OptimizeAnswer) -> None:
    """What the search saw, and what it had not seen."""
    found = answer.found
    screen.line(found.label, "bold")
    screen.line(f"Study {found.study}: {found.trials} trials, {found.failed} given up")
    if found.swept is not None:
        screen.paragraph(swept_text(found.swept))
    rows = [
        ("searched: best", found.searched[0]),
        ("searched: as set", found.searched[1]),
        ("held out: best", found.held_out[0]),
        ("held out: as set", found.held_out[1]),
    ]
    screen.table(
        Table(
            title=f"Searched up to {moment(found.split_ns)[:10]}, held out from then on",
            columns=COLUMNS,
            rows=tuple(cells(name, trial) for name, trial in rows),
            right=frozenset(COLUMNS[1:]),
        )
    )
    if found.deflated is not None:
        screen.line()
        screen.paragraph(
            f"Deflated Sharpe ratio of the best: {found.deflated.probability:.3f} that it is not"
            f" the luck of {found.deflated.trials:,} trials{swept_count(found)}."
        )
    screen.line()
    screen.line(answer.toml or "Nothing did better than the settings as they are.")
    screen.line()
    screen.paragraph(
        "! The held-out part can be looked at once: searching again until it pleases makes it"
        f" part of the search. {answer.trials} different trials ({answer.evaluations} in all) of"
        " these strategies on these data so far.",
        "yellow",
    )


def swept_text(swept: "Swept") -> str:
    """What the first stage did, and that its figures are no results."""
    first = f" ranked from {swept.best[0].score:.3f}" if swept.best else ""
    return (
        f"Swept first: {swept.sets:,} sets over {swept.instruments} instruments in the kernel"
        f" ({swept.kernel}). {len(swept.best)} were handed on{first}: the kernel's approximation,"
        " each instrument alone. The figures below are of the backtest."
    )


def swept_count(found: "Optimised") -> str:
    """How the sets of a sweep count."""
    return "" if found.swept is None else ", each set that was swept counted as one"


def cells(name: str, trial: "Trial") -> tuple[str, ...]:
    """One record."""
    from tradewinds.research.scores import figures_of

    figures = figures_of(trial.returns)
    return (
        name,
        percent(figures.total),
        number(figures.sharpe),
        percent(trial.drawdown),
        str(len(trial.nets)),
    )
