"""What goes wrong on a socket: garbage, stalls, crashes, a second engine, a path too long."""

import asyncio
import os
import signal
import socket
import stat
import struct
import subprocess
import sys
import textwrap
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from tradewinds.bus import outbox
from tradewinds.bus.frames import HEAD, LENGTH, PAYLOAD_BYTES_MAX, Frame, Kind, pack
from tradewinds.bus.local import LocalBusClient, LocalBusServer
from tradewinds.bus.sync import request_sync
from tradewinds.model.errors import BusUnavailable


async def echo(verb: str, payload: bytes) -> bytes:
    if verb == "wait":
        await asyncio.sleep(30)
    return payload


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(coroutine, 20))


POISON = {
    "garbage": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "length of zero": LENGTH.pack(0),
    "length beyond the limit": LENGTH.pack(2**32 - 1),
    "half a length": b"\x00",
    "half a frame": pack(Frame(Kind.REQUEST, 1, "echo", b"x" * 100))[:40],
    "unknown kind": LENGTH.pack(HEAD.size) + HEAD.pack(99, 1, 0),
    "name longer than the frame": LENGTH.pack(HEAD.size) + HEAD.pack(Kind.REQUEST, 1, 500),
    "name that is not text": LENGTH.pack(HEAD.size + 2)
    + HEAD.pack(Kind.REQUEST, 1, 2)
    + b"\xff\xfe",
    "a reply nobody asked for": pack(Frame(Kind.REPLY, 7, "echo", b"")),
    "nothing": b"",
}


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON.keys())
def test_a_poisoned_frame_ends_its_connection_and_nothing_else(
    runtime: Path, poison: bytes
) -> None:
    async def scene() -> None:
        path = runtime / "engine.sock"
        server = LocalBusServer(path, echo)
        await server.start()
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(poison)
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
        assert await LocalBusClient(path).request("echo", b"alive", 5) == b"alive"
        await server.close()

    run(scene())


def test_random_bytes_never_stop_the_server(runtime: Path) -> None:
    async def scene() -> None:
        path = runtime / "engine.sock"
        server = LocalBusServer(path, echo)
        await server.start()
        for seed in range(200):
            _, writer = await asyncio.open_unix_connection(str(path))
            size = struct.pack(">I", 7 + seed % 50) if seed % 2 else b""
            writer.write(size + os.urandom(60))
            writer.close()
        assert await LocalBusClient(path).request("echo", b"alive", 5) == b"alive"
        await server.close()

    run(scene())


def test_a_listener_that_does_not_read_loses_its_oldest_messages_and_holds_up_nobody(
    runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        path = runtime / "engine.sock"
        server = LocalBusServer(path, echo)
        await server.start()
        _, stalled = await asyncio.open_unix_connection(str(path))
        stalled.write(pack(Frame(Kind.SUBSCRIBE, 0, "snapshot", b"")))
        messages = LocalBusClient(path).subscribe(["snapshot"])
        waiting = asyncio.ensure_future(anext(messages))
        while not waiting.done():
            server.publish_now("snapshot", b"0")
            await asyncio.wait([waiting], timeout=0.02)
        for number in range(1, 3 * outbox.MESSAGES_MAX):
            server.publish_now("snapshot", str(number).encode() + bytes(10_000))
            if number % 20 == 0:
                await asyncio.sleep(0)
        assert server.dropped > 0
        last = b""
        while not last.startswith(str(3 * outbox.MESSAGES_MAX - 1).encode()):
            last = (await anext(messages))[1]
        await messages.aclose()
        stalled.close()
        await server.close()

    run(scene())


def test_someone_who_asks_without_reading_is_cut_off(runtime: Path) -> None:
    async def scene() -> None:
        path = runtime / "engine.sock"
        server = LocalBusServer(path, echo)
        await server.start()
        reader, writer = await asyncio.open_unix_connection(str(path), limit=1)
        asked = pack(Frame(Kind.REQUEST, 1, "echo", bytes(100_000)))

        async def ask_on() -> None:
            while True:
                writer.write(asked)
                await writer.drain()

        with pytest.raises(ConnectionError):
            await ask_on()
        assert await LocalBusClient(path).request("echo", b"alive", 5) == b"alive"
        del reader
        await server.close()

    run(scene())


def test_the_socket_is_ours_alone_and_gone_after_close(runtime: Path) -> None:
    async def scene() -> None:
        path = runtime / "engine.sock"
        server = LocalBusServer(path, echo)
        await server.start()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        await server.close()
        assert not path.exists()

    run(scene())


def test_a_second_server_on_a_live_socket_is_refused(runtime: Path) -> None:
    async def scene() -> None:
        path = runtime / "engine.sock"
        server = LocalBusServer(path, echo)
        await server.start()
        with pytest.raises(BusUnavailable, match="another engine listens"):
            await LocalBusServer(path, echo).start()
        assert await LocalBusClient(path).request("echo", b"alive", 5) == b"alive"
        await server.close()

    run(scene())


def test_the_socket_of_a_killed_server_is_taken_over(runtime: Path) -> None:
    path = runtime / "engine.sock"
    program = """
        import asyncio, pathlib, sys
        from tradewinds.bus.local import LocalBusServer
        async def main():
            await LocalBusServer(pathlib.Path(sys.argv[1]), None).start()
            print("up", flush=True)
            await asyncio.sleep(60)
        asyncio.run(main())
    """
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), str(path)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"up\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert path.exists()

    async def scene() -> None:
        server = LocalBusServer(path, echo)
        await server.start()
        assert await LocalBusClient(path).request("echo", b"alive", 5) == b"alive"
        await server.close()

    run(scene())


