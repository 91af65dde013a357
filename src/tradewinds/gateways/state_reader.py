"""The venue's truth in one piece: read while nothing moved, or read again."""

import logging
from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from tradewinds.gateways.ccxt_orders import Edge
from tradewinds.gateways.dialect import Dialect, Said, Wallet
from tradewinds.gateways.order_desk import OrderDesk, Sent
from tradewinds.gateways.venue_errands import BAD_ANSWER, Batch, Errands
from tradewinds.model.decimals import ZERO
from tradewinds.model.errors import VenueUnavailable
from tradewinds.model.events import FundingPaid, VenueOrder, VenueStateRead
from tradewinds.model.ids import ClientOrderId, InstrumentId
from tradewinds.model.instrument import InstrumentKind
from tradewinds.model.order import Order, OrderStatus

ATTEMPTS: Final = 4
log = logging.getLogger(__name__)


class StillMoving(VenueUnavailable):
    """Every reading was overtaken by reports: there is no lack of news."""


class Glance(Struct, frozen=True, kw_only=True):
    """What a wallet held at some moment between the question and the answer."""

    wallet: Wallet
    asked_ns: int
    answered_ns: int


class Reading(Struct, frozen=True, kw_only=True):
    """What the venue answered, before anybody is told. It is good until there is other news.

    `began_ns` is when the first question was asked; `glance` is what its wallet holds.
    """

    said: tuple[Said, ...]
    batches: tuple[Batch, ...]
    payments: tuple[FundingPaid, ...]
    news: int
    glance: Glance
    began_ns: int = 0


class StateReader:
    """Orders, executions, balances and positions. What it learns is told by its reading alone."""

    def __init__(self, dialect: Dialect, desk: OrderDesk, errands: Errands, edge: Edge) -> None:
        self._dialect = dialect
        self._desk = desk
        self._errands = errands
        self._edge = edge
        self.told: Glance | None = None

    async def read(self, orders: Sequence[Order] = ()) -> Reading:
        """Raises VenueUnavailable when the venue does not answer, StillMoving when it does."""
        began_ns = self._edge.now_ns()
        self._desk.adopt(orders)
        self._errands.concern(orders)
        reading = None
        for _ in range(ATTEMPTS):
            before = self._desk.news
            reading = await self._attempt([order.approved.client_order_id for order in orders])
            if reading is not None and self.fresh(reading, before):
                return replace(reading, began_ns=began_ns)
            await self._edge.sleep(0.2)
        if reading is None:
            raise VenueUnavailable("the venue does not tell its state")
        raise StillMoving("the venue's state never stood still while it was read")

    async def _attempt(self, wanted: Sequence[ClientOrderId]) -> Reading | None:
        standing = await self._errands.open_orders()
        if standing is None:
            return None
        there = {said.order.client_order_id for said in standing}
        asked = []
        for sent in self._ours(wanted):
            if sent.id not in there:
                told = await self._errands.told_of(sent)
                if told is None:
                    return None
                asked.append(told.said or self._not_found(sent))
        batches = []
        for instrument_id in sorted(self._markets()):
            batch = await self._errands.new_fills(instrument_id)
            if batch is None:
                return None
            batches.append(batch)
        payments = await self._errands.payments()
        glance = await self._glance()
        if payments is None or glance is None:
            return None
        return Reading(
            said=(*standing, *asked),
            batches=tuple(batches),
            glance=glance,
            payments=tuple(payments),
            news=self._desk.news,
        )

    async def latest(self, since_ns: int) -> Sequence[ClientOrderId]:
        """Names of orders in our markets since then, whoever placed them. Raises
        VenueUnavailable."""
        answers = []
        for request in self._dialect.latest():
            answer = await self._errands.ask(request, lambda data: data)
            if answer is None:
                raise VenueUnavailable("the venue does not tell its latest orders")
            answers.append(answer)
        try:
            return self._dialect.placed_after(answers, since_ns)
        except BAD_ANSWER as error:
            raise VenueUnavailable(f"the latest orders make no sense: {error!r}") from error

    async def glance(self) -> Glance:
        """At the wallet alone. Raises VenueUnavailable."""
        found = await self._glance()
        if found is None:
            raise VenueUnavailable("the venue does not tell what the wallet holds")
        return found

    async def _glance(self) -> Glance | None:
        asked_ns = self._edge.now_ns()
        wallet = await self._errands.wallet()
        if wallet is None:
            return None
        return Glance(wallet=wallet, asked_ns=asked_ns, answered_ns=self._edge.now_ns())

    def _ours(self, wanted: Sequence[ClientOrderId]) -> list[Sent]:
        working = {sent.id: sent for sent in self._desk.working()}
        for order_id in wanted:
            sent = self._desk.get(order_id)
            if sent is not None and not sent.ended:
                working[order_id] = sent
        return list(working.values())

    def _markets(self) -> set[InstrumentId]:
        """Where something of ours can have happened: perpetuals always, for liquidations."""
        perpetuals = (
            i.id for i in self._dialect.instruments.values() if i.kind is InstrumentKind.PERPETUAL
        )
        sent = (s.order.instrument_id for s in self._desk.working())
        known = self._dialect.instruments
        return {i for i in {*self._errands.touched, *perpetuals, *sent} if i in known}

    def fresh(self, reading: Reading, before: int | None = None) -> bool:
        """Whether nothing was sent or heard since (or since `before`, when it began)."""
        return self._desk.news == reading.news == (reading.news if before is None else before)

    def tell(self, reading: Reading) -> VenueStateRead:
        """The reading as an event. What it brings counts as told from here on, not before.

        Funding has no place in it and is reported before it.
        """
        now_ns = self._edge.now_ns()
        for payment in reading.payments:
            self._desk.paid(payment)
        self._errands.note_payments(reading.payments)
        with self._desk.silently():
            for batch in reading.batches:
                self._errands.book(batch)
            for said in reading.said:
                self._desk.heard(said, now_ns)
                self._desk.shown(said)
        self.told = reading.glance
        wallet = reading.glance.wallet
        self._errands.note_wallet(wallet)
        return VenueStateRead(
            balances=dict(wallet.totals),
            orders=tuple(self._under_our_name(said.order) for said in reading.said),
            positions=wallet.positions,
            fills=tuple(fill for batch in reading.batches for fill in batch.fills),
            venue_time_ns=now_ns,
            received_time_ns=now_ns,
        )

    def _under_our_name(self, order: VenueOrder) -> VenueOrder:
        """A triggered stop's child stands in the book under a name of its own."""
        name = self._desk.name_of(order.venue_order_id)
        return order if name is None else replace(order, client_order_id=name)

    def _not_found(self, sent: Sent) -> Said:
        """One that was accepted and should long be shown is gone; of others nobody knows yet, and
        the queries that settle them go on."""
        gone = sent.accepted and self._errands.overdue(sent)
        order = VenueOrder(
            client_order_id=sent.id,
            venue_order_id=sent.venue_order_id,
            instrument_id=sent.order.instrument_id,
            status=OrderStatus.EXPIRED if gone else OrderStatus.UNKNOWN,
            filled_quantity=ZERO,
            reason="not found",
        )
        return Said(order=order, venue_time_ns=sent.sent_ns)
