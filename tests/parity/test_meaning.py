"""What the kernels' numbers mean, by definitions written down again without a kernel."""

import gzip
import math
import statistics
from array import array
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tradewinds.cli.checkup import Verdict
from tradewinds.cli.doctor_machine import check_kernels
from tradewinds.features.kernels.contract import (
    FEATURES,
    BookSettings,
    BookStatus,
    Kernels,
    Lengths,
    TriangleSettings,
)
from tradewinds.gateways.binance_books import BinanceBook
from tradewinds.gateways.binance_frames import FrameDecoder
from tradewinds.gateways.venue_rest import Depth
from tradewinds.kernels import scenario, wasm
from tradewinds.model.ids import Venue, instrument_id
from tradewinds.model.market import BookDelta

BTC = instrument_id("BTC/USDT", Venue("binance"))
Bars = list[tuple[float, float, float, float, float]]


def test_doctor_names_the_implementation(monkeypatch: pytest.MonkeyPatch) -> None:
    check = check_kernels()
    assert check.verdict is Verdict.OK
    assert check.found.startswith("WebAssembly, wasmtime ")
    monkeypatch.setattr(wasm, "WASMTIME_FAULT", "wasmtime cannot be used: gone")
    check = check_kernels()
    assert check.verdict is Verdict.WARNING
    assert check.found == "plain Python (wasmtime cannot be used: gone)"


def depth_frames(path: Path, count: int) -> Iterator[bytes]:
    """The snapshot first, then the depth updates."""
    with gzip.open(path) as lines:
        frames = [line.partition(b" ")[2].strip() for line in lines]
    updates = [frame for frame in frames if b"depthUpdate" in frame[:80]]
    yield next(frame for frame in frames if frame.startswith(b'{"lastUpdateId"'))
    yield from updates[:count]


@pytest.mark.parametrize("name", ["binance_spot_btcusdt_20240808", "binance_usdm_btcusdt_20240808"])
def test_a_recorded_book_is_that_of_the_gateway(
    fast: Kernels, plain: Kernels, recorded: Path, name: str
) -> None:
    frames = list(depth_frames(recorded / "ticks_raw" / f"{name}.gz", 400))
    books = [each.book(BookSettings(symbol="BTCUSDT")) for each in (fast, plain)]
    decoder, gateway = FrameDecoder({"BTCUSDT": BTC}), BinanceBook(BTC, lambda: None)
    applied = 0
    for frame in frames:
        status = books[0].frame(frame)
        assert books[1].frame(frame) == status
        (event,) = decoder.decode(frame, 1)
        assert isinstance(event, BookDelta)
        if event.snapshot:
            # A limit above the count says that the snapshot was whole, as the kernel takes it.
            gateway.restore(
                Depth(
                    bids=event.bids, asks=event.asks, update_id=event.last_update_id, limit=10**6
                ),
                1,
            )
        else:
            gateway.take(event)
        if status == BookStatus.APPLIED:
            applied += 1
            assert books[0].row()[:4] == gateway.levels.touch()
            assert repr(books[0].row()) == repr(books[1].row())
            sides = (gateway.levels.bids.top(20), gateway.levels.asks.top(20))
            assert books[0].levels(20) == sides
    assert applied > 100


def test_features_are_what_their_definitions_say(fast: Kernels) -> None:
    lengths = Lengths(fast=3, slow=5, atr=4, rsi=4, window=6, channel=7)
    flat = scenario.bars(60)
    bars: Bars = [tuple(flat[at : at + 5]) for at in range(0, len(flat), 5)]  # type: ignore[misc]
    rows = array("d", [value for bar in bars for value in (0.0, *bar)])
    answer = fast.features(1, lengths).update(rows)
    last = dict(zip(FEATURES, answer[-len(FEATURES) :], strict=True))
    for name, expected in defined(bars).items():
        assert last[name] == pytest.approx(expected, rel=1e-9), name
    first = dict(zip(FEATURES, answer[: len(FEATURES)], strict=True))
    known = {name for name, value in first.items() if not math.isnan(value)}
    assert known == {"body", "range", "close_place"}


def defined(bars: Bars) -> dict[str, float]:
    """Of the last bar, with windows of 6, a channel of 7, averages of 3 and 5."""
    closes = [bar[3] for bar in bars]
    opened, high, low, close, volume = bars[-1]
    returns = [math.log(b / a) for a, b in pairwise(closes)]
    changes = [b - a for a, b in pairwise(closes)]
    highs, lows = [bar[1] for bar in bars], [bar[2] for bar in bars]
    volumes = [bar[4] for bar in bars]
    paid = [(h + lo + c) / 3 * v for _, h, lo, c, v in bars]
    ranges = [highs[0] - lows[0]] + [
        max(h, c) - min(lo, c) for h, lo, c in zip(highs[1:], lows[1:], closes[:-1], strict=True)
    ]
    fast, slow = smoothed(closes, 3, 2 / 4), smoothed(closes, 5, 2 / 6)
    atr = smoothed(ranges, 4, 1 / 4)
    gains = smoothed([max(change, 0.0) for change in changes], 4, 1 / 4)
    losses = smoothed([max(-change, 0.0) for change in changes], 4, 1 / 4)
    squares = smoothed([each * each for each in returns], 1, 0.06)
    bottom, top = min(lows[-7:]), max(highs[-7:])
    return {
        "return_1": math.log(close / closes[-2]),
        "return_5": math.log(close / closes[-6]),
        "return_window": math.log(close / closes[-7]),
        "body": math.log(close / opened),
        "range": math.log(high / low),
        "close_place": (close - low) / (high - low),
        "gap": math.log(opened / closes[-2]),
        "fast_distance": close / fast - 1,
        "slow_distance": close / slow - 1,
        "trend": (fast - slow) / atr,
        "atr_share": atr / close,
        "rsi": 100 - 100 / (1 + gains / losses),
        "z_score": (close - statistics.fmean(closes[-6:])) / statistics.pstdev(closes[-6:]),
        "volatility": statistics.pstdev(returns[-6:]),
        "ew_volatility": math.sqrt(squares),
        "volume_ratio": volume / statistics.fmean(volumes[-7:-1]),
        "vwap_distance": close / (sum(paid[-6:]) / sum(volumes[-6:])) - 1,
        "channel_place": (close - bottom) / (top - bottom),
        "breakout": close / max(highs[-8:-1]) - 1,
        "efficiency": abs(close - closes[-7]) / sum(abs(each) for each in changes[-6:]),
    }


def smoothed(values: list[float], seed: int, weight: float) -> float:
    """An average that begins as the mean of the first `seed` values."""
    average = statistics.fmean(values[:seed])
    for value in values[seed:]:
        average += weight * (value - average)
    return average


def test_a_triangle_pays_what_its_rates_multiply_to(fast: Kernels) -> None:
    """BTC/USDT, ETH/USDT, ETH/BTC: buy BTC, buy ETH with it, sell ETH; and the way back."""
    settings = TriangleSettings(keeps=[0.999] * 6, cycles=[(1, 5, 2), (3, 4, 0)], threshold=1.001)
    scan = fast.triangles(settings)
    assert scan.quote(0, 50_000.0, 50_010.0) == 0
    assert scan.quote(1, 3_000.0, 3_001.0) == 0
    assert scan.quote(2, 0.0590, 0.0595) == 1
    (hit,) = scan.hits()
    assert (hit.row, hit.cycle) == (0, 0)
    assert hit.product == pytest.approx(0.999**3 * 3_000.0 / (50_010.0 * 0.0595))
    assert scan.quote(2, 0.0, 0.0) == 0
    assert scan.all() == 0
