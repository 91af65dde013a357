"""Coinbase by WebSocket: channels, running numbers, tokens, heartbeats; and our own feed there."""

import asyncio
import contextlib
import json
import time
from typing import Any, Self

from tests.gateways.scripted import calm
from tests.practice.coinbase_caller import Caller, play, until
from tradewinds.gateways.coinbase_feed import CoinbaseFeed, CoinbaseOptions
from tradewinds.gateways.link import Wire
from tradewinds.gateways.stream import Pace
from tradewinds.gateways.venue_rest import CcxtRest
from tradewinds.model.market import BookDelta, Quote, TradePrint
from tradewinds.practice.faults import Drop, Silence
from tradewinds.practice.resolver import LoopbackResolver

CHANNELS = ("heartbeats", "level2", "ticker", "market_trades", "candles", "status", "user")


def test_every_channel_begins_with_a_snapshot_and_goes_on() -> None:
    async def scenario(venue: Any, caller: Caller) -> None:
        ws = await caller.listen(*CHANNELS)
        said = [await ws.receive_json(timeout=10) for _ in range(13)]
        assert [message["sequence_num"] for message in said] == list(range(13))
        kinds = {m["channel"]: m["events"][0].get("type") for m in said}
        begun = dict.fromkeys(("l2_data", "ticker", "market_trades", "candles"), "snapshot")
        assert kinds == begun | {"subscriptions": None, "status": "snapshot", "user": "snapshot"}
        listed = said[-1]["events"][0]["subscriptions"]
        assert set(listed) == set(CHANNELS)
        await caller.order("market_market_ioc", quote_size="100")
        told = (await until(ws, "user"))["events"][0]
        assert (told["type"], told["orders"][0]["status"]) == ("update", "OPEN")
        level = (await until(ws, "l2_data"))["events"][0]
        assert (level["type"], level["updates"][0]["side"]) == ("update", "offer")
        venue.advance(1)
        first = (await until(ws, "heartbeats"))["events"][0]["heartbeat_counter"]
        venue.advance(1)
        second = (await until(ws, "heartbeats"))["events"][0]["heartbeat_counter"]
        assert int(second) == int(first) + 1
        await ws.close()

    play(scenario)


def test_the_user_channel_wants_a_token_and_tells_nobody_elses_orders() -> None:
    async def scenario(venue: Any, caller: Caller) -> None:
        other = Caller(caller.session, venue.coinbase.customer("other", USD="1000"))
        ws = await other.listen("heartbeats")
        for jwt in ("", "nonsense", None):
            message: dict[str, Any] = {
                "type": "subscribe",
                "channel": "user",
                "product_ids": [],
                "jwt": jwt,
            }
            await ws.send_json(
                {name: value for name, value in message.items() if value is not None}
            )
            assert (await until(ws, "error"))["message"] == "authentication failure"
        theirs = await other.listen("user", host="advanced-trade-ws-user")
        await until(theirs, "subscriptions")
        low = {"base_size": "0.001", "limit_price": "50000"}
        await caller.order("limit_limit_gtc", **low)
        await other.order("limit_limit_gtc", name="own", **low)
        told = (await until(theirs, "user"))["events"][0]["orders"]
        assert [order["client_order_id"] for order in told] == ["own"]

    play(scenario)


def test_who_subscribes_to_nothing_and_who_is_told_nothing_is_hung_up_on() -> None:
    async def scenario(venue: Any, caller: Caller) -> None:
        silent, kept = await caller.listen(), await caller.listen("heartbeats", "level2")
        quiet = await caller.listen("level2")
        await until(quiet, "subscriptions")
        await until(kept, "subscriptions")
        venue.advance(6)
        assert (await silent.receive(timeout=10)).data == 1008
        # In pieces: the venue's pings are answered meanwhile, as a client does by itself.
        ended = asyncio.ensure_future(quiet.receive())
        for _ in range(3):
            venue.advance(32)
            await until(kept, "heartbeats")
        assert (await asyncio.wait_for(ended, 10)).data == 1008
        await until(kept, "heartbeats")

    play(scenario)


