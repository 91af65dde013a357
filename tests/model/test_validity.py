import math

import pytest
from msgspec.structs import replace

from tradewinds.model.market import Bar, BookDelta, FundingRate, MarkPrice, Quote, Side, TradePrint
from tradewinds.model.validity import INVALIDITY, invalidity

T = 1_723_161_254_206_652_067
ID = "BTC/USDT@binance"
TIMES = {"instrument_id": ID, "venue_time_ns": T, "received_time_ns": T}
QUOTE = Quote(bid=99.0, ask=101.0, bid_size=1.0, ask_size=2.0, **TIMES)
PRINT = TradePrint(price=1.0, size=1.0, aggressor=Side.BUY, print_id="1", **TIMES)
BAR = Bar(timeframe_ns=60, open_time_ns=T - 60, open=2, high=3, low=1, close=2, volume=0, **TIMES)
BOOK = BookDelta(
    bids=((9.0, 1.0), (8.0, 0.0)),
    asks=((10.0, 1.0),),
    snapshot=True,
    first_update_id=1,
    last_update_id=2,
    **TIMES,
)
MARK = MarkPrice(price=1.0, **TIMES)
FUNDING = FundingRate(rate=-0.0001, **TIMES)
NOT_NUMBERS = (math.nan, math.inf, -math.inf)


@pytest.mark.parametrize("event", [QUOTE, PRINT, BAR, BOOK, MARK, FUNDING], ids=type)
def test_a_sound_event_passes(event):
    assert invalidity(event) is None


def test_every_kind_of_market_data_has_its_check():
    assert set(INVALIDITY) == {Quote, TradePrint, Bar, BookDelta, MarkPrice, FundingRate}


@pytest.mark.parametrize(
    ("event", "field"),
    [
        *((QUOTE, name) for name in ("bid", "ask", "bid_size", "ask_size")),
        *((PRINT, name) for name in ("price", "size")),
        *((BAR, name) for name in ("open", "high", "low", "close", "volume")),
        (MARK, "price"),
        (FUNDING, "rate"),
    ],
)
def test_no_field_may_be_nan_infinite_or_negative(event, field):
    for value in (*NOT_NUMBERS, -1.0):
        assert invalidity(replace(event, **{field: value})) is not None


@pytest.mark.parametrize(
    ("event", "field"),
    [*((QUOTE, name) for name in ("bid", "ask", "bid_size", "ask_size")), (PRINT, "size")],
)
def test_zero_is_no_price_and_no_size(event, field):
    assert invalidity(replace(event, **{field: 0.0})) is not None


def test_a_crossed_or_locked_quote_is_named():
    assert invalidity(replace(QUOTE, bid=102.0)) == "crossed or locked"
    assert invalidity(replace(QUOTE, bid=101.0)) == "crossed or locked"


@pytest.mark.parametrize(
    "changed", [{"low": 2.5}, {"high": 1.5}, {"open": 4.0}, {"close": 0.5}, {"low": 4.0}]
)
def test_a_bar_out_of_order_is_refused(changed):
    assert invalidity(replace(BAR, **changed)) is not None


def test_a_bar_that_is_not_told_at_its_close_is_refused():
    assert invalidity(replace(BAR, open_time_ns=T)) == "bar time is not its close"
    assert invalidity(replace(BAR, timeframe_ns=0, open_time_ns=T)) == "bar time is not its close"


@pytest.mark.parametrize("event", [QUOTE, PRINT, BAR, BOOK, MARK, FUNDING], ids=type)
@pytest.mark.parametrize("time_ns", [0, -1, T // 10**9, T // 10**6, T * 1000])
def test_a_time_in_the_wrong_unit_is_absurd(event, time_ns):
    assert invalidity(replace(event, received_time_ns=time_ns)) == "absurd time"
    changed = {"venue_time_ns": time_ns} | ({"open_time_ns": time_ns - 60} if event is BAR else {})
    assert invalidity(replace(event, **changed)) == "absurd time"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"bids": ((math.nan, 1.0),)}, "level not a price and a size"),
        ({"asks": ((10.0, math.inf),)}, "level not a price and a size"),
        ({"asks": ((10.0, -1.0),)}, "level not a price and a size"),
        ({"bids": ((0.0, 1.0),)}, "level not a price and a size"),
        ({"bids": ()}, "empty or impossible book side"),
        ({"bids": ((9.0, 1.0), (10.0, 1.0))}, "crossed or locked"),
        ({"first_update_id": 3}, "update ids reversed"),
    ],
)
def test_a_bad_book_is_refused(changed, why):
    assert invalidity(replace(BOOK, **changed)) == why


def test_a_delta_may_change_one_side_only():
    assert invalidity(replace(BOOK, snapshot=False, bids=())) is None
