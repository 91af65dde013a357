"""Rows C2 to C7 of the scorecard, as far as market data are concerned."""

import asyncio

import pytest
from picows import WSCloseCode

from tests.gateways.binance_desk import BTC, NOW_MS, depth, scenario, ticker, trade
from tests.gateways.coinbase_desk import Teller
from tests.gateways.coinbase_desk import scenario as coinbase
from tests.gateways.scripted import Hand, quick, until
from tradewinds.gateways.link import PING_AFTER_S, PONG_WITHIN_S
from tradewinds.gateways.restraint import ConnectBudget, pause_s
from tradewinds.gateways.stream import LIFE_S, Pace, Stream, StreamTerms
from tradewinds.gateways.venue_rest import Depth
from tradewinds.model.market import BookDelta, Quote, TradePrint

FIRST = Depth(bids=[(100.0, 5.0)], asks=[(100.1, 5.0)], update_id=10, limit=1000)
SHUTDOWN = {"e": "serverShutdown", "E": NOW_MS}
WRAPPED = {"stream": "serverShutdown", "data": SHUTDOWN}


@pytest.mark.parametrize("announcement", [SHUTDOWN, WRAPPED])
def test_c2_an_announced_shutdown_is_left_before_it_comes(announcement):
    @scenario()
    async def play(server, desk):
        old = await server.visit(0)
        old.say(ticker(1), announcement)
        new = await server.visit(1)
        assert old.open
        new.say(ticker(2), ticker(3))
        await until(lambda: len(desk.of(Quote)) == 3)
        await until(lambda: not old.open)
        assert desk.feed.counts["rotations"] == 1
        assert "reconnects" not in desk.feed.counts

    play()


HAND = Hand()


@scenario(hand=HAND, silent_s=1e9)
async def test_c3_a_day_ends_without_a_gap_and_nothing_twice(server, desk):
    assert LIFE_S < 24 * 3600
    desk.rest.depths[BTC] = [FIRST]
    old = await server.visit(0)
    old.say(depth(9, 12), trade(1), ticker(1))
    await until(lambda: len(desk.events) == 3)
    HAND.ahead_s += LIFE_S
    new = await server.visit(1)
    for number in (2, 3):
        old.say(trade(number), ticker(number), depth(11 + number, 11 + number))
        new.say(trade(number), ticker(number), depth(11 + number, 11 + number))
    new.say(trade(4), ticker(4), depth(15, 15))
    await until(lambda: len(desk.of(Quote)) == 4)
    old.close(WSCloseCode.GOING_AWAY)
    await until(lambda: desk.feed.streams[0].rotations == 1)
    new.say(ticker(5))
    await until(lambda: len(desk.of(Quote)) == 5)
    assert [t.print_id for t in desk.of(TradePrint)] == ["a1", "a2", "a3", "a4"]
    assert [d.last_update_id for d in desk.of(BookDelta)] == [12, 13, 14, 15]
    assert desk.feed.book(desk.events[0].instrument_id).clean


@pytest.mark.parametrize("code", [WSCloseCode.GOING_AWAY, None])
def test_c3_an_unannounced_end_begins_the_book_anew(code):
    @scenario()
    async def play(server, desk):
        desk.rest.depths[BTC] = [
            FIRST,
            Depth(bids=[(99.0, 1.0)], asks=[(99.5, 1.0)], update_id=40, limit=1000),
        ]
        visit = await server.visit(0)
        visit.say(depth(9, 12))
        await until(lambda: len(desk.of(BookDelta)) == 1)
        visit.cut() if code is None else visit.close(code)
        again = await server.visit(1)
        book = desk.feed.book(desk.events[0].instrument_id)
        assert not book.clean
        again.say(depth(39, 41))
        await until(lambda: book.clean)
        assert book.touch() == (99.0, 1.0, 99.5, 1.0)
        assert desk.feed.counts == {"reconnects": 1, "book resyncs": 1}

    play()


@scenario(silent_s=60.0)
async def test_c4_a_half_open_connection_is_found_out(server, desk):
    assert PING_AFTER_S + PONG_WITHIN_S <= 15.0
    visit = await server.visit(0)
    visit.say(ticker(1))
    server.answers_pings = False
    await until(lambda: len(server.visits) == 2)
    assert visit.pings


@scenario(silent_s=60.0)
async def test_c5_pings_are_answered_and_another_payload_is_no_answer(server, desk):
    visit = await server.visit(0)
    visit.transport.send_ping(b"1767225600000")
    await until(lambda: visit.pongs == [b"1767225600000"])


