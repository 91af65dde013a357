"""Every answer has the fields and types of Binance's own client library, which nobody here wrote.

What the library lists and we leave out is named below, with the reason.
"""

import types
import typing
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel

spot = pytest.importorskip("binance_sdk_spot.rest_api.models")
usdm = pytest.importorskip("binance_sdk_derivatives_trading_usds_futures.rest_api.models")
usdm_streams = pytest.importorskip(
    "binance_sdk_derivatives_trading_usds_futures.websocket_streams.models"
)
spot_events = pytest.importorskip("binance_sdk_spot.websocket_api.models")
spot_streams = pytest.importorskip("binance_sdk_spot.websocket_streams.models")

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
# Only in events that tell of them.
IN_EVENTS = frozenset("dDjJvABuUbakWN") | {
    "Cs",
    "pl",
    "pL",
    "pY",
    "uS",
    "gP",
    "gOT",
    "gOV",
    "gp",
    "eR",
}
# What the venue really says, and the library does not list.
EXTRA = frozenset({"isBestMatch", "M"})


def gaps(model: Any, payload: Any, path: str = "") -> Iterator[str]:
    """What is missing, unknown, or of another type."""
    if isinstance(payload, list):
        for row in payload:
            yield from gaps(model, row, f"{path}[]")
        return
    fields = {info.alias or name: info for name, info in model.model_fields.items()}
    fields.pop("additional_properties", None)
    for name in fields.keys() - payload.keys():
        yield f"{path}.{name} missing"
    for name, value in payload.items():
        if name not in fields:
            yield f"{path}.{name} unknown"
        elif value is not None:
            yield from mistyped(fields[name].annotation, value, f"{path}.{name}")


def mistyped(annotation: Any, value: Any, path: str) -> Iterator[str]:
    kinds = list(leaves(annotation))
    nested = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
    if nested and isinstance(value, dict | list):
        if len(nested) == 1 and "oneof_schema_1_validator" not in nested[0].model_fields:
            yield from gaps(nested[0], value, path)
        return
    rows = value if isinstance(value, list) else [value]
    for row in rows:
        flat = row if isinstance(row, list) else [row]
        for item in flat:
            if not any(fits(kind, item) for kind in kinds):
                yield f"{path} is {type(item).__name__}, not {kinds}"


def leaves(annotation: Any) -> Iterator[Any]:
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        yield from leaves(typing.get_args(annotation)[0])
    elif origin in (typing.Union, types.UnionType, list):
        for inner in typing.get_args(annotation):
            yield from leaves(inner)
    elif annotation is not type(None):
        yield annotation


def fits(kind: Any, value: Any) -> bool:
    if kind is Any or value is None:
        return True
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is kind


def check(model: Any, payload: Any, *without: frozenset[str]) -> None:
    assert payload not in ([], {}, None), model.__name__
    allowed = frozenset().union(*without) | EXTRA
    wrong = [gap for gap in gaps(model, payload) if gap.split(".")[-1].split()[0] not in allowed]
    assert not wrong, f"{model.__name__}: {sorted(set(wrong))}"


Play = Callable[..., None]


def test_the_comparison_notices_what_is_missing_unknown_and_of_another_type() -> None:
    payload = {"mins": "5", "price": "1.0", "surprise": 1}
    assert {gap.split()[0] + gap.split()[1] for gap in gaps(spot.AvgPriceResponse, payload)} == {
        ".closeTimemissing",
        ".surpriseunknown",
        ".minsis",
    }


def test_spot_market_data(play: Play) -> None:
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


def test_spot_orders_and_account(play: Play) -> None:
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


def test_spot_order_lists_and_cancel_replace(play: Play) -> None:
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


def test_usdm_market_data(play: Play) -> None:
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


def test_usdm_orders(play: Play) -> None:
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


def test_usdm_account(play: Play) -> None:
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


