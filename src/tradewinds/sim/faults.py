"""A venue that misbehaves on a plan, in event time: for testing what is built on top of it."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from hashlib import blake2b
from heapq import heappop, heappush

from msgspec import Struct
from msgspec.structs import replace

from tradewinds.model.checkpoint import Checkpoint
from tradewinds.model.commands import CancelOrder, SubmitOrder
from tradewinds.model.events import MarketEvent, OrderOutcomeUnknown
from tradewinds.ports import DrivenVenue, VenueNews


class Fault(StrEnum):
    """Reports get lost, doubled or late; a submit's outcome may be unknown, done or not."""

    DROP = "drop"
    DUPLICATE = "duplicate"
    DELAY = "delay"
    UNKNOWN_DONE = "unknown_done"
    UNKNOWN_NOT_DONE = "unknown_not_done"


ON_REPORT = (Fault.DROP, Fault.DUPLICATE, Fault.DELAY)
ON_SUBMIT = (Fault.UNKNOWN_DONE, Fault.UNKNOWN_NOT_DONE)


class FaultPlan(Struct, frozen=True, kw_only=True):
    """How often each fault strikes, as a share of reports or submits; `seed` decides which.

    A delayed report comes `delay_ns` later, an unknown outcome `timeout_ns` after the submit.
    """

    seed: int
    shares: dict[Fault, float]
    delay_ns: int = 1_000_000_000
    timeout_ns: int = 5_000_000_000


class FaultyVenue:
    """Wraps a simulated venue. The truth stays with the wrapped one."""

    def __init__(self, venue: DrivenVenue, plan: FaultPlan) -> None:
        """`plan` is all that decides."""
        self.struck: list[Fault] = []
        self._venue = venue
        self._plan = plan
        self._submits = 0
        self._reports = 0
        self._late: list[tuple[int, int, VenueNews]] = []

    def submit(self, command: SubmitOrder) -> None:
        """Pass the order on, or not; perhaps leave the outcome open."""
        self._submits += 1
        fault = self._draw(ON_SUBMIT, self._submits)
        if fault is not Fault.UNKNOWN_NOT_DONE:
            self._venue.submit(command)
        if fault is not None:
            due_ns = command.time_ns + self._plan.timeout_ns
            unknown = OrderOutcomeUnknown(
                client_order_id=command.order.client_order_id,
                instrument_id=command.order.instrument_id,
                reason="no answer in time",
                venue_time_ns=due_ns,
                received_time_ns=due_ns,
            )
            heappush(self._late, (due_ns, -self._submits, unknown))

    def cancel(self, command: CancelOrder) -> None:
        """Always passed on."""
        self._venue.cancel(command)

    def stages(self, event: MarketEvent) -> Iterator[Sequence[VenueNews]]:
        """The wrapped venue's reports, spoiled."""
        overdue = self._overdue(event.received_time_ns)
        if overdue:
            yield overdue
        for batch in self._venue.stages(event):
            spoiled = self._spoil(batch)
            if spoiled:
                yield spoiled

    def due(self, now_ns: int) -> Sequence[VenueNews]:
        """What is late and what is due."""
        fresh = self._spoil(self._venue.due(now_ns))
        return [*self._overdue(now_ns), *fresh]

    def restore(self, checkpoint: Checkpoint) -> None:
        """Late reports died with the old process."""
        self._late.clear()
        self._venue.restore(checkpoint)

    def _spoil(self, batch: Sequence[VenueNews]) -> list[VenueNews]:
        kept: list[VenueNews] = []
        for report in batch:
            self._reports += 1
            fault = self._draw(ON_REPORT, self._reports)
            if fault is Fault.DELAY:
                due_ns = report.received_time_ns + self._plan.delay_ns
                late = replace(report, received_time_ns=due_ns)
                heappush(self._late, (due_ns, self._reports, late))
            elif fault is not Fault.DROP:
                kept.extend([report, report] if fault is Fault.DUPLICATE else [report])
        return kept

    def _overdue(self, now_ns: int) -> list[VenueNews]:
        reports: list[VenueNews] = []
        while self._late and self._late[0][0] <= now_ns:
            reports.append(heappop(self._late)[2])
        return reports

    def _draw(self, kinds: Sequence[Fault], number: int) -> Fault | None:
        word = f"{self._plan.seed}:{kinds[0]}:{number}".encode()
        left = int.from_bytes(blake2b(word, digest_size=8).digest(), "big") / 2**64
        for kind in kinds:
            left -= self._plan.shares.get(kind, 0.0)
            if left < 0.0:
                self.struck.append(kind)
                return kind
        return None
