"""A basket's legs in sequence: each spends what the last one brought; what is left is unwound."""

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct, structs

from tradewinds.model.decimals import ZERO
from tradewinds.model.ids import Asset, StrategyId, TradeId
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Side
from tradewinds.model.order import Fill, OrderIntent, Purpose
from tradewinds.risk.basket import PlannedLeg, way_back


class Basket(Struct, frozen=True, kw_only=True):
    """A cycle under way. `holding` is what the basket owns now, per asset, fees taken off.

    `spent` and `returned` count the start asset; `unwind_loss` is the approved worst case in
    account currency; `index` the leg now working; `unwinding` once a leg fell short;
    `realised_before` what of `realised` was booked before today. `together`: all legs leave at
    once, out of inventory; then `holding` is what the basket has too much of, or (negative) owes.
    """

    trade_id: TradeId
    strategy_id: StrategyId
    legs: tuple[PlannedLeg, ...]
    start_asset: Asset
    start_quantity: Decimal
    unwind_loss: Decimal
    notional: Decimal
    opened_time_ns: int
    reason: str
    holding: dict[Asset, Decimal]
    index: int = 0
    unwinding: bool = False
    unwind_tries: int = 0
    spent: Decimal = ZERO
    returned: Decimal = ZERO
    realised: Decimal = ZERO
    realised_before: Decimal = ZERO
    fees: Decimal = ZERO
    together: bool = False

    @property
    def leg(self) -> PlannedLeg:
        """The leg now working."""
        return self.legs[self.index]


UNWIND_TRIES_MAX = 5
UNWIND_STEP = Decimal("0.005")
"""Each further try to buy the start asset back asks for this much less of it per money."""


def with_fill(basket: Basket, fill: Fill, instrument: Instrument) -> Basket:
    """Move assets as the fill moved them."""
    value = fill.quantity * fill.price
    buying = fill.side is Side.BUY
    moves = {
        instrument.base: fill.quantity if buying else -fill.quantity,
        instrument.quote: -value if buying else value,
    }
    holding = dict(basket.holding)
    for asset, amount in moves.items():
        holding[asset] = holding.get(asset, ZERO) + amount
    holding[fill.fee_asset] = holding.get(fill.fee_asset, ZERO) - fill.fee
    change = moves.get(basket.start_asset, ZERO)
    return structs.replace(
        basket,
        holding=holding,
        spent=basket.spent - min(change, ZERO),
        returned=basket.returned + max(change, ZERO),
    )


def next_leg(basket: Basket) -> tuple[Basket, OrderIntent | None]:
    """After the working leg has ended: the next leg's intent, an unwind, or None when done."""
    if not basket.unwinding:
        for index in range(basket.index + 1, len(basket.legs)):
            moved = structs.replace(basket, index=index)
            intent = _intent(moved, moved.leg, Purpose.LEG)
            if intent is not None:
                return moved, intent
            break
    return _next_unwind(basket)


def _next_unwind(basket: Basket) -> tuple[Basket, OrderIntent | None]:
    """Turn whatever is held back into the start asset, by the leg that links them."""
    tries = basket.unwind_tries + 1
    tried = structs.replace(basket, unwinding=True, unwind_tries=tries)
    if tries > UNWIND_TRIES_MAX:
        return tried, None
    for asset, quantity in basket.holding.items():
        way_out = way_back(basket.legs, basket.start_asset, asset)
        if way_out is None or quantity <= ZERO:
            continue
        if way_out.side is Side.BUY:
            dearer = way_out.decision_price * (1 + UNWIND_STEP * tries)
            way_out = structs.replace(way_out, price=dearer)
        intent = _intent(tried, way_out, Purpose.UNWIND)
        if intent is not None:
            return tried, intent
    return tried, None


def leg_quantity(leg: PlannedLeg, holding: Mapping[Asset, Decimal]) -> Decimal:
    """Base quantity that what is held can pay for at the leg's worst price, fee included."""
    instrument = leg.instrument
    if leg.side is Side.SELL:
        return instrument.quantity_down(max(holding.get(instrument.base, ZERO), ZERO))
    money = max(holding.get(instrument.quote, ZERO), ZERO)
    cost = leg.price * (1 if instrument.fee_in_received_asset else 1 + instrument.taker_fee)
    return instrument.quantity_down(money / cost)


def _intent(basket: Basket, leg: PlannedLeg, purpose: Purpose) -> OrderIntent | None:
    quantity = leg_quantity(leg, basket.holding)
    return intent_of(basket, leg, quantity, purpose)


def intent_of(
    basket: Basket, leg: PlannedLeg, quantity: Decimal, purpose: Purpose
) -> OrderIntent | None:
    """An order for a leg, or for the way back; None for what the venue would not take."""
    if quantity <= ZERO or not leg.instrument.closable(quantity, leg.price):
        return None
    return OrderIntent(
        strategy_id=basket.strategy_id,
        trade_id=basket.trade_id,
        instrument_id=leg.instrument.id,
        side=leg.side,
        quantity=quantity,
        price=leg.price,
        purpose=purpose,
        decision_price=leg.decision_price,
        unwind_loss=basket.unwind_loss,
        from_inventory=basket.together and purpose is Purpose.LEG,
    )


def first_intent(basket: Basket) -> OrderIntent | None:
    """The opening leg, sized from the start quantity; None if the venue would not take it."""
    return _intent(basket, basket.legs[0], Purpose.LEG)


def unwinding(basket: Basket) -> Basket:
    """No further leg: from here only the way back."""
    return structs.replace(basket, unwinding=True)


def with_result(basket: Basket, net: Decimal, fees: Decimal) -> Basket:
    """Add what the ledger booked for one fill, in account currency."""
    return structs.replace(basket, realised=basket.realised + net, fees=basket.fees + fees)
