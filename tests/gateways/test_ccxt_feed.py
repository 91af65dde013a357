import asyncio
import math

import ccxt
import ccxt.pro
import pytest

from tradewinds.gateways.ccxt_feed import (
    KEEP_ALIVE_MS,
    CcxtFeed,
    Edge,
    LiveOptions,
    backoff_s,
    open_feed,
    public_exchange,
)
from tradewinds.gateways.ccxt_inbox import WAITING_MAX
from tradewinds.model.errors import ConfigError, VenueUnavailable
from tradewinds.model.market import Quote, Side, TradePrint

NOW = 1_767_225_600_000_000_000
NOW_MS = NOW // 1_000_000
MARKET = {
    "symbol": "BTC/USDT",
    "base": "BTC",
    "quote": "USDT",
    "spot": True,
    "active": True,
    "maker": 0.001,
    "taker": 0.001,
    "feeSide": "get",
    "precision": {"price": 0.01, "amount": 1e-05},
    "limits": {"amount": {"min": 1e-05, "max": 9000.0}, "cost": {"min": 5.0, "max": None}},
}
TICKER = {
    "symbol": "BTC/USDT",
    "bid": 100.0,
    "ask": 101.0,
    "bidVolume": 1.0,
    "askVolume": 2.0,
    "timestamp": None,
}
TRADE = {
    "symbol": "BTC/USDT",
    "price": 100.5,
    "amount": 0.1,
    "side": "sell",
    "id": "9",
    "timestamp": NOW_MS - 7,
}
BOTH = {"watchBidsAsks": True, "watchTradesForSymbols": True}


class FakeExchange:
    """Plays a script for each stream: a message is returned, an exception raised, then silence."""

    def __init__(self, scripts, has=BOTH, markets=None, bars=()):
        self.has = has
        self.precisionMode = 4
        self.markets = {}
        self.closed = 0
        self._scripts = {name: list(script) for name, script in scripts.items()}
        self._listed = markets or {"BTC/USDT": MARKET}
        self._bars = bars

    async def load_markets(self):
        for step in self._scripts.get("load_markets", []):
            raise step
        self.markets = self._listed

    def set_markets(self, markets):
        self.markets = markets

    async def close(self):
        self.closed += 1

    async def fetch_ohlcv(self, symbol, timeframe, limit):
        if isinstance(self._bars, Exception):
            raise self._bars
        return list(self._bars)[-limit:]

    def __getattr__(self, name):
        if not name.startswith("watch_"):
            raise AttributeError(name)

        async def watch(*_):
            await asyncio.sleep(0)
            script = self._scripts.get(name, [])
            if not script:
                await asyncio.Event().wait()
            step = script.pop(0)
            if isinstance(step, Exception):
                raise step
            return step

        return watch


class Rig:
    """Exchanges in the order in which they are made; sleeping is noted and costs nothing."""

    def __init__(self, *exchanges):
        self.exchanges = exchanges
        self.made = 0
        self.slept = []

    def make(self):
        self.made += 1
        return self.exchanges[self.made - 1]

    async def sleep(self, seconds):
        self.slept.append(seconds)

    def read(self, count, **options):
        """The first `count` events, then the iterator is closed."""

        async def reading():
            edge = Edge(now_ns=lambda: NOW, sleep=self.sleep, jitter=lambda: 0.5)
            given = LiveOptions(venue="fake", symbols=("BTC/USDT",), **options)
            feed = await open_feed(given, self.make, edge)
            events, batches = [], feed.batches()
            async for batch in batches:
                events += batch
                if len(events) >= count:
                    break
            await batches.aclose()
            return feed, events

        return asyncio.run(asyncio.wait_for(reading(), 20))


def test_quotes_and_trades_come_as_events():
    exchange = FakeExchange(
        {"watch_bids_asks": [{"BTC/USDT": TICKER}], "watch_trades_for_symbols": [[TRADE]]}
    )
    feed, events = Rig(exchange).read(2)
    assert sorted(events, key=lambda e: type(e).__name__) == [
        Quote(
            instrument_id="BTC/USDT@fake",
            bid=100.0,
            ask=101.0,
            bid_size=1.0,
            ask_size=2.0,
            venue_time_ns=NOW,
            received_time_ns=NOW,
        ),
        TradePrint(
            instrument_id="BTC/USDT@fake",
            price=100.5,
            size=0.1,
            aggressor=Side.SELL,
            print_id="9",
            venue_time_ns=NOW - 7_000_000,
            received_time_ns=NOW,
        ),
    ]
    assert feed.label == "LIVE fake"
    assert exchange.closed == 1, "closing the iterator closes the sockets"


