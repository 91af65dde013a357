"""Environments of other systems, each in a folder of its own beside .venv, exactly pinned."""

import os
import subprocess
import sys
import venv
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
LISTS = Path(__file__).parent
NAMES = (
    "websockets",
    "cryptofeed",
    "backtesting",
    "vectorbt",
    "nautilus_trader",
    "jesse",
    "freqtrade",
)
INSTALL_S = 900


def wanted() -> bool:
    """`PEERS=1 make bench`."""
    return os.environ.get("PEERS") == "1"


@cache
def python_of(name: str) -> Path | None:
    """The interpreter that has this system; None where it is not wanted or does not install."""
    if not wanted():
        return None
    folder = ROOT / f".venv.peers-{name}"
    python, done = folder / "bin" / "python", folder / "installed.txt"
    asked_for = (LISTS / f"{name}.txt").read_text("utf-8")
    if done.exists() and done.read_text("utf-8") == asked_for:
        return python
    print(f"installing {name} ...", file=sys.stderr, flush=True)
    venv.create(folder, clear=True, with_pip=True)
    command = [str(python), "-m", "pip", "install", "-q", "--no-deps", "-r", f"{LISTS}/{name}.txt"]
    try:
        subprocess.run(command, check=True, timeout=INSTALL_S, stdout=sys.stderr)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        print(f"{name} does not install here: {error}", file=sys.stderr, flush=True)
        return None
    done.write_text(asked_for, "utf-8")
    return python
