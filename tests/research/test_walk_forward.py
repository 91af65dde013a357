"""The choice is made in training alone, and the record of the tests is what it says."""

import math
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec import structs

from tests.research.made import DAY_NS, FIRST_NS, task_on
from tradewinds.ledger.curve import daily_returns
from tradewinds.model.checkpoint import Cause
from tradewinds.model.market import Bar
from tradewinds.model.portfolio import TradingState
from tradewinds.research.space import candidates, space_of
from tradewinds.research.trial import Trial, attempt, span_of, stretch, thinned
from tradewinds.research.walk_forward import (
    AT_PEACE,
    Search,
    WindowResult,
    accounts_after,
    walk,
    whole,
)
from tradewinds.research.windows import WalkPlan, windows

Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def planted(plant: Callable[..., None]) -> None:
    plant(wavy="tests.research.planted:Wavy")


PLAN = WalkPlan(train_days=20, test_days=10)
HOURS = 24 * 45


def ignore(_: Trial) -> None:
    """Nobody counts here."""


def walked(path: Path) -> list[WindowResult]:
    task = task_on(path, {"wavy": {}})
    space = space_of(task.settings, ("wavy",))
    drawn = candidates(task.settings, space, 3, seed=1)
    _, first, last = span_of(task)
    search = Search(candidates=drawn, objective="sharpe", noted=ignore)
    results: list[WindowResult] = []
    accounts = AT_PEACE
    for window in windows(first, last, PLAN):
        results.append(walk(task, window, search, accounts))
        accounts = accounts_after(results[-1])
    return results


def test_another_future_leaves_the_choice_as_it_was(write_bars: Write) -> None:
    """The same training data, then a different market: what training saw may not change."""
    one = walked(write_bars(HOURS, name="one"))
    two = walked(write_bars(HOURS, name="two", changed_from=24 * 21))
    assert len(one) == len(two) >= 2
    assert one[0].tried == two[0].tried
    assert one[0].chosen.params == two[0].chosen.params
    assert one[0].chosen.returns != two[0].chosen.returns
    assert one[1].tried != two[1].tried


def test_the_chosen_one_is_the_best_of_training_and_trades_nothing_but_the_test(
    write_bars: Write,
) -> None:
    for result in walked(write_bars(HOURS)):
        scores = [tried.score for tried in result.tried if tried.score is not None]
        best = next(t for t in result.tried if t.params == result.chosen.params)
        assert best.score == max(scores)
        assert len(result.tried) == 4
        window = result.window
        assert window.test_start_ns < result.chosen.start_ns <= window.test_end_ns
        assert result.chosen.end_ns == window.test_end_ns
        assert len(result.chosen.returns) == round(
            (window.test_end_ns - window.test_start_ns) / DAY_NS
        )


def test_a_test_begins_warm_and_ends_flat(write_bars: Write) -> None:
    """What came before the test is known to the strategy; what it holds at the end is sold."""
    task = task_on(write_bars(HOURS), {"wavy": {"timeframe_hours": 4}})
    on = stretch(task, FIRST_NS + 10 * DAY_NS, FIRST_NS + 20 * DAY_NS)
    (bars,) = on.past.history.values()
    assert {bar.timeframe_ns // 3_600_000_000_000 for bar in bars} == {1, 4}
    assert max(bar.venue_time_ns for bar in bars) == FIRST_NS + 10 * DAY_NS
    assert all(isinstance(e, Bar) and e.open_time_ns >= FIRST_NS + 10 * DAY_NS
               for block in on.past.blocks for e in block)  # fmt: skip
    trial = attempt(on, {"wavy.hold": 1_000, "wavy.stop": 15.0})
    assert trial.nets
    assert trial.open_trades == 0
    realised = sum(Decimal(str(net)) for net in trial.nets)
    assert float(trial.equity[-1][1]) == pytest.approx(1_000 + float(realised), abs=0.2)


def test_windows_make_one_record_after_another(write_bars: Write) -> None:
    results = walked(write_bars(HOURS))
    record = whole(result.chosen for result in results)
    grown = math.prod(1 + value for result in results for value in result.chosen.returns)
    assert record.figures.total == pytest.approx(grown - 1)
    assert record.curve[-1][1] == pytest.approx(grown)
    assert record.trades == sum(len(result.chosen.nets) for result in results)
    assert record.drawdown >= max(result.chosen.drawdown for result in results) - 1e-12
    assert record.windows == len(results)
    paid = sum(result.chosen.totals.fees for result in results)
    assert record.totals.fees == paid > 0


def test_a_loser_of_training_is_benched_but_its_days_still_count(write_bars: Write) -> None:
    for result in walked(write_bars(HOURS)):
        best = next(t for t in result.tried if t.params == result.chosen.params)
        if best.total > 0:
            assert result.benched.params == result.chosen.params
            assert result.benched.nets
        else:
            assert set(result.benched.returns) == {0.0}
            assert len(result.benched.returns) == len(result.chosen.returns)
            assert result.benched.standing == result.benched.began


def test_one_account_goes_through_all_windows(write_bars: Write) -> None:
    results = walked(write_bars(HOURS))
    for way in ("chosen", "benched", "shipped"):
        trials: list[Trial] = [getattr(result, way) for result in results]
        assert trials[0].began is None
        peak = trials[0].starting
        for earlier, later in pairwise(trials):
            stood = earlier.standing
            assert later.began == stood
            peak = max(peak, *(equity for _, equity in earlier.equity))
            if stood is not None:
                assert stood.balance == later.starting == later.equity[0][1]
                assert stood.balance == earlier.equity[-1][1]
                assert stood.risk.peak_equity == peak


def test_a_halt_is_not_forgotten_with_the_window(write_bars: Write) -> None:
    """An account that stands at its halt trades no more until somebody resumes it."""
    task = task_on(write_bars(HOURS), {"wavy": {}})
    test = stretch(task, FIRST_NS + 20 * DAY_NS, FIRST_NS + 30 * DAY_NS)
    at_peace = attempt(test, {})
    assert at_peace.nets
    assert at_peace.standing is not None
    halt = Cause(name="drawdown_halt", state=TradingState.HALTED, reason="5 %")
    risk = structs.replace(at_peace.standing.risk, causes=(halt,))
    halted = attempt(test, {}, structs.replace(at_peace.standing, risk=risk))
    assert halted.nets == ()
    assert "5 %" in halted.halted
    # A peak far above what is left: the cushion makes every bet smaller.
    high = structs.replace(
        at_peace.standing.risk, peak_equity=at_peace.standing.balance * Decimal("1.03")
    )
    careful = attempt(test, {}, structs.replace(at_peace.standing, risk=high))
    biggest = max(abs(net) for net in at_peace.nets)
    assert 0 < max(abs(net) for net in careful.nets) < biggest * 0.6


def test_thinning_keeps_the_deepest_fall() -> None:
    points = [(n, Decimal(1000 + (n * 37) % 101)) for n in range(2_000)]
    points[777] = (777, Decimal(1))
    kept = thinned(points, 100)
    assert len(kept) <= 100
    assert (777, Decimal(1)) in kept
    assert (kept[0], kept[-1]) == (points[0], points[-1])


def test_an_account_that_never_traded_has_days_without_change(write_bars: Write) -> None:
    task = task_on(write_bars(24 * 6), {"triangular": {}})
    trial = attempt(stretch(task, FIRST_NS, FIRST_NS + 5 * DAY_NS), {})
    assert trial.returns == (0.0,) * 5
    assert trial.nets == ()
    assert daily_returns(trial.equity) == [0.0] * 5
