"""What the research tests are made of: numbers, parameters and tasks."""

from pathlib import Path
from typing import Any

from tradewinds.config import Settings
from tradewinds.options import BacktestOptions
from tradewinds.research.trial import Task

HOUR_MS = 3_600_000
FIRST_MS = 19_723 * 86_400_000
DAY_NS = 86_400_000_000_000
FIRST_NS = FIRST_MS * 1_000_000


def task_on(path: Path, strategies: dict[str, dict[str, Any]], **more: Any) -> Task:
    """These strategies, with these parameters, on this file."""
    tree = {
        "strategies": {name: {"params": params} for name, params in strategies.items()},
        "limits": {"drawdown_halt": 0.9, "drawdown_reduce": 0.8, "loss_per_day_max": 500},
    }
    names = tuple(strategies)
    return Task(
        settings=Settings.model_validate(tree),
        options=BacktestOptions(path=path, strategies=names, **more),
        strategies=names,
    )
