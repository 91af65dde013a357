"""The compiled kernels beside the plain ones, and beside native code where a Rust compiler is."""

import itertools
import sys
import tempfile
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.table import Row
from tradewinds.features.kernels.contract import (
    FEATURES,
    BookSettings,
    BookStatus,
    Kernels,
    Lengths,
    Rules,
    SweepMarket,
    TriangleSettings,
)
from tradewinds.features.kernels.plain import PlainKernels
from tradewinds.gateways.binance_books import BinanceBook
from tradewinds.gateways.binance_frames import FrameDecoder
from tradewinds.gateways.venue_rest import Depth
from tradewinds.kernels import scenario
from tradewinds.kernels.fast import FastKernels
from tradewinds.kernels.opening import open_kernels
from tradewinds.model.ids import Venue, instrument_id
from tradewinds.model.market import BookDelta

TOOLS = Path(__file__).parent.parent / "tools"
ROUNDS = 7
DEPTH = 1000
CHANGES = 19
FRAMES = 2_000
PAIRS, CYCLES = 300, 878
BATCH = 256
SYMBOLS = 300
BARS = 100_000
BARS_PLAIN = 2_000
SYMBOL = "BTCUSDT"

Work = Callable[[], int]
"""Does some work and says how many items it was."""


def measure() -> list[Row]:
    """Rounds interleaved, best of each; the ratio is to plain Python of the same run."""
    fast, plain = open_kernels(), PlainKernels()
    with native() as compiled:
        others = {"native": compiled} if compiled else {}
        implementations: dict[str, Kernels] = {"plain": plain, "WebAssembly": fast, **others}
        rows = []
        for name, prepare in TASKS.items():
            works = {each: prepare(kernels) for each, kernels in implementations.items()}
            if name == "depth frame":
                works["decoder and book of the gateway"] = gateway_book()
            best = best_seconds(works)
            floor = best["plain"]
            rows += [
                Row(name=f"{name}, {each}", figure=s * 1e9, unit="ns", ratio=floor / s)
                for each, s in best.items()
            ]
    fast.close()
    return rows


def best_seconds(works: dict[str, Work]) -> dict[str, float]:
    """Seconds an item."""
    best: dict[str, float] = {}
    for _ in range(ROUNDS):
        for name, work in works.items():
            began = time.perf_counter()
            count = work()
            seconds = (time.perf_counter() - began) / count
            best[name] = min(best.get(name, seconds), seconds)
    return best


@contextmanager
def native() -> Iterator[Kernels | None]:
    """With the newest compiler at hand, if any."""
    sys.path.insert(0, str(TOOLS))
    from native_kernels import NativeMachine, compilers, library

    found = compilers()
    with tempfile.TemporaryDirectory() as folder:
        yield FastKernels(NativeMachine(library(found[-1], Path(folder)))) if found else None


