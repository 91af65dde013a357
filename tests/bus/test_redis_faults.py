"""What goes wrong with a Redis server: it dies, it comes back, it holds garbage."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Protocol

import pytest
from redis.asyncio import Redis

from tradewinds.bus.redis import RedisBusClient, RedisBusServer
from tradewinds.model.errors import BusUnavailable, ConfigError

pytestmark = pytest.mark.server


class OwnRedis(Protocol):
    """The fixture `own_redis`."""

    url: str

    def start(self) -> None: ...

    def stop(self) -> None: ...


async def echo(_verb: str, payload: bytes) -> bytes:
    return payload


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(coroutine, 30))


def test_a_lost_server_is_sat_out_and_found_again(
    own_redis: OwnRedis, prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene() -> None:
        server = RedisBusServer(own_redis.url, echo, prefix=prefix)
        client = RedisBusClient(own_redis.url, prefix=prefix)
        await server.start()
        messages = client.subscribe(["snapshot"])
        waiting = asyncio.ensure_future(anext(messages))
        while not waiting.done():
            server.publish_now("snapshot", b"before")
            await asyncio.wait([waiting], timeout=0.02)
        own_redis.stop()
        server.publish_now("snapshot", b"lost")
        with pytest.raises(BusUnavailable, match="cannot be used"):
            await client.request("echo", b"anyone?", 5)
        with pytest.raises(BusUnavailable, match="cannot be used"):
            await client.publish("snapshot", b"lost")
        own_redis.start()
        while waiting.result()[1] != b"after":
            waiting = asyncio.ensure_future(anext(messages))
            while not waiting.done():
                server.publish_now("snapshot", b"after")
                await asyncio.wait([waiting], timeout=0.02)
        assert server.dropped > 0
        await messages.aclose()
        assert await request_until_answered(client) == b"back"
        await server.close()
        await client.close()

    with caplog.at_level(logging.CRITICAL):
        run(scene())


async def request_until_answered(client: RedisBusClient) -> bytes:
    while True:
        try:
            return await client.request("echo", b"back", 1)
        except BusUnavailable:
            continue


def test_a_server_that_is_not_there_is_named_without_its_password(prefix: str) -> None:
    async def scene() -> None:
        url = "redis://trader:hunter2@127.0.0.1:1/0"
        with pytest.raises(BusUnavailable, match=r"127\.0\.0\.1:1") as raised:
            await RedisBusServer(url, echo, prefix=prefix).start()
        assert "hunter2" not in str(raised.value)

    run(scene())


def test_what_is_not_a_redis_url_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="redis_url") as raised:
        RedisBusClient("http://trader:hunter2@somewhere")
    assert "hunter2" not in str(raised.value)


def test_garbage_in_the_request_stream_is_passed_over(redis_url: str, prefix: str) -> None:
    async def scene() -> None:
        server = RedisBusServer(redis_url, echo, prefix=prefix)
        client = RedisBusClient(redis_url, prefix=prefix)
        await server.start()
        async with Redis.from_url(redis_url) as raw:
            stream = f"{prefix}:requests"
            elsewhere = f"{prefix}:checkpoint"
            await raw.xadd(stream, {"nonsense": b"\xff\xfe"})
            await raw.xadd(stream, {"verb": b"\xff", "reply_to": elsewhere, "timeout_ms": 1000})
            await raw.xadd(stream, {"reply_to": f"{prefix}:reply:1", "timeout_ms": "-5"})
            await raw.xadd(f"{prefix}:topic:snapshot", {"nonsense": b"1"})
            assert await client.request("echo", b"alive", 5) == b"alive"
            assert not await raw.exists(elsewhere)
        await server.close()
        await client.close()

    run(scene())


def test_a_request_older_than_its_asker_s_patience_is_not_carried_out(
    redis_url: str, prefix: str
) -> None:
    async def scene() -> None:
        carried_out: list[str] = []

        async def note(verb: str, payload: bytes) -> bytes:
            carried_out.append(verb)
            return payload

        server = RedisBusServer(redis_url, note, prefix=prefix)
        client = RedisBusClient(redis_url, prefix=prefix)
        await server.start()
        async with Redis.from_url(redis_url) as raw:
            fields = {"verb": "late", "reply_to": f"{prefix}:reply:1", "timeout_ms": 10}
            await raw.xadd(f"{prefix}:requests", fields, id="1000-1")
            assert await client.request("echo", b"", 5) == b""
        assert carried_out == ["echo"]
        await server.close()
        await client.close()

    run(scene())


def test_streams_do_not_grow_without_end(redis_url: str, prefix: str) -> None:
    async def scene() -> None:
        client = RedisBusClient(redis_url, prefix=prefix)
        for _ in range(1500):
            await client.publish("snapshot", b"x")
        async with Redis.from_url(redis_url) as raw:
            assert await raw.xlen(f"{prefix}:topic:snapshot") <= 1200
        await client.close()

    run(scene())
