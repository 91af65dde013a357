"""`results`: the walk-forward of every tier on every data set, as one page. Anyone can rerun it."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from tradewinds.cli.config_verbs import load_settings
from tradewinds.cli.exits import CliError, Exit
from tradewinds.cli.option import Option
from tradewinds.cli.outcome import Frame, Outcome
from tradewinds.cli.research_options import ConfigFile
from tradewinds.cli.screen import Screen, Table
from tradewinds.cli.words import percent, split_names

if TYPE_CHECKING:
    from tradewinds.config import Settings
    from tradewinds.research.results import Cell, CellResult, Heading
    from tradewinds.research.walk_forward import Whole


class ResultsArguments(Struct, frozen=True, kw_only=True):
    """Which data, how long, and where to."""

    path: Annotated[
        Path, Option(help="A folder of Parquet files of bars.", positional=True, metavar="FOLDER")
    ]
    out: Annotated[Path, Option(help="The page to write.", metavar="FILE")] = Path(
        "docs/results.md"
    )
    minutes: Annotated[
        float, Option(help="Stop before a window that would begin after this.", least=0)
    ] = 600.0
    workers: Annotated[int, Option(help="Processes.", least=1, most=64)] = 2
    candidates: Annotated[
        int, Option(help="Parameter sets drawn for each training.", least=0, most=1_000)
    ] = 12
    tiers: Annotated[
        tuple[str, ...], Option(help="Only these tiers, by comma or repeated.", metavar="NAME")
    ] = ()
    only: Annotated[
        tuple[str, ...], Option(help="Only files whose name holds one of these.", metavar="TEXT")
    ] = ()
    config: ConfigFile = None


class CellAnswer(Struct, frozen=True, kw_only=True):
    """A tier on a data set; `whole` is None before its first window."""

    heading: "Heading"
    finished: bool
    windows: int
    whole: "Whole | None"


class ResultsAnswer(Struct, frozen=True, kw_only=True):
    """`finished` is false when the time was up: the same command goes on."""

    page: str
    finished: bool
    cells: tuple[CellAnswer, ...]


def results(arguments: ResultsArguments, frame: Frame) -> Outcome:
    """Walk every tier forward over every data set of a folder, and write the page of results."""
    from tradewinds.research.results import read_cell, run_cells
    from tradewinds.research.results_page import results_page

    settings = load_settings(frame, arguments.config)
    cells = cells_of(arguments, settings, frame)
    run_cells(cells, arguments.workers)
    found = [cell for cell in map(read_cell, cells) if cell is not None]
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    page = results_page(found, conditions(settings, len(cells)), len(cells))
    arguments.out.write_text(page, "utf-8")
    answer = ResultsAnswer(
        page=str(arguments.out),
        finished=len(found) == len(cells) and all(cell.finished for cell in found),
        cells=tuple(map(answer_of, found)),
    )
    return Outcome(data=answer, show=lambda screen: show(screen, answer))


def cells_of(arguments: ResultsArguments, settings: "Settings", frame: Frame) -> "tuple[Cell, ...]":
    """Every pair of tier and data set that was asked for; tiers alone first."""
    from tradewinds.research.results import Cell, data_sets, tiers_of

    wanted = split_names(arguments.tiers)
    tiers = tiers_of(settings, wanted)
    if wanted and len(tiers) < len(wanted):
        known = ", ".join(tier.name for tier in tiers_of(settings))
        raise CliError(f"--tiers {', '.join(wanted)}", Exit.USAGE, f"there are {known}")
    texts = split_names(arguments.only)
    until_s = time.monotonic() + arguments.minutes * 60
    return tuple(
        Cell(
            tier=tier,
            path=path,
            settings=settings,
            candidates=arguments.candidates,
            home=frame.home,
            until_s=until_s,
        )
        for tier in tiers
        for path in data_sets(arguments.path)
        if not texts or any(text in path.name for text in texts)
    )


def conditions(settings: "Settings", cells: int) -> list[str]:
    """What every figure was made under."""
    limits, sim = settings.limits, settings.sim
    return [
        f"{settings.account.starting_balance} {settings.account.currency} at the start of every"
        f" data set; the risk law as set: {limits.loss_per_trade_max} a trade,"
        f" {limits.loss_per_day_max} a day, {limits.reserve} in reserve, halt at a drawdown of"
        f" {percent(limits.drawdown_halt)}.",
        f"Fees of the venue's entry tier; {sim.slippage_bps:g} bps against us for spread and"
        f" slippage on every fill at a bar's price; orders {sim.latency_ms:g} ms late; at most"
        f" {percent(sim.volume_share_max, 0)} of a bar's volume; funding as recorded.",
        "Windows by one rule for all data: train on a quarter of the span (at most a year), test"
        " on a third of that, two days left out between. One account goes through all windows of"
        " a data set and keeps its peak, its halts and what the selector learned; at the end of a"
        " window everything is sold, with its costs. Training starts anew each time.",
        "chosen: what training ranked first by Sharpe, if it led the shipped settings by more than"
        " luck explains, else those; benched: the same, but staying out of a"
        " test where training lost; as set: the shipped settings in the same windows.",
        "Candidates are drawn from fixed ranges with a fixed seed, the shipped settings among"
        " them. The ranges and the shipped settings were written by people who knew this past.",
        f"{cells} pairs of tier and data were asked for; the best of so many looks better than"
        " it is.",
        "Survivorship: the recordings hold what their makers chose, afterwards.",
    ]


def answer_of(cell: "CellResult") -> CellAnswer:
    """The record so far."""
    from tradewinds.research.walk_forward import whole

    return CellAnswer(
        heading=cell.heading,
        finished=cell.finished,
        windows=len(cell.results),
        whole=whole(result.chosen for result in cell.results) if cell.results else None,
    )


def show(screen: Screen, answer: ResultsAnswer) -> None:
    """Where the page is and what is in it."""
    columns = ("tier", "data", "windows", "monthly", "drawdown", "trades")
    rows = []
    for cell in answer.cells:
        record = cell.whole
        rows.append(
            (
                cell.heading.tier,
                cell.heading.data.removeprefix("REPLAY "),
                f"{cell.windows}/{cell.heading.windows}",
                percent(record.figures.monthly if record else None),
                percent(record.drawdown if record else None),
                str(record.trades if record else "-"),
            )
        )
    screen.table(
        Table(
            columns=columns,
            rows=tuple(rows),
            right=frozenset(columns[2:]),
            clipped=frozenset({"data"}),
        )
    )
    screen.line()
    screen.line(f"Written: {answer.page}")
    if not answer.finished:
        screen.line("The time was up before all of it was done: run it again to go on.", "yellow")
