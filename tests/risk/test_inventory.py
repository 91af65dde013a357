"""What may be paid with inventory: a leg that says so, and no more than may be used."""

from decimal import Decimal
from typing import Any

import pytest

from tradewinds.model.ids import Asset
from tradewinds.model.market import Side
from tradewinds.model.order import Purpose

BTC, USDC = Asset("BTC"), Asset("USDC")


def leg(make: Any, **changes: Any) -> Any:
    """Sells 2 BTC at 100, of an inventory of 3."""
    fields = {"side": Side.SELL, "purpose": Purpose.LEG, "stop_price": None}
    more = {"unwind_loss": Decimal(5), "from_inventory": True}
    return make.intent(**{**fields, **more, **changes})


def moment(make: Any, **changes: Any) -> Any:
    free = {make.spot().base: Decimal(3), make.spot().quote: Decimal(1000), USDC: Decimal(1000)}
    return make.view(**{"free": free, "inventory": {BTC: Decimal(3)}, **changes})


def test_a_leg_out_of_inventory_is_approved(make: Any) -> None:
    assert make.refused_by(leg(make), moment(make)) == ""


@pytest.mark.parametrize(
    "wish",
    [
        {"from_inventory": False},
        {"quantity": Decimal("3.001"), "unwind_loss": Decimal(9)},
    ],
)
def test_another_leg_is_refused(make: Any, wish: dict[str, Any]) -> None:
    free = {BTC: Decimal(100), make.spot().quote: Decimal(1000)}
    assert make.refused_by(leg(make, **wish), moment(make, free=free)) == "paid_in_currency"


def test_what_is_not_named_is_not_used(make: Any) -> None:
    assert make.refused_by(leg(make), moment(make, inventory={})) == "paid_in_currency"
    assert make.refused_by(leg(make), moment(make, inventory={USDC: Decimal(99)})) == (
        "paid_in_currency"
    )


def test_inventory_that_is_no_number_refuses_everything(make: Any) -> None:
    odd = moment(make, inventory={BTC: Decimal("NaN")})
    assert make.refused_by(leg(make), odd) == "figures_known"
    assert make.refused_by(make.intent(), odd) == "figures_known"


def test_inventory_that_is_locked_is_not_there(make: Any) -> None:
    free = {BTC: Decimal(1), make.spot().quote: Decimal(1000)}
    assert make.refused_by(leg(make), moment(make, free=free)) == "funds_free"


def test_a_buyer_pays_its_fee_out_of_the_inventory_too(make: Any) -> None:
    """2 at 100 and 10 bps: 200.2 USDC."""
    market = make.spot(quote=USDC, settle=USDC)
    wish = leg(make, side=Side.BUY)
    for held, refused in (("200.2", ""), ("200.19", "paid_in_currency")):
        view = moment(make, instrument=market, inventory={USDC: Decimal(held)})
        assert make.refused_by(wish, view) == refused


def test_an_entry_is_never_paid_with_inventory(make: Any) -> None:
    market = make.spot(quote=USDC, settle=USDC)
    view = moment(make, instrument=market, inventory={USDC: Decimal(10_000)})
    assert make.refused_by(make.intent(from_inventory=True), view) == "paid_in_currency"
