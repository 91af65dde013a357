"""Years of 1m bars as Parquet files, the same for every system that is measured with them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

YEAR_BARS: Final = 525_600
START_MS: Final = 1_577_836_800_000
"""2020-01-01."""
MINUTE_MS: Final = 60_000
PART: Final = 131_400
STEPS: Final = 8
"""Prices within a minute of which open, high, low and close are told."""
SIGMA: Final = 0.0008
SCHEMA: Final = pa.schema(
    [("symbol", pa.string()), ("ts", pa.timestamp("ms"))]
    + [(name, pa.float64()) for name in ("open", "high", "low", "close")]
    + [("volume", pa.float32())]
)


def write_bars(folder: Path, symbols: int, bars: int) -> None:
    """One file a symbol: a walk of the seed's own that stays between a third and three times."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(symbols):
        name = f"C{number:02d}/USDT"
        with pq.ParquetWriter(folder / f"C{number:02d}USDT.parquet", SCHEMA) as writer:
            for columns in _parts(number, bars):
                count = len(columns["open"])
                symbol = pa.array([name]).take(pa.array(np.zeros(count, dtype=np.int64)))
                writer.write_table(pa.table({"symbol": symbol, **columns}, schema=SCHEMA))


def _parts(seed: int, bars: int) -> Iterator[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    log, home = 0.0, np.log(100.0)
    for begin in range(0, bars, PART):
        count = min(PART, bars - begin)
        steps = rng.normal(0.0, SIGMA / np.sqrt(STEPS), count * STEPS)
        walk = log + np.cumsum(steps)
        # Folded back at the edges, so that ten years stay a market.
        folded = np.abs((walk + np.log(3)) % (4 * np.log(3)) - 2 * np.log(3)) - np.log(3)
        prices = np.round(np.exp(home + folded), 2).reshape(count, STEPS)
        log = walk[-1]
        yield {
            "ts": START_MS + (begin + np.arange(count)) * MINUTE_MS,
            "open": prices[:, 0],
            "high": prices.max(axis=1),
            "low": prices.min(axis=1),
            "close": prices[:, -1],
            "volume": rng.gamma(2.0, 500.0, count),
        }
