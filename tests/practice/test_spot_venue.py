"""What the spot venue accepts, refuses and does by itself."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

Play = Callable[..., None]
ONE = {"symbol": "BTCUSDT"}
PENDING = {
    "symbol": "BTCUSDT",
    "workingType": "LIMIT",
    "workingSide": "BUY",
    "workingTimeInForce": "GTC",
    "pendingSide": "SELL",
    "pendingAboveType": "LIMIT_MAKER",
    "pendingAbovePrice": "62000",
    "pendingBelowType": "STOP_LOSS_LIMIT",
    "pendingBelowStopPrice": "58500",
    "pendingBelowPrice": "58000",
    "pendingBelowTimeInForce": "GTC",
}

REFUSED = [
    ({"quantity": "0.01", "price": "59000.001"}, "PRICE_FILTER"),
    ({"quantity": "0.000001", "price": "59000"}, "LOT_SIZE"),
    ({"quantity": "0.00005", "price": "59000"}, "NOTIONAL"),
    ({"quantity": "0.01", "price": "400000"}, "PERCENT_PRICE_BY_SIDE"),
    ({"type": "MARKET", "quantity": "200"}, "MARKET_LOT_SIZE"),
    ({"quantity": "0.01", "price": "59000", "timeInForce": "GTX"}, "timeInForce"),
    ({"quantity": "0.01"}, "'price'"),
    ({"quantity": "-1", "price": "59000"}, "Illegal characters"),
    ({"quantity": "1e-3", "price": "59000"}, "Illegal characters"),
    ({"type": "MARKET", "quantity": "0.01", "price": "59000"}, "not required"),
    ({"quantity": "0.01", "price": "59000", "newClientOrderId": "x" * 37}, "newClientOrderId"),
    ({"type": "LIMIT_MAKER", "quantity": "0.01", "price": "60001"}, "match and take"),
    ({"side": "SELL", "type": "STOP_LOSS", "quantity": "0.01", "stopPrice": "61000"}, "trigger"),
    ({"quantity": "1", "price": "59000"}, "insufficient balance"),
    ({"symbol": "NOPE", "quantity": "1", "price": "1"}, "Invalid symbol"),
]


@pytest.mark.parametrize(("order", "word"), REFUSED)
def test_an_order_that_breaks_a_rule_is_refused_in_binances_words(
    play: Play, order: dict[str, str], word: str
) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        answer = await caller.order(**order)
        assert answer.status == 400
        assert word in answer.json["msg"]
        assert not venue.spot.exchange.orders

    play(scenario)


def test_too_many_stops_are_refused(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        venue.spot.exchange.markets["BTCUSDT"].listing.max_stop_orders = 1
        stop = {"side": "SELL", "type": "STOP_LOSS", "quantity": "0.01", "stopPrice": "58000"}
        assert (await caller.order(**stop)).status == 200
        assert "MAX_NUM_ALGO_ORDERS" in (await caller.order(**stop)).text

    play(scenario)


def test_a_client_id_is_unique_among_open_orders_only(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        named = {"newClientOrderId": "mine", "quantity": "0.01"}
        assert (await caller.order(**named, price="59000")).status == 200
        assert "Duplicate" in (await caller.order(**named, price="59000")).text
        await caller.signed("DELETE", "/api/v3/order", origClientOrderId="mine", **ONE)
        assert (await caller.order(**named, type="MARKET")).status == 200
        # A filled order has freed its id: a blind resend buys twice.
        assert (await caller.order(**named, type="MARKET")).status == 200
        assert caller.key.account.balance("BTC").total == Decimal("1.01998")

    play(scenario)


def test_money_spent_and_received_add_up_with_the_fee_in_what_is_bought(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        answer = (await caller.order(type="MARKET", quoteOrderQty="1000")).json
        assert answer["status"] == "FILLED"
        assert answer["executedQty"] == answer["origQty"] == "0.01666000"
        account = caller.key.account
        assert account.balance("USDT").free == 10_000 - Decimal(answer["cummulativeQuoteQty"])
        assert account.balance("BTC").free == Decimal("1.01666") - Decimal("0.00001666")

    play(scenario)


def test_the_fee_asset_pays_where_the_account_says_so(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        venue.spot.move("BNBUSDT", "600")
        caller.key.account.credit("BNB", Decimal(1))
        caller.key.account.fee_asset = "BNB"
        fills = (await caller.order(type="MARKET", quantity="0.01")).json["fills"]
        assert (fills[0]["commission"], fills[0]["commissionAsset"]) == ("0.00075000", "BNB")

    play(scenario)


def test_a_resting_order_fills_in_parts_as_a_maker(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        number = (await caller.order(quantity="0.02", price="59500")).json["orderId"]
        exchange = venue.spot.exchange
        exchange.quote("BTCUSDT", [], [(Decimal(59400), Decimal("0.005"))])
        order = exchange.orders[number]
        assert (order.status, order.filled) == ("PARTIALLY_FILLED", Decimal("0.005"))
        exchange.quote("BTCUSDT", [], [(Decimal(59400), Decimal(1))])
        assert (order.status, order.average_price) == ("FILLED", Decimal(59500))
        assert all(fill.maker for fill in order.fills)
        assert caller.key.account.balance("USDT").locked == 0

    play(scenario)


def test_own_orders_that_would_meet_are_prevented(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        venue.spot.exchange.quote("BTCUSDT", [], [])
        resting = await caller.order(side="SELL", quantity="0.01", price="60000")
        taking = await caller.order(
            quantity="0.01", price="60000", selfTradePreventionMode="EXPIRE_TAKER"
        )
        assert taking.json["status"] == "EXPIRED_IN_MATCH"
        assert venue.spot.exchange.orders[resting.json["orderId"]].is_open

    play(scenario)


@pytest.mark.parametrize("tif", ["IOC", "FOK"])
def test_what_cannot_fill_at_once_expires(play: Play, tif: str) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        levels = [(Decimal(60000), Decimal("0.004"))]
        venue.spot.exchange.quote("BTCUSDT", [], levels)
        answer = await caller.order(quantity="0.01", price="60000", timeInForce=tif)
        filled = "0.00400000" if tif == "IOC" else "0.00000000"
        assert (answer.json["status"], answer.json["executedQty"]) == ("EXPIRED", filled)

    play(scenario)


def test_a_bracket_protects_what_was_bought_once_it_is_bought(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        sizes = {"workingQuantity": "0.01", "pendingQuantity": "0.00999"}
        made = await caller.signed(
            "POST", "/api/v3/orderList/otoco", **PENDING, **sizes, workingPrice="59500"
        )
        states = [report["status"] for report in made.json["orderReports"]]
        assert states == ["NEW", "PENDING_NEW", "PENDING_NEW"]
        venue.spot.exchange.quote("BTCUSDT", [], [(Decimal(59_500), Decimal("0.004"))])
        group = venue.spot.groups.groups[made.json["orderListId"]]
        # Half an entry has no protection yet: the venue arms it with the last of the fills.
        states = [str(order.status) for order in group.orders]
        assert states == ["PARTIALLY_FILLED", "PENDING_NEW", "PENDING_NEW"]
        venue.spot.move("BTCUSDT", "59400")
        group = venue.spot.groups.groups[made.json["orderListId"]]
        assert [str(order.status) for order in group.orders] == ["FILLED", "NEW", "NEW"]
        venue.spot.move("BTCUSDT", "58400")
        assert [str(order.status) for order in group.orders] == ["FILLED", "FILLED", "EXPIRED"]
        assert group.done
        assert not any(b.locked for b in caller.key.account.balances.values())

    play(scenario)


def test_a_bracket_larger_than_what_the_fee_left_protects_nothing(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        caller.key.account.balances["BTC"].free = Decimal(0)
        sizes = {"workingQuantity": "0.01", "pendingQuantity": "0.01"}
        made = await caller.signed(
            "POST", "/api/v3/orderList/otoco", **PENDING, **sizes, workingPrice="60100"
        )
        states = [report["status"] for report in made.json["orderReports"]]
        assert states == ["FILLED", "EXPIRED", "EXPIRED"]

    play(scenario)


def test_cancelling_one_leg_cancels_the_list(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        sizes = {"workingQuantity": "0.01", "pendingQuantity": "0.00999"}
        made = await caller.signed(
            "POST", "/api/v3/orderList/otoco", **PENDING, **sizes, workingPrice="59500"
        )
        working = made.json["orders"][0]["orderId"]
        await caller.signed("DELETE", "/api/v3/order", orderId=working, **ONE)
        group = venue.spot.groups.groups[0]
        assert {str(order.status) for order in group.orders} == {"CANCELED"}
        assert caller.key.account.balance("USDT").free == 10_000

    play(scenario)


def test_cancel_replace_that_fails_half_way_is_409_and_says_which_half(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        old = (await caller.order(quantity="0.01", price="59000")).json["orderId"]
        new = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "9"}
        answer = await caller.signed(
            "POST",
            "/api/v3/order/cancelReplace",
            **ONE,
            **new,
            price="59000",
            cancelReplaceMode="STOP_ON_FAILURE",
            cancelOrderId=old,
        )
        assert (answer.status, answer.code) == (409, -2021)
        assert answer.json["data"]["cancelResult"] == "SUCCESS"
        assert answer.json["data"]["newOrderResponse"]["code"] == -2010

    play(scenario)


def test_an_order_can_stay_invisible_to_queries_for_a_while(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        venue.spot.exchange.lag_s = 60.0
        number = (await caller.order(quantity="0.01", price="59000")).json["orderId"]
        asked = {"orderId": number, **ONE}
        assert (await caller.signed("GET", "/api/v3/order", **asked)).code == -2013
        assert (await caller.signed("GET", "/api/v3/openOrders", **ONE)).json == []
        venue.advance(61)
        assert (await caller.signed("GET", "/api/v3/order", **asked)).status == 200

    play(scenario)


def test_filters_and_status_can_change_while_it_runs(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        listing = venue.spot.exchange.markets["BTCUSDT"].listing
        listing.step = listing.min_quantity = Decimal("0.01")
        assert "LOT_SIZE" in (await caller.order(quantity="0.011", price="59000")).text
        shown = (await caller.public("/api/v3/exchangeInfo", symbol="BTCUSDT")).json
        assert shown["symbols"][0]["filters"][1]["stepSize"] == "0.01000000"
        number = (await caller.order(quantity="0.01", price="59000")).json["orderId"]
        listing.status = "CANCEL_ONLY"
        assert "closed" in (await caller.order(quantity="0.01", price="59000")).text
        gone = await caller.signed("DELETE", "/api/v3/order", orderId=number, **ONE)
        assert gone.status == 200

    play(scenario)


def test_maintenance_is_announced_and_may_expire_every_order(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        await caller.order(quantity="0.01", price="59000")
        venue.spot.account.maintenance = True
        venue.spot.exchange.expire_all()
        assert (await caller.public("/sapi/v1/system/status")).json["status"] == 1
        row = (await caller.signed("GET", "/api/v3/allOrders", **ONE)).json[0]
        assert (row["status"], row["expiryReason"]) == ("EXPIRED", "EXCHANGE_CANCELED")

    play(scenario)
