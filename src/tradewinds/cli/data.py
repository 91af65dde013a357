"""`data list|check`: what recorded market data holds, read as a stream."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct, structs

from tradewinds.cli.exits import Exit
from tradewinds.cli.option import Option
from tradewinds.cli.outcome import Frame, Outcome
from tradewinds.cli.screen import Screen, Table
from tradewinds.cli.words import moment, split_names
from tradewinds.market.inspection import Outlier
from tradewinds.model.errors import DataError
from tradewinds.model.instrument import InstrumentStatus

if TYPE_CHECKING:
    from tradewinds.market.series import Series

BLOCK_ROWS = 8_192
UNTRADED = frozenset({"mark", "funding", "funding_rate"})
"""Kinds that have no volume by their nature."""


class DataArguments(Struct, frozen=True, kw_only=True):
    """Where to look."""

    path: Annotated[
        Path | None,
        Option(
            help="A Parquet file or a folder of them; else the archive in the data folder.",
            positional=True,
            metavar="[PATH]",
        ),
    ] = None
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
    spikes: int
    jumps: int
    frozen_bars: int
    zero_volume: int
    delisted: bool
    outliers: "tuple[Outlier, ...]"


class DataAnswer(Struct, frozen=True, kw_only=True):
    """Every series, and how many rows were left out and why."""

    path: str
    series: tuple[SeriesRow, ...]
    dropped: dict[str, int]


def data_list(arguments: DataArguments, frame: Frame) -> Outcome:
    """What the archive, a file or a folder holds: symbols, timeframe, span, rows, gaps."""
    answer = survey(arguments, frame)
    return Outcome(data=answer, show=lambda screen: show_survey(screen, answer))


def data_check(arguments: DataArguments, frame: Frame) -> Outcome:
    """Gaps, repeats, outliers and frozen prices; exit code 6 when a row cannot be used as it is."""
    answer = survey(arguments, frame)
    bad = sum(answer.dropped.values())
    return Outcome(
        data=answer,
        show=lambda screen: show_check(screen, answer),
        code=Exit.DATA_ERROR if bad else Exit.OK,
        message=f"{bad:,} rows cannot be used" if bad else "",
        fix="they are left out of replays and backtests; download or record them again"
        if bad
        else "",
    )


def archive_of(frame: Frame, given: Path | None) -> Path:
    """Where downloads and imports go: the data folder's own archive unless another is named."""
    return given.expanduser() if given is not None else frame.home / "archive"


def survey(arguments: DataArguments, frame: Frame) -> DataAnswer:
    """Read everything once. Raises DataError for a path without usable files."""
    from tradewinds.market.listing import newest_listed
    from tradewinds.market.prints import holds_prints
    from tradewinds.market.selection import Selection
    from tradewinds.market.series import chained, read_series
    from tradewinds.market.shelf import archive_root

    path = archive_of(frame, arguments.path)
    selection = Selection(symbols=split_names(arguments.symbols))
    dropped: Counter[str] = Counter()
    found = [file for file in parquet_files(path) if not holds_prints(file)]
    series = chained([one for file in found for one in read_series(file, selection, dropped)])
    root = archive_root(path)
    listed = {} if root is None else newest_listed(root)
    gone = {id_ for id_, told in listed.items() if told.status is not InstrumentStatus.TRADING}
    rows = [
        series_row(one, root, delisted=selection.instrument_of(one.key) in gone)
        for one in sorted(series, key=lambda one: (one.path.parent, one.key))
    ]
    return DataAnswer(path=str(path), series=tuple(rows), dropped=dict(+dropped))


def parquet_files(path: Path) -> list[Path]:
    """The file, or every Parquet file of the folder, of an archive also of those below."""
    from tradewinds.market.shelf import parquet_in

    if not path.exists():
        raise DataError(
            f"{path}: no such file or folder; `trading-cli data download` fills the archive"
        )
    if path.is_file():
        return [path]
    found = parquet_in(path)
    if not found:
        raise DataError(f"{path}: no .parquet file in this folder")
    return found


