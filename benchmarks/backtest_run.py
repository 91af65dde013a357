"""One backtest in a process of its own: `python -m benchmarks.backtest_run FOLDER FAST SLOW`.

It is the product's own, with the cross offered as a plug-in, as anybody's strategy is. Prints JSON.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import priority
from tradewinds.config import load
from tradewinds.options import BacktestOptions
from tradewinds.research.backtest import backtest
from tradewinds.sources import past_of

NAME = "ema_cross"
SMALL = {
    "TRADEWINDS_HOME": "/nonexistent",
    "TRADEWINDS__ACCOUNT__STARTING_BALANCE": "1000000",
    "TRADEWINDS__LIMITS__LOSS_PER_TRADE_MAX": "100",
    "TRADEWINDS__LIMITS__LOSS_PER_DAY_MAX": "2000",
    "TRADEWINDS__LIMITS__DRAWDOWN_SCALE": "0.9",
    "TRADEWINDS__LIMITS__DRAWDOWN_REDUCE": "0.95",
    "TRADEWINDS__LIMITS__DRAWDOWN_HALT": "0.99",
}
"""Trades so small beside the account that fees never stop it: it has to trade to the end."""


def offer(folder: Path) -> None:
    """The strategy as an installed package offers it."""
    info = folder / "bench_ema_cross-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bench-ema-cross\nVersion: 1.0\n")
    entry = f"[tradewinds.strategies]\n{NAME} = benchmarks.ema_cross:EmaCross\n"
    (info / "entry_points.txt").write_text(entry)
    sys.path.append(str(folder))


def run(folder: Path, fast: str, slow: str) -> dict[str, Any]:
    """Parquet to the finished result, its figures included."""
    params = f"TRADEWINDS__STRATEGIES__{NAME.upper()}__PARAMS__"
    settings = load(None, {**SMALL, f"{params}FAST": fast, f"{params}SLOW": slow})
    began = time.perf_counter()
    result = backtest(settings, past_of(settings, BacktestOptions(path=folder)), (NAME,))
    seconds = time.perf_counter() - began
    return {
        "bars": sum(file_rows(path) for path in folder.glob("*.parquet")),
        "seconds": seconds,
        "trades": len(result.trades),
        "equity": str(result.equity[-1][1]),
        "refusals": sum(result.refusals.values()),
        "peak_mb": priority.peak_mb(),
    }


def file_rows(path: Path) -> int:
    """Bars in a file."""
    import pyarrow.parquet as pq

    rows: int = pq.ParquetFile(path).metadata.num_rows
    return rows


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as offered:
        offer(Path(offered))
        print(json.dumps(run(Path(sys.argv[1]), sys.argv[2], sys.argv[3])))
