"""`main`: `status` without loading the whole command line, everything else through it."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tradewinds.cli.outcome import Frame, present


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    frame = status_frame(words)
    if frame is None:
        from tradewinds.cli.app import run_app

        return run_app(words)
    from tradewinds.cli.status import status

    return present("status", lambda: status(frame), frame)


def status_frame(words: Sequence[str]) -> Frame | None:
    """The frame of a plain `status`; None for other verbs, help, and what needs an explanation."""
    home, verbs, switches = "", [], set()
    rest = iter(words)
    for word in rest:
        if word == "--home":
            home = next(rest, "")
            if not home or home.startswith("-"):
                return None
        elif word.startswith("--home="):
            home = word.removeprefix("--home=")
        elif word in {"--json", "--debug"}:
            switches.add(word)
        else:
            verbs.append(word)
    if verbs != ["status"]:
        return None
    return Frame(home=home_of(home), json="--json" in switches, debug="--debug" in switches)


def home_of(option: str, environ: Mapping[str, str] = os.environ) -> Path:
    """`--home`, else what `tradewinds.config.data_dir` says: repeated here because that module
    loads pydantic, which `status` cannot afford; a test keeps the two together."""
    return Path(option or environ.get("TRADEWINDS_HOME") or "user_data").expanduser().absolute()
