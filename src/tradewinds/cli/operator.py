"""`emergency`, `pause`, `resume`: the operator's words to a running engine."""

import os
import sys
import time
from typing import Annotated

import msgspec
from msgspec import Struct

from tradewinds.cli.engine_link import ask, last_known
from tradewinds.cli.exits import CliError, Exit
from tradewinds.cli.option import Option
from tradewinds.cli.outcome import Frame, Outcome
from tradewinds.cli.screen import Screen
from tradewinds.model.ids import StrategyId
from tradewinds.model.snapshot import (
    EmergencyRequest,
    OperatorReply,
    OperatorRequest,
    SwitchRequest,
)

ANSWER_S = 5.0


class EmergencyArguments(Struct, frozen=True, kw_only=True):
    """How to stop."""

    reason: Annotated[str, Option(help="Why, for the journal.")] = "operator: emergency"
    yes: Annotated[bool, Option(help="Do not ask, even on a terminal.")] = False
    timeout: Annotated[
        float, Option(help="Seconds to wait for verified flat.", least=0.1, most=600)
    ] = 15.0


class ReasonArguments(Struct, frozen=True, kw_only=True):
    """Why."""

    reason: Annotated[str, Option(help="Why, for the journal.")] = "operator"


def emergency(arguments: EmergencyArguments, frame: Frame) -> Outcome:
    """Cancel every order, close every position, verify flat, stay halted until `resume`."""
    if not (arguments.yes or frame.json or confirmed()):
        raise CliError("not confirmed: nothing was sent", Exit.FAILURE, "add --yes to skip asking")
    request = EmergencyRequest(command_id=command_id(), reason=arguments.reason)
    try:
        payload = ask(frame.home, "emergency", msgspec.msgpack.encode(request), arguments.timeout)
    except CliError as error:
        raise unreachable(frame, error) from error
    reply = msgspec.msgpack.decode(payload, type=OperatorReply)
    return Outcome(
        data=reply,
        show=lambda screen: show_emergency(screen, reply),
        code=Exit.OK if reply.done else Exit.NOT_FLAT,
        message="" if reply.done else f"not verified flat: {reply.detail}",
        fix="run it again (it is safe to repeat), and look at `trading-cli status`",
    )


def pause(arguments: ReasonArguments, frame: Frame) -> Outcome:
    """Take no new risk; open positions keep their stops and targets."""
    return operate("pause", arguments.reason, frame)


def resume(arguments: ReasonArguments, frame: Frame) -> Outcome:
    """Trade again after a pause, a halt or an emergency; the day's loss limit still holds."""
    return operate("resume", arguments.reason, frame)


def operate(verb: str, reason: str, frame: Frame) -> Outcome:
    """Send a verb that answers at once."""
    request = OperatorRequest(command_id=command_id(), reason=reason)
    return answered(verb, ask(frame.home, verb, msgspec.msgpack.encode(request), ANSWER_S))


def switch(name: str, enabled: bool, frame: Frame) -> Outcome:
    """Switch a strategy of the running engine on or off."""
    request = SwitchRequest(command_id=command_id(), strategy_id=StrategyId(name), enabled=enabled)
    return answered(
        "strategy", ask(frame.home, "strategy", msgspec.msgpack.encode(request), ANSWER_S)
    )


def answered(verb: str, payload: bytes) -> Outcome:
    """The engine's reply as an outcome."""
    reply = msgspec.msgpack.decode(payload, type=OperatorReply)
    return Outcome(
        data=reply,
        show=lambda screen: screen.line(f"{verb}: {reply.detail or 'done'}", "green"),
        code=Exit.OK if reply.done else Exit.FAILURE,
        message="" if reply.done else f"{verb} was not done: {reply.detail}",
    )


def show_emergency(screen: Screen, reply: OperatorReply) -> None:
    """Flat or not, and how long it took."""
    took = f"{reply.elapsed_ms:,.1f} ms"
    if reply.done:
        screen.line(f"FLAT, verified in {took}: no working order, no position.", "green")
        screen.line("Halted until `trading-cli resume`.")
    else:
        screen.line(f"NOT FLAT after {took}.", "red")


def confirmed() -> bool:
    """One question, on a terminal only; Enter means yes, because seconds count."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return True
    sys.stdout.write("Cancel every order and close every position now? [Y/n] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in {"", "y", "yes"}


def command_id() -> str:
    """A name of this request, so that its answer and its journal row can be found."""
    return f"cli-{os.getpid()}-{time.time_ns()}"


def unreachable(frame: Frame, error: CliError) -> CliError:
    """What it means that nobody took the emergency stop, by what was last traded here."""
    known = last_known(frame.home)
    if error.code is not Exit.ENGINE_NOT_RUNNING:
        return error
    if known is None or known.mode in {"paper", "backtest", "replay"}:
        meaning = "paper trading lives inside the engine: while it is down nothing is traded"
        held = held_text(len(known.positions)) if known else ""
        return CliError(f"{error}; {meaning}{held}", error.code, error.fix)
    return CliError(
        f"{error}; it traded {known.mode}: orders and positions may still be at the venue",
        error.code,
        "cancel and close in the venue's own app or website now, then start the engine again"
        " with `trading-cli run`: it reconciles before it trades",
    )


def held_text(count: int) -> str:
    """Positions that the next start takes up again."""
    return f" ({count} paper positions go on at the next start)" if count else ""
