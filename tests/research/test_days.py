"""A report over years tells each day."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.research.made import FIRST_NS, task_on
from tradewinds.ledger.results import FOLDED_DAY, NS_PER_DAY
from tradewinds.research.backtest import backtest
from tradewinds.sources import past_of


@pytest.fixture(autouse=True)
def planted(plant: Callable[..., None]) -> None:
    plant(wavy="tests.research.planted:Wavy")


def test_days_of_more_than_a_year_are_told_one_by_one(write_bars: Callable[..., Path]) -> None:
    task = task_on(write_bars(24 * 460), {"wavy": {}})
    result = backtest(task.settings, past_of(task.settings, task.options), task.strategies)
    days = {row.day for row in result.days}
    assert FOLDED_DAY not in days
    first = FIRST_NS // NS_PER_DAY
    assert min(days) < first + 20
    assert max(days) > first + 440
    told = result.performance.days
    won = sum(row.net > 0 for row in result.days)
    lost = sum(row.net < 0 for row in result.days)
    assert (told.wins, told.losses) == (won, lost)
