"""From a venue's stream on loopback to a decision of the whole engine, ours beside ccxt.pro.

cryptofeed and nautilus_trader are not measured here: they are no dependencies of ours.
"""

import array
import asyncio
import contextlib
import gc
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import uvloop
from msgspec import Struct

from benchmarks import rig
from benchmarks.table import Row
from tradewinds.gateways.binance_channel import BinanceChannel, Places
from tradewinds.gateways.binance_feed import BinanceFeed, BinanceOptions, Endpoints
from tradewinds.gateways.venue_rest import Depth
from tradewinds.model.events import MarketEvent
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Bar, Quote

DRAINED = 100_000
DEPTH_FRAMES = 20_000
LEVELS = 20
RATES = {1_000: 4_000, 10_000: 40_000, 50_000: 150_000}
CCXT_FRAMES = 20_000
CCXT_RATES = {1_000: 4_000, 10_000: 20_000}
ROUNDS = 3
QUIET_S = 2.0
"""The stream is over when nothing has come for this long."""


class Passage(Struct, frozen=True, kw_only=True):
    """When each decision was made, when its frame had left, and when the first of all had; ns."""

    done: Sequence[int]
    sent: Sequence[int]
    began_ns: int


class Rest:
    """The instruments of the synthetic market, listed as if Binance did."""

    instruments: Sequence[Instrument] = rig.FEED.instruments

    def native_id(self, symbol: str) -> str:
        """`BTCUSDT`."""
        return symbol.replace("/", "")

    async def depth(self, symbol: str, limit: int) -> Depth:
        """A book in which all levels of the frames lie."""
        bids = [(100.0 - n / 100, 1.0) for n in range(1, 501)]
        asks = [(100.0 + n / 100, 1.0) for n in range(1, 501)]
        return Depth(bids=bids, asks=asks, update_id=1, limit=limit + 1)

    async def bars(self, symbol: str, timeframe_ns: int, since_ns: int, most: int) -> list[Bar]:
        """None."""
        return []

    async def listing(self, symbols: Sequence[str]) -> tuple[Instrument, ...]:
        """All."""
        return tuple(self.instruments)

    async def close(self) -> None:
        """Nothing is open."""


def native(instrument_id: str) -> str:
    """`BTC/USDT@x` as the venue writes it."""
    return instrument_id.partition("@")[0].replace("/", "")


def wrapped(stream: str, data: dict[str, Any]) -> bytes:
    """As on a combined stream, compact."""
    return json.dumps({"stream": stream, "data": data}, separators=(",", ":")).encode()


def tickers(count: int) -> Iterator[bytes]:
    """bookTicker frames of twelve instruments, from the synthetic market's quotes."""
    quotes = (event for event in rig.FEED.events() if type(event) is Quote)
    for number, quote in enumerate(itertools.islice(quotes, count), 1):
        symbol = native(quote.instrument_id)
        data = {"u": number, "s": symbol, "b": f"{quote.bid:.8f}", "B": f"{quote.bid_size:.8f}"}
        data |= {"a": f"{quote.ask:.8f}", "A": f"{quote.ask_size:.8f}"}
        yield wrapped(f"{symbol.lower()}@bookTicker", data)


def trades(count: int) -> Iterator[bytes]:
    """aggTrade frames. Their time is now, so that they are not taken for old ones."""
    symbol, now_ms = native(Rest.instruments[0].id), time.time_ns() // 1_000_000 + 3_000
    for number in range(1, count + 1):
        data = {"e": "aggTrade", "E": now_ms, "s": symbol, "a": number, "p": "100.10000000"}
        data |= {"q": "0.01000000", "f": number, "l": number, "T": now_ms, "m": True, "M": True}
        yield wrapped(f"{symbol.lower()}@aggTrade", data)


