"""Years of 1m bars through the product's own backtest, beside other systems on the same bars."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from benchmarks.ema_cross import FAST, SLOW
from benchmarks.made_bars import YEAR_BARS, write_bars
from benchmarks.peers.home import NAMES, ROOT, python_of, wanted
from benchmarks.sweep_speed import sweep_rows
from benchmarks.table import Row

ROUNDS = 1
SELDOM = (1_000, 5_000)
"""A cross every few days: what the bars cost when hardly anything is traded."""
YEARS, SYMBOLS = 10, 20
MANY_BARS = YEAR_BARS // 20
PEER_S = 600
STREAMED = [n for n in NAMES if (Path(__file__).parent / "peers" / f"run_{n}.py").exists()]
Told = dict[str, Any]


def _start(folder: Path, lengths: tuple[int, int]) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "benchmarks.backtest_run", str(folder), *map(str, lengths)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)


def _told(process: "subprocess.Popen[bytes]") -> Told:
    out, _ = process.communicate()
    if process.returncode:
        raise SystemExit("a backtest failed")
    told: Told = json.loads(out)
    return told


def _best(folder: Path, lengths: tuple[int, int], rounds: int = ROUNDS) -> Told:
    runs = [_told(_start(folder, lengths)) for _ in range(rounds)]
    return min(runs, key=lambda told: float(told["seconds"]))


def _rows(name: str, told: Told) -> list[Row]:
    named = f"backtest, {name}, {told['trades']:,} round trips"
    return [
        Row(name=named, figure=told["bars"] / told["seconds"], unit="bars/s"),
        Row(name=f"backtest, {name}, peak memory", figure=told["peak_mb"], unit="MB"),
    ]


def _together(folders: Sequence[Path], lengths: tuple[int, int]) -> Row:
    """So many processes at once; all their bars by the slowest one's seconds."""
    tolds = [_told(process) for process in [_start(folder, lengths) for folder in folders]]
    figure = sum(t["bars"] for t in tolds) / max(t["seconds"] for t in tolds)
    return Row(name=f"backtest, 1 year in each of {len(folders)}", figure=figure, unit="bars/s")


def _peers(folder: Path) -> list[Row]:
    """Each in its own environment, on the same year."""
    (file,) = folder.glob("*.parquet")
    table = pq.read_table(file)
    names = ("open", "high", "low", "close", "volume")
    columns = {name: table[name].to_numpy().astype(float) for name in names}
    saved = folder / "year.npz"
    np.savez(saved, ts=table["ts"].cast("int64").to_numpy(), **columns)
    return [row for name in STREAMED for row in _peer(name, saved)]


def _peer(name: str, saved: Path) -> list[Row]:
    python = python_of(name)
    if python is None:
        return [Row(name=f"backtest, {name}: does not install here", figure=0.0, unit="")]
    command = [str(python), "-m", f"benchmarks.peers.run_{name}", str(saved)]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, cwd=ROOT, timeout=PEER_S, check=True)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return [Row(name=f"backtest, {name}: does not run here", figure=0.0, unit="")]
    told: Told = json.loads(done.stdout.splitlines()[-1])
    first, *later = told["seconds"]
    rows = _rows(name, {**told, "seconds": first})
    if later:
        rate = told["bars"] / min(later)
        rows.append(Row(name=f"backtest, {name}, compiled before", figure=rate, unit="bars/s"))
    return rows


def measure() -> list[Row]:
    """Ours by length, number of symbols and processes; then the others."""
    cross = (FAST, SLOW)
    with tempfile.TemporaryDirectory() as made:
        year, years, many = (Path(made, name) for name in ("year", "years", "many"))
        write_bars(year, 1, YEAR_BARS)
        write_bars(years, 1, YEARS * YEAR_BARS)
        write_bars(many, SYMBOLS, MANY_BARS)
        first = _best(year, cross)
        rows = _rows("1 symbol, 1 year, seldom a cross", _best(year, SELDOM))
        rows += _rows(f"1 symbol, {YEARS} years, seldom a cross", _best(years, SELDOM, 1))
        rows += _rows(f"{SYMBOLS} symbols, {MANY_BARS:,} bars each", _best(many, cross, 1))
        rows += [_together([year] * 1, cross), _together([year] * 2, cross)]
        rows += sweep_rows(year)
        if wanted():
            rows += _peers(year)
        # Once before the others and once after them, so that both had the same neighbours.
        again = _best(year, cross)
    ours = min(first, again, key=lambda told: float(told["seconds"]))
    return [*_rows("1 symbol, 1 year", ours), *rows]
