"""Each question of the gate, asked of a sound wish with one thing wrong."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from tradewinds.model.ids import Asset, InstrumentId
from tradewinds.model.instrument import InstrumentStatus
from tradewinds.model.market import Side
from tradewinds.model.order import ApprovedOrder, OrderType, Purpose, Refusal, TimeInForce
from tradewinds.model.portfolio import TradingState
from tradewinds.risk.gate import Closing, approve_closing
from tradewinds.risk.limits import RiskView

NAN, INFINITY = Decimal("NaN"), Decimal("Infinity")
OPTIONAL = ("instrument", "mid", "price_age_ns", "rate", "visible", "equity")


def test_a_sound_wish_becomes_a_limit_order_that_expires_at_once(make: Any) -> None:
    order = make.answer(make.intent(), make.view())
    assert isinstance(order, ApprovedOrder)
    assert (order.order_type, order.time_in_force) == (OrderType.LIMIT, TimeInForce.IOC)
    assert (order.price, order.quantity, order.leverage) == (100, 2, 1)
    # 2 x (100 - 98 x 0.998) for the move, 2 x (100 + 100) x 0.1 % for both fees.
    assert order.worst_loss == Decimal("4.792")


def test_a_short_pays_its_exit_fee_on_the_higher_price(make: Any) -> None:
    order = make.answer(make.short(), make.view(instrument=make.perpetual()))
    assert isinstance(order, ApprovedOrder)
    stopped_at = 102 * Decimal("1.002")
    assert order.worst_loss == 2 * (stopped_at - 100) + 2 * (100 + stopped_at) / 1000
    assert order.leverage == 3


@pytest.mark.parametrize("field", RiskView.__struct_fields__)
def test_what_is_not_known_is_refused(make: Any, field: str) -> None:
    moment = structs.replace(make.view(), **{field: None})
    assert make.refused_by(make.intent(), moment) == "figures_known"


def test_no_field_of_the_view_may_be_missing_by_type_but_those_we_handle() -> None:
    annotations = RiskView.__annotations__
    assert {name for name, kind in annotations.items() if "None" in str(kind)} == set(OPTIONAL)


@pytest.mark.parametrize("value", [NAN, Decimal("sNaN"), INFINITY, -INFINITY])
@pytest.mark.parametrize("field", ["mid", "rate", "visible", "equity", "realised_today"])
def test_a_view_that_is_not_a_number_is_refused(make: Any, field: str, value: Decimal) -> None:
    moment = structs.replace(make.view(), **{field: value})
    assert make.refused_by(make.intent(), moment) == "figures_known"


@pytest.mark.parametrize(
    "value", [NAN, INFINITY, Decimal(0), Decimal(-1), Decimal("-1e-18"), Decimal("1e-18"),
              Decimal("1e12"), Decimal("1.000000000000000001"), Decimal("2E+30"), Decimal("1e-400")]
)  # fmt: skip
@pytest.mark.parametrize("field", ["quantity", "price", "stop_price"])
def test_a12_an_absurd_figure_never_leaves(make: Any, field: str, value: Decimal) -> None:
    assert make.refused_by(make.intent(**{field: value}), make.view())


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"state": TradingState.REDUCING}, "trading_active"),
        ({"state": TradingState.HALTED}, "trading_active"),
        ({"strategy_enabled": False}, "trading_active"),
        ({"protection_possible": False}, "instrument_tradable"),
        ({"price_age_ns": 10_000_000_001}, "market_fresh"),
        ({"price_age_ns": -1}, "market_fresh"),
        ({"price_suspect": True}, "market_fresh"),
        ({"mid": Decimal("99.70")}, "price_within_collar"),
        ({"mid": Decimal(0)}, "figures_known"),
        ({"rate": Decimal("0.99")}, "paid_in_currency"),
        ({"currency": Asset("EUR")}, "paid_in_currency"),
        ({"visible": Decimal("1.999")}, "liquidity_share"),
        ({"orders_last_minute": 60}, "order_rate"),
        ({"free": {}}, "funds_free"),
        ({"free": {Asset("USDT"): Decimal("200.1")}}, "funds_free"),
        ({"free": {Asset("USDT"): NAN}}, "figures_known"),
        ({"equity": Decimal(490)}, "exposure_within"),
        ({"equity": Decimal(205), "free": {Asset("USDT"): Decimal(205)}}, "reserve_kept"),
        ({"equity": Decimal(-5)}, "reserve_kept"),
        ({"realised_today": Decimal("-15.21")}, "loss_per_day"),
    ],
)
def test_a_moment_with_one_thing_wrong(make: Any, changes: dict[str, Any], check: str) -> None:
    assert make.refused_by(make.intent(), make.view(**changes)) == check


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"instrument_id": InstrumentId("DOGE/USDT@x")}, "instrument_tradable"),
        ({"price": Decimal("100.31"), "quantity": Decimal(1)}, "price_within_collar"),
        ({"quantity": Decimal("2.0005")}, "quantity_by_filters"),
        ({"price": Decimal("100.005")}, "quantity_by_filters"),
        ({"quantity": Decimal("1000.001")}, "quantity_by_filters"),
        ({"quantity": Decimal("0.102")}, "quantity_by_filters"),
        ({"stop_price": Decimal(100)}, "stop_sane"),
        ({"stop_price": Decimal(101)}, "stop_sane"),
        ({"stop_price": Decimal("98.005")}, "stop_sane"),
        ({"stop_price": Decimal("79.99"), "quantity": Decimal("0.2")}, "stop_sane"),
        ({"price": Decimal(97), "stop_price": Decimal(98)}, "stop_sane"),
        ({"target_price": Decimal(99)}, "target_sane"),
        ({"target_price": Decimal("102.005")}, "target_sane"),
        ({"quantity": Decimal(3), "stop_price": Decimal(97)}, "loss_per_trade"),
        ({"side": Side.SELL, "stop_price": Decimal(102)}, "purpose_fits"),
        ({"stop_price": None}, "purpose_fits"),
        ({"unwind_loss": Decimal("0.01")}, "purpose_fits"),
        ({"purpose": Purpose.STOP}, "purpose_fits"),
        ({"purpose": Purpose.LEG}, "purpose_fits"),
    ],
)
def test_a_wish_with_one_thing_wrong(make: Any, changes: dict[str, Any], check: str) -> None:
    assert make.refused_by(make.intent(**changes), make.view()) == check


@pytest.mark.parametrize(
    "changes",
    [
        {"tick_size": Decimal(0)}, {"lot_size": NAN}, {"max_quantity": INFINITY},
        {"min_notional": Decimal(-1)}, {"taker_fee": NAN}, {"taker_fee": Decimal("0.2")},
        {"maker_fee": INFINITY}, {"leverage_max": Decimal(0)},
    ],
)  # fmt: skip
def test_an_instrument_that_cannot_be_calculated_with(make: Any, changes: dict[str, Any]) -> None:
    assert make.refused_by(make.intent(), make.view(instrument=make.spot(**changes))) == (
        "figures_known"
    )


@pytest.mark.parametrize("status", [InstrumentStatus.CLOSE_ONLY, InstrumentStatus.HALTED])
def test_an_instrument_that_is_not_trading(make: Any, status: InstrumentStatus) -> None:
    moment = make.view(instrument=make.spot(status=status))
    assert make.refused_by(make.intent(), moment) == "instrument_tradable"


def test_the_day_counts_realised_open_and_in_flight_to_the_last_cent(make: Any) -> None:
    left = Decimal("4.792")
    open_risk = (make.exposure("8"), make.exposure(str(Decimal(12) - 3 - left)))
    moment = make.view(realised_today=Decimal(-3), exposures=open_risk)
    assert make.refused_by(make.intent(), moment) == ""
    tighter = structs.replace(moment, realised_today=Decimal("-3.000001"))
    assert make.refused_by(make.intent(), tighter) == "loss_per_day"
    gains = structs.replace(moment, realised_today=Decimal(50))
    more = structs.replace(gains, exposures=(*open_risk, make.exposure("3.01")))
    assert make.refused_by(make.intent(), more) == "loss_per_day", "gains do not widen the day"


def test_d3_with_205_dollars_nothing_that_risks_6_is_permitted(make: Any) -> None:
    wish = make.intent(quantity=Decimal("0.05"), stop_price=Decimal(90))
    poor = make.view(equity=Decimal(205), free={Asset("USDT"): Decimal(205)})
    lax = make.limits(exposure_per_instrument_max=1.0, exposure_total_max=1.0)
    assert make.refused_by(wish, poor, lax) == "quantity_by_filters", "5 dollars are no order here"
    tiny = make.spot(min_notional=Decimal("0.1"))
    for quantity, check in (("0.05", "reserve_kept"), ("0.049", "")):
        small = make.intent(quantity=Decimal(quantity), stop_price=Decimal(90))
        assert make.refused_by(small, structs.replace(poor, instrument=tiny), lax) == check


def test_the_reserve_is_safe_even_if_everything_at_risk_is_lost(make: Any) -> None:
    """7 dollars at risk elsewhere: 207.50 may lose 0.50 more, though it could pay for 6."""
    lax = make.limits(exposure_per_instrument_max=1.0, exposure_total_max=1.0)
    moment = make.view(
        equity=Decimal("207.5"),
        exposures=(make.exposure("7"),),
        instrument=make.spot(min_notional=Decimal(1)),
    )
    for quantity, check in (("0.04", ""), ("0.06", "reserve_kept")):
        wish = make.intent(quantity=Decimal(quantity), stop_price=Decimal(90))
        assert make.refused_by(wish, moment, lax) == check


def test_the_reserve_counts_what_others_have_at_risk(make: Any) -> None:
    held = make.view(equity=Decimal(211), exposures=(make.exposure("7"),))
    assert make.refused_by(make.intent(), held) == "reserve_kept"


def test_d10_spot_and_futures_of_one_asset_count_together(make: Any) -> None:
    perpetual = make.exposure("1", "201", "BTC/USDT:USDT@x")
    assert make.refused_by(make.intent(), make.view(exposures=(perpetual,))) == "exposure_within"
    other = make.exposure("1", "201", "ETH/USDT@x")
    assert make.refused_by(make.intent(), make.view(exposures=(other,))) == ""


def test_the_aggregate_exposure_has_a_cap_of_its_own(make: Any) -> None:
    many = tuple(make.exposure("1", "305", f"A{n}/USDT@x") for n in range(2))
    lax = make.limits(reserve=Decimal(0))
    assert make.refused_by(make.intent(), make.view(exposures=many), lax) == "exposure_within"


def test_one_round_trip_at_a_time_in_a_perpetual(make: Any) -> None:
    held = (make.exposure("1", "50", "BTC/USDT:USDT@x"),)
    moment = make.view(instrument=make.perpetual(), exposures=held)
    assert make.refused_by(make.short(), moment) == "purpose_fits"


def test_a_stop_that_liquidation_would_come_before_is_refused(make: Any) -> None:
    wild = make.limits(leverage_max=Decimal(10), loss_per_trade_max=Decimal(100),
                       loss_per_day_max=Decimal(100))  # fmt: skip
    moment = make.view(instrument=make.perpetual())
    assert make.refused_by(make.short(stop_price=Decimal(109)), moment, wild) == ""
    assert make.refused_by(make.short(stop_price=Decimal(110)), moment, wild) == "stop_sane"


def test_margin_is_counted_at_the_leverage_that_the_venue_gives(make: Any) -> None:
    poor = {Asset("USDT"): Decimal(150)}
    for leverage, check in ((Decimal(20), ""), (Decimal(1), "funds_free")):
        instrument = make.perpetual(leverage_max=leverage)
        assert make.refused_by(make.short(), make.view(instrument=instrument, free=poor)) == check


def test_a_fee_in_the_bought_asset_must_leave_something_to_sell(make: Any) -> None:
    coarse = {"lot_size": Decimal(1), "min_quantity": Decimal(1), "min_notional": Decimal(0)}
    wish = make.intent(quantity=Decimal(1))
    assert make.refused_by(wish, make.view(instrument=make.spot(**coarse))) == ""
    in_base = make.spot(**coarse, fee_in_received_asset=True)
    assert make.refused_by(wish, make.view(instrument=in_base)) == "quantity_by_filters"


def test_a_leg_is_approved_only_if_its_figure_covers_it(make: Any) -> None:
    leg = {"purpose": Purpose.LEG, "stop_price": None}
    # 200 dollars: 1 % of move and two fees of 0.1 % at least.
    assert make.refused_by(make.intent(**leg, unwind_loss=Decimal("2.4")), make.view()) == ""
    for too_little in ("2.39", "0", "-1", "NaN"):
        wish = make.intent(**leg, unwind_loss=Decimal(too_little))
        assert make.refused_by(wish, make.view())
    resting = make.intent(**leg, unwind_loss=Decimal("2.4"), taking=False)
    assert make.refused_by(resting, make.view()) == "purpose_fits"


def test_closing_is_never_for_more_than_is_held(make: Any) -> None:
    def closing(quantity: str) -> Closing:
        return Closing(
            purpose=Purpose.EXIT, quantity=Decimal(quantity), decision_price=Decimal(100)
        )

    order = approve_closing(make.trade(), closing("2"), "tw-1")
    assert (order.side, order.worst_loss) == (Side.SELL, 0)
    for wrong in ("2.001", "0", "-1"):
        with pytest.raises(ValueError, match="closing"):
            approve_closing(make.trade(), closing(wrong), "tw-1")


def test_a_refusal_names_check_reason_and_time(make: Any) -> None:
    no = make.answer(make.intent(), make.view(state=TradingState.HALTED, state_reason="because"))
    assert no == Refusal(
        strategy_id="s",
        instrument_id="BTC/USDT@x",
        check="trading_active",
        reason="trading is halted: because",
        time_ns=10**18,
    )
