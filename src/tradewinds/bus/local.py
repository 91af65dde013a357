"""The bus over a Unix-domain socket: a server in the engine, clients everywhere else."""

import asyncio
import contextlib
import fcntl
import logging
import os
import socket
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

from tradewinds.bus.address import socket_path
from tradewinds.bus.frames import LENGTH, Frame, Kind, length, pack, unpack
from tradewinds.bus.outbox import Outbox
from tradewinds.model.errors import BusUnavailable

OnRequest = Callable[[str, bytes], Awaitable[bytes]]

log = logging.getLogger(__name__)
REQUESTS_AT_ONCE = 32
REASON_LENGTH = 2000
STALLED_S = 15.0
RETRY_FIRST_S = 0.05
RETRY_LAST_S = 2.0


class LocalBusServer:
    """Listens at `path` for as long as it is started. One per path.

    `on_request(verb, payload)` answers requests; what it raises goes to the asker as words.
    """

    def __init__(self, path: Path, on_request: OnRequest) -> None:
        self._wanted = path
        self._on_request = on_request
        self._lock: int | None = None
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()

    @property
    def dropped(self) -> int:
        """Messages that present listeners were too slow for."""
        return sum(connection.outbox.dropped for connection in self._connections)

    async def start(self) -> None:
        """Raises BusUnavailable when another engine listens here or the path cannot be used."""
        path = socket_path(self._wanted)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = _lock(path)
            listening = _listening_socket(path)
        except OSError as error:
            self._unlock()
            raise BusUnavailable(f"cannot listen at {path}: {error.strerror or error}") from error
        except BusUnavailable:
            self._unlock()
            raise
        self._server = await asyncio.start_unix_server(self._serve, sock=listening)
        self._path = path

    async def publish(self, topic: str, payload: bytes) -> None:
        """See ports.Bus. Never waits for a listener."""
        self.publish_now(topic, payload)

    def publish_now(self, topic: str, payload: bytes) -> None:
        """The same for synchronous callers, on the loop's thread. Never raises, never waits."""
        listeners = [one for one in self._connections if topic in one.topics]
        if not listeners:
            return
        try:
            packed = pack(Frame(Kind.MESSAGE, 0, topic, payload))
        except BusUnavailable as error:
            log.warning("bus_message_dropped", extra={"reason": str(error)})
            return
        for connection in listeners:
            connection.outbox.put_message(packed)

    async def close(self) -> None:
        """Say goodbye to all and leave no socket file behind."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._connections):
            connection.stop()
        self._path.unlink(missing_ok=True)
        self._server = None
        self._unlock()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(reader, writer, self)
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)

    async def answer(self, frame: Frame) -> bytes:
        """A packed reply to a request."""
        reply = await self._on_request(frame.name, frame.payload)
        return pack(Frame(Kind.REPLY, frame.number, frame.name, reply))

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


class _Connection:
    """One client of the server."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: LocalBusServer
    ) -> None:
        self.topics: frozenset[str] = frozenset()
        self.outbox = Outbox()
        self._reader = reader
        self._writer = writer
        self._server = server
        self._requests: set[asyncio.Task[bytes]] = set()
        self._sending: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Until either side is gone. Garbage ends this connection, never the server."""
        self._sending = asyncio.create_task(self._send())
        try:
            while True:
                self._take(await _read(self._reader))
        except (OSError, asyncio.IncompleteReadError):
            log.debug("bus_client_left")
        except BusUnavailable as error:
            log.warning("bus_client_refused", extra={"reason": str(error)})
        finally:
            self.stop()

    def stop(self) -> None:
        """Drop it, with all that it waits for."""
        for task in self._requests:
            task.cancel()
        if self._sending is not None:
            self._sending.cancel()
        self._writer.close()

    def _take(self, frame: Frame) -> None:
        match frame.kind:
            case Kind.SUBSCRIBE:
                self.topics = frozenset(frame.name.split("\n"))
                self._reply(pack(frame._replace(payload=b"")))
            case Kind.MESSAGE:
                self._server.publish_now(frame.name, frame.payload)
            case Kind.REQUEST if len(self._requests) >= REQUESTS_AT_ONCE:
                self._fail(frame, "too many requests at once")
            case Kind.REQUEST:
                task = asyncio.create_task(self._server.answer(frame))
                self._requests.add(task)
                task.add_done_callback(lambda done: self._finish(frame, done))
            case _:
                raise BusUnavailable(f"a client may not send {frame.kind.name}")

    def _finish(self, frame: Frame, done: asyncio.Task[bytes]) -> None:
        self._requests.discard(done)
        if done.cancelled():
            return
        # Whatever the answering code raised, the asker is told and the server goes on.
        error = done.exception()
        if error is None:
            self._reply(done.result())
        else:
            log.warning("bus_request_failed", extra={"verb": frame.name, "reason": str(error)})
            self._fail(frame, str(error) or type(error).__name__)

    def _fail(self, frame: Frame, reason: str) -> None:
        words = reason[:REASON_LENGTH].encode(errors="replace")
        self._reply(pack(Frame(Kind.FAILURE, frame.number, frame.name, words)))

    def _reply(self, packed: bytes) -> None:
        if not self.outbox.put_reply(packed):
            self._cut()

    def _cut(self) -> None:
        log.warning("bus_client_cut_off", extra={"reason": "it does not read"})
        # A close would wait for the other side to read what is left.
        self._writer.transport.abort()

    async def _send(self) -> None:
        try:
            while True:
                self._writer.write(await self.outbox.take())
                async with asyncio.timeout(STALLED_S):
                    await self._writer.drain()
        except OSError:
            # TimeoutError is one of them: it takes nothing any more.
            self._cut()


class LocalBusClient:
    """ports.Bus to the server at `path`, which may come and go."""

    def __init__(self, path: Path) -> None:
        self._wanted = path

    async def publish(self, topic: str, payload: bytes) -> None:
        """To all who listen at the server. Raises BusUnavailable."""
        reader, writer = await self._connect()
        try:
            writer.write(pack(Frame(Kind.MESSAGE, 0, topic, payload)))
            # The server's answer to an empty subscription shows that it has taken the message.
            writer.write(pack(Frame(Kind.SUBSCRIBE, 0, "", b"")))
            await _read(reader)
        except (OSError, asyncio.IncompleteReadError) as error:
            raise BusUnavailable(f"the engine left while publishing {topic}") from error
        finally:
            writer.close()

    async def subscribe(self, topics: Sequence[str]) -> AsyncIterator[tuple[str, bytes]]:
        """Messages from now on, for as long as it is iterated; connects again by itself."""
        wait_s = RETRY_FIRST_S
        while True:
            with contextlib.suppress(BusUnavailable, OSError, asyncio.IncompleteReadError):
                reader, writer = await self._connect()
                try:
                    writer.write(pack(Frame(Kind.SUBSCRIBE, 0, "\n".join(topics), b"")))
                    while True:
                        frame = await _read(reader)
                        wait_s = RETRY_FIRST_S
                        if frame.kind is Kind.MESSAGE:
                            yield frame.name, frame.payload
                finally:
                    writer.close()
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, RETRY_LAST_S)

    async def request(self, verb: str, payload: bytes, timeout_s: float) -> bytes:
        """The engine's reply. Raises BusUnavailable when it does not come in time, or fails."""
        try:
            async with asyncio.timeout(timeout_s):
                frame = await self._ask(Frame(Kind.REQUEST, 1, verb, payload))
        except TimeoutError as error:
            raise BusUnavailable(f"no answer to {verb} within {timeout_s:g} s") from error
        except (OSError, asyncio.IncompleteReadError) as error:
            raise BusUnavailable(f"the engine left before it answered {verb}") from error
        if frame.kind is not Kind.REPLY:
            raise BusUnavailable(f"{verb} failed: {frame.payload.decode(errors='replace')}")
        return frame.payload

    async def _ask(self, frame: Frame) -> Frame:
        reader, writer = await self._connect()
        try:
            writer.write(pack(frame))
            return await _read(reader)
        finally:
            writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        path = socket_path(self._wanted)
        try:
            return await asyncio.open_unix_connection(str(path))
        except OSError as error:
            raise BusUnavailable(
                f"no engine answers at {self._wanted}: is it running? ({error})"
            ) from error


async def _read(reader: asyncio.StreamReader) -> Frame:
    size = length(await reader.readexactly(LENGTH.size))
    return unpack(await reader.readexactly(size))


def _lock(path: Path) -> int:
    # The lock, not the socket file, says who lives here: a crash leaves the file but not the lock.
    name = path.with_name(path.name + ".lock")
    opened = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(opened)
        raise BusUnavailable(
            f"another engine listens at {path}; stop it, or give this one its own data directory"
        ) from error
    return opened


def _listening_socket(path: Path) -> socket.socket:
    if path.exists() or path.is_symlink():
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise BusUnavailable(f"{path} is not a socket; move it away")
        path.unlink()
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    opened.setblocking(False)
    opened.bind(str(path))
    # Nobody can connect before it listens, so the mode is right before the first client.
    path.chmod(0o600)
    return opened
