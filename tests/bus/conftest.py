"""A place for sockets, and a Redis server: the one named, the one here, or one of our own."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

DEFAULT = ("127.0.0.1", 6379)


@pytest.fixture
def runtime() -> Iterator[Path]:
    """A folder with a path that is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="tw") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """TRADEWINDS_TEST_REDIS_URL, else the local server, else a private one, else skip."""
    named = os.environ.get("TRADEWINDS_TEST_REDIS_URL")
    if named:
        yield named
    elif _answers(*DEFAULT):
        yield f"redis://{DEFAULT[0]}:{DEFAULT[1]}/0"
    else:
        server = RedisServer()
        yield server.url
        server.stop()


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> Iterator[str]:
    """Keys of this test alone."""
    name = f"tradewinds-test-{uuid.uuid4().hex[:12]}"
    yield name
    if "redis_url" in request.fixturenames:
        with Redis.from_url(request.getfixturevalue("redis_url")) as server:
            for key in server.scan_iter(f"{name}:*"):
                server.delete(key)


@pytest.fixture
def own_redis() -> Iterator["RedisServer"]:
    """A server that the test may kill."""
    server = RedisServer()
    yield server
    server.stop()


class RedisServer:
    """A private server on a free port, without a file on the disk."""

    def __init__(self) -> None:
        program = shutil.which("redis-server")
        if program is None:
            missing("no Redis server answers and redis-server is not installed")
        self._program = str(program)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        listen = ["--port", str(self.port), "--bind", "127.0.0.1"]
        nothing_kept = ["--save", "", "--appendonly", "no", "--dir", tempfile.gettempdir()]
        self._process = subprocess.Popen(
            [self._program, *listen, *nothing_kept], stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 10
        while not _answers("127.0.0.1", self.port):
            assert time.monotonic() < deadline, "redis-server did not start"
            time.sleep(0.02)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


def missing(reason: str) -> None:
    """Skip, but never silently where everything should be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=0.5).close()
    except OSError:
        return False
    return True
