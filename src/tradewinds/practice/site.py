"""The seam between the server and a venue's protocol: one request, one answer, one socket."""

from collections.abc import Collection, Mapping
from typing import Protocol

from msgspec import Struct

from tradewinds.practice.wire import Socket


class HttpCall(Struct, kw_only=True, eq=False):
    """A request as it came. `query` and `body` are the raw bytes a signature covers.

    `hide_s`: what it makes stays invisible to queries for so long.
    """

    method: str
    host: str
    path: str
    query: str
    body: str
    headers: Mapping[str, str]
    hide_s: float = 0.0

    @property
    def what(self) -> str:
        """As requests are named in faults and in the record."""
        return f"{self.method} {self.path}"


class HttpAnswer(Struct, frozen=True, kw_only=True):
    """What goes back."""

    status: int
    body: bytes
    headers: Mapping[str, str] = {}
    content_type: str = "application/json"


class Site(Protocol):
    """Everything that is served under some host names."""

    @property
    def name(self) -> str:
        """For faults and the record."""

    @property
    def hosts(self) -> Collection[str]:
        """Host names that lead here."""

    def answer(self, call: HttpCall) -> HttpAnswer:
        """Never raises for anything a client can send."""

    def opened(self, socket: Socket) -> bool:
        """A client connected; False where there is nothing at this path."""

    def received(self, socket: Socket, text: str) -> None:
        """A frame came."""

    def closed(self, socket: Socket) -> None:
        """The client is gone."""

    def tick(self) -> None:
        """Some time passed."""
