"""Rows A1 and A4 to A11 of the scorecard, as far as market data are concerned."""

import asyncio

import pytest
from msgspec.structs import replace

from tests.gateways.binance_desk import BTC, NOW, NOW_MS, depth, kline, scenario, ticker, trade
from tests.gateways.coinbase_desk import Teller
from tests.gateways.coinbase_desk import scenario as coinbase
from tests.gateways.scripted import FakeRest, spot, until
from tradewinds.gateways.binance_feed import BinanceOptions
from tradewinds.gateways.coinbase_feed import CoinbaseOptions
from tradewinds.gateways.listing_watch import ListingWatch
from tradewinds.gateways.venue_rest import Depth
from tradewinds.model.instrument import InstrumentStatus
from tradewinds.model.market import Bar, BookDelta, Quote, TradePrint
from tradewinds.model.order import Purpose
from tradewinds.model.validity import invalidity

POISON = ["NaN", "nan", "Infinity", "-inf", "", None, [], {}, "1e999", True]
IMPOSSIBLE = ["-1", "0"]
FIRST = Depth(bids=[(100.0, 5.0)], asks=[(100.1, 5.0)], update_id=10, limit=1000)


@scenario()
async def test_a1_a_price_that_is_no_number_gives_no_event_and_is_counted(server, desk):
    visit = await server.visit(0)
    for number, poison in enumerate(POISON):
        visit.say(ticker(number + 1, bid=poison), trade(number + 1, p=poison))
        visit.say(depth(1, 2, bids=[[poison, "1"]]))
    visit.say(b'{"stream":"btcusdt@bookTicker","data":{"u":99,"s":"BTCUSDT","b":NaN,"B":1')
    visit.say(ticker(1_000))
    await until(lambda: bool(desk.of(Quote)))
    assert len(desk.events) == 1
    assert sum(desk.feed.counts.values()) == 3 * len(POISON) + 1


@scenario()
async def test_a1_an_impossible_price_is_refused_by_the_engines_own_check(server, desk):
    visit = await server.visit(0)
    for number, price in enumerate(IMPOSSIBLE, 1):
        visit.say(ticker(number, bid=price), trade(number, p=price))
    await until(lambda: len(desk.events) == 4)
    assert all(invalidity(event) for event in desk.events)


@coinbase()
async def test_a1_a_book_message_that_is_not_understood_ends_the_connection(server, desk):
    tell = Teller(await server.visit(0))
    tell.book([("100", "1")], [("101", "1")])
    tell.book([("NaN", "1")], [], kind="update")
    await until(lambda: len(server.visits) == 2)
    assert len(desk.of(Quote)) == 1
    assert desk.feed.counts["connections with a gap"] == 1


@scenario(silent_s=0.2)
async def test_a4_silence_with_pings_answered_is_noticed_and_reconnected(server, desk):
    visit = await server.visit(0)
    visit.say(ticker(1))
    await until(lambda: len(server.visits) == 2)
    assert visit.pings, "the connection itself was alive"
    (await server.visit(1)).say(ticker(1))
    await until(lambda: len(desk.events) == 2)
    assert desk.feed.counts == {"reconnects": 1}


@scenario(silent_s=0.3)
async def test_a4_nonsense_is_silence(server, desk):
    visit = await server.visit(0)
    for number in range(40):
        if visit.open:
            visit.say(b"{}", ticker(number, s="OTHERUSDT"), ticker(number, bid="NaN"))
        await asyncio.sleep(0.02)
    await until(lambda: len(server.visits) == 2)


def test_a4_silence_is_half_a_minute_at_most():
    assert BinanceOptions(symbols=()).silent_s <= 29.0
    assert CoinbaseOptions(symbols=()).silent_s <= 29.0


def test_a4_after_ten_silent_seconds_nothing_is_entered(rig):
    silent, other = (instrument.id for instrument in rig.instruments[:2])
    rig.quote(silent)
    rig.quote(other)
    rig.pass_time(10.5)
    rig.enter(silent)
    rig.quote(other)
    assert rig.submitted(Purpose.ENTER) == []
    rig.check()


@scenario()
async def test_a5_old_data_replayed_give_no_event(server, desk):
    desk.rest.depths[BTC] = [FIRST]
    visit = await server.visit(0)
    old = NOW_MS - 11_000
    visit.say(trade(1, at=old), trade(2), trade(3, at=old), trade(4, at=NOW_MS + 11_000))
    visit.say(depth(9, 12, E=old), ticker(1))
    await until(lambda: bool(desk.of(Quote)))
    assert [t.print_id for t in desk.of(TradePrint)] == ["a2"]
    assert desk.of(BookDelta) == []
    assert desk.feed.counts == {"older than 10 s": 3, "ahead of our clock by 10 s": 1}


@scenario()
async def test_a5_a6_the_same_again_and_what_comes_late_are_dropped(server, desk):
    visit = await server.visit(0)
    visit.say(ticker(5), ticker(5), ticker(4), trade(5), trade(4), trade(5), ticker(6))
    await until(lambda: len(desk.of(Quote)) == 2)
    assert len(desk.of(TradePrint)) == 1
    assert desk.feed.counts == {"seen before": 4}


