"""Unmodified ccxt, under production host names: round trips, streams and its own error classes."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import ccxt
import ccxt.pro
import pytest

from tradewinds.practice.faults import Reply
from tradewinds.practice.presets import spot_listings, usdm_listings
from tradewinds.practice.resolver import loopback_getaddrinfo
from tradewinds.practice.threaded import ThreadedVenue
from tradewinds.practice.venue import VenueSettings

Play = Callable[..., None]
WAIT_S = 10.0
SPOT, PERPETUAL = "BTC/USDT", "BTC/USDT:USDT"


def with_ccxt(play: Play, scenario: Callable[[Any, Any], Awaitable[None]], kind: str) -> None:
    async def run(venue: Any, caller: Any) -> None:
        options = {"defaultType": kind}
        client = ccxt.pro.binance(
            {
                "session": caller.session,
                "apiKey": caller.key.key,
                "secret": caller.key.secret,
                "options": options,
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


async def listening(*awaitables: Any) -> list[asyncio.Task[Any]]:
    """Started, and given the time to subscribe."""
    tasks = [asyncio.ensure_future(one) for one in awaitables]
    await asyncio.sleep(0.5)
    return tasks


def test_a_spot_round_trip_is_seen_on_every_stream(play: Play) -> None:
    async def scenario(venue: Any, client: Any) -> None:
        orders, fills, book, touch = await listening(
            client.watch_orders(),
            client.watch_my_trades(),
            client.watch_order_book(SPOT),
            client.watch_bids_asks([SPOT]),
        )
        resting = await client.create_order(SPOT, "limit", "buy", 0.01, 59000)
        assert (await soon(orders))[0]["id"] == resting["id"]
        assert (await client.fetch_open_orders(SPOT))[0]["clientOrderId"]
        assert (await client.cancel_order(resting["id"], SPOT))["status"] == "canceled"
        bought = await client.create_order(SPOT, "market", "buy", 0.01)
        assert (bought["status"], bought["average"]) == ("closed", 60000.01)
        assert (await soon(fills))[0]["fee"] == {"currency": "BTC", "cost": 0.00001}
        assert (await soon(touch))[SPOT]["ask"] == 60000.01
        assert (await soon(book))["bids"][0][0] == 59999.99
        sold = await client.create_order(SPOT, "market", "sell", 0.00999)
        assert sold["status"] == "closed"
        balance = await client.fetch_balance()
        assert balance["USDT"]["total"] == pytest.approx(9998.8004002)

    with_ccxt(play, scenario, "spot")


def test_a_spot_stop_fires_when_the_price_comes(play: Play) -> None:
    async def scenario(venue: Any, client: Any) -> None:
        stop = await client.create_order(
            SPOT, "limit", "sell", 0.01, 57000, {"stopLossPrice": 58000}
        )
        venue.spot.move("BTCUSDT", "57900")
        ended = await client.fetch_order(stop["id"], SPOT)
        assert (ended["status"], ended["average"]) == ("closed", 57899.99)

    with_ccxt(play, scenario, "spot")


def test_a_perpetual_round_trip_with_a_closing_stop(play: Play) -> None:
    async def scenario(venue: Any, client: Any) -> None:
        await client.set_margin_mode("isolated", PERPETUAL)
        await client.set_leverage(5, PERPETUAL)
        orders, fills, book, positions = await listening(
            client.watch_orders(),
            client.watch_my_trades(),
            client.watch_order_book(PERPETUAL),
            client.watch_positions(),
        )
        await client.create_order(PERPETUAL, "market", "buy", 0.01)
        assert (await soon(orders))[0]["status"] in ("open", "closed")
        assert (await soon(fills))[0]["price"] == 60000.1
        assert (await soon(positions))[0]["contracts"] == 0.01
        venue.usdm.move("BTCUSDT", "60010")
        assert (await soon(book))["asks"]
        closing = {"stopLossPrice": 58000, "closePosition": True}
        stop = await client.create_order(PERPETUAL, "market", "sell", None, None, closing)
        waiting = await client.fetch_open_orders(PERPETUAL, None, None, {"trigger": True})
        assert [one["id"] for one in waiting] == [stop["id"]]
        venue.usdm.move("BTCUSDT", "57900")
        assert await client.fetch_positions([PERPETUAL]) == []
        assert await client.fetch_open_orders(PERPETUAL, None, None, {"trigger": True}) == []

    with_ccxt(play, scenario, "swap")


REFUSALS = [
    ("spot", (SPOT, "limit", "buy", 1, 59000), ccxt.InsufficientFunds),
    ("spot", (SPOT, "limit", "buy", 0.00002, 59000), ccxt.BadRequest),
    ("swap", (PERPETUAL, "limit", "buy", 1, 59000), ccxt.InsufficientFunds),
    ("swap", (PERPETUAL, "limit", "buy", 0.001, 59000), ccxt.InvalidOrder),
    ("swap", (PERPETUAL, "market", "sell", 0.01, None, {"reduceOnly": True}), ccxt.InvalidOrder),
    (
        "swap",
        (PERPETUAL, "market", "sell", 0.01, None, {"stopLossPrice": 61000}),
        ccxt.OrderImmediatelyFillable,
    ),
]


@pytest.mark.parametrize(("kind", "order", "error"), REFUSALS)
def test_refusals_arrive_as_the_classes_that_ccxt_has_for_the_real_venue(
    play: Play, kind: str, order: tuple[Any, ...], error: type[Exception]
) -> None:
    async def scenario(venue: Any, client: Any) -> None:
        with pytest.raises(error):
            await client.create_order(*order)

    with_ccxt(play, scenario, kind)


def test_a_name_that_is_not_the_venues_is_refused(play: Play) -> None:
    async def scenario(venue: Any, client: Any) -> None:
        client.urls["api"]["public"] = "https://example.com/api/v3"
        with pytest.raises(ccxt.ExchangeNotAvailable):
            await client.fetch_time()

    with_ccxt(play, scenario, "spot")


def test_a_revoked_key_looks_to_ccxt_like_a_rate_limit(play: Play) -> None:
    async def scenario(venue: Any, client: Any) -> None:
        await client.fetch_balance()
        venue.keyring.find(client.apiKey).revoked = True
        with pytest.raises(ccxt.DDoSProtection, match="-2015"):
            await client.fetch_balance()

    with_ccxt(play, scenario, "spot")


def test_a_scripted_503_reaches_ccxt_with_its_body(play: Play) -> None:
    async def scenario(venue: Any, client: Any) -> None:
        body = b'{"code":-1008,"msg":"Server is currently overloaded"}'
        venue.faults.on("spot POST /api/v3/order", Reply(status=503, body=body))
        with pytest.raises(ccxt.OperationFailed, match="-1008"):
            await client.create_order(SPOT, "limit", "buy", 0.01, 59000)
        assert (await client.create_order(SPOT, "limit", "buy", 0.01, 59000))["status"] == "open"

    with_ccxt(play, scenario, "spot")


def test_orders_go_through_the_websocket_api_too(play: Play) -> None:
    async def scenario(venue: Any, client: Any) -> None:
        order = await soon(client.create_order_ws(SPOT, "limit", "buy", 0.01, 59000))
        assert order["status"] == "open"
        gone = await soon(client.cancel_order_ws(order["id"], SPOT))
        assert gone["status"] == "canceled"

    with_ccxt(play, scenario, "spot")


def test_blocking_ccxt_reaches_a_venue_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    with ThreadedVenue(VenueSettings(spot=spot_listings(), usdm=usdm_listings())) as handle:
        venue = handle.venue
        known = loopback_getaddrinfo(venue.hosts, venue.port)
        monkeypatch.setattr(socket, "getaddrinfo", known)
        key = handle.run(lambda venue: venue.customer(USDT="1000"))
        handle.run(lambda venue: venue.spot.move("BTCUSDT", "60000"))
        client = ccxt.binance({"apiKey": key.key, "secret": key.secret})
        client.validateServerSsl = str(venue.certificate.ca)
        assert client.create_order(SPOT, "market", "buy", 0.01)["status"] == "closed"
        assert handle.run(lambda venue: len(venue.spot.exchange.orders)) == 1
        client.close()
