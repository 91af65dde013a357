"""Short ways of bars and of the pulse: each gives what the long way gives, to the last byte."""

from decimal import Decimal
from math import inf, nan
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.engine.quick_stage import (
    LIMITS,
    MINUTE,
    SPOT,
    START,
    USDT,
    journal_of,
    slowly,
    take_bar_slowly,
)
from tradewinds.engine.board import CLOCKS_APART_NS, Board, Slot
from tradewinds.engine.lines import lines_of
from tradewinds.engine.portfolio import Portfolio
from tradewinds.ledger.ledger import Ledger
from tradewinds.market.synthetic_spec import synthetic_instruments
from tradewinds.model.decimals import ONE, ZERO, to_decimal
from tradewinds.model.ids import Asset, StrategyId
from tradewinds.model.ledger import LedgerState, Lot
from tradewinds.model.market import Bar
from tradewinds.risk.breaker import Breaker

PART = st.integers(-40, 40)
STEPS = st.lists(
    st.tuples(PART, PART, PART, PART, st.integers(0, 400), st.integers(0, 4), st.integers(0, 5)),
    min_size=5,
    max_size=60,
)
PRICES = st.one_of(
    st.floats(90.0, 110.0), st.sampled_from([0.0, -1.0, nan, inf, -inf, 60.0, 200.0, 1e-300])
)
TIMES = st.sampled_from([-MINUTE, 0, 1, MINUTE, CLOCKS_APART_NS, CLOCKS_APART_NS + 1, -START])
BARS = st.lists(
    st.tuples(
        st.integers(0, 6), st.tuples(PRICES, PRICES, PRICES, PRICES), PRICES, TIMES, TIMES,
        st.sampled_from([MINUTE, MINUTE, 5 * MINUTE, 0, -MINUTE]),
    ),
    max_size=12,
)  # fmt: skip
MONEY = st.decimals("-10000", "10000", places=6)
COINS = [i for i in synthetic_instruments() if i.quote in ("USDT", "BTC")]


@given(steps=STEPS, beat=st.sampled_from([1, 3, 5]))
@settings(max_examples=60, deadline=None)
def test_the_short_ways_write_the_same_journal(steps, beat):
    quick = journal_of(steps, beat)
    with slowly():
        assert quick == journal_of(steps, beat)


def bar_of(wish: Any) -> Bar:
    number, (low, open_, close, high), volume, late, off, length = wish
    if all(90.0 <= price <= 110.0 for price in (low, open_, close, high)) and number % 2:
        low, open_, close, high = sorted((low, open_, close, high))
    opened = START + number * MINUTE
    closed = opened + length + (off if number == 3 else 0)
    return Bar(
        instrument_id=SPOT.id,
        timeframe_ns=length,
        open_time_ns=opened,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=volume,
        venue_time_ns=closed,
        received_time_ns=closed - late if number != 5 else closed + late,
    )


def seen(slot: Slot) -> dict[str, Any]:
    return {name: repr(getattr(slot, name)) for name in Slot.__slots__}


@given(wishes=BARS, quoted=st.booleans())
@settings(max_examples=500, deadline=None)
def test_a_bar_is_taken_or_refused_as_if_asked_one_by_one(wishes, quoted):
    quick, slow = Slot(SPOT), Slot(SPOT)
    quick.quoted = slow.quoted = quoted
    board = Board(0.2)
    for bar in map(bar_of, wishes):
        assert board.take_bar(quick, bar) == take_bar_slowly(board, slow, bar)
        assert seen(quick) == seen(slow)


