"""A spot venue in a few lines that takes entries with their ways out, and tells of it in any order.

It keeps the truth (what is held, what stands) apart from what it has told, and refuses to sell what
is not free: a refusal for that means that the engine tried to sell something twice.
"""

import heapq
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tradewinds.model import events as ev
from tradewinds.model.checkpoint import Checkpoint
from tradewinds.model.commands import CancelOrder, SubmitOrder
from tradewinds.model.ids import Asset, ClientOrderId, FillId
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Side
from tradewinds.model.order import ApprovedOrder, Fill, OrderType, Purpose, TimeInForce

MS = 1_000_000
D = Decimal
FEE = D("0.001")
ZERO, ONE = D(0), D(1)


@dataclass(eq=False)
class Known:
    """An order there. `waiting`: a leg whose entry has not filled."""

    order: ApprovedOrder
    waiting: bool = False
    ended: bool = False
    told: bool = False
    filled: Decimal = ZERO

    @property
    def left(self) -> Decimal:
        return self.order.quantity - self.filled


@dataclass
class Temper:
    """What this venue does: `delays_ms` of commands and reports in turn; `ioc` how much of an
    entry that takes is there at once; `arms` whether it manages to arm legs; `fee` of what it
    really takes; `mute` that it does not tell of legs that it dropped until it is asked."""

    delays_ms: Sequence[int]
    ioc: Decimal = ONE
    arms: bool = True
    fee: Decimal = FEE
    slices: int = 1
    mute: bool = False