def test_user_stream_events(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        from tradewinds.practice.binance.spot_events import account_and_payload

        spot_seen: list[dict[str, Any]] = []
        usdm_seen: list[dict[str, Any]] = []

        def hear(event: Any) -> None:
            said = account_and_payload(event, venue.clock)
            if said is not None:
                spot_seen.append(said[1])

        venue.spot.exchange.voice.listeners.append(hear)
        venue.usdm.keys.tell = lambda account, payload: usdm_seen.append(payload)
        await caller.order(type="MARKET", quantity="0.01")
        await caller.signed("POST", "/api/v3/orderList/oco", **OCO)
        venue.spot.transfer(caller.key.account, "USDT", Decimal(5))
        await caller.future(type="MARKET", quantity="0.01")
        await caller.stop(triggerPrice="59000", closePosition="true")
        await caller.signed("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=5)
        venue.usdm.move("BTCUSDT", "58900")
        models = {
            "executionReport": spot_events.ExecutionReport,
            "outboundAccountPosition": spot_events.OutboundAccountPosition,
            "balanceUpdate": spot_events.BalanceUpdate,
            "listStatus": spot_events.ListStatus,
        }
        assert {event["e"] for event in spot_seen} == set(models)
        for event in spot_seen:
            kind = event.pop("e")
            check(models[kind], event, IN_EVENTS)
        models = {
            "ORDER_TRADE_UPDATE": usdm_streams.OrderTradeUpdate,
            "ACCOUNT_UPDATE": usdm_streams.AccountUpdate,
            "ALGO_UPDATE": usdm_streams.AlgoUpdate,
            "TRADE_LITE": usdm_streams.TradeLite,
            "ACCOUNT_CONFIG_UPDATE": usdm_streams.AccountConfigUpdate,
        }
        assert {event["e"] for event in usdm_seen} == set(models)
        # Of trailing orders, of accounts in several assets, of events that have none.
        absent = frozenset({"AP", "cr", "n", "N", "S", "ai", "rm", "ia"})
        for event in usdm_seen:
            kind = event.pop("e")
            check(models[kind], event, absent)

    play(scenario)


def test_market_streams(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        frames = venue.usdm.streams._frames
        market = venue.usdm.exchange.markets["BTCUSDT"]
        bar, group = market.tape.latest("1m"), market.tape.groups[-1]
        models = usdm_streams
        # `ps` and `st` came in 2026; some of the library's models do not list them yet.
        new = frozenset({"ps", "st"})
        check(models.IndividualSymbolBookTickerStreamsResponse, frames.book_ticker(market), new)
        check(models.DiffBookDepthStreamsResponse, frames.depth(market, 1_000, 1_000), new)
        check(models.PartialBookDepthStreamsResponse, frames.top(market, 5, 1_000), new)
        check(models.AggregateTradeStreamsResponse, frames.group(market, group), new)
        check(models.KlineCandlestickStreamsResponse, frames.kline(market, bar, "1m", closed=True))
        check(models.MarkPriceStreamResponse, frames.mark_price(market, 1), new)
        check(models.IndividualSymbolTickerStreamsResponse, frames.ticker(market), new)
        check(models.IndividualSymbolMiniTickerStreamResponse, frames.mini_ticker(market), new)
        frames = venue.spot.streams._frames
        market = venue.spot.exchange.markets["BTCUSDT"]
        bar, group = market.tape.latest("1m"), market.tape.groups[-1]
        models = spot_streams
        check(models.BookTickerResponse, frames.book_ticker(market))
        check(models.DiffBookDepthResponse, frames.depth(market, 1_000, 1_000))
        check(models.PartialBookDepthResponse, frames.top(market, 5, 1_000))
        check(models.AggTradeResponse, frames.group(market, group))
        check(models.TradeResponse, frames.trade(market, market.tape.trades[-1]))
        check(models.KlineResponse, frames.kline(market, bar, "1m", closed=True))
        check(models.TickerResponse, frames.ticker(market))
        check(models.MiniTickerResponse, frames.mini_ticker(market))

    play(scenario)
