import asyncio
from functools import partial

import pytest

from tests.gateways.binance_desk import (
    BTC,
    NOW,
    NOW_MS,
    PERP,
    Desk,
    bar,
    depth,
    kline,
    scenario,
    ticker,
    trade,
)
from tests.gateways.scripted import MINUTE, Hand, ScriptedServer, until
from tradewinds.gateways.binance_channel import terms_of
from tradewinds.gateways.venue_rest import Depth
from tradewinds.model.market import Bar, BookDelta, FundingRate, MarkPrice, Quote, TradePrint


@scenario()
async def test_quotes_trades_and_books_come_out_as_events(server, desk):
    snapshot = Depth(bids=[(100.0, 5.0)], asks=[(100.1, 5.0)], update_id=10, limit=1000)
    desk.rest.depths[BTC] = [snapshot]
    visit = await server.visit(0)
    asked = visit.heard[0]
    assert asked["method"] == "SUBSCRIBE"
    assert set(asked["params"]) == {
        "btcusdt@bookTicker",
        "btcusdt@depth@100ms",
        "btcusdt@aggTrade",
        "btcusdt@kline_1m",
    }
    visit.say(ticker(), trade(), depth(9, 12, bids=[["100.05", "1"]]), kline(-1), kline(0, False))
    await until(lambda: len(desk.events) == 4)
    visit.say(depth(13, 14, asks=[["100.08", "3"]]))
    await until(lambda: len(desk.events) == 5)
    assert [type(e) for e in desk.events] == [Quote, TradePrint, Bar, BookDelta, BookDelta]
    assert [e.snapshot for e in desk.of(BookDelta)] == [True, False]
    assert desk.feed.book(desk.events[0].instrument_id).touch() == (100.05, 1.0, 100.08, 3.0)
    assert desk.feed.counts == {"bar not closed": 1}


@scenario()
async def test_what_one_read_brought_is_one_batch(server, desk):
    visit = await server.visit(0)
    sizes = []
    desk.events = type("Sizes", (list,), {"__iadd__": lambda s, b: sizes.append(len(b)) or s})()
    visit.say(*(ticker(u) for u in range(1, 201)))
    await until(lambda: sum(sizes) == 200)
    assert max(sizes) >= 100


@scenario(PERP, depth=True)
async def test_usdm_uses_both_addresses_and_brings_marks_and_funding(server, desk):
    await until(lambda: len(server.visits) == 2 and all(v.heard for v in server.visits))
    by_path = {visit.path: visit for visit in server.visits}
    public = by_path["/public"].heard[0]["params"]
    market = by_path["/market"].heard[0]["params"]
    assert set(public) == {"btcusdt@bookTicker", "btcusdt@depth@100ms"}
    assert set(market) == {"btcusdt@markPrice@1s", "btcusdt@aggTrade", "btcusdt@kline_1m"}

    def mark(at_ms, due_ms):
        data = {"e": "markPriceUpdate", "E": at_ms, "s": "BTCUSDT", "p": "100", "r": "0.0001"}
        return {"stream": "btcusdt@markPrice@1s", "data": {**data, "T": due_ms}}

    by_path["/market"].say(mark(NOW_MS - 1000, NOW_MS), mark(NOW_MS, NOW_MS + 28_800_000))
    by_path["/public"].say(ticker(E=NOW_MS))
    await until(lambda: len(desk.events) == 4)
    assert len(desk.of(MarkPrice)) == 2
    assert [f.rate for f in desk.of(FundingRate)] == [0.0001]
    assert desk.of(Quote)[0].instrument_id == "BTC/USDT:USDT@binance"


def test_many_streams_are_asked_for_in_small_messages_and_on_several_connections():
    terms = terms_of("spot", "ws://x", [f"s{n}@bookTicker" for n in range(2_150)], 15.0)
    assert [len(each.hello) for each in terms] == [10, 10, 2]
    assert all(len(message) < 4_096 for each in terms for message in each.hello)
    assert all(each.send_gap_s >= 0.2 for each in terms)


@scenario("SOL/USDT", silent_s=0.3)
async def test_a_quiet_market_has_a_busy_one_beside_it(server, desk):
    visit = await server.visit(0)
    assert "btcusdt@kline_1m" in visit.heard[0]["params"]
    for _ in range(8):
        visit.say(kline(0, closed=False))
        await asyncio.sleep(0.05)
    assert (desk.events, len(server.visits)) == ([], 1)


