"""From a venue's stream on loopback to a decision, ours beside other clients, in one run.

Ours goes through the feed and the whole engine; the others end where they hand an event over.
Every client reads the same frames from the same sender, which has a core of its own.
"""

import array
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import uvloop
from msgspec import Struct

from benchmarks import priority, rig
from benchmarks.peers.home import ROOT, python_of
from benchmarks.table import Row
from benchmarks.wire_clients import Decided, Rest, ccxt_pro, ours
from benchmarks.wire_frames import LEVELS, bare, deltas, native, tickers, trades
from tradewinds.gateways.binance_channel import BinanceChannel, Places
from tradewinds.model.events import MarketEvent

DRAINED = 100_000
DEPTH_FRAMES = 60_000
RATES = {1_000: 4_000, 10_000: 40_000, 50_000: 150_000}
ROUNDS = 3
SLOW = {"ccxt.pro": 20_000, "cryptofeed": 60_000}
"""Of a client that takes long no more than so many frames are asked."""
SLOW_RATE_MAX = {"ccxt.pro": 10_000, "cryptofeed": 10_000}
PEER_S = 120
STREAMS: dict[str, tuple[Callable[[int], Iterator[bytes]], int]] = {
    "bookTicker": (tickers, DRAINED),
    "aggTrade": (trades, DRAINED),
    "depth": (deltas, DEPTH_FRAMES),
}


class Passage(Struct, frozen=True, kw_only=True):
    """When each decision was made, when its frame had left, and when the first of all had; ns."""

    done: Sequence[int]
    sent: Sequence[int]
    began_ns: int


Client = Callable[[Sequence[bytes], str, int], Passage]
"""Frames, their kind and a rate to what became of them."""


@contextlib.contextmanager
def serving(frames: Sequence[bytes], rate: int) -> Iterator[tuple[str, Path]]:
    """A server process with these frames; its address, and where it leaves its stamps."""
    with tempfile.TemporaryDirectory() as folder:
        prepared, stamps = Path(folder, "frames"), Path(folder, "stamps")
        prepared.write_bytes(b"\n".join(frames))
        command = [sys.executable, "-m", "benchmarks.wire_server", str(prepared), str(stamps)]
        server = subprocess.Popen([*command, str(rate)], stdout=subprocess.PIPE, cwd=ROOT)
        try:
            assert server.stdout is not None
            yield f"ws://127.0.0.1:{int(server.stdout.readline())}", stamps
        finally:
            server.kill()
            server.wait()


def by_us(frames: Sequence[bytes], kind: str, rate: int) -> Passage:
    """In this process, on a loop of uvloop."""
    with serving(frames, rate) as (url, stamps):
        decided = uvloop.run(ours(url, kind, len(frames)))
        return _passage(decided, stamps, len(frames))


def by_ccxt(frames: Sequence[bytes], kind: str, rate: int) -> Passage:
    """In this process too."""
    with serving([bare(frame) for frame in frames], rate) as (url, stamps):
        decided = uvloop.run(ccxt_pro(url, kind, len(frames)))
        return _passage(decided, stamps, len(frames))


def by_peer(name: str) -> Client | None:
    """In a process of its own, with the packages it wants; None where they are not there."""
    python = python_of(name)
    if python is None:
        return None

    def run(frames: Sequence[bytes], kind: str, rate: int) -> Passage:
        with serving(frames, rate) as (url, stamps):
            out = stamps.with_name("done")
            module = f"benchmarks.peers.wire_{name}"
            command = [str(python), "-m", module, url, kind, str(len(frames)), str(out)]
            command += [i.symbol for i in Rest.instruments] if name == "cryptofeed" else []
            subprocess.run(command, check=True, cwd=ROOT, timeout=PEER_S)
            at = array.array("q", out.read_bytes())
            first = len(frames) - len(at)
            return _passage(Decided(at=at, numbers=range(first, len(frames))), stamps, len(frames))

    return run


def _passage(decided: Decided, stamps: Path, count: int) -> Passage:
    for _ in range(200):
        if stamps.exists() and stamps.stat().st_size >= 8 * count:
            sent = array.array("q", stamps.read_bytes())
            left = [sent[number] for number in decided.numbers]
            return Passage(done=decided.at, sent=left, began_ns=sent[0])
        time.sleep(0.05)
    raise SystemExit("the sender did not finish; is the machine overloaded?")


def _drain_row(name: str, frames: int, passage: Passage) -> Row:
    """Messages a second from the first departure to the last decision, all of them counted."""
    if not passage.done:
        return Row(name=f"drained: {name}, nothing handed on", figure=0.0, unit="msgs/s")
    seconds = (max(passage.done) - passage.began_ns) / 1e9
    note = "" if len(passage.done) == frames else f", {len(passage.done):,} handed on"
    return Row(name=f"drained: {name}{note}", figure=frames / seconds, unit="msgs/s")


def _latency_rows(name: str, rate: int, passages: Sequence[Passage]) -> list[Row]:
    """Of the calmest round: on a shared machine the others measure the neighbours."""
    rounds = [
        sorted(after - before for after, before in zip(p.done, p.sent, strict=True))
        for p in passages
        if p.done
    ]
    if not rounds:
        return []
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


def _clients() -> dict[str, Client]:
    """By the name in the table, in the order in which they take turns."""
    found: dict[str, Client | None] = {
        "feed and whole engine": by_us,
        "ccxt.pro, no engine": by_ccxt,
        "cryptofeed, no engine": by_peer("cryptofeed"),
        "websockets + msgspec, nothing else": by_peer("websockets"),
    }
    return {name: client for name, client in found.items() if client is not None}


def _cut(name: str, frames: Sequence[bytes]) -> Sequence[bytes]:
    return frames[: SLOW.get(name.partition(",")[0], len(frames))]


def _drained() -> list[Row]:
    rows = []
    for kind, (make, count) in STREAMS.items():
        title = f"{kind} of {LEVELS} levels, book kept" if kind == "depth" else kind
        for name, client in _clients().items():
            # Made anew for each, because they tell the time, and an old one is not of now.
            some = _cut(name, list(make(count)))
            rows.append(_drain_row(f"{title}, {name}", len(some), client(some, kind, 0)))
    return rows


def _latencies(quotes: Sequence[bytes]) -> list[Row]:
    rows = []
    for rate, count in RATES.items():
        rounds: dict[str, list[Passage]] = {}
        for _ in range(ROUNDS):
            for name, client in _clients().items():
                if rate <= SLOW_RATE_MAX.get(name.partition(",")[0], rate):
                    frames = _cut(name, quotes[:count])
                    rounds.setdefault(name, []).append(client(frames, "bookTicker", rate))
        for name, passages in rounds.items():
            rows += _latency_rows(name, rate, passages)
    return rows


def measure() -> list[Row]:
    """All rows, the clients in turn."""
    quotes, prints = list(tickers(max(RATES.values()))), list(trades(DRAINED))
    priority.keep_to(priority.CLIENT_CORE)
    first = priority.come_first()
    try:
        rows = [_decode_row("bookTicker", quotes[:DRAINED]), _decode_row("aggTrade", prints)]
        rows += _drained() + _latencies(quotes)
    finally:
        priority.stand_back()
    word = "before all others" if first else "among the others: their load is in it"
    return [*rows, Row(name=f"... sender and clients ran {word}", figure=float(first), unit="")]