@given(
    held=st.dictionaries(
        st.sampled_from(["USDT", "BTC", "ETH", "SOL", "NOPE"]),
        st.decimals("-5", "100000", places=8) | st.just(ZERO) | st.just(Decimal("1E+3")),
    ),
    prices=st.lists(st.tuples(st.integers(0, 30), st.floats(0.0001, 1e5) | st.just(0.0))),
    perpetual=st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_equity_is_what_the_ledger_says_to_the_last_digit(held, prices, perpetual):
    board = Board(0.5)
    board.list_instruments(COINS)
    portfolio = Portfolio(USDT, board, LIMITS)
    lots = ()
    if perpetual:
        lot = Lot(
            strategy_id=StrategyId("s"),
            asset=Asset("BTC"),
            instrument_id=COINS[0].id,
            quantity=ONE,
            cost=ONE,
        )
        owed = structs.replace(lot, strategy_id=StrategyId("venue"), asset=USDT, cost=ONE)
        lots = (lot, owed)
    state = LedgerState(currency=USDT, balances=held, lots=lots, days=(), booked_ids=())
    slots = list(board.slots.values())

    def agree() -> None:
        quick, slow = portfolio.equity(), portfolio.ledger.equity(portfolio.rate, portfolio._mark)
        assert repr(quick) == repr(slow)

    agree()
    portfolio.ledger = Ledger.restore(state)
    agree()
    for place, price in prices:
        slots[place % len(slots)].mid = price
        agree()
    portfolio.ledger.book_external("x", StrategyId("s"), (USDT, Decimal("12.5"), ONE), START)
    agree()
    board.list_instruments([structs.replace(COINS[0], quote=Asset("EUR"))])
    agree()


@given(
    start=st.decimals("1", "100000", places=4),
    peak=st.decimals("0", "1000", places=4),
    nudge=st.integers(-3, 3),
    which=st.integers(0, 3),
    equity=MONEY,
    result=MONEY | st.sampled_from([-LIMITS.loss_per_day_max, ZERO]),
)
@example(start=Decimal(1000), peak=ZERO, nudge=0, which=0, equity=ZERO, result=ZERO)
@settings(max_examples=500, deadline=None)
def test_where_it_is_calm_the_breaker_has_nothing_to_say(start, peak, nudge, which, equity, result):
    breaker = Breaker(LIMITS)
    breaker.start(START, start, None)
    breaker.peak_equity += peak
    lines = lines_of(breaker, LIMITS)
    if which < 3:
        equity = to_decimal(lines.limits[which]) + nudge * Decimal("1E-7")
    if lines.calm_above < equity <= lines.peak and result > lines.calm_result:
        before = breaker.saved()
        assert breaker.judge_equity(equity, result) is None
        assert breaker.saved() == before


def test_it_is_calm_nearly_down_to_the_nearest_line():
    breaker = Breaker(LIMITS)
    breaker.start(START, Decimal(1000), None)
    lines = lines_of(breaker, LIMITS)
    assert Decimal(0) < lines.calm_above - to_decimal(max(lines.limits)) < Decimal("0.001")


def test_a_market_that_is_listed_anew_no_longer_values_what_it_did():
    board = Board(0.5)
    board.list_instruments([SPOT])
    board.slots[SPOT.id].mid = 100.0
    portfolio = Portfolio(USDT, board, LIMITS)
    balances = {USDT: ONE, SPOT.base: ONE}
    state = LedgerState(currency=USDT, balances=balances, lots=(), days=(), booked_ids=())
    portfolio.ledger = Ledger.restore(state)
    assert portfolio.equity() == 101
    board.list_instruments([structs.replace(SPOT, quote=Asset("EUR"))])
    assert portfolio.equity() is None


def test_it_is_not_calm_where_the_day_has_realised_its_limit():
    breaker = Breaker(LIMITS)
    breaker.start(START, Decimal(1000), None)
    lines = lines_of(breaker, LIMITS)
    assert lines.calm_above < Decimal(1000) <= lines.peak
    assert breaker.judge_equity(Decimal(1000), -LIMITS.loss_per_day_max) is not None
    assert not -LIMITS.loss_per_day_max > lines.calm_result
    assert -LIMITS.loss_per_day_max + Decimal("0.001") > lines.calm_result
