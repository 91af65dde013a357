"""Runs all benchmarks, prints one table and keeps it in benchmarks/latest.md.

`python -m benchmarks engine wire` runs only these and keeps nothing.
"""

import importlib
import importlib.util
import os
import platform
import sys
from pathlib import Path

from benchmarks import engine_speed, priority
from benchmarks.table import Row, as_text

KEPT = Path(__file__).parent / "latest.md"
PARTS = ("engine", "tick", "wire", "order", "backtest", "kernel")
"""Each is a module `<name>_speed` with `measure`; one that is not there is left out."""


def measured(part: str) -> list[Row]:
    """The rows of one part."""
    name = f"benchmarks.{part}_speed"
    if importlib.util.find_spec(name) is None:
        return []
    print(f"measuring: {part}", file=sys.stderr, flush=True)
    rows: list[Row] = importlib.import_module(name).measure()
    return rows


def main(asked_for: list[str]) -> int:
    """Measure, show, keep."""
    unknown = sorted(set(asked_for) - set(PARTS))
    if unknown:
        print(f"no benchmark called {', '.join(unknown)}; there are: {', '.join(PARTS)}")
        return 2
    before, ahead = os.getloadavg()[0], priority.go_ahead()
    rows = [row for part in asked_for or PARTS for row in measured(part)]
    load = f"load {before:.1f} before and {os.getloadavg()[0]:.1f} after"
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, {load}"
    rounds = f"best of {engine_speed.ROUNDS} rounds, drained streams and peers once"
    how = "" if ahead else " The others' load is in it: a higher priority was not allowed."
    text = f"{machine}; {rounds}.{how}\n\n{as_text(rows)}"
    if not asked_for:
        KEPT.write_text(f"# Last `make bench`\n\n{text}", "utf-8")
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
