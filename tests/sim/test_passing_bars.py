"""A bar in whose range nothing of ours can happen is not looked at: that must change nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewinds.model.events import OrderFilled
from tradewinds.sim import bars

KINDS = ["market", "limit", "stop_market", "take_profit", "stop_limit"]
PRICED = frozenset({"limit", "stop_limit"})
PRICES = st.integers(9_500, 10_500).map(lambda cents: cents / 100)
ORDERS = st.lists(
    st.tuples(st.integers(0, 7), st.sampled_from(["buy", "sell"]), st.sampled_from(KINDS), PRICES),
    min_size=1,
    max_size=6,
)
STEPS = st.lists(st.tuples(*[st.integers(-150, 150)] * 4), min_size=8, max_size=20)


def never(market, bar):
    """For a venue that looks at every bar."""
    return False


def run(kit, instrument, orders, steps):
    """Reports, balances and positions after these bars, with orders sent before some of them."""
    rig = kit.Rig(instrument)
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
    quick = run(kit, instrument, orders, steps)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bars, "passed_by", never)
        assert quick == run(kit, instrument, orders, steps)


def test_a_stop_touched_by_a_low_is_not_passed_by(kit):
    steps = [(0, 0, 0, 0), (0, 0, 0, 0), (0, 0, -100, 0)]
    log, _, _ = run(kit, kit.spot(), [(1, "sell", "stop_market", 99.0)], steps)
    assert any(isinstance(report, OrderFilled) for report in log)


@given(steps=STEPS, quoted=st.lists(st.booleans(), min_size=20, max_size=20))
@settings(max_examples=60, deadline=None)
def test_a_bar_passed_by_leaves_what_a_closer_look_leaves(kit, steps, quoted):
    """Also where quotes are newer than the bar that tells of them."""

    def state():
        rig, seen = kit.Rig(kit.spot()), []
        market = rig.venue._markets[rig.instrument.id]
        for number, step in enumerate(steps):
            path = [100.0 + part / 100 for part in step]
            if quoted[number]:
                rig.quote(path[0], path[0] + 0.01)
                rig.now -= 1
            rig.bar((path[0], max(path), min(path), path[-1]))
            seen.append((market.last, market.bar_received_ns, market.timeframe_ns, market.showing))
        return seen

    quick = state()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bars, "passed_by", never)
        assert quick == state()
