"""Questions to the venue: what became of an order, whose is a trade, what may be sold."""

import logging
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from tradewinds.gateways.ccxt_orders import (
    NS_PER_MS,
    CcxtClient,
    Edge,
    Reply,
    Request,
)
from tradewinds.gateways.ccxt_quirks import venue_initiated
from tradewinds.gateways.ccxt_translate import window_ms
from tradewinds.gateways.dialect import Dialect, Said, Since, Traded, Wallet
from tradewinds.gateways.order_desk import OrderDesk, Sent
from tradewinds.gateways.outcomes import Cause, Trouble
from tradewinds.model.decimals import ZERO
from tradewinds.model.events import FundingPaid, InstrumentChanged, VenueFeaturesTold
from tradewinds.model.ids import Asset, ClientOrderId, InstrumentId
from tradewinds.model.instrument import Instrument, InstrumentKind, InstrumentStatus
from tradewinds.model.market import Side
from tradewinds.model.order import ApprovedOrder, Fill, Order, OrderType

MARGIN_NS: Final = 700 * NS_PER_MS
BAD_ANSWER: Final = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError)
WITNESS_NS: Final = 600_000 * NS_PER_MS
CLOCKS_APART_NS: Final = 5_000 * NS_PER_MS
OVERLAP_NS: Final = 120_000 * NS_PER_MS
PAID_AGAIN_NS: Final = 86_400_000 * NS_PER_MS
PAGE: Final = 1_000
PAGES_MAX: Final = 20
OURS: Final = "tw-"
BARRED: Final = InstrumentStatus.CLOSE_ONLY
log = logging.getLogger(__name__)


class Told(Struct, frozen=True, kw_only=True):
    """An answer about an order; `said` None: the venue knows no such order."""

    said: Said | None


class Batch(Struct, frozen=True, kw_only=True):
    """Executions found by query, and where the next query begins."""

    instrument_id: InstrumentId
    fills: tuple[Fill, ...]
    since: Since


