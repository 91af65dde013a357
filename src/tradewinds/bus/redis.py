"""The bus over Redis Streams, for processes that do not share a file system."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from tradewinds.bus.frames import LENGTH, Frame, Kind, check_size, pack, unpack
from tradewinds.bus.outbox import Outbox
from tradewinds.bus.streams import Entry, Fields, Streams
from tradewinds.model.errors import BusUnavailable

OnRequest = Callable[[str, bytes], Awaitable[bytes]]

log = logging.getLogger(__name__)
PREFIX = "tradewinds"
REPLY_KEPT_S = 60
REQUESTS_AT_ONCE = 32
REASON_LENGTH = 2000
RETRY_FIRST_S = 0.05
RETRY_LAST_S = 2.0


class RedisBusClient:
    """ports.Bus on a Redis server. Use one per event loop and close it."""

    def __init__(self, url: str, *, prefix: str = PREFIX) -> None:
        self._streams = Streams(url)
        self._prefix = prefix

    async def publish(self, topic: str, payload: bytes) -> None:
        """See ports.Bus. Raises BusUnavailable."""
        check_size(topic, payload)
        await self._streams.add(_topic(self._prefix, topic), {"payload": payload})

    async def subscribe(self, topics: Sequence[str]) -> AsyncIterator[tuple[str, bytes]]:
        """Messages from now on, for as long as it is iterated; connects again by itself."""
        names = {_topic(self._prefix, topic): topic for topic in topics}
        after: dict[str, str] = {}
        wait_s = RETRY_FIRST_S
        while True:
            try:
                after = after or await self._streams.ends(list(names))
                found = await self._streams.read(after)
            except BusUnavailable:
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, RETRY_LAST_S)
                continue
            wait_s = RETRY_FIRST_S
            for stream, entry_id, fields in found:
                after[stream] = entry_id
                if b"payload" in fields:
                    yield names[stream], fields[b"payload"]

    async def request(self, verb: str, payload: bytes, timeout_s: float) -> bytes:
        """The engine's reply. Raises BusUnavailable when it does not come in time, or fails."""
        check_size(verb, payload)
        reply_to = f"{self._prefix}:reply:{uuid.uuid4().hex}"
        asked: dict[str, str | bytes | int] = {
            "verb": verb,
            "payload": payload,
            "reply_to": reply_to,
            "timeout_ms": int(timeout_s * 1000),
        }
        try:
            async with asyncio.timeout(timeout_s):
                await self._streams.add(_requests(self._prefix), asked)
                reply = await self._reply(reply_to)
        except TimeoutError as error:
            raise BusUnavailable(f"no answer to {verb} within {timeout_s:g} s") from error
        if b"payload" not in reply:
            reason = reply.get(b"failure", b"an empty answer").decode(errors="replace")
            raise BusUnavailable(f"{verb} failed: {reason}")
        return reply[b"payload"]

    async def close(self) -> None:
        """Let go of the connections."""
        await self._streams.close()

    async def _reply(self, reply_to: str) -> Fields:
        found: list[Entry] = []
        while not found:
            found = await self._streams.read({reply_to: "0-0"})
        return found[0][2]


