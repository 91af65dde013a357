"""Asks about orders until nothing about them is open: outcomes, ends, stops that must stand."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

from tradewinds.gateways.ccxt_orders import Edge
from tradewinds.gateways.order_desk import OrderDesk, Sent
from tradewinds.gateways.order_sender import OrderSender
from tradewinds.gateways.venue_errands import Errands
from tradewinds.model.order import Purpose

NS_PER_S: Final = 1_000_000_000
ASK_S: Final = (0.25, 0.5, 1.0, 2.0)
ASK_S_MAX: Final = 5.0
ASKS_MAX: Final = 500
PROVE_NS: Final = 1_000_000_000
"""So long a stop may stand without having been seen by stream or query."""
ARM_NS: Final = 2_000_000_000
"""So long the venue may take to put the stop of a filled entry in the book."""
Start = Callable[[str, Coroutine[Any, Any, None]], None]


class OrderWatch:
    """`round` is called often; each question is repeated with growing pauses. `start` runs it."""

    def __init__(
        self, desk: OrderDesk, errands: Errands, sender: OrderSender, start: Start, edge: Edge
    ) -> None:
        self._desk = desk
        self._errands = errands
        self._sender = sender
        self._start = start
        self._edge = edge
        self._asks: dict[str, tuple[int, int]] = {}

    def round(self, now_ns: int) -> None:
        """Look at every order once."""
        self._desk.give_up_waiting(now_ns)
        for sent in self._desk.working():
            self._sender.part(sent)
            self._ask_if_due(sent, now_ns)
        self._forget_answered()
        self._errands.to_ask = [s for s in self._errands.to_ask if not s.ended]

    def doubt_stops(self) -> None:
        """Each stop must be shown standing again, and is asked for at once."""
        for sent in self._desk.working():
            sent.confirmed = False
        self._asks.clear()

    def stops_stand(self) -> bool:
        """Whether every stop that should stand has been seen."""
        return all(
            sent.confirmed or not sent.due_ns
            for sent in self._desk.working()
            if sent.order.purpose is Purpose.STOP
        )

    def _ask_if_due(self, sent: Sent, now_ns: int) -> None:
        """Orders whose outcome, or whose executions, nobody has told."""
        asked = sent in self._errands.to_ask or self._unproven(sent, now_ns)
        if not (sent.unknown or sent.ending is not None or asked or sent.abandoned):
            return
        question = f"{sent.id} {sent.ending is not None}"
        due_ns, tries = self._asks.get(question, (now_ns, 0))
        if now_ns < due_ns:
            return
        pause_s = ASK_S[tries] if tries < len(ASK_S) else ASK_S_MAX
        self._asks[question] = (now_ns + int(pause_s * NS_PER_S), tries + 1)
        self._start(f"ask {sent.id}", self._ask(sent))

    def _forget_answered(self) -> None:
        """Questions about orders that have ended."""
        if len(self._asks) > ASKS_MAX:
            open_ids = {str(sent.id) for sent in self._desk.working()}
            kept = self._asks.items()
            self._asks = {q: at for q, at in kept if q.partition(" ")[0] in open_ids}

    def _unproven(self, sent: Sent, now_ns: int) -> bool:
        """A stop that was accepted but that nobody has seen standing. One that came with its entry
        is asked for at once: nobody need tell that it was armed."""
        stop = sent.order.purpose is Purpose.STOP and sent.accepted and not sent.confirmed
        patience_ns = PROVE_NS if sent.carrier is None else 0
        return stop and bool(sent.due_ns) and now_ns - sent.due_ns > patience_ns

    async def _ask(self, sent: Sent) -> None:
        asked = sent in self._errands.to_ask
        if asked:
            self._errands.to_ask.remove(sent)
        if sent.ending is None and sent.accepted:
            await self._confirm(sent)
        elif sent.ending is None:
            await self._errands.settle_unknown(sent)
        if sent.ended or not (asked or sent in self._desk.lacking()):
            return
        batch = await self._errands.new_fills(sent.order.instrument_id)
        if batch is not None:
            self._errands.book(batch)
        if sent.sibling is not None and not sent.sibling.ended:
            await self._errands.query(sent.sibling)

    async def _confirm(self, sent: Sent) -> None:
        """A leg that still waits long after its entry has filled is given up, so that the engine
        sends another stop."""
        asleep = await self._errands.confirm(sent)
        late = sent.due_ns and self._edge.now_ns() - sent.due_ns > ARM_NS
        # After a restart an entry that has ended is known to nobody: its name on the leg is.
        if asleep and late and sent.order.bracket and not sent.ended:
            self._sender.disarm(sent)