def deltas(count: int) -> Iterator[bytes]:
    """depthUpdate frames of ten levels a side; every fourth level is taken away."""
    symbol, now_ms = native(Rest.instruments[0].id), time.time_ns() // 1_000_000 + 3_000
    for number in range(1, count + 1):
        sides: dict[str, list[list[str]]] = {"b": [], "a": []}
        for n in range(LEVELS // 2):
            step = 2 + (number * 7 + n * 31) % 400
            size = "0.00000000" if (number + n) % 4 == 0 else f"{1 + n / 8:.8f}"
            sides["b"].append([f"{100 - step / 100:.8f}", size])
            sides["a"].append([f"{100 + step / 100:.8f}", size])
        data = {"e": "depthUpdate", "E": now_ms, "s": symbol, "U": number + 1, "u": number + 1}
        yield wrapped(f"{symbol.lower()}@depth@100ms", {**data, **sides})


@contextlib.contextmanager
def serving(frames: Sequence[bytes], rate: int) -> Iterator[tuple[str, Path]]:
    """A server process with these frames; its address, and where it leaves its stamps."""
    with tempfile.TemporaryDirectory() as folder:
        prepared, stamps = Path(folder, "frames"), Path(folder, "stamps")
        prepared.write_bytes(b"\n".join(frames))
        command = [sys.executable, "-m", "benchmarks.wire_server", str(prepared), str(stamps)]
        server = subprocess.Popen([*command, str(rate)], stdout=subprocess.PIPE)
        try:
            assert server.stdout is not None
            yield f"ws://127.0.0.1:{int(server.stdout.readline())}", stamps
        finally:
            server.kill()
            server.wait()


async def ours(frames: Sequence[bytes], rate: int, *, depth: bool = False) -> Passage:
    """Through our feed and the whole engine."""
    driver, done, clock = rig.wired(time.time_ns()), array.array("q"), time.monotonic_ns
    with serving(frames, rate) as (url, stamps):
        options = BinanceOptions(
            symbols=(), depth=depth, bars_ns=0, endpoints=Endpoints(spot=f"{url}/stream")
        )
        feed = BinanceFeed(options, Rest.instruments, Rest())
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000)
        market, expected = driver.market, len(frames)
        async with contextlib.aclosing(feed.batches()) as batches:
            while len(done) < expected:
                try:
                    batch = await asyncio.wait_for(anext(batches), QUIET_S)
                except TimeoutError:
                    break
                for event in batch:
                    market(event)
                    done.append(clock())
        sent = _sent(stamps, len(frames))
    # Deltas before the snapshot come out in one: those that are missing are the first ones.
    return Passage(done=done, sent=sent[len(sent) - len(done) :], began_ns=sent[0])


async def ccxt_pro(frames: Sequence[bytes], rate: int) -> Passage:
    """Through ccxt.pro's watch_bids_asks to nothing at all; of a burst it tells the newest."""
    import ccxt.pro

    exchange = ccxt.pro.binance({"newUpdates": True})
    symbols = sorted({instrument.symbol for instrument in Rest.instruments})
    exchange.set_markets([_market(exchange, symbol) for symbol in symbols])
    done: dict[int, int] = {}
    with serving([_bare(frame) for frame in frames], rate) as (url, stamps):
        exchange.urls["api"]["ws"]["spot"] = f"{url}/ws"
        with contextlib.suppress(TimeoutError):
            while len(frames) not in done:
                told = await asyncio.wait_for(exchange.watch_bids_asks(symbols), QUIET_S)
                now = time.monotonic_ns()
                done.update((ticker["info"]["u"], now) for ticker in told.values())
        await exchange.close()
        sent = _sent(stamps, len(frames))
    return Passage(done=list(done.values()), sent=[sent[u - 1] for u in done], began_ns=sent[0])


def _bare(frame: bytes) -> bytes:
    """Without the name of its stream."""
    return json.dumps(json.loads(frame)["data"], separators=(",", ":")).encode()


def _sent(stamps: Path, count: int) -> Sequence[int]:
    """When each frame left; the server writes it after the last one."""
    for _ in range(200):
        if stamps.exists() and stamps.stat().st_size >= 8 * count:
            return array.array("q", stamps.read_bytes())
        time.sleep(0.05)
    raise SystemExit("the server did not finish; is the machine overloaded?")


