"""The choice is made in training alone, and the record of the tests is what it says."""

import math
import random
import statistics
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import cast

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import structs

from tests.research.made import DAY_NS, FIRST_NS, task_on
from tradewinds.ledger.curve import daily_returns, drawdown
from tradewinds.ledger.results import NOTHING
from tradewinds.model.checkpoint import Cause
from tradewinds.model.market import Bar
from tradewinds.model.portfolio import TradingState
from tradewinds.research.deflated import expected_best_sharpe
from tradewinds.research.scores import daily_sharpe
from tradewinds.research.space import candidates, space_of
from tradewinds.research.trial import Stretch, Trial, attempt, span_of, stretch, thinned
from tradewinds.research.walk_forward import (
    AT_PEACE,
    Search,
    WindowResult,
    accounts_after,
    choose,
    idle,
    lead,
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


BLANK = Trial(
    params={}, start_ns=0, end_ns=DAY_NS, first_day=0, returns=(0.0,), nets=(), equity=(),
    totals=NOTHING, turnover=Decimal(0), starting=Decimal(1_000), drawdown=0.0, market_change=None,
    exposure=None, events=0, halted="", open_trades=0,
)  # fmt: skip


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


def test_the_chosen_one_leads_in_training_and_trades_nothing_but_the_test(
    write_bars: Write,
) -> None:
    for result in walked(write_bars(HOURS)):
        assert len(result.tried) == 4
        luck = expected_best_sharpe(4, 1.0)
        in_force, *drawn = result.tried
        assert (in_force.params, in_force.lead) == ({}, None)
        led = [t for t in drawn if t.score is not None and (t.lead or 0.0) > luck]
        best = next(t for t in result.tried if t.params == result.chosen.params)
        assert best in (in_force, *led)
        assert (best.score or 0.0) >= max((t.score or 0.0 for t in (in_force, *led)), default=0.0)
        window = result.window
        assert window.test_start_ns < result.chosen.start_ns <= window.test_end_ns
        assert result.chosen.end_ns == window.test_end_ns
        assert len(result.chosen.returns) == round(
            (window.test_end_ns - window.test_start_ns) / DAY_NS
        )


Attempt = Callable[[object, dict[str, float]], Trial]


def rigged(days: dict[float, tuple[float, ...]]) -> Attempt:
    """A training in which each candidate's days are known."""

    def attempted(_: object, params: dict[str, float]) -> Trial:
        idle_trial = idle(BLANK, None)
        return structs.replace(
            idle_trial, params=params, returns=days[params.get("x", 0.0)], nets=(1.0,) * 9
        )

    return attempted


def chosen_of(days: dict[float, tuple[float, ...]], patch: pytest.MonkeyPatch) -> dict[str, float]:
    patch.setattr("tradewinds.research.walk_forward.attempt", rigged(days))
    sets = [{"x": x} if x else {} for x in sorted(days)]
    search = Search(candidates=sets, objective="sharpe", noted=ignore)
    return choose(cast("Stretch", None), search)[1]


def test_a_little_better_in_training_is_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(5)
    noise = tuple(rng.gauss(0.001, 0.01) for _ in range(60))
    luckier = tuple(value + rng.gauss(0.0005, 0.01) for value in noise)
    much_better = tuple(abs(value) + 0.004 for value in noise)
    assert daily_sharpe(luckier) > daily_sharpe(noise) > 0  # type: ignore[operator]
    assert chosen_of({0.0: noise, 1.0: luckier}, monkeypatch) == {}
    assert chosen_of({0.0: noise, 1.0: luckier, 2.0: much_better}, monkeypatch) == {"x": 2.0}


def test_what_never_traded_is_not_better_than_a_loser_of_few_days() -> None:
    flat = (0.0,) * 30
    assert lead(flat, flat) is None
    lost = tuple(-0.001 * (1 + n % 3) for n in range(30))
    ahead, behind = lead(flat, lost), lead(lost, flat)
    assert ahead is not None
    assert behind is not None
    assert ahead == -behind > 5


@given(st.lists(st.floats(-0.05, 0.05), min_size=5, max_size=60), st.floats(0.01, 100))
def test_a_bigger_bet_is_no_lead(days: list[float], size: float) -> None:
    """The same days with another leverage have the same Sharpe ratio."""
    assume(statistics.stdev(days) > 1e-4)
    assert lead([day * size for day in days], days) is None


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


def test_thinning_keeps_a_fall_between_two_extremes() -> None:
    """Low, then high, then lower than the peak before: the fall's peak is no stretch's highest."""
    points = [(n, Decimal(100)) for n in range(300)]
    for at, level in ((100, 150), (101, 60), (102, 200)):
        points[at] = (at, Decimal(level))
    points[103:] = [(n, Decimal(190)) for n in range(103, 300)]
    kept = thinned(points, 30)
    assert len(kept) <= 30
    assert drawdown(kept) == drawdown(points)


def test_an_account_that_never_traded_has_days_without_change(write_bars: Write) -> None:
    task = task_on(write_bars(24 * 6), {"triangular": {}})
    trial = attempt(stretch(task, FIRST_NS, FIRST_NS + 5 * DAY_NS), {})
    assert trial.returns == (0.0,) * 5
    assert trial.nets == ()
    assert daily_returns(trial.equity) == [0.0] * 5
