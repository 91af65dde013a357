"""The first stage of a search: only on the searched part, counted in full, once, confirmed."""

import math
import statistics
from collections.abc import Callable
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from tests.research.made import task_on
from tests.research.test_optimise import plan_for
from tradewinds.cli.optimize import OptimizeAnswer, show, swept_text
from tradewinds.cli.screen import Screen
from tradewinds.kernels.opening import open_kernels
from tradewinds.model.errors import ConfigError
from tradewinds.model.timeframes import DAY_NS
from tradewinds.research import optimise as optimising
from tradewinds.research.deflated import deflate, expected_best_sharpe
from tradewinds.research.jobs import executor, job_of
from tradewinds.research.optimise import (
    Optimised,
    SearchPlan,
    Witness,
    optimise,
    split_of,
    sweep_row,
)
from tradewinds.research.space import Space, in_force, space_of
from tradewinds.research.sweep_ground import grounds
from tradewinds.research.sweeping import (
    SweepPlan,
    Swept,
    daily_sharpe_of,
    run_part,
    surveyed,
    sweep,
)
from tradewinds.research.trial import Task, Trial
from tradewinds.research.trials import TrialBook
from tradewinds.strategies.momentum import Momentum, MomentumParams

Write = Callable[..., Path]
SHORT = {
    "ema_fast_bars": 6,
    "ema_slow_bars": 20,
    "breakout_bars": 12,
    "volume_factor": 0.0,
    "atr_bars": 8,
    "cooldown_bars": 2,
    "age_bars_min": 30,
    "stop_atr": 2.0,
    "trail_atr": 3.0,
    "larger_agree": 0,
    "breadth_min": 0.0,
}
RANGES = ("breakout_bars=5:40", "stop_atr=1:4", "trail_atr=2:8")


class Seen:
    """Everything that a search told."""

    def __init__(self) -> None:
        self.trials: list[Trial] = []
        self.sweeps: list[Swept] = []
        self.witness = Witness(
            noted=self.trials.append, swept=self.sweeps.append, told=lambda _: None
        )


def momentum_on(path: Path, **changes: Any) -> Task:
    return task_on(path, {"momentum": SHORT | changes})


@pytest.fixture
def task(write_bars: Write) -> Task:
    return momentum_on(write_bars(24 * 40, symbols=("BTCUSDT", "ETHUSDT")))


def searched(
    task: Task, plan: SearchPlan, ranges: tuple[str, ...] = RANGES
) -> tuple[Optimised, Seen]:
    seen = Seen()
    space = space_of(task.settings, task.strategies, ranges)
    return optimise(task, space, plan, seen.witness), seen


def swept_alone(task: Task, home: Path, sets: int, **how: Any) -> Swept:
    plan = plan_for(task, home, 1, **how)
    space = space_of(task.settings, task.strategies, RANGES)
    job = job_of(task, plan.start_ns, split_of(plan))
    wanted = SweepPlan(sets=sets, kept=sets, seed=1, objective="sharpe", trades_min=3)
    with executor(plan.workers, plan.cluster) as pool:
        return sweep(job, space, wanted, (pool, plan.workers), lambda _: None)


def test_the_settings_in_force_and_the_best_of_a_sweep_are_confirmed_first(
    task: Task, tmp_path: Path
) -> None:
    found, seen = searched(task, plan_for(task, tmp_path, 6, sweep=300))
    (swept,) = seen.sweeps
    assert found.swept == swept
    assert (swept.sets, swept.instruments, len(swept.best)) == (300, 2, 3)
    assert swept.moved == ("momentum.breakout_bars", "momentum.stop_atr", "momentum.trail_atr")
    as_set = {name: SHORT[name.partition(".")[2]] for name in swept.moved}
    confirmed = [trial.params for trial in seen.trials[:4]]
    assert confirmed == [as_set, *(each.params for each in swept.best)]
    scores = [each.score for each in swept.best]
    assert scores == sorted(scores, reverse=True)
    assert all(trial.params not in confirmed for trial in seen.trials[4:6])


def test_what_is_reported_comes_from_the_backtest(task: Task, tmp_path: Path) -> None:
    from tradewinds.research.jobs import evaluate

    plan = plan_for(task, tmp_path, 4, sweep=200)
    found, _ = searched(task, plan)
    again = evaluate(job_of(task, plan.start_ns, split_of(plan)), found.params)
    assert found.searched[0] == again
    assert found.swept is not None
    assert found.score not in {each.score for each in found.swept.best}


def test_a_sweep_never_reads_what_is_held_out(write_bars: Write, tmp_path: Path) -> None:
    found = []
    for name, changed in (("one", None), ("two", 24 * 28)):
        task = momentum_on(write_bars(24 * 40, name=name, changed_from=changed))
        plan = plan_for(task, tmp_path / name, 4, sweep=100)
        assert (split_of(plan) - plan.start_ns) // DAY_NS == 27
        result, seen = searched(task, plan)
        assert result.held_out is not None
        found.append((seen.sweeps[0], result.held_out))
    assert found[0][0] == found[1][0]
    assert found[0][1] != found[1][1]
    job = job_of(task, plan.start_ns, split_of(plan))
    assert sum(ground.traded for ground in grounds(job)) == 28 * 24 - 1


