"""Small recordings, planted strategies, and data folders of their own."""

import math
import random
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tradewinds.strategies import registry

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.research.made import FIRST_MS, HOUR_MS

Write = Callable[..., Path]


@pytest.fixture
def write_bars(tmp_path: Path) -> Write:
    """Hourly bars of instruments that wander; from `changed_from` (hour) on otherwise."""

    def write(
        hours: int,
        symbols: tuple[str, ...] = ("BTCUSDT",),
        name: str = "bars",
        changed_from: int | None = None,
    ) -> Path:
        rows: dict[str, list[Any]] = {
            key: [] for key in ("symbol", "ts", "open", "high", "low", "close", "volume")
        }
        for place, symbol in enumerate(symbols):
            for row in wander(hours, 11 + place, changed_from):
                rows["symbol"].append(symbol)
                for key, value in row.items():
                    rows[key].append(value)
        table = pa.table(rows)
        stamps = table["ts"].cast(pa.timestamp("ms", "UTC"))
        path = tmp_path / f"{name}.parquet"
        pq.write_table(table.set_column(1, "ts", stamps), path)
        return path

    return write


def wander(hours: int, seed: int, changed_from: int | None) -> Iterator[dict[str, float]]:
    """A seeded walk with swings, so that breakouts happen."""
    dice = random.Random(seed)
    last = 100.0
    for hour in range(hours):
        if hour == changed_from:
            dice = random.Random(seed + 1_000)
        drift = 0.002 * math.sin(hour / 60)
        close = round(last * (1 + drift + dice.gauss(0, 0.006)), 4)
        yield {
            "ts": FIRST_MS + hour * HOUR_MS,
            "open": last,
            "high": round(max(last, close) * 1.001, 4),
            "low": round(min(last, close) * 0.999, 4),
            "close": close,
            "volume": 50_000.0,
        }
        last = close


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`plant(name="module:Class")`: offer strategies that are not installed."""
    real = entry_points

    def offer(**strategies: str) -> None:
        made = {n: EntryPoint(name=n, value=v, group=registry.GROUP) for n, v in strategies.items()}

        def found(**wanted: str) -> Any:
            mine = [e for n, e in made.items() if wanted.get("name") in (None, n)]
            return [*real(**wanted), *mine]

        monkeypatch.setattr(registry, "entry_points", found)

    return offer
