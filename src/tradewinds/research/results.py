"""The walk-forward of every tier on every data set: resumable, within a time, in any order.

Each pair has a file of its own in `research/results` of the data folder: a line of heading, then
one line per window. What was made by other code, settings or data is made again.
"""

import hashlib
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

import tradewinds
from tradewinds.config import Settings
from tradewinds.model.errors import ConfigError, DataError
from tradewinds.model.market import Bar
from tradewinds.model.timeframes import DAY_NS
from tradewinds.options import BacktestOptions
from tradewinds.parts import params_of, strategies_of
from tradewinds.research.backtest import backtest
from tradewinds.research.conditions import fees_text
from tradewinds.research.space import candidates, space_of
from tradewinds.research.trial import Task, Trial, row_of, span_of, trial_of
from tradewinds.research.trials import FOLDER, TrialBook
from tradewinds.research.walk_forward import (
    AT_PEACE,
    Search,
    WindowResult,
    accounts_after,
    walk,
)
from tradewinds.research.windows import WalkPlan, Window, windows
from tradewinds.sources import past_of

RAW: Final = ("*.gz", "*.jsonl")
NOT_FINGERPRINTED: Final = ("cli", "dashboard", "practice", "gateways", "bus", "vault", "alerts")
"""Parts of the program that no backtest runs through."""
OBJECTIVE: Final = "sharpe"
DRAW: Final = 1


class Tier(Struct, frozen=True, kw_only=True):
    """A name for the page and the strategies that trade together under it; `selector`: whether
    weights are shared out among them.
    """

    name: str
    strategies: tuple[str, ...]
    selector: bool = False


class Cell(Struct, frozen=True, kw_only=True):
    """A tier on a data set."""

    tier: Tier
    path: Path
    settings: Settings
    candidates: int
    home: Path
    until_s: float


class Heading(Struct, frozen=True, kw_only=True):
    """What the lines below it were made from. `windows` 0: too short, one plain backtest."""

    fingerprint: str
    tier: str
    strategies: tuple[str, ...]
    data: str
    start_ns: int
    end_ns: int
    instruments: int
    fees: str
    train_days: int
    test_days: int
    candidates: int
    windows: int
    problem: str = ""


class CellResult(Struct, frozen=True, kw_only=True):
    """As far as it has come. `plain` is the one backtest of data too short for windows."""

    heading: Heading
    results: tuple[WindowResult, ...] = ()
    plain: Trial | None = None

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        heading = self.heading
        if heading.problem or not heading.windows:
            return bool(heading.problem) or self.plain is not None
        return len(self.results) == heading.windows


def tiers_of(settings: Settings, wanted: Sequence[str] = ()) -> tuple[Tier, ...]:
    """Each strategy in the settings alone, all of them together, and all under the selector."""
    names = tuple(settings.strategies)
    alone = [Tier(name=name, strategies=(name,)) for name in names]
    every = Tier(name="all together", strategies=names)
    found = [*alone, every, Tier(name="selector", strategies=names, selector=True)]
    return tuple(tier for tier in found if not wanted or tier.name in wanted)


def data_sets(folder: Path) -> tuple[Path, ...]:
    """Parquet files, then recorded messages of a folder and the folders right below it."""
    parquet = sorted(folder.glob("*.parquet"))
    raw = sorted(path for pattern in RAW for path in folder.glob(f"*/{pattern}"))
    if not parquet and not raw:
        raise DataError(f"{folder}: no Parquet of bars and no recorded messages in it")
    return (*parquet, *raw)


def plan_for(start_ns: int, end_ns: int) -> WalkPlan:
    """The same rule for all data, so that no window length was picked for its result: train on a
    quarter of the span, a year at most; test on a third of that, a quarter of a year at most.
    """
    days = (end_ns - start_ns) / DAY_NS
    train = max(5, min(365, round(days / 4)))
    return WalkPlan(train_days=train, test_days=max(2, min(90, round(train / 3))))


def run_cells(cells: Sequence[Cell], workers: int) -> None:
    """All of them, in so many processes. Progress goes to stderr."""
    if workers == 1:
        for cell in cells:
            run_cell(cell)
        return
    # Spawned, not forked: reading Parquet leaves threads behind, which a fork would not survive.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        list(pool.map(run_cell, cells, chunksize=1))


def run_cell(cell: Cell) -> None:
    """Go on with a cell until it is done or the time is up."""
    if time.monotonic() > cell.until_s:
        return
    try:
        heading = heading_of(cell)
    except (DataError, ConfigError) as error:
        heading = _hopeless(cell, str(error))
    had = read_cell(cell)
    if had is not None and had.heading == heading:
        if had.finished:
            return
    else:
        _path(cell).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _path(cell).write_bytes(msgspec.json.encode(heading) + b"\n")
        had = CellResult(heading=heading)
    if heading.problem:
        _say(cell, heading.problem)
    elif heading.windows:
        _walk_on(cell, had)
    else:
        _plain(cell)


def read_cell(cell: Cell) -> CellResult | None:
    """What there is of it; None for nothing, or for a file that is not whole."""
    path = _path(cell)
    if not path.exists():
        return None
    lines = path.read_bytes().splitlines()
    try:
        heading = msgspec.json.decode(lines[0], type=Heading)
        if heading.windows or heading.problem:
            results = tuple(msgspec.json.decode(line, type=WindowResult) for line in lines[1:])
            return CellResult(heading=heading, results=results)
        plain = msgspec.json.decode(lines[1], type=Trial) if lines[1:] else None
        return CellResult(heading=heading, plain=plain)
    except (msgspec.MsgspecError, IndexError):
        # Cut off in the middle of a line: it is made again.
        return None


