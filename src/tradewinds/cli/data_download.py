"""`data download`: a venue's history into the archive, resumed where it stopped."""

import asyncio
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from msgspec import Struct

from tradewinds.cli.data import archive_of
from tradewinds.cli.exits import CliError, Exit
from tradewinds.cli.option import Option
from tradewinds.cli.outcome import Frame, Outcome
from tradewinds.cli.screen import Screen, Table
from tradewinds.cli.words import parse_time_ns, split_names
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.timeframes import DAY_NS, MINUTE_NS, parse_timeframe

if TYPE_CHECKING:
    from tradewinds.gateways.history import CcxtHistory
    from tradewinds.market.download import Fetched, Progress
    from tradewinds.market.shelf import SeriesName

KINDS = ("bars", "funding", "mark", "trades")
PERPETUAL_ONLY = frozenset({"funding", "mark"})
LINE_EVERY_S = 10.0
SETTLING_NS = MINUTE_NS
"""The newest minute is left for the next time: venues may still add to it."""


class DownloadArguments(Struct, frozen=True, kw_only=True):
    """What, from where, since when."""

    symbols: Annotated[
        tuple[str, ...],
        Option(
            help="Like BTC/USDT, BTC/USDT:USDT (perpetual), or */USDT for all against it.",
            metavar="LIST",
        ),
    ] = ()
    venue: Annotated[str, Option(help="Any venue ccxt knows.", metavar="NAME")] = "binance"
    timeframe: Annotated[tuple[str, ...], Option(help="Bar lengths: 1m,1h.", metavar="LENGTH")] = (
        "1h",
    )
    what: Annotated[
        tuple[str, ...], Option(help="bars, funding, mark, trades; by comma.", metavar="LIST")
    ] = ("bars",)
    start: Annotated[
        str | None, Option(help="From this day (UTC), like 2024-01-05.", metavar="TIME")
    ] = None
    end: Annotated[
        str | None, Option(help="Up to this moment (UTC); else now.", metavar="TIME")
    ] = None
    days: Annotated[int, Option(help="Without --start: so many days back.", least=1)] = 30
    archive: Annotated[
        Path | None, Option(help="Another folder than the data folder's.", metavar="DIR")
    ] = None


class SeriesAnswer(Struct, frozen=True, kw_only=True):
    """One series: rows that are new, were there, were there with other values, and what failed."""

    venue: str
    kind: str
    symbol: str
    timeframe: str
    new: int
    same: int
    differing: int
    trouble: str


class DownloadAnswer(Struct, frozen=True, kw_only=True):
    """All series, and rows of the venue that could not be used."""

    archive: str
    series: tuple[SeriesAnswer, ...]
    dropped: dict[str, int]


def data_download(arguments: DownloadArguments, frame: Frame) -> Outcome:
    """A venue's past: bars, funding, mark prices, trades, and its fees. Run again to go on."""
    refuse_nonsense(arguments)
    now_ns = time.time_ns() - SETTLING_NS
    end_ns = parse_time_ns(arguments.end, "--end") if arguments.end else now_ns
    start_ns = (
        parse_time_ns(arguments.start, "--start")
        if arguments.start
        else end_ns - arguments.days * DAY_NS
    )
    span = (start_ns, min(end_ns, now_ns))
    if span[1] <= span[0]:
        raise CliError("--start lies behind the end", Exit.USAGE, "give an earlier --start")
    answer = asyncio.run(downloaded(arguments, frame, span))
    failed = [one for one in answer.series if one.trouble]
    return Outcome(
        data=answer,
        show=lambda screen: show_download(screen, answer),
        code=Exit.FAILURE if failed else Exit.OK,
        message=f"{len(failed)} series not complete: {failed[0].trouble}" if failed else "",
        fix="what was had is kept: run it again to go on" if failed else "",
    )


def refuse_nonsense(arguments: DownloadArguments) -> None:
    """Say what is wrong before a venue is asked."""
    if not split_names(arguments.symbols):
        raise CliError("no symbols", Exit.USAGE, "say --symbols BTC/USDT,ETH/USDT or */USDT")
    for text in split_names(arguments.timeframe):
        if not parse_timeframe(text) or text.endswith("w"):
            raise CliError(
                f"--timeframe {text!r} is no bar length", Exit.USAGE, "write it like 1m, 1h or 1d"
            )
    wrong = sorted(set(split_names(arguments.what)) - set(KINDS))
    if wrong:
        raise CliError(f"--what {wrong[0]!r}", Exit.USAGE, f"there are: {', '.join(KINDS)}")


