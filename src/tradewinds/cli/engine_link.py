"""What the command line asks of a running engine, and what is known of one that is not."""

import os
from pathlib import Path
from typing import Final

import msgspec

from tradewinds.cli.exits import CliError, Exit
from tradewinds.model.errors import BusUnavailable
from tradewinds.model.snapshot import Snapshot

STATUS_VERB: Final = "status"
EMERGENCY_VERB: Final = "emergency"
GREETING_S: Final = 0.3


def socket_path(home: Path) -> Path:
    """Where the engine of this data folder listens."""
    return home / "run" / "engine.sock"


def status_path(home: Path) -> Path:
    """Where the engine leaves its last snapshot, once a second."""
    return home / "run" / "status.json"


def ask(home: Path, verb: str, payload: bytes, timeout_s: float) -> bytes:
    """The engine's answer. Raises CliError when there is none."""
    from tradewinds.bus.sync import request_sync

    try:
        return request_sync(socket_path(home), verb, payload, timeout_s)
    except BusUnavailable as error:
        raise explained(home, verb, error) from error


def explained(home: Path, verb: str, error: BusUnavailable) -> CliError:
    """Nobody there, somebody silent, or a no: the cause tells them apart."""
    match error.__cause__:
        case None:
            return CliError(
                str(error), Exit.FAILURE, "`trading-cli status` shows the engine's state"
            )
        case FileNotFoundError() | ConnectionRefusedError() | NotADirectoryError():
            return not_running(home)
        case TimeoutError():
            return silent(verb, str(error))
        case PermissionError():
            return CliError(str(error), Exit.FAILURE, "run this as the user the engine runs as")
    return silent(verb, str(error))


def ask_snapshot(home: Path, timeout_s: float) -> Snapshot:
    """The engine's state now. Raises CliError."""
    payload = ask(home, STATUS_VERB, b"", timeout_s)
    try:
        return msgspec.msgpack.decode(payload, type=Snapshot)
    except msgspec.MsgspecError as error:
        raise CliError(
            f"the engine's answer cannot be read: {error}",
            Exit.FAILURE,
            "engine and command line are of different versions: restart the engine",
        ) from error


def engine_answers(home: Path) -> bool:
    """Whether an engine of this data folder is there, even if too busy to answer at once."""
    try:
        ask(home, STATUS_VERB, b"", GREETING_S)
    except CliError as error:
        return error.code is not Exit.ENGINE_NOT_RUNNING
    return True


def not_running(home: Path) -> CliError:
    """Nobody is there."""
    return CliError(
        f"no engine is running in {home}",
        Exit.ENGINE_NOT_RUNNING,
        "start one with `trading-cli run`, or name its data folder with --home",
    )


def silent(verb: str, detail: str) -> CliError:
    """Somebody is there, or was a moment ago, and did not answer."""
    if verb == EMERGENCY_VERB:
        return CliError(
            f"{detail}: the engine may have acted, but flat is NOT verified",
            Exit.NOT_FLAT,
            "run it again (it is safe to repeat); if it stays silent, stop the process that"
            " `trading-cli status` names and look at the account in the venue's own app",
        )
    return CliError(
        detail, Exit.FAILURE, "ask again in a moment; `trading-cli doctor` looks closer"
    )


def last_known(home: Path) -> Snapshot | None:
    """What the engine of this data folder said last; None when it never did, or not readably."""
    try:
        return msgspec.json.decode(status_path(home).read_bytes(), type=Snapshot)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def process_lives(pid: int) -> bool:
    """Whether a process of this number exists, ours or not."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