def test_each_set_that_was_swept_is_a_trial(task: Task, tmp_path: Path) -> None:
    plan = plan_for(task, tmp_path, 4, sweep=200)
    found, seen = searched(task, plan)
    assert found.trials == 4
    assert found.deflated is not None
    assert found.deflated.trials == 204
    alone, _ = searched(task, plan_for(task, tmp_path, 4, study="other"))
    assert alone.deflated is not None
    assert alone.deflated.trials == 4
    floor = expected_best_sharpe(204, seen.sweeps[0].variance)
    assert found.deflated.expected_best >= floor > 0.0


def test_the_book_of_trials_counts_them_once_however_often_it_is_told(
    task: Task, tmp_path: Path
) -> None:
    plan = plan_for(task, tmp_path, 4, sweep=200)
    space = space_of(task.settings, task.strategies, RANGES)
    swept = swept_alone(task, tmp_path, 200)
    book = TrialBook(tmp_path)
    for _ in range(2):
        book.note([sweep_row(task, space, plan, swept)])
    count = book.count(("momentum",), plan.label)
    assert (count.distinct, count.evaluations) == (200, 400)
    assert count.variance == swept.variance > 0.0
    assert count.sharpes == ()
    book.note([sweep_row(task, space, structs.replace(plan, seed=2), swept)])
    assert book.count(("momentum",), plan.label).distinct == 400


def test_the_variance_of_trials_is_never_below_that_of_the_sweep() -> None:
    returns = [0.01, -0.004, 0.006, 0.002, -0.001] * 10
    kind, harsh = deflate(returns, 1_000, [0.1, 0.11]), deflate(returns, 1_000, [0.1, 0.11], 0.04)
    assert kind is not None
    assert harsh is not None
    assert harsh.probability < kind.probability
    assert harsh.expected_best == pytest.approx(
        kind.expected_best * math.sqrt(0.04 / statistics.variance([0.1, 0.11]))
    )


def test_a_study_that_goes_on_does_not_sweep_again_and_does_not_forget(
    task: Task, tmp_path: Path
) -> None:
    first, seen = searched(task, plan_for(task, tmp_path, 3, sweep=100))
    again, more = searched(task, plan_for(task, tmp_path, 5, sweep=100))
    assert len(seen.sweeps) == 1
    assert more.sweeps == []
    assert again.swept == first.swept
    assert again.deflated is not None
    assert again.deflated.trials == 105
    for forgetful in (0, 50):
        with pytest.raises(ConfigError, match="searched something else"):
            searched(task, plan_for(task, tmp_path, 5, sweep=forgetful))


def test_a_study_without_a_sweep_is_still_the_study_it_was(task: Task, tmp_path: Path) -> None:
    searched(task, plan_for(task, tmp_path, 1))
    with pytest.raises(ConfigError, match="searched something else"):
        searched(task, plan_for(task, tmp_path, 1, sweep=50))


def test_a_search_that_dies_confirms_later_what_was_handed_on(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = optimising.evaluate
    calls = []

    def dying(*given: Any) -> Trial:
        calls.append(given)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*given)

    with monkeypatch.context() as broken:
        broken.setattr(optimising, "evaluate", dying)
        with pytest.raises(KeyboardInterrupt):
            searched(task, plan_for(task, tmp_path, 6, sweep=200))
    found, seen = searched(task, plan_for(task, tmp_path, 6, sweep=200))
    assert seen.sweeps == []
    assert found.swept is not None
    confirmed = [trial.params for trial in seen.trials[:5]]
    assert all(each.params in confirmed for each in found.swept.best)
    assert (found.trials, found.failed) == (6, 1)


def test_what_the_kernel_cannot_express_is_refused_before_anything_is_made(
    write_bars: Write, plant: Callable[..., None], tmp_path: Path
) -> None:
    plant(wavy="tests.research.planted:Wavy")
    path = write_bars(24 * 30)
    task = task_on(path, {"wavy": {}})
    with pytest.raises(ConfigError, match="'wavy' has no `sweep_rules`"):
        searched(task, plan_for(task, tmp_path, 2, sweep=10), ())
    task = task_on(path, {"momentum": {}, "scalping": {}})
    with pytest.raises(ConfigError, match="takes one strategy, not 2"):
        searched(task, plan_for(task, tmp_path, 2, sweep=10), ("momentum.stop_atr=1:4",))
    assert not (tmp_path / "studies.db").exists()


def test_a_space_of_what_is_not_mapped_is_refused(task: Task, tmp_path: Path) -> None:
    ranges = ("breadth_min=0.1:0.9", "rank_share_max=0.1|0.9", "correlation_max=0.1:0.9")
    with pytest.raises(ConfigError, match="none of the searched parameters"):
        searched(task, plan_for(task, tmp_path, 2, sweep=10), ranges)


