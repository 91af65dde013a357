"""What a verb answers, and how it leaves: text for people or one JSON object, then an exit code."""

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from tradewinds.cli.exits import CliError, Exit, code_of, fix_of
from tradewinds.cli.screen import Screen, replacing, standard_screen
from tradewinds.model.errors import TradewindsError


class Frame(Struct, frozen=True, kw_only=True):
    """What every verb is given: the data folder, and how to answer."""

    home: Path
    json: bool = False
    debug: bool = False


class Problem(Struct, frozen=True, kw_only=True):
    """Why the exit code is not 0. `code` is the name of the exit code in lower case."""

    code: str
    message: str
    fix: str = ""


class Outcome(Struct, frozen=True, kw_only=True):
    """The data of an answer, how to show it, and the code to leave with."""

    data: Any
    show: Callable[[Screen], None]
    code: Exit = Exit.OK
    message: str = ""
    fix: str = ""


class Answer(Struct, frozen=True, kw_only=True):
    """The one object that `--json` writes. `data` is null when there is nothing to tell."""

    ok: bool
    verb: str
    exit_code: int
    data: Any
    error: Problem | None


def present(verb: str, work: Callable[[], Outcome], frame: Frame) -> int:
    """Run a verb and write its answer; errors the operator can act on show no traceback."""
    try:
        return deliver(verb, work(), frame)
    except TradewindsError as error:
        return refuse(verb, error, frame)
    except BrokenPipeError:
        return hang_up()
    except OSError as error:
        return refuse(verb, explained(error), frame)
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted.\n")
        return Exit.INTERRUPTED


def deliver(verb: str, outcome: Outcome, frame: Frame) -> int:
    """Write the answer, as text or as JSON."""
    failed = outcome.code is not Exit.OK
    problem = problem_of(outcome.code, outcome.message, outcome.fix) if failed else None
    if frame.json:
        write_json(
            Answer(
                ok=not failed,
                verb=verb,
                exit_code=outcome.code,
                data=outcome.data,
                error=problem,
            )
        )
    else:
        outcome.show(standard_screen())
        sys.stdout.flush()
        if problem is not None:
            write_problem(problem)
    return outcome.code


def refuse(verb: str, error: TradewindsError, frame: Frame) -> int:
    """Write an error: message and fix, on stderr or as JSON on stdout."""
    if frame.debug:
        sys.stderr.write("".join(traceback.format_exception(error)))
    code = code_of(error)
    problem = problem_of(code, str(error), fix_of(error))
    if frame.json:
        write_json(Answer(ok=False, verb=verb, exit_code=code, data=None, error=problem))
    else:
        write_problem(problem)
    return code


def problem_of(code: Exit, message: str, fix: str) -> Problem:
    """The error part of an answer."""
    return Problem(code=code.name.lower(), message=message, fix=fix)


def write_json(answer: Answer) -> None:
    """One object on one line; Decimals are strings, so that no digit is lost."""
    sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
    sys.stdout.flush()


def write_problem(problem: Problem) -> None:
    """On stderr, so that a pipe of the answer stays clean."""
    screen = Screen(replacing(sys.stderr))
    if problem.message:
        screen.line(f"Error: {problem.message}", "red")
    if problem.fix:
        screen.paragraph(f"Fix: {problem.fix}")


def explained(error: OSError) -> CliError:
    """What the system said, with the path it said it about."""
    where = f"{error.filename}: " if error.filename else ""
    failure = CliError(
        f"{where}{error.strerror or error}", Exit.FAILURE, "check that path and your rights on it"
    )
    failure.__cause__ = error
    return failure


def hang_up() -> int:
    """The reader of our pipe left (`| head`): say nothing more, not even at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.OK
