"""One WebSocket connection as a venue sees it, with everything that can go wrong on it."""

import asyncio
from collections.abc import Mapping
from fnmatch import fnmatchcase

from aiohttp import WSCloseCode, web

from tradewinds.practice.clock import NS_PER_S, VenueClock
from tradewinds.practice.faults import (
    Close,
    Drop,
    Duplicate,
    FaultPlan,
    Garble,
    HalfOpen,
    Silence,
    Swap,
    Withhold,
)

CUT_OFF = 1006


class Socket:
    """Frames go out in the order they were sent, by a task of their own.

    `state` belongs to the site: what the connection is subscribed to. `ping_s` and `pong_s`: how
    often the venue pings, and how long it waits for a pong before it cuts the connection.
    """

    def __init__(
        self, name: str, path: str, query: Mapping[str, str], clock: VenueClock, plan: FaultPlan
    ) -> None:
        self.name = name
        self.path = path
        self.query = query
        self.state: object = None
        self.ping_s = 20.0
        self.pong_s = 60.0
        self.life_s = 24 * 3_600.0
        self.half_open = False
        self.answers_pings = True
        self.sent = 0
        self._clock = clock
        self._plan = plan
        self._queue: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        self._swapped: tuple[str, bytes] | None = None
        self._silenced: dict[str, int | None] = {}
        self._opened_ns = self._pinged_ns = self._ponged_ns = clock.elapsed_ns()
        self._ws: web.WebSocketResponse | None = None
        self.closing = False

    def send(self, stream: str, frame: bytes) -> None:
        """Queue a frame of `stream`; faults strike by `<site> <stream>`."""
        if self.closing or self.half_open or self._is_silent(stream):
            return
        fault = self._plan.strike_frame(f"{self.name} {stream}")
        if fault is None:
            self._put("text", frame)
        elif isinstance(fault, Silence | HalfOpen | Close):
            self._disturb(fault, stream)
        else:
            self._mangle(fault, frame)

    def _disturb(self, fault: Silence | HalfOpen | Close, stream: str) -> None:
        match fault:
            case Silence(for_s=seconds):
                self._silence(stream, seconds)
            case HalfOpen():
                self.half_open = True
            case Close(code=code):
                self.close(code)

    def _mangle(self, fault: Drop | Duplicate | Swap | Withhold | Garble, frame: bytes) -> None:
        match fault:
            case Drop():
                pass
            case Duplicate():
                self._put("text", frame)
                self._put("text", frame)
            case Swap():
                self._swapped = ("text", frame)
            case Withhold(for_s=seconds):
                asyncio.get_running_loop().call_later(seconds, self._put, "text", frame)
            case Garble():
                self._garble(fault, frame)

    def reply(self, frame: bytes) -> None:
        """An answer to a request on this connection: no fault of frames applies."""
        if not self.closing and not self.half_open:
            self._put("text", frame)

    def close(self, code: int = WSCloseCode.GOING_AWAY) -> None:
        """After what is queued; 1006 cuts the line at once."""
        self.closing = True
        self._put("cut" if code == CUT_OFF else "close", str(int(code)).encode())

    def tick(self) -> None:
        """Ping when it is time, give up on the dead, end what is too old."""
        now_ns = self._clock.elapsed_ns()
        if now_ns - self._opened_ns >= self.life_s * NS_PER_S and not self.closing:
            self.close()
        if self.half_open:
            return
        if self._pinged_ns > self._ponged_ns:
            if now_ns - self._pinged_ns >= self.pong_s * NS_PER_S and not self.closing:
                self.close(CUT_OFF)
        elif now_ns - self._pinged_ns >= self.ping_s * NS_PER_S:
            self._pinged_ns = now_ns
            self._put("ping", str(self._clock.now_ms()).encode())

    def ponged(self) -> None:
        """A pong came."""
        self._ponged_ns = max(self._clock.elapsed_ns(), self._pinged_ns)

    async def pinged(self, payload: bytes) -> None:
        """A client's ping, answered unless the line is dead."""
        if self._ws is not None and self.answers_pings and not self.half_open:
            await self._ws.pong(payload)

    async def write_to(self, ws: web.WebSocketResponse, request: web.Request) -> None:
        """Send what is queued until the end."""
        self._ws = ws
        while not ws.closed:
            kind, frame = await self._queue.get()
            try:
                if kind == "close":
                    await ws.close(code=int(frame))
                    return
                if kind == "cut":
                    if request.transport is not None:
                        request.transport.abort()
                    return
                await self._write(ws, kind, frame)
            except (ConnectionError, RuntimeError):
                return

    async def _write(self, ws: web.WebSocketResponse, kind: str, frame: bytes) -> None:
        if kind == "ping":
            await ws.ping(frame)
        elif kind == "binary":
            await ws.send_bytes(frame)
        else:
            self.sent += 1
            await ws.send_str(frame.decode())

    def _put(self, kind: str, frame: bytes) -> None:
        self._queue.put_nowait((kind, frame))
        if self._swapped is not None and kind in ("text", "binary"):
            swapped, self._swapped = self._swapped, None
            self._queue.put_nowait(swapped)

    def _garble(self, garble: Garble, frame: bytes) -> None:
        self._put("binary" if garble.binary else "text", garble.frame)
        if not garble.instead:
            self._put("text", frame)

    def _silence(self, stream: str, seconds: float | None) -> None:
        until = None if seconds is None else self._clock.elapsed_ns() + round(seconds * NS_PER_S)
        self._silenced[stream] = until

    def _is_silent(self, stream: str) -> bool:
        for pattern, until_ns in self._silenced.items():
            if fnmatchcase(stream, pattern):
                return until_ns is None or self._clock.elapsed_ns() < until_ns
        return False
