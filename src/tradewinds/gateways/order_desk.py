"""What we know of each order at the venue, and the reports that follow: each thing told once."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from tradewinds.gateways.dialect import Named, Said
from tradewinds.model.decimals import ZERO
from tradewinds.model.events import (
    CancelRejected,
    FundingPaid,
    InstrumentChanged,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderOutcomeUnknown,
    OrderRejected,
    VenueFeaturesTold,
    VenueReport,
    VenueStateRead,
    VenueTroubleChanged,
)
from tradewinds.model.ids import ClientOrderId, FillId
from tradewinds.model.order import ApprovedOrder, Fill, Order, OrderStatus

FILLS_REMEMBERED: Final = 20_000
ORDERS_REMEMBERED: Final = 2_000
LATE_NS: Final = 3_000_000_000
"""How long an order that is gone waits for its sibling to say why."""
MISSING_NS: Final = 30_000_000_000
"""How long an end waits for the executions that it counts, while they are asked for."""
LiveReport = (
    VenueReport | VenueStateRead | VenueTroubleChanged | InstrumentChanged | VenueFeaturesTold
)
Word = type[OrderRejected | OrderCanceled | OrderExpired | CancelRejected | OrderOutcomeUnknown]
ENDINGS: Final[Mapping[OrderStatus, Word]] = {
    OrderStatus.CANCELED: OrderCanceled,
    OrderStatus.EXPIRED: OrderExpired,
    OrderStatus.REJECTED: OrderRejected,
}


@dataclass(slots=True, eq=False)
class Sent:
    """An order of ours on its way or at the venue. `quantity` is what was really asked for.

    `carrier`: the entry whose request it came with; until that has filled whole it stands in no
    book. `confirmed`: the venue has shown it standing. `risen`: it has, after its end was told.
    """

    order: ApprovedOrder
    sent_ns: int
    quantity: Decimal
    venue_order_id: str = ""
    accepted: bool = False
    unknown: bool = False
    filled: Decimal = ZERO
    ending: Said | None = None
    ending_ns: int = 0
    ended: bool = False
    sibling: "Sent | None" = field(default=None, repr=False)
    carrier: "Sent | None" = field(default=None, repr=False)
    listed: bool = False
    confirmed: bool = False
    parted: bool = False
    risen: bool = False

    @property
    def id(self) -> ClientOrderId:
        """Ours."""
        return self.order.client_order_id

    @property
    def active(self) -> bool:
        """Whether an execution or the fullness of it is known."""
        return self.filled > ZERO or self.full

    @property
    def full(self) -> bool:
        """Whether the venue has said that all of it has filled."""
        return self.ending is not None and self.ending.order.status is OrderStatus.FILLED

    @property
    def due_ns(self) -> int:
        """When it should have been standing; 0 while its entry works."""
        if self.carrier is None:
            return self.sent_ns
        return self.carrier.ending_ns

    @property
    def abandoned(self) -> bool:
        """Its entry is over and did not fill whole: the venue never puts it in the book."""
        carrier = self.carrier
        return carrier is not None and carrier.ended and not carrier.full


class OrderDesk:
    """Synchronous; `reports` fills, and whoever owns the desk hands them on."""

    def __init__(self) -> None:
        self.reports: list[LiveReport] = []
        self.news = 0
        self._working: dict[ClientOrderId, Sent] = {}
        self._ended: OrderedDict[ClientOrderId, Sent] = OrderedDict()
        self._names: OrderedDict[str, ClientOrderId] = OrderedDict()
        self._fills: OrderedDict[FillId, None] = OrderedDict()
        self.since_reading: list[Fill] = []
        self.sent_since_reading: list[Sent] = []
        self._payments: OrderedDict[str, None] = OrderedDict()
        self._nameless: dict[str, list[Said]] = {}

    def working(self) -> list[Sent]:
        """What has not ended as far as we know, oldest first."""
        return list(self._working.values())

    def get(self, order_id: ClientOrderId) -> Sent | None:
        """Working or recently ended."""
        return self._working.get(order_id) or self._ended.get(order_id)

    def name_of(self, venue_order_id: str) -> ClientOrderId | None:
        """Our name of an order that the venue names."""
        return self._names.get(venue_order_id)

    def learn_name(self, venue_order_id: str, order_id: ClientOrderId) -> None:
        """Remember whose an order is."""
        self._names[venue_order_id] = order_id
        if len(self._names) > ORDERS_REMEMBERED:
            self._names.popitem(last=False)

    def add(self, order: ApprovedOrder, now_ns: int) -> Sent:
        """An order that is about to be sent."""
        self.news += 1
        sent = Sent(order=order, sent_ns=now_ns, quantity=order.quantity)
        self._working[order.client_order_id] = sent
        self.sent_since_reading.append(sent)
        return sent

    def adopt(self, orders: Iterable[Order]) -> None:
        """Orders of an earlier run, or of ours, that still work as far as the engine knows."""
        for order in orders:
            if order.working and self.get(order.approved.client_order_id) is None:
                sent = self.add(order.approved, order.submitted_time_ns)
                # Its executions are read again from the first on, so they are counted from zero.
                sent.accepted = order.status in (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED)
                sent.unknown = not sent.accepted
        for sent in self._working.values():
            if sent.order.bracket and sent.order.bracket != sent.id and sent.carrier is None:
                sent.carrier = self.get(sent.order.bracket)

    @contextmanager
    def silently(self) -> Iterator[None]:
        """What is learnt inside is told by a reading of the state, not by reports of its own."""
        kept, self.reports = self.reports, []
        try:
            yield
        finally:
            self.reports = kept

    def rejected(self, sent: Sent, reason: str, now_ns: int) -> None:
        """A definitive no."""
        if not sent.ended:
            self._end(sent, now_ns)
            self._report(OrderRejected, sent, reason, now_ns)

    def unknown(self, sent: Sent, reason: str, now_ns: int) -> None:
        """Nobody knows yet."""
        if not (sent.ended or sent.accepted or sent.unknown):
            sent.unknown = True
            self._report(OrderOutcomeUnknown, sent, reason, now_ns)

    def gone(self, sent: Sent, reason: str, now_ns: int) -> None:
        """It was accepted, and the venue knows it no more."""
        if not sent.ended:
            self._end(sent, now_ns)
            self._report(OrderExpired, sent, reason, now_ns)

    def cancel_rejected(self, sent: Sent, reason: str, now_ns: int) -> None:
        """It could not be canceled; what it is now is found out separately."""
        if not sent.ended:
            self._report(CancelRejected, sent, reason, now_ns)

    def heard(self, said: Said, now_ns: int) -> None:
        """The venue tells of an order: by answer, by stream or by query, in any sequence."""
        order_id = self._names.get(said.order.venue_order_id, said.order.client_order_id)
        sent = self.get(order_id)
        if sent is None:
            self._not_ours(said)
            return
        self.learn_name(said.order.venue_order_id, order_id)
        sent.venue_order_id = sent.venue_order_id or said.order.venue_order_id
        for fill in said.fills:
            self.fill(replace(fill, client_order_id=order_id), now_ns)
        self._status(sent, said, now_ns)

    def shown(self, said: Said) -> None:
        """The venue lets an order of ours stand."""
        order_id = self._names.get(said.order.venue_order_id, said.order.client_order_id)
        sent = self.get(order_id)
        if sent is not None and said.order.status is OrderStatus.OPEN and not said.waiting:
            sent.confirmed, sent.risen = True, sent.ended

    def named(self, named: Named, now_ns: int) -> None:
        """A triggered stop's child: what was heard of it before is now ours."""
        self.learn_name(named.venue_order_id, named.client_order_id)
        for said in self._nameless.pop(named.venue_order_id, []):
            self.heard(said, now_ns)

    def fill(self, fill: Fill, now_ns: int) -> bool:
        """An execution, whoever tells it; False when it was told before."""
        if fill.fill_id in self._fills:
            return False
        self._fills[fill.fill_id] = None
        if len(self._fills) > FILLS_REMEMBERED:
            self._fills.popitem(last=False)
        self.news += 1
        self.reports.append(
            OrderFilled(fill=fill, venue_time_ns=fill.venue_time_ns, received_time_ns=now_ns)
        )
        self.since_reading.append(fill)
        sent = self.get(fill.client_order_id)
        if sent is not None:
            sent.unknown = False
            sent.filled += fill.quantity
            self._settle(sent, now_ns)
            if sent.sibling is not None:
                self._settle(sent.sibling, now_ns)
        return True

    def paid(self, payment: FundingPaid) -> None:
        """Funding, whoever tells it."""
        if payment.funding_id not in self._payments:
            self._payments[payment.funding_id] = None
            self.news += 1
            self.reports.append(payment)
        if len(self._payments) > ORDERS_REMEMBERED:
            self._payments.popitem(last=False)

    def seen(self, fill_id: FillId) -> bool:
        """Whether this execution was told already."""
        return fill_id in self._fills

    def lacking(self) -> list[Sent]:
        """Orders that have ended with executions that we have not heard of."""
        return [sent for sent in self._working.values() if sent.ending is not None]

    def give_up_waiting(self, now_ns: int) -> None:
        """An end that has waited long enough is told. Of a full order there is nothing to tell but
        its executions: they are asked for until they come."""
        for sent in self.lacking():
            assert sent.ending is not None
            missing = sent.filled < sent.ending.order.filled_quantity
            full = sent.ending.order.status is OrderStatus.FILLED
            patience_ns = MISSING_NS if missing else LATE_NS
            if now_ns - sent.ending_ns >= patience_ns and not (missing and full):
                self._finish(sent, now_ns)

    def _not_ours(self, said: Said) -> None:
        """The venue closing our position is booked; a nameless child waits for its name."""
        for fill in said.fills:
            if fill.venue_initiated:
                self.fill(fill, fill.received_time_ns)
            else:
                self._nameless.setdefault(said.order.venue_order_id, []).append(said)
        while len(self._nameless) > ORDERS_REMEMBERED:
            self._nameless.pop(next(iter(self._nameless)))

    def nameless(self) -> bool:
        """Whether executions wait for somebody to say whose they are."""
        return bool(self._nameless)

    def forget_nameless(self) -> None:
        """They were somebody else's."""
        self._nameless.clear()

    def _status(self, sent: Sent, said: Said, now_ns: int) -> None:
        status = said.order.status
        if sent.ended or status is OrderStatus.UNKNOWN:
            return
        if status is not OrderStatus.REJECTED:
            self._accept(sent, said, now_ns)
        if status in ENDINGS or status is OrderStatus.FILLED:
            if sent.ending is None:
                sent.ending, sent.ending_ns = said, now_ns
            elif said.order.filled_quantity > sent.ending.order.filled_quantity:
                sent.ending = said
            self._settle(sent, now_ns)

    def _accept(self, sent: Sent, said: Said, now_ns: int) -> None:
        sent.unknown = False
        if sent.accepted:
            return
        sent.accepted = True
        self.news += 1
        self.reports.append(
            OrderAccepted(
                client_order_id=sent.id,
                instrument_id=sent.order.instrument_id,
                venue_order_id=said.order.venue_order_id,
                venue_time_ns=said.venue_time_ns,
                received_time_ns=now_ns,
            )
        )

    def _settle(self, sent: Sent, now_ns: int) -> None:
        """Tell the end once the executions that it counts have been told."""
        if sent.ending is None or sent.ended:
            return
        if sent.filled < sent.ending.order.filled_quantity:
            return
        expired = sent.ending.order.status is OrderStatus.EXPIRED
        if expired and sent.sibling is not None and not self._explained(sent.sibling):
            return
        self._finish(sent, now_ns)

    def _explained(self, sibling: Sent) -> bool:
        """Whether the other order of the pair has said enough to judge why this one is gone."""
        return sibling.active or sibling.ending is not None or sibling.ended

    def _finish(self, sent: Sent, now_ns: int) -> None:
        said = sent.ending
        assert said is not None
        self._end(sent, now_ns)
        if sent.sibling is not None and not sent.sibling.ended:
            self._settle(sent.sibling, now_ns)
        status, reason = said.order.status, said.order.reason
        if status is OrderStatus.FILLED:
            if sent.quantity < sent.order.quantity:
                told = f"only {sent.quantity} of {sent.order.quantity} was free to sell"
                self._report(OrderExpired, sent, told, now_ns)
            return
        if status is OrderStatus.EXPIRED and sent.sibling is not None and sent.sibling.active:
            self._report(OrderCanceled, sent, "its OCO sibling came first", now_ns)
            return
        self._report(ENDINGS[status], sent, reason, now_ns)

    def _end(self, sent: Sent, now_ns: int) -> None:
        sent.ended = True
        sent.ending_ns = sent.ending_ns or now_ns
        self._working.pop(sent.id, None)
        self._ended[sent.id] = sent
        if len(self._ended) > ORDERS_REMEMBERED:
            self._ended.popitem(last=False)

    def _report(self, kind: Word, sent: Sent, reason: str, now_ns: int) -> None:
        self.news += 1
        self.reports.append(
            kind(
                client_order_id=sent.id,
                instrument_id=sent.order.instrument_id,
                reason=reason,
                venue_time_ns=now_ns,
                received_time_ns=now_ns,
            )
        )
