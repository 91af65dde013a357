"""Feature vectors: the same from a stream as from the whole past, and never of the future."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tradewinds.features.frames import FRAME_FEATURES, Frame
from tradewinds.features.vector import (
    FEATURE_VERSION,
    MULTIPLES,
    FeatureStream,
    FeatureVector,
    feature_names,
)
from tradewinds.model.ids import InstrumentId
from tradewinds.model.market import Bar

Walk = Callable[..., list[Bar]]
A = InstrumentId("A/USDT@x")
ENOUGH = 24 * 21 + 30
Row = tuple[float, float, float, float]
"""High, low, close, volume."""


def streamed(bars: Sequence[Bar]) -> list[FeatureVector | None]:
    stream = FeatureStream(A)
    return [(stream.update(bar), stream.vector(bar.venue_time_ns))[1] for bar in bars]


def resampled(bars: Sequence[Bar], multiple: int) -> list[Row]:
    """Whole larger bars by hand: those that have ended, from the first that was seen whole."""
    length = bars[0].timeframe_ns * multiple
    groups: dict[int, list[Bar]] = {}
    for bar in bars:
        groups.setdefault(bar.open_time_ns // length, []).append(bar)
    first = bars[0].open_time_ns
    now = bars[-1].venue_time_ns
    return [
        (
            max(b.high for b in group),
            min(b.low for b in group),
            group[-1].close,
            sum(b.volume for b in group),
        )
        for place, group in sorted(groups.items())
        if place * length >= first and (place + 1) * length <= now
    ]


def smoothed(values: np.ndarray, period: int, weight: float) -> float:
    value = float(values[:period].mean())
    for each in values[period:]:
        value += weight * (float(each) - value)
    return value


def by_hand(rows: Sequence[Row]) -> list[float] | None:
    """FRAME_FEATURES of the last row from the definitions, over the whole past."""
    if len(rows) < 21:
        return None
    high, low, close, volume = (np.array(column) for column in zip(*rows, strict=True))
    before = np.concatenate(([close[0]], close[:-1]))
    ranges = np.maximum(high, before) - np.minimum(low, before)
    ranges[0] = high[0] - low[0]
    atr = smoothed(ranges, 14, 1 / 14)
    short, long = smoothed(close, 5, 2 / 6), smoothed(close, 20, 2 / 21)
    changes = np.diff(np.log(close))[-20:]
    top, bottom = high[-20:].max(), low[-20:].min()
    return [
        math.log(close[-1] / close[-2]),
        math.log(close[-1] / close[-6]),
        math.log(close[-1] / close[-21]),
        math.sqrt(float((changes**2).mean())),
        atr / close[-1],
        (short - long) / atr,
        (close[-1] - bottom) / (top - bottom),
        (close[-1] - long) / atr,
        volume[-1] / volume[-21:-1].mean(),
    ]


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    start=st.integers(0, 30),
    missing=st.sets(st.integers(40, 500), max_size=40),
)
def test_a_stream_gives_what_the_whole_past_gives(
    walk: Walk, seed: int, start: int, missing: set[int]
) -> None:
    bars = walk(ENOUGH, seed, sorted(missing))[start:]
    found = streamed(bars)
    for end in (len(bars), len(bars) - 1, len(bars) - 17, 60):
        past = bars[:end]
        frames = [by_hand(resampled(past, multiple)) for multiple in MULTIPLES]
        vector = found[end - 1]
        if vector is None:
            assert None in frames
            continue
        expected = [value for frame in frames if frame is not None for value in frame]
        assert list(vector.values) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_what_comes_later_changes_nothing(walk: Walk) -> None:
    """The same answers from every truncated past, and with any other future."""
    bars = walk(ENOUGH)
    whole = streamed(bars)
    for cut in (30, 200, 520, ENOUGH - 1):
        assert streamed(bars[:cut]) == whole[:cut]
        wild = [structs.replace(bar, close=bar.close * 2, high=bar.high * 3) for bar in bars[cut:]]
        assert streamed([*bars[:cut], *wild])[:cut] == whole[:cut]


def test_a_larger_bar_tells_nothing_before_it_has_closed(walk: Walk) -> None:
    bars = walk(24 * 22)
    frame = Frame(24)
    seen = []
    for bar in bars:
        frame.update(bar)
        seen.append(frame.features.values)
    assert seen[24 * 21 - 2] is None
    changes = [n for n in range(1, len(seen)) if seen[n] != seen[n - 1]]
    assert changes == [24 * 21 - 1, 24 * 22 - 1], "only with the last hour of a day"


def test_a_vector_names_its_values_and_its_version(walk: Walk) -> None:
    vector = streamed(walk(ENOUGH))[-1]
    assert vector is not None
    assert vector.version == FEATURE_VERSION
    assert vector.names == feature_names()
    assert len(vector.values) == len(MULTIPLES) * len(FRAME_FEATURES)
    assert vector.value("x1.return_1") == vector.values[0]
    with pytest.raises(ValueError, match="not in tuple"):
        vector.value("x1.nosuch")


def test_a_bar_shown_twice_counts_once(walk: Walk) -> None:
    bars = walk(60)
    stream = FeatureStream(A, (1,))
    assert [stream.update(bar) for bar in (bars[0], bars[0], bars[1], bars[0])] == [
        True,
        False,
        True,
        False,
    ]


def test_a_frame_of_no_length_is_refused() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        Frame(0)