def test_what_is_not_mapped_stays_as_it_is_in_force(task: Task, tmp_path: Path) -> None:
    ranges = (*RANGES, "breadth_min=0.0:0.4", "timeframe=1h|4h")
    found, seen = searched(task, plan_for(task, tmp_path, 4, sweep=50), ranges)
    assert found.swept is not None
    assert found.swept.held == {"momentum.breadth_min": 0.0, "momentum.timeframe": "1h"}
    for params in (trial.params for trial in seen.trials[:3]):
        assert (params["momentum.breadth_min"], params["momentum.timeframe"]) == (0.0, "1h")


def test_a_plug_in_says_in_one_function_what_can_be_swept(
    write_bars: Write, plant: Callable[..., None], tmp_path: Path
) -> None:
    plant(cross="benchmarks.ema_cross:EmaCross")
    task = task_on(write_bars(24 * 40), {"cross": {}})
    ranges = ("fast=3:10", "slow=15:40")
    found, seen = searched(task, plan_for(task, tmp_path, 4, sweep=100), ranges)
    assert found.swept is not None
    assert found.swept.moved == ("cross.fast", "cross.slow")
    told = {tuple(each.params.values()): each.trades for each in found.swept.best}
    confirmed = {tuple(t.params.values()): len(t.nets) for t in seen.trials[:4]}
    same = told.keys() & confirmed.keys()
    assert same
    # Nothing but a last trade that was still open stands between the two.
    assert all(abs(told[key] - confirmed[key]) <= 1 for key in same)


def test_the_same_sweep_wherever_it_runs(task: Task, tmp_path: Path) -> None:
    here, there = (swept_alone(task, tmp_path, 600, workers=workers) for workers in (1, 2))
    assert here == there
    assert "WebAssembly" in here.kernel
    assert here != swept_alone(task, tmp_path, 601)


def test_parts_draw_different_sets(task: Task, tmp_path: Path) -> None:
    plan = plan_for(task, tmp_path, 1)
    space = space_of(task.settings, task.strategies, RANGES)
    job = job_of(task, plan.start_ns, split_of(plan))
    wanted = SweepPlan(sets=40, kept=40, seed=1, objective="return", trades_min=1)
    survey = surveyed(job, space)
    parts = [run_part(job, space, survey, (wanted, number, 20)) for number in (0, 1)]
    drawn = [{tuple(each.params.items()) for each in part.best} for part in parts]
    assert drawn[0]
    assert drawn[1]
    assert not drawn[0] & drawn[1]


def test_the_daily_sharpe_is_that_of_the_equity_after_the_warm_up(
    task: Task, tmp_path: Path
) -> None:
    plan = plan_for(task, tmp_path, 1)
    begins_ns = plan.start_ns + 5 * DAY_NS
    ground = grounds(job_of(task, begins_ns, split_of(plan)))[0]
    assert ground.market.first_bar == 5 * 24
    rules = Momentum.sweep_rules(MomentumParams(**SHORT), ground.instrument)
    assert rules is not None
    kernels = open_kernels()
    run = kernels.sweep(ground.bars, ground.market)
    (result,) = run.run([rules])
    trades, curve = run.detail(rules)
    kernels.close()
    assert trades
    assert all(trade.entry_bar > ground.market.first_bar for trade in trades)
    known = [ground.market.cash, *curve[ground.market.first_bar :]]
    changes = [after / before - 1 for before, after in pairwise(known)]
    by_hand = statistics.fmean(changes) / statistics.pstdev(changes) * math.sqrt(24)
    assert daily_sharpe_of(result, ground) == pytest.approx(by_hand, rel=1e-9)


def test_larger_bars_are_made_as_the_backtest_makes_them(write_bars: Write, tmp_path: Path) -> None:
    task = momentum_on(write_bars(24 * 40), timeframe="4h")
    plan = plan_for(task, tmp_path, 1)
    (ground,) = grounds(job_of(task, plan.start_ns, split_of(plan)))
    assert (ground.traded, ground.bars_a_day) == (28 * 6 - 1, 6.0)


def test_in_force_is_what_lies_within_the_space(task: Task) -> None:
    space: Space = space_of(task.settings, task.strategies, ("stop_atr=3:4", "trail_atr=2:8"))
    assert in_force(task.settings, space) == {"momentum.trail_atr": 3.0}


def test_the_page_calls_the_kernels_figures_an_approximation(task: Task, tmp_path: Path) -> None:
    found, _ = searched(task, plan_for(task, tmp_path, 4, sweep=1_200))
    assert found.swept is not None
    assert "1,200 sets over 2 instruments" in swept_text(found.swept)
    answer = OptimizeAnswer(found=found, toml="", trials=1_204, evaluations=1_204)
    out = StringIO()
    show(Screen(out), answer)
    told = " ".join(out.getvalue().split())
    assert "the kernel's approximation" in told
    assert "1,204 trials, each set that was swept counted as one" in told
