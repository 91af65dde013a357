"""Which venue answers from here? A few seconds, in parallel; silence is an answer too."""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from msgspec import Struct


class PublicApi(Struct, frozen=True, kw_only=True):
    """A public endpoint that answers 200 to anyone who may use the venue."""

    host: str
    path: str
    port: int = 443


PUBLIC_APIS: Final[Mapping[str, PublicApi]] = MappingProxyType(
    {
        "binance": PublicApi(host="api.binance.com", path="/api/v3/ping"),
        "bybit": PublicApi(host="api.bybit.com", path="/v5/market/time"),
        "coinbase": PublicApi(host="api.coinbase.com", path="/v2/time"),
        "kraken": PublicApi(host="api.kraken.com", path="/0/public/Time"),
        "okx": PublicApi(host="www.okx.com", path="/api/v5/public/time"),
    }
)
PREFERENCE_S: Final = 1.0
SAFE_STATUS: Final = b"200"

Resolve = Callable[[str, int], Awaitable[str]]


async def reachable_venue(
    candidates: Sequence[str],
    timeout_s: float,
    *,
    resolve: Resolve | None = None,
    context: ssl.SSLContext | None = None,
    apis: Mapping[str, PublicApi] = PUBLIC_APIS,
) -> str | None:
    """The first of `candidates` that answers over verified TLS within `timeout_s`; None if none.

    An unknown name, a refused or silent connection, a captive portal (its certificate is not the
    venue's) and a venue that bars this country (its status is not 200) all count as no.
    """
    context = context or ssl.create_default_context()
    tasks = {
        venue: asyncio.create_task(_answers(apis[venue], resolve or resolve_aside, context))
        for venue in candidates
        if venue in apis
    }
    if not tasks:
        return None
    try:
        return await _best(tasks, timeout_s)
    finally:
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)


async def _best(tasks: Mapping[str, asyncio.Task[bool]], timeout_s: float) -> str | None:
    """The first in order that answered. A better one that still hangs gets PREFERENCE_S."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + timeout_s
    while True:
        answered = [venue for venue, task in tasks.items() if task.done() and task.result()]
        waiting = [task for task in tasks.values() if not task.done()]
        if answered:
            deadline = min(deadline, clock() + PREFERENCE_S)
            better = list(tasks)[: list(tasks).index(answered[0])]
            waiting = [tasks[venue] for venue in better if not tasks[venue].done()]
        if not waiting or clock() >= deadline:
            return answered[0] if answered else None
        await asyncio.wait(waiting, timeout=deadline - clock(), return_when=asyncio.FIRST_COMPLETED)


async def _answers(api: PublicApi, resolve: Resolve, context: ssl.SSLContext) -> bool:
    try:
        address = await resolve(api.host, api.port)
        reader, writer = await asyncio.open_connection(
            address, api.port, ssl=context, server_hostname=api.host
        )
    except (OSError, ssl.SSLError, UnicodeError):
        return False
    try:
        writer.write(
            f"GET {api.path} HTTP/1.1\r\nHost: {api.host}\r\nAccept: */*\r\n"
            "User-Agent: tradewinds\r\nConnection: close\r\n\r\n".encode()
        )
        await writer.drain()
        status = await reader.readline()
    except (OSError, ssl.SSLError, asyncio.IncompleteReadError, ValueError):
        return False
    finally:
        # abort, not close: a silent peer must not make us wait for its goodbye.
        writer.transport.abort()
    return status.split(b" ")[1:2] == [SAFE_STATUS]


async def resolve_aside(host: str, port: int) -> str:
    """An address of `host`, looked up in a daemon thread.

    The loop's own executor is waited for at exit, and a lookup without a network can take half
    a minute; a daemon thread is left behind instead. Raises OSError.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[str] = loop.create_future()

    def deliver(address: str | None, error: OSError | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        elif address is not None:
            answer.set_result(address)

    def look_up() -> None:
        address, failure = None, None
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            address = str(found[0][4][0])
        except OSError as error:
            failure = error
        # The loop may be gone by now; then nobody waits for the answer.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(deliver, address, failure)

    threading.Thread(target=look_up, name=f"resolve-{host}", daemon=True).start()
    return await answer
