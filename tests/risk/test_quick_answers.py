"""The short ways to a verdict, a flaw and a loss answer as the long ones do."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tradewinds.model.decimals import BPS, ONE, to_decimal
from tradewinds.model.ids import Asset
from tradewinds.model.market import Side
from tradewinds.model.portfolio import TradingState
from tradewinds.risk.breaker import NS_PER_DAY, Breaker
from tradewinds.risk.exposure import stop_fill_price
from tradewinds.risk.figures import view_flaw

NOON = 20_000 * NS_PER_DAY + NS_PER_DAY // 2
EQUITIES = st.lists(st.decimals("930", "1060", places=3), min_size=1, max_size=12)
DRAWDOWNS = st.tuples(st.floats(0.001, 0.05), st.floats(0.001, 0.05))
NAN = Decimal("NaN")


class Slowly(Breaker):
    """Never sure at a glance."""

    def _safe_from(self, peak: Decimal) -> Decimal:
        return Decimal("Infinity")


@given(equities=EQUITIES, lines=DRAWDOWNS, money=st.decimals("-30", "30", places=2))
@settings(max_examples=400)
def test_an_equity_passed_at_a_glance_has_no_drawdown_that_counts(
    make: Any, equities: list[Decimal], lines: tuple[float, float], money: Decimal
) -> None:
    fields = {"drawdown_reduce": lines[0], "drawdown_halt": lines[1], "loss_per_day_max": 60}
    limits = make.limits(**fields)
    quick, slow = Breaker(limits), Slowly(limits)
    for breaker in (quick, slow):
        breaker.start(NOON, Decimal(1000), None)
    for equity in equities:
        assert quick.judge_equity(equity, Decimal(0)) == slow.judge_equity(equity, Decimal(0))
        assert (quick.state, quick.reason) == (slow.state, slow.reason)
    for breaker in (quick, slow):
        breaker.shift(money)
        breaker.clear_cause("drawdown_halt")
    for equity in equities:
        assert quick.judge_equity(equity, Decimal(0)) == slow.judge_equity(equity, Decimal(0))


def test_at_the_line_itself_the_breaker_looks_closely(make: Any) -> None:
    lines = {"drawdown_reduce": 0.05, "drawdown_halt": 0.05}
    breaker = Breaker(make.limits(**lines, loss_per_day_max=Decimal(2000)))
    breaker.start(NOON, Decimal(1000), None)
    assert breaker.judge_equity(Decimal("950.0001"), Decimal(0)) is None
    verdict = breaker.judge_equity(Decimal(950), Decimal(0))
    assert verdict is not None
    assert verdict.state is TradingState.HALTED


@pytest.mark.parametrize("name", ["mid", "rate", "visible", "equity", "realised_today"])
@pytest.mark.parametrize("value", [NAN, Decimal("Infinity"), Decimal("-Infinity")])
def test_the_figure_that_is_no_number_is_named(make: Any, name: str, value: Decimal) -> None:
    view = structs.replace(make.view(), **{name: value})
    assert view_flaw(view) == f"{name} is not a finite number"


@pytest.mark.parametrize("name", ["mid", "rate", "visible", "equity", "free", "instrument"])
def test_the_figure_that_is_missing_is_named(make: Any, name: str) -> None:
    view = structs.replace(make.view(), **{name: None})
    assert view_flaw(view) == f"{name} is not known: cannot judge"


@pytest.mark.parametrize("field", ["free", "inventory"])
def test_the_asset_whose_amount_is_no_number_is_named(make: Any, field: str) -> None:
    view = structs.replace(make.view(), **{field: {Asset("USDT"): ONE, Asset("X"): NAN}})
    assert str(view_flaw(view)).endswith("of X is not a finite number")


@given(
    stop=st.decimals("0.01", "99999", places=2), bps=st.floats(1, 1000), side=st.sampled_from(Side)
)
def test_a_stops_fill_is_its_price_worsened_by_the_allowance(
    make: Any, stop: Decimal, bps: float, side: Side
) -> None:
    slip = to_decimal(bps) * BPS
    wanted = stop * (ONE - slip if side is Side.BUY else ONE + slip)
    limits = make.limits(slippage_allowance_bps=bps)
    assert str(stop_fill_price(side, stop, limits)) == str(wanted)
