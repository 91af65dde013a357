"""Every answer has the fields and types of Binance's own client library, which nobody here wrote.

What the library lists and we leave out is named below, with the reason.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

spot = pytest.importorskip("binance_sdk_spot.rest_api.models")
usdm = pytest.importorskip("binance_sdk_derivatives_trading_usds_futures.rest_api.models")

# Only in answers to orders that use what the practice venue does not play.
CONDITIONAL = frozenset(
    {
        "icebergQty",
        "preventedMatchId",
        "preventedQuantity",
        "stopPrice",
        "strategyId",
        "strategyType",
        "trailingDelta",
        "trailingTime",
        "usedSor",
        "workingFloor",
        "pegPriceType",
        "pegOffsetType",
        "pegOffsetValue",
        "peggedPrice",
        "expiryReason",
        "fills",
    }
)
# Of COIN-M, listed by the library's shared models.
OF_COIN_M = frozenset({"pair", "baseQty", "cumBase", "marginAsset"})
# Of trailing orders.
OF_TRAILING = frozenset({"activatePrice", "priceRate"})

Play = Callable[..., None]
Check = Callable[..., None]
Gaps = Callable[..., Iterator[str]]


def test_the_comparison_notices_what_is_missing_unknown_and_of_another_type(gaps: Gaps) -> None:
    payload = {"mins": "5", "price": "1.0", "surprise": 1}
    assert {gap.split()[0] + gap.split()[1] for gap in gaps(spot.AvgPriceResponse, payload)} == {
        ".closeTimemissing",
        ".surpriseunknown",
        ".minsis",
    }


def test_spot_market_data(play: Play, check: Check) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        async def get(path: str, **params: Any) -> Any:
            return (await caller.public(f"/api/v3/{path}", **params)).json

        one = {"symbol": "BTCUSDT"}
        check(spot.TimeResponse, await get("time"))
        info = await get("exchangeInfo")
        symbols = info["symbols"]
        check(spot.ExchangeInfoResponseSymbolsInner, symbols)
        check(spot.DepthResponse, await get("depth", **one))
        check(spot.GetTradesResponseInner, await get("trades", **one))
        check(spot.AggTradesResponseInner, await get("aggTrades", **one))
        check(spot.AvgPriceResponse, await get("avgPrice", **one))
        check(spot.TickerBookTickerResponse1, await get("ticker/bookTicker", **one))
        check(spot.TickerPriceResponse1, await get("ticker/price", **one))
        check(spot.Ticker24hrResponse1, await get("ticker/24hr", **one))
        assert len((await get("klines", interval="1m", **one))[0]) == 12

    play(scenario)


def test_spot_orders_and_account(play: Play, check: Check) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        one = {"symbol": "BTCUSDT"}
        resting = (await caller.order(quantity="0.01", price="59000")).json
        check(spot.NewOrderResponse, resting, CONDITIONAL)
        taken = (await caller.order(type="MARKET", quantity="0.01")).json
        check(spot.NewOrderResponse, taken, CONDITIONAL)
        check(spot.NewOrderResponseFillsInner, taken["fills"])
        number = resting["orderId"]
        asked = await caller.signed("GET", "/api/v3/order", orderId=number, **one)
        check(spot.GetOrderResponse, asked.json, CONDITIONAL)
        for path, model in (
            ("openOrders", spot.GetOpenOrdersResponseInner),
            ("allOrders", spot.AllOrdersResponseInner),
        ):
            rows = (await caller.signed("GET", f"/api/v3/{path}", **one)).json
            check(model, rows, CONDITIONAL)
        gone = (await caller.signed("DELETE", "/api/v3/order", orderId=number, **one)).json
        check(spot.DeleteOrderResponse, gone, CONDITIONAL)
        trades = (await caller.signed("GET", "/api/v3/myTrades", **one)).json
        check(spot.MyTradesResponseInner, trades)
        check(spot.GetAccountResponse, (await caller.signed("GET", "/api/v3/account")).json)
        paid = await caller.signed("GET", "/api/v3/account/commission", **one)
        check(spot.AccountCommissionResponse, paid.json)
        limits = (await caller.signed("GET", "/api/v3/rateLimit/order")).json
        check(spot.RateLimitOrderResponseInner, limits)

    play(scenario)


OCO = {
    "symbol": "BTCUSDT",
    "side": "SELL",
    "quantity": "0.01",
    "aboveType": "LIMIT_MAKER",
    "abovePrice": "62000",
    "belowType": "STOP_LOSS_LIMIT",
    "belowStopPrice": "58500",
    "belowPrice": "58000",
    "belowTimeInForce": "GTC",
}


def test_spot_order_lists_and_cancel_replace(play: Play, check: Check) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        made = (await caller.signed("POST", "/api/v3/orderList/oco", **OCO)).json
        check(spot.OrderListOcoResponse, made, CONDITIONAL)
        number = made["orderListId"]
        asked = await caller.signed("GET", "/api/v3/orderList", orderListId=number)
        check(spot.GetOrderListResponse, asked.json)
        rows = (await caller.signed("GET", "/api/v3/openOrderList")).json
        check(spot.OpenOrderListResponseInner, rows)
        ended = await caller.signed(
            "DELETE", "/api/v3/orderList", symbol="BTCUSDT", orderListId=number
        )
        documented = frozenset({"selfTradePreventionMode"})
        check(spot.DeleteOrderListResponse, ended.json, CONDITIONAL, documented)
        resting = (await caller.order(quantity="0.01", price="59000")).json
        replaced = await caller.signed(
            "POST",
            "/api/v3/order/cancelReplace",
            symbol="BTCUSDT",
            side="BUY",
            type="LIMIT",
            timeInForce="GTC",
            quantity="0.01",
            price="58000",
            cancelReplaceMode="STOP_ON_FAILURE",
            cancelOrderId=resting["orderId"],
        )
        without = frozenset({"data", "code", "msg"})
        check(spot.OrderCancelReplaceResponse, replaced.json, CONDITIONAL, without)

    play(scenario)


def test_usdm_market_data(play: Play, check: Check) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        async def get(path: str, **params: Any) -> Any:
            return (await caller.public(f"/fapi/v1/{path}", **params)).json

        one = {"symbol": "BTCUSDT"}
        venue.usdm.exchange.markets["ETHUSDT"].listing.funding_hours = 4
        info = await get("exchangeInfo")
        check(usdm.ExchangeInformationResponseAssetsInner, info["assets"])
        # The library has one shape for all filters; each filter fills its own part of it.
        shape = usdm.ExchangeInformationResponseSymbolsInnerFiltersInner.model_fields
        filters = frozenset(info.alias or name for name, info in shape.items())
        not_listed = frozenset({"maxMoveOrderLimit", "permissionSets"})
        check(
            usdm.ExchangeInformationResponseSymbolsInner,
            info["symbols"],
            filters,
            not_listed,
        )
        check(usdm.OrderBookResponse, await get("depth", **one))
        check(usdm.RecentTradesListResponseInner, await get("trades", **one))
        check(usdm.CompressedAggregateTradesListResponseInner, await get("aggTrades", **one))
        check(usdm.SymbolOrderBookTickerResponse1, await get("ticker/bookTicker", **one))
        check(usdm.SymbolPriceTickerResponse1, await get("ticker/price", **one))
        check(usdm.Ticker24hrPriceChangeStatisticsResponse1, await get("ticker/24hr", **one))
        check(usdm.MarkPriceResponse1, await get("premiumIndex", **one))
        rates = await get("fundingRate", **one)
        check(usdm.GetFundingRateHistoryResponseInner, rates, frozenset({"rateType"}))
        check(usdm.GetFundingRateInfoResponseInner, await get("fundingInfo"))
        check(usdm.OpenInterestResponse, await get("openInterest", **one))

    play(scenario)


def test_usdm_orders(play: Play, check: Check) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        one = {"symbol": "BTCUSDT"}
        resting = (await caller.future(quantity="0.01", price="59000")).json
        check(usdm.NewOrderResponse, resting, OF_TRAILING)
        number = resting["orderId"]
        asked = await caller.signed("GET", "/fapi/v1/order", orderId=number, **one)
        check(usdm.QueryOrderResponse, asked.json, OF_TRAILING)
        for path, model in (
            ("openOrders", usdm.CurrentAllOpenOrdersResponseInner),
            ("allOrders", usdm.AllOrdersResponseInner),
        ):
            rows = (await caller.signed("GET", f"/fapi/v1/{path}", **one)).json
            check(model, rows, OF_TRAILING, OF_COIN_M)
        gone = (await caller.signed("DELETE", "/fapi/v1/order", orderId=number, **one)).json
        check(usdm.CancelOrderResponse, gone, OF_TRAILING)
        await caller.future(type="MARKET", quantity="0.01")
        trades = (await caller.signed("GET", "/fapi/v1/userTrades", **one)).json
        check(usdm.AccountTradeListResponseInner, trades, OF_COIN_M)
        made = (await caller.stop(triggerPrice="58000", closePosition="true")).json
        check(usdm.NewAlgoOrderResponse, made)
        found = await caller.signed("GET", "/fapi/v1/algoOrder", algoId=made["algoId"])
        of_split = frozenset({"actualType", "actualQty"})
        of_bracket = frozenset({"tpTriggerPrice", "tpPrice", "slTriggerPrice", "slPrice"})
        check(usdm.QueryAlgoOrderResponse, found.json, of_split, of_bracket)
        rows = (await caller.signed("GET", "/fapi/v1/openAlgoOrders", **one)).json
        check(usdm.CurrentAllAlgoOpenOrdersResponseInner, rows, frozenset({"slTriggerPrice"}))
        ended = await caller.signed("DELETE", "/fapi/v1/algoOrder", algoId=made["algoId"])
        check(usdm.CancelAlgoOrderResponse, ended.json)

    play(scenario)


ACCOUNT = (
    ("/fapi/v2/account", "AccountInformationV2Response", {}),
    ("/fapi/v3/account", "AccountInformationV3Response", {}),
    ("/fapi/v2/balance", "FuturesAccountBalanceV2ResponseInner", {}),
    ("/fapi/v2/positionRisk", "PositionInformationV2ResponseInner", {}),
    ("/fapi/v3/positionRisk", "PositionInformationV3ResponseInner", {}),
    ("/fapi/v1/accountConfig", "FuturesAccountConfigurationResponse", {}),
    ("/fapi/v1/symbolConfig", "SymbolConfigurationResponseInner", {}),
    ("/fapi/v1/commissionRate", "UserCommissionRateResponse", {"symbol": "BTCUSDT"}),
    ("/fapi/v1/leverageBracket", "NotionalAndLeverageBracketsResponse1Inner", {}),
    ("/fapi/v1/income", "GetIncomeHistoryResponseInner", {}),
    ("/fapi/v1/positionSide/dual", "GetCurrentPositionModeResponse", {}),
    ("/fapi/v1/multiAssetsMargin", "GetCurrentMultiAssetsModeResponse", {}),
)


def test_usdm_account(play: Play, check: Check) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        await caller.future(type="MARKET", quantity="0.01")
        # In version 2 positions say a little more than the library lists.
        known = frozenset({"breakEvenPrice", "isolatedWallet", "notional"})
        for path, model, params in ACCOUNT:
            answer = await caller.signed("GET", path, **params)
            check(getattr(usdm, model), answer.json, known)
        changed = await caller.signed("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=5)
        check(usdm.ChangeInitialLeverageResponse, changed.json)
        check(
            usdm.StartUserDataStreamResponse,
            (await caller.keyed("POST", "/fapi/v1/listenKey")).json,
        )

    play(scenario)
