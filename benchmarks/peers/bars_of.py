"""The year of bars as every other system gets it, and the answer as every one gives it."""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import priority

FAST, SLOW = 20, 50
FEE = 0.001
CASH = 1_000_000.0
STAKE = 1_000.0
"""Bought at each cross, in the quote asset."""


def bars_of(path: str) -> dict[str, Any]:
    """Columns `ts` (ms), open, high, low, close, volume."""
    with np.load(path) as columns:
        return {name: columns[name] for name in columns.files}


def frame_of(columns: dict[str, Any], *names: str) -> Any:
    """As a pandas frame by time, with these names for open, high, low, close, volume."""
    import pandas as pd

    old = ("open", "high", "low", "close", "volume")
    index = pd.to_datetime(columns["ts"], unit="ms")
    return pd.DataFrame(dict(zip(names, (columns[n] for n in old), strict=True)), index=index)


def tell(run: Callable[[dict[str, Any]], int], rounds: int = 1) -> None:
    """Run it; seconds of each round, round trips and peak memory as JSON."""
    columns = bars_of(sys.argv[1])
    seconds, trades = [], 0
    for _ in range(rounds):
        began = time.perf_counter()
        trades = run(columns)
        seconds.append(time.perf_counter() - began)
    told = {"seconds": seconds, "bars": len(columns["ts"]), "trades": trades}
    print(json.dumps({**told, "peak_mb": priority.peak_mb()}))
