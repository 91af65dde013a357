"""What a round trip needs next: its resting stop, or its way out. Declarative: ask again."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from tradewinds.execution.bracket import NO_BRACKETS, Brackets
from tradewinds.model.decimals import ZERO
from tradewinds.model.ids import ClientOrderId
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.order import Order, Purpose
from tradewinds.model.portfolio import Trade
from tradewinds.risk.gate import Closing

EXIT, FLATTEN, TARGET = Purpose.EXIT, Purpose.FLATTEN, Purpose.TARGET
PERPETUAL = InstrumentKind.PERPETUAL

STOP = Purpose.STOP
FLATTENS = frozenset({Purpose.FLATTEN})
EXITS = FLATTENS | {Purpose.EXIT}


class Situation(Struct, frozen=True, kw_only=True):
    """A round trip with its working orders. `canceling` are ids with a cancel in flight.

    `exit_reason` is set once it shall be closed at market, `flatten` when that cannot wait.
    `attempt` differs each time, so that an OCO pair never takes the name of a spent one.
    `brackets` are legs that do not protect (yet); `impatient` once what has filled of their entry
    has waited long enough for the rest.
    """

    trade: Trade
    instrument: Instrument
    working: Sequence[Order]
    canceling: frozenset[ClientOrderId]
    price: Decimal
    exit_reason: str
    flatten: bool = False
    attempt: int = 0
    brackets: Brackets = NO_BRACKETS
    impatient: bool = False


class Steps(Struct, frozen=True, kw_only=True):
    """Cancel these, then submit these; or close it all for `exit_reason`."""

    cancels: tuple[ClientOrderId, ...] = ()
    closings: tuple[Closing, ...] = ()
    exit_reason: str = ""


NOTHING = Steps()


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
            purpose=FLATTEN if now.flatten else EXIT,
            quantity=quantity,
            decision_price=now.price,
            reduce_only=now.instrument.kind is PERPETUAL,
        ),
    )


def _protect(now: Situation) -> Steps:
    """Resting stops for exactly what is held. One at the wrong price goes first, then its heir.

    An entry that carries its stop is waited for, briefly once it has filled in part. A leg that
    can no longer be armed must be gone before another takes its place: two would sell twice.
    """
    if now.brackets is NO_BRACKETS and _covered_by_one(now):
        return NOTHING
    if now.brackets.void:
        void = [o for o in now.working if o.approved.client_order_id in now.brackets.void]
        return Steps(cancels=_not_yet_canceling(void, now))
    if now.brackets.waiting:
        carrier = [o for o in now.working if o.approved.client_order_id == now.brackets.entry]
        return Steps(cancels=_not_yet_canceling(carrier, now) if now.impatient else ())
    stops = [o for o in now.working if o.approved.purpose is STOP]
    covered = sum((o.remaining for o in stops), ZERO)
    missing = now.instrument.quantity_down(now.trade.quantity - covered)
    unfit = _unfit(now, stops, covered) or _orphans(now, stops)
    if not unfit and missing > ZERO and not _stoppable(now, missing):
        if now.trade.pending_quantity > ZERO or not now.instrument.closable(missing, now.price):
            return NOTHING
        if not stops:
            return Steps(exit_reason="too small to carry a stop")
        unfit = stops  # One stop for all of it can be placed where two cannot.
    if unfit:
        groups = {o.approved.oco_group for o in unfit} - {""}
        pairs = [o for o in now.working if o.approved.oco_group in groups and o not in unfit]
        return Steps(cancels=_not_yet_canceling([*unfit, *pairs], now))
    return Steps(closings=_stop_and_target(now, missing)) if missing > ZERO else NOTHING


def _covered_by_one(now: Situation) -> bool:
    """The usual case: one stop for all of it, where the trade wants it, and nothing else."""
    if len(now.working) != 1:
        return False
    order, trade = now.working[0], now.trade
    approved = order.approved
    return (
        approved.purpose is STOP
        and approved.trigger_price == trade.stop_price
        and approved.quantity - order.filled_quantity == trade.quantity
    )


def _unfit(now: Situation, stops: Sequence[Order], covered: Decimal) -> list[Order]:
    """Stops at another price than the trade's; all of them when they would sell too much."""
    if covered > now.trade.quantity:
        return list(stops)
    return [o for o in stops if o.approved.trigger_price != now.trade.stop_price]


def _orphans(now: Situation, stops: Sequence[Order]) -> list[Order]:
    """Targets whose stop is gone: they hold the quantity that a new stop needs."""
    paired = {o.approved.oco_group for o in stops}
    targets = (o for o in now.working if o.approved.purpose is TARGET)
    return [o for o in targets if o.approved.oco_group not in paired]


def _stoppable(now: Situation, quantity: Decimal) -> bool:
    return now.instrument.closable(quantity, now.trade.stop_price)


def _stop_and_target(now: Situation, quantity: Decimal) -> tuple[Closing, ...]:
    trade = now.trade
    reduce_only = now.instrument.kind is PERPETUAL
    group = ""
    if trade.target_price is not None:
        group = f"{trade.trade_id}-{now.attempt}"
    stop = Closing(
        purpose=STOP,
        quantity=quantity,
        decision_price=trade.stop_price,
        trigger_price=trade.stop_price,
        oco_group=group,
        reduce_only=reduce_only,
    )
    if trade.target_price is None:
        return (stop,)
    target = Closing(
        purpose=TARGET,
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