async def downloaded(
    arguments: DownloadArguments, frame: Frame, span: tuple[int, int]
) -> DownloadAnswer:
    """Ask the venue. Raises VenueUnavailable when it does not even list its instruments."""
    from tradewinds.gateways.history import CcxtHistory
    from tradewinds.market.download import Downloader, Page
    from tradewinds.market.listing import Listing
    from tradewinds.market.shelf import Shelf

    shelf = Shelf(archive_of(frame, arguments.archive))
    history = CcxtHistory(arguments.venue, Page)
    with shelf.locked():
        try:
            listing = Listing(shelf.root / arguments.venue)
            listing.note(await history.listing(), time.time_ns())
            universe = [entry.instrument for entry in listing.read()]
            names = wanted_series(arguments, universe, history)
            with ProgressBar(quiet=frame.json) as bar:
                found = await Downloader(history, shelf, bar.tell).fetch(names, span)
        finally:
            await history.close()
    return DownloadAnswer(
        archive=str(shelf.root),
        series=tuple(series_answer(one) for one in found),
        dropped=dict(history.dropped),
    )


def wanted_series(
    arguments: DownloadArguments, universe: list[Instrument], history: "CcxtHistory"
) -> list["SeriesName"]:
    """Each symbol with each kind and bar length that fits. Raises CliError for what cannot be."""
    from tradewinds.market.shelf import SeriesName

    chosen = chosen_instruments(split_names(arguments.symbols), universe)
    names = []
    for instrument in chosen:
        perpetual = instrument.kind is InstrumentKind.PERPETUAL
        own = {"symbol": instrument.symbol, "venue": arguments.venue}
        for what in split_names(arguments.what):
            if what in PERPETUAL_ONLY and not perpetual:
                continue
            if what in ("funding", "trades"):
                names.append(SeriesName(kind="prints" if what == "trades" else what, **own))
                continue
            kind = "mark" if what == "mark" else "swap" if perpetual else "spot"
            names += [SeriesName(kind=kind, tf=t, **own) for t in split_names(arguments.timeframe)]
    if not names:
        raise CliError(
            "nothing to download: funding and mark prices are of perpetuals",
            Exit.USAGE,
            "write a perpetual like BTC/USDT:USDT",
        )
    for name in names:
        why = history.offers(name)
        if why:
            raise CliError(why, Exit.USAGE, "leave it out, or ask another venue")
    return names


def chosen_instruments(wanted: tuple[str, ...], universe: list[Instrument]) -> list[Instrument]:
    """By symbol, or all against an asset; those delisted since are among them."""
    by_symbol = {instrument.symbol: instrument for instrument in universe}
    chosen: dict[str, Instrument] = {}
    for text in wanted:
        if text.startswith("*/"):
            fitting = [i for i in universe if i.symbol.partition("/")[2] == text[2:]]
        else:
            fitting = [by_symbol[text]] if text in by_symbol else []
        if not fitting:
            raise CliError(
                f"{text}: the venue lists no such market",
                Exit.USAGE,
                "write it like BTC/USDT, BTC/USDT:USDT or */USDT",
            )
        chosen.update({instrument.symbol: instrument for instrument in fitting})
    return [chosen[symbol] for symbol in sorted(chosen)]


def series_answer(found: "Fetched") -> SeriesAnswer:
    """Flat, for people and programs."""
    name, added = found.name, found.added
    return SeriesAnswer(
        venue=name.venue,
        kind=name.kind,
        symbol=name.symbol,
        timeframe=name.tf,
        new=added.new,
        same=added.same,
        differing=added.differing,
        trouble=found.trouble,
    )


class ProgressBar:
    """Progress on stderr: a bar on a terminal, else a line now and then."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._share: dict[Any, float] = {}
        self._rows: dict[Any, int] = {}
        self._next_s = 0.0
        self._rich: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        if not self._quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress as RichProgress

            self._rich = RichProgress(console=Console(stderr=True))
            self._rich.start()
            self._task = self._rich.add_task("downloading", total=1.0)
        return self

    def __exit__(self, *_: object) -> None:
        if self._rich is not None:
            self._rich.stop()

    def tell(self, progress: "Progress") -> None:
        """One series has come so far."""
        self._share[progress.name] = progress.done_ns / max(1, progress.whole_ns)
        self._rows[progress.name] = progress.added.new
        share, rows = sum(self._share.values()) / len(self._share), sum(self._rows.values())
        if self._rich is not None:
            text = f"{len(self._share)} series, {rows:,} new rows"
            self._rich.update(self._task, completed=share, description=text)
        elif not self._quiet and time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + LINE_EVERY_S
            sys.stderr.write(f"{share:.0%} of {len(self._share)} series, {rows:,} new rows\n")


def show_download(screen: Screen, answer: DownloadAnswer) -> None:
    """A line a series."""
    rows = tuple(
        (
            f"{one.symbol}@{one.venue} {one.kind}",
            one.timeframe or "-",
            f"{one.new:,}",
            f"{one.same:,}",
            f"{one.differing:,}",
            one.trouble or "complete",
        )
        for one in answer.series
    )
    columns = ("series", "bars", "new", "had", "differ", "state")
    screen.table(
        Table(
            title=answer.archive,
            columns=columns,
            rows=rows,
            right=frozenset({"new", "had", "differ"}),
        )
    )
    for reason, count in answer.dropped.items():
        screen.line(f"left out: {count:,} rows of the venue, {reason}", "yellow")
