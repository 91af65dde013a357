"""The least a client can do: websockets and msgspec, typed, to nothing. Arguments as its sister's.

A depth frame is decoded, and its levels are put into two dicts: no order is kept.
"""

import array
import asyncio
import contextlib
import gc
import sys
import time
from pathlib import Path

import msgspec
import uvloop
import websockets

from benchmarks import priority
from benchmarks.wire_book import book_side

SILENT_S = 2.0


class Ticker(msgspec.Struct):
    """bookTicker."""

    s: str
    u: int
    b: float
    B: float
    a: float
    A: float


class Print(msgspec.Struct):
    """aggTrade."""

    s: str
    a: int
    p: float
    q: float
    m: bool
    T: int


class Depth(msgspec.Struct):
    """depthUpdate."""

    s: str
    U: int
    u: int
    b: list[tuple[float, float]]
    a: list[tuple[float, float]]


class Ticked(msgspec.Struct):
    """Of a combined stream."""

    data: Ticker


class Printed(msgspec.Struct):
    """Of a combined stream."""

    data: Print


class Changed(msgspec.Struct):
    """Of a combined stream."""

    data: Depth


TYPES = {"bookTicker": Ticked, "aggTrade": Printed, "depth": Changed}


async def read(url: str, kind: str, expected: int, at: "array.array[int]") -> None:
    """Decode, decide nothing, note the time."""
    decode, clock = msgspec.json.Decoder(TYPES[kind], strict=False).decode, time.monotonic_ns
    bids, asks = dict(book_side(-1)), dict(book_side(1))
    async with websockets.connect(f"{url}/stream", compression=None, max_queue=None) as socket:
        while len(at) < expected:
            data = decode(await asyncio.wait_for(socket.recv(decode=False), SILENT_S)).data
            if kind == "depth":
                bids.update(data.b)
                asks.update(data.a)
            at.append(clock())


def main(url: str, kind: str, expected: int, out: Path) -> None:
    """Until all has come or nothing comes any more."""
    at = array.array("q")
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000)
    with contextlib.suppress(TimeoutError):
        uvloop.run(read(url, kind, expected, at))
    out.write_bytes(at.tobytes())


if __name__ == "__main__":
    priority.keep_to(priority.CLIENT_CORE)
    priority.come_first()
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