@scenario()
async def test_a6_a_gap_in_depth_gives_no_delta_until_the_book_is_sound_again(server, desk):
    desk.rest.depths[BTC] = [FIRST]
    visit = await server.visit(0)
    visit.say(depth(9, 12))
    await until(lambda: len(desk.of(BookDelta)) == 1)
    book = desk.feed.book(desk.events[0].instrument_id)
    visit.say(depth(13, 14), depth(13, 14), depth(11, 12), depth(20, 22))
    await until(lambda: not book.clean)
    assert [d.last_update_id for d in desk.of(BookDelta)] == [12, 14]
    assert book.touch() is None
    # A snapshot older than the gap is of no use.
    await until(lambda: desk.rest.asked.count(("depth", BTC)) > 2)
    assert not book.clean
    desk.rest.depths[BTC] = [replace(FIRST, update_id=30)]
    await until(lambda: book.clean)
    visit.say(depth(31, 33))
    await until(lambda: len(desk.of(BookDelta)) == 4)
    assert [(d.snapshot, d.last_update_id) for d in desk.of(BookDelta)][2:] == [
        (True, 30),
        (False, 33),
    ]
    assert desk.feed.counts["book resyncs"] == 1


@scenario("BTC/USDT:USDT")
async def test_a6_on_usdm_a_delta_must_follow_on_from_the_last(server, desk):
    desk.rest.depths["BTC/USDT:USDT"] = [FIRST]
    await until(lambda: len(server.visits) == 2)
    visit = next(v for v in server.visits if v.path == "/public")
    visit.say(depth(8, 12, pu=7))
    await until(lambda: len(desk.of(BookDelta)) == 1)
    visit.say(depth(100, 120, pu=12))
    await until(lambda: len(desk.of(BookDelta)) == 2)
    visit.say(depth(300, 320, pu=299))
    book = desk.feed.book(desk.events[0].instrument_id)
    await until(lambda: not book.clean)
    assert len(desk.of(BookDelta)) == 2


@scenario()
async def test_a7_crossed_and_emptied_books_are_not_decided_by(server, desk):
    desk.rest.depths[BTC] = [FIRST]
    visit = await server.visit(0)
    visit.say(depth(9, 12))
    await until(lambda: len(desk.of(BookDelta)) == 1)
    visit.say(depth(13, 14, bids=[["100.2", "1"]]))
    book = desk.feed.book(desk.events[0].instrument_id)
    await until(lambda: not book.clean)
    assert len(desk.of(BookDelta)) == 1


@scenario()
async def test_a7_a_growing_candle_is_not_a_bar_and_a_closed_one_comes_once(server, desk):
    visit = await server.visit(0)
    visit.say(kline(-1, closed=False), kline(-1), kline(-1))
    await until(lambda: desk.feed.counts.get("bar seen before") == 1)
    assert len(desk.of(Bar)) == 1
    assert desk.feed.counts == {"bar not closed": 1, "bar seen before": 1}


HOSTILE = ["这是测试币456/USDT", "X" * 200 + "/USDT", "<img src=x onerror=alert(1)>/USDT"]


@pytest.mark.parametrize("symbol", HOSTILE)
def test_a8_strange_symbols_are_just_text(symbol):
    native = symbol.replace("/", "")

    @scenario(symbol)
    async def play(server, desk):
        visit = await server.visit(0)
        assert f"{native.lower()}@bookTicker" in visit.heard[0]["params"]
        visit.say(ticker(1, s=native), ticker(1, s="不在名单USDT"))
        await until(lambda: desk.feed.counts.get("unknown symbol") == 1)
        assert [q.instrument_id for q in desk.of(Quote)] == [f"{symbol}@binance"]

    play()


def watched(*instruments):
    rest = FakeRest(*instruments)
    return rest, ListingWatch(rest, instruments, now_ns=lambda: NOW)


def test_a9_a10_changed_filters_and_status_are_told():
    btc, eth = spot(BTC), spot("ETH/USDT")
    rest, watch = watched(btc, eth)
    halted = replace(btc, status=InstrumentStatus.HALTED)
    finer = replace(eth, min_notional=eth.min_notional * 2)
    rest.instruments = [halted, finer]
    told = asyncio.run(watch.look())
    assert [change.instrument for change in told] == [halted, finer]
    assert asyncio.run(watch.look()) == []


def test_a11_an_instrument_that_vanishes_is_halted_once():
    rest, watch = watched(spot(BTC), spot("ETH/USDT"))
    rest.instruments = [spot("ETH/USDT")]
    (change,) = asyncio.run(watch.look())
    assert change.instrument.symbol == BTC
    assert change.instrument.status is InstrumentStatus.HALTED
    assert asyncio.run(watch.look()) == []


def test_a11_an_unreachable_venue_is_not_a_vanished_instrument():
    rest, watch = watched(spot(BTC))
    rest.down = True
    assert asyncio.run(watch.look()) == []