def series_row(series: "Series", root: Path | None, *, delisted: bool) -> SeriesRow:
    """Look through one series block by block; in an archive its folder stands for its files."""
    from tradewinds.market.inspection import Inspector
    from tradewinds.market.selection import FUNDING_KINDS
    from tradewinds.model.timeframes import timeframe_text

    timeframe_ns = series.timeframe_ns
    priced = series.key.kind not in FUNDING_KINDS
    found = Inspector(timeframe_ns, priced=priced).take(series.blocks(BLOCK_ROWS))
    place = series.path.absolute()
    file = place.name if root is None else f"{place.parent.parent.relative_to(root.absolute())}"
    return SeriesRow(
        file=file,
        symbol=series.key.symbol,
        venue=series.key.venue,
        kind=series.key.kind,
        timeframe=timeframe_text(timeframe_ns) if timeframe_ns else "",
        delisted=delisted,
        **structs.asdict(found),
    )


def show_survey(screen: Screen, answer: DataAnswer) -> None:
    """A line a series, then what was left out."""
    by_file: dict[str, list[SeriesRow]] = {}
    for row in answer.series:
        by_file.setdefault(row.file, []).append(row)
    for title, rows in by_file.items():
        screen.table(
            Table(
                title=title,
                columns=("series", "bars", "rows", "from", "to", "gaps", "missing"),
                rows=tuple(series_cells(row) for row in rows),
                right=frozenset({"rows", "gaps", "missing"}),
            )
        )
    show_dropped(screen, answer)


def show_check(screen: Screen, answer: DataAnswer) -> None:
    """What deserves a look, and where."""
    show_survey(screen, answer)
    rows = tuple(check_cells(row) for row in answer.series if suspicious(row))
    columns = ("series", "spikes", "jumps", "frozen", "no volume", "first seen")
    if not rows:
        screen.line("No outliers: no spike, no jump, no frozen price.")
        return
    screen.table(
        Table(
            title="A look is due at",
            columns=columns,
            rows=rows,
            right=frozenset({"spikes", "jumps", "frozen", "no volume"}),
        )
    )
    screen.paragraph(
        "A spike comes back at once, a jump stays: a redenomination, or another coin under an old"
        " name. Frozen bars have one price and no volume. They are kept as they are: strategies"
        " see what was recorded."
    )


def show_dropped(screen: Screen, answer: DataAnswer) -> None:
    """What cannot be used."""
    if not answer.series:
        screen.line("No usable rows.")
    for reason, count in answer.dropped.items():
        screen.line(f"left out: {count:,} rows, {reason}", "yellow")


def suspicious(row: SeriesRow) -> bool:
    """Whether a series needs a second look."""
    dead = row.kind not in UNTRADED and row.zero_volume * 2 > row.rows
    return bool(row.spikes or row.jumps or row.frozen_bars or dead)


def check_cells(row: SeriesRow) -> tuple[str, ...]:
    """One series with its outliers."""
    first = row.outliers[0] if row.outliers else None
    seen = f"{moment(first.open_time_ns)[:16]} {first.change:+,.0%}" if first else "-"
    counts = (row.spikes, row.jumps, row.frozen_bars, row.zero_volume)
    return (f"{title_of(row)} {row.timeframe}", *(f"{count:,}" for count in counts), seen)


def title_of(row: SeriesRow) -> str:
    """Symbol, venue and kind; a coin the venue trades no more is marked."""
    parts = () if "/" in row.file else (row.venue, row.kind)
    return " ".join((row.symbol, *filter(None, parts), *(("delisted",) * row.delisted)))


def series_cells(row: SeriesRow) -> tuple[str, ...]:
    """One series."""
    return (
        title_of(row),
        row.timeframe or "?",
        f"{row.rows:,}",
        moment(row.first_ns)[:10],
        moment(row.last_ns)[:10],
        f"{row.gaps:,}",
        f"{row.missing:,}",
    )
