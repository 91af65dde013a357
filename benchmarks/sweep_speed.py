"""A thousand parameter sets over the same year of 1m bars, in the kernel and on one core."""

import itertools
import time
from array import array
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from benchmarks.ema_cross import FAST, SLOW
from benchmarks.table import Row
from tradewinds.features.kernels.contract import Rules, SweepMarket
from tradewinds.kernels.opening import open_kernels

SETS = 1_000
FASTEST, SLOWEST = 5, 1_050


def crosses() -> list[Rules]:
    """As many different crosses as there are sets, the benchmark's own among them."""
    slows = range(SLOW, SLOWEST, 10)
    pairs = ((fast, slow) for slow in slows for fast in range(FASTEST, FASTEST + 11))
    found = [Rules(fast=fast, slow=slow) for fast, slow in itertools.islice(pairs, SETS - 1)]
    return [Rules(fast=FAST, slow=SLOW), *found]


def sweep_rows(folder: Path) -> list[Row]:
    """From Parquet to the results of all sets."""
    kernels = open_kernels()
    sets = crosses()
    began = time.perf_counter()
    (file,) = folder.glob("*.parquet")
    table = pq.read_table(file)
    names = ("open", "high", "low", "close", "volume")
    columns = np.column_stack([table[name].to_numpy().astype(float) for name in names])
    bars = kernels.sweep(array("d", columns.tobytes()), SweepMarket())
    results = bars.run(sets)
    seconds = time.perf_counter() - began
    trades = int(sum(result.trades for result in results))
    name = f"sweep, {len(sets):,} sets over 1 symbol, 1 year, {trades:,} round trips"
    return [
        Row(name=name, figure=seconds, unit="s"),
        Row(name="sweep, bars x sets", figure=len(columns) * len(sets) / seconds, unit="bars/s"),
    ]