@scenario(silent_s=60.0)
async def test_c5_a_connection_dropped_for_want_of_a_pong_is_made_anew(server, desk):
    (await server.visit(0)).close(WSCloseCode.POLICY_VIOLATION)
    (await server.visit(1)).say(ticker(1))
    await until(lambda: len(desk.events) == 1)


def storm(minutes, lives_s):
    """When connections are tried within so many minutes of trouble, on a clock that jumps."""
    now, tried, failures, budget = 0.0, [], 0, ConnectBudget()
    while now < minutes * 60.0:
        if failures:
            now += pause_s(failures, lambda: 0.0)
        now += budget.wait_s(now)
        budget.spend(now)
        tried.append(now)
        now += lives_s
        failures += 1
    return tried


@pytest.mark.parametrize("lives_s", [0.0, 0.05, 1.0])
def test_c6_even_the_unluckiest_storm_stays_below_the_limit(lives_s):
    tried = storm(20, lives_s)
    worst = max(sum(at <= t < at + 300.0 for t in tried) for at in tried)
    assert worst < 300


def test_c6_ten_minutes_of_failing_connects_are_few_knocks():
    class Ears:
        usable = 0

        def opened(self, *, carries_on): ...

        def frame(self, message, received_ns): ...

        def fault(self):
            return ""

    async def main():
        clock = [0.0]

        async def sleep(seconds):
            clock[0] += seconds
            await asyncio.sleep(0)

        terms = StreamTerms(name="x", url="ws://127.0.0.1:9/", hello=())
        pace = Pace(now_s=lambda: clock[0], sleep=sleep, dice=lambda: 0.5)
        stream = Stream(terms, Ears(), quick(), ConnectBudget(), pace)
        task = asyncio.create_task(stream.run())
        await until(lambda: clock[0] > 600.0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert 10 < stream.connects < 100

    asyncio.run(main())


@coinbase()
async def test_c7_a_sequence_gap_ends_the_connection_and_its_book(server, desk):
    tell = Teller(await server.visit(0))
    tell.book([("100", "1")], [("101", "1")])
    tell.book([("100.5", "1")], [], kind="update", product="BTC-USD")
    tell.number += 1
    tell.book([("100.7", "1")], [], kind="update")
    again = Teller(await server.visit(1))
    assert desk.feed.book("BTC/USD@coinbase").touch() is None
    again.book([("90", "1")], [("91", "1")], kind="update")
    again.book([("90", "1")], [("91", "1")])
    await until(lambda: len(desk.of(Quote)) == 3)
    assert [q.bid for q in desk.of(Quote)] == [100.0, 100.5, 90.0]
    assert desk.feed.counts["connections with a gap"] == 1


@coinbase()
async def test_c7_a_message_that_comes_twice_is_taken_once(server, desk):
    tell = Teller(await server.visit(0))
    tell.book([("100", "1")], [("101", "1")])
    tell.number -= 1
    tell.book([("100.5", "1")], [], kind="update")
    tell.beat()
    await until(lambda: desk.feed.channel.usable == 2 and len(desk.of(Quote)) == 1)
    assert desk.feed.counts == {"seen before": 1}


@coinbase()
async def test_c7_a_heartbeat_that_is_missing_ends_the_connection(server, desk):
    tell = Teller(await server.visit(0))
    tell.beat()
    tell.beat(step=2)
    await until(lambda: len(server.visits) == 2)


BEATS = Hand()


@coinbase(hand=BEATS, silent_s=1e9)
async def test_c7_stopped_heartbeats_end_the_connection(server, desk):
    tell = Teller(await server.visit(0))
    tell.beat()
    await until(lambda: desk.feed.channel.usable == 1)
    BEATS.ahead_s += 4.0
    await asyncio.sleep(0.6)
    assert len(server.visits) == 1
    BEATS.ahead_s += 1.0
    await until(lambda: len(server.visits) == 2)


SILENT = Hand()


@coinbase(hand=SILENT, silent_s=1e9)
async def test_c7_books_silent_for_a_minute_end_the_connection(server, desk):
    tell = Teller(await server.visit(0))
    tell.book([("100", "1")], [("101", "1")])
    for _ in range(15):
        tell.beat()
        usable = desk.feed.channel.usable
        await until(lambda before=usable: desk.feed.channel.usable > before)
        SILENT.ahead_s += 4.5
    await until(lambda: len(server.visits) == 2)


@coinbase()
async def test_c7_an_error_message_ends_the_connection(server, desk):
    (await server.visit(0)).say({"type": "error", "message": "rate limit exceeded"})
    await until(lambda: len(server.visits) == 2)
