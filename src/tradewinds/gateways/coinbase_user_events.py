"""Coinbase's user channel: each order's total so far; executions are then asked for by name."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from tradewinds.gateways.ccxt_translate import venue_order
from tradewinds.gateways.dialect import Ending, Said, Stirred, Update
from tradewinds.model.events import VenueOrder
from tradewinds.model.ids import InstrumentId
from tradewinds.model.instrument import Instrument

NS_PER_S: Final = 1_000_000_000
AT_ONCE: Final = frozenset({"IMMEDIATE_OR_CANCEL", "FILL_OR_KILL"})
CONNECTIONS: Final = 2
"""While one replaces another, both speak."""


class Sequences:
    """Follows the running numbers of the connections that speak at the moment. Each begins at 0."""

    def __init__(self) -> None:
        self._next: list[int] = []

    def missed(self, number: object) -> bool:
        """Whether this message shows that another one was lost."""
        if not isinstance(number, int):
            return False
        if number in self._next:
            self._next[self._next.index(number)] = number + 1
            return False
        self._next = [*self._next, number + 1][-CONNECTIONS:]
        return number != 0


def product_id(instrument: Instrument) -> str:
    """`BTC-USDT`."""
    return f"{instrument.base}-{instrument.quote}"


def iso_ns(value: object, otherwise_ns: int) -> int:
    """Nanoseconds of an ISO time, to the microsecond; ours where there is none."""
    if not isinstance(value, str) or not value:
        return otherwise_ns
    head, _, fraction = value.rstrip("Z").partition(".")
    at = datetime.fromisoformat(f"{head}+00:00")
    nanoseconds = int(f"{fraction:0<9}"[:9]) if fraction.isdigit() else 0
    return int(at.timestamp()) * NS_PER_S + nanoseconds


def venue_order_of(
    row: Mapping[str, Any], instrument_id: InstrumentId, filled_name: str
) -> VenueOrder:
    """From a query or from the stream, which differ in one name."""
    names = ("client_order_id", "order_id", "status", filled_name)
    if row.get("status") == "CANCELLED" and row.get("time_in_force") in AT_ONCE:
        # Nobody cancels what lives for a moment only: its rest has expired.
        row = {**row, "status": "EXPIRED"}
    why = row.get("reject_message") or row.get("cancel_message") or row.get("reject_reason") or ""
    return venue_order({**row, "expiryReason": str(why)}, instrument_id, names)


def user_updates(message: Any, products: Mapping[str, Instrument], now_ns: int) -> Sequence[Update]:
    """A snapshot after a reconnect says the same as the updates before it: totals, no deltas."""
    if message.get("type") == "error":
        return (Ending(reason=f"the venue said error: {message.get('message', '')}"[:200]),)
    if message.get("channel") != "user":
        return ()
    updates: list[Update] = []
    for event in message["events"]:
        for row in event.get("orders", ()):
            instrument = products.get(row["product_id"])
            if instrument is None:
                updates.append(Stirred(reason=f"an order in {row['product_id']}"))
                continue
            order = venue_order_of(row, instrument.id, "cumulative_quantity")
            at_ns = iso_ns(message.get("timestamp"), now_ns)
            updates.append(Said(order=order, venue_time_ns=at_ns))
    return updates