def test_what_is_not_a_socket_is_left_alone(runtime: Path) -> None:
    async def scene() -> None:
        path = runtime / "engine.sock"
        path.write_text("precious")
        with pytest.raises(BusUnavailable, match="not a socket"):
            await LocalBusServer(path, echo).start()
        assert path.read_text() == "precious"

    run(scene())


def test_a_path_too_long_for_a_socket_gets_a_short_stand_in(runtime: Path) -> None:
    async def scene() -> None:
        path = runtime / ("deep" * 20) / ("deeper" * 10) / "engine.sock"
        server = LocalBusServer(path, echo)
        await server.start()
        assert await LocalBusClient(path).request("echo", b"found", 5) == b"found"
        asked = asyncio.to_thread(request_sync, path, "echo", b"found", 5)
        assert await asked == b"found"
        await server.close()

    run(scene())


def test_a_blocking_program_can_ask(runtime: Path) -> None:
    async def scene() -> None:
        path = runtime / "engine.sock"
        server = LocalBusServer(path, echo)
        await server.start()
        large = bytes(PAYLOAD_BYTES_MAX)
        assert await asyncio.to_thread(request_sync, path, "echo", large, 10) == large
        with pytest.raises(BusUnavailable, match=r"no answer to wait within 0\.1 s"):
            await asyncio.to_thread(request_sync, path, "wait", b"", 0.1)
        await server.close()

    run(scene())


def test_a_blocking_program_is_told_when_nobody_is_there(runtime: Path) -> None:
    with pytest.raises(BusUnavailable, match="is it running"):
        request_sync(runtime / "nobody.sock", "status", b"", 1)


@pytest.mark.parametrize("reply", [b"", b"\x00\x00", b"garbage garbage"])
def test_a_blocking_program_survives_a_broken_answer(runtime: Path, reply: bytes) -> None:
    path = runtime / "engine.sock"

    def broken(listening: socket.socket) -> None:
        line, _ = listening.accept()
        line.recv(1000)
        line.sendall(reply)
        line.close()

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        thread = threading.Thread(target=broken, args=(listening,))
        thread.start()
        with pytest.raises(BusUnavailable):
            request_sync(path, "status", b"", 2)
        thread.join()


def test_asking_from_a_program_loads_nothing_heavy() -> None:
    program = "import sys, tradewinds.bus.sync; print([m for m in sys.modules])"
    loaded = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ).stdout
    for heavy in ("asyncio", "redis", "msgspec", "sqlalchemy"):
        assert f"'{heavy}'" not in loaded