class RedisBusServer:
    """The engine's side: publishes without waiting and answers requests.

    `on_request(verb, payload)` answers; what it raises goes to the asker as words. A request
    that is older than its asker's patience is not carried out any more.
    """

    def __init__(self, url: str, on_request: OnRequest, *, prefix: str = PREFIX) -> None:
        self._streams = Streams(url)
        self._on_request = on_request
        self._prefix = prefix
        self._outbox = Outbox()
        self._running: list[asyncio.Task[None]] = []
        self._answering: set[asyncio.Future[bytes]] = set()
        self._replying: set[asyncio.Future[None]] = set()
        self._lost = 0

    @property
    def dropped(self) -> int:
        """Messages that could not be sent."""
        return self._outbox.dropped + self._lost

    async def start(self) -> None:
        """Raises BusUnavailable when Redis cannot be reached now; later losses it sits out."""
        # Requests from before our time are not ours to carry out.
        after = await self._streams.ends([_requests(self._prefix)])
        self._running = [
            asyncio.create_task(self._send()),
            asyncio.create_task(self._listen(after)),
        ]

    async def publish(self, topic: str, payload: bytes) -> None:
        """See ports.Bus. Never waits for Redis."""
        self.publish_now(topic, payload)

    def publish_now(self, topic: str, payload: bytes) -> None:
        """The same for synchronous callers, on the loop's thread. Never raises, never waits."""
        try:
            self._outbox.put_message(pack(Frame(Kind.MESSAGE, 0, topic, payload)))
        except BusUnavailable as error:
            log.warning("bus_message_dropped", extra={"reason": str(error)})

    async def close(self) -> None:
        """Stop at once; what was not sent yet is lost, as any message may be."""
        tasks: list[asyncio.Future[Any]] = [*self._running, *self._answering, *self._replying]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._streams.close()

    async def _send(self) -> None:
        while True:
            frame = unpack((await self._outbox.take())[LENGTH.size :])
            try:
                await self._streams.add(
                    _topic(self._prefix, frame.name), {"payload": frame.payload}
                )
            except BusUnavailable as error:
                self._lost += 1
                log.warning("bus_message_lost", extra={"reason": str(error)})
                await asyncio.sleep(RETRY_LAST_S)

    async def _listen(self, after: dict[str, str]) -> None:
        while True:
            try:
                for stream, entry_id, fields in await self._streams.read(after):
                    after[stream] = entry_id
                    await self._take(entry_id, fields)
            except BusUnavailable as error:
                log.warning("bus_lost", extra={"reason": str(error)})
                await asyncio.sleep(RETRY_LAST_S)

    async def _take(self, entry_id: str, fields: Fields) -> None:
        reply_to = fields.get(b"reply_to", b"").decode(errors="replace")
        patience = fields.get(b"timeout_ms", b"")
        # Whoever can write to this Redis must not make us write anywhere else in it.
        if not reply_to.startswith(f"{self._prefix}:reply:") or not patience.isdigit():
            log.warning("bus_request_refused", extra={"reason": "not a request"})
            return
        asked_ms = int(entry_id.partition("-")[0])
        if await self._streams.now_ms() > asked_ms + int(patience):
            return
        if len(self._answering) >= REQUESTS_AT_ONCE:
            await self._answer(reply_to, {"failure": "too many requests at once"})
            return
        verb = fields.get(b"verb", b"").decode(errors="replace")
        task = asyncio.create_task(self._carry_out(verb, fields.get(b"payload", b"")))
        self._answering.add(task)
        task.add_done_callback(lambda done: self._finish(reply_to, verb, done))

    async def _carry_out(self, verb: str, payload: bytes) -> bytes:
        reply = await self._on_request(verb, payload)
        check_size(verb, reply)
        return reply

    def _finish(self, reply_to: str, verb: str, done: "asyncio.Future[bytes]") -> None:
        self._answering.discard(done)
        if done.cancelled():
            return
        # Whatever the answering code raised, the asker is told and the server goes on.
        error = done.exception()
        if error is None:
            fields: dict[str, str | bytes] = {"payload": done.result()}
        else:
            log.warning("bus_request_failed", extra={"verb": verb, "reason": str(error)})
            fields = {"failure": (str(error) or type(error).__name__)[:REASON_LENGTH]}
        answer = asyncio.ensure_future(self._answer(reply_to, fields))
        self._replying.add(answer)
        answer.add_done_callback(self._replying.discard)

    async def _answer(self, reply_to: str, fields: dict[str, str | bytes]) -> None:
        try:
            await self._streams.add(reply_to, fields)
            await self._streams.forget(reply_to, REPLY_KEPT_S)
        except BusUnavailable as error:
            log.warning("bus_reply_lost", extra={"reason": str(error)})


def _topic(prefix: str, topic: str) -> str:
    return f"{prefix}:topic:{topic}"


def _requests(prefix: str) -> str:
    return f"{prefix}:requests"
