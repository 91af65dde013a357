"""Every event and frame has the fields and types of Binance's own client library."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tradewinds.practice.binance.spot_events import account_and_payload

usdm_streams = pytest.importorskip(
    "binance_sdk_derivatives_trading_usds_futures.websocket_streams.models"
)
spot_events = pytest.importorskip("binance_sdk_spot.websocket_api.models")
spot_streams = pytest.importorskip("binance_sdk_spot.websocket_streams.models")

# Only in events that tell of them.
IN_EVENTS = frozenset("dDjJvABuUbakWN") | frozenset(
    {"Cs", "pl", "pL", "pY", "uS", "gP", "gOT", "gOV", "gp", "eR"}
)
Play = Callable[..., None]
Check = Callable[..., None]
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


def test_user_stream_events(play: Play, check: Check) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
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


def test_market_streams(play: Play, check: Check) -> None:
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
