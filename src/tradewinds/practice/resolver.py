"""How a client under its real host names reaches the practice venue, and nothing else.

The client keeps its own addresses, TLS and error mapping; only the names resolve to this machine.
"""

import socket
import ssl
from collections.abc import Callable, Collection
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

LOOPBACK = "127.0.0.1"


class HostRefused(OSError):
    """A name that is not the venue's was asked for: something would have left this machine."""


class LoopbackResolver(AbstractResolver):
    """Every known host is `port` on this machine; any other is refused and remembered."""

    def __init__(self, hosts: Collection[str], port: int) -> None:
        self._hosts = frozenset(hosts)
        self._port = port
        self.refused: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises HostRefused for a name that is not on the list."""
        if host not in self._hosts:
            self.refused.append(host)
            raise HostRefused(f"{host} is not a host of the practice venue")
        return [
            ResolveResult(
                hostname=host,
                host=LOOPBACK,
                port=self._port,
                family=socket.AF_INET,
                proto=0,
                flags=0,
            )
        ]

    async def close(self) -> None:
        """Nothing is held."""


def client_session(
    hosts: Collection[str], port: int, context: ssl.SSLContext
) -> aiohttp.ClientSession:
    """A session for any aiohttp client, such as ccxt: pass it as `session`. Close it yourself."""
    resolver = LoopbackResolver(hosts, port)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=resolver, ssl=context, use_dns_cache=False)
    )


def loopback_getaddrinfo(hosts: Collection[str], port: int) -> Callable[..., Any]:
    """A replacement of `socket.getaddrinfo` for clients that bring their own sockets.

    Meant for a test's process alone: patch it in, take it out again.
    """
    known = frozenset(hosts)
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, service: Any, *rest: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name in (LOOPBACK, "localhost", None, ""):
            return real(host, service, *rest, **options)
        if name not in known:
            raise HostRefused(f"{name} is not a host of the practice venue")
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (LOOPBACK, port))]

    return getaddrinfo