@pytest.mark.parametrize(
    ("has", "scripts"),
    [
        ({"watchTickers": True}, {"watch_tickers": [{"BTC/USDT": TICKER}]}),
        (
            {},
            {
                "watch_order_book": [
                    {"symbol": "BTC/USDT", "bids": [], "asks": [[101.0, 2.0]], "timestamp": None},
                    {
                        "symbol": "BTC/USDT",
                        "bids": [[100.0, 1.0], [99.0, 5.0]],
                        "asks": [[101.0, 2.0]],
                        "timestamp": None,
                    },
                ]
            },
        ),
    ],
)
def test_venues_without_a_quote_stream_give_quotes_by_what_they_have(has, scripts):
    _, events = Rig(FakeExchange(scripts, has)).read(1)
    assert (events[0].bid, events[0].ask_size) == (100.0, 2.0)


def test_trades_symbol_by_symbol_where_there_is_no_joint_stream():
    has = {"watchBidsAsks": True, "watchTrades": True}
    _, events = Rig(FakeExchange({"watch_trades": [[TRADE]]}, has)).read(1)
    assert type(events[0]) is TradePrint


def test_trades_are_left_out_when_not_wanted():
    scripts = {
        "watch_bids_asks": [{"BTC/USDT": TICKER}] * 3,
        "watch_trades_for_symbols": [[TRADE]] * 3,
    }
    _, events = Rig(FakeExchange(scripts)).read(3, trades=False)
    assert {type(event) for event in events} == {Quote}


@pytest.mark.parametrize("bad", [None, math.nan, math.inf, "", "x", [], True])
def test_what_is_no_number_is_dropped_and_counted(bad):
    scripts = {
        "watch_bids_asks": [
            {"BTC/USDT": TICKER | {"bid": bad}},
            {"BTC/USDT": TICKER | {"askVolume": bad}},
            {"BTC/USDT": TICKER},
        ],
        "watch_trades_for_symbols": [[TRADE | {"price": bad}, TRADE | {"side": None}]],
    }
    feed, events = Rig(FakeExchange(scripts)).read(1)
    assert len(events) == 1
    assert feed.dropped["quote incomplete or not finite"] == 2
    assert feed.dropped["trade incomplete or not finite"] == 2


def test_a_symbol_that_was_not_asked_for_is_dropped():
    scripts = {"watch_bids_asks": [{"X/Y": TICKER | {"symbol": "X/Y"}}, {"BTC/USDT": TICKER}]}
    feed, events = Rig(FakeExchange(scripts)).read(1)
    assert [event.instrument_id for event in events] == ["BTC/USDT@fake"]
    assert feed.dropped == {"unknown symbol": 1}


