import gzip
import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewinds.gateways.binance_frames import FrameDecoder, decoder_for
from tradewinds.market.replay import ReplayFeed
from tradewinds.market.selection import Selection
from tradewinds.model.market import Bar, BookDelta, FundingRate, MarkPrice, Quote, Side, TradePrint
from tradewinds.model.timeframes import MINUTE_NS
from tradewinds.model.validity import invalidity

NOW = 1_723_161_254_000_000_000
E_MS = 1_723_161_255_208
E_NS = E_MS * 1_000_000
ID = "BTC/USDT@binance"

TICKER = {"u": 5, "s": "BTCUSDT", "b": "61837.63", "B": "3.78", "a": "61837.64", "A": "1.54"}
DEPTH = {
    "e": "depthUpdate",
    "E": E_MS,
    "s": "BTCUSDT",
    "U": 10,
    "u": 12,
    "b": [["61837.63", "0.00"], ["61830.17", "1.5"]],
    "a": [],
}
SNAPSHOT = {"lastUpdateId": 9, "bids": [["61837.63", "1"]], "asks": [["61837.64", "2"]]}
TRADE = {
    "e": "trade",
    "E": E_MS,
    "s": "BTCUSDT",
    "t": 77,
    "p": "61837.63",
    "q": "0.02",
    "T": E_MS - 1,
    "m": True,
    "M": True,
}
AGG = {
    "e": "aggTrade",
    "E": E_MS,
    "s": "BTCUSDT",
    "a": 8,
    "p": "2",
    "q": "3",
    "T": E_MS,
    "m": False,
}
KLINE = {
    "e": "kline",
    "E": E_MS,
    "s": "BTCUSDT",
    "k": {
        "t": 1_723_161_240_000,
        "T": 1_723_161_299_999,
        "i": "1m",
        "o": "2",
        "h": "4",
        "l": "1",
        "c": "3",
        "v": "7",
        "x": True,
    },
}
MARK = {"e": "markPriceUpdate", "E": E_MS, "s": "BTCUSDT", "p": "2", "r": "0.0001", "T": E_MS + 5}
ALL = (TICKER, DEPTH, SNAPSHOT, TRADE, AGG, KLINE, MARK)


def wire(message, stream=None):
    data = json.dumps(message, separators=(",", ":"))
    return (f'{{"stream":"{stream}","data":{data}}}' if stream else data).encode()


def decoded(*messages, now=NOW, decoder=None):
    decoder = decoder or FrameDecoder({"BTCUSDT": ID})
    frames = [m if isinstance(m, bytes) else wire(m) for m in messages]
    return [event for frame in frames for event in decoder.decode(frame, now)], decoder


def test_a_book_ticker_is_a_quote_at_its_arrival():
    events, decoder = decoded(TICKER)
    assert events == [
        Quote(
            instrument_id=ID,
            bid=61837.63,
            ask=61837.64,
            bid_size=3.78,
            ask_size=1.54,
            venue_time_ns=NOW,
            received_time_ns=NOW,
        )
    ]
    assert decoder.counts == {"bookTicker": 1}


def test_a_perpetuals_book_ticker_states_its_time():
    events, _ = decoded(TICKER | {"e": "bookTicker", "E": E_MS, "T": E_MS})
    assert (events[0].venue_time_ns, events[0].received_time_ns) == (E_NS, NOW)


def test_a_quote_without_a_time_is_not_older_than_what_came_before_it():
    """Our clock may lag the venue's; a recorded one did by more than a second."""
    events, _ = decoded(TRADE, TICKER)
    assert events[1].venue_time_ns == E_NS
    assert events[1].received_time_ns == NOW


def test_an_absurd_venue_time_does_not_stick():
    events, _ = decoded(TRADE | {"E": 4_000_000_000_000}, TICKER)
    assert events[1].venue_time_ns == NOW
    (print_,), _ = decoded(TRADE | {"T": 10**30, "E": -(10**30)})
    assert invalidity(print_) == "absurd time"


def test_depth_is_a_delta_and_the_answer_of_the_endpoint_a_snapshot():
    (delta, snapshot), _ = decoded(DEPTH, SNAPSHOT)
    assert delta == BookDelta(
        instrument_id=ID,
        bids=((61837.63, 0.0), (61830.17, 1.5)),
        asks=(),
        snapshot=False,
        first_update_id=10,
        last_update_id=12,
        venue_time_ns=E_NS,
        received_time_ns=NOW,
    )
    assert snapshot.snapshot
    assert snapshot.bids == ((61837.63, 1.0),)
    assert snapshot.first_update_id == snapshot.last_update_id == 9
    assert snapshot.venue_time_ns == E_NS, "not before the delta that came before it"


def test_when_the_buyer_was_the_maker_the_seller_took():
    (trade, aggregate), _ = decoded(TRADE, AGG)
    assert trade == TradePrint(
        instrument_id=ID,
        price=61837.63,
        size=0.02,
        aggressor=Side.SELL,
        print_id="77",
        venue_time_ns=E_NS - 1_000_000,
        received_time_ns=NOW,
    )
    assert (aggregate.aggressor, aggregate.print_id) == (Side.BUY, "a8")


def test_a_fill_away_from_the_book_is_no_print():
    events, decoder = decoded(TRADE | {"X": "INSURANCE_FUND"})
    assert events == []
    assert decoder.dropped == {"trade off the book": 1}


def test_a_closed_kline_is_a_bar_and_a_growing_one_is_not():
    events, decoder = decoded(KLINE, KLINE | {"k": KLINE["k"] | {"x": False}})
    open_ns = 1_723_161_240_000_000_000
    assert events == [
        Bar(
            instrument_id=ID,
            timeframe_ns=MINUTE_NS,
            open_time_ns=open_ns,
            open=2,
            high=4,
            low=1,
            close=3,
            volume=7,
            venue_time_ns=open_ns + MINUTE_NS,
            received_time_ns=NOW,
        )
    ]
    assert decoder.dropped == {"bar not closed": 1}


