"""E8 on the event clock: cancel all, flatten all, verified by the venue's own books."""

from typing import Any

import pytest

from tradewinds.model.commands import EmergencyFinished, RecordRefusal, RecordTransaction
from tradewinds.model.ids import InstrumentId
from tradewinds.model.order import Purpose
from tradewinds.model.portfolio import TradingState

BTC, ETH = InstrumentId("BTC/USDT@sim"), InstrumentId("ETH/USDT@sim")
SECOND = 1_000_000_000


def flattened_after(rig: Any, command_id: str = "stop-1") -> float:
    """Milliseconds of event time from the operator's word to verified flat."""
    done = [c for c in rig.of(EmergencyFinished) if c.command_id == command_id]
    assert [c.flat for c in done] == [True]
    assert rig.flat(), "the venue agrees"
    assert not rig.trades
    assert not rig.working
    return float(done[0].time_ns - done[0].started_ns) / 1e6


def two_positions(rig: Any) -> None:
    rig.position(BTC)
    rig.position(ETH)
    assert len(rig.working) == 2, "two stops rest"


def test_e8_positions_and_resting_stops_are_gone_within_a_second(rig: Any, measured: Any) -> None:
    two_positions(rig)
    rig.emergency()
    rig.pass_time(1)
    took = flattened_after(rig)
    assert 100 <= took < 1000, "a cancel and a sale, each on its way for 50 ms: not claimed before"
    assert rig.state is TradingState.HALTED
    rig.check()
    measured(f"E8 quotes: flat {took:.0f} ms of event time after the word, two positions")


def test_e8_an_entry_on_its_way_does_not_survive(rig: Any) -> None:
    rig.quote()
    rig.enter()
    rig.quote()
    rig.emergency()
    rig.pass_time(0.3)
    rig.quote()
    rig.pass_time(0.5)
    flattened_after(rig)
    rig.check()


def test_e8_a_patient_entry_is_canceled(rig: Any) -> None:
    rig.quote()
    rig.enter(limit_price=19_900.0)
    rig.quote()
    rig.pass_time(0.1)
    assert len(rig.sim.working_orders()) == 1
    rig.emergency()
    rig.pass_time(0.2)
    flattened_after(rig)


@pytest.mark.parametrize("silent_s", [3, 30])
def test_e8_with_bars_alone_it_does_not_wait_for_the_next_bar(
    rig: Any, silent_s: int, measured: Any
) -> None:
    rig.bar()
    rig.enter()
    rig.bar()
    rig.bar()
    (trade,) = rig.trades
    assert trade.quantity > 0
    rig.pass_time(silent_s)
    rig.emergency()
    rig.pass_time(1)
    took = flattened_after(rig)
    assert took < 1000
    assert rig.submitted()[-1].purpose is Purpose.FLATTEN
    measured(f"E8 bars alone: flat {took:.0f} ms of event time after the word")


def test_e8_with_bars_alone_a_waiting_exit_is_hurried(rig: Any) -> None:
    rig.bar()
    rig.enter()
    rig.bar()
    rig.bar()
    rig.leave(rig.trades[0])
    rig.bar()
    rig.pass_time(5)
    assert [o.approved.purpose for o in rig.working] == [Purpose.EXIT], "it waits for a bar"
    rig.emergency()
    rig.pass_time(1)
    assert flattened_after(rig) < 1000
    sells = [c for c in rig.of(RecordTransaction) if c.transaction.kind == "fill"]
    assert len(sells) == 2, "bought once, sold once"
    rig.check()


def test_e8_twice_answers_twice_and_sells_once(rig: Any) -> None:
    two_positions(rig)
    rig.emergency("first")
    rig.emergency("second")
    rig.pass_time(1)
    flattened_after(rig, "second")
    answered = {c.command_id for c in rig.of(EmergencyFinished)}
    assert answered == {"first", "second"}, "nobody is left waiting"
    assert len(rig.submitted(Purpose.FLATTEN)) == 2
    rig.check()


def test_e8_when_flat_it_is_flat_at_once(rig: Any) -> None:
    rig.quote()
    rig.emergency()
    assert flattened_after(rig) == 0.0
    assert rig.state is TradingState.HALTED


def test_e8_nothing_is_entered_while_halted_and_trading_resumes_when_told(rig: Any) -> None:
    rig.position()
    rig.emergency()
    rig.pass_time(1)
    rig.quote()
    rig.enter()
    rig.quote()
    assert rig.of(RecordRefusal)[-1].refusal.check == "trading_active"
    assert len(rig.submitted(Purpose.ENTER)) == 1
    rig.resume()
    assert rig.state is TradingState.ACTIVE
    rig.enter()
    rig.quote()
    assert len(rig.submitted(Purpose.ENTER)) == 2
    rig.pass_time(0.5)
    rig.check()


def test_e8_works_while_the_journal_cannot_be_written(rig: Any) -> None:
    from tradewinds.model.errors import StoreUnavailable

    two_positions(rig)
    rig.journal.fail_with = StoreUnavailable("the disk is full")
    rig.emergency()
    rig.pass_time(1)
    assert flattened_after(rig) < 1000


def test_e8_works_while_the_feed_is_silent(rig: Any) -> None:
    rig.position()
    rig.pass_time(40)
    assert rig.state is TradingState.REDUCING
    rig.emergency()
    rig.pass_time(1)
    assert flattened_after(rig) < 1000
