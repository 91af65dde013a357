"""Legs at once may fill in any way: what that costs never exceeds what was approved, and whatever
was taken of the inventory is there again, but for less than the venues take."""

import random
from decimal import Decimal
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.properties.test_basket_law import USDT, Cycle, begun, cycle, filled
from tradewinds.execution import together
from tradewinds.execution.legs import Basket
from tradewinds.model.ids import Asset, InstrumentId
from tradewinds.model.market import Quote, Side
from tradewinds.model.order import OrderIntent, Purpose
from tradewinds.risk.basket import PlannedLeg, unwind_loss, way_back, worst_rate
from tradewinds.risk.together import flows, together_share

SEEDS = 6_000
SURE_AFTER = 12
"""Tries after which the market takes everything: a test has to end."""


class Market:
    """Moves within `move` of each leg's mid, mostly against us."""

    def __init__(self, dice: random.Random, plan: Cycle, move: Decimal) -> None:
        self.dice, self.plan, self.move = dice, plan, move
        self.silent = dice.random() < 0.1

    def leg(self, instrument_id: InstrumentId) -> PlannedLeg:
        return next(leg for leg in self.plan.legs if leg.instrument.id == instrument_id)

    def touch(self, instrument_id: InstrumentId) -> Quote | None:
        """What is shown need not be what is got."""
        mid = self.leg(instrument_id).decision_price
        off = self.move * Decimal(self.dice.choice(["-1", "-0.2", "0", "0.2", "1"]))
        price = float(mid * (1 + off))
        if self.silent:
            return None
        return Quote(
            instrument_id=instrument_id, bid=price, ask=price, bid_size=1.0, ask_size=1.0,
            venue_time_ns=0, received_time_ns=0,
        )  # fmt: skip

    def price(self, intent: OrderIntent) -> Decimal:
        mid = self.leg(intent.instrument_id).decision_price
        if intent.purpose is Purpose.LEG:
            better = Decimal(self.dice.choice(["0", "0", "0.0005"]))
            return intent.price * (1 - better if intent.side is Side.BUY else 1 + better)
        worse = self.move * Decimal(self.dice.choice(["1", "1", "0.3"]))
        return mid * (1 - worse if intent.side is Side.SELL else 1 + worse)


def planned(dice: random.Random, law: Any) -> Cycle:
    """With what it may lose when its legs leave at once."""
    rules = law.limits()
    plan = cycle(dice, rules)
    share = together_share(plan.legs, USDT, rules)
    return plan._replace(approved=unwind_loss(plan.size, share))


def at_once(plan: Cycle) -> Basket:
    return structs.replace(begun(plan), holding={}, together=True)


def played_out(dice: random.Random, plan: Cycle, move: Decimal) -> Basket | None:
    """None where the venue would not take a leg."""
    basket, market = at_once(plan), Market(dice, plan, move)
    intents = together.opening_intents(basket)
    if intents is None:
        return None
    taken = together.needed(basket, intents)
    for intent in intents:
        share = Decimal(dice.choice(["0", "0", "0.3", "0.8", "1", "1"]))
        basket = filled(dice, basket, intent, market.price(intent), share)
    for asset, amount in taken.items():
        assert basket.holding.get(asset, Decimal(0)) >= -amount, "more than was borrowed"
    orders = 0
    while True:
        basket, more = together.put_right(basket, market.touch, move)
        if not more:
            return basket
        for intent in more:
            orders += 1
            share = Decimal(1 if orders > SURE_AFTER else dice.choice(["0", "0.5", "1"]))
            basket = filled(dice, basket, intent, market.price(intent), share)
        assert orders < SURE_AFTER + 20, (basket, more)


def lost(basket: Basket, move: Decimal) -> Decimal:
    """Start asset gone; what is left over or missing at the worst that it could be had for."""
    total = basket.holding.get(USDT, Decimal(0))
    for asset, amount in basket.holding.items():
        back, there = way_back(basket.legs, USDT, asset), way_back(basket.legs, asset, USDT)
        if back is not None and amount > 0:
            total += amount * back.decision_price * (1 - move)
        if there is not None and amount < 0:
            total += amount / worst_rate(there, move)
    return -total


def restored(basket: Basket) -> bool:
    """Nothing is left that a venue would take, rounding of one lot aside."""
    for asset, amount in basket.holding.items():
        way = way_back(basket.legs, USDT, asset)
        if way is not None and abs(amount) >= 2 * way.instrument.lot_size:
            return False
    return True


def move_of(law: Any) -> Decimal:
    return Decimal(repr(law.limits().unwind_loss_bps)) / 10_000