@dataclass
class BracketVenue:
    """Implements ports.DrivenVenue."""

    instrument: Instrument
    temper: Temper
    now: int = 0
    base: Decimal = ZERO
    refused: list[str] = field(default_factory=list)
    orders: dict[ClientOrderId, Known] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._queue: list[tuple[int, int, Any]] = []
        self._reports: list[tuple[int, int, Any]] = []
        self._numbers = itertools.count()
        self._delays = itertools.cycle(self.temper.delays_ms)
        self._legs: dict[str, list[ApprovedOrder]] = {}
        self._sent: dict[str, int] = {}

    # The engine's side

    def submit(self, command: SubmitOrder) -> None:
        order = command.order
        if order.bracket and order.bracket != order.client_order_id:
            self._legs.setdefault(order.bracket, []).append(order)
            self._sent[order.client_order_id] = self._sent[order.bracket]
            return
        self._later(order)

    def cancel(self, command: CancelOrder) -> None:
        self._later(command.client_order_id)

    def stages(self, event: Any) -> Iterator[Sequence[Any]]:
        return iter(())

    def due(self, now_ns: int) -> Sequence[Any]:
        self.now = max(self.now, now_ns)
        while self._queue and self._queue[0][0] <= now_ns:
            work = heapq.heappop(self._queue)[2]
            if isinstance(work, ApprovedOrder):
                self._place(work)
            else:
                self._cancel(work)
        told = []
        while self._reports and self._reports[0][0] <= now_ns:
            told.append(heapq.heappop(self._reports)[2])
        return told

    def restore(self, checkpoint: Checkpoint) -> None:
        """It remembers by itself."""

    def update_instrument(self, instrument: Instrument) -> None:
        """Its own."""

    # What happens there

    def working(self, purpose: Purpose) -> list[Known]:
        return [k for k in self.orders.values() if not k.ended and k.order.purpose is purpose]

    def standing(self) -> Decimal:
        """What stops in the book would sell."""
        stops = (k for k in self.working(Purpose.STOP) if not k.waiting)
        return sum((k.left for k in stops), D(0))

    def locked(self) -> Decimal:
        """What is set aside for sales; a pair shares."""
        groups: dict[str, Decimal] = {}
        for name, known in self.orders.items():
            sells = known.order.side is Side.SELL and not (known.ended or known.waiting)
            if sells:
                groups[known.order.oco_group or name] = known.left
        return sum(groups.values(), D(0))

    def fill_entry(self, share: Decimal) -> None:
        """Somebody takes a share of what rests."""
        for known in self.working(Purpose.ENTER):
            lots = (known.left * share) // self.instrument.lot_size * self.instrument.lot_size
            if lots > 0:
                self._fill(known, min(lots, known.left))

    def act(self, purpose: Purpose) -> None:
        """The price comes to the stop, or to the target."""
        for known in self.working(purpose):
            if not known.waiting and not known.ended:
                self._fill(known, known.left)

    def take_away(self) -> None:
        """The venue expires a pair for reasons of its own."""
        for known in self.working(Purpose.STOP):
            if not known.waiting and not known.ended:
                for each in (known, *self._others(known)):
                    self._end(each, ev.OrderExpired)

    def _later(self, work: Any) -> None:
        """A pair travels as one request; of one order, everything goes in sequence."""
        due = self.now + next(self._delays) * MS
        if isinstance(work, ApprovedOrder):
            due = self._sent.setdefault(work.oco_group or work.client_order_id, due)
            self._sent[work.client_order_id] = due
        else:
            due = max(due, self._sent.get(work, 0))
        heapq.heappush(self._queue, (due, next(self._numbers), work))

    def _tell(self, report: Any) -> None:
        due = self.now + next(self._delays) * MS
        heapq.heappush(self._reports, (due, next(self._numbers), report))

    def _say(self, kind: Any, order: ApprovedOrder, **more: str) -> None:
        more = more if kind is ev.OrderAccepted else {"reason": "venue", **more}
        self._tell(
            kind(
                client_order_id=order.client_order_id,
                instrument_id=order.instrument_id,
                venue_time_ns=self.now,
                received_time_ns=self.now,
                **more,
            )
        )

    def _place(self, order: ApprovedOrder) -> None:
        known = self.orders[order.client_order_id] = Known(order)
        if order.side is Side.BUY:
            self._enter(known)
            return
        pair = [k for k in self._others(known) if not k.ended]
        if self.locked() - (pair[0].left if pair else D(0)) > self.base:
            known.ended = True
            self.refused.append(f"{order.purpose} {order.client_order_id}")
            self._say(ev.OrderRejected, order)
            return
        self._say(ev.OrderAccepted, order, venue_order_id="v")
        if order.order_type is OrderType.MARKET:
            self._fill(known, order.quantity)

    def _enter(self, known: Known) -> None:
        order = known.order
        legs = [Known(leg, waiting=True) for leg in self._legs.pop(order.client_order_id, [])]
        self.orders.update({leg.order.client_order_id: leg for leg in legs})
        for each in (known, *legs):
            self._say(ev.OrderAccepted, each.order, venue_order_id="v")
        if order.time_in_force is TimeInForce.IOC:
            self.fill_entry(self.temper.ioc)
            if not known.ended:
                self._end(known, ev.OrderExpired)
                for leg in legs:
                    self._end(leg, ev.OrderExpired, told=not self.temper.mute)

    def _cancel(self, name: ClientOrderId) -> None:
        known = self.orders.get(name)
        if known is None:
            return
        if known.ended:
            if known.left and not known.told:
                self._end(known, ev.OrderExpired)
            return
        for each in (known, *self._others(known)):
            if not each.ended:
                self._end(each, ev.OrderCanceled)

    def _others(self, known: Known) -> list[Known]:
        """Of the same pair; while the entry works, of the same list."""
        one = known.order
        entering = known.waiting or (one.purpose is Purpose.ENTER and one.bracket)
        return [
            other
            for other in self.orders.values()
            if other is not known
            and (
                (one.oco_group and other.order.oco_group == one.oco_group)
                or (entering and other.order.bracket == one.bracket)
            )
        ]

    def _end(self, known: Known, kind: Any, *, told: bool = True) -> None:
        known.ended, known.waiting, known.told = True, False, told
        if told:
            self._say(kind, known.order)

    def _fill(self, known: Known, quantity: Decimal) -> None:
        parts = [quantity]
        lot = self.instrument.lot_size
        if self.temper.slices > 1 and quantity > lot * 2:
            first = quantity / 2 // lot * lot
            parts = [first, quantity - first]
        for part in parts:
            self._execute(known, part)
        if known.left == 0:
            known.ended = True
            if known.order.purpose is Purpose.ENTER:
                self._arm(known)
            for other in self._others(known):
                if not other.ended and not other.waiting and known.order.side is Side.SELL:
                    self._end(other, ev.OrderCanceled)

    def _execute(self, known: Known, quantity: Decimal) -> None:
        order = known.order
        price = order.trigger_price or order.price or D(20_000)
        buying = order.side is Side.BUY
        fee = quantity * (self.temper.fee if buying else price * FEE)
        self.base += quantity - fee if buying else -quantity
        assert self.base >= 0, "V12: more was sold than was held"
        known.filled += quantity
        fill = Fill(
            fill_id=FillId(f"{order.client_order_id}:{known.filled}"),
            client_order_id=order.client_order_id,
            instrument_id=order.instrument_id,
            side=order.side,
            quantity=quantity,
            price=price,
            fee=fee,
            fee_asset=self.instrument.base if buying else Asset("USDT"),
            maker=False,
            venue_time_ns=self.now,
            received_time_ns=self.now,
        )
        self._tell(ev.OrderFilled(fill=fill, venue_time_ns=self.now, received_time_ns=self.now))

    def _arm(self, entry: Known) -> None:
        legs = [k for k in self.orders.values() if k.waiting]
        legs = [k for k in legs if k.order.bracket == entry.order.client_order_id]
        affordable = all(k.left <= self.base for k in legs)
        for leg in legs:
            leg.waiting = False
        if not (self.temper.arms and affordable):
            for leg in legs:
                self._end(leg, ev.OrderExpired)
