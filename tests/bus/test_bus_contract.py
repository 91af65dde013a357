"""What every bus must do, asked of each of them, on each event loop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop

from tradewinds.bus.frames import PAYLOAD_BYTES_MAX
from tradewinds.bus.local import LocalBusClient, LocalBusServer
from tradewinds.bus.redis import RedisBusClient, RedisBusServer
from tradewinds.model.errors import BusUnavailable, ConfigError
from tradewinds.ports import Bus

Server = LocalBusServer | RedisBusServer
Run = Callable[[Coroutine[Any, Any, None]], None]


class Parts:
    """Makes servers and clients of one kind that find each other."""

    def __init__(self, kind: str, runtime: Path, url: str, prefix: str) -> None:
        self._local = kind == "local"
        self._path = runtime / "engine.sock"
        self._url = url
        self._prefix = prefix

    @contextlib.asynccontextmanager
    async def server(self) -> AsyncIterator[Server]:
        made: Server = (
            LocalBusServer(self._path, answer)
            if self._local
            else RedisBusServer(self._url, answer, prefix=self._prefix)
        )
        await made.start()
        try:
            yield made
        finally:
            await made.close()

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncIterator[Bus]:
        if self._local:
            yield LocalBusClient(self._path)
            return
        made = RedisBusClient(self._url, prefix=self._prefix)
        try:
            yield made
        finally:
            await made.close()


async def answer(verb: str, payload: bytes) -> bytes:
    match verb:
        case "echo":
            return payload
        case "sleep":
            await asyncio.sleep(float(payload))
            return b"slept"
        case "huge":
            return bytes(PAYLOAD_BYTES_MAX + 1)
        case "refuse":
            raise ConfigError("the operator must fix it")
    raise KeyError(verb)


@pytest.fixture(params=["local", pytest.param("redis", marks=pytest.mark.server)])
def parts(request: pytest.FixtureRequest, runtime: Path, prefix: str) -> Parts:
    url = request.getfixturevalue("redis_url") if request.param == "redis" else ""
    return Parts(request.param, runtime, url, prefix)


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    factory = uvloop.new_event_loop if request.param == "uvloop" else None

    def runner(coroutine: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=factory) as loop:
            loop.run(asyncio.wait_for(coroutine, 20))

    return runner


async def first(bus: Bus, publish: Callable[[], Coroutine[Any, Any, None]]) -> tuple[str, bytes]:
    """The first message after subscribing; published until the subscription has taken hold."""
    messages = bus.subscribe(["snapshot"])
    waiting = asyncio.ensure_future(anext(messages))
    while not waiting.done():
        await publish()
        await asyncio.wait([waiting], timeout=0.02)
    await messages.aclose()
    return waiting.result()


def test_a_subscriber_receives_what_the_engine_publishes(parts: Parts, run: Run) -> None:
    async def scene() -> None:
        async with parts.server() as server, parts.client() as client:
            got = await first(client, lambda: server.publish("snapshot", b"state"))
            assert got == ("snapshot", b"state")

    run(scene())


def test_a_client_can_publish_to_another(parts: Parts, run: Run) -> None:
    async def scene() -> None:
        async with parts.server(), parts.client() as one, parts.client() as other:
            got = await first(other, lambda: one.publish("snapshot", b"\x00\xff"))
            assert got == ("snapshot", b"\x00\xff")

    run(scene())


def test_only_topics_asked_for_arrive_and_in_order(parts: Parts, run: Run) -> None:
    async def scene() -> None:
        async with parts.server() as server, parts.client() as client:
            messages = client.subscribe(["snapshot", "activity"])
            waiting = asyncio.ensure_future(anext(messages))
            while not waiting.done():
                server.publish_now("snapshot", b"start")
                await asyncio.wait([waiting], timeout=0.02)
            for number in range(50):
                server.publish_now("other", b"x")
                server.publish_now("activity", str(number).encode())
            got: list[int] = []
            async for topic, payload in messages:
                assert topic in ("snapshot", "activity")
                if topic == "activity":
                    got.append(int(payload))
                if len(got) == 50:
                    break
            assert got == list(range(50))
            await messages.aclose()

    run(scene())


def test_a_request_is_answered(parts: Parts, run: Run) -> None:
    async def scene() -> None:
        async with parts.server(), parts.client() as client:
            assert await client.request("echo", b"hello", 5) == b"hello"
            assert await client.request("echo", b"", 5) == b""

    run(scene())


def test_many_requests_at_once_each_get_their_own_answer(parts: Parts, run: Run) -> None:
    async def scene() -> None:
        async with parts.server(), parts.client() as client:
            asked = [str(number).encode() for number in range(20)]
            answers = await asyncio.gather(*(client.request("echo", one, 5) for one in asked))
            assert answers == asked

    run(scene())


def test_a_failing_answer_is_told_in_words_and_the_server_goes_on(parts: Parts, run: Run) -> None:
    async def scene() -> None:
        async with parts.server(), parts.client() as client:
            with pytest.raises(BusUnavailable, match="the operator must fix it"):
                await client.request("refuse", b"", 5)
            with pytest.raises(BusUnavailable, match="unknown"):
                await client.request("unknown", b"", 5)
            assert await client.request("echo", b"still here", 5) == b"still here"

    run(scene())


def test_an_answer_too_late_is_no_answer(parts: Parts, run: Run) -> None:
    async def scene() -> None:
        async with parts.server(), parts.client() as client:
            with pytest.raises(BusUnavailable, match=r"no answer to sleep within 0\.1 s"):
                await client.request("sleep", b"5", 0.1)
            assert await client.request("echo", b"next", 5) == b"next"

    run(scene())


def test_a_slow_answer_does_not_hold_up_the_others(parts: Parts, run: Run) -> None:
    async def scene() -> None:
        async with parts.server(), parts.client() as client:
            slow = asyncio.create_task(client.request("sleep", b"2", 10))
            assert await client.request("echo", b"quick", 1) == b"quick"
            assert not slow.done()
            slow.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await slow

    run(scene())


def test_without_a_server_a_request_says_so(parts: Parts, run: Run) -> None:
    async def scene() -> None:
        async with parts.client() as client:
            with pytest.raises(BusUnavailable):
                await client.request("echo", b"anyone?", 0.3)

    run(scene())


def test_a_request_from_before_the_server_started_is_never_carried_out(
    parts: Parts, run: Run
) -> None:
    async def scene() -> None:
        async with parts.client() as client:
            with pytest.raises(BusUnavailable):
                await client.request("refuse", b"", 0.1)
            async with parts.server():
                assert await client.request("echo", b"1", 5) == b"1"

    run(scene())


def test_too_long_a_message_is_refused_before_it_is_sent(parts: Parts, run: Run) -> None:
    async def scene() -> None:
        huge = bytes(PAYLOAD_BYTES_MAX + 1)
        async with parts.server() as server, parts.client() as client:
            with pytest.raises(BusUnavailable, match="too long"):
                await client.request("echo", huge, 5)
            with pytest.raises(BusUnavailable, match="too long"):
                await client.publish("snapshot", huge)
            server.publish_now("snapshot", huge)
            largest = bytes(PAYLOAD_BYTES_MAX)
            assert await client.request("echo", largest, 10) == largest

    run(scene())


def test_too_long_an_answer_is_a_failure_not_a_silence(parts: Parts, run: Run) -> None:
    async def scene() -> None:
        async with parts.server(), parts.client() as client:
            with pytest.raises(BusUnavailable, match="too long"):
                await client.request("huge", b"", 10)

    run(scene())


def test_a_subscriber_finds_a_server_that_was_restarted(parts: Parts, run: Run) -> None:
    async def scene() -> None:
        async with parts.client() as client:
            messages = client.subscribe(["snapshot"])
            for name in (b"first", b"second"):
                async with parts.server() as server:
                    got = b""
                    while got != name:
                        waiting = asyncio.ensure_future(anext(messages))
                        while not waiting.done():
                            server.publish_now("snapshot", name)
                            await asyncio.wait([waiting], timeout=0.02)
                        got = waiting.result()[1]
            await messages.aclose()

    run(scene())
