"""What an order takes of the wallet that pays for it, and what an execution brings there."""

from decimal import Decimal

from tradewinds.model.decimals import ZERO
from tradewinds.model.ids import Asset
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.market import Side
from tradewinds.model.order import ApprovedOrder, Fill, Purpose

OPENS = frozenset({Purpose.ENTER, Purpose.LEG})
"""What needs money of its own; what only closes is never held back."""


def price_of(
    order: ApprovedOrder, instrument: Instrument, quantity: Decimal
) -> tuple[Asset, Decimal]:
    """The asset that pays, and how much: on spot what is given away, else margin and fee."""
    price = order.price or order.decision_price
    if instrument.kind is InstrumentKind.PERPETUAL:
        unit = price / order.leverage + price * instrument.taker_fee
        return instrument.settle, quantity * unit
    if order.side is Side.BUY:
        return instrument.quote, quantity * price
    return instrument.base, quantity


def brought(asset: Asset, fill: Fill, instrument: Instrument) -> Decimal:
    """Of an asset, by an execution on spot, its fee taken off. Margin that a close has freed counts
    from the next reading on."""
    if instrument.kind is not InstrumentKind.SPOT:
        return ZERO
    sold = fill.side is Side.SELL
    got = instrument.quote if sold else instrument.base
    if got != asset:
        return ZERO
    amount = fill.quantity * fill.price if sold else fill.quantity
    return amount - (fill.fee if fill.fee_asset == asset else ZERO)
