"""`walk-forward`: parameters chosen on the past of each window, judged on what came next."""

import sys
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Struct

from tradewinds.cli.config_verbs import load_settings
from tradewinds.cli.exits import CliError, Exit
from tradewinds.cli.option import Option
from tradewinds.cli.outcome import Frame, Outcome
from tradewinds.cli.research_options import (
    ConfigFile,
    End,
    ExportFile,
    HtmlFile,
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
from tradewinds.cli.walk_forward_answer import WalkForwardAnswer

if TYPE_CHECKING:
    from tradewinds.research.trial import Task, Trial
    from tradewinds.research.walk_forward import WindowResult
    from tradewinds.research.windows import WalkPlan


class WalkForwardArguments(Struct, frozen=True, kw_only=True):
    """Data, windows, and what may be chosen among."""

    path: PathArgument = None
    strategy: StrategyNames = ()
    train_days: Annotated[int, Option(help="Days to choose on.", least=1)] = 90
    test_days: Annotated[int, Option(help="Days to judge on, after them.", least=1)] = 30
    anchored: Annotated[
        bool, Option(help="Train from the first day on; else the training rolls along.")
    ] = False
    purge_days: Annotated[
        int, Option(help="Days left out for trades that are still open.", least=0)
    ] = 1
    embargo_days: Annotated[int, Option(help="More days left out, for what lingers.", least=0)] = 1
    candidates: Annotated[
        int, Option(help="Parameter sets drawn, beside the settings in force.", least=0, most=1_000)
    ] = 12
    objective: Annotated[str, Option(help="What training ranks by: sharpe, calmar or return.")] = (
        "sharpe"
    )
    search: Searched = ()
    draw: Annotated[int, Option(help="Seed of the draw of candidates.", least=0)] = 1
    timeframe: Timeframe = None
    start: Start = None
    end: End = None
    symbols: Symbols = ()
    html: HtmlFile = None
    export: ExportFile = None
    config: ConfigFile = None
    synthetic_days: SyntheticDays = None
    seed: Seed = None


def walk_forward(arguments: WalkForwardArguments, frame: Frame) -> Outcome:
    """Choose parameters on the past of each window, judge them on what came next."""
    from tradewinds.cli.walk_forward_text import show_walk
    from tradewinds.research.scores import OBJECTIVES

    if arguments.objective not in OBJECTIVES:
        raise CliError(
            f"--objective {arguments.objective!r}", Exit.USAGE, f"one of {', '.join(OBJECTIVES)}"
        )
    task = task_of(arguments, load_settings(frame, arguments.config), "walk-forward")
    require_recorded(task, "walk-forward")
    answer = answer_of(arguments, task, frame)
    if arguments.export is not None:
        arguments.export.write_bytes(msgspec.json.format(msgspec.json.encode(answer)))
    if arguments.html is not None:
        from tradewinds.cli.walk_forward_page import walk_forward_page

        arguments.html.write_text(walk_forward_page(answer), "utf-8")
    return Outcome(data=answer, show=lambda screen: show_walk(screen, answer))


def answer_of(arguments: WalkForwardArguments, task: "Task", frame: Frame) -> WalkForwardAnswer:
    """Every window, one after another, and all of them as one record."""
    from tradewinds.research.conditions import fees_text, survivorship_text
    from tradewinds.research.space import candidates, space_of
    from tradewinds.research.trial import row_of, span_of
    from tradewinds.research.trials import TrialBook
    from tradewinds.research.walk_forward import AT_PEACE, Search, accounts_after, walk, whole
    from tradewinds.research.windows import windows
    from tradewinds.sources import past_of

    past = past_of(task.settings, task.options)
    label, first_ns, last_ns = span_of(task)
    found = windows(first_ns, last_ns, plan_of(arguments))
    space = space_of(task.settings, task.strategies, arguments.search)
    drawn = candidates(task.settings, space, arguments.candidates, arguments.draw)
    book = TrialBook(frame.home)

    def noted(trial: "Trial") -> None:
        book.note([row_of("walk-forward", task, label, trial)])

    search = Search(candidates=drawn, objective=arguments.objective, noted=noted)
    results: list[WindowResult] = []
    accounts = AT_PEACE
    for window in found:
        results.append(walk(task, window, search, accounts))
        accounts = accounts_after(results[-1])
        if not frame.json:
            tell(results[-1], len(found))
    count = book.count(task.strategies, label)
    return WalkForwardAnswer(
        label=label,
        strategies=task.strategies,
        objective=arguments.objective,
        candidates=len(drawn),
        chosen=whole(result.chosen for result in results),
        benched=whole(result.benched for result in results),
        shipped=whole(result.shipped for result in results),
        windows=tuple(results),
        trials=count.distinct,
        evaluations=count.evaluations,
        survivorship=survivorship_text(past.instruments),
        fees=fees_text(past.instruments),
        slippage_bps=task.settings.sim.slippage_bps,
    )


def plan_of(arguments: WalkForwardArguments) -> "WalkPlan":
    """As asked for."""
    from tradewinds.research.windows import WalkPlan

    return WalkPlan(
        train_days=arguments.train_days,
        test_days=arguments.test_days,
        anchored=arguments.anchored,
        purge_days=arguments.purge_days,
        embargo_days=arguments.embargo_days,
    )


def tell(result: "WindowResult", count: int) -> None:
    """Progress goes where the answer does not."""
    returns = result.chosen.returns
    total = 1.0
    for value in returns:
        total *= 1 + value
    sys.stderr.write(f"window {result.window.number} of {count}: {total - 1:+.2%}\n")
    sys.stderr.flush()
