"""A bar in whose range nothing of ours can happen is not looked at: that must change nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewinds.model.events import OrderFilled
from tradewinds.sim.market_state import MarketState

KINDS = ["market", "limit", "stop_market", "take_profit", "stop_limit"]
PRICED = frozenset({"limit", "stop_limit"})
PRICES = st.integers(9_500, 10_500).map(lambda cents: cents / 100)
ORDERS = st.lists(
    st.tuples(st.integers(0, 7), st.sampled_from(["buy", "sell"]), st.sampled_from(KINDS), PRICES),
    min_size=1,
    max_size=6,
)
STEPS = st.lists(st.tuples(*[st.integers(-150, 150)] * 4), min_size=8, max_size=20)


class Closely(MarketState):
    """Looks at every bar."""

    __slots__ = ()

    def reached(self, low, high):
        return True


def run(kit, kind, instrument, orders, steps):
    """Reports, balances and positions after these bars, with orders sent before some of them."""
    rig = kit.Rig(instrument)
    rig.venue._markets[instrument.id] = kind(instrument)
    close = 100.0
    for number, step in enumerate(steps):
        for _, side, order, price in (wish for wish in orders if wish[0] == number):
            fields = {"price": price} if order in PRICED else {}
            if order not in ("market", "limit"):
                fields["trigger_price"] = price
            if instrument.leverage_max > 1:
                fields["leverage"] = 20
            getattr(rig, side)(order, 1, **fields)
        path = [round(close + part / 100, 2) for part in step]
        close = path[-1]
        rig.bar((path[0], max(path), min(path), path[-1]))
    return rig.log, dict(rig.venue.balances), rig.venue.positions


@pytest.mark.parametrize("market", ["spot", "perpetual"])
@given(orders=ORDERS, steps=STEPS)
@settings(max_examples=150, deadline=None)
def test_bars_passed_by_are_bars_in_which_nothing_happens(kit, market, orders, steps):
    instrument = getattr(kit, market)()
    quick = run(kit, MarketState, instrument, orders, steps)
    assert quick == run(kit, Closely, instrument, orders, steps)


def test_a_stop_touched_by_a_low_is_not_passed_by(kit):
    steps = [(0, 0, 0, 0), (0, 0, 0, 0), (0, 0, -100, 0)]
    log, _, _ = run(kit, MarketState, kit.spot(), [(1, "sell", "stop_market", 99.0)], steps)
    assert any(isinstance(report, OrderFilled) for report in log)
