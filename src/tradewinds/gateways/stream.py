"""A subscription that lasts: connected, watched, rotated before its time, reconnected calmly."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from msgspec import Struct

from tradewinds.gateways.link import HandshakeRefused, Link, Wire, open_link
from tradewinds.gateways.restraint import REFUSED_S, ConnectBudget, pause_s
from tradewinds.model.errors import VenueUnavailable

LIFE_S: Final = 23 * 3600.0
"""Binance ends every connection at 24 h; ours moves an hour before, by its own choice."""
LIFE_SPREAD: Final = 0.02
STEADY_S: Final = 60.0
"""A connection that lived this long was not a failure."""
OVERLAP_S: Final = 1.0
FIRST_DATA_S: Final = 10.0
ROTATE_AGAIN_S: Final = 20.0
log = logging.getLogger(__name__)


class StreamTerms(Struct, frozen=True, kw_only=True):
    """Where to and what to say there. Nothing usable for `silent_s`: the connection is given up.

    `send_gap_s` lies between two messages of ours; venues count them.
    """

    name: str
    url: str
    hello: tuple[bytes, ...]
    silent_s: float = 15.0
    life_s: float = LIFE_S
    send_gap_s: float = 0.25
    tick_s: float = 0.5
    overlap_s: float = OVERLAP_S
    first_data_s: float = FIRST_DATA_S
    rotate_again_s: float = ROTATE_AGAIN_S


class Pace(Struct, frozen=True, kw_only=True):
    """Clock, waiting and dice, replaceable in tests. The clock counts seconds from anywhere."""

    now_s: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    dice: Callable[[], float] = random.random


class Receiver(Protocol):
    """Who a stream's messages are for."""

    @property
    def usable(self) -> int:
        """How many messages so far were of use: silence is measured by it."""
        ...

    def opened(self, *, carries_on: bool) -> None:
        """Messages of a new connection follow; without a gap if it carries on from the last."""
        ...

    def frame(self, message: bytes, received_ns: int) -> None:
        """One message. Raises nothing a venue can cause."""
        ...

    def fault(self) -> str:
        """Why this connection must be given up, or nothing."""
        ...


class Stream:
    """Runs until cancelled. `connects`, `losses` and `rotations` are counted."""

    def __init__(
        self,
        terms: StreamTerms,
        receiver: Receiver,
        wire: Wire,
        budget: ConnectBudget,
        pace: Pace,
    ) -> None:
        self._terms = terms
        self._receiver = receiver
        self._wire = wire
        self._budget = budget
        self._pace = pace
        self._rotate_why = ""
        self._link: Link | None = None
        self.connected = False
        self.connects = self.losses = self.rotations = 0

    def rotate(self, why: str) -> None:
        """The venue wants us gone: a new connection first, then leave the old one."""
        self._rotate_why = why

    def pause(self, *, paused: bool) -> None:
        """Stop reading for a moment, or go on."""
        if self._link is not None:
            self._link.pause(paused=paused)

    async def run(self) -> None:
        """For ever. A refusal by status waits a minute, other failures seconds."""
        failures = 0
        while True:
            if failures:
                await self._pace.sleep(pause_s(failures, self._pace.dice))
            began_s = self._pace.now_s()
            try:
                await self._once()
            except HandshakeRefused as error:
                log.error("stream_refused stream=%s status=%d", self._terms.name, error.status)
                await self._pace.sleep(REFUSED_S)
            except VenueUnavailable as error:
                log.warning("stream_unreachable stream=%s error=%s", self._terms.name, error)
            steady = self._pace.now_s() - began_s >= STEADY_S
            failures = 1 if steady else failures + 1

    async def _once(self) -> None:
        link = await self._open()
        try:
            self._receiver.opened(carries_on=False)
            self._link = link
            link.flow_to(self._receiver.frame)
            self.connected = True
            link = await self._attend(link)
        finally:
            self.connected = False
            link.drop("stream ended")
        self.losses += 1
        log.warning("stream_lost stream=%s why=%s", self._terms.name, link.why)

    async def _open(self) -> Link:
        """Connected, and everything asked for. What comes is held back."""
        wait_s = self._budget.wait_s(self._pace.now_s())
        if wait_s > 0.0:
            log.error("connects_exhausted stream=%s wait_s=%.0f", self._terms.name, wait_s)
            await self._pace.sleep(wait_s)
        self._budget.spend(self._pace.now_s())
        self.connects += 1
        link = await open_link(self._terms.url, self._wire)
        try:
            for number, message in enumerate(self._terms.hello):
                if number:
                    await self._pace.sleep(self._terms.send_gap_s)
                link.send(message)
        except asyncio.CancelledError:
            link.drop("cancelled")
            raise
        return link

    async def _attend(self, link: Link) -> Link:
        """Until the connection is lost; returns the one that was the last."""
        terms, now_s = self._terms, self._pace.now_s
        usable, heard_s = self._receiver.usable, now_s()
        ends_s = self._end_s()
        while not await _closed_within(link, terms.tick_s):
            if self._receiver.usable != usable:
                usable, heard_s = self._receiver.usable, now_s()
            why = self._receiver.fault()
            if not why and now_s() - heard_s > terms.silent_s:
                why = f"nothing usable for {terms.silent_s:g} s"
            if why:
                link.drop(why)
            elif now_s() >= ends_s or self._rotate_why:
                link = await self._rotated(link)
                ends_s = self._end_s()
        return link

    def _end_s(self) -> float:
        """Spread, so that several streams do not move at the same time."""
        return self._pace.now_s() + self._terms.life_s * (1.0 - LIFE_SPREAD * self._pace.dice())

    async def _rotated(self, old: Link) -> Link:
        """The connection to go on with: a new one that has begun to speak, else the old one."""
        why, self._rotate_why = self._rotate_why or "age", ""
        try:
            new = await self._open()
        except VenueUnavailable as error:
            log.warning("stream_not_rotated stream=%s error=%s", self._terms.name, error)
            # Tried again soon: the old one still speaks, but not for long.
            await _closed_within(old, self._terms.rotate_again_s)
            self._rotate_why = why
            return old
        try:
            if not await self._speaks(new, old):
                new.drop("silent from the start")
                self._rotate_why = why
                return old
        except asyncio.CancelledError:
            new.drop("cancelled")
            raise
        lost = old.closed.is_set()
        old.drop("rotated")
        self.rotations += 1
        log.info("stream_rotated stream=%s why=%s", self._terms.name, why)
        # What the new one said meanwhile comes now; ids tell what the old one had said already.
        self._receiver.opened(carries_on=not lost)
        self._link = new
        new.flow_to(self._receiver.frame)
        return new

    async def _speaks(self, new: Link, old: Link) -> bool:
        """Whether data come; then wait until the two overlap for sure, or the old one ends."""
        deadline_s = self._pace.now_s() + self._terms.first_data_s
        answers = len(self._terms.hello)
        while new.messages <= answers:
            if self._pace.now_s() >= deadline_s or await _closed_within(new, self._terms.tick_s):
                return False
        await _closed_within(old, self._terms.overlap_s)
        return not new.closed.is_set()


async def _closed_within(link: Link, timeout_s: float) -> bool:
    try:
        async with asyncio.timeout(timeout_s):
            await link.closed.wait()
    except TimeoutError:
        return False
    return True
