"""A cycle may break anywhere: what is lost then never exceeds what was approved for it."""

import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from tradewinds.execution import legs as lane
from tradewinds.execution.legs import Basket
from tradewinds.model.ids import (
    Asset,
    ClientOrderId,
    FillId,
    InstrumentId,
    StrategyId,
    TradeId,
    Venue,
)
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.market import Side
from tradewinds.model.order import Fill, OrderIntent, Purpose
from tradewinds.risk.basket import PlannedLeg, cycle_flaw, unwind_loss, unwind_share, way_back
from tradewinds.risk.limits import RiskLimits

USDT = Asset("USDT")
SEEDS = 12_000


def market(dice: random.Random, base: str, quote: str, mid: Decimal) -> Instrument:
    places = mid.adjusted()
    return Instrument(
        id=InstrumentId(f"{base}/{quote}@x"),
        symbol=f"{base}/{quote}",
        venue=Venue("x"),
        kind=InstrumentKind.SPOT,
        base=Asset(base),
        quote=Asset(quote),
        settle=Asset(quote),
        tick_size=Decimal(10) ** (places - 6),
        lot_size=Decimal(10) ** -(places + dice.choice([4, 6, 8]))
        if base != "USDT"
        else Decimal("0.01"),
        min_quantity=Decimal(10) ** -12,
        max_quantity=Decimal(10) ** 12,
        min_notional=Decimal(0),
        maker_fee=Decimal(0),
        taker_fee=Decimal(dice.choice(["0", "0.0004", "0.001", "0.006"])),
        fee_in_received_asset=dice.random() < 0.5,
    )


class Cycle(NamedTuple):
    """A planned cycle and the figure approved for it."""

    legs: tuple[PlannedLeg, ...]
    size: Decimal
    approved: Decimal


def leg(
    dice: random.Random, instrument: Instrument, side: Side, mid: Decimal, law: RiskLimits
) -> PlannedLeg:
    """Worst price anywhere within the collar: the strategy may be a bad one."""
    off = mid * Decimal(dice.randint(-50, int(law.collar_bps * 10))) / 100_000
    price = mid + off if side is Side.BUY else mid - off
    price = price.quantize(instrument.tick_size)
    return PlannedLeg(instrument=instrument, side=side, price=price, decision_price=mid)


def cycle(dice: random.Random, law: RiskLimits) -> Cycle:
    a, b = (Decimal(repr(round(10 ** dice.uniform(-2, 4), 6))) for _ in range(2))
    cross = (b / a) * (1 + Decimal(dice.randint(-300, 300)) / 10_000)
    cross = cross.quantize(Decimal(10) ** (cross.adjusted() - 8))
    first = leg(dice, market(dice, "A", "USDT", a), Side.BUY, a, law)
    if dice.random() < 0.5:
        middle = leg(dice, market(dice, "B", "A", cross), Side.BUY, cross, law)
    else:
        inverse = (1 / cross).quantize(Decimal(10) ** ((1 / cross).adjusted() - 8))
        middle = leg(dice, market(dice, "A", "B", inverse), Side.SELL, inverse, law)
    last = leg(dice, market(dice, "B", "USDT", b), Side.SELL, b, law)
    planned = (first, middle, last)
    if dice.random() < 0.1:
        planned = (first, leg(dice, first.instrument, Side.SELL, a, law))
    assert cycle_flaw(planned, USDT, USDT) is None
    size = Decimal(dice.randint(20, 50_000)) / 100
    return Cycle(planned, size, unwind_loss(size, unwind_share(planned, USDT, law)))


def begun(plan: Cycle) -> Basket:
    return Basket(
        trade_id=TradeId("t"),
        strategy_id=StrategyId("s"),
        legs=plan.legs,
        start_asset=USDT,
        start_quantity=plan.size,
        unwind_loss=plan.approved,
        notional=plan.size,
        opened_time_ns=0,
        reason="",
        holding={USDT: plan.size},
    )


