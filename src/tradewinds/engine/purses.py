"""What each of two wallets of one account can pay with: what the venue told, and what has moved
since. The books know their sum alone; what lies in one cannot pay in the other."""

from collections.abc import Mapping
from decimal import Decimal

from tradewinds.execution.order_manager import OrderManager
from tradewinds.execution.paying import OPENS, brought, price_of
from tradewinds.model.decimals import ZERO
from tradewinds.model.events import VenueStateRead
from tradewinds.model.ids import Asset
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.order import ApprovedOrder, Fill

Moved = tuple[ApprovedOrder | Fill, Instrument]


class Purses:
    """Empty, and without a word, where one wallet holds everything."""

    def __init__(self) -> None:
        self._free: dict[InstrumentKind, Mapping[Asset, Decimal]] = {}
        self._since: dict[InstrumentKind, list[Moved]] = {}

    def told(self, event: VenueStateRead) -> None:
        """A reading: it holds all that was sent or filled there before."""
        for kind, free in event.free.items():
            self._free[kind] = free
            self._since[kind] = []

    def moved(self, what: ApprovedOrder | Fill, instrument: Instrument) -> None:
        """An order was sent, or filled."""
        since = self._since.get(instrument.kind)
        if since is not None:
            since.append((what, instrument))

    def cap(
        self, free: dict[Asset, Decimal], kind: InstrumentKind, orders: OrderManager
    ) -> dict[Asset, Decimal]:
        """Of what is free in all, no more of any asset than the wallet of this product has."""
        told = self._free.get(kind)
        if told is None:
            return free
        return {
            asset: min(amount, told.get(asset, ZERO) + self._moved(asset, kind, orders))
            for asset, amount in free.items()
        }

    def _moved(self, asset: Asset, kind: InstrumentKind, orders: OrderManager) -> Decimal:
        left = ZERO
        for what, instrument in self._since[kind]:
            if isinstance(what, Fill):
                left += brought(asset, what, instrument)
            elif what.purpose in OPENS:
                paid, amount = price_of(what, instrument, _used(what, orders))
                left -= amount if paid == asset else ZERO
        return left


def _used(sent: ApprovedOrder, orders: OrderManager) -> Decimal:
    """What it took, or may still take."""
    order = orders.get(sent.client_order_id)
    return sent.quantity if order is None or order.working else order.filled_quantity
