"""D6 and nonsense: stops only tighten, and a signal must be numbers."""

from decimal import Decimal
from math import inf, nan
from typing import Any

import pytest
from msgspec import structs

from tradewinds.model.ids import Asset, InstrumentId, StrategyId, TradeId
from tradewinds.model.market import Side
from tradewinds.model.signal import BasketSignal, ExitSignal, Leg, StopSignal
from tradewinds.risk.stops import tightening_flaw
from tradewinds.risk.wishes import signal_flaw


@pytest.mark.parametrize(
    ("side", "stop", "allowed"),
    [
        (Side.BUY, "98.01", True), (Side.BUY, "98", False), (Side.BUY, "97.99", False),
        (Side.BUY, "99.99", True), (Side.BUY, "100", False), (Side.BUY, "500", False),
        (Side.SELL, "101.99", True), (Side.SELL, "102", False), (Side.SELL, "102.01", False),
        (Side.SELL, "100", False), (Side.SELL, "1", False),
    ],
)  # fmt: skip
def test_d6_a_stop_moves_towards_the_market_and_never_past_it(
    make: Any, side: Side, stop: str, allowed: bool
) -> None:
    held = make.trade(side=side, stop_price=Decimal(98 if side is Side.BUY else 102))
    flaw = tightening_flaw(held, Decimal(stop), make.view(), make.limits())
    assert (flaw is None) is allowed


@pytest.mark.parametrize(
    "changes", [{"price_suspect": True}, {"price_age_ns": 11 * 10**9}, {"mid": None},
                {"price_age_ns": None}, {"price_age_ns": -1}]
)  # fmt: skip
def test_a2_by_a_price_that_cannot_be_trusted_no_stop_is_moved(
    make: Any, changes: dict[str, Any]
) -> None:
    moment = structs.replace(make.view(), **changes)
    assert tightening_flaw(make.trade(), Decimal(99), moment, make.limits())


@pytest.mark.parametrize("value", [nan, inf, -inf, 0.0, -1.0, None, "98"])
def test_a_stop_that_is_no_price_is_no_signal(make: Any, value: Any) -> None:
    assert signal_flaw(make.signal(stop_price=value))
    stop = StopSignal(
        strategy_id=StrategyId("s"), trade_id=TradeId("t"), stop_price=value, reason=""
    )
    assert signal_flaw(stop)


@pytest.mark.parametrize("field", ["target_price", "limit_price", "confidence"])
def test_an_entry_with_a_figure_that_is_not_a_number(make: Any, field: str) -> None:
    assert signal_flaw(make.signal(**{field: nan}))
    assert signal_flaw(make.signal(**{field: 0.5})) is None


def test_a_basket_must_have_legs_with_prices_and_sizes() -> None:
    leg = Leg(instrument_id=InstrumentId("a"), side=Side.BUY, limit_price=1.0, size_max=1.0)

    def basket(*legs: Leg, notional_max: float = 1.0) -> BasketSignal:
        return BasketSignal(
            strategy_id=StrategyId("s"),
            legs=legs,
            start_asset=Asset("USDT"),
            notional_max=notional_max,
            edge_bps=1.0,
            reason="",
        )

    assert signal_flaw(basket(leg)) is None
    assert signal_flaw(basket())
    assert signal_flaw(basket(leg, notional_max=nan))
    assert signal_flaw(basket(structs.replace(leg, limit_price=nan)))
    assert signal_flaw(basket(structs.replace(leg, size_max=0.0)))


def test_an_exit_is_always_understood() -> None:
    assert (
        signal_flaw(ExitSignal(strategy_id=StrategyId("s"), trade_id=TradeId(""), reason=""))
        is None
    )