class Errands:
    """Each answers None where the venue did not: no answer is never taken for "nothing"."""

    def __init__(self, client: CcxtClient, dialect: Dialect, desk: OrderDesk, edge: Edge) -> None:
        self._client = client
        self._dialect = dialect
        self._desk = desk
        self._edge = edge
        self._since: dict[InstrumentId, Since] = {}
        self.start_ns = edge.now_ns()
        self._paid_ns = 0
        self.touched: set[InstrumentId] = set()
        self.purse: Wallet | None = None
        self._brackets: frozenset[InstrumentId] = frozenset()
        self.look: Callable[[str], None] = _nobody
        self.failed: Callable[[BaseException | None], None] = _raise
        self.to_ask: list[Sent] = []
        self.barred: dict[InstrumentId, dict[str, str]] = {}

    def concern(self, orders: Sequence[Order]) -> None:
        """Orders of before: executions are read from the oldest one on."""
        for order in orders:
            self.touched.add(order.approved.instrument_id)
            self.start_ns = min(self.start_ns, order.submitted_time_ns - CLOCKS_APART_NS)

    def ask_about(self, sent: Sent) -> None:
        """Soon."""
        self.to_ask.append(sent)

    async def ask(self, request: Request, read: Callable[[Any], Any]) -> Any:
        """What `read` makes of the answer; None without one, or where it makes no sense."""
        result = await self._client.ask(request)
        if isinstance(result, Trouble):
            return None
        try:
            return read(result.data)
        except BAD_ANSWER as error:
            log.warning("answer_unread method=%s error=%r", request.method, error)
            return None

    async def query(self, sent: Sent) -> bool | None:
        """What became of an order: True it is there, False the venue knows none, None unknown."""
        told = await self.told_of(sent)
        if told is None:
            return None
        if told.said is not None:
            sent.confirmed = not told.said.waiting
            self._desk.heard(told.said, self._edge.now_ns())
        return told.said is not None

    async def told_of(self, sent: Sent) -> Told | None:
        """The same without telling anybody; None where the venue did not answer."""
        result = await self._client.ask(self._dialect.query(sent.order))
        if isinstance(result, Trouble):
            return Told(said=None) if result.cause is Cause.NOT_FOUND else None
        now_ns = self._edge.now_ns()
        try:
            said, named = self._dialect.queried(sent.order, result.data, now_ns)
        except BAD_ANSWER as error:
            log.warning("order_answer_unread order=%s error=%r", sent.id, error)
            return None
        if named is not None and said is not None:
            self._desk.named(named, now_ns)
            said = await self._child(sent, said, named.venue_order_id)
        return Told(said=said)

    async def _child(self, sent: Sent, said: Said, venue_order_id: str) -> Said:
        """A triggered stop's real order knows how far it has come."""
        instrument = self._dialect.instruments[sent.order.instrument_id]
        child: Said | None = await self.ask(
            self._dialect.name_query(instrument, venue_order_id),
            lambda data: self._dialect.queried(sent.order, data, self._edge.now_ns())[0],
        )
        if child is None:
            return said
        return replace(child, order=replace(child.order, client_order_id=sent.id))

    async def settle_unknown(self, sent: Sent) -> None:
        """Ask until known. Not found is a no only after it can neither appear nor execute."""
        found = await self.query(sent)
        if found is not False or sent.ended or not sent.unknown:
            return
        if not self.overdue(sent):
            return
        standing = await self.open_orders()
        if standing is None or any(said.order.client_order_id == sent.id for said in standing):
            return
        found_fills = await self.new_fills(sent.order.instrument_id)
        if found_fills is None:
            return
        self.book(found_fills)
        if sent.filled or not await self._balance_agrees(sent):
            return
        reason = "not executed: the venue knows neither the order nor a trade of it"
        self._desk.rejected(sent, reason, self._edge.now_ns())

    def note_wallet(self, wallet: Wallet) -> None:
        """What was held when everything was known."""
        self.purse = wallet
        self._desk.since_reading.clear()
        self._desk.sent_since_reading.clear()

    async def _balance_agrees(self, sent: Sent) -> bool:
        """The last witness: what is held is what was held, and what fills have told since.

        Perpetuals need none: their closes cannot close twice. After a long while the difference
        is somebody else's doing.
        """
        before, base = self.purse, self._dialect.instruments[sent.order.instrument_id].base
        old = self._edge.now_ns() - sent.sent_ns > WITNESS_NS
        if before is None or self._dialect.quirks.reduce_only or old:
            return True
        wallet = await self.wallet()
        if wallet is None:
            return False
        expected = before.totals.get(base, ZERO) + self._moved(base)
        differs = abs(wallet.totals.get(base, ZERO) - expected) > sent.quantity / 2
        if differs:
            log.warning("balance_contradicts order=%s asset=%s", sent.id, base)
        return not differs

    def _moved(self, asset: Asset) -> Decimal:
        total = ZERO
        for fill in self._desk.since_reading:
            instrument = self._dialect.instruments[fill.instrument_id]
            signed = fill.quantity if fill.side is Side.BUY else -fill.quantity
            if instrument.base == asset:
                total += signed
            if instrument.quote == asset:
                total -= signed * fill.price
            if fill.fee_asset == asset:
                total -= fill.fee
        return total

    async def confirm(self, sent: Sent) -> bool:
        """An accepted stop must be seen standing; one that never appears protects nothing. Answers
        whether the venue has it and does not let it stand yet."""
        found = await self.query(sent)
        if found is False and self.overdue(sent):
            self._desk.gone(sent, "accepted, but the venue does not know it", self._edge.now_ns())
        return found is True and not sent.confirmed

    def overdue(self, sent: Sent) -> bool:
        """Whether an order that is not found can no longer be one that is not yet shown."""
        return self._edge.now_ns() - sent.sent_ns >= self._patience_ns(sent.order)

    def _patience_ns(self, order: ApprovedOrder) -> int:
        """A close that the venue itself keeps from closing twice need not wait for visibility."""
        quirks = self._dialect.quirks
        window_ns = window_ms(order) * NS_PER_MS + MARGIN_NS
        if order.reduce_only and quirks.reduce_only and order.order_type is OrderType.MARKET:
            return window_ns
        waits = order.trigger_price is not None or bool(order.oco_group)
        return max(window_ns, quirks.visible_stop_ns if waits else quirks.visible_ns)

    async def open_orders(self) -> list[Said] | None:
        """All of the account in our markets."""
        answers = await self._all(self._dialect.open_orders())
        if answers is None:
            return None
        try:
            return list(self._dialect.opened(answers, self._edge.now_ns()))
        except BAD_ANSWER as error:
            log.warning("open_orders_unread error=%r", error)
            return None

    async def wallet(self) -> Wallet | None:
        """Balances and positions."""
        answers = await self._all(self._dialect.wallet())
        if answers is None:
            return None
        try:
            return self._dialect.wallet_of(answers)
        except BAD_ANSWER as error:
            log.warning("wallet_unread error=%r", error)
            return None

    async def payments(self) -> Sequence[FundingPaid] | None:
        """Funding since the start, or since a day before the last that was told: an answer holds
        so many rows, the oldest first."""
        since_ns = max(self.start_ns, self._paid_ns - PAID_AGAIN_NS)
        answers = await self._all(self._dialect.payments(since_ns))
        if answers is None:
            return None
        try:
            return self._dialect.paid(answers, self._edge.now_ns())
        except BAD_ANSWER as error:
            log.warning("payments_unread error=%r", error)
            return None

    def note_payments(self, told: Sequence[FundingPaid]) -> None:
        """They need not be asked for again."""
        self._paid_ns = max((each.venue_time_ns for each in told), default=self._paid_ns)

    async def _all(self, requests: Sequence[Request]) -> list[Any] | None:
        answers = []
        for request in requests:
            result = await self._client.ask(replace(request, closing=True))
            if not isinstance(result, Reply):
                return None
            answers.append(result.data)
        return answers

    async def free_of(self, asset: Asset) -> Decimal | None:
        """What may be sold now."""
        wallet = await self.wallet()
        return None if wallet is None else wallet.free.get(asset, ZERO)

    async def refresh_filters(self) -> None:
        """Rules may have changed; whoever sizes orders must know before the next one."""
        listed: Sequence[Instrument] | None = await self.ask(
            self._dialect.listing(), self._dialect.listed
        )
        if listed is None:
            return
        there = {instrument.id for instrument in listed}
        known = self._dialect.instruments.values()
        gone = [
            replace(each, status=InstrumentStatus.HALTED) for each in known if each.id not in there
        ]
        for instrument in (*listed, *gone):
            barred = instrument.id in self.barred
            self._changed(replace(instrument, status=BARRED) if barred else instrument)
        self.tell_features()

    def _changed(self, instrument: Instrument) -> None:
        now_ns = self._edge.now_ns()
        if instrument != self._dialect.instruments[instrument.id]:
            self._dialect.update(instrument)
            self._desk.reports.append(
                InstrumentChanged(
                    instrument=instrument, venue_time_ns=now_ns, received_time_ns=now_ns
                )
            )

    def bar(self, instrument_id: InstrumentId, setting: str, reason: str) -> None:
        """A market is only closed while a setting of it is not ours; without a reason it is."""
        flaws = self.barred.setdefault(instrument_id, {})
        flaws.pop(setting, None)
        instrument = self._dialect.instruments[instrument_id]
        if reason:
            flaws[setting] = reason
            self._changed(replace(instrument, status=BARRED))
        if not flaws:
            del self.barred[instrument_id]
            if not reason and instrument.status is BARRED:
                self._changed(replace(instrument, status=InstrumentStatus.TRADING))

    def tell_features(self) -> None:
        """Which markets take an entry with its ways out: told once for each change."""
        now_ns, brackets = self._edge.now_ns(), self._dialect.brackets()
        if brackets != self._brackets:
            self._brackets = brackets
            told = VenueFeaturesTold(
                brackets=tuple(sorted(brackets)), venue_time_ns=now_ns, received_time_ns=now_ns
            )
            self._desk.reports.append(told)

    def lose_brackets(self, instrument_id: InstrumentId) -> None:
        """A refusal has said so."""
        self._dialect.lose_brackets(instrument_id)
        self.tell_features()

    async def free_the_position(self, order: ApprovedOrder) -> bool:
        """Cancel our orders in the book that would close the same position (-4118)."""
        freed = False
        for sent in self._desk.working():
            other = sent.order
            same = other.instrument_id == order.instrument_id and other.side is order.side
            if same and other.client_order_id != order.client_order_id:
                result = await self._client.ask(self._dialect.cancel(other, sent.venue_order_id))
                if isinstance(result, Reply):
                    freed = True
                    await self.query(sent)
        return freed

    async def new_fills(self, instrument_id: InstrumentId) -> Batch | None:
        """Executions of ours since the last batch that was booked, those already told left out."""
        instrument = self._dialect.instruments[instrument_id]
        fills: list[Fill] = []
        next_time = since = self._since.get(instrument_id, Since(time_ns=self.start_ns))
        for _ in range(PAGES_MAX):
            request = replace(self._dialect.trades(instrument, since), closing=True)
            rows: Sequence[Traded] | None = await self.ask(
                request, lambda data: self._dialect.traded(instrument, data, self._edge.now_ns())
            )
            if rows is None:
                return None
            for row in rows:
                fill = await self._named(row, instrument)
                if fill is None:
                    return None
                if _wanted(fill, instrument) and not self._desk.seen(fill.fill_id):
                    fills.append(fill)
            next_time = _old_enough(rows) or next_time
            if len(rows) < PAGE:
                break
            since = Since(trade_id=max(row.trade_id for row in rows) + 1)
        return Batch(instrument_id=instrument_id, fills=tuple(fills), since=next_time)

    async def _named(self, row: Traded, instrument: Instrument) -> Fill | None:
        """Under our own order id, or the venue's; None while the venue does not say."""
        order_id = self._desk.name_of(row.venue_order_id)
        if order_id is None:
            request = self._dialect.name_query(instrument, row.venue_order_id)
            order_id = await self.ask(replace(request, closing=True), self._dialect.named)
            if order_id is None:
                return None
            self._desk.learn_name(row.venue_order_id, ClientOrderId(order_id))
        closed = venue_initiated(order_id)
        external = not closed and not order_id.startswith(OURS)
        return replace(
            row.fill, client_order_id=order_id, venue_initiated=closed, external=external
        )

    def book(self, batch: Batch) -> None:
        """Tell those that are new; the next batch begins after them."""
        self._since[batch.instrument_id] = batch.since
        for fill in batch.fills:
            self._desk.fill(fill, self._edge.now_ns())


def _old_enough(rows: Sequence[Traded]) -> Since | None:
    """Where the next query may begin. The last minutes are read again each time: an execution may
    be shown later than one that came after it."""
    latest_ns = max((row.fill.venue_time_ns for row in rows), default=0)
    old = [r.trade_id for r in rows if r.fill.venue_time_ns < latest_ns - OVERLAP_NS]
    return Since(trade_id=max(old) + 1) if old else None


def _wanted(fill: Fill, instrument: Instrument) -> bool:
    """What the user trades by hand on spot is not ours to book: the reading of balances shows it. A
    perpetual position is shared, so whatever moves it is told."""
    return not fill.external or instrument.kind is InstrumentKind.PERPETUAL


def _nobody(reason: str) -> None:
    """Until somebody listens."""


def _raise(error: BaseException | None) -> None:
    if error is not None:
        raise error
