"""Runs all benchmarks, prints one table and keeps it in benchmarks/latest.md."""

import os
import platform
import sys
from pathlib import Path

from benchmarks import engine_speed, wire_speed
from benchmarks.table import as_text

KEPT = Path(__file__).parent / "latest.md"


def main() -> int:
    """Measure, show, keep."""
    load = os.getloadavg()[0]
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f}"
    rows = engine_speed.measure() + wire_speed.measure()
    text = f"{machine}; best of {engine_speed.ROUNDS} rounds, the wire once.\n\n{as_text(rows)}"
    KEPT.write_text(f"# Last `make bench`\n\n{text}", "utf-8")
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
