"""Redis Streams in the few words that the bus needs, with one kind of error."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from tradewinds.model.errors import BusUnavailable, ConfigError

Fields = Mapping[bytes, bytes]
Entry = tuple[str, str, Fields]
"""Stream, id in it, and what was added."""

STREAM_LENGTH = 1000
READ_AT_ONCE = 100
BLOCK_MS = 1000
ANSWER_S = 5.0
"""Longer than BLOCK_MS, or a quiet stream would look like a lost server."""


class Streams:
    """One Redis server. Every method raises BusUnavailable when it cannot be used now."""

    def __init__(self, url: str) -> None:
        self._shown = _without_password(url)
        try:
            # Never sent twice by the library: a request must not be carried out twice. Time is
            # limited here and not by socket_timeout, which goes through asyncio.wait_for; that
            # of Python 3.11 can swallow a cancellation.
            self._redis: Any = Redis.from_url(
                url, protocol=2, retry=Retry(NoBackoff(), 0), socket_timeout=None
            )
        except ValueError as error:
            raise ConfigError(
                "redis_url is not a URL; write redis://user:password@host:6379/0"
            ) from error

    async def add(self, stream: str, fields: Mapping[str, str | bytes | int]) -> None:
        """Append; the oldest entries go when there are too many."""
        async with self._told():
            await self._redis.xadd(stream, dict(fields), maxlen=STREAM_LENGTH, approximate=True)

    async def ends(self, streams: Sequence[str]) -> dict[str, str]:
        """The last id of each, so that reading from there gives what comes from now on."""
        found: dict[str, str] = {}
        async with self._told():
            for stream in streams:
                last = await self._redis.xrevrange(stream, count=1)
                found[stream] = last[0][0].decode() if last else "0-0"
        return found

    async def read(self, after: Mapping[str, str]) -> list[Entry]:
        """What came after these ids; waits a second at most, then answers an empty list."""
        async with self._told():
            found = await self._redis.xread(dict(after), count=READ_AT_ONCE, block=BLOCK_MS)
        return [
            (stream.decode(), entry_id.decode(), fields)
            for stream, entries in found or ()
            for entry_id, fields in entries
        ]

    async def now_ms(self) -> int:
        """The server's own clock, which also made the ids."""
        async with self._told():
            seconds, micros = await self._redis.time()
        return int(seconds) * 1000 + int(micros) // 1000

    async def forget(self, stream: str, after_s: int = 0) -> None:
        """Delete, at once or later."""
        async with self._told():
            await self._redis.expire(stream, after_s)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._redis.aclose()

    @asynccontextmanager
    async def _told(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(ANSWER_S):
                yield
        except (exceptions.RedisError, OSError) as error:
            raise BusUnavailable(f"Redis at {self._shown} cannot be used: {error}") from error


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
