"""Bars of a random walk for tests of features."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from tradewinds.model.ids import InstrumentId
from tradewinds.model.market import Bar

HOUR_NS = 3_600_000_000_000


def _walk(count: int, seed: int = 1, missing: Sequence[int] = ()) -> list[Bar]:
    """Hourly bars from midnight, without those numbered in `missing`."""
    rng = np.random.default_rng(seed)
    closes = 100.0 * np.exp(np.cumsum(rng.standard_normal(count) * 0.01))
    opens = np.concatenate(([100.0], closes[:-1]))
    highs = np.maximum(opens, closes) * (1.0 + rng.random(count) * 0.01)
    lows = np.minimum(opens, closes) * (1.0 - rng.random(count) * 0.01)
    volumes = rng.exponential(1.0, count)
    rows = zip(opens, highs, lows, closes, volumes, strict=True)
    return [
        Bar(
            instrument_id=InstrumentId("A/USDT@x"),
            timeframe_ns=HOUR_NS,
            open_time_ns=number * HOUR_NS,
            open=float(open_),
            high=float(high),
            low=float(low),
            close=float(close),
            volume=float(volume),
            venue_time_ns=(number + 1) * HOUR_NS,
            received_time_ns=(number + 1) * HOUR_NS,
        )
        for number, (open_, high, low, close, volume) in enumerate(rows)
        if number not in missing
    ]


@pytest.fixture(scope="session")
def walk() -> Callable[..., list[Bar]]:
    return _walk
