"""`promote`: put one strategy through its gate, and record it when it has passed."""

import time
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Struct, structs

from tradewinds.cli import lookahead, significance, walk_forward
from tradewinds.cli.config_verbs import load_settings
from tradewinds.cli.exits import CliError, Exit
from tradewinds.cli.option import Option
from tradewinds.cli.outcome import Frame, Outcome
from tradewinds.cli.research_options import (
    ConfigFile,
    End,
    PathArgument,
    Searched,
    Start,
    StrategyNames,
    Symbols,
    Timeframe,
    require_recorded,
    task_of,
)
from tradewinds.cli.screen import Screen
from tradewinds.cli.words import split_names

if TYPE_CHECKING:
    from tradewinds.research.promotion import Demand
    from tradewinds.research.trial import Task

MARKS = {True: ("met", "green"), False: ("NOT MET", "red")}


class PromoteArguments(Struct, frozen=True, kw_only=True):
    """One strategy, and data it has not been fitted to."""

    path: PathArgument = None
    strategy: StrategyNames = ()
    train_days: Annotated[int, Option(help="Days to choose on.", least=1)] = 90
    test_days: Annotated[int, Option(help="Days to judge on, after them.", least=1)] = 30
    candidates: Annotated[int, Option(help="Other parameter sets to try.", least=1, most=1_000)] = (
        15
    )
    trials: Annotated[
        int, Option(help="Count at least so many trials: those made elsewhere too.", least=1)
    ] = 1
    search: Searched = ()
    timeframe: Timeframe = None
    start: Start = None
    end: End = None
    symbols: Symbols = ()
    config: ConfigFile = None


class PromoteAnswer(Struct, frozen=True, kw_only=True):
    """What was asked of the strategy with exactly these parameters on these symbols, and whether it
    is recorded."""

    strategy: str
    params_hash: str
    symbols: tuple[str, ...]
    label: str
    demands: "tuple[Demand, ...]"
    promoted: bool


def promote(arguments: PromoteArguments, frame: Frame) -> Outcome:
    """The gate before real money: out of sample, after costs, not luck, no look-ahead."""
    names = split_names(arguments.strategy)
    if len(names) != 1:
        raise CliError("promote takes one strategy", Exit.USAGE, "say --strategy NAME")
    task = task_of(walk_arguments(arguments), load_settings(frame, arguments.config), "promote")
    require_recorded(task, "promote")
    if not task.settings.strategies[names[0]].enabled:
        raise CliError(
            f"{names[0]} is switched off", Exit.USAGE, f"`trading-cli strategies enable {names[0]}`"
        )
    answer = answer_of(arguments, task, frame)
    lacking = [demand.name for demand in answer.demands if not demand.met]
    return Outcome(
        data=answer,
        show=lambda screen: show(screen, answer),
        code=Exit.OK if answer.promoted else Exit.NOT_CLEARED,
        message=f"{answer.strategy} is not promoted: {', '.join(lacking)}" if lacking else "",
        fix="trade it on paper; what is not shown out of sample is not traded with real money"
        if lacking
        else "",
    )


def answer_of(arguments: PromoteArguments, task: "Task", frame: Frame) -> PromoteAnswer:
    """Walk forward, ask about luck, look for the future; then record, if all of it is well."""
    from tradewinds import clearance
    from tradewinds.going_live import hashes
    from tradewinds.research.promotion import Shown, demands, evidence, passed
    from tradewinds.sources import past_of

    (name,) = task.strategies
    walked = walk_forward.answer_of(walk_arguments(arguments), task, frame)
    luck = significance.answer_of(
        significance.SignificanceArguments(trials=arguments.trials, **shared_of(arguments)),
        task,
        frame,
    )
    found = demands(
        Shown(
            chosen=walked.chosen,
            shipped=walked.shipped,
            luck=luck,
            future=lookahead.answer_of(task, lookahead.LookaheadArguments().cuts),
            halt_at=task.settings.limits.drawdown_halt,
        )
    )
    digest = hashes(task.settings)[name]
    past = past_of(task.settings, task.options)
    symbols = tuple(sorted(instrument.symbol for instrument in past.instruments))
    answer = PromoteAnswer(
        strategy=name,
        params_hash=digest,
        symbols=symbols,
        label=walked.label,
        demands=found,
        promoted=passed(found),
    )
    if answer.promoted:
        row = clearance.Promoted(
            strategy=name,
            params_hash=digest,
            evidence=evidence(found, walked.label),
            symbols=symbols,
            time_ns=time.time_ns(),
        )
        clearance.append(clearance.path_of(frame.home), row)
    return answer


def walk_arguments(arguments: PromoteArguments) -> walk_forward.WalkForwardArguments:
    """The walk-forward that is a part of the gate; it chooses the data of all of it."""
    return walk_forward.WalkForwardArguments(
        train_days=arguments.train_days, test_days=arguments.test_days, **shared_of(arguments)
    )


def shared_of(arguments: PromoteArguments) -> dict[str, Any]:
    """What walk-forward and significance are asked alike."""
    own = ("train_days", "test_days", "trials")
    return {name: value for name, value in structs.asdict(arguments).items() if name not in own}


def show(screen: Screen, answer: PromoteAnswer) -> None:
    """Each demand, then what follows."""
    screen.line(f"{answer.strategy} ({answer.params_hash}) on {answer.label}", "bold")
    for demand in answer.demands:
        word, colour = MARKS[demand.met]
        screen.hanging(f"{word:9}", f"{demand.name}: {demand.told}", colour)
    screen.line()
    if answer.promoted:
        screen.paragraph(
            f"Recorded. `run --live KEY --symbols {','.join(answer.symbols)}` may trade it now,"
            " these symbols, no fewer and no others, with a tenth of the limits at first. That it"
            " was no luck here is no promise for tomorrow.",
            "green",
        )
