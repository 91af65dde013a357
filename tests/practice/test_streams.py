"""Streams: what is sent when, by the venue's own rules, and what ends a connection."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from tradewinds.practice.faults import (
    Close,
    Deny,
    Drop,
    Duplicate,
    HalfOpen,
    Silence,
    Swap,
    Withhold,
)
from tradewinds.practice.garbage import ALL as GARBAGE

Play = Callable[..., None]
SPOT = "wss://stream.binance.com:9443"
USDM = "wss://fstream.binance.com"
WAIT_S = 5.0
SHORT_S = 0.3


async def frame(ws: Any) -> Any:
    return await asyncio.wait_for(ws.receive_json(), WAIT_S)


async def closing_code(ws: Any) -> int:
    """What the last frame says, or 1006 where the line was cut."""
    while True:
        message = await asyncio.wait_for(ws.receive(), WAIT_S)
        if message.type is aiohttp.WSMsgType.CLOSE:
            return int(message.data)
        if message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR):
            return 1006


async def is_silent(ws: Any) -> bool:
    try:
        message = await asyncio.wait_for(ws.receive(), SHORT_S)
    except TimeoutError:
        return True
    return bool(message is None)


def apply(book: dict[str, dict[str, str]], update: dict[str, Any]) -> None:
    for side, letter in (("bids", "b"), ("asks", "a")):
        for price, size in update[letter]:
            if Decimal(size):
                book[side][price] = size
            else:
                book[side].pop(price, None)


@pytest.mark.parametrize(
    ("stream", "path"),
    [
        (f"{SPOT}/ws/btcusdt@depth@100ms", "/api/v3/depth"),
        (f"{USDM}/public/ws/btcusdt@depth@100ms", "/fapi/v1/depth"),
    ],
)
def test_snapshot_and_updates_make_the_venues_own_book(play: Play, stream: str, path: str) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        product = venue.usdm if "fstream" in stream else venue.spot
        async with caller.session.ws_connect(stream) as ws:
            shot = (await caller.public(path, symbol="BTCUSDT", limit=1000)).json
            book = {side: dict(shot[side]) for side in ("bids", "asks")}
            last = shot["lastUpdateId"]
            for price in ("60001", "60010", "59990"):
                product.move("BTCUSDT", price)
                update = await frame(ws)
                assert update["U"] <= last + 1 <= update["u"]
                assert update.get("pu", last) == last
                apply(book, update)
                last = update["u"]
            now = (await caller.public(path, symbol="BTCUSDT", limit=1000)).json
            assert now["lastUpdateId"] == last
            for side in ("bids", "asks"):
                assert book[side] == dict(now[side])

    play(scenario)


def test_the_book_ticker_carries_the_update_id_of_the_book(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        async with caller.session.ws_connect(f"{SPOT}/ws/btcusdt@bookTicker") as ws:
            venue.spot.move("BTCUSDT", "60005")
            seen = await frame(ws)
            assert seen["u"] == venue.spot.exchange.markets["BTCUSDT"].book.update_id
            assert (seen["b"], seen["a"]) == ("60004.99000000", "60005.01000000")

    play(scenario)


def test_subscriptions_come_go_and_are_listed_and_combined_frames_are_wrapped(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        async with caller.session.ws_connect(f"{SPOT}/stream") as ws:
            for method, params, result in (
                ("SUBSCRIBE", ["btcusdt@trade"], None),
                ("LIST_SUBSCRIPTIONS", [], ["btcusdt@trade"]),
                ("GET_PROPERTY", ["combined"], True),
            ):
                await ws.send_json({"method": method, "params": params, "id": 1})
                assert await frame(ws) == {"result": result, "id": 1}
            venue.spot.move("BTCUSDT", "60005")
            seen = await frame(ws)
            assert (seen["stream"], seen["data"]["p"]) == ("btcusdt@trade", "60005.00000000")
            await ws.send_str("not json")
            assert (await frame(ws))["code"] == 3

    play(scenario)


def test_trades_of_one_taker_at_one_price_are_one_aggregate(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        levels = [(Decimal(60000), Decimal("0.004")), (Decimal(60001), Decimal(1))]
        venue.spot.exchange.quote("BTCUSDT", [], levels)
        async with caller.session.ws_connect(f"{SPOT}/ws/btcusdt@aggTrade") as ws:
            await caller.order(type="MARKET", quantity="0.01")
            first, second = await frame(ws), await frame(ws)
            assert [(one["p"], one["q"]) for one in (first, second)] == [
                ("60000.00000000", "0.00400000"),
                ("60001.00000000", "0.00600000"),
            ]
            assert second["a"] == first["a"] + 1
            rows = (await caller.public("/api/v3/aggTrades", symbol="BTCUSDT")).json
            assert [row["a"] for row in rows[-2:]] == [first["a"], second["a"]]

    play(scenario)


def test_mark_price_and_bars_are_sent(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        path = f"{USDM}/market/stream?streams=btcusdt@markPrice@1s/btcusdt@kline_1m"
        async with caller.session.ws_connect(path) as ws:
            kinds = {(await frame(ws))["data"]["e"] for _ in range(2)}
            assert kinds == {"markPriceUpdate", "kline"}

    play(scenario)


@pytest.mark.parametrize("path", ["/ws/btcusdt@bookTicker", "/stream?streams=btcusdt@bookTicker"])
def test_retired_addresses_accept_everything_and_say_nothing(play: Play, path: str) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        async with caller.session.ws_connect(f"{USDM}{path}") as ws:
            await ws.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@depth"], "id": 1})
            assert await frame(ws) == {"result": None, "id": 1}
            venue.usdm.move("BTCUSDT", "60010")
            assert await is_silent(ws)

    play(scenario)


def test_a_stream_on_the_wrong_route_is_silent(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        async with caller.session.ws_connect(f"{USDM}/market/ws/btcusdt@bookTicker") as ws:
            venue.usdm.move("BTCUSDT", "60010")
            assert await is_silent(ws)

    play(scenario)


def test_a_connection_ends_after_a_day(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        async with caller.session.ws_connect(f"{SPOT}/ws/btcusdt@trade", autoping=True) as ws:
            venue.advance(24 * 3_600)
            assert await closing_code(ws) == 1001

    play(scenario)


def test_a_client_that_answers_no_ping_is_cut_off(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        async with caller.session.ws_connect(f"{SPOT}/ws/btcusdt@trade", autoping=False) as ws:
            venue.advance(21)
            ping = await asyncio.wait_for(ws.receive(), WAIT_S)
            assert ping.type is aiohttp.WSMsgType.PING
            venue.advance(61)
            gone = await asyncio.wait_for(ws.receive(), WAIT_S)
            assert gone.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)

    play(scenario)


def test_too_many_messages_a_second_end_the_connection(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        async with caller.session.ws_connect(f"{SPOT}/ws") as ws:
            for number in range(6):
                await ws.send_json({"method": "LIST_SUBSCRIPTIONS", "id": number})
            assert await closing_code(ws) == 1008

    play(scenario)


def test_a_listen_key_expires_unless_it_is_kept(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        name = (await caller.keyed("POST", "/fapi/v1/listenKey")).json["listenKey"]
        async with caller.session.ws_connect(f"{USDM}/private/ws?listenKey={name}") as ws:
            venue.advance(59 * 60)
            assert await is_silent(ws)
            assert (await caller.keyed("PUT", "/fapi/v1/listenKey")).json == {"listenKey": name}
            venue.advance(59 * 60)
            assert await is_silent(ws)
            venue.advance(2 * 60)
            assert (await frame(ws))["e"] == "listenKeyExpired"
            assert (await caller.keyed("PUT", "/fapi/v1/listenKey")).code == -1125
            await caller.future(quantity="0.01", price="59000")
            assert await is_silent(ws)

    play(scenario)


def test_shutdown_is_announced(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        async with caller.session.ws_connect(f"{SPOT}/ws/btcusdt@trade") as ws:
            venue.spot.streams.shut_down()
            assert (await frame(ws))["e"] == "serverShutdown"

    play(scenario)


TRADES = f"{SPOT}/ws/btcusdt@trade"
WHERE = "spot-stream btcusdt@trade"


async def prices(venue: Any, ws: Any, count: int) -> list[str]:
    for price in ("60001", "60002", "60003"):
        venue.spot.exchange.trade("BTCUSDT", Decimal(price), Decimal(1), _buy())
    return [(await frame(ws))["p"][:5] for _ in range(count)]


def _buy() -> Any:
    from tradewinds.model.market import Side

    return Side.BUY


FRAMES = [
    (Drop(), ["60002", "60003"]),
    (Duplicate(), ["60001", "60001", "60002", "60003"]),
    (Swap(), ["60002", "60001", "60003"]),
    (Withhold(for_s=0.05), ["60002", "60003", "60001"]),
]


@pytest.mark.parametrize(("fault", "seen"), FRAMES)
def test_frames_can_be_lost_doubled_swapped_and_late(
    play: Play, fault: Any, seen: list[str]
) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        venue.faults.on(WHERE, fault)
        async with caller.session.ws_connect(TRADES) as ws:
            assert await prices(venue, ws, len(seen)) == seen
        assert venue.faults.struck == [(WHERE, fault)]

    play(scenario)


@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_arrives_as_it_is(play: Play, garbage: Any) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        venue.faults.on(WHERE, garbage)
        async with caller.session.ws_connect(TRADES) as ws:
            venue.spot.move("BTCUSDT", "60001")
            message = await asyncio.wait_for(ws.receive(), WAIT_S)
            data = message.data if isinstance(message.data, bytes) else message.data.encode()
            assert data == garbage.frame

    play(scenario)


def test_silence_answers_pings_and_a_half_open_line_does_not(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        for fault, answered in ((Silence(), True), (HalfOpen(), False)):
            venue.faults.on(WHERE, fault)
            async with caller.session.ws_connect(TRADES, autoping=False) as ws:
                venue.spot.move("BTCUSDT", "60001")
                venue.spot.move("BTCUSDT", "60002")
                assert await is_silent(ws)
                await ws.ping(b"hello")
                assert await is_silent(ws) is not answered

    play(scenario)


@pytest.mark.parametrize("code", [1001, 1006])
def test_a_connection_can_be_closed_or_cut(play: Play, code: int) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        venue.faults.on(WHERE, Close(code=code))
        async with caller.session.ws_connect(TRADES) as ws:
            venue.spot.move("BTCUSDT", "60001")
            assert await closing_code(ws) == code

    play(scenario)


def test_connections_and_subscriptions_can_be_refused(play: Play) -> None:
    async def scenario(venue: Any, caller: Any) -> None:
        venue.faults.on("spot-stream CONNECT", Deny(status=503))
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await caller.session.ws_connect(TRADES)
        venue.faults.on("spot-stream SUBSCRIBE *", Deny(code=2, message="no"))
        async with caller.session.ws_connect(f"{SPOT}/ws") as ws:
            await ws.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": 1})
            assert (await frame(ws))["error"] == {"code": 2, "msg": "no"}

    play(scenario)
