"""What goes wrong, when, and how often: scripted, in order, and the same for the same seed."""

import random
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase

from msgspec import Struct

from tradewinds.practice.clock import NS_PER_S, VenueClock

# To requests


class Reply(Struct, frozen=True, kw_only=True):
    """Answer this instead. `execute`: the request takes effect all the same."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json"
    execute: bool = False


class Reset(Struct, frozen=True, kw_only=True):
    """The connection is reset once the whole request was read."""

    execute: bool = True


class Lost(Struct, frozen=True, kw_only=True):
    """No answer ever comes; the client must give up by itself."""

    execute: bool = True


class Hidden(Struct, frozen=True, kw_only=True):
    """Takes effect, answers `reply`, and what it made stays invisible to queries for `for_s`."""

    for_s: float
    reply: Reply | None = None


class Late(Struct, frozen=True, kw_only=True):
    """Answers `reply` now and takes effect `after_s` later, if its time window still allows."""

    after_s: float
    reply: Reply


class Delay(Struct, frozen=True, kw_only=True):
    """Takes its time before it takes effect, or before it answers."""

    before_s: float = 0.0
    after_s: float = 0.0


class Queued(Struct, frozen=True, kw_only=True):
    """It lay somewhere for so long before the venue looks at it: signatures and tokens may have
    run out. Nobody waits."""

    for_s: float


RequestFault = Reply | Reset | Lost | Hidden | Late | Delay | Queued

# To frames of a stream


class Drop(Struct, frozen=True, kw_only=True):
    """The frame is never sent."""


class Duplicate(Struct, frozen=True, kw_only=True):
    """The frame is sent twice."""


class Swap(Struct, frozen=True, kw_only=True):
    """The frame is sent after the one that follows it."""


class Withhold(Struct, frozen=True, kw_only=True):
    """The frame is sent this much later; what follows overtakes it."""

    for_s: float


class Garble(Struct, frozen=True, kw_only=True):
    """Another frame before this one, or `instead` of it. See `garbage.py` for ready ones."""

    frame: bytes
    instead: bool = True
    binary: bool = False


class Silence(Struct, frozen=True, kw_only=True):
    """From now on nothing of this kind is sent on the connection, while pings are answered."""

    for_s: float | None = None


class HalfOpen(Struct, frozen=True, kw_only=True):
    """The connection stays up and dead: nothing is sent, nothing is read, no pong."""


class Close(Struct, frozen=True, kw_only=True):
    """The connection is closed with this code; 1006 cuts it off without a word."""

    code: int = 1001


FrameFault = Drop | Duplicate | Swap | Withhold | Garble | Silence | HalfOpen | Close

# To connections and subscriptions


class Deny(Struct, frozen=True, kw_only=True):
    """The connection or subscription is refused with this HTTP status or error code."""

    status: int = 503
    code: int = 0
    message: str = "practice venue: refused"


Fault = RequestFault | FrameFault | Deny


When = Callable[[Mapping[str, str]], bool]
"""Looks at a request's parameters."""


class Rule(Struct, kw_only=True, eq=False):
    """One line of a plan. `skip` lets that many pass first; `chance` is drawn from the seed.

    Set `when` to spare some requests, such as those that only reduce.
    """

    where: str
    fault: Fault
    times: int | None = 1
    skip: int = 0
    chance: float = 1.0
    until_ns: int | None = None
    when: When | None = None
    struck: int = 0


class FaultPlan:
    """Rules looked up by place: `spot POST /api/v3/order`, `spot-stream btcusdt@bookTicker`,
    `usdm-stream user`, `spot-api order.place`, `spot-stream CONNECT`; `*` and `?` match any.

    The first rule that fits strikes. `struck` tells what happened, in order.
    """

    def __init__(self, clock: VenueClock, seed: int = 0) -> None:
        self._clock = clock
        self._dice = random.Random(seed)  # noqa: S311 - a test must be able to repeat it
        self.rules: list[Rule] = []
        self.struck: list[tuple[str, Fault]] = []

    def on(
        self, where: str, fault: Fault, *, times: int | None = 1, skip: int = 0, chance: float = 1.0
    ) -> Rule:
        """Add a rule: the next `times` (None: always) that fit, after letting `skip` pass."""
        rule = Rule(where=where, fault=fault, times=times, skip=skip, chance=chance)
        self.rules.append(rule)
        return rule

    def lasting(self, where: str, fault: Fault, seconds: float) -> Rule:
        """Add a rule for everything that fits within the next `seconds`."""
        rule = self.on(where, fault, times=None)
        rule.until_ns = self._clock.elapsed_ns() + round(seconds * NS_PER_S)
        return rule

    def sequence(self, where: str, *faults: Fault | None) -> None:
        """One fault after the other; None lets one pass. Fresh rules only: set it up once."""
        for place, fault in enumerate(faults):
            if fault is not None:
                self.on(where, fault, skip=place - self._before(faults, place))

    def clear(self) -> None:
        """From now on nothing goes wrong. What struck stays on record."""
        self.rules.clear()

    def strike_request(
        self, where: str, params: Mapping[str, str] | None = None
    ) -> RequestFault | None:
        """What happens to this request, if anything."""
        for rule in self._fitting(where):
            if rule.when is not None and not rule.when(params or {}):
                continue
            if isinstance(rule.fault, RequestFault) and self._strikes(rule, where):
                return rule.fault
        return None

    def strike_frame(self, where: str) -> FrameFault | None:
        """What happens to this frame of a stream, if anything."""
        for rule in self._fitting(where):
            if isinstance(rule.fault, FrameFault) and self._strikes(rule, where):
                return rule.fault
        return None

    def denial(self, where: str) -> Deny | None:
        """Whether this connection or subscription is refused."""
        for rule in self._fitting(where):
            if isinstance(rule.fault, Deny) and self._strikes(rule, where):
                return rule.fault
        return None

    def _strikes(self, rule: Rule, where: str) -> bool:
        if rule.skip > 0:
            rule.skip -= 1
            return False
        if rule.chance < 1.0 and self._dice.random() >= rule.chance:
            return False
        rule.struck += 1
        self.struck.append((where, rule.fault))
        return True

    def _fitting(self, where: str) -> Iterator[Rule]:
        now_ns = self._clock.elapsed_ns()
        for rule in list(self.rules):
            spent = rule.times is not None and rule.struck >= rule.times
            over = rule.until_ns is not None and now_ns > rule.until_ns
            if not spent and not over and fnmatchcase(where, rule.where):
                yield rule

    @staticmethod
    def _before(faults: tuple[Fault | None, ...], place: int) -> int:
        # A rule does not see the calls that earlier rules of the sequence struck.
        return sum(fault is not None for fault in faults[:place])
