"""What an order has to set aside, by the plain rule, for every kind of order."""

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tradewinds.model.decimals import ONE, ZERO
from tradewinds.model.ids import Asset, ClientOrderId, InstrumentId, StrategyId, TradeId
from tradewinds.model.market import Side
from tradewinds.model.order import ApprovedOrder, OrderType, Purpose
from tradewinds.sim.costs import unit_cost
from tradewinds.sim.working import Lock

SIZES = st.integers(1, 20_000).map(lambda lots: Decimal(lots) / 1000)


def order(side: Side, size: Decimal, trigger: Decimal | None, reduce_only: bool) -> ApprovedOrder:
    return ApprovedOrder(
        client_order_id=ClientOrderId("o"),
        trade_id=TradeId("t"),
        strategy_id=StrategyId("s"),
        instrument_id=InstrumentId("BTC/USDT@sim"),
        side=side,
        order_type=OrderType.MARKET if trigger is None else OrderType.STOP_MARKET,
        quantity=size,
        purpose=Purpose.STOP,
        decision_price=Decimal(100),
        worst_loss=ZERO,
        trigger_price=trigger,
        reduce_only=reduce_only,
    )


@given(
    side=st.sampled_from(Side),
    size=SIZES,
    trigger=st.none() | st.decimals("90", "110", places=2),
    flags=st.tuples(st.booleans(), st.booleans()),
)
@settings(max_examples=150, deadline=None)
def test_a_buyer_sets_money_aside_and_a_seller_what_it_sells(
    kit: Any, side: Side, size: Decimal, trigger: Decimal | None, flags: tuple[bool, bool]
) -> None:
    reduce_only, resting = flags
    rig = kit.Rig(kit.spot())
    rig.bar((100.0, 100.0, 100.0, 100.0))
    if resting:
        rig.sell("stop_market", 4, trigger_price=80.0)
        rig.bar((100.0, 100.0, 100.0, 100.0))
    account = rig.venue._desk.account
    (market,) = account.markets.values()
    wish = order(side, size, trigger, reduce_only)
    if side is Side.BUY:
        price = trigger or market.reference(side) or ZERO
        wanted = Lock(Asset("USDT"), unit_cost(market.instrument, price, ONE), size)
    else:
        free = Decimal(6 if resting else 10)
        wanted = Lock(Asset("BTC"), ONE, min(size, free) if reduce_only else size)
    assert account.lock_for(wish, market) == wanted
