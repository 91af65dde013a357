"""Sends what the engine decided, and acts on each refusal as the venue's rules ask."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

from msgspec import structs

from tradewinds.gateways.ccxt_orders import CcxtClient, Edge, Reply, Request
from tradewinds.gateways.ccxt_translate import closing
from tradewinds.gateways.dialect import Dialect
from tradewinds.gateways.market_settings import MarketSettings
from tradewinds.gateways.order_desk import OrderDesk, Sent
from tradewinds.gateways.order_lists import (
    bracket_request,
    brackets,
    marry,
    partner,
    stop_first,
)
from tradewinds.gateways.outcomes import Cause, Trouble, Verdict
from tradewinds.gateways.venue_errands import Errands
from tradewinds.model.commands import CancelOrder, SubmitOrder
from tradewinds.model.decimals import ZERO, floor_to_step
from tradewinds.model.ids import ClientOrderId
from tradewinds.model.market import Side
from tradewinds.model.order import ApprovedOrder, Purpose

BACKOFF_S: Final = (0.2, 0.4, 0.8)
BACKOFF_S_MAX: Final = 5.0
CLOSE_TRIES: Final = 20
CANCEL_TRIES: Final = 6
AGAIN: Final = frozenset({Cause.OVERLOADED})
AGAIN_TO_CLOSE: Final = frozenset(
    {Cause.OVERLOADED, Cause.CLOCK, Cause.KEY, Cause.RATE, Cause.BANNED, Cause.BLOCKED}
)
"""Refusals after which nothing happened and a later try may succeed."""
LOOK: Final = frozenset({Cause.FLAT, Cause.MODE, Cause.SUSPENDED, Cause.STOPS_FULL})
log = logging.getLogger(__name__)


class OrderSender:
    """One task per command, so that a slow answer delays no other; of one order, in sequence."""

    def __init__(
        self, client: CcxtClient, dialect: Dialect, desk: OrderDesk, errands: Errands, edge: Edge
    ) -> None:
        """`errands` refreshes filters and looks at the account when a refusal says so."""
        self._client = client
        self._dialect = dialect
        self._desk = desk
        self._errands = errands
        self._edge = edge
        self._queue: asyncio.Queue[SubmitOrder | CancelOrder] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._locks: dict[ClientOrderId, asyncio.Lock] = {}
        self.settings = MarketSettings(client, dialect, errands)

    def submit(self, command: SubmitOrder) -> None:
        """Take it; it leaves when the loop turns."""
        self._desk.add(command.order, command.time_ns)
        self._queue.put_nowait(command)

    def cancel(self, command: CancelOrder) -> None:
        """Take it."""
        self._queue.put_nowait(command)

    @property
    def busy(self) -> bool:
        """Whether anything is on its way."""
        return bool(self._tasks) or not self._queue.empty()

    async def run(self) -> None:
        """Until cancelled; what is under way then is left to the next reconciliation."""
        try:
            while True:
                commands = [await self._queue.get()]
                while not self._queue.empty():
                    commands.append(self._queue.get_nowait())
                self._start_all(commands)
        finally:
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start_all(self, commands: list[SubmitOrder | CancelOrder]) -> None:
        submits = [c.order for c in commands if isinstance(c, SubmitOrder)]
        paired = self._start_brackets(submits)
        for command in commands:
            if isinstance(command, CancelOrder):
                self._start(self._cancel(command))
            elif command.order.client_order_id not in paired:
                other = partner(command.order, submits)
                if other is not None and self._marry(command.order, other):
                    paired.add(other.client_order_id)
                    self._start(self._submit_pair(command.order, other))
                else:
                    self._start(self._submit(command.order))

    def _start_brackets(self, orders: list[ApprovedOrder]) -> set[ClientOrderId]:
        """Entries with their ways out; answers which orders are taken care of."""
        lists, astray = brackets(orders, self._sent)
        for sent in astray:
            told = "not sent: the entry that it belongs to was not"
            self._desk.rejected(sent, told, self._edge.now_ns())
        for sents in lists:
            self._start(self._submit_bracket(sents))
        return {sent.id for sents in (*lists, astray) for sent in sents}

    async def _submit_bracket(self, sents: list[Sent]) -> None:
        entry = sents[0]
        async with self._lock(entry.id):
            flaw = await self.settings.prepare(entry.order)
            if flaw:
                for sent in sents:
                    self._desk.rejected(sent, flaw, self._edge.now_ns())
                return
            await self._deliver(sents, lambda: self._bracket_request(sents))
        self._locks.pop(entry.id, None)

    def _bracket_request(self, sents: list[Sent]) -> Request:
        """As a list; once the venue takes none, the entry alone, and its stop follows the fill."""
        request = bracket_request(self._dialect, sents)
        if request is not None:
            return request
        for leg in sents[1:]:
            told = "not sent: this market takes no entry with its ways out"
            self._desk.rejected(leg, told, self._edge.now_ns())
        del sents[1:]
        return self._dialect.place(sents[0].order, sents[0].quantity)

    def disarm(self, sent: Sent) -> None:
        """A leg that the venue has not put in the book although its entry has filled: away with
        it, so that another can take its place."""
        if not sent.parted:
            sent.parted = True
            self._start(self._disarm(sent))

    async def _disarm(self, sent: Sent) -> None:
        """As long as it stands in the way it is tried again, at the pace of the questions."""
        await self._cancel_order(sent)
        sent.parted = sent.ended

    def _marry(self, order: ApprovedOrder, pair: ApprovedOrder) -> bool:
        """Siblings know each other; True where the venue takes both as one list."""
        one, other = self._sent(order), self._sent(pair)
        if self._client.quirks.stop_excludes_target:
            return False
        if one is None or other is None:
            return False
        stop, target = stop_first(order, pair)
        listed = self._dialect.place_pair(stop, target, min(one.quantity, other.quantity))
        marry(one, other, listed=listed is not None)
        return one.listed

    def part(self, sent: Sent) -> None:
        """Of a pair that the venue does not know as one: the other goes when one has acted."""
        sibling = sent.sibling
        if sibling is None or sent.listed or not sent.active or sibling.parted or sibling.ended:
            return
        sibling.parted = True
        self._start(self._cancel_order(sibling))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("sending_failed error=%r", task.exception())
            self._errands.failed(task.exception())

    def _sent(self, order: ApprovedOrder) -> Sent | None:
        return self._desk.get(order.client_order_id)

    def _lock(self, order_id: ClientOrderId) -> asyncio.Lock:
        return self._locks.setdefault(order_id, asyncio.Lock())

    async def _submit(self, order: ApprovedOrder) -> None:
        sent = self._sent(order)
        if sent is None or sent.ended:
            return
        if order.purpose is Purpose.TARGET and self._client.quirks.stop_excludes_target:
            told = "not sent: this venue takes a stop or a target, and the stop goes first"
            self._desk.rejected(sent, told, self._edge.now_ns())
            return
        async with self._lock(order.client_order_id):
            flaw = await self.settings.prepare(order)
            if flaw:
                self._desk.rejected(sent, flaw, self._edge.now_ns())
            else:
                await self._deliver([sent], lambda: self._dialect.place(sent.order, sent.quantity))
        self._locks.pop(order.client_order_id, None)

    async def _submit_pair(self, order: ApprovedOrder, other: ApprovedOrder) -> None:
        stop, target = stop_first(order, other)
        pair = [sent for o in (stop, target) if (sent := self._sent(o)) is not None]

        def build() -> Request:
            quantity = min(sent.quantity for sent in pair)
            request = self._dialect.place_pair(pair[0].order, pair[1].order, quantity)
            assert request is not None
            return request

        async with self._lock(stop.client_order_id), self._lock(target.client_order_id):
            await self._deliver(pair, build)
        for sent in pair:
            self._locks.pop(sent.id, None)

    async def _deliver(self, sents: list[Sent], build: Callable[[], Request]) -> None:
        """Send until it is taken, refused for good, or nobody knows."""
        tries = 0
        while True:
            for sent in sents:
                sent.sent_ns = self._edge.now_ns()
            result = await self._client.ask(build())
            if isinstance(result, Reply):
                self._take(sents, result.data)
                return
            tries += 1
            if not await self._again(sents, result, tries):
                return

    def _take(self, sents: list[Sent], data: Any) -> None:
        now_ns = self._edge.now_ns()
        try:
            told = self._dialect.placed([sent.order for sent in sents], data, now_ns)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            for sent in sents:
                self._desk.unknown(sent, f"the answer makes no sense: {error!r}", now_ns)
            return
        for said in told:
            self._desk.heard(said, now_ns)

    async def _again(self, sents: list[Sent], trouble: Trouble, tries: int) -> bool:
        """What a refusal leads to; True when it shall be sent once more."""
        now_ns = self._edge.now_ns()
        if trouble.verdict is Verdict.UNKNOWN or trouble.cause is Cause.DUPLICATE:
            for sent in sents:
                self._desk.unknown(sent, trouble.reason, now_ns)
            return False
        if self._may_wait(sents[0].order, trouble, tries):
            await self._edge.sleep(_pause_s(tries))
            return True
        if await self._mended(sents, trouble, tries):
            return True
        for sent in sents:
            self._desk.rejected(sent, _worded(trouble), self._edge.now_ns())
        if trouble.cause is Cause.MODE:
            self._client.on_trouble(Cause.MODE, trouble.reason)
        if trouble.cause in LOOK:
            self._errands.look(f"{trouble.cause}: {trouble.reason}")
        return False

    def _may_wait(self, order: ApprovedOrder, trouble: Trouble, tries: int) -> bool:
        if not closing(order):
            return trouble.cause in AGAIN and tries <= len(BACKOFF_S)
        again = trouble.cause in AGAIN_TO_CLOSE or trouble.verdict is Verdict.NOT_SENT
        return again and tries <= CLOSE_TRIES and trouble.cause is not Cause.REGION

    async def _mended(self, sents: list[Sent], trouble: Trouble, tries: int) -> bool:
        """A close that was refused for a reason we can remove is sent again without it."""
        order = sents[0].order
        if trouble.cause is Cause.UNSUPPORTED and len(sents) > 1 and order.bracket:
            self._errands.lose_brackets(order.instrument_id)
            return True
        if trouble.cause in (Cause.FILTER, Cause.SUSPENDED):
            await self._errands.refresh_filters()
        if not closing(order) or tries > 2:
            return False
        if trouble.cause is Cause.FILTER:
            mended = [self._requantise(sent) for sent in sents]
            return all(mended)
        if trouble.cause is Cause.FUNDS and order.side is Side.SELL:
            return await self._sell_what_is_free(sents)
        if trouble.cause is Cause.COVERED:
            return await self._errands.free_the_position(order)
        return False

    def _requantise(self, sent: Sent) -> bool:
        """Down to the filters of now; False where nothing is left or nothing changes."""
        instrument = self._dialect.instruments[sent.order.instrument_id]
        quantity = instrument.quantity_down(sent.quantity)
        prices = {
            name: floor_to_step(price, instrument.tick_size)
            for name in ("price", "trigger_price")
            if (price := getattr(sent.order, name)) is not None
        }
        adapted = structs.replace(sent.order, **prices)
        changed = quantity != sent.quantity or adapted != sent.order
        sent.order, sent.quantity = adapted, quantity
        return changed and quantity > ZERO

    async def _sell_what_is_free(self, sents: list[Sent]) -> bool:
        """Fees were taken in what was bought: sell the smaller of what is free and what is ours."""
        order = sents[0].order
        instrument = self._dialect.instruments[order.instrument_id]
        free = await self._errands.free_of(instrument.base)
        if free is None:
            return False
        quantity = instrument.quantity_down(min(free, sents[0].quantity))
        price = order.price or order.trigger_price or order.decision_price
        if quantity == sents[0].quantity or not instrument.closable(quantity, price):
            return False
        for sent in sents:
            sent.quantity = quantity
        return True

    async def _cancel(self, command: CancelOrder) -> None:
        sent = self._desk.get(command.client_order_id)
        if sent is not None and not sent.risen:
            await self._cancel_order(sent)
            return
        # An orphan, of an earlier run or taken for ended: nobody waits for a report, the next
        # reading shows it gone.
        instrument = self._dialect.instruments[command.instrument_id]
        for request in self._dialect.cancel_stranger(instrument, command.client_order_id):
            if isinstance(await self._client.ask(request), Reply):
                return

    async def _cancel_order(self, sent: Sent) -> None:
        async with self._lock(sent.id):
            for tries in range(1, CANCEL_TRIES + 1):
                if not sent.venue_order_id and self._client.quirks.cancels_by_venue_id:
                    await self._errands.query(sent)
                if sent.ended:
                    break
                request = self._dialect.cancel(sent.order, sent.venue_order_id)
                result = await self._client.ask(request)
                if isinstance(result, Reply):
                    self._heard_canceled(sent, result.data)
                    break
                if not await self._cancel_again(sent, result, tries):
                    break
        self._locks.pop(sent.id, None)

    def _heard_canceled(self, sent: Sent, data: Any) -> None:
        now_ns = self._edge.now_ns()
        try:
            told = self._dialect.canceled(sent.order, data, now_ns)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            log.warning("cancel_answer_unread order=%s error=%r", sent.id, error)
            self._errands.ask_about(sent)
            return
        if not told:
            self._errands.ask_about(sent)
        for said in told:
            self._desk.heard(said, now_ns)

    async def _cancel_again(self, sent: Sent, trouble: Trouble, tries: int) -> bool:
        """Canceling twice does no harm; whether it worked is asked before it is tried again."""
        passing = trouble.verdict is not Verdict.REFUSED or trouble.cause in AGAIN_TO_CLOSE
        if trouble.cause is Cause.NOT_FOUND or trouble.verdict is Verdict.UNKNOWN:
            await self._errands.query(sent)
        if passing and not sent.ended and tries < CANCEL_TRIES:
            await self._edge.sleep(_pause_s(tries))
            return True
        self._desk.cancel_rejected(sent, trouble.reason, self._edge.now_ns())
        return False


def _pause_s(tries: int) -> float:
    return BACKOFF_S[tries - 1] if tries <= len(BACKOFF_S) else BACKOFF_S_MAX


def _worded(trouble: Trouble) -> str:
    """In words that say what to do where the venue's own do not."""
    lead = {
        Cause.WOULD_TRIGGER: "the price is through the stop already",
        Cause.FLAT: "nothing is left to close",
        Cause.FUNDS: "not enough money",
    }.get(trouble.cause)
    if trouble.verdict is Verdict.NOT_SENT:
        lead = "not sent"
    return f"{lead}: {trouble.reason}" if lead else trouble.reason
