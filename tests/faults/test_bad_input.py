"""Rows A of the scorecard: bad market data is dropped, counted, journalled; no order from it."""

import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tradewinds.model import events as ev
from tradewinds.model.commands import CancelOrder, RecordRefusal, SubmitOrder
from tradewinds.model.ids import InstrumentId
from tradewinds.model.instrument import InstrumentStatus
from tradewinds.model.market import Bar, BookDelta, MarkPrice, Quote, Side, TradePrint
from tradewinds.model.order import Purpose
from tradewinds.model.portfolio import TradingState
from tradewinds.store.payload import decode, encode

BTC = InstrumentId("BTC/USDT@sim")
SECOND = 1_000_000_000
NONSENSE = [math.nan, math.inf, -math.inf, -1.0, 0.0]


def ready(rig: Any) -> Any:
    """A rig with a price, and a wish to enter that the next sound event will carry out."""
    rig.quote()
    rig.enter()
    return rig


def assert_dropped(rig: Any, kind: str, seen: int = 1) -> None:
    """The wish is still pending, the input is journalled with its anomaly, and nothing was sent."""
    assert rig.strategy.say, "the strategy was shown bad data"
    assert rig.strategy.seen == seen
    assert rig.anomalies() == {kind: 1}
    assert not rig.of(SubmitOrder)
    assert decode(encode(rig.journal.entries[-2:]))
    rig.strategy.say.clear()
    rig.quote()
    rig.pass_time(1.1)
    rig.enter()
    rig.quote()
    assert len(rig.of(SubmitOrder)) == 1, "sound data goes on being traded"


@pytest.mark.parametrize("field", ["bid", "ask", "bid_size", "ask_size"])
@pytest.mark.parametrize("value", NONSENSE)
def test_a1_a_quote_that_is_no_number_or_none_to_trade_at(
    rig: Any, field: str, value: float
) -> None:
    ready(rig).quote(**{field: value})
    assert_dropped(rig, "bad_quote")


@pytest.mark.parametrize("field", ["open", "high", "low", "close", "volume"])
@pytest.mark.parametrize("value", NONSENSE[:-1])
def test_a1_a_bar_that_is_no_number(rig: Any, field: str, value: float) -> None:
    ready(rig).bar(**{field: value})
    assert_dropped(rig, "bad_bar")


@pytest.mark.parametrize("value", NONSENSE)
def test_a1_prints_marks_and_books_that_are_no_numbers(rig: Any, value: float) -> None:
    ready(rig)
    times = {"instrument_id": BTC, "venue_time_ns": rig.now, "received_time_ns": rig.now}
    book = {"snapshot": False, "first_update_id": 0, "last_update_id": 0, **times}
    printed = {"aggressor": Side.BUY, "print_id": "1", **times}
    rig.driver.market(TradePrint(price=value, size=1.0, **printed))
    rig.driver.market(TradePrint(price=1.0, size=value, **printed))
    rig.driver.market(MarkPrice(price=value, **times))
    rig.driver.market(BookDelta(bids=((value, 1.0),), asks=(), **book))
    assert rig.anomalies() == {"bad_tradeprint": 2, "bad_markprice": 1, "bad_bookdelta": 1}
    assert not rig.of(SubmitOrder)


@pytest.mark.parametrize("factor", [10.0, 0.1])
def test_a2_one_tick_of_another_size_opens_nothing_and_moves_no_stop(
    manual: Any, factor: float
) -> None:
    for each in ("BTC/USDT@sim", "ETH/USDT@sim"):
        manual.quote(InstrumentId(each))
    manual.enter()
    manual.quote()
    (entry,) = manual.submitted(Purpose.ENTER)
    manual.accepted(entry)
    manual.filled(entry)
    (stop,) = manual.submitted(Purpose.STOP)
    manual.accepted(stop)
    manual.enter(InstrumentId("ETH/USDT@sim"))
    manual.enter()
    sent, equity = len(manual.submitted()), manual.engine.floor.portfolio.equity()
    manual.quote(mid=20_000.0 * factor)
    (refused,) = manual.of(RecordRefusal)
    assert refused.refusal.instrument_id == BTC, "the one in the instrument that jumped"
    assert manual.engine.floor.portfolio.equity() == equity, "not valued by a lone jump"
    manual.quote()
    manual.pass_time(2)
    assert manual.state is TradingState.ACTIVE, "neither a peak nor a loss was real"
    assert len(manual.submitted()) == sent + 1, "ETH was not suspect"
    assert not manual.of(CancelOrder)
    assert next(o for o in manual.working if o.approved is stop).approved.trigger_price == 19400
    manual.check()


def test_a2_a_jump_that_others_confirm_is_believed(rig: Any) -> None:
    rig.quote()
    for _ in range(4):
        assert rig.engine.floor.board.mid(BTC) == pytest.approx(20_000.0)
        rig.quote(mid=30_000.0)
    assert rig.engine.floor.board.mid(BTC) == pytest.approx(30_000.0)
    rig.enter(stop=1.45)
    rig.quote(mid=30_000.0)
    assert len(rig.of(SubmitOrder)) == 1


