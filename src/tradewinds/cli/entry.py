"""`main`: `status` without loading the whole command line, everything else through it."""

import sys
from collections.abc import Sequence

from tradewinds.cli.home import home_of
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
