"""`status`: what the engine is doing now, or what it was doing when it was last seen."""

import time

from msgspec import Struct

from tradewinds.cli.engine_link import ask_snapshot, last_known, process_lives
from tradewinds.cli.exits import CliError, Exit
from tradewinds.cli.outcome import Frame, Outcome
from tradewinds.cli.screen import Screen
from tradewinds.cli.status_text import show_snapshot
from tradewinds.cli.words import SECOND_NS, duration
from tradewinds.model.snapshot import Snapshot

PATIENCE_S = 0.3
FRESH_NS = 3 * SECOND_NS


class StatusAnswer(Struct, frozen=True, kw_only=True):
    """`running` false: `snapshot` is the last known state, or null. Ages in milliseconds.

    `newest_price_age_ms` is null while no price has arrived.
    """

    running: bool
    snapshot: Snapshot | None
    snapshot_age_ms: float | None
    newest_price_age_ms: float | None


def status(frame: Frame) -> Outcome:
    """Show state, equity, the day against its limit, open risk, positions, strategies."""
    now_ns = time.time_ns()
    problem: CliError | None = None
    snapshot: Snapshot | None = None
    try:
        snapshot = ask_snapshot(frame.home, PATIENCE_S)
    except CliError as error:
        snapshot, problem = last_known(frame.home), error
    running = problem is None or (snapshot is not None and is_fresh(snapshot, now_ns))
    answer = StatusAnswer(
        running=running,
        snapshot=snapshot,
        snapshot_age_ms=(now_ns - snapshot.wall_time_ns) / 1e6 if snapshot else None,
        newest_price_age_ms=newest_price_age_ms(snapshot) if snapshot else None,
    )
    return Outcome(
        data=answer,
        show=lambda screen: show(screen, answer),
        code=Exit.OK if running else Exit.ENGINE_NOT_RUNNING,
        message="" if running else str(problem),
        fix="" if running or problem is None else problem.fix,
    )


def is_fresh(snapshot: Snapshot, now_ns: int) -> bool:
    """An engine too busy to answer at once still writes its state file every second."""
    return now_ns - snapshot.wall_time_ns < FRESH_NS and process_lives(snapshot.engine_pid)


def newest_price_age_ms(snapshot: Snapshot) -> float | None:
    """Age of the freshest price; None while there is none."""
    return min((row.age_ms for row in snapshot.prices), default=None)


def show(screen: Screen, answer: StatusAnswer) -> None:
    """The answer as text."""
    if answer.snapshot is None:
        screen.line("No engine has run in this data folder yet.")
        return
    if not answer.running:
        age = duration((answer.snapshot_age_ms or 0) * 1e6)
        screen.line(f"NOT RUNNING. Last known state, {age} old:", "yellow")
    show_snapshot(screen, answer.snapshot, answer.newest_price_age_ms)