def test_a4_a_silent_feed_stops_new_risk_and_comes_back(rig: Any) -> None:
    trade = rig.position()
    rig.pass_time(29)
    assert rig.state is TradingState.ACTIVE
    rig.pass_time(5)
    assert (rig.state, rig.reason) == (TradingState.REDUCING, "no market data")
    assert rig.engine.floor.portfolio.orders.working_of(trade.trade_id), "its stop still rests"
    rig.quote()
    rig.pass_time(1.1)
    assert rig.state is TradingState.ACTIVE
    rig.check()


def test_a4_one_silent_instrument_is_not_entered(rig: Any) -> None:
    rig.quote()
    rig.now += 11 * SECOND
    rig.quote(InstrumentId("ETH/USDT@sim"))
    rig.enter(BTC)
    rig.quote(InstrumentId("ETH/USDT@sim"))
    (refused,) = rig.of(RecordRefusal)
    assert refused.refusal.check == "market_fresh"
    assert "11.0 s old" in refused.refusal.reason


def test_a5_old_data_that_arrives_now_is_not_fresh(rig: Any) -> None:
    rig.now += 3600 * SECOND
    rig.enter()
    rig.quote(venue_time_ns=rig.now - 600 * SECOND)
    (refused,) = rig.of(RecordRefusal)
    assert refused.refusal.reason == "trading is reducing: no market data"
    assert not rig.of(SubmitOrder)


def test_a5_a_feed_that_starts_over_is_out_of_order(rig: Any) -> None:
    ready(rig).quote(venue_time_ns=rig.now - 5 * SECOND)
    assert_dropped(rig, "bad_quote")


def test_a5_a_time_in_the_future_is_dropped_and_does_not_make_the_rest_look_old(rig: Any) -> None:
    ready(rig).quote(venue_time_ns=rig.now + 3600 * SECOND)
    assert_dropped(rig, "bad_quote")


def test_a6_the_same_quote_twice_counts_once(rig: Any) -> None:
    ready(rig).quote(venue_time_ns=rig.now, received_time_ns=rig.now)
    assert_dropped(rig, "repeated_quote")


def test_a6_a_second_book_with_reversed_ids_is_dropped(rig: Any) -> None:
    delta = BookDelta(
        instrument_id=BTC,
        bids=((1.0, 1.0),),
        asks=(),
        snapshot=False,
        first_update_id=5,
        last_update_id=4,
        venue_time_ns=rig.now,
        received_time_ns=rig.now,
    )
    rig.driver.market(delta)
    rig.driver.market(replace(delta, snapshot=True, last_update_id=6))
    assert rig.anomalies() == {"bad_bookdelta": 2}


@pytest.mark.parametrize(
    "changes",
    [{"bid": 20_001.0, "ask": 20_000.0}, {"bid": 20_000.0, "ask": 20_000.0}, {"ask_size": 0.0}],
    ids=["crossed", "locked", "empty"],
)
def test_a7_a_book_that_cannot_be(rig: Any, changes: dict[str, float]) -> None:
    ready(rig).quote(**changes)
    assert_dropped(rig, "bad_quote")


def test_a7_a_bar_that_has_not_closed_is_not_looked_at(rig: Any) -> None:
    ready(rig).bar(received_time_ns=rig.now + 30 * SECOND)
    assert_dropped(rig, "bad_bar")


def test_a7_a_bar_whose_times_contradict_each_other(rig: Any) -> None:
    ready(rig).bar(open_time_ns=rig.now)
    assert_dropped(rig, "bad_bar")


def test_a7_a_bar_twice_counts_once_and_an_older_one_not_at_all(rig: Any) -> None:
    rig.bar()
    rig.bar()
    seen, at = rig.strategy.seen, rig.now
    again = {"open_time_ns": at - 60 * SECOND, "venue_time_ns": at, "received_time_ns": at}
    older = {k: v - 60 * SECOND for k, v in again.items() if k != "received_time_ns"}
    rig.bar(**again)
    rig.bar(**again | older)
    assert rig.strategy.seen == seen
    assert rig.anomalies() == {"repeated_bar": 1, "bad_bar": 1}


def test_a7_a_bar_without_volume_is_no_reason_to_trade(rig: Any) -> None:
    rig.enter()
    rig.bar(volume=0.0)
    (refused,) = rig.of(RecordRefusal)
    assert "visible" in refused.refusal.reason
    assert not rig.of(SubmitOrder)


def test_a7_missing_bars_are_missed_not_made_up(rig: Any) -> None:
    rig.bar()
    rig.now += 600 * SECOND
    rig.bar()
    assert rig.strategy.seen == 2
    assert rig.anomalies() == {}


