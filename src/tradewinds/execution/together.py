"""A basket's legs at once, out of inventory; what did not match is put right until nothing is left.

Selling what is too much and buying back what is missing for the start asset completes a first or
last leg that did not fill, and unwinds one that did. Where one asset is too much and another is
missing, one order from the first into the second completes or unwinds the leg between them: it is
taken instead where it costs no more.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from msgspec import structs

from tradewinds.execution.legs import UNWIND_STEP, Basket, intent_of, leg_quantity
from tradewinds.model.decimals import ONE, ZERO, to_decimal
from tradewinds.model.ids import Asset, InstrumentId
from tradewinds.model.market import Quote, Side
from tradewinds.model.order import OrderIntent, Purpose
from tradewinds.risk.basket import PlannedLeg, rate_at, way_back
from tradewinds.risk.exposure import fee_rate, paid_quantity
from tradewinds.risk.together import across_is_no_dearer

Touch = Callable[[InstrumentId], Quote | None]
"""The last quote that can be believed."""
PATIENCE: Final = 8
"""Tries after which the operator is called; they go on with the beat all the same."""


def opening_intents(basket: Basket) -> tuple[OrderIntent, ...] | None:
    """Every leg's, each for no more than the one before brings at its worst; None where the venue
    would not take one of them."""
    amount, intents = basket.start_quantity, []
    for leg in basket.legs:
        quantity = leg_quantity(leg, {leg.spends: amount})
        intent = intent_of(basket, leg, quantity, Purpose.LEG)
        if intent is None:
            return None
        intents.append(intent)
        amount = _brought(leg, quantity)
    return tuple(intents)


def _brought(leg: PlannedLeg, quantity: Decimal) -> Decimal:
    fee = fee_rate(leg.instrument)
    if leg.side is Side.SELL:
        return quantity * leg.price * (ONE - fee)
    return quantity * (ONE - fee) if leg.instrument.fee_in_received_asset else quantity


def needed(basket: Basket, intents: tuple[OrderIntent, ...]) -> dict[Asset, Decimal]:
    """What the legs take of the inventory at most: all but the first are paid with it."""
    later = zip(basket.legs[1:], intents[1:], strict=True)
    return {
        leg.spends: paid_quantity(leg.side, intent.quantity, intent.price, leg.instrument)
        for leg, intent in later
    }


def put_right(
    basket: Basket, touch: Touch, move: Decimal
) -> tuple[Basket, tuple[OrderIntent, ...]]:
    """After everything sent has ended: what brings each asset back to where it was; nothing when
    what is left is less than the venues take."""
    tried = structs.replace(basket, unwinding=True, unwind_tries=basket.unwind_tries + 1)
    across = _across(tried, touch, move)
    return tried, _direct(tried, touch) if across is None else (across,)


def _direct(basket: Basket, touch: Touch) -> tuple[OrderIntent, ...]:
    """What is too much sold, what is missing bought."""
    intents = []
    for asset, amount in basket.holding.items():
        if amount > ZERO:
            intents.append(_sold(basket, asset, amount))
        elif amount < ZERO:
            intents.append(_bought(basket, asset, -amount, touch))
    return tuple(intent for intent in intents if intent is not None)


def _sold(basket: Basket, asset: Asset, amount: Decimal) -> OrderIntent | None:
    way = way_back(basket.legs, basket.start_asset, asset)
    if way is None:
        return None
    if way.side is Side.BUY:
        dearer = way.decision_price * (ONE + UNWIND_STEP * basket.unwind_tries)
        way = structs.replace(way, price=dearer)
    return intent_of(basket, way, leg_quantity(way, {asset: amount}), Purpose.UNWIND)


def _bought(basket: Basket, asset: Asset, amount: Decimal, touch: Touch) -> OrderIntent | None:
    """Rounded down: what is still missing then is owed, and given back when there is enough."""
    way = way_back(basket.legs, asset, basket.start_asset)
    if way is None:
        return None
    quantity = amount / _yield(way, touch)
    return intent_of(basket, way, way.instrument.quantity_down(quantity), Purpose.UNWIND)


def _yield(way: PlannedLeg, touch: Touch) -> Decimal:
    """What one unit ordered brings of what it is for."""
    fee = fee_rate(way.instrument)
    if way.side is Side.SELL:
        return _price(way, touch) * (ONE - fee)
    return ONE - fee if way.instrument.fee_in_received_asset else ONE


def _across(basket: Basket, touch: Touch, move: Decimal) -> OrderIntent | None:
    pair = _opposite(basket)
    if pair is None or not _cheaper(basket, pair, touch, move):
        return None
    source, target = pair
    way = way_back(basket.legs, target, source)
    assert way is not None, "found to be no dearer"
    wanted = -basket.holding[target] / _yield(way, touch)
    if way.side is Side.BUY:
        dearer = _price(way, touch) * (ONE + UNWIND_STEP * basket.unwind_tries)
        way = structs.replace(way, price=dearer)
    quantity = min(
        way.instrument.quantity_down(wanted),
        leg_quantity(way, {source: basket.holding[source]}),
    )
    return intent_of(basket, way, quantity, Purpose.UNWIND)


def _opposite(basket: Basket) -> tuple[Asset, Asset] | None:
    """An asset that is too much and one that is missing."""
    between = [leg.spends for leg in basket.legs if leg.spends != basket.start_asset]
    more = [asset for asset in between if basket.holding.get(asset, ZERO) > ZERO]
    less = [asset for asset in between if basket.holding.get(asset, ZERO) < ZERO]
    return (more[0], less[0]) if more and less else None


def _cheaper(basket: Basket, pair: tuple[Asset, Asset], touch: Touch, move: Decimal) -> bool:
    """By what is shown now, and by what was approved; not where a price is missing."""
    source, target = pair
    ways = (
        way_back(basket.legs, target, source),
        way_back(basket.legs, basket.start_asset, source),
        way_back(basket.legs, target, basket.start_asset),
    )
    rates = [_rate_now(way, touch) for way in ways]
    if any(rate is None for rate in rates):
        return False
    cross, back, there = (rate or ZERO for rate in rates)
    shown = back * there <= cross
    return shown and across_is_no_dearer(basket.legs, basket.start_asset, pair, move)


def _rate_now(way: PlannedLeg | None, touch: Touch) -> Decimal | None:
    if way is None or touch(way.instrument.id) is None:
        return None
    return rate_at(way, _price(way, touch))


def _price(way: PlannedLeg, touch: Touch) -> Decimal:
    """What is shown on its side now; else the mid of the decision."""
    quote = touch(way.instrument.id)
    if quote is None:
        return way.decision_price
    return to_decimal(quote.ask if way.side is Side.BUY else quote.bid)
