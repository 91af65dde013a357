from tests.gateways.coinbase_desk import NOW, Teller, scenario, trade
from tests.gateways.scripted import Hand, until
from tradewinds.gateways.coinbase_frames import CoinbaseDecoder, Heartbeats, Peek, Stamps
from tradewinds.model.market import Bar, BookDelta, Quote, Side, TradePrint
from tradewinds.model.timeframes import MINUTE_NS

BOOK = ([("100", "1"), ("99", "2")], [("101", "3"), ("102", "4")])


@scenario()
async def test_subscriptions_leave_at_once_heartbeats_first(server, desk):
    visit = await server.visit(0)
    await until(lambda: len(visit.heard) == 5)
    assert [m["channel"] for m in visit.heard] == [
        "heartbeats",
        "level2",
        "ticker",
        "market_trades",
        "candles",
    ]
    assert all("jwt" not in m and m["type"] == "subscribe" for m in visit.heard)
    assert visit.heard[1]["product_ids"] == ["BTC-USD"]


@scenario()
async def test_the_book_gives_quotes_when_its_touch_moves(server, desk):
    tell = Teller(await server.visit(0))
    tell.beat()
    tell.book(*BOOK)
    tell.book([("99", "7")], [], kind="update")
    tell.book([("100", "0")], [("100.5", "1.5")], kind="update")
    await until(lambda: len(desk.of(BookDelta)) == 3)
    assert [(q.bid, q.bid_size, q.ask, q.ask_size) for q in desk.of(Quote)] == [
        (100.0, 1.0, 101.0, 3.0),
        (99.0, 7.0, 100.5, 1.5),
    ]
    assert [d.snapshot for d in desk.of(BookDelta)] == [True, False, False]
    assert desk.of(Quote)[0].venue_time_ns == NOW
    book = desk.feed.book(desk.events[0].instrument_id)
    assert book.bids.top(5) == [(99.0, 7.0)]


@scenario()
async def test_the_ticker_quotes_only_while_there_is_no_book(server, desk):
    tell = Teller(await server.visit(0))
    ticker = {"type": "ticker", "product_id": "BTC-USD", "price": "100"}
    ticker |= {"best_bid": "100", "best_ask": "101"}
    ticker |= {"best_bid_quantity": "1", "best_ask_quantity": "2"}
    tell.say("ticker", {"type": "snapshot", "tickers": [ticker]})
    tell.book(*BOOK)
    tell.say("ticker", {"type": "update", "tickers": [ticker | {"best_bid": "77"}]})
    tell.beat()
    await until(lambda: desk.feed.channel.usable == 4 and len(desk.of(Quote)) >= 2)
    assert [q.ask_size for q in desk.of(Quote)] == [2.0, 3.0]


@scenario()
async def test_trades_come_oldest_first_and_once(server, desk):
    tell = Teller(await server.visit(0))
    tell.trades(trade(6), trade(5, NOW - 60 * 10**9), kind="snapshot")
    tell.trades(trade(8, side="SELL"), trade(7), trade(6), trade(9, side="UNKNOWN_ORDER_SIDE"))
    await until(lambda: len(desk.events) == 3)
    assert [(t.print_id, t.aggressor) for t in desk.of(TradePrint)] == [
        ("6", Side.BUY),
        ("7", Side.BUY),
        ("8", Side.SELL),
    ]
    assert desk.feed.counts == {
        "trade older than 10 s": 1,
        "seen before": 1,
        "trade without a side or an id": 1,
    }


def candle(start, close="1.5"):
    prices = {"open": "1", "high": "2", "low": "0.5", "close": close, "volume": "9"}
    return {"start": str(start), "product_id": "BTC-USD", **prices}


@scenario()
async def test_a_candle_is_closed_by_the_next_or_by_time(server, desk):
    tell = Teller(await server.visit(0))
    start = NOW // 10**9
    old = [candle(start - 300 * n) for n in range(5, 0, -1)]
    tell.say("candles", {"type": "snapshot", "candles": [*old, candle(start)]})
    tell.say("candles", {"type": "update", "candles": [candle(start, "1.7")]})
    await until(lambda: desk.feed.channel.usable == 2)
    desk.now_ns = tell.at_ns = NOW + 301 * 10**9
    tell.say("candles", {"type": "update", "candles": [candle(start + 300)]})
    await until(lambda: len(desk.of(Bar)) == 2)
    desk.now_ns = tell.at_ns = NOW + 603 * 10**9
    tell.beat()
    await until(lambda: len(desk.of(Bar)) == 3)
    just_closed, first, second = desk.of(Bar)
    assert just_closed.venue_time_ns == NOW
    assert (first.open_time_ns, first.close, first.timeframe_ns) == (NOW, 1.7, 5 * MINUTE_NS)
    assert second.open_time_ns == NOW + 300 * 10**9


@scenario("BTC/USDC", "BTC/USD", "USDT/USDC")
async def test_a_usdc_market_shows_the_data_of_its_usd_market(server, desk):
    visit = await server.visit(0)
    await until(lambda: len(visit.heard) == 5)
    assert visit.heard[1]["product_ids"] == ["BTC-USD", "USDT-USDC"]
    Teller(visit).book(*BOOK)
    await until(lambda: len(desk.of(Quote)) == 2)
    ids = {q.instrument_id for q in desk.of(Quote)}
    assert ids == {"BTC/USDC@coinbase", "BTC/USD@coinbase"}


@scenario(hand=Hand(), silent_s=1e9)
async def test_rotation_counts_anew_and_starts_from_its_own_snapshot(server, desk):
    first = Teller(await server.visit(0))
    first.book(*BOOK)
    first.trades(trade(1))
    await until(lambda: len(desk.of(Quote)) == 1)
    desk.feed.stream.rotate("test")
    visit = await server.visit(1)
    await until(lambda: len(visit.heard) == 5)
    second = Teller(visit)
    first.trades(trade(2))
    for _ in range(3):
        second.beat()
    second.book([("100.2", "1")], [("101", "3")])
    second.trades(trade(2), trade(1), kind="snapshot")
    second.trades(trade(3))
    await until(lambda: desk.feed.stream.rotations == 1)
    await until(lambda: len(desk.of(TradePrint)) == 3)
    assert [t.print_id for t in desk.of(TradePrint)] == ["1", "2", "3"]
    assert [q.bid for q in desk.of(Quote)] == [100.0, 100.2]


def test_times_are_read_to_the_nanosecond():
    stamps = Stamps()
    assert stamps.ns("2026-01-01T00:00:00.123456789Z", 7) == NOW + 123_456_789
    assert stamps.ns("2026-01-01T00:00:01.5Z", 7) == NOW + 1_500_000_000
    assert stamps.ns("2026-01-01T00:00:01Z", 7) == NOW + 1_000_000_000
    for nonsense in ("", "yesterday", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00.xZ"):
        assert stamps.ns(nonsense, 7) in (7, NOW - NOW + 7)


def test_messages_are_known_by_their_channel():
    decoder = CoinbaseDecoder()
    beat = b'{"channel":"heartbeats","sequence_num":3,"events":[{"heartbeat_counter":"3049"}]}'
    found = decoder.decode(beat)
    assert isinstance(found, Heartbeats)
    assert found.events[0].heartbeat_counter == 3_049
    assert decoder.decode(b'{"channel":"status","sequence_num":4}') == Peek(
        channel="status", sequence_num=4
    )
    assert decoder.decode(b"{") is None
    assert decoder.dropped == {"status: not understood": 1, "not a message": 1}