def filled(
    dice: random.Random, basket: Basket, intent: OrderIntent, price: Decimal, share: Decimal
) -> Basket:
    instrument = next(p.instrument for p in basket.legs if p.instrument.id == intent.instrument_id)
    quantity = instrument.quantity_down(intent.quantity * share)
    if quantity <= 0:
        return basket
    in_base = instrument.fee_in_received_asset and intent.side is Side.BUY
    fee = quantity * instrument.taker_fee * (1 if in_base else price)
    fill = Fill(
        fill_id=FillId(str(dice.random())),
        client_order_id=ClientOrderId("o"),
        instrument_id=instrument.id,
        side=intent.side,
        quantity=quantity,
        price=price,
        fee=fee,
        fee_asset=instrument.base if in_base else instrument.quote,
        maker=False,
        venue_time_ns=0,
        received_time_ns=0,
    )
    return lane.with_fill(basket, fill, instrument)


def unwound_at(plan: Sequence[PlannedLeg], intent: OrderIntent, moved: Decimal) -> Decimal:
    mid = next(p.decision_price for p in plan if p.instrument.id == intent.instrument_id)
    return mid * (1 - moved if intent.side is Side.SELL else 1 + moved)


def played_out(dice: random.Random, plan: Cycle, move: Decimal) -> Basket:
    """Legs fill whole, in part or not; unwinding meets a market that has moved against us."""
    basket, intent = begun(plan), lane.first_intent(begun(plan))
    moved = move * Decimal(dice.choice(["1", "1", "0.3"]))
    broken = dice.choice([0, 1, 2, 3])
    step = 0
    while intent is not None:
        if intent.purpose is Purpose.LEG:
            share = Decimal(1) if step < broken else Decimal(dice.choice(["0", "0.3", "1"]))
            better = Decimal(dice.choice(["0", "0", "0.001"]))
            better = -better if intent.side is Side.BUY else better
            basket = filled(dice, basket, intent, intent.price * (1 + better), share)
        else:
            share = (
                Decimal(1) if basket.unwind_tries > 3 else Decimal(dice.choice(["0", "0.5", "1"]))
            )
            basket = filled(dice, basket, intent, unwound_at(plan.legs, intent, moved), share)
        step += 1
        basket, intent = lane.next_leg(basket)
    return basket


def lost(basket: Basket, move: Decimal) -> Decimal:
    """Start asset gone; what could not be sold counts at the price that it could be sold at."""
    left = Decimal(0)
    for asset, quantity in basket.holding.items():
        back = way_back(basket.legs, USDT, asset)
        if back is not None and quantity > 0:
            left += quantity * back.decision_price * (1 - move)
    return basket.spent - basket.returned - left


def test_a_cycle_that_breaks_anywhere_costs_no_more_than_was_approved(law: Any) -> None:
    rules = law.limits()
    move = Decimal(repr(rules.unwind_loss_bps)) / 10_000
    nearest = Decimal(0)
    for seed in range(SEEDS):
        dice = random.Random(seed)
        plan = cycle(dice, rules)
        basket = played_out(dice, plan, move)
        loss = lost(basket, move)
        assert loss <= plan.approved, (seed, loss, plan)
        assert all(amount >= Decimal("-1e-9") for amount in basket.holding.values()), (seed, basket)
        nearest = max(nearest, loss / plan.approved)
    assert nearest > Decimal("0.95"), (
        f"the approved figure is far too large: at most {nearest} of it used"
    )


def turned(planned: Sequence[PlannedLeg], which: int) -> tuple[PlannedLeg, ...]:
    one = planned[which]
    other = PlannedLeg(
        instrument=one.instrument,
        side=one.side.opposite,
        price=one.price,
        decision_price=one.decision_price,
    )
    return (*planned[:which], other, *planned[which + 1 :])


@pytest.mark.parametrize("which", [0, 1, 2])
def test_legs_that_do_not_follow_from_each_other_are_no_cycle(law: Any, which: int) -> None:
    dice = random.Random(4)
    planned: tuple[PlannedLeg, ...] = ()
    while len(planned) < 3:
        planned = cycle(dice, law.limits()).legs
    assert cycle_flaw(turned(planned, which), USDT, USDT)
    assert cycle_flaw(planned[:which], USDT, USDT)
    assert cycle_flaw(planned + planned, USDT, USDT)
    assert cycle_flaw(planned, USDT, Asset("USD"))
    assert cycle_flaw(planned, Asset("A"), Asset("A"))
