"""`data import`: files of other tools into the archive."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from tradewinds.cli.data import archive_of
from tradewinds.cli.exits import Exit
from tradewinds.cli.option import Option
from tradewinds.cli.outcome import Frame, Outcome
from tradewinds.cli.screen import Screen, Table
from tradewinds.model.errors import DataError

if TYPE_CHECKING:
    from tradewinds.market.shelf import Added, SeriesName


class ImportArguments(Struct, frozen=True, kw_only=True):
    """What, and what the files do not say themselves."""

    path: Annotated[
        Path,
        Option(
            help="A file, or a folder: feather or JSON of freqtrade, CSV, Parquet.",
            positional=True,
            metavar="PATH",
        ),
    ]
    venue: Annotated[str, Option(help="Where it was traded.", metavar="NAME")] = ""
    symbol: Annotated[str, Option(help="If the file's name does not tell.", metavar="SYMBOL")] = ""
    timeframe: Annotated[
        str, Option(help="If neither name nor spacing tell.", metavar="LENGTH")
    ] = ""
    kind: Annotated[str, Option(help="spot, swap, mark or funding.", metavar="KIND")] = ""
    archive: Annotated[
        Path | None, Option(help="Another folder than the data folder's.", metavar="DIR")
    ] = None


class ImportedSeries(Struct, frozen=True, kw_only=True):
    """Rows that are new, were there already, or were there with other values, which stay."""

    venue: str
    kind: str
    symbol: str
    timeframe: str
    new: int
    same: int
    differing: int


class ImportAnswer(Struct, frozen=True, kw_only=True):
    """All series, rows that cannot be used, and files that could not be read with the reason."""

    archive: str
    series: tuple[ImportedSeries, ...]
    dropped: dict[str, int]
    refused: tuple[str, ...]


def data_import(arguments: ImportArguments, frame: Frame) -> Outcome:
    """Bars of freqtrade (feather, JSON), CSV or Parquet; what is there is not overwritten."""
    answer = taken_in(arguments, frame)
    if not answer.series:
        raise DataError(answer.refused[0] if answer.refused else f"{arguments.path}: no usable row")
    refused = len(answer.refused)
    return Outcome(
        data=answer,
        show=lambda screen: show_import(screen, answer),
        code=Exit.DATA_ERROR if refused else Exit.OK,
        message=f"{refused} file(s) were not imported" if refused else "",
        fix="the lines above say why; the others are in the archive" if refused else "",
    )


def taken_in(arguments: ImportArguments, frame: Frame) -> ImportAnswer:
    """File by file: one that cannot be read does not stop the others."""
    from tradewinds.market.imports import Told, files_in, imported
    from tradewinds.market.shelf import Added, Shelf

    told = Told(
        venue=arguments.venue,
        symbol=arguments.symbol,
        timeframe=arguments.timeframe,
        kind=arguments.kind,
    )
    files = files_in(arguments.path.expanduser())
    shelf = Shelf(archive_of(frame, arguments.archive))
    totals: dict[SeriesName, Added] = {}
    dropped: Counter[str] = Counter()
    refused: list[str] = []
    with shelf.locked():
        for file in files:
            try:
                for part in imported(file, told, dropped):
                    before = totals.get(part.name, Added())
                    totals[part.name] = before + shelf.add(part.name, part.rows)
            except DataError as error:
                refused.append(str(error))
    return ImportAnswer(
        archive=str(shelf.root),
        series=tuple(imported_series(name, totals[name]) for name in sorted(totals)),
        dropped=dict(+dropped),
        refused=tuple(refused),
    )


def imported_series(name: "SeriesName", added: "Added") -> ImportedSeries:
    """Flat, for people and programs."""
    return ImportedSeries(
        venue=name.venue,
        kind=name.kind,
        symbol=name.symbol,
        timeframe=name.tf,
        new=added.new,
        same=added.same,
        differing=added.differing,
    )


def show_import(screen: Screen, answer: ImportAnswer) -> None:
    """A line a series, then what was left out."""
    rows = tuple(
        (
            f"{one.symbol}@{one.venue} {one.kind}",
            one.timeframe or "-",
            f"{one.new:,}",
            f"{one.same:,}",
            f"{one.differing:,}",
        )
        for one in answer.series
    )
    screen.table(
        Table(
            title=answer.archive,
            columns=("series", "bars", "new", "had", "differ"),
            rows=rows,
            right=frozenset({"new", "had", "differ"}),
        )
    )
    for reason, count in answer.dropped.items():
        screen.line(f"left out: {count:,} rows, {reason}", "yellow")
    for reason in answer.refused:
        screen.line(reason, "red")