class Watching:
    """Our feed on the venue; `ahead_s` sets its clock of silences forward."""

    def __init__(self, venue: Any) -> None:
        self.venue = venue
        self.events: list[Any] = []
        self.ahead_s = 0.0

    async def __aenter__(self) -> Self:
        import ccxt.async_support as ccxt

        venue = self.venue
        self.session = venue.session()
        unhurried = {"session": self.session, "enableRateLimit": False}
        rest = CcxtRest("coinbase", lambda _: ccxt.coinbase(unhurried))
        resolver = LoopbackResolver(venue.hosts, venue.port)
        wire = Wire(resolver=resolver, context=venue.client_context())
        changes: dict[str, Any] = {"now_s": lambda: time.monotonic() + self.ahead_s}
        pace: Pace = calm(**changes)
        options = CoinbaseOptions(symbols=("BTC/USD",))
        self.feed = await CoinbaseFeed.connect(options, rest, wire, pace)
        self._task = asyncio.create_task(self._collect())
        await self.until(lambda: self.clean and self.of(Quote))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        await self.session.close()

    async def _collect(self) -> None:
        async for batch in self.feed.batches():
            self.events += batch

    @property
    def clean(self) -> bool:
        book = self.feed.book(self.feed.instruments[0].id)
        return book is not None and book.clean

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if type(event) is kind]

    async def until(self, happened: Any) -> None:
        async with asyncio.timeout(15):
            while not happened():  # noqa: ASYNC110 - what it waits for tells nobody
                await asyncio.sleep(0.005)


def test_our_feed_follows_the_book_and_the_trades() -> None:
    async def scenario(venue: Any, caller: Caller) -> None:
        async with Watching(venue) as watching:
            venue.coinbase.move("BTC-USD", "60100")
            await watching.until(lambda: watching.of(Quote)[-1].bid == 60_099.99)
            await watching.until(lambda: watching.of(TradePrint))
            assert [delta.snapshot for delta in watching.of(BookDelta)[:2]] == [True, False]
            assert watching.feed.counts == {}

    play(scenario)


def test_c7_a_gap_in_market_data_leads_to_a_new_book_and_no_quote_before_it() -> None:
    async def scenario(venue: Any, caller: Caller) -> None:
        async with Watching(venue) as watching:
            venue.faults.on("coinbase-stream level2 *", Drop())
            venue.coinbase.move("BTC-USD", "60100")
            await watching.until(lambda: watching.feed.stream.losses == 1)
            await watching.until(lambda: watching.clean)
            await watching.until(lambda: watching.of(Quote)[-1].bid == 60_099.99)
            first, second = watching.of(BookDelta)
            assert first.snapshot
            assert second.snapshot
            moved = [q for q in watching.of(Quote) if q.bid != 59_999.99]
            assert watching.events.index(second) < watching.events.index(moved[0])

    play(scenario)


def test_c7_heartbeats_that_stop_lead_to_a_new_connection() -> None:
    async def scenario(venue: Any, caller: Caller) -> None:
        async with Watching(venue) as watching:
            venue.faults.on("coinbase-stream heartbeats", Silence())
            venue.advance(1)
            await watching.until(lambda: venue.faults.struck)
            watching.ahead_s += 11.0
            await watching.until(lambda: watching.feed.stream.losses == 1)
            venue.coinbase.move("BTC-USD", "60100")
            await watching.until(lambda: watching.of(Quote)[-1].bid == 60_099.99)

    play(scenario)


def test_what_is_not_understood_is_answered_with_an_error() -> None:
    async def scenario(venue: Any, caller: Caller) -> None:
        ws = await caller.listen("heartbeats")
        for text in ("{", "[]", json.dumps({"type": "subscribe", "channel": "gossip"})):
            await ws.send_str(text)
            assert (await until(ws, "error"))["message"]
        unknown = {"type": "subscribe", "channel": "level2", "product_ids": ["NO-SUCH"]}
        await ws.send_json(unknown)
        assert "NO-SUCH" in (await until(ws, "error"))["message"]
        venue.advance(1)
        await until(ws, "heartbeats")

    play(scenario)