def test_funding_is_told_when_it_is_due_with_the_last_announced_rate():
    later = MARK | {"E": E_MS + 10, "r": "0.0009", "T": E_MS + 100}
    events, _ = decoded(MARK, MARK | {"E": E_MS + 1, "r": "0.0002"}, later, later)
    assert [type(event) for event in events] == [
        MarkPrice,
        MarkPrice,
        MarkPrice,
        FundingRate,
        MarkPrice,
    ]
    assert events[3].rate == 0.0002
    assert events[3].venue_time_ns == E_NS + 5_000_000


@pytest.mark.parametrize("message", ALL, ids=lambda m: m.get("e", "?"))
def test_a_combined_stream_and_another_order_of_keys_change_nothing(message):
    plain, _ = decoded(message)
    stream = "btcusdt@bookTicker" if message is TICKER else "btcusdt@x"
    assert len(plain) >= 1
    turned = dict(reversed(message.items()))
    kinds = [wire(message, stream)]
    if "e" in message:
        kinds += [wire(turned), wire(turned, stream), wire({"data": message, "stream": stream})]
    for frame in kinds:
        assert decoded(frame)[0] == plain


@pytest.mark.parametrize("bad", ["NaN", "", "inf", "-Infinity", None, [], {}, True, "1,5", "0x1"])
@pytest.mark.parametrize(
    ("message", "field"),
    [(TICKER, "b"), (TICKER, "A"), (TRADE, "p"), (TRADE, "q"), (MARK, "p"), (AGG, "q")],
)
def test_what_is_no_number_is_dropped_and_counted(message, field, bad):
    events, decoder = decoded(message | {field: bad})
    assert events == []
    assert sum(decoder.dropped.values()) == 1


@pytest.mark.parametrize("bad", ["NaN", "", "inf", None, []])
def test_a_level_that_is_no_number_drops_the_whole_book_message(bad):
    for message, side in ((DEPTH, "b"), (SNAPSHOT, "asks")):
        events, decoder = decoded(message | {side: [["1", "2"], [bad, "1"]]})
        assert events == []
        assert sum(decoder.dropped.values()) == 1


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"42",
        b"\xff\xfe",
        b'{"e":"trade"',
        b'{"e":"trade"}trailing',
        b'{"stream":"x","data":null}',
        b'{"stream":"x"}',
        b'{"result":null,"id":1}',
        b'{"e":"serverShutdown","E":1}',
        b'{"e":"depthUpdate","E":"x"}',
        b'{"data":' * 5_000 + b"1" + b"}" * 5_000,
        b"[" * 100_000,
        wire(TRADE | {"s": "NOBODYUSDT"}),
        wire(TRADE | {"s": "这是测试币456"}),
    ],
)
def test_nothing_a_venue_sends_raises(frame):
    events, decoder = decoded(frame)
    assert events == []
    assert sum(decoder.dropped.values()) == 1


@given(st.binary(max_size=80), st.sampled_from(ALL), st.integers(0, 120))
def test_a_damaged_frame_never_raises(junk, message, at):
    frame = wire(message)
    decoded(frame[:at] + junk + frame[at + len(junk) :])


def test_a_snapshot_among_several_symbols_belongs_to_nobody():
    events, decoder = decoded(SNAPSHOT, decoder=FrameDecoder({"BTCUSDT": ID, "ETHUSDT": "x"}))
    assert events == []
    assert decoder.dropped == {"snapshot without a symbol": 1}


def test_without_an_arrival_time_the_venues_time_is_taken():
    events, _ = decoded(TRADE, DEPTH, TICKER, now=0)
    assert [event.received_time_ns for event in events] == [E_NS - 1_000_000, E_NS, E_NS]


def test_a_recording_tells_spot_from_perpetuals():
    perpetual = decoder_for([wire(DEPTH | {"pu": 9}), wire(TRADE)])
    assert perpetual(wire(TRADE), NOW)[0].instrument_id == "BTC/USDT:USDT@binance"
    assert decoder_for([wire(DEPTH | {"s": "ETHUSDT"})])(wire(TRADE), NOW) == ()
    assert decoder_for([wire(DEPTH)])(wire(DEPTH), NOW)[0].instrument_id == ID


def test_every_recorded_frame_becomes_one_sound_event(recorded):
    """Uses ../shared/data/ticks_raw."""
    kinds, frames = Counter(), 0
    for path in sorted((recorded / "ticks_raw").glob("*.gz")):
        with gzip.open(path) as lines:
            pairs = [line.rstrip(b"\n").split(b" ", 1) for line in lines]
        decode = decoder_for([frame for _, frame in pairs[:4_000]])
        for arrived, frame in pairs:
            for event in decode(frame, int(arrived)):
                assert invalidity(event) is None
                kinds[type(event)] += 1
        frames += len(pairs)
        assert not decode.__self__.dropped
    assert frames == 193_528
    assert kinds == {Quote: 139_263, TradePrint: 41_217, BookDelta: 13_048}


def test_recorded_frames_replay_as_a_feed(recorded):
    """Uses ../shared/data/ticks_raw."""
    path = recorded / "ticks_raw" / "binance_usdm_btcusdt_20240808.gz"
    feed = ReplayFeed(path, Selection(), make_decoder=decoder_for)
    assert [(i.id, str(i.tick_size)) for i in feed.instruments] == [
        ("BTC/USDT:USDT@binance", "0.1")
    ]
    assert sum(map(len, feed.blocks())) == 93_954