@pytest.mark.parametrize(
    "fault",
    [
        ccxt.NetworkError("closed by remote server, closing code 1006"),
        ccxt.RequestTimeout("ping-pong keepalive missing on time"),
        ccxt.ExchangeError("maintenance"),
        ccxt.ChecksumError("depth gap"),
        OSError("reset"),
        KeyError("b"),
        TypeError("'NoneType' object is not subscriptable"),
        ValueError("Expecting value"),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_any_fault_gets_a_new_exchange_after_a_pause(fault):
    broken = FakeExchange({"watch_bids_asks": [{"BTC/USDT": TICKER}, fault]})
    fresh = FakeExchange({"watch_bids_asks": [{"BTC/USDT": TICKER | {"bid": 99.0}}]})
    rig = Rig(broken, fresh)
    feed, events = rig.read(2)
    assert [event.bid for event in events] == [100.0, 99.0]
    assert broken.closed == 1
    assert fresh.markets == broken.markets, "no second download of the markets"
    assert rig.slept == [0.5]
    assert feed.reconnects == 1


def test_one_dead_stream_of_several_is_noticed():
    broken = FakeExchange({"watch_trades_for_symbols": [ccxt.NetworkError("gone")]})
    fresh = FakeExchange({"watch_bids_asks": [{"BTC/USDT": TICKER}]})
    assert len(Rig(broken, fresh).read(1)[1]) == 1
    assert broken.closed == 1


def test_silence_is_a_fault():
    silent = FakeExchange({})
    fresh = FakeExchange({"watch_bids_asks": [{"BTC/USDT": TICKER}]})
    feed, events = Rig(silent, fresh).read(1, stale_s=0.05)
    assert len(events) == 1
    assert feed.reconnects == 1


def test_the_pause_doubles_while_it_fails_and_starts_over_after_a_success():
    dead = [FakeExchange({"watch_bids_asks": [ccxt.NetworkError("no")]}) for _ in range(4)]
    alive = FakeExchange({"watch_bids_asks": [{"BTC/USDT": TICKER}, ccxt.NetworkError("no")]})
    last = FakeExchange({"watch_bids_asks": [{"BTC/USDT": TICKER}]})
    rig = Rig(*dead, alive, last)
    rig.read(2)
    assert rig.slept == [0.5, 1.0, 2.0, 4.0, 0.5]


def test_the_pause_has_a_ceiling_and_is_spread():
    assert backoff_s(10_000, 0.5) == 30.0
    assert backoff_s(1, 0.0) == 0.25
    assert backoff_s(1, 0.999) < 0.75


def test_a_failing_close_is_of_no_interest():
    class Stubborn(FakeExchange):
        async def close(self):
            self.closed += 1
            raise OSError("already gone")

    broken = Stubborn({"watch_bids_asks": [ccxt.NetworkError("no")]})
    fresh = FakeExchange({"watch_bids_asks": [{"BTC/USDT": TICKER}]})
    assert len(Rig(broken, fresh).read(1)[1]) == 1


def test_a_reader_that_is_far_behind_gets_the_newest():
    many = {str(i): TICKER | {"bid": float(i)} for i in range(1, WAITING_MAX + 11)}
    _, events = Rig(FakeExchange({"watch_bids_asks": [many]})).read(1)
    assert len(events) == WAITING_MAX
    assert events[-1].bid == WAITING_MAX + 10


def test_a_venue_that_cannot_be_reached_says_so_and_is_closed():
    exchange = FakeExchange({"load_markets": [ccxt.ExchangeNotAvailable("451")]})
    with pytest.raises(VenueUnavailable, match="fake: ExchangeNotAvailable"):
        Rig(exchange).read(1)
    assert exchange.closed == 1


def test_symbols_the_venue_does_not_list_are_named():
    exchange = FakeExchange({}, markets={"ETH/USDT": MARKET | {"symbol": "ETH/USDT"}})
    with pytest.raises(ConfigError, match="fake lists none of BTC/USDT"):
        Rig(exchange).read(1)
    assert exchange.closed == 1


def history(bars):
    async def reading():
        rig = Rig(FakeExchange({}, bars=bars))
        given = LiveOptions(venue="fake", symbols=("BTC/USDT",))
        feed = await open_feed(given, rig.make, Edge(now_ns=lambda: NOW))
        return feed, await feed.history(3)

    return asyncio.run(reading())


def test_history_holds_closed_sound_bars_only():
    minute = 60_000
    rows = [[NOW_MS - i * minute, 2.0, 4.0, 1.0, 3.0, 7.0] for i in range(6, -1, -1)]
    rows[-2][4] = None
    rows[-4][2] = 0.5
    feed, found = history(rows)
    bars = found["BTC/USDT@fake"]
    assert [(NOW - bar.venue_time_ns) // 60_000_000_000 for bar in bars] == [1]
    assert (bars[0].open, bars[0].high, bars[0].low, bars[0].close) == (2.0, 4.0, 1.0, 3.0)
    assert sum(feed.dropped.values()) == 2


def test_history_that_does_not_come_is_no_history():
    assert history(ccxt.BadSymbol("x"))[1] == {}


def test_ccxt_notices_a_dead_socket_within_half_a_minute():
    for venue in ("binance", "kraken"):
        exchange = public_exchange(venue)
        assert exchange.streaming["keepAlive"] <= KEEP_ALIVE_MS
        assert exchange.newUpdates
        assert not exchange.apiKey
    with pytest.raises(ConfigError, match="venue 'nowhere' is not known"):
        public_exchange("nowhere")


def test_what_ccxt_itself_parses_from_a_book_ticker_becomes_a_quote():
    """Binance's wire message through ccxt's own parser, without a network."""
    exchange = public_exchange("binance")
    market = exchange.safe_market_structure(MARKET | {"id": "BTCUSDT", "type": "spot"})
    exchange.set_markets({"BTC/USDT": market})
    wire = {"u": 1, "s": "BTCUSDT", "b": "100.01", "B": "1.5", "a": "100.02", "A": "2.5"}
    ticker = exchange.parse_ws_ticker(wire | {"e": "bookTicker"}, "spot")
    _, events = Rig(FakeExchange({"watch_bids_asks": [{"BTC/USDT": ticker}]})).read(1)
    assert (events[0].bid, events[0].ask) == (100.01, 100.02)
    assert (events[0].bid_size, events[0].ask_size) == (1.5, 2.5)
    assert abs(events[0].venue_time_ns) > 0


def test_connecting_takes_a_venue_and_symbols(monkeypatch):
    exchange = FakeExchange({})
    monkeypatch.setattr("tradewinds.gateways.ccxt_feed.public_exchange", lambda _: exchange)
    feed = asyncio.run(CcxtFeed.connect("fake", ["BTC/USDT"]))
    assert [instrument.id for instrument in feed.instruments] == ["BTC/USDT@fake"]
