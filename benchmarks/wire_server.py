"""A stand-in for a venue's stream, in a process of its own: pushes prepared frames at a rate.

`python -m benchmarks.wire_server FRAMES STAMPS RATE`: one frame a line; the first message of a
client starts it. RATE 0 is as fast as the client reads. When each frame left is written to STAMPS.
"""

import array
import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any

import uvloop
from picows import WSListener, WSMsgType, ws_create_server

TICK_S = 0.001
BURST = 256
BUFFER_MAX = 1 << 20


class Pusher(WSListener):
    """Sends everything once, to one client."""

    def __init__(self, frames: list[bytes], stamps: Path, rate: int) -> None:
        self._frames = frames
        self._stamps = stamps
        self._rate = rate
        self._task: asyncio.Task[None] | None = None

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        """The subscription."""
        if frame.msg_type is WSMsgType.TEXT and self._task is None:
            self._task = asyncio.create_task(self._push(transport))

    async def _push(self, transport: Any) -> None:
        await asyncio.sleep(0.3)
        sent = array.array("q")
        send, now_ns, text = transport.send, time.monotonic_ns, WSMsgType.TEXT
        waiting = transport.underlying_transport.get_write_buffer_size
        began, total = time.monotonic(), len(self._frames)
        while len(sent) < total:
            due = int((time.monotonic() - began) * self._rate) if self._rate else len(sent) + BURST
            for frame in self._frames[len(sent) : min(due, total)]:
                sent.append(now_ns())
                send(text, frame)
            # Above a frame a tick it spins: sleeping would make bursts of an even stream.
            slow = 0 < self._rate <= 1.0 / TICK_S
            await asyncio.sleep(TICK_S if slow or waiting() > BUFFER_MAX else 0)
        self._stamps.write_bytes(sent.tobytes())


async def main(frames: Path, stamps: Path, rate: int) -> None:
    """Listen on a free port, print it, serve until killed."""
    lines = frames.read_bytes().splitlines()  # noqa: ASYNC240 - before there is anything to do
    server = await ws_create_server(lambda _: Pusher(lines, stamps, rate), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def keep_apart() -> None:
    """On the last core, where it spins without pushing its client aside."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {(os.cpu_count() or 1) - 1})


if __name__ == "__main__":
    keep_apart()
    uvloop.run(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