@scenario()
async def test_bars_missed_are_filled_in_before_the_next_goes_out(server, desk):
    desk.rest.history = [bar(n) for n in range(-5, 9)]
    visit = await server.visit(0)
    desk.close_minute(visit, -3)
    await until(lambda: len(desk.events) == 1)
    desk.close_minute(visit, 0, copies=2)
    await until(lambda: len(desk.events) == 4)
    opens = [e.open_time_ns for e in desk.of(Bar)]
    assert opens == [NOW + n * MINUTE for n in (-3, -2, -1, 0)]
    assert desk.feed.counts == {"bars filled in": 2}


@scenario()
async def test_bars_that_cannot_be_had_do_not_hold_up_the_rest(server, desk):
    desk.rest.down = True
    visit = await server.visit(0)
    desk.close_minute(visit, -3)
    await until(lambda: len(desk.events) == 1)
    desk.close_minute(visit, 0)
    await until(lambda: len(desk.events) == 2)
    assert desk.feed.counts == {"bars missing": 2}


@scenario()
async def test_history_and_stream_join_without_a_hole(server, desk):
    desk.rest.history = [bar(n) for n in range(-5, -1)]
    history = await desk.feed.history(3)
    assert {id_: len(bars) for id_, bars in history.items()} == {"BTC/USDT@binance": 3}
    desk.feed._intake.keeper.known([bar(-2)])
    desk.rest.history.append(bar(-1))
    desk.close_minute(await server.visit(0), 0)
    await until(lambda: len(desk.events) == 2)
    assert [e.open_time_ns for e in desk.of(Bar)] == [NOW - MINUTE, NOW]


@scenario(hand=Hand(), silent_s=1e9)
async def test_rotation_brings_nothing_twice_and_leaves_no_hole(server, desk):
    desk.rest.depths[BTC] = [
        Depth(bids=[(100.0, 5.0)], asks=[(100.1, 5.0)], update_id=10, limit=1000)
    ]
    old = await server.visit(0)
    old.say(ticker(1), trade(1), depth(9, 12))
    await until(lambda: len(desk.events) == 3)
    old.say({"e": "serverShutdown", "E": NOW_MS})
    new = await server.visit(1)
    old.say(ticker(2), trade(2), depth(13, 14))
    await until(lambda: len(desk.events) == 6)
    new.say(ticker(2), trade(2), depth(13, 14), ticker(3), trade(3), depth(15, 16))
    await until(lambda: desk.feed.streams[0].rotations == 1)
    new.say(ticker(4))
    await until(lambda: len(desk.of(Quote)) == 4)
    assert [t.print_id for t in desk.of(TradePrint)] == ["a1", "a2", "a3"]
    assert [d.last_update_id for d in desk.of(BookDelta)] == [12, 14, 16]
    assert desk.feed.counts == {"rotations": 1, "seen before": 2}


@scenario()
async def test_a_refused_subscription_is_counted(server, desk):
    (await server.visit(0)).say({"error": {"code": 2, "msg": "Invalid request"}, "id": 1})
    await until(lambda: "subscription refused" in desk.feed.counts)


def test_a_slow_reader_loses_the_old_and_begins_its_books_anew():
    async def main():
        async with ScriptedServer() as server:
            desk = Desk(server)
            feed, channel = desk.feed, desk.feed.channels[0]
            book = feed._books[desk.rest.instruments[0].id]
            book.restore(Depth(bids=[(1.0, 1.0)], asks=[(2.0, 1.0)], update_id=1, limit=9), NOW)
            feed._intake.inlet._most = 3_000
            for u in range(1, 3_500):
                channel._put(partial(ticker, u))
            assert not book.clean
            assert feed.counts["events lost to a slow reader"] == 3_001

    asyncio.run(main())


@scenario()
async def test_a_flood_waits_in_the_socket_and_loses_nothing(server, desk):
    visit = await server.visit(0)
    pauses, stream = [], desk.feed.streams[0]
    pause = stream.pause
    stream.pause = lambda *, paused: pauses.append(paused) or pause(paused=paused)
    for start in range(1, 60_001, 1_000):
        visit.say(*(ticker(u) for u in range(start, start + 1_000)))
    await until(lambda: len(desk.events) == 60_000, timeout_s=15)
    assert pauses[:2] == [True, False]
    assert desk.feed.counts == {}


def test_a_bug_in_a_background_job_is_not_swallowed():
    async def main():
        async with ScriptedServer() as server:
            desk = Desk(server)

            async def broken():
                raise ZeroDivisionError

            desk.feed._fetch_snapshots = broken
            with pytest.raises(ZeroDivisionError):
                await desk.collect()
            assert desk.rest.closed == 1

    asyncio.run(main())