@pytest.mark.parametrize("symbol", ["XYZ/USDT@sim", "", "这是测试币456/USDT@sim", "<b>" * 70])
def test_a8_an_instrument_nobody_listed(rig: Any, symbol: str) -> None:
    ready(rig).quote(BTC, instrument_id=InstrumentId(symbol))
    assert_dropped(rig, "unknown_instrument")


@pytest.mark.parametrize("status", [InstrumentStatus.HALTED, InstrumentStatus.CLOSE_ONLY])
def test_a10_a_halted_instrument_is_not_entered_and_still_closed(
    rig: Any, status: InstrumentStatus
) -> None:
    trade = rig.position()
    rig.inject(
        ev.InstrumentChanged(
            instrument=replace(rig.instruments[0], status=status),
            venue_time_ns=rig.now,
            received_time_ns=rig.now,
        )
    )
    rig.enter()
    rig.quote()
    assert [c.refusal.check for c in rig.of(RecordRefusal)] == ["instrument_tradable"]
    rig.leave(trade)
    rig.quote()
    rig.pass_time(0.5)
    assert rig.flat()
    rig.check()


def test_a_thousand_bad_events_close_an_instrument_for_entries_alone(rig: Any) -> None:
    trade = rig.position()
    for _ in range(999):
        rig.quote(bid=math.nan)
    rig.enter(InstrumentId("ETH/USDT@sim"))
    rig.quote()
    assert len(rig.submitted(Purpose.ENTER)) == 2
    rig.quote(bid=math.nan)
    rig.pass_time(0.2)
    rig.enter()
    rig.quote()
    (refused,) = rig.of(RecordRefusal)
    assert refused.refusal.reason == "instrument is close_only"
    assert rig.anomalies()["instrument_distrusted"] == 1
    journalled = sum(1 for kind, _, _ in rig.journal.entries if kind == "c")
    assert journalled < 100, "a flood of bad data is a trickle in the journal"
    rig.leave(trade)
    rig.quote()
    rig.pass_time(0.2)
    assert trade.trade_id not in rig.engine.floor.portfolio.trades
    rig.check()


def test_duplicates_alone_close_nothing(rig: Any) -> None:
    rig.quote()
    for _ in range(1500):
        last = rig.now
        rig.quote(venue_time_ns=last, received_time_ns=last)
        rig.now = last
    assert rig.anomalies() == {"repeated_quote": 1500}
    assert rig.engine.floor.board.slots[BTC].instrument.status is InstrumentStatus.TRADING


WILD = st.one_of(
    st.sampled_from([*NONSENSE, 1e308, 5e-324, 1e-12]),
    st.floats(0.5, 2.0).map(lambda share: share * 20_000.0),
)
SHIFT = st.sampled_from([0, 0, 0, 1, -1, 60, -60, 3600, -(10**9), 10**9])


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    data=st.lists(
        st.tuples(st.sampled_from([Quote, Bar]), st.lists(WILD, min_size=5, max_size=5), SHIFT),
        max_size=40,
    )
)
def test_v9_no_mixture_of_nonsense_crashes_or_breaks_the_books(
    make_rig: Any, data: list[tuple[type, list[float], int]]
) -> None:
    rig = make_rig()
    rig.position()
    for kind, (one, two, three, four, five), shift in data:
        rig.enter()
        later = rig.now + shift * SECOND
        if kind is Quote:
            rig.quote(bid=one, ask=two, bid_size=three, ask_size=four, venue_time_ns=later)
        else:
            rig.bar(open=one, high=two, low=three, close=four, volume=five)
        rig.pass_time(0.1)
    equity = rig.engine.floor.portfolio.equity()
    assert equity is not None
    assert equity.is_finite()
    rig.emergency()
    rig.quote()
    rig.pass_time(0.5)
    rig.quote()
    rig.check()


@pytest.mark.parametrize("factor", [10.0, 0.1, 0.75])
def test_a2_one_tick_of_another_size_triggers_no_stop_of_a_simulated_venue(
    rig: Any, factor: float
) -> None:
    """Neither a quote nor a print: no venue would have sold there."""
    trade = rig.position()
    rig.quote(mid=20_000.0 * factor)
    rig.driver.market(
        TradePrint(
            instrument_id=BTC,
            price=20_000.0 * factor,
            size=1.0,
            aggressor=Side.SELL,
            print_id="1",
            venue_time_ns=rig.now,
            received_time_ns=rig.now,
        )
    )
    rig.quote()
    rig.pass_time(2)
    assert [t.trade_id for t in rig.trades] == [trade.trade_id]
    assert [o.purpose for o in rig.sim.working_orders()] == [Purpose.STOP]
    assert rig.state is TradingState.ACTIVE
    rig.check()


def test_a2_a_fall_that_others_confirm_triggers_the_stop(rig: Any) -> None:
    rig.position()
    for _ in range(4):
        assert rig.trades
        rig.quote(mid=15_000.0)
    rig.pass_time(0.2)
    assert not rig.trades
    assert rig.state is TradingState.HALTED, "what the gap cost is more than a day may"
