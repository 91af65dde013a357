"""Unmodified ccxt on Coinbase, under production host names: round trips, streams, error classes;
and answers with the keys and types that real ones were seen to have.

The lists were taken by hand from answers that ccxt's developers recorded from the real venue; the
recordings themselves are not part of any package, so only names and types are here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import ccxt
import ccxt.pro
import pytest

from tests.practice.coinbase_caller import Caller, play
from tradewinds.practice.coinbase.parsing import KINDS
from tradewinds.practice.faults import Queued, Reply

SYMBOL = "BTC/USD"
WAIT_S = 10.0
FILL = """entry_id trade_id order_id trade_time trade_type price size commission product_id
    sequence_timestamp liquidity_indicator user_id side"""
ORDER = """order_id product_id user_id side client_order_id status time_in_force created_time
    completion_percentage filled_size average_filled_price fee number_of_fills filled_value
    total_fees total_value_after_fees trigger_status order_type reject_reason product_type
    reject_message cancel_message order_placement_source outstanding_hold_amount last_fill_time
    leverage margin_type"""
ORDER_FLAGS = """pending_cancel size_in_quote size_inclusive_of_fees settled is_liquidation"""
TRADE = "trade_id product_id price size time side bid ask"
WALLET = """id name type created_at updated_at resource resource_path"""
NEW_SINCE = {"retail_portfolio_id", "originating_order_id", "attached_order_id"}
"""Documented, and younger than the recordings."""


def with_ccxt(scenario: Callable[[Any, Any], Awaitable[None]]) -> None:
    async def run(venue: Any, caller: Caller) -> None:
        client = ccxt.pro.coinbase(
            {
                "session": caller.session,
                "apiKey": caller.key.key,
                "secret": caller.key.secret,
                "enableRateLimit": False,
            }
        )
        await client.load_markets()
        try:
            await scenario(venue, client)
        finally:
            await client.close()

    play(run)


async def soon(awaitable: Awaitable[Any]) -> Any:
    return await asyncio.wait_for(awaitable, WAIT_S)


async def subscribed(venue: Any, *channels: str) -> None:
    """Until the venue has heard of all of them."""
    async with asyncio.timeout(WAIT_S):
        while True:
            listeners = venue.coinbase.streams.listeners.values()
            if {c for listener in listeners for c in listener.channels} >= set(channels):
                return
            await asyncio.sleep(0.005)


def test_a_round_trip_is_seen_on_every_stream() -> None:
    async def scenario(venue: Any, client: Any) -> None:
        watched = [
            asyncio.ensure_future(one)
            for one in (
                client.watch_orders(SYMBOL),
                client.watch_order_book(SYMBOL),
                client.watch_ticker(SYMBOL),
                client.watch_trades(SYMBOL),
            )
        ]
        await subscribed(venue, "user", "level2", "ticker", "market_trades")
        resting = await client.create_order(SYMBOL, "limit", "buy", 0.01, 59000)
        assert (await soon(watched[0]))[0]["id"] == resting["id"]
        assert (await client.fetch_open_orders(SYMBOL))[0]["id"] == resting["id"]
        assert (await client.cancel_order(resting["id"], SYMBOL))["id"] == resting["id"]
        assert (await client.fetch_order(resting["id"], SYMBOL))["status"] == "canceled"
        bought = await client.create_order(SYMBOL, "limit", "buy", 0.01, 60001)
        order = await client.fetch_order(bought["id"], SYMBOL)
        assert (order["status"], order["average"], order["filled"]) == ("closed", 60000.01, 0.01)
        fill = (await client.fetch_my_trades(SYMBOL))[0]
        assert fill["fee"] == {"currency": "USD", "cost": 3.6000006}
        assert (await soon(watched[1]))["bids"][0][0] == 59999.99
        assert (await soon(watched[2]))["ask"] == 60000.01
        assert (await soon(watched[3]))[0]["price"] == 60000.0
        sold = await client.create_order(SYMBOL, "market", "sell", 0.01)
        assert (await client.fetch_order(sold["id"], SYMBOL))["status"] == "closed"
        for balance in (await client.fetch_balance(), await client.fetch_balance({"v3": True})):
            assert balance["USD"]["total"] == pytest.approx(9992.7998)
        assert client.markets[SYMBOL]["taker"] == 0.006
        assert (await client.fetch_trading_fees())[SYMBOL]["maker"] == 0.004
        assert len(await client.fetch_ohlcv(SYMBOL, "1m")) == 1

    with_ccxt(scenario)


def test_a_stop_fires_when_the_price_comes() -> None:
    async def scenario(venue: Any, client: Any) -> None:
        stop = await client.create_order(
            SYMBOL, "limit", "sell", 0.01, 57000, {"stopLossPrice": 58000}
        )
        venue.coinbase.move("BTC-USD", "57900")
        ended = await client.fetch_order(stop["id"], SYMBOL)
        assert (ended["status"], ended["average"]) == ("closed", 57899.99)

    with_ccxt(scenario)


REFUSALS: list[tuple[tuple[Any, ...], type[Exception]]] = [
    (("limit", "buy", 1, 59000), ccxt.InsufficientFunds),
    (("limit", "sell", 0.01, 61000, {"stopLossPrice": 60500}), ccxt.InvalidOrder),
    # ccxt has no class for most of what Coinbase refuses.
    (("limit", "buy", 0.00001, 59000), ccxt.ExchangeError),
    (("limit", "buy", 0.01, 60500, {"postOnly": True}), ccxt.ExchangeError),
]


@pytest.mark.parametrize(("order", "error"), REFUSALS)
def test_refusals_arrive_as_the_classes_that_ccxt_has_for_the_real_venue(
    order: tuple[Any, ...], error: type[Exception]
) -> None:
    async def scenario(venue: Any, client: Any) -> None:
        with pytest.raises(error) as told:
            await client.create_order(SYMBOL, *order)
        assert type(told.value) is error

    with_ccxt(scenario)


def test_troubles_arrive_as_ccxts_own() -> None:
    async def scenario(venue: Any, client: Any) -> None:
        place = "coinbase GET /api/v3/brokerage/orders/historical/batch"
        limited = b'{"error":"rate_limit_exceeded","error_details":"","message":""}'
        troubles: list[tuple[Any, type[Exception]]] = [
            (Queued(for_s=130), ccxt.AuthenticationError),
            (Reply(status=429, body=limited), ccxt.RateLimitExceeded),
            (Reply(status=503, body=b"{}"), ccxt.ExchangeNotAvailable),
        ]
        for fault, error in troubles:
            venue.faults.on(place, fault)
            with pytest.raises(error):
                await client.fetch_open_orders(SYMBOL)
        assert await client.fetch_open_orders(SYMBOL) == []
        venue.coinbase.orders.accepted = set(KINDS) - {"limit_limit_gtc"}
        with pytest.raises(ccxt.ExchangeError, match="PREVIEW_INVALID_ORDER_CONFIG"):
            await client.create_order(SYMBOL, "limit", "buy", 0.01, 59000)

    with_ccxt(scenario)


def texts(row: dict[str, Any], names: str, **others: type) -> None:
    """All of these are text and these others of their types, and there is nothing else."""
    types = dict.fromkeys(names.split(), str) | others
    assert {name: type(value) for name, value in row.items() if name not in NEW_SINCE} == types


def test_answers_have_the_keys_and_types_of_recorded_ones() -> None:
    async def scenario(venue: Any, client: Any) -> None:
        placed = await client.create_order(SYMBOL, "market", "sell", 0.01)
        fills = await client.v3PrivateGetBrokerageOrdersHistoricalFills({})
        assert set(fills) == {"fills", "cursor"}
        # Each row's own cursor is the list's now.
        texts(fills["fills"][0], FILL, size_in_quote=bool)
        orders = await client.v3PrivateGetBrokerageOrdersHistoricalBatch({})
        assert set(orders) == {"orders", "sequence", "has_next", "cursor"}
        flags = dict.fromkeys(ORDER_FLAGS.split(), bool)
        more = {"order_configuration": dict, "edit_history": list}
        texts(orders["orders"][0], ORDER, **flags, **more)
        assert orders["orders"][0]["order_id"] == placed["id"]
        request = {"product_id": "BTC-USD", "limit": 1}
        ticker = await client.v3PublicGetBrokerageMarketProductsProductIdTicker(request)
        assert set(ticker) == {"trades", "best_bid", "best_ask"}
        texts(ticker["trades"][0], TRADE)
        wallets = await client.v2PrivateGetAccounts({})
        assert len(wallets["pagination"]) == 8
        yes = dict.fromkeys(("primary", "allow_deposits", "allow_withdrawals"), bool)
        texts(wallets["data"][0], WALLET, **yes, balance=dict, currency=dict)
        texts(wallets["data"][0]["balance"], "amount currency")

    with_ccxt(scenario)
