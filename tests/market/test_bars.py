from hypothesis import given
from hypothesis import strategies as st

from tradewinds.market.bars import GRACE_NS, BarBuilder, Resampler
from tradewinds.market.merge import merge_events
from tradewinds.model.market import Bar, Quote, Side, TradePrint
from tradewinds.model.timeframes import MINUTE_NS, SECOND_NS
from tradewinds.model.validity import invalidity

T0 = 1_704_067_200 * SECOND_NS
ID = "BTC/USDT@binance"


def printed(seconds, price=100.0, size=1.0, id_=ID):
    at = T0 + int(seconds * SECOND_NS)
    return TradePrint(
        instrument_id=id_,
        price=price,
        size=size,
        aggressor=Side.BUY,
        print_id="",
        venue_time_ns=at,
        received_time_ns=at + 5,
    )


def quoted(seconds, bid, ask):
    at = T0 + int(seconds * SECOND_NS)
    return Quote(
        instrument_id=ID,
        bid=bid,
        ask=ask,
        bid_size=1.0,
        ask_size=1.0,
        venue_time_ns=at,
        received_time_ns=at,
    )


def small_bar(minute, price=100.0, minutes=1):
    open_ns = T0 + minute * MINUTE_NS
    close_ns = open_ns + minutes * MINUTE_NS
    return Bar(
        instrument_id=ID,
        timeframe_ns=minutes * MINUTE_NS,
        open_time_ns=open_ns,
        open=price,
        high=price + 2,
        low=price - 2,
        close=price + 1,
        volume=3.0,
        venue_time_ns=close_ns,
        received_time_ns=close_ns,
    )


def built(events):
    builder = BarBuilder(MINUTE_NS)
    return [bar for event in events if (bar := builder.add(event)) is not None], builder


def test_trades_make_a_bar_that_the_next_interval_closes():
    first = [printed(-1), printed(0, 100, 2), printed(10, 105), printed(20, 95), printed(59.9, 98)]
    bars, _ = built([*first, printed(61)])
    assert bars == [
        Bar(
            instrument_id=ID,
            timeframe_ns=MINUTE_NS,
            open_time_ns=T0,
            open=100,
            high=105,
            low=95,
            close=98,
            volume=5.0,
            venue_time_ns=T0 + MINUTE_NS,
            received_time_ns=T0 + 61 * SECOND_NS + 5,
        )
    ]


def test_quotes_count_with_their_mid_and_no_volume():
    bars, _ = built([quoted(-1, 1, 2), quoted(0, 99, 101), quoted(30, 103, 105), quoted(60, 1, 2)])
    assert [(bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars] == [
        (100, 104, 100, 104, 0.0)
    ]


def test_the_interval_joined_midway_gives_no_bar():
    bars, builder = built([printed(30), printed(45), printed(60), printed(120)])
    assert [bar.open_time_ns for bar in bars] == [T0 + MINUTE_NS]
    assert builder.ignored == 2


def test_an_interval_without_events_has_no_bar():
    bars, _ = built([printed(-1), printed(1), printed(301), printed(361)])
    assert [(bar.open_time_ns - T0) // MINUTE_NS for bar in bars] == [0, 5]


def test_a_late_event_changes_no_closed_bar():
    events = [printed(-1), printed(1), printed(61), printed(59, 1e6), printed(121)]
    bars, builder = built(events)
    assert max(bar.high for bar in bars) == 100.0
    assert builder.ignored == 2


def test_time_alone_closes_a_bar_after_a_grace():
    _, builder = built([printed(-1), printed(1), printed(2, id_="A/B@x")])
    end = T0 + MINUTE_NS
    assert builder.advance(end) == []
    assert builder.advance(end + GRACE_NS - 1) == []
    closed = builder.advance(end + GRACE_NS)
    assert [(bar.instrument_id, bar.received_time_ns - end) for bar in closed] == [(ID, GRACE_NS)]
    assert builder.add(printed(59)) is None
    assert builder.advance(end + GRACE_NS) == []


@given(
    st.lists(
        st.tuples(st.floats(-100, 1000), st.floats(0.01, 1e6), st.sampled_from([ID, "A/B@x"])),
        max_size=60,
    )
)
def test_no_bar_is_unclosed_unsound_or_told_twice(moves):
    events = [printed(at, price, id_=id_) for at, price, id_ in moves]
    now, seen = 0, set()
    builder = BarBuilder(MINUTE_NS)
    for event in events:
        now = max(now, event.received_time_ns)
        bar = builder.add(event)
        if bar is not None:
            assert invalidity(bar) is None
            assert bar.venue_time_ns <= event.venue_time_ns
            key = (bar.instrument_id, bar.open_time_ns)
            assert key not in seen
            seen.add(key)


def test_small_bars_make_a_large_one_with_the_last_of_them():
    resampler = Resampler(5 * MINUTE_NS)
    made = [resampler.add(small_bar(minute, 100.0 + minute)) for minute in range(6)]
    assert [len(bars) for bars in made] == [0, 0, 0, 0, 1, 0]
    large = made[4][0]
    assert (large.open, large.high, large.low, large.close) == (100.0, 106.0, 98.0, 105.0)
    assert large.volume == 15.0
    assert large.venue_time_ns == large.received_time_ns == T0 + 5 * MINUTE_NS


def test_a_large_bar_joined_midway_is_never_told():
    resampler = Resampler(5 * MINUTE_NS)
    made = [bar for minute in range(2, 10) for bar in resampler.add(small_bar(minute))]
    assert [(bar.open_time_ns - T0) // MINUTE_NS for bar in made] == [5]


def test_after_a_gap_the_large_bar_comes_with_the_next_small_one():
    resampler = Resampler(5 * MINUTE_NS)
    minutes = (0, 1, 7, 9)
    made = {minute: resampler.add(small_bar(minute)) for minute in minutes}
    assert [len(made[minute]) for minute in minutes] == [0, 0, 1, 1]
    assert made[7][0].received_time_ns == T0 + 8 * MINUTE_NS
    assert made[9][0].open_time_ns == T0 + 5 * MINUTE_NS


def test_an_older_small_bar_changes_nothing():
    resampler = Resampler(5 * MINUTE_NS)
    for minute in (0, 1, 2, 3, 4, 5):
        resampler.add(small_bar(minute))
    assert resampler.add(small_bar(3, 1e6)) == []
    made = [bar for minute in (6, 7, 8, 9) for bar in resampler.add(small_bar(minute))]
    assert made[0].high == 102.0


def test_merging_keeps_order_and_ties_go_to_the_first_source():
    first = [printed(0), printed(2), printed(4)]
    second = [printed(0, 1.0), printed(0, 2.0), printed(3), printed(4, 3.0)]
    merged = list(merge_events(first, second))
    assert merged == [first[0], second[0], second[1], first[1], second[2], first[2], second[3]]
    assert list(merge_events()) == []
