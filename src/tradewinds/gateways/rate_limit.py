"""The venue's own count of our requests, with a share kept back for closing positions."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from tradewinds.gateways.outcomes import Cause, Trouble

NS_PER_S: Final = 1_000_000_000
MINUTE_NS: Final = 60 * NS_PER_S
RESERVE: Final = 0.2
WEIGHT_HEADER: Final = "x-mbx-used-weight-1m"
ORDER_HEADER: Final = "x-mbx-order-count-10s"
SLACK_NS: Final = 50_000_000


class Hold(Struct, frozen=True, kw_only=True):
    """No requests until `until_ns`; those that close go on unless `total`."""

    until_ns: int
    total: bool
    cause: Cause
    reason: str


HOLD_S: Final[Mapping[Cause, tuple[float, bool]]] = {
    Cause.RATE: (10.0, False),
    Cause.BANNED: (120.0, True),
    Cause.BLOCKED: (60.0, True),
    Cause.KEY: (15.0, True),
    Cause.REGION: (1e9, True),
}
"""How long when the venue does not say, and whether even closing waits."""


class RateLimit:
    """Windows are the venue's: whole minutes for weight, ten seconds for orders.

    Its headers are believed over our own count, because others behind this address count too.
    """

    def __init__(self, weight_limit: int, order_limit: int = 90) -> None:
        """`weight_limit` a minute, `order_limit` in ten seconds."""
        self.weight_limit = weight_limit
        self.order_limit = order_limit
        self._weight = _Window(length_ns=MINUTE_NS)
        self._orders = _Window(length_ns=10 * NS_PER_S)
        self._holds: dict[Cause, Hold] = {}
        self._began: dict[Cause, int] = {}

    def wait_ns(self, now_ns: int, weight: int, *, order: bool, closing: bool) -> int:
        """How long this request must wait: 0 to send it now."""
        held = self.hold(now_ns, closing=closing)
        if held is not None:
            return held.until_ns - now_ns
        share = 1.0 if closing else 1.0 - RESERVE
        wait = self._weight.wait_ns(now_ns, weight, int(self.weight_limit * share))
        if order:
            wait = max(wait, self._orders.wait_ns(now_ns, 1, int(self.order_limit * share)))
        return wait

    def hold(self, now_ns: int, *, closing: bool) -> Hold | None:
        """The longest hold that concerns such a request."""
        for cause in [c for c, held in self._holds.items() if held.until_ns <= now_ns]:
            del self._holds[cause]
        concerned = [h for h in self._holds.values() if h.total or not closing]
        return max(concerned, key=lambda held: held.until_ns, default=None)

    def holds(self, now_ns: int) -> frozenset[Cause]:
        """What we are held back for."""
        return frozenset(c for c, held in self._holds.items() if held.until_ns > now_ns)

    def release(self, cause: Cause) -> None:
        """It was nothing after all."""
        self._holds.pop(cause, None)

    def sent(self, now_ns: int, weight: int, *, order: bool) -> None:
        """Count a request of ours until the venue's count comes back."""
        self._weight.add(now_ns, weight)
        if order:
            self._orders.add(now_ns, 1)

    def saw(self, now_ns: int, headers: Mapping[str, str]) -> None:
        """The venue's own count."""
        for name, value in headers.items():
            lowered = name.lower()
            if lowered == WEIGHT_HEADER and value.isdigit():
                self._weight.told(now_ns, int(value))
            elif lowered == ORDER_HEADER and value.isdigit():
                self._orders.told(now_ns, int(value))

    def trouble(self, now_ns: int, trouble: Trouble) -> Hold | None:
        """Hold back as the venue asks; answers the new hold, None when there is none."""
        default = HOLD_S.get(trouble.cause)
        if default is None:
            return None
        seconds, total = default
        held = Hold(
            until_ns=now_ns + int(max(trouble.retry_after_s, 1.0) * NS_PER_S)
            if trouble.retry_after_s
            else now_ns + int(seconds * NS_PER_S),
            total=total,
            cause=trouble.cause,
            reason=trouble.reason,
        )
        self._holds[trouble.cause] = held
        self._began[trouble.cause] = now_ns
        return held

    def began_ns(self, cause: Cause) -> int:
        """When we were last told to hold back for this; 0 for never."""
        return self._began.get(cause, 0)


class _Window:
    """A count that starts anew at each multiple of its length."""

    def __init__(self, length_ns: int) -> None:
        self._length_ns = length_ns
        self._start_ns = 0
        self._used = 0

    def wait_ns(self, now_ns: int, amount: int, limit: int) -> int:
        self._turn(now_ns)
        if self._used + amount <= limit or self._used == 0:
            return 0
        return self._start_ns + self._length_ns - now_ns + SLACK_NS

    def add(self, now_ns: int, amount: int) -> None:
        self._turn(now_ns)
        self._used += amount

    def told(self, now_ns: int, used: int) -> None:
        """Answers come out of order: within a window the count only grows."""
        self._turn(now_ns)
        self._used = max(self._used, used)

    def _turn(self, now_ns: int) -> None:
        start = now_ns - now_ns % self._length_ns
        if start != self._start_ns:
            self._start_ns, self._used = start, 0
