"""What pages and reports read is what was written, to the last digit."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, insert

from tradewinds.model.commands import (
    RecordAnomaly,
    RecordSignal,
    StateChanged,
    StrategyStateChanged,
)
from tradewinds.model.ledger import DayResult
from tradewinds.model.market import Side
from tradewinds.model.portfolio import TradePhase, TradingState
from tradewinds.model.signal import EnterSignal
from tradewinds.store import queries
from tradewinds.store.journal import StoreJournal
from tradewinds.store.tables import EQUITY, ExactDecimal

Some = Any
DAY_0 = 20_454


def record(database: Engine, some: Some, *messages: Any, run: str = "r1") -> None:
    journal = StoreJournal(database, "paper", run)
    journal.append_event(some.quote(0))
    journal.append_commands(messages)
    journal.flush(None)


def test_an_empty_database_gives_empty_answers(database: Engine) -> None:
    for ask in (
        queries.runs,
        queries.trades,
        queries.closed_trades,
        queries.orders,
        queries.fills,
        queries.refusals,
        queries.equity_curve,
        queries.day_results,
        queries.recent_activity,
    ):
        assert ask(database, "paper") == ()


def test_trades_come_in_their_newest_state_last_opened_first(database: Engine, some: Some) -> None:
    closed = some.trade(1, TradePhase.CLOSED, closed_time_ns=99, realised=Decimal("-1.10"))
    record(database, some, some.trade(1), some.trade(2), some.trade(3), closed)
    found = queries.trades(database, "paper")
    assert found == (some.trade(3).trade, some.trade(2).trade, closed.trade)
    assert queries.trades(database, "paper", limit=1, offset=1) == (some.trade(2).trade,)
    assert queries.trades(database, "paper", strategy="scalping") == ()
    assert len(queries.trades(database, "paper", strategy="momentum")) == 3
    assert queries.trades(database, "live") == ()
    assert queries.closed_trades(database, "paper") == (closed.trade,)


def test_days_are_summed_by_strategy_and_instrument_with_the_signs_of_a_result(
    database: Engine, some: Some
) -> None:
    record(
        database,
        some,
        some.booked(1, 0, CASH="10", REALISED="-10.1", FEES="0.1"),
        some.booked(2, 0, CASH="-1", REALISED="0.5", FEES="0.2", SLIPPAGE="0.3"),
        some.booked(3, 1, CASH="-3", FUNDING="1", AI_COST="2"),
    )
    first = DayResult(
        day=DAY_0,
        strategy_id="momentum",
        instrument_id="BTC/USDT@binance",
        gross=Decimal("9.6"),
        fees=Decimal("0.3"),
        funding=Decimal(0),
        slippage=Decimal("0.3"),
        ai_cost=Decimal(0),
    )
    found = queries.day_results(database, "paper")
    assert found[0] == first
    assert found[0].net == Decimal("9.0")
    assert (found[1].day, found[1].net) == (DAY_0 + 1, Decimal(-3))
    assert queries.day_results(database, "paper", since_day=DAY_0 + 1) == found[1:]


def test_activity_merges_everything_newest_first(database: Engine, some: Some) -> None:
    at = some.quote(0).received_time_ns
    enter = EnterSignal(
        strategy_id="momentum",
        instrument_id="BTC/USDT@binance",
        side=Side.BUY,
        stop_price=1.0,
        confidence=0.6,
        reason="breakout",
    )
    journal = StoreJournal(database, "paper", "r1")
    journal.append_event(some.filled(5))
    journal.append_commands(
        [
            RecordSignal(signal=enter, time_ns=at + 1, cause=1),
            some.refused(2),
            some.order(5),
            some.trade(4),
            StateChanged(state=TradingState.HALTED, reason="limit", time_ns=at + 3, cause=1),
            StrategyStateChanged(
                strategy_id="momentum", enabled=False, reason="operator", time_ns=at + 4, cause=1
            ),
            RecordAnomaly(
                kind="crossed",
                instrument_id="BTC/USDT@binance",
                detail="bid 2 ask 1",
                count=3,
                time_ns=at + 5,
                cause=1,
            ),
        ]
    )
    journal.flush(None)
    lines = queries.recent_activity(database, "paper")
    assert [line.kind for line in lines[:4]] == ["anomaly", "state", "state", "signal"]
    assert {line.kind for line in lines} == {
        *("anomaly", "state", "signal", "fill", "order", "trade", "refusal")
    }
    assert list(lines) == sorted(lines, key=lambda line: -line.time_ns)
    fill = next(line for line in lines if line.kind == "fill")
    assert fill.strategy_id == "momentum"
    assert "0.0000001 BTC" in fill.detail
    assert queries.recent_activity(database, "paper", limit=2) == lines[:2]


def test_a_short_equity_curve_is_given_whole(database: Engine, some: Some) -> None:
    record(database, some, *(some.equity(n, f"1000.{n}0") for n in range(5)))
    found = queries.equity_curve(database, "paper")
    assert [str(point.equity) for point in found] == [f"1000.{n}0" for n in range(5)]
    since = found[2].time_ns
    assert queries.equity_curve(database, "paper", since_ns=since) == found[2:]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    values=st.lists(st.integers(-1000, 1000), min_size=1, max_size=300),
    points_max=st.integers(4, 40),
)
def test_a_long_curve_keeps_its_ends_and_its_extremes(
    sqlite: Engine, values: list[int], points_max: int
) -> None:
    with sqlite.begin() as connection:
        connection.execute(EQUITY.delete())
        rows = [
            {"account": "paper", "run_id": "r", "time_ns": n, "equity": Decimal(value)}
            | dict.fromkeys(("cash", "realised_today", "open_risk"), Decimal(0))
            for n, value in enumerate(values)
        ]
        connection.execute(insert(EQUITY), rows)
    found = queries.equity_curve(sqlite, "paper", points_max=points_max)
    assert len(found) <= points_max
    assert [(p.time_ns, int(p.equity)) for p in found] == sorted(
        {(p.time_ns, values[p.time_ns]) for p in found}
    )
    equities = [int(point.equity) for point in found]
    assert (equities[0], equities[-1]) == (values[0], values[-1])
    assert (min(equities), max(equities)) == (min(values), max(values))


MONEY = st.decimals(allow_nan=False, allow_infinity=False) | st.builds(
    lambda sign, digits, exponent: Decimal((sign, digits, exponent)),
    st.integers(0, 1),
    st.lists(st.integers(0, 9), min_size=1, max_size=60).map(tuple),
    st.integers(-400, 400),
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(amount=MONEY)
def test_money_comes_back_digit_for_digit(database: Engine, amount: Decimal) -> None:
    with database.connect() as connection, connection.begin() as transaction:
        values = dict.fromkeys(("equity", "cash", "realised_today", "open_risk"), amount)
        row = {"account": "exact", "run_id": "r", "time_ns": 1} | values
        connection.execute(insert(EQUITY), row)
        found = connection.execute(EQUITY.select().where(EQUITY.c.account == "exact")).one()
        transaction.rollback()
    assert found.equity.as_tuple() == amount.as_tuple()


@pytest.mark.parametrize("amount", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_what_is_not_an_amount_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        ExactDecimal().process_bind_param(Decimal(amount), None)  # type: ignore[arg-type]