def _market(exchange: Any, symbol: str) -> dict[str, Any]:
    base, quote = symbol.split("/")
    names = {"symbol": symbol, "id": base + quote, "lowercaseId": (base + quote).lower()}
    sides = {"base": base, "quote": quote, "baseId": base, "quoteId": quote}
    kind = {"type": "spot", "spot": True, "active": True, "contract": False, "swap": False}
    return exchange.safe_market_structure({**names, **sides, **kind})


def _drain_row(name: str, frames: int, passage: Passage) -> Row:
    """Messages a second from the first departure to the last decision, all of them counted."""
    seconds = (max(passage.done) - passage.began_ns) / 1e9
    note = "" if len(passage.done) == frames else f", {len(passage.done):,} handed on"
    return Row(name=f"drained: {name}{note}", figure=frames / seconds, unit="msgs/s")


def _latency_rows(name: str, rate: int, passages: Sequence[Passage]) -> list[Row]:
    """Of the calmest round: on a shared machine the others measure the neighbours."""
    rounds = [
        sorted(after - before for after, before in zip(p.done, p.sent, strict=True))
        for p in passages
    ]
    took = min(rounds, key=lambda each: each[len(each) * 99 // 100])
    return [
        Row(name=f"wire to decision at {rate:,}/s, {name}, {label}", figure=at / 1e3, unit="us")
        for label, at in (("p50", took[len(took) // 2]), ("p99", took[len(took) * 99 // 100]))
    ]


def _decode_row(name: str, frames: Sequence[bytes]) -> Row:
    """Frames already in memory, to events put into a list: no socket, no engine."""
    symbols = {native(i.id): i.id for i in Rest.instruments}
    out: list[MarketEvent] = []
    places = Places(put=out.append, put_bar=out.append, books={})
    channel, now_ns = BinanceChannel(symbols, places), time.time_ns()

    def run() -> None:
        take = channel.frame
        for frame in frames:
            take(frame, now_ns)

    seconds = rig.timed(run)
    assert len(out) == len(frames)
    return Row(name=f"decode alone, {name}", figure=len(frames) / seconds, unit="msgs/s")


@contextlib.contextmanager
def apart_from_the_server() -> Iterator[None]:
    """Not on the core on which the server spins, where there is another."""
    last = (os.cpu_count() or 1) - 1
    if not hasattr(os, "sched_setaffinity") or os.sched_getaffinity(0) <= {last}:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, before - {last})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def measure() -> list[Row]:
    """All rows, ours and ccxt.pro in turn."""
    with apart_from_the_server():
        return _measure()


def _measure() -> list[Row]:
    quotes, prints = list(tickers(max(RATES.values()))), list(trades(DRAINED))
    levels = list(deltas(DEPTH_FRAMES))
    rows = [_decode_row("bookTicker", quotes[:DRAINED]), _decode_row("aggTrade", prints)]
    name = f"depth of {LEVELS} levels, book kept"
    for what, frames in (("bookTicker", quotes[:DRAINED]), ("aggTrade", prints), (name, levels)):
        passage = uvloop.run(ours(frames, 0, depth=frames is levels))
        rows.append(_drain_row(f"{what}, feed and whole engine", len(frames), passage))
    passage = uvloop.run(ccxt_pro(quotes[:CCXT_FRAMES], 0))
    rows.append(_drain_row("bookTicker, ccxt.pro, no engine", CCXT_FRAMES, passage))
    for rate, count in RATES.items():
        our_rounds, peer_rounds = [], []
        for _ in range(ROUNDS):
            our_rounds.append(uvloop.run(ours(quotes[:count], rate)))
            if rate in CCXT_RATES:
                peer_rounds.append(uvloop.run(ccxt_pro(quotes[: CCXT_RATES[rate]], rate)))
        rows += _latency_rows("with engine", rate, our_rounds)
        if peer_rounds:
            rows += _latency_rows("ccxt.pro, no engine", rate, peer_rounds)
    return rows
