"""Cycles whose legs leave at once: sized, judged leg by leg, and sent together or not at all."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import structs

from tradewinds.engine import inventory
from tradewinds.engine.floor import Floor
from tradewinds.execution import together
from tradewinds.execution.legs import Basket
from tradewinds.model.decimals import ZERO
from tradewinds.model.order import ApprovedOrder, OrderIntent, Refusal
from tradewinds.model.signal import BasketSignal, Sending
from tradewinds.risk.basket import Plan, PlannedLeg, basket_plan_size, unwind_loss
from tradewinds.risk.gate import review
from tradewinds.risk.limits import RiskView
from tradewinds.risk.together import depth_room, inventory_room, law_room, together_share


class Together:
    """Sends a cycle out of the inventory."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def send(self, signal: BasketSignal, legs: tuple[PlannedLeg, ...]) -> Refusal | None:
        """All legs, or the reason why none of them."""
        floor = self._floor
        share = together_share(legs, signal.start_asset, floor.limits)
        plan = Plan(signal=signal, legs=legs, share=share)
        views = [self._view(signal, leg) for leg in legs]
        size = self._size(plan, views)
        if isinstance(size, str):
            return self._refusal(plan, size)
        basket = _basket(plan, size, self._floor)
        intents = together.opening_intents(basket)
        if intents is None:
            return self._refusal(plan, "a leg rounds to nothing")
        orders = self._judged(intents, views)
        if isinstance(orders, Refusal):
            return orders
        inventory.lend(floor, basket.strategy_id, together.needed(basket, intents))
        floor.portfolio.baskets[basket.trade_id] = basket
        floor.selection.opened(basket.trade_id)
        for order in orders:
            floor.submit(order)
        return None

    def _view(self, signal: BasketSignal, leg: PlannedLeg) -> RiskView:
        slot = self._floor.board.slots[leg.instrument.id]
        return self._floor.risk_view(signal.strategy_id, slot, leg.side)

    def _size(self, plan: Plan, views: Sequence[RiskView]) -> Decimal | str:
        """Start asset to commit, or why none."""
        floor, signal = self._floor, plan.signal
        between = [leg.spends for leg in plan.legs[1:]]
        off = inventory.off_peg(floor, between)
        if off:
            return f"an inventory that is none: {off}"
        held = inventory_room(plan, views[0].inventory)
        size = basket_plan_size(plan, views[0], floor.limits, floor.scale(signal.strategy_id))
        if isinstance(size, str):
            return size
        size = min(size, depth_room(plan, views), law_room(plan, views, floor.limits))
        short = held < size if signal.sending is Sending.EITHER else held <= ZERO
        if short:
            return f"not all of {', '.join(between)} is in the inventory"
        return min(size, held)

    def _judged(
        self, intents: Sequence[OrderIntent], views: Sequence[RiskView]
    ) -> list[ApprovedOrder] | Refusal:
        """Every leg by every check, as if the others had been sent before it."""
        floor = self._floor
        orders: list[ApprovedOrder] = []
        for intent, view in zip(intents, views, strict=True):
            busy = structs.replace(view, orders_last_minute=view.orders_last_minute + len(orders))
            judged = review(intent, busy, floor.limits, floor.next_order_id())
            if isinstance(judged, Refusal):
                return judged
            orders.append(judged)
        return orders

    def _refusal(self, plan: Plan, reason: str) -> Refusal:
        return Refusal(
            strategy_id=plan.signal.strategy_id,
            instrument_id=plan.legs[0].instrument.id,
            check="simultaneous",
            reason=reason,
            time_ns=self._floor.out.now_ns,
        )


def _basket(plan: Plan, size: Decimal, floor: Floor) -> Basket:
    return Basket(
        trade_id=floor.next_trade_id(),
        strategy_id=plan.signal.strategy_id,
        legs=plan.legs,
        start_asset=plan.signal.start_asset,
        start_quantity=size,
        unwind_loss=unwind_loss(size, plan.share),
        notional=size,
        opened_time_ns=floor.out.now_ns,
        reason=plan.signal.reason,
        holding={},
        together=True,
    )
