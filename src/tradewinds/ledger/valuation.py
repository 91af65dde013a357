"""What holdings are worth at given prices. Without a price there is no answer."""

from collections.abc import Callable
from decimal import Decimal

from tradewinds.ledger.lots import NO_INSTRUMENT, SETTLEMENT, Holdings
from tradewinds.model.decimals import ONE, ZERO
from tradewinds.model.ids import Asset, InstrumentId, StrategyId
from tradewinds.model.ledger import Lot

PriceOf = Callable[[Asset], Decimal | None]
"""Account currency per unit of an asset; None when nobody knows."""

MarkOf = Callable[[InstrumentId], Decimal | None]
"""A perpetual's mark price in its settle asset; None when nobody knows."""


def no_mark(_: InstrumentId) -> Decimal | None:
    """For accounts without perpetuals."""
    return None


def equity(holdings: Holdings, price_of: PriceOf, mark_of: MarkOf) -> Decimal | None:
    """Balances at their prices, plus what closing every perpetual at its mark would pay."""
    total, currency = ZERO, holdings.currency
    for asset, quantity in holdings.balances.items():
        if not quantity:
            continue
        if asset == currency:
            total += quantity
            continue
        price = price_of(asset)
        if price is None:
            return None
        total += quantity * price
    for owed in holdings.settlements():
        net, _ = holdings.perpetual(owed.instrument_id)
        if net == ZERO:
            continue
        mark = mark_of(owed.instrument_id)
        price = _price(holdings, owed.asset, price_of)
        if mark is None or price is None:
            return None
        total += (net * mark + owed.quantity) * price
    return total


def unrealised(
    holdings: Holdings, strategy_id: StrategyId | None, price_of: PriceOf, mark_of: MarkOf
) -> Decimal | None:
    """What closing at these prices would realise before fees, for one owner or for all."""
    total = ZERO
    for lot in holdings.lots.values():
        if lot.strategy_id == SETTLEMENT or strategy_id not in (None, lot.strategy_id):
            continue
        if lot.instrument_id == NO_INSTRUMENT:
            price = _price(holdings, lot.asset, price_of)
            worth = None if price is None else lot.quantity * price
        else:
            worth = _position_worth(holdings, lot, price_of, mark_of)
        if worth is None:
            return None
        total += worth - lot.cost
    return total


def _position_worth(
    holdings: Holdings, lot: Lot, price_of: PriceOf, mark_of: MarkOf
) -> Decimal | None:
    """At its mark, with its part of what the settle asset's rate did to the entry value owed."""
    net, owed = holdings.perpetual(lot.instrument_id)
    mark = mark_of(lot.instrument_id)
    price = None if owed is None else _price(holdings, owed.asset, price_of)
    if owed is None or mark is None or price is None:
        return None
    worth = lot.quantity * mark * price
    drift = owed.quantity * price - owed.cost
    return worth + drift * lot.quantity / net if drift else worth


def _price(holdings: Holdings, asset: Asset, price_of: PriceOf) -> Decimal | None:
    return ONE if asset == holdings.currency else price_of(asset)
