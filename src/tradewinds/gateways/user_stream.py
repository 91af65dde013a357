"""The account's own stream: subscribed, watched, renewed, and never trusted to be complete."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from tradewinds.gateways.link import Link, Wire, open_link
from tradewinds.gateways.outcomes import without_queries
from tradewinds.gateways.restraint import REFUSED_S, ConnectBudget, pause_s
from tradewinds.model.errors import VenueUnavailable

LIFE_S: Final = 23 * 3600.0
OVERLAP_S: Final = 1.0
HELLO_S: Final = 10.0
STEADY_S: Final = 60.0
BAD_FRAMES_MAX: Final = 3
"""A connection that speaks nonsense more often than this is made anew."""
log = logging.getLogger(__name__)


class Door(Protocol):
    """How one venue lets us in: where to, what to say, what the answer must be."""

    async def url(self) -> str:
        """Where to connect. Raises VenueUnavailable when the venue gives no way in."""
        ...

    def hello(self) -> tuple[bytes, ...]:
        """What to send first; empty where the address says it all."""
        ...

    def welcomed(self, message: Any) -> bool | None:
        """Whether our hello was accepted; None for a message that is not about it."""
        ...

    @property
    def silent_s(self) -> float:
        """Longest silence of a connection that lives; 0 where silence means nothing."""
        ...

    @property
    def renew_s(self) -> float:
        """How often `renew` wants to be called; 0 for never."""
        ...

    async def renew(self) -> bool:
        """False: the way in is closed, and a new connection is needed."""
        ...


class StreamEdge(Struct, frozen=True, kw_only=True):
    """Clock, waiting and dice, replaceable in tests. The clock counts seconds from anywhere."""

    now_s: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    dice: Callable[[], float] = random.random
    life_s: float = LIFE_S
    overlap_s: float = OVERLAP_S
    tick_s: float = 0.25


class UserStream:
    """Runs until cancelled. `take` gets each message, decoded; `changed` hears of up and down.

    A half-open socket is found out by the link's own pings within ten seconds.
    """

    def __init__(
        self,
        door: Door,
        wire: Wire,
        take: Callable[[Any], None],
        changed: Callable[[bool, str], None],
        edge: StreamEdge | None = None,
    ) -> None:
        self._door = door
        self._wire = wire
        self._take = take
        self._changed = changed
        self._edge = edge or StreamEdge()
        self._budget = ConnectBudget()
        self._anew = ""
        self._bad = 0
        self.up = False
        self.connects = self.losses = self.rotations = self.garbled = 0

    def renew_connection(self, why: str) -> None:
        """The venue has said that this connection ends: a new one first."""
        self._anew = why

    async def run(self) -> None:
        """For ever, with pauses that grow with each failure in a row."""
        failures = 0
        while True:
            if failures:
                await self._edge.sleep(pause_s(failures, self._edge.dice))
            began_s = self._edge.now_s()
            why = await self._once()
            if self.up:
                self.up = False
                self.losses += 1
            self._changed(False, why)
            steady = self._edge.now_s() - began_s >= STEADY_S
            failures = 1 if steady else failures + 1

    async def _once(self) -> str:
        try:
            link = await self._open()
        except VenueUnavailable as error:
            why = without_queries(str(error))
            log.warning("user_stream_unreachable error=%s", why)
            if getattr(error, "status", 0) in (403, 418, 429, 451):
                await self._edge.sleep(REFUSED_S)
            return why
        try:
            self.up = True
            self._anew, self._bad = "", 0
            link.flow_to(self._frame)
            self._changed(True, "")
            link = await self._attend(link)
        finally:
            link.drop("user stream ended")
        log.warning("user_stream_lost why=%s", link.why)
        return link.why

    async def _open(self) -> Link:
        """Connected and welcomed. What comes meanwhile is held back, in order."""
        wait_s = self._budget.wait_s(self._edge.now_s())
        if wait_s > 0.0:
            await self._edge.sleep(wait_s)
        self._budget.spend(self._edge.now_s())
        self.connects += 1
        link = await open_link(await self._door.url(), self._wire)
        hello = self._door.hello()
        if not hello:
            return link
        try:
            for message in hello:
                link.send(message)
            await self._welcome(link)
        except (asyncio.CancelledError, VenueUnavailable):
            link.drop("not welcomed")
            raise
        return link

    async def _welcome(self, link: Link) -> None:
        deadline_s = self._edge.now_s() + HELLO_S
        looked = 0
        while self._edge.now_s() < deadline_s and not link.closed.is_set():
            for message, _ in link.held[looked:]:
                answer = self._door.welcomed(_decoded(message))
                if answer is False:
                    raise VenueUnavailable(f"the user stream was refused: {message[:200]!r}")
                if answer:
                    return
                looked += 1
            await self._edge.sleep(0.01)
        raise VenueUnavailable("the user stream was not confirmed")

    async def _attend(self, link: Link) -> Link:
        edge = self._edge
        ends_s = edge.now_s() + edge.life_s
        renews_s = edge.now_s() + (self._door.renew_s or edge.life_s)
        heard, heard_s = link.messages, edge.now_s()
        while not link.closed.is_set():
            await _closed_within(link, edge.tick_s)
            if link.messages != heard:
                heard, heard_s = link.messages, edge.now_s()
            if self._bad > BAD_FRAMES_MAX:
                link.drop("speaks nonsense")
            elif self._door.silent_s and edge.now_s() - heard_s > self._door.silent_s:
                link.drop("silent")
            elif edge.now_s() >= ends_s or self._anew:
                link = await self._rotated(link)
                ends_s = edge.now_s() + edge.life_s
            elif edge.now_s() >= renews_s:
                renews_s = edge.now_s() + (self._door.renew_s or edge.life_s)
                if not await self._door.renew():
                    self._anew = "the way in was not renewed"
        return link

    async def _rotated(self, old: Link) -> Link:
        """A new connection first; both speak for a moment, and what is told twice is told once."""
        why, self._anew = self._anew or "age", ""
        try:
            new = await self._open()
        except VenueUnavailable as error:
            log.warning("user_stream_not_rotated error=%s", without_queries(str(error)))
            await _closed_within(old, pause_s(4, self._edge.dice))
            self._anew = why
            return old
        new.flow_to(self._frame)
        await _closed_within(old, self._edge.overlap_s)
        old.drop("rotated")
        self.rotations += 1
        log.info("user_stream_rotated why=%s", why)
        # What the old one lost before the new one stood is found by reading the state.
        self._changed(True, why)
        return new

    def _frame(self, message: bytes, received_ns: int) -> None:
        data = _decoded(message)
        if not isinstance(data, dict):
            self.garbled += 1
            self._bad += 1
            self._changed(True, "a message that makes no sense")
            return
        self._take(data)


def _decoded(message: bytes) -> Any:
    try:
        return msgspec.json.decode(message)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


async def _closed_within(link: Link, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await link.closed.wait()
    except TimeoutError:
        return
