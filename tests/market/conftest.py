import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

RECORDED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
T0_MS = 1_704_067_200_000
"""2024-01-01 00:00 UTC."""


@pytest.fixture
def recorded() -> Path:
    """Real market data of ../shared/data, which is not part of the repository."""
    if not RECORDED.is_dir():
        message = "needs the recorded market data in ../shared/data"
        assert os.environ.get("CI") != "true", message
        pytest.skip(message)
    return RECORDED


def bar_rows(symbol: str, count: int, minutes: int = 5, first: int = 0) -> list[dict[str, Any]]:
    """`count` rising bars; bar i opens at 100 + i."""
    return [
        {
            "symbol": symbol,
            "ts": T0_MS + (first + i) * minutes * 60_000,
            "open": 100.0 + i,
            "high": 101.5 + i,
            "low": 99.5 + i,
            "close": 101.0 + i,
            "volume": 10.0,
        }
        for i in range(count)
    ]


@pytest.fixture
def rows() -> Callable[..., list[dict[str, Any]]]:
    return bar_rows


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write rows to Parquet the way the recorded files are: ts a UTC timestamp in ms."""

    def made(
        name: str,
        rows: Sequence[Mapping[str, Any]],
        *,
        group: int = 1_000_000,
        **types: pa.DataType,
    ) -> Path:
        kinds = {"ts": pa.timestamp("ms", tz="UTC"), "volume": pa.float32()} | types
        columns = {
            key: pa.array([row[key] for row in rows], type=kinds.get(key)) for key in rows[0]
        }
        path = tmp_path / name
        pq.write_table(pa.table(columns), path, row_group_size=group)
        return path

    return made


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20_240_101)
