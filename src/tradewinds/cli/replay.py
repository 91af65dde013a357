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
    """`first_difference` is '' when every command came out byte for byte as journalled. `note` is
    '' when the very program that wrote the journal has read it."""

    run_id: str
    written_by: str
    read_by: str
    note: str
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
        fix=fix_of(answer),
    )


def fix_of(answer: ReplayAnswer) -> str:
    """By whether another program may be the reason."""
    if answer.note:
        return f"{answer.note}; `trading-cli audit` tells whether the journal is intact"
    return (
        "run `trading-cli audit`; if the journal is intact, the program that wrote it decides"
        " otherwise now: report it with the journal"
    )


def note_of(result: "ReplayResult") -> str:
    """What another program means for the comparison."""
    if result.written_by == result.read_by:
        return ""
    writer = (
        f"another version, {result.written_by}"
        if result.written_by
        else ("an earlier version, which did not note itself")
    )
    return (
        f"this journal was written by {writer}, and this is {result.read_by}: differences may come"
        " from that"
    )


def answer_of(result: "ReplayResult") -> ReplayAnswer:
    """What is told of it."""
    return ReplayAnswer(
        run_id=result.run_id,
        written_by=result.written_by,
        read_by=result.read_by,
        note=note_of(result),
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
    if answer.note:
        screen.paragraph(f"{answer.note[0].upper()}{answer.note[1:]}.", "yellow")