def heading_of(cell: Cell) -> Heading:
    """Reads the data once for its span."""
    task = task_of(cell)
    label, first_ns, last_ns = span_of(task)
    instruments = past_of(task.settings, task.options).instruments
    plan = plan_for(first_ns, last_ns)
    planned = _planned(first_ns, last_ns, plan)
    return Heading(
        fingerprint=fingerprint(cell),
        tier=cell.tier.name,
        strategies=cell.tier.strategies,
        data=label,
        start_ns=first_ns,
        end_ns=last_ns,
        instruments=len(instruments),
        fees=fees_text(instruments) if instruments else "",
        train_days=plan.train_days,
        test_days=plan.test_days,
        candidates=len(_candidates(cell, task)),
        windows=len(planned),
    )


def task_of(cell: Cell) -> Task:
    """The cell's task over all of its data."""
    options = BacktestOptions(path=cell.path, strategies=cell.tier.strategies)
    selector = cell.settings.selector.model_copy(update={"enabled": cell.tier.selector})
    settings = cell.settings.model_copy(update={"selector": selector})
    return Task(settings=settings, options=options, strategies=cell.tier.strategies)


def fingerprint(cell: Cell) -> str:
    """Of the program, the settings, the data's name and size, and the draw."""
    digest = hashlib.sha256(program_print(Path(tradewinds.__file__).parent))
    digest.update(cell.settings.model_dump_json().encode())
    digest.update(f"{cell.path.name}:{cell.path.stat().st_size}:{cell.candidates}".encode())
    digest.update(f"{DRAW}:{OBJECTIVE}:{cell.tier.selector}".encode())
    return digest.hexdigest()[:16]


def program_print(package: Path) -> bytes:
    """Of every module that a backtest may run through."""
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        inside = path.relative_to(package)
        if inside.parts[0] not in NOT_FINGERPRINTED and not inside.name.startswith("results"):
            digest.update(inside.as_posix().encode() + path.read_bytes())
    return digest.digest()


def _walk_on(cell: Cell, had: CellResult) -> None:
    task, heading = task_of(cell), had.heading
    plan = WalkPlan(train_days=heading.train_days, test_days=heading.test_days)
    drawn = _candidates(cell, task)
    book = TrialBook(cell.home)

    def noted(trial: Trial) -> None:
        book.note([row_of("results", task, heading.data, trial)])

    search = Search(candidates=drawn, objective=OBJECTIVE, noted=noted)
    accounts = accounts_after(had.results[-1]) if had.results else AT_PEACE
    for window in windows(heading.start_ns, heading.end_ns, plan)[len(had.results) :]:
        if time.monotonic() > cell.until_s:
            _say(cell, f"time is up before window {window.number} of {heading.windows}")
            return
        began = time.monotonic()
        result = walk(task, window, search, accounts)
        accounts = accounts_after(result)
        with _path(cell).open("ab") as file:
            file.write(msgspec.json.encode(result) + b"\n")
        took = time.monotonic() - began
        _say(cell, f"window {window.number} of {heading.windows} in {took:.0f} s")


def _plain(cell: Cell) -> None:
    """Data of minutes or hours: the settings as they are, once."""
    task = task_of(cell)
    past = past_of(task.settings, task.options)
    trial = trial_of(backtest(task.settings, past, task.strategies), {})
    TrialBook(cell.home).note([row_of("results", task, past.label, trial)])
    with _path(cell).open("ab") as file:
        file.write(msgspec.json.encode(trial) + b"\n")
    _say(cell, "one plain backtest")


def _candidates(cell: Cell, task: Task) -> tuple[dict[str, object], ...]:
    """Draws, unless nothing that is drawn could matter: a strategy that looks at no bar is
    silent on bars whatever its parameters are."""
    settings, names = task.settings, task.strategies
    past = past_of(settings, task.options)
    if (
        past.instruments
        and task.options.path is not None
        and task.options.path.suffix == ".parquet"
    ):
        built = strategies_of(params_of(settings, {}), past.instruments, names)
        names = tuple(
            strategy.strategy_id
            for strategy in built
            if any(wish.kind is Bar for wish in strategy.subscriptions())
        )
    return candidates(settings, space_of(settings, names), cell.candidates if names else 0, DRAW)


def _planned(start_ns: int, end_ns: int, plan: WalkPlan) -> tuple[Window, ...]:
    try:
        return windows(start_ns, end_ns, plan)
    except ConfigError:
        return ()


def _hopeless(cell: Cell, problem: str) -> Heading:
    return Heading(
        fingerprint=fingerprint(cell),
        tier=cell.tier.name,
        strategies=cell.tier.strategies,
        data=cell.path.name,
        start_ns=0,
        end_ns=0,
        instruments=0,
        fees="",
        train_days=0,
        test_days=0,
        candidates=0,
        windows=0,
        problem=problem,
    )


def _path(cell: Cell) -> Path:
    name = f"{cell.tier.name.replace(' ', '-')}.{cell.path.name}.jsonl"
    return cell.home / FOLDER / "results" / name


def _say(cell: Cell, text: str) -> None:
    sys.stderr.write(f"{cell.tier.name} on {cell.path.name}: {text}\n")
    sys.stderr.flush()
