"""`significance`: could it have been luck?"""

from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from tradewinds.cli.config_verbs import load_settings
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
from tradewinds.cli.screen import Screen

if TYPE_CHECKING:
    from tradewinds.research.significance import Significance
    from tradewinds.research.trial import Task, Trial
    from tradewinds.research.trials import TrialCount

MARKS = {True: ("passed", "green"), False: ("FAILED", "red"), None: ("no answer", "yellow")}


class SignificanceArguments(Struct, frozen=True, kw_only=True):
    """Data and strategy, and what else could have been chosen."""

    path: PathArgument = None
    strategy: StrategyNames = ()
    candidates: Annotated[
        int, Option(help="Other parameter sets to try, for overfitting.", least=0, most=1_000)
    ] = 15
    trials: Annotated[
        int, Option(help="Count at least so many trials: those made elsewhere too.", least=1)
    ] = 1
    search: Searched = ()
    draw: Annotated[int, Option(help="Seed of the draw of candidates.", least=0)] = 1
    timeframe: Timeframe = None
    start: Start = None
    end: End = None
    symbols: Symbols = ()
    config: ConfigFile = None
    synthetic_days: SyntheticDays = None
    seed: Seed = None


def significance(arguments: SignificanceArguments, frame: Frame) -> Outcome:
    """Could it have been luck? Deflated Sharpe, overfitting, resampled trades, random entry."""
    task = task_of(arguments, load_settings(frame, arguments.config), "significance")
    require_recorded(task, "significance")
    answer = answer_of(arguments, task, frame)
    return Outcome(data=answer, show=lambda screen: show(screen, answer))


def answer_of(arguments: SignificanceArguments, task: "Task", frame: Frame) -> "Significance":
    """Everything is tried over the whole span that was chosen, and counted."""
    from msgspec import structs

    from tradewinds.research.significance import significance as judged
    from tradewinds.research.space import candidates, space_of
    from tradewinds.research.trial import row_of, span_of, stretch
    from tradewinds.research.trials import TrialBook

    label, first_ns, last_ns = span_of(task)
    space = space_of(task.settings, task.strategies, arguments.search)
    drawn = candidates(task.settings, space, arguments.candidates, arguments.draw)
    book = TrialBook(frame.home)

    def noted(trial: "Trial") -> None:
        book.note([row_of("significance", task, label, trial)])

    def count() -> "TrialCount":
        found = book.count(task.strategies, label)
        return structs.replace(found, distinct=max(found.distinct, arguments.trials))

    return judged(stretch(task, first_ns, last_ns), drawn, count, noted)


def show(screen: Screen, answer: "Significance") -> None:
    """The verdict, then each question."""
    style = "red" if answer.lucky else "yellow" if answer.undecided else "green"
    screen.paragraph(answer.verdict, style)
    screen.line()
    for finding in answer.findings:
        word, colour = MARKS[finding.passed]
        screen.hanging(f"{word:10}", f"{finding.name}: {finding.told}", colour)
    screen.line()
    screen.paragraph(
        f"{answer.trials} different trials, {answer.evaluations} in all, of these strategies on"
        " these data are counted. Trials made elsewhere, and the ideas that were never written"
        " down, are not: tell them with --trials."
    )
