"""A strategy that knows the future and one that was lucky are caught, by name."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from tests.research.made import DAY_NS, FIRST_NS, task_on
from tradewinds.research.lookahead import Leak, lookahead
from tradewinds.research.mind import contents, differences
from tradewinds.research.significance import Significance, significance
from tradewinds.research.space import candidates, space_of
from tradewinds.research.trial import Task, Trial, past_until, row_of, span_of, stretch
from tradewinds.research.trials import TrialBook
from tradewinds.sources import Past

Write = Callable[..., Path]
Plant = Callable[..., None]
CUTS = (FIRST_NS + 5 * DAY_NS, FIRST_NS + 12 * DAY_NS)


def leaks_of(task: Task, make: Callable[[int | None], Past] | None = None) -> Sequence[Leak]:
    return lookahead(task, make or (lambda cut: past_until(task, cut)), CUTS).leaks


def test_a_strategy_that_reads_tomorrow_from_a_file_is_named(
    write_bars: Write, plant: Plant
) -> None:
    plant(peeking="tests.research.planted:Peeking")
    path = write_bars(24 * 20)
    leaks = leaks_of(task_on(path, {"peeking": {"path": str(path)}}))
    assert {leak.strategy for leak in leaks} == {"peeking"}
    (leak,) = [leak for leak in leaks if leak.probe == "shifted calendar"]
    assert leak.field == "EnterSignal"


def test_a_past_that_holds_the_future_is_named_with_the_feature_it_spoiled(
    write_bars: Write, plant: Plant
) -> None:
    """The usual mistake: something is measured over all of the data and handed to the start."""
    plant(fitted="tests.research.planted:Fitted")
    path = write_bars(24 * 20)
    task = task_on(path, {"fitted": {}})

    def spoiled(cut: int | None) -> Past:
        past = past_until(task, cut)
        blocks = [list(block) for block in past.blocks]
        history = {past.instruments[0].id: tuple(e for block in blocks for e in block)}
        return msgspec.structs.replace(past, blocks=blocks, history=history)

    leaks = [leak for leak in leaks_of(task, spoiled) if leak.probe == "truncated past"]
    assert {leak.strategy for leak in leaks} == {"fitted"}
    fields = {leak.field for leak in leaks}
    assert ".normal" in fields
    assert any(field.startswith("EnterSignal") for field in fields)
    assert not leaks_of(task)


def test_a_strategy_that_opens_files_is_named(write_bars: Write, plant: Plant) -> None:
    plant(writing="tests.research.planted:Writing")
    leaks = leaks_of(task_on(write_bars(24 * 14), {"writing": {}}))
    assert [(leak.probe, leak.strategy) for leak in leaks] == [("doors", "writing")]
    assert "/dev/null" in leaks[0].field


def test_an_honest_one_is_not_suspected(write_bars: Write, plant: Plant) -> None:
    plant(wavy="tests.research.planted:Wavy")
    path = write_bars(24 * 20, ("BTCUSDT", "ETHUSDT"))
    task = task_on(path, {"wavy": {}, "momentum": {}, "triangular": {}})
    report = lookahead(task, lambda cut: past_until(task, cut), CUTS)
    assert report.clean, report.leaks
    assert report.checked > 20


class _Inner:
    __slots__ = ("late", "value")

    def __init__(self, value: float) -> None:
        self.value = value
        self.late = [value]


class _Outer:
    def __init__(self, value: float) -> None:
        self.parts = {"BTC": _Inner(value)}
        self.itself = self


def test_a_difference_is_named_by_its_path() -> None:
    found = differences(contents(_Outer(1.0)), contents(_Outer(2.0)))
    assert found == {
        ".parts['BTC'].late[0]": (1.0, 2.0),
        ".parts['BTC'].value": (1.0, 2.0),
    }
    assert not differences(contents(_Outer(float("nan"))), contents(_Outer(float("nan"))))


def judged(task: Task, home: Path, draws: int) -> Significance:
    label, first, last = span_of(task)
    book = TrialBook(home)

    def noted(trial: Trial) -> None:
        book.note([row_of("significance", task, label, trial)])

    drawn = candidates(task.settings, space_of(task.settings, task.strategies), draws, seed=5)
    on = stretch(task, first, last)
    return significance(on, drawn, lambda: book.count(task.strategies, label), noted)


@pytest.fixture
def luckiest(write_bars: Write, plant: Plant, tmp_path: Path) -> tuple[Task, Path]:
    """The best of two dozen tickets, with the drawing of them in the book."""
    plant(lucky="tests.research.planted:Lucky")
    path = write_bars(24 * 40)
    base = task_on(path, {"lucky": {}})
    label, first, last = span_of(base)
    on = stretch(base, first, last)
    drawn = candidates(base.settings, space_of(base.settings, ("lucky",)), 24, seed=2)
    from tradewinds.research.trial import attempt

    trials = [attempt(on, params) for params in drawn[1:]]
    TrialBook(tmp_path / "home").note([row_of("optimize", base, label, t) for t in trials])
    best = max(trials, key=lambda trial: sum(trial.returns))
    assert sum(best.returns) > 0
    return task_on(path, {"lucky": {"ticket": best.params["lucky.ticket"]}}), tmp_path / "home"


def test_the_winner_of_a_lottery_is_called_lucky_by_name(luckiest: tuple[Task, Path]) -> None:
    task, home = luckiest
    found = judged(task, home, draws=12)
    assert found.lucky
    assert found.verdict.startswith("lucky on ")
    assert "cannot be told from luck" in found.verdict
    assert found.evaluations == 24 + 1 + 12
    assert found.trials > 30
    failed = {finding.name for finding in found.findings if finding.passed is False}
    assert "deflated Sharpe ratio" in failed
    assert "backtest overfitting" in failed


def test_real_foreknowledge_passes_every_question_of_luck(
    write_bars: Write, plant: Plant, tmp_path: Path
) -> None:
    """The tests of luck are not simply always failed: knowing the future is not luck."""
    plant(peeking="tests.research.planted:Peeking")
    path = write_bars(24 * 60)
    found = judged(task_on(path, {"peeking": {"path": str(path)}}), tmp_path / "home", draws=0)
    passed = {finding.name: finding.passed for finding in found.findings}
    assert passed["deflated Sharpe ratio"] is True
    assert passed["random entry"] is True
    assert passed["trades resampled"] is True
    assert passed["backtest overfitting"] is None
    assert not found.lucky
    assert found.undecided
