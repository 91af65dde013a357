"""Orders that travel together: an entry with its ways out, and a stop with its target."""

from collections.abc import Callable, Iterable, Sequence

from tradewinds.gateways.ccxt_orders import Request
from tradewinds.gateways.dialect import Dialect
from tradewinds.gateways.order_desk import Sent
from tradewinds.model.order import ApprovedOrder

Find = Callable[[ApprovedOrder], Sent | None]


def brackets(orders: Iterable[ApprovedOrder], find: Find) -> tuple[list[list[Sent]], list[Sent]]:
    """Each entry followed by its legs, made known to each other; and legs without their entry."""
    sents = [sent for order in orders if order.bracket and (sent := find(order)) is not None]
    lists = {sent.id: [sent] for sent in sents if sent.order.bracket == sent.id}
    astray = []
    for sent in sents:
        joined = lists.get(sent.order.bracket)
        if joined is None:
            astray.append(sent)
        elif sent is not joined[0]:
            sent.carrier = joined[0]
            joined.append(sent)
    for joined in lists.values():
        if len(joined) == 3:
            marry(joined[1], joined[2], listed=True)
    return list(lists.values()), astray


def marry(one: Sent, other: Sent, *, listed: bool) -> None:
    """`listed`: the venue itself cancels one when the other acts."""
    one.sibling, other.sibling = other, one
    one.listed = other.listed = listed


def bracket_request(dialect: Dialect, sents: Sequence[Sent]) -> Request | None:
    """An entry with its stop, and its target if it has one; None where the market takes none."""
    entry, *legs = (sent.order for sent in sents)
    stop = next((leg for leg in legs if leg.trigger_price is not None), None)
    target = next((leg for leg in legs if leg.trigger_price is None), None)
    return None if stop is None else dialect.place_bracket(entry, stop, target)


def partner(order: ApprovedOrder, orders: Sequence[ApprovedOrder]) -> ApprovedOrder | None:
    """The other order of an OCO pair, if it is sent in the same breath."""
    if not order.oco_group:
        return None
    for other in orders:
        same = other.oco_group == order.oco_group and other.instrument_id == order.instrument_id
        if same and other is not order:
            return other
    return None


def stop_first(one: ApprovedOrder, other: ApprovedOrder) -> tuple[ApprovedOrder, ApprovedOrder]:
    """A pair in the sequence in which dialects take it."""
    return (one, other) if one.trigger_price is not None else (other, one)
