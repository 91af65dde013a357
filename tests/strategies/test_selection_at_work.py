"""The selector inside the engine: it benches a loser, values it on paper, and brings it back."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.strategies.selection_stage import LOSER, OTHER, S, Stage, enter
from tradewinds.engine.selection import cushion
from tradewinds.model.checkpoint import Checkpoint
from tradewinds.model.commands import RecordSelection, RecordSignal
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Bar
from tradewinds.model.portfolio import TradePhase
from tradewinds.strategies.selector import learned

Make = Callable[..., Any]


def test_one_that_stops_earning_is_benched_and_the_other_is_not(stage: Stage) -> None:
    stage.bench()
    assert stage.entries() >= 15, "not before it had its chance"
    assert stage.engine.floor.scale(LOSER) == 0.0
    assert stage.selection.weight(OTHER) == 1.0
    last = stage.told(RecordSelection)[-1]
    assert last.benched == (LOSER,)
    assert last.weights == {LOSER: 0.0, OTHER: 1.0}
    assert len(last.regime) == 4


def test_a_benched_strategy_gets_no_risk_and_sees_its_trades_on_paper(stage: Stage) -> None:
    stage.bench()
    before, equity = stage.entries(), stage.engine.floor.portfolio.equity()
    stage.say(enter())
    stage.quote(100.0)
    assert stage.entries() == before
    assert stage.engine.floor.portfolio.equity() == equity
    assert stage.told(RecordSignal)[-1].signal.strategy_id == LOSER, "what it wanted is kept"
    (paper,) = stage.loser.seen
    assert paper.phase is TradePhase.OPEN
    assert float(paper.entry_price) == pytest.approx(100.01 * 1.0005)
    assert stage.other.seen == ()


def test_the_other_goes_on_trading_meanwhile(stage: Stage) -> None:
    stage.bench()
    before = stage.entries()
    stage.say(enter(strategy_id=OTHER))
    assert stage.entries() == before + 1


def test_what_it_earns_on_paper_brings_it_back(stage: Stage) -> None:
    stage.bench()
    before = stage.entries()
    for _ in range(80):
        stage.round_trip(104.0)
        if not stage.selection.benched(LOSER):
            break
    assert stage.entries() == before
    assert not stage.selection.benched(LOSER)
    assert stage.told(RecordSelection)[-1].benched == ()
    stage.say(enter())
    assert stage.entries() == before + 1


def test_losing_on_paper_keeps_it_there(stage: Stage) -> None:
    stage.bench()
    for _ in range(20):
        stage.round_trip(97.0)
    assert stage.selection.benched(LOSER)


def test_the_bench_and_its_trades_outlive_a_restart(stage: Stage) -> None:
    stage.bench()
    stage.say(enter(target_price=110.0))
    checkpoint = stage.engine.checkpoint()
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(checkpoint), type=Checkpoint)
    state = stage.selection.state()
    stage.begin(again)
    assert stage.selection.state() == state
    assert stage.selection.benched(LOSER)
    stage.quote(100.0)
    (paper,) = stage.loser.seen
    stage.quote(97.5)
    assert not stage.selection.twin.trades, "its stop is watched on"
    assert float(paper.stop_price) == 98.0


def test_the_same_hours_give_the_same_weights(listed: list[Instrument]) -> None:
    def played() -> list[bytes]:
        made = Stage(listed)
        for number in range(45):
            made.round_trip(97.0 if number % 3 else 102.0)
        return [msgspec.msgpack.encode(command) for command in made.journal.commands]

    assert played() == played()


def test_switched_off_it_weighs_nothing_and_learns_nothing(listed: list[Instrument]) -> None:
    made = Stage(listed, selector=False)
    for _ in range(40):
        made.round_trip(97.0)
    assert made.selection.weight(LOSER) == 1.0
    assert made.told(RecordSelection) == []
    assert made.engine.checkpoint().selection is None


@settings(max_examples=40, deadline=None)
@given(
    results=st.lists(st.floats(-10, 10), max_size=80),
    hours=st.integers(1, 5),
    mandate=st.floats(-1, 2),
)
def test_no_history_gives_more_than_the_mandate_or_anything_to_the_bench(
    listed: list[Instrument], results: list[float], hours: int, mandate: float
) -> None:
    made = Stage(listed)
    made.quote(100.0)
    selection = made.selection
    for result in results:
        arm = selection._arms[LOSER]
        selection._arms[LOSER] = learned(arm, selection.context, result)
    for _ in range(hours):
        made.quote(100.0, after_ns=3_600 * 10**9)
    floor = made.engine.floor
    floor.mandate = msgspec.structs.replace(floor.mandate, weights={LOSER: mandate})
    scale = floor.scale(LOSER)
    assert 0.0 <= scale <= min(max(mandate, 0.0), 1.0)
    assert 0.0 <= selection.weight(LOSER) <= 1.0
    if selection.benched(LOSER):
        before = made.entries()
        made.say(enter())
        assert scale == 0.0
        assert made.entries() == before


def test_the_nearer_the_halt_the_smaller_the_next_bet() -> None:
    assert [cushion(down, 0.05) for down in (0.0, 0.0125, 0.05, 0.2)] == [1.0, 0.75, 0.0, 0.0]


def test_a_bar_that_has_not_closed_reaches_no_strategy(stage: Stage) -> None:
    """Its close lies in our future, so somebody guessed it."""
    minute = 60 * S
    closed = Bar(
        instrument_id=stage.listed[0].id,
        timeframe_ns=minute,
        open_time_ns=stage.now - minute,
        open=100.0,
        high=100.0,
        low=100.0,
        close=100.0,
        volume=1.0,
        venue_time_ns=stage.now,
        received_time_ns=stage.now,
    )
    growing = msgspec.structs.replace(
        closed, open_time_ns=stage.now - 1, venue_time_ns=stage.now - 1 + minute
    )
    stage.loser.lines = [enter()]
    stage.driver.market(growing)
    assert stage.loser.lines, "it was not asked"
    stage.driver.market(closed)
    assert not stage.loser.lines
