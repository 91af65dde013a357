"""What one product's wallet can pay with now: its last reading, and what was sent since."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from tradewinds.gateways.dialect import Wallet
from tradewinds.gateways.order_desk import OrderDesk, Sent
from tradewinds.model.decimals import ZERO
from tradewinds.model.ids import Asset, InstrumentId
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.market import Side
from tradewinds.model.order import ApprovedOrder, Fill, Purpose

OPENS: Final = frozenset({Purpose.ENTER, Purpose.LEG})
"""What needs money of its own; what only closes is never held back."""
Markets = Mapping[InstrumentId, Instrument]


def lacking(order: ApprovedOrder, markets: Markets, wallet: Wallet | None, desk: OrderDesk) -> str:
    """Why this wallet cannot pay for an order; '' when it can.

    Margin that a close has freed counts from the next reading on, a sale on spot at once.
    """
    if order.purpose not in OPENS:
        return ""
    if wallet is None:
        return "not sent: its wallet has not been read yet"
    instrument = markets[order.instrument_id]
    asset, needed = price_of(order, instrument, order.quantity)
    free = wallet.free.get(asset, ZERO)
    free += sum((earned(asset, fill, markets) for fill in desk.since_reading), ZERO)
    free -= sum((spent(asset, sent, markets) for sent in desk.sent_since_reading), ZERO)
    if needed <= free:
        return ""
    has, needs = (f"{amount.normalize():f}" for amount in (max(free, ZERO), needed))
    return (
        f"not sent: the {instrument.kind} wallet has {has} {asset} free and this order needs "
        f"{needs}; what lies in the venue's other wallet cannot pay for it"
    )


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


def spent(asset: Asset, sent: Sent, markets: Markets) -> Decimal:
    """What an order sent after the reading took or may still take of an asset."""
    instrument = markets.get(sent.order.instrument_id)
    if instrument is None or sent.order.purpose not in OPENS:
        return ZERO
    quantity = sent.filled if sent.ended else sent.quantity
    paid, amount = price_of(sent.order, instrument, quantity)
    return amount if paid == asset else ZERO


def earned(asset: Asset, fill: Fill, markets: Markets) -> Decimal:
    """What an execution on spot since the reading brought of an asset, its fee taken off."""
    instrument = markets.get(fill.instrument_id)
    if instrument is None or instrument.kind is not InstrumentKind.SPOT:
        return ZERO
    sold = fill.side is Side.SELL
    got = instrument.quote if sold else instrument.base
    if got != asset:
        return ZERO
    amount = fill.quantity * fill.price if sold else fill.quantity
    return amount - (fill.fee if fill.fee_asset == asset else ZERO)
