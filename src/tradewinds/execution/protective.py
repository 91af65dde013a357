"""What a round trip needs next: its resting stop, or its way out. Declarative: ask again."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from tradewinds.model.decimals import ZERO
from tradewinds.model.ids import ClientOrderId
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.order import Order, Purpose
from tradewinds.model.portfolio import Trade
from tradewinds.risk.gate import Closing

FLATTENS = frozenset({Purpose.FLATTEN})
EXITS = FLATTENS | {Purpose.EXIT}


class Situation(Struct, frozen=True, kw_only=True):
    """A round trip with its working orders. `canceling` are ids with a cancel in flight.

    `exit_reason` is set once it shall be closed at market, `flatten` when that cannot wait.
    """

    trade: Trade
    instrument: Instrument
    working: Sequence[Order]
    canceling: frozenset[ClientOrderId]
    price: Decimal
    exit_reason: str
    flatten: bool = False


class Steps(Struct, frozen=True, kw_only=True):
    """Cancel these, then submit these."""

    cancels: tuple[ClientOrderId, ...] = ()
    closings: tuple[Closing, ...] = ()


def next_steps(now: Situation) -> Steps:
    """The difference between what is working and what should be."""
    return _leave(now) if now.exit_reason else _protect(now)


def _leave(now: Situation) -> Steps:
    """Free the quantity first, sell it after the venue has confirmed: never sell it twice."""
    ways_out = FLATTENS if now.flatten else EXITS
    others = [o for o in now.working if o.approved.purpose not in ways_out]
    if others:
        return Steps(cancels=_not_yet_canceling(others, now))
    leaving = sum((o.remaining for o in now.working), ZERO)
    return Steps(closings=_close(now, now.trade.quantity - leaving))


def _close(now: Situation, missing: Decimal) -> tuple[Closing, ...]:
    quantity = now.instrument.quantity_down(missing)
    if quantity <= ZERO or not now.instrument.closable(quantity, now.price):
        return ()
    return (
        Closing(
            purpose=Purpose.FLATTEN if now.flatten else Purpose.EXIT,
            quantity=quantity,
            decision_price=now.price,
            reduce_only=now.instrument.kind is InstrumentKind.PERPETUAL,
        ),
    )


def _protect(now: Situation) -> Steps:
    """Resting stops for exactly what is held. One at the wrong price goes first, then its heir."""
    stops = [o for o in now.working if o.approved.purpose is Purpose.STOP]
    covered = sum((o.remaining for o in stops), ZERO)
    wrong = [o for o in stops if o.approved.trigger_price != now.trade.stop_price]
    if covered > now.trade.quantity:
        wrong = stops
    if wrong:
        groups = {o.approved.oco_group for o in wrong} - {""}
        pairs = [o for o in now.working if o.approved.oco_group in groups and o not in wrong]
        return Steps(cancels=_not_yet_canceling([*wrong, *pairs], now))
    missing = now.instrument.quantity_down(now.trade.quantity - covered)
    if missing <= ZERO or not now.instrument.closable(missing, now.trade.stop_price):
        return Steps()
    return Steps(closings=_stop_and_target(now, missing))


def _stop_and_target(now: Situation, quantity: Decimal) -> tuple[Closing, ...]:
    trade = now.trade
    reduce_only = now.instrument.kind is InstrumentKind.PERPETUAL
    group = ""
    if trade.target_price is not None:
        group = f"{trade.trade_id}-{trade.entry_quantity}-{trade.stop_price}"
    stop = Closing(
        purpose=Purpose.STOP,
        quantity=quantity,
        decision_price=trade.stop_price,
        trigger_price=trade.stop_price,
        oco_group=group,
        reduce_only=reduce_only,
    )
    if trade.target_price is None:
        return (stop,)
    target = Closing(
        purpose=Purpose.TARGET,
        quantity=quantity,
        decision_price=trade.target_price,
        limit_price=trade.target_price,
        oco_group=group,
        reduce_only=reduce_only,
    )
    return (stop, target)


def _not_yet_canceling(orders: Sequence[Order], now: Situation) -> tuple[ClientOrderId, ...]:
    ids = (o.approved.client_order_id for o in orders)
    return tuple(order_id for order_id in ids if order_id not in now.canceling)
