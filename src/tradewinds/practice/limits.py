"""Request weights and order counts in their windows, and the ban of those who do not listen."""

from msgspec import Struct

from tradewinds.practice.clock import NS_PER_S, VenueClock

FIRST_BAN_S = 120
LONGEST_BAN_S = 3 * 24 * 3_600
PATIENCE = 3
"""Requests after the first refusal before the ban."""


class Window(Struct, kw_only=True, eq=False):
    """A count that starts anew every `length_s`."""

    limit: int
    length_s: int
    count: int = 0
    opened_ns: int = 0

    def roll(self, now_ns: int) -> None:
        """Start anew when the time has come."""
        length_ns = self.length_s * NS_PER_S
        if now_ns - self.opened_ns >= length_ns:
            self.opened_ns = now_ns - now_ns % length_ns
            self.count = 0

    def left_s(self, now_ns: int) -> int:
        """Whole seconds until it starts anew, at least one."""
        return max(1, -((now_ns - self.opened_ns) // NS_PER_S - self.length_s))


class TooMuch(Exception):
    """Refused: 429, or 418 while banned. `retry_after_s` is what the header says."""

    def __init__(self, status: int, retry_after_s: int) -> None:
        super().__init__(f"{status}, retry after {retry_after_s} s")
        self.status = status
        self.retry_after_s = retry_after_s


class Limits:
    """Of one caller. `weight` counts requests, `orders` what an account sends."""

    def __init__(self, clock: VenueClock, weight: int, orders: tuple[tuple[int, int], ...]) -> None:
        self._clock = clock
        self.weight = Window(limit=weight, length_s=60)
        self.orders = [Window(limit=limit, length_s=length) for length, limit in orders]
        self._offences = 0
        self._bans = 0
        self._banned_until_ns = 0

    def charge(self, weight: int) -> None:
        """Count a request. Raises TooMuch."""
        now_ns = self._clock.elapsed_ns()
        if now_ns < self._banned_until_ns:
            raise TooMuch(418, max(1, (self._banned_until_ns - now_ns) // NS_PER_S))
        self.weight.roll(now_ns)
        self.weight.count += weight
        if self.weight.count <= self.weight.limit:
            self._offences = 0
            return
        self._offences += 1
        if self._offences > PATIENCE:
            self.ban(min(FIRST_BAN_S * 4**self._bans, LONGEST_BAN_S))
            raise TooMuch(418, FIRST_BAN_S)
        raise TooMuch(429, self.weight.left_s(now_ns))

    def refund(self, weight: int) -> None:
        """A successful order costs nothing."""
        self.weight.count = max(0, self.weight.count - weight)

    def count_orders(self, number: int) -> None:
        """Count unfilled orders. Raises TooMuch before any limit is passed."""
        now_ns = self._clock.elapsed_ns()
        for window in self.orders:
            window.roll(now_ns)
            if window.count + number > window.limit:
                raise TooMuch(429, window.left_s(now_ns))
        for window in self.orders:
            window.count += number

    def ban(self, seconds: int) -> None:
        """Refuse everything for this long."""
        self._bans += 1
        self._banned_until_ns = self._clock.elapsed_ns() + seconds * NS_PER_S

    def pardon(self) -> None:
        """Lift a ban and forget every count."""
        self._banned_until_ns = 0
        self._offences = self._bans = 0
        for window in (self.weight, *self.orders):
            window.count = 0