def depth_frames() -> list[bytes]:
    """A snapshot of a thousand levels a side, then deltas of nineteen, most near the touch."""
    chance = scenario.Chance(11)

    def rows(count: int, side: int) -> str:
        near = (min(chance.below(40) * chance.below(25), DEPTH - 1) for _ in range(count))
        return _levels(chance, near, side)

    sides = [_levels(chance, iter(range(DEPTH)), side, removing=False) for side in (-1, 1)]
    frames = [f'{{"lastUpdateId":10,"bids":{sides[0]},"asks":{sides[1]}}}']
    for number in range(11, 11 + FRAMES):
        head = f'"e":"depthUpdate","E":1723161255208,"s":"{SYMBOL}","U":{number},"u":{number}'
        bids, asks = rows(CHANGES // 2 + 1, -1), rows(CHANGES // 2, 1)
        frames.append(f'{{"stream":"x@depth","data":{{{head},"b":{bids},"a":{asks}}}}}')
    return [frame.encode() for frame in frames]


def _levels(
    chance: scenario.Chance, places: Iterator[int], side: int, *, removing: bool = True
) -> str:
    told = []
    for place in places:
        cents = 6_183_763 + (side > 0) + side * place
        # The touch is never removed: then sides could cross, and the book would stop.
        size = 0 if removing and place > 2 and chance.below(3) == 0 else 1 + chance.below(10**9)
        price = f"{cents // 100}.{cents % 100:02d}000000"
        told.append(f'["{price}","{size // 10**8}.{size % 10**8:08d}"]')
    return f"[{','.join(told)}]"


def book(kernels: Kernels) -> Work:
    """One call a frame."""
    frames = depth_frames()
    settings = BookSettings(symbol=SYMBOL)

    def run() -> int:
        kept = kernels.book(settings)
        take, row = kept.frame, kept.row
        for frame in frames:
            if take(frame) == BookStatus.APPLIED:
                row()
        kept.close()
        return len(frames)

    return run


def gateway_book() -> Work:
    """What the live feed does in Python: typed decode, book, and the same metrics' inputs."""
    frames = depth_frames()
    id_ = instrument_id("BTC/USDT", Venue("binance"))

    def run() -> int:
        decoder = FrameDecoder({SYMBOL: id_})
        kept = BinanceBook(id_, lambda: None)
        for frame in frames:
            for event in decoder.decode(frame, 1):
                assert isinstance(event, BookDelta)
                if event.snapshot:
                    known = Depth(
                        update_id=event.last_update_id, bids=event.bids, asks=event.asks, limit=5000
                    )
                    kept.restore(known, 1)
                else:
                    kept.take(event)
                kept.levels.touch()
                kept.levels.bids.top(10)
                kept.levels.asks.top(10)
        return len(frames)

    return run


def triangles(rows: int) -> Callable[[Kernels], Work]:
    """878 cycles over 300 pairs; `rows` quotes a call, the busiest pairs most often."""

    def prepare(kernels: Kernels) -> Work:
        chance = scenario.Chance(12)
        scan = kernels.triangles(cycles_of(chance))
        scan.scan(array("d", itertools.chain(*((float(n), 0.999, 1.001) for n in range(PAIRS)))))
        busy = [_busy(chance) for _ in range(8 * BATCH)]
        told = array("d", itertools.chain(*((float(n), 0.999, 1.001) for n in busy)))
        calls = [told[at : at + 3 * rows] for at in range(0, len(told), 3 * rows)]

        def singly() -> int:
            for instrument in busy:
                scan.quote(instrument, 0.999, 1.001)
            return len(busy)

        def together() -> int:
            for call in calls:
                scan.scan(call)
            return len(busy)

        return singly if rows == 1 else together

    return prepare


def cycles_of(chance: scenario.Chance) -> TriangleSettings:
    """Busy pairs are in most cycles. Nothing is ever a hit."""
    cycles = [
        (
            2 * _busy(chance) + chance.below(2),
            2 * _busy(chance) + chance.below(2),
            2 * _busy(chance) + chance.below(2),
        )
        for _ in range(CYCLES)
    ]
    return TriangleSettings(keeps=[0.999] * (2 * PAIRS), cycles=cycles, threshold=1.5)


def _busy(chance: scenario.Chance) -> int:
    return chance.below(1 + chance.below(PAIRS))


def live_features(kernels: Kernels) -> Work:
    """All symbols of a bar close in one call."""
    bars = scenario.bars(SYMBOLS * 20)
    features = kernels.features(SYMBOLS, Lengths())
    calls = [
        array("d", itertools.chain(*((float(s), *_bar(bars, turn * SYMBOLS + s)) for s in every)))
        for turn, every in enumerate([range(SYMBOLS)] * 20)
    ]

    def run() -> int:
        for call in calls:
            features.update(call)
        return len(calls)

    return run


def _bar(bars: "array[float]", number: int) -> "array[float]":
    return bars[5 * number : 5 * number + 5]


def _fewer(kernels: Kernels) -> int:
    return BARS_PLAIN if isinstance(kernels, PlainKernels) else BARS


def batch_features(kernels: Kernels) -> Work:
    """Many bars of one symbol in one call, into a buffer of ours."""
    count = _fewer(kernels)
    bars = scenario.bars(count)
    rows = array("d", itertools.chain(*((0.0, *_bar(bars, number)) for number in range(count))))
    out = array("d", bytes(8 * len(FEATURES) * count))
    features = kernels.features(1, Lengths())

    def run() -> int:
        features.update_into(rows, out)
        return count

    return run


def sweep(rules: Rules) -> Callable[[Kernels], Work]:
    """Eight sets over the same bars."""

    def prepare(kernels: Kernels) -> Work:
        count = _fewer(kernels)
        bars = kernels.sweep(scenario.bars(count), SweepMarket())
        sets = [rules] * 8

        def run() -> int:
            bars.run(sets)
            return count * len(sets)

        return run

    return prepare


TASKS: dict[str, Callable[[Kernels], Work]] = {
    "depth frame": book,
    "quote through 878 cycles, one a call": triangles(1),
    f"quote through 878 cycles, {BATCH} a call": triangles(BATCH),
    f"bar close of {SYMBOLS} symbols, 20 features each": live_features,
    "bar of one symbol, 20 features, in one call": batch_features,
    "sweep, bar x set, cross": sweep(Rules(fast=20, slow=50)),
    "sweep, bar x set, breakout with trail": sweep(
        Rules(breakout=True, volume_factor=1.0, trail_atr=3.0)
    ),
}
