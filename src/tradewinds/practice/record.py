"""What was asked of the venue: every request and frame, for whoever wants to know afterwards."""

from collections import deque
from collections.abc import Mapping

from msgspec import Struct

KEPT = 20_000


class Asked(Struct, kw_only=True, eq=False):
    """One request. `what` is method and path, or the method of a WebSocket request.

    `status` is 0 until it is answered and stays 0 when it never was.
    """

    site: str
    what: str
    params: Mapping[str, str]
    time_ns: int
    key: str = ""
    status: int = 0


class Record:
    """The last KEPT requests, oldest first."""

    def __init__(self) -> None:
        self.requests: deque[Asked] = deque(maxlen=KEPT)

    def add(self, asked: Asked) -> Asked:
        """Keep it; the status is filled in later."""
        self.requests.append(asked)
        return asked

    def of(self, what: str) -> list[Asked]:
        """All requests of one kind, such as `POST /api/v3/order`."""
        return [asked for asked in self.requests if asked.what == what]
