"""A small run of every kernel over made-up input, the same on every machine, and its digest."""

import hashlib
from array import array
from collections.abc import Iterator

from msgspec import Struct

from tradewinds.features.kernels.contract import (
    BookSettings,
    Floats,
    Kernels,
    Lengths,
    Rules,
    SweepMarket,
    TriangleSettings,
)

SYMBOLS = 3
CYCLES = 12
INSTRUMENTS = 8
LENGTHS = Lengths(channel=13, slow=17)
MARKET = SweepMarket(tick=0.01, lot=0.0001, entry_slack=0.02)
BOOK = BookSettings(symbol="BTCUSDT", capacity=60, quantity=2.5, frame_bytes=4096)
THRESHOLD = 0.998
KEEP = 0.999


class Size(Struct, frozen=True, kw_only=True):
    """How much of everything."""

    frames: int = 40
    quotes: int = 100
    bars: int = 200
    sets: int = 12


class Chance:
    """Numbers without a pattern: a linear congruential generator (Knuth's MMIX constants)."""

    def __init__(self, seed: int) -> None:
        self._state = seed

    def below(self, limit: int) -> int:
        """From 0 to limit - 1."""
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        return (self._state >> 33) % limit


def digest(kernels: Kernels, size: Size | None = None) -> str:
    """SHA-256 over all answers, in order, as the parity tests and the node driver make it."""
    size = size or Size()
    sha = hashlib.sha256()
    for part in (_book, _triangles, _features, _sweep):
        for piece in part(kernels, size):
            sha.update(piece)
    return sha.hexdigest()


def frames(count: int) -> list[bytes]:
    """A snapshot, then deltas with all that can be wrong with one."""
    chance = Chance(1)
    levels = _levels(chance, 30, 6_000_000, -1), _levels(chance, 30, 6_000_100, 1)
    told = [f'{{"lastUpdateId":100,"bids":{levels[0]},"asks":{levels[1]}}}']
    last = 100
    for number in range(count):
        changes = 1 + chance.below(8)
        bids = _levels(chance, changes, 6_000_000 - chance.below(40), -1)
        asks = _levels(chance, changes, 6_000_100 + chance.below(40), 1)
        first, last = last + 1, last + 1 + chance.below(5)
        body = f'"e":"depthUpdate","E":17231612{number:05d},"s":"BTCUSDT","U":{first},"u":{last}'
        body = f'{{{body},"b":{bids},"a":{asks}}}'
        told.append(f'{{"stream":"btcusdt@depth","data":{body}}}' if number % 3 else body)
    told.append(told[-1])
    told.append('{"u":1,"s":"BTCUSDT","b":"1.0","B":"1","a":"2.0","A":"1"}')
    told.append('{"U":1,"u":2,"b":[["x","1"]],"a":[]}')
    told.append(f'{{"U":{last + 9},"u":{last + 9},"b":[],"a":[]}}')
    return [each.encode() for each in told]


def _levels(chance: Chance, count: int, start: int, step: int) -> str:
    prices = (start + step * 7 * place for place in range(count))
    rows = (f'["{p // 100}.{p % 100:02d}000000","{_size(chance)}"]' for p in prices)
    return f"[{','.join(rows)}]"


def _size(chance: Chance) -> str:
    if chance.below(4) == 0:
        return "0.00000000"
    return f"{chance.below(20)}.{1 + chance.below(99_999_999):08d}"


def cycles() -> list[tuple[int, int, int]]:
    """Any three edges make a product, whether a market has such a cycle or not."""
    chance = Chance(2)
    edges = 2 * INSTRUMENTS
    return [(chance.below(edges), chance.below(edges), chance.below(edges)) for _ in range(CYCLES)]


def quotes(count: int) -> Floats:
    """Around 1, so that products are; now and then one that cannot be true."""
    chance = Chance(3)
    rows = array("d")
    for _ in range(count):
        bid = 0.99 + chance.below(2_000) / 100_000
        ask = 0.0 if chance.below(20) == 0 else bid + chance.below(100) / 100_000
        rows.extend((float(chance.below(INSTRUMENTS + 1)), bid, ask))
    return rows


