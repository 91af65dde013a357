"""What one product's wallet can pay with now: its last reading, and what was sent since."""

from collections.abc import Mapping
from decimal import Decimal

from tradewinds.execution.paying import OPENS, brought, price_of
from tradewinds.gateways.dialect import Wallet
from tradewinds.gateways.order_desk import OrderDesk, Sent
from tradewinds.model.decimals import ZERO
from tradewinds.model.ids import Asset, InstrumentId
from tradewinds.model.instrument import Instrument
from tradewinds.model.order import ApprovedOrder, Fill

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


def spent(asset: Asset, sent: Sent, markets: Markets) -> Decimal:
    """What an order sent after the reading took or may still take of an asset."""
    instrument = markets.get(sent.order.instrument_id)
    if instrument is None or sent.order.purpose not in OPENS:
        return ZERO
    quantity = sent.filled if sent.ended else sent.quantity
    paid, amount = price_of(sent.order, instrument, quantity)
    return amount if paid == asset else ZERO


def earned(asset: Asset, fill: Fill, markets: Markets) -> Decimal:
    """What an execution since the reading brought of an asset."""
    instrument = markets.get(fill.instrument_id)
    return ZERO if instrument is None else brought(asset, fill, instrument)
