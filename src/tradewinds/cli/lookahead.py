"""`lookahead`: does a strategy know what it cannot know?"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from tradewinds.cli.config_verbs import load_settings
from tradewinds.cli.exits import Exit
from tradewinds.cli.option import Option
from tradewinds.cli.outcome import Frame, Outcome
from tradewinds.cli.research_options import (
    ConfigFile,
    End,
    PathArgument,
    Seed,
    Start,
    StrategyNames,
    Symbols,
    SyntheticDays,
    Timeframe,
    task_of,
)
from tradewinds.cli.screen import Screen
from tradewinds.cli.words import moment

if TYPE_CHECKING:
    from tradewinds.research.lookahead import LookaheadReport
    from tradewinds.research.trial import Task


class LookaheadArguments(Struct, frozen=True, kw_only=True):
    """Data and strategy, and how often the past is cut short."""

    path: PathArgument = None
    synthetic_days: SyntheticDays = None
    seed: Seed = None
    strategy: StrategyNames = ()
    cuts: Annotated[int, Option(help="How many times the past is cut short.", least=1, most=50)] = 4
    timeframe: Timeframe = None
    start: Start = None
    end: End = None
    symbols: Symbols = ()
    config: ConfigFile = None


def lookahead(arguments: LookaheadArguments, frame: Frame) -> Outcome:
    """Does a strategy know what it cannot know? Exit code 1 if it does."""
    task = task_of(arguments, load_settings(frame, arguments.config), "lookahead")
    answer = answer_of(task, arguments.cuts)
    return Outcome(
        data=answer,
        show=lambda screen: show(screen, answer),
        code=Exit.OK if answer.clean else Exit.FAILURE,
        message="" if answer.clean else f"{named(answer)}: knew what was still to come",
        fix="state may come from events alone; docs/RESEARCH.md says what each probe means",
    )


def answer_of(task: "Task", cuts: int) -> "LookaheadReport":
    """The past is cut at even distances, the last at nine tenths."""
    from tradewinds.research.lookahead import lookahead as probed
    from tradewinds.research.trial import past_until, span_of

    _, first_ns, last_ns = span_of(task)
    moments = [
        first_ns + (last_ns - first_ns) * 9 * number // (10 * cuts) for number in range(1, cuts + 1)
    ]
    return probed(task, lambda cut: past_until(task, cut), moments)


def named(answer: "LookaheadReport") -> str:
    """Who it was."""
    return ", ".join(dict.fromkeys(leak.strategy for leak in answer.leaks))


def show(screen: Screen, answer: "LookaheadReport") -> None:
    """Every leak, or that there was none."""
    names = ", ".join(answer.strategies)
    if answer.clean and not answer.checked:
        screen.paragraph(
            f"{names} on {answer.label}: it made no signal at all, so there was nothing to compare"
            " but what it holds in mind. Choose data on which it trades.",
            "yellow",
        )
        return
    if answer.clean:
        screen.paragraph(
            f"{names} on {answer.label}: {answer.checked:,} signals compared over"
            f" {len(answer.cuts)} shortened pasts and a shifted calendar; no door was used and"
            " nothing differed. That is no proof, but the common mistakes would have shown.",
            "green",
        )
        return
    for text in told(answer):
        screen.paragraph(text, "red")


def told(answer: "LookaheadReport") -> Sequence[str]:
    """One sentence a leak."""
    return [
        f"{leak.strategy}, {leak.field} ({leak.probe}, {moment(leak.at_ns)}): {leak.told}"
        for leak in answer.leaks
    ]