def symbol_bars(count: int) -> Floats:
    """A random walk of each symbol, one after the other at each close, with a bad bar at times."""
    chance = Chance(4)
    prices = [100.0 * (1 + symbol) for symbol in range(SYMBOLS)]
    rows = array("d")
    for _ in range(count):
        for symbol, price in enumerate(prices):
            bar = _bar(chance, price)
            prices[symbol] = bar[3]
            if chance.below(50) == 0:
                bar = (bar[0], 0.0, *bar[2:])
            rows.extend((float(symbol), *bar))
    return rows


def bars(count: int) -> Floats:
    """One random walk."""
    chance = Chance(5)
    price = 100.0
    rows = array("d")
    for _ in range(count):
        bar = _bar(chance, price)
        price = bar[3]
        rows.extend(bar)
    return rows


def _bar(chance: Chance, price: float) -> tuple[float, float, float, float, float]:
    """Prices on hundredths, never below one."""
    opened = max(1.0, round(price * 100 + chance.below(21) - 10) / 100)
    close = max(1.0, round(opened * 100 + chance.below(401) - 200) / 100)
    high = max(opened, close) + chance.below(100) / 100
    low = max(0.5, min(opened, close) - chance.below(100) / 100)
    return opened, high, low, close, float(chance.below(1_000))


def rules(count: int) -> list[Rules]:
    """Both families with everything on and off; the last cannot be run."""
    chance = Chance(6)
    sets = [
        Rules(
            breakout=chance.below(2) == 1,
            fast=2 + chance.below(6),
            slow=8 + chance.below(20),
            channel=2 + chance.below(20),
            volume_bars=1 + chance.below(20),
            volume_factor=chance.below(3) / 2,
            atr=1 + chance.below(20),
            stop_atr=0.5 + chance.below(8) / 2,
            target_atr=chance.below(6) / 2,
            trail_atr=chance.below(4) * 1.5,
            trail_step_atr=chance.below(3) / 4,
            hold_max=chance.below(3) * 10,
            cooldown=chance.below(3) * 2,
            shorts=chance.below(2) == 1,
        )
        for _ in range(count - 1)
    ]
    return [*sets, Rules(stop_atr=0.0)]


def _book(kernels: Kernels, size: Size) -> Iterator[bytes]:
    book = kernels.book(BOOK)
    for frame in frames(size.frames):
        status = book.frame(frame)
        yield array("d", [float(status), *(book.row() if status == 0 else ())]).tobytes()
    for side in book.levels(10):
        yield array("d", [value for level in side for value in level]).tobytes()
    book.close()


def _triangles(kernels: Kernels, size: Size) -> Iterator[bytes]:
    settings = TriangleSettings(
        keeps=[KEEP] * (2 * INSTRUMENTS),
        cycles=cycles(),
        threshold=THRESHOLD,
        rows_max=size.quotes,
        hits_max=8 * size.quotes,
    )
    scan = kernels.triangles(settings)
    for scanned in (scan.scan(quotes(size.quotes)), -1):
        found = scan.all() if scanned < 0 else scanned
        hits = [float(value) for hit in scan.hits() for value in hit]
        yield array("d", [float(found), *hits]).tobytes()
    scan.close()


def _features(kernels: Kernels, size: Size) -> Iterator[bytes]:
    features = kernels.features(SYMBOLS, LENGTHS)
    yield features.update(symbol_bars(size.bars)).tobytes()
    yield array("d", [float(features.refused)]).tobytes()
    features.close()


def _sweep(kernels: Kernels, size: Size) -> Iterator[bytes]:
    sweep = kernels.sweep(bars(size.bars), MARKET)
    sets = rules(size.sets)
    for result in sweep.run(sets):
        yield array("d", result).tobytes()
    for each in sets[:2]:
        trades, curve = sweep.detail(each)
        yield array("d", [value for trade in trades for value in trade]).tobytes()
        yield curve.tobytes()
    sweep.close()
