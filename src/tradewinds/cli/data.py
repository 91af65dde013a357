"""`data list|check`: what recorded market data holds, read as a stream."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from tradewinds.cli.exits import Exit
from tradewinds.cli.option import Option
from tradewinds.cli.outcome import Frame, Outcome
from tradewinds.cli.screen import Screen, Table
from tradewinds.cli.words import moment, split_names
from tradewinds.model.errors import DataError

if TYPE_CHECKING:
    from tradewinds.market.parquet_rows import Rows
    from tradewinds.market.series import Series

BLOCK_ROWS = 8_192


class DataArguments(Struct, frozen=True, kw_only=True):
    """Where to look."""

    path: Annotated[
        Path, Option(help="A Parquet file or a folder of them.", positional=True, metavar="PATH")
    ]
    symbols: Annotated[
        tuple[str, ...], Option(help="Only these, by comma or repeated.", metavar="LIST")
    ] = ()


class SeriesRow(Struct, frozen=True, kw_only=True):
    """One series of one file. Times are bar opens, nanoseconds UTC.

    `gaps` counts holes between bars and `missing` the bars in them.
    """

    file: str
    symbol: str
    venue: str
    kind: str
    timeframe: str
    rows: int
    first_ns: int
    last_ns: int
    gaps: int
    missing: int
    longest_gap_bars: int


class DataAnswer(Struct, frozen=True, kw_only=True):
    """Every series, and how many rows were left out and why."""

    path: str
    series: tuple[SeriesRow, ...]
    dropped: dict[str, int]


def data_list(arguments: DataArguments, frame: Frame) -> Outcome:
    """What is in a Parquet file or a folder of them: symbols, timeframe, span, rows, gaps."""
    answer = survey(arguments)
    return Outcome(data=answer, show=lambda screen: show_survey(screen, answer))


def data_check(arguments: DataArguments, frame: Frame) -> Outcome:
    """The same, and exit code 6 when a row cannot be used as it is."""
    answer = survey(arguments)
    bad = sum(answer.dropped.values())
    return Outcome(
        data=answer,
        show=lambda screen: show_survey(screen, answer),
        code=Exit.DATA_ERROR if bad else Exit.OK,
        message=f"{bad:,} rows cannot be used" if bad else "",
        fix="they are left out of replays and backtests; download or record them again"
        if bad
        else "",
    )


def survey(arguments: DataArguments) -> DataAnswer:
    """Read everything once. Raises DataError for a path without usable files."""
    from tradewinds.market.selection import Selection
    from tradewinds.market.series import read_series

    selection = Selection(symbols=split_names(arguments.symbols))
    dropped: Counter[str] = Counter()
    rows = [
        series_row(series)
        for path in parquet_files(arguments.path)
        for series in read_series(path, selection, dropped)
    ]
    return DataAnswer(path=str(arguments.path), series=tuple(rows), dropped=dict(+dropped))


def parquet_files(path: Path) -> list[Path]:
    """The file, or every Parquet file of the folder, by name."""
    if not path.exists():
        raise DataError(f"{path}: no such file or folder; check the path")
    if path.is_file():
        return [path]
    found = sorted(path.glob("*.parquet"))
    if not found:
        raise DataError(f"{path}: no .parquet file in this folder")
    return found


def series_row(series: "Series") -> SeriesRow:
    """Count one series block by block."""
    from tradewinds.model.timeframes import timeframe_text

    timeframe_ns = series.timeframe_ns
    count = Count(timeframe_ns)
    count.take(series.blocks(BLOCK_ROWS))

    return SeriesRow(
        file=series.path.name,
        symbol=series.key.symbol,
        venue=series.key.venue,
        kind=series.key.kind,
        timeframe=timeframe_text(timeframe_ns) if timeframe_ns else "",
        rows=count.rows,
        first_ns=count.first_ns,
        last_ns=count.last_ns,
        gaps=count.gaps,
        missing=count.missing,
        longest_gap_bars=count.longest,
    )


class Count:
    """Rows and holes of a series, over its blocks."""

    def __init__(self, timeframe_ns: int) -> None:
        self.timeframe_ns = timeframe_ns
        self.rows = self.first_ns = self.last_ns = 0
        self.gaps = self.missing = self.longest = 0

    def take(self, blocks: "Iterator[Rows]") -> None:
        """All blocks, in order."""
        for block in blocks:
            times = block["ts"]
            self.first_ns = self.first_ns or int(times[0])
            self._holes(times)
            self.rows += len(times)
            self.last_ns = int(times[-1])

    def _holes(self, times: "Rows") -> None:
        import numpy as np

        if not self.timeframe_ns:
            return
        before = [self.last_ns] if self.last_ns else times[:1]
        steps = np.diff(np.concatenate((before, times))) // self.timeframe_ns - 1
        holes = steps[steps > 0]
        self.gaps += len(holes)
        self.missing += int(holes.sum())
        self.longest = max(self.longest, int(holes.max(initial=0)))


def show_survey(screen: Screen, answer: DataAnswer) -> None:
    """A line a series, then what was left out."""
    columns = ("series", "bars", "rows", "from", "to", "gaps", "missing")
    by_file: dict[str, list[SeriesRow]] = {}
    for row in answer.series:
        by_file.setdefault(row.file, []).append(row)
    for file, rows in by_file.items():
        screen.table(
            Table(
                title=file,
                columns=columns,
                rows=tuple(series_cells(row) for row in rows),
                right=frozenset({"rows", "gaps", "missing"}),
            )
        )
    if not answer.series:
        screen.line("No usable rows.")
    for reason, count in answer.dropped.items():
        screen.line(f"left out: {count:,} rows, {reason}", "yellow")


def series_cells(row: SeriesRow) -> tuple[str, ...]:
    """One series."""
    name = "@".join(part for part in (row.symbol, row.venue) if part)
    return (
        f"{name} {row.kind}".strip(),
        row.timeframe or "?",
        f"{row.rows:,}",
        moment(row.first_ns)[:16],
        moment(row.last_ns)[:16],
        f"{row.gaps:,}",
        f"{row.missing:,}",
    )
