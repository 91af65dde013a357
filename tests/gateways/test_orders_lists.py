"""Requests of Binance's dialects that nobody sends: order lists, and what a reading asks for."""

from decimal import Decimal
from typing import Any

import pytest

from tests.contract.rigs import D, Trader, perpetual_instrument, spot_instrument
from tradewinds.gateways.binance_rows import open_requests
from tradewinds.gateways.binance_spot_orders import SpotDialect
from tradewinds.gateways.binance_usdm_orders import UsdmDialect
from tradewinds.gateways.live_open import Access, open_live_venue
from tradewinds.model.errors import ConfigError

LISTED = {
    "symbol": "BTCUSDT",
    "status": "TRADING",
    "orderTypes": ["LIMIT", "STOP_LOSS", "STOP_LOSS_LIMIT"],
    "ocoAllowed": True,
    "otoAllowed": True,
    "filters": [],
}


class Desk(Trader):
    instrument = spot_instrument()


def orders(**entry: Any) -> Any:
    desk = Desk()
    fields: dict[str, Any] = {"price": "20000.50", "tif": "ioc", **entry}
    buy = desk.make("buy", "limit", "0.01", name="tw-r-1", bracket="tw-r-1", **fields)
    leg = {"bracket": "tw-r-1", "oco_group": "g"}
    stop = desk.make(
        "sell", "stop_market", "0.00999", name="tw-r-2", trigger_price=19_000, purpose="stop", **leg
    )
    target = desk.make(
        "sell", "limit", "0.00999", name="tw-r-3", price=21_000, purpose="target", **leg
    )
    return buy, stop, target


def dialect(**row: Any) -> SpotDialect:
    made = SpotDialect([spot_instrument()])
    made.listed({"symbols": [{**LISTED, **row}]})
    return made


def test_an_otoco_names_every_leg_and_its_own_quantity() -> None:
    request = dialect().place_bracket(*orders())
    assert request is not None
    assert request.method == "privatePostOrderListOtoco"
    assert not request.closing
    assert {k: v for k, v in request.params.items() if k != "recvWindow"} == {
        "symbol": "BTCUSDT",
        "listClientOrderId": "tw-r-1-l",
        "newOrderRespType": "FULL",
        "workingType": "LIMIT",
        "workingSide": "BUY",
        "workingClientOrderId": "tw-r-1",
        "workingPrice": "20000.5",
        "workingQuantity": "0.01",
        "workingTimeInForce": "IOC",
        "pendingSide": "SELL",
        "pendingQuantity": "0.00999",
        "pendingAboveType": "LIMIT_MAKER",
        "pendingAboveClientOrderId": "tw-r-3",
        "pendingAbovePrice": "21000",
        "pendingBelowType": "STOP_LOSS",
        "pendingBelowClientOrderId": "tw-r-2",
        "pendingBelowStopPrice": "19000",
    }


def test_an_oto_carries_a_stop_alone_with_a_worst_price_where_the_market_wants_one() -> None:
    buy, stop, _ = orders(post_only=True, tif="gtc")
    request = dialect(orderTypes=["LIMIT", "STOP_LOSS_LIMIT"]).place_bracket(buy, stop, None)
    assert request is not None
    assert request.method == "privatePostOrderListOto"
    params = request.params
    assert params["workingType"] == "LIMIT_MAKER"
    assert "workingTimeInForce" not in params
    assert params["pendingType"] == "STOP_LOSS_LIMIT"
    assert params["pendingTimeInForce"] == "GTC"
    assert Decimal(params["pendingPrice"]) == D(19_000) * D("0.95")


@pytest.mark.parametrize("missing", ["ocoAllowed", "otoAllowed"])
def test_a_market_that_does_not_list_them_takes_none(missing: str) -> None:
    made = dialect(**{missing: False})
    assert made.brackets() == frozenset()
    assert made.place_bracket(*orders()) is None


def test_a_refusal_is_remembered_whatever_the_next_listing_says() -> None:
    made = dialect()
    assert made.brackets() == {spot_instrument().id}
    made.lose_brackets(spot_instrument().id)
    made.listed({"symbols": [LISTED]})
    assert made.brackets() == frozenset()


def test_usdm_has_no_lists() -> None:
    assert UsdmDialect([perpetual_instrument()]).place_bracket(*orders()) is None


def test_open_orders_are_asked_for_by_market_while_that_is_cheaper() -> None:
    weights = {"method": (6, 80)}
    few = open_requests(weights, [f"S{n}" for n in range(13)])
    assert len(few) == 13
    assert sum(request.weight for request in few) == 78
    many = open_requests(weights, [f"S{n}" for n in range(14)])
    assert [(request.params, request.weight) for request in many] == [({}, 80)]


def test_no_instruments_and_unknown_venues_are_refused_in_words() -> None:
    access = Access(key="k", secret="s")
    with pytest.raises(ConfigError, match="no instruments"):
        open_live_venue("binance", (), access)
    with pytest.raises(ConfigError, match="no live orders on kraken"):
        open_live_venue("kraken", (spot_instrument(),), access)
