"""One WebSocket connection: whole messages with the time they were read, and nothing else."""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from msgspec import Struct
from picows import (
    WSAutoPingStrategy,
    WSCloseCode,
    WSError,
    WSFrame,
    WSHandshakeError,
    WSListener,
    WSMsgType,
    WSTransport,
    ws_connect,
)

from tradewinds.gateways.probe import resolve_aside
from tradewinds.model.errors import VenueUnavailable

TEXT: Final = WSMsgType.TEXT
PING_AFTER_S: Final = 5.0
"""Without data for this long we ask; a half-open socket is found out by the missing answer."""
PONG_WITHIN_S: Final = 5.0
CONNECT_S: Final = 10.0
MESSAGE_BYTES_MAX: Final = 32 * 1024 * 1024
"""A whole order book of Coinbase comes in one message of several MiB."""
AGENT: Final = "tradewinds"

Take = Callable[[bytes, int], None]


class Resolver(Protocol):
    """How a host name becomes an address; aiohttp's resolvers are of this shape too."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> Sequence[Any]:
        """Mappings with `host` (an address) and `port`, best first. Raises OSError."""
        ...


class SystemResolver:
    """The machine's own."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> Sequence[Any]:
        """One address."""
        return [{"host": await resolve_aside(host, port), "port": port}]


class Wire(Struct, frozen=True, kw_only=True):
    """What lies between us and a venue. `context` None: the system's authorities."""

    resolver: Resolver = SystemResolver()
    context: ssl.SSLContext | None = None
    connect_s: float = CONNECT_S
    ping_after_s: float = PING_AFTER_S
    pong_within_s: float = PONG_WITHIN_S
    message_bytes_max: int = MESSAGE_BYTES_MAX
    now_ns: Callable[[], int] = time.time_ns


class HandshakeRefused(VenueUnavailable):
    """The venue answered the request to open a stream with an HTTP status of refusal."""

    def __init__(self, url: str, status: int) -> None:
        super().__init__(f"{url} refused a stream with status {status}")
        self.status = status


class Link(WSListener):
    """Made by `open_link`. Messages go to `take`; while it is None they are kept in `held`.

    `closed` is set when the connection is gone, for whatever reason; `why` then says which.
    """

    def __init__(self, wire: Wire) -> None:
        self._now_ns = wire.now_ns
        self._parts: list[bytes] = []
        self._bytes_max = wire.message_bytes_max
        self._transport: WSTransport | None = None
        self.take: Take | None = None
        self.held: list[tuple[bytes, int]] = []
        self.messages = 0
        self.closed = asyncio.Event()
        self.why = ""

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Called by picows once the handshake is done."""
        self._transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Called by picows for every frame; pings are answered before."""
        if frame.msg_type is TEXT and frame.fin:
            self._deliver(frame.get_payload_as_bytes())
        else:
            self._take_rare(transport, frame)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Called by picows."""
        self.why = self.why or "connection lost"
        self.closed.set()

    def flow_to(self, take: Take) -> None:
        """From now on to `take`, what was held back first."""
        held, self.held, self.take = self.held, [], take
        for message, received_ns in held:
            take(message, received_ns)

    def send(self, message: bytes) -> None:
        """Into the socket's buffer; nothing when it is already closed."""
        if self._transport is not None and not self.closed.is_set():
            self._transport.send(WSMsgType.TEXT, message)

    def pause(self, *, paused: bool) -> None:
        """Read no more for now, or go on: what comes meanwhile waits in the kernel."""
        if self._transport is None or self.closed.is_set():
            return
        if paused:
            self._transport.underlying_transport.pause_reading()
        else:
            self._transport.underlying_transport.resume_reading()

    def drop(self, why: str) -> None:
        """Close without waiting for the other side's goodbye. What still comes is not wanted."""
        self.take, self.why = _nowhere, self.why or why
        if self._transport is not None and not self.closed.is_set():
            self._transport.send_close(WSCloseCode.GOING_AWAY)
            self._transport.disconnect(graceful=False)
        self.closed.set()

    def _deliver(self, message: bytes) -> None:
        self.messages += 1
        if self.take is not None:
            self.take(message, self._now_ns())
        else:
            self.held.append((message, self._now_ns()))

    def _take_rare(self, transport: WSTransport, frame: WSFrame) -> None:
        kind = frame.msg_type
        if kind is WSMsgType.CLOSE:
            self.why = f"closed by the venue, code {int(frame.get_close_code().value)}"
            transport.send_close(frame.get_close_code())
            transport.disconnect()
        elif kind in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION):
            self._assemble(transport, frame)

    def _assemble(self, transport: WSTransport, frame: WSFrame) -> None:
        self._parts.append(frame.get_payload_as_bytes())
        if sum(map(len, self._parts)) > self._bytes_max:
            self.why = "message too long"
            transport.disconnect(graceful=False)
        elif frame.fin:
            message, self._parts = b"".join(self._parts), []
            self._deliver(message)


def _nowhere(message: bytes, received_ns: int) -> None:
    """What comes from a link that was given up."""


async def open_link(url: str, wire: Wire) -> Link:
    """Connect, verify, shake hands, all within `connect_s`. Raises VenueUnavailable."""
    link = Link(wire)
    try:
        async with asyncio.timeout(wire.connect_s):
            await ws_connect(
                lambda: link,
                url,
                ssl_context=wire.context,
                websocket_handshake_timeout=wire.connect_s,
                enable_auto_ping=True,
                auto_ping_idle_timeout=wire.ping_after_s,
                auto_ping_reply_timeout=wire.pong_within_s,
                auto_ping_strategy=WSAutoPingStrategy.PING_WHEN_IDLE,
                max_frame_size=wire.message_bytes_max,
                max_redirects=0,
                extra_headers={"User-Agent": AGENT},
                socket_factory=_connector(wire.resolver),
            )
    except WSHandshakeError as error:
        if error.response is not None:
            raise HandshakeRefused(url, int(error.response.status)) from error
        raise VenueUnavailable(f"{url}: {error}") from error
    except (OSError, TimeoutError, WSError, UnicodeError) as error:
        raise VenueUnavailable(f"{url}: {type(error).__name__}: {error}") from error
    return link


def _connector(resolver: Resolver) -> Callable[[Any], Any]:
    async def connected(parsed: Any) -> socket.socket:
        found = await resolver.resolve(parsed.host, parsed.port)
        address, port = found[0]["host"], found[0]["port"]
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        opened = socket.socket(family, socket.SOCK_STREAM)
        try:
            opened.setblocking(False)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.get_running_loop().sock_connect(opened, (address, port))
        except (OSError, asyncio.CancelledError):
            opened.close()
            raise
        return opened

    return connected
