"""How much: Kelly, then every cap; opinions only shrink."""

from decimal import Decimal
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tradewinds.model.market import Side
from tradewinds.model.order import OrderIntent
from tradewinds.risk.exposure import trade_exposure
from tradewinds.risk.sizing import kelly_share, size_entry, within_one


def sized(make: Any, signal: Any, view: Any = None, scale: float = 1.0, **limits: Any) -> Any:
    moment = view or make.view()
    wish = make.wish(scale, moment.instrument or make.spot())
    return size_entry(signal, wish, moment, make.limits(**limits))


def test_kelly_by_the_book() -> None:
    assert kelly_share(0.6, Decimal(1)) == Decimal("0.2")
    assert kelly_share(0.5, Decimal(2)) == Decimal("0.25")
    assert kelly_share(0.4, Decimal(1)) == 0
    assert kelly_share(1.0, Decimal("0.1")) == 1


@pytest.mark.parametrize(
    ("given", "kept"),
    [(0.5, "0.5"), (7.0, "1.0"), (-3.0, "0.0"), (nan, "0.0"), (inf, "1.0"), (-inf, "0.0")],
)
def test_a_weight_that_is_no_share_is_cut_to_one(given: float, kept: str) -> None:
    assert within_one(given) == Decimal(kept)


def test_d1_a_wide_stop_makes_the_order_small_so_that_it_costs_at_most_10(make: Any) -> None:
    wide = sized(make, make.signal(stop_price=85.0))
    order = make.answer(wide, make.view())
    assert Decimal("9.9") < order.worst_loss <= 10


def test_prices_are_rounded_so_that_nothing_gets_riskier(make: Any) -> None:
    wish = sized(make, make.signal(stop_price=97.991, target_price=104.009))
    assert (wish.stop_price, wish.target_price) == (Decimal("98.00"), Decimal("104.00"))
    assert wish.price <= Decimal("100.01") * Decimal("1.0015")
    perpetual = make.view(instrument=make.perpetual())
    mirror = make.signal(
        side=Side.SELL, stop_price=102.009, target_price=95.991, instrument_id=make.perpetual().id
    )
    short = sized(make, mirror, perpetual)
    assert (short.stop_price, short.target_price) == (Decimal("102.00"), Decimal("96.00"))


def test_d11_a_worse_fee_makes_the_order_smaller(make: Any) -> None:
    cheap = sized(make, make.signal(stop_price=90.0))
    dear = make.view(instrument=make.spot(taker_fee=Decimal("0.006")))
    expensive = sized(make, make.signal(stop_price=90.0), dear)
    assert expensive.quantity < cheap.quantity
    assert make.answer(expensive, dear).worst_loss <= 10


@given(
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(allow_nan=True, allow_infinity=True),
)
def test_no_opinion_makes_an_order_larger(make: Any, scale: float, confidence: float) -> None:
    whole = sized(make, make.signal(confidence=1.0))
    swayed = sized(make, make.signal(confidence=confidence), scale=scale)
    assert isinstance(swayed, str) or swayed.quantity <= whole.quantity


def test_the_smaller_the_scale_the_smaller_the_order(make: Any) -> None:
    quantities = [
        0 if isinstance(wish, str) else wish.quantity
        for wish in (sized(make, make.signal(stop_price=85.0), scale=s) for s in (1, 0.5, 0.1, 0))
    ]
    assert quantities == sorted(quantities, reverse=True)
    assert quantities[-1] == 0


@pytest.mark.parametrize("field", ["instrument", "mid", "rate", "equity", "visible"])
def test_without_a_figure_nothing_is_sized(make: Any, field: str) -> None:
    moment = structs.replace(make.view(), **{field: None})
    assert isinstance(sized(make, make.signal(), moment), str)


def test_a_price_below_one_tick_is_a_reason_and_not_a_division_by_zero(make: Any) -> None:
    coarse = make.view(instrument=make.spot(tick_size=Decimal(1000)))
    assert isinstance(sized(make, make.signal(), coarse), str)


def test_a_resting_entry_counts_its_loss_from_where_the_market_is(make: Any) -> None:
    """The ledger books it at the mid, so the improvement must not look like a gain to lose."""
    resting = sized(make, make.signal(limit_price=99.0, stop_price=95.0))
    assert isinstance(resting, OrderIntent)
    assert not resting.taking
    order = make.answer(resting, make.view())
    assert order.worst_loss > resting.quantity * (100 - Decimal(95) * Decimal("0.998"))


def test_what_is_held_counts_from_the_ledgers_cost(make: Any) -> None:
    held, law = make.trade(), make.limits()
    exit_fee = 98 * Decimal("0.001")
    stopped = 98 * Decimal("0.998")
    for cost in (None, Decimal(99), Decimal(104)):
        found = trade_exposure(held, make.spot(), Decimal(1), law, cost)
        assert found.worst_loss == 2 * ((cost or 100) - stopped + exit_fee)
    won = trade_exposure(held, make.spot(), Decimal(1), law, Decimal(90))
    assert won.worst_loss == 0, "a stop in profit has nothing to lose"


@given(st.integers(9_000, 9_990), st.integers(1, 50))
def test_tightening_never_adds_risk(make: Any, stop: int, closer: int) -> None:
    spec, law = make.spot(), make.limits()
    for pending in (Decimal(0), Decimal(3)):
        loose = make.trade(
            stop_price=Decimal(stop) / 100, pending_quantity=pending, pending_price=Decimal(100)
        )
        tight = structs.replace(loose, stop_price=loose.stop_price + Decimal(closer) / 100)
        before = trade_exposure(loose, spec, Decimal(1), law).worst_loss
        assert trade_exposure(tight, spec, Decimal(1), law).worst_loss <= before