def test_legs_at_once_cost_no_more_than_was_approved_however_they_fill(law: Any) -> None:
    move, nearest, sent = move_of(law), Decimal(0), 0
    for seed in range(SEEDS):
        dice = random.Random(seed)
        plan = planned(dice, law)
        basket = played_out(dice, plan, move)
        if basket is None:
            continue
        sent += 1
        assert lost(basket, move) <= plan.approved, (seed, lost(basket, move), plan)
        assert restored(basket), (seed, basket)
        nearest = max(nearest, lost(basket, move) / plan.approved)
    assert sent > SEEDS * 0.9
    assert nearest > Decimal("0.9"), f"far too large a figure is approved: {nearest} of it used"


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(dice=st.randoms(use_true_random=False))
def test_any_way_of_filling_restores_the_inventory_within_the_approved_loss(
    dice: random.Random, law: Any
) -> None:
    plan = planned(dice, law)
    basket = played_out(dice, plan, move_of(law))
    if basket is not None:
        assert lost(basket, move_of(law)) <= plan.approved
        assert restored(basket)


def test_a_cycle_that_fills_whole_brings_every_asset_back_and_needs_no_more_orders(
    law: Any,
) -> None:
    """What each leg brings at its worst price pays for what the next one takes."""
    whole = 0
    for seed in range(500):
        dice = random.Random(seed)
        plan = planned(dice, law)
        basket = at_once(plan)
        intents = together.opening_intents(basket)
        if intents is None:
            continue
        for intent in intents:
            basket = filled(dice, basket, intent, intent.price, Decimal(1))
        between = {leg.spends for leg in plan.legs[1:]}
        assert all(basket.holding[asset] >= 0 for asset in between), (seed, basket)
        whole += 1
    assert whole > 400


def test_each_flow_pays_for_the_next(law: Any) -> None:
    plan = planned(random.Random(1), law)
    parts = list(flows(plan.legs))
    assert parts[0].spent == 1
    assert all(one.brought == other.spent for one, other in pairwise(parts))


def triangle(law: Any) -> Cycle:
    """USDT > A > B > USDT with every mid in agreement."""
    for seed in range(100):
        plan = planned(random.Random(seed), law)
        if len(plan.legs) == 3 and plan.legs[1].side is Side.SELL:
            return plan._replace(legs=tuple(map(_ten_bps, plan.legs)))
    raise AssertionError("no such plan")


def _ten_bps(leg: PlannedLeg) -> PlannedLeg:
    fee = Decimal("0.001")
    return structs.replace(leg, instrument=structs.replace(leg.instrument, taker_fee=fee))


def shown(plan: Cycle, cross: Decimal) -> together.Touch:
    """Mids as decided, but the market between the two other assets off by a share."""

    def touch(instrument_id: InstrumentId) -> Quote:
        legs = {leg.instrument.id: leg for leg in plan.legs}
        rate = legs[instrument_id].decision_price
        if instrument_id == plan.legs[1].instrument.id:
            first, last = plan.legs[0].decision_price, plan.legs[2].decision_price
            rate = first / last * (1 + cross)
        return Quote(
            instrument_id=instrument_id, bid=float(rate), ask=float(rate), bid_size=1.0,
            ask_size=1.0, venue_time_ns=0, received_time_ns=0,
        )  # fmt: skip

    return touch


def test_a_middle_leg_that_did_not_fill_is_completed_where_that_costs_no_more(law: Any) -> None:
    plan = triangle(law)
    fair = plan.legs[0].decision_price / plan.legs[2].decision_price
    middle = structs.replace(plan.legs[1], decision_price=fair, price=fair)
    plan = plan._replace(legs=(plan.legs[0], middle, plan.legs[2]))
    a, b = Asset("A"), Asset("B")
    held = {a: Decimal(1), b: -fair}
    basket = structs.replace(at_once(plan), holding=held, legs=plan.legs)
    move = move_of(law)
    _, (across,) = together.put_right(basket, shown(plan, Decimal(0)), move)
    assert across.instrument_id == middle.instrument.id, "one fee, not two"
    _, direct = together.put_right(basket, shown(plan, Decimal("-0.05")), move)
    ids = {intent.instrument_id for intent in direct}
    assert ids == {plan.legs[0].instrument.id, plan.legs[2].instrument.id}, "5 % cheaper"
    _, blind = together.put_right(basket, lambda _: None, move)
    assert {intent.instrument_id for intent in blind} == ids, "without a price, as approved"


def test_across_at_a_price_that_was_not_counted_on_is_not_taken(law: Any) -> None:
    """The decision's mids say that it may cost more than what was approved."""
    plan = triangle(law)
    poor = plan.legs[0].decision_price / plan.legs[2].decision_price * Decimal("0.9")
    middle = structs.replace(plan.legs[1], decision_price=poor, price=poor)
    plan = plan._replace(legs=(plan.legs[0], middle, plan.legs[2]))
    held = {Asset("A"): Decimal(1), Asset("B"): -poor}
    basket = structs.replace(at_once(plan), holding=held, legs=plan.legs)
    _, direct = together.put_right(basket, shown(plan, Decimal("0.02")), move_of(law))
    assert middle.instrument.id not in {intent.instrument_id for intent in direct}
