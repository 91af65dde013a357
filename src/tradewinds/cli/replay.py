"""`replay`: feeds a journal's inputs to a fresh engine and compares what it answers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from tradewinds.cli.config_verbs import CONFIG_HELP, load_settings
from tradewinds.cli.exits import Exit
from tradewinds.cli.option import Option
from tradewinds.cli.outcome import Frame, Outcome
from tradewinds.cli.screen import Screen
from tradewinds.cli.store_access import chosen_account, reading

if TYPE_CHECKING:
    from tradewinds.assemble import ReplayResult


class ReplayArguments(Struct, frozen=True, kw_only=True):
    """Which run."""

    run: Annotated[str | None, Option(help="Run id (else the last run).", metavar="ID")] = None
    config: Annotated[Path | None, Option(help=CONFIG_HELP, metavar="FILE")] = None


class ReplayAnswer(Struct, frozen=True, kw_only=True):
    """`first_difference` is '' when every command came out byte for byte as journalled."""

    run_id: str
    events: int
    commands: int
    first_difference: str


def replay(arguments: ReplayArguments, frame: Frame) -> Outcome:
    """Replay a journal's inputs through a fresh engine; exit code 9 if it decides otherwise."""
    from tradewinds import assemble
    from tradewinds.store.queries import runs

    settings = load_settings(frame, arguments.config)
    with reading(settings, frame.home) as database:
        account = chosen_account(database, settings, frame.home, None)
        run = arguments.run or runs(database, account)[0].run_id
    result = assemble.replay_journal(settings, frame.home, run)
    answer = answer_of(result)
    return Outcome(
        data=answer,
        show=lambda screen: show_replay(screen, answer),
        code=Exit.OK if result.ok else Exit.REPLAY_DIFFERS,
        message="" if result.ok else f"the replay differs: {answer.first_difference}",
        fix="run `trading-cli audit`; if the journal is intact, this version of the program"
        " decides otherwise than the one that wrote it",
    )


def answer_of(result: "ReplayResult") -> ReplayAnswer:
    """What is told of it."""
    return ReplayAnswer(
        run_id=result.run_id,
        events=result.events,
        commands=result.commands,
        first_difference=result.first_difference or "",
    )


def show_replay(screen: Screen, answer: ReplayAnswer) -> None:
    """Same or not."""
    same = not answer.first_difference
    screen.line(
        f"Run {answer.run_id}: {answer.events:,} events replayed, {answer.commands:,} commands"
        f" {'are the same, byte for byte' if same else 'compared'}.",
        "green" if same else "",
    )
