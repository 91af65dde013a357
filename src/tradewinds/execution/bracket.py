"""An entry that carries its stop and target: both wait at the venue until it has filled whole."""

from collections.abc import Callable, Collection, Iterable
from decimal import Decimal

from msgspec import Struct

from tradewinds.model.decimals import ONE
from tradewinds.model.ids import ClientOrderId
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.market import Side
from tradewinds.model.order import ApprovedOrder, Order, OrderIntent, OrderStatus, Purpose
from tradewinds.risk.gate import Closing

ENTER, STOP, TARGET = Purpose.ENTER, Purpose.STOP, Purpose.TARGET
FILLED = OrderStatus.FILLED
SPOT = InstrumentKind.SPOT
BUY = Side.BUY

PATIENCE_NS = 500_000_000
"""For so long a partly filled entry may wait for its rest. Until it is whole its stop sleeps, so
the rest is canceled then and what is held gets a stop of its own."""


class Brackets(Struct, frozen=True, kw_only=True):
    """Legs of a round trip that protect nothing now, and the entry that they wait for.

    `waiting`: their entry still works. `void`: it ended short, so the venue drops them.
    """

    waiting: frozenset[ClientOrderId] = frozenset()
    void: frozenset[ClientOrderId] = frozenset()
    entry: ClientOrderId | None = None


NO_BRACKETS = Brackets()


def read(working: Collection[Order], find: Callable[[ClientOrderId], Order | None]) -> Brackets:
    """What became of the entries of these orders; one that nobody remembers has filled: its legs
    outlived it, which they do only then."""
    if not any(order.approved.bracket for order in working):
        return NO_BRACKETS
    waiting, void, entry = set(), set(), None
    for order in working:
        approved = order.approved
        if not approved.bracket or approved.purpose is ENTER:
            continue
        carrier = find(approved.bracket)
        if carrier is None or carrier.status is FILLED:
            continue
        if carrier.working:
            waiting.add(approved.client_order_id)
            entry = approved.bracket
        else:
            void.add(approved.client_order_id)
    return Brackets(waiting=frozenset(waiting), void=frozenset(void), entry=entry)


def legs(intent: OrderIntent, instrument: Instrument, group: str) -> tuple[Closing, ...]:
    """The stop, and the target where one is wanted; nothing where the venue would refuse them."""
    stop = intent.stop_price
    spot_buy = instrument.kind is SPOT and intent.side is BUY
    if stop is None or not spot_buy:
        return ()
    quantity = received(instrument, intent.quantity)
    if not instrument.closable(quantity, stop):
        return ()
    target = intent.target_price
    guard = Closing(
        purpose=STOP,
        quantity=quantity,
        decision_price=stop,
        trigger_price=stop,
        oco_group=group if target is not None else "",
    )
    if target is None:
        return (guard,)
    way_out = Closing(
        purpose=TARGET,
        quantity=quantity,
        decision_price=target,
        limit_price=target,
        oco_group=group,
    )
    return guard, way_out


def received(instrument: Instrument, quantity: Decimal) -> Decimal:
    """Whole lots of what a buyer has at least, once the fee is taken off: a leg for more than
    that could not be armed."""
    fee = max(instrument.maker_fee, instrument.taker_fee)
    kept = ONE - fee if instrument.fee_in_received_asset else ONE
    return instrument.quantity_down(quantity * kept)


def carries(order: ApprovedOrder, entries: Iterable[ApprovedOrder]) -> bool:
    """Whether an order is a leg of one of these entries."""
    return bool(order.bracket) and any(order.bracket == e.client_order_id for e in entries)
