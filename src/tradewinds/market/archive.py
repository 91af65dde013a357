"""Recorded bars, marks and funding as events in time order: streamed, with stable ties."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from tradewinds.market.instruments import instruments_from_prices
from tradewinds.market.listing import newest_listed, with_listed_fees
from tradewinds.market.parquet_rows import PRICES, Rows
from tradewinds.market.selection import FUNDING_KINDS, MARK_KINDS, Selection
from tradewinds.market.series import Series, chained, read_series
from tradewinds.market.shelf import archive_root
from tradewinds.model.errors import DataError
from tradewinds.model.events import MarketEvent, SoundBlock
from tradewinds.model.ids import InstrumentId
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Bar, FundingRate, MarkPrice
from tradewinds.model.timeframes import DAY_NS, timeframe_text
from tradewinds.model.validity import LATEST_NS

BLOCK_EVENTS: Final = 16_384
"""Events made at once; shared among the series, so that memory does not grow with their number."""
SILENT_NS: Final = DAY_NS
SILENT_BARS: Final = 3
KIND_ORDER: Final = (Bar, MarkPrice, FundingRate)
"""Of one instrument at one moment: the bar tells of the time before it, funding is due at it."""


class Track:
    """One series with its place among ties, and the moment at which each row is known."""

    def __init__(self, series: Series, instrument: InstrumentId) -> None:
        self.series = series
        self.instrument = instrument
        self.kind: type[Bar | MarkPrice | FundingRate] = Bar
        if series.key.kind in MARK_KINDS:
            self.kind = MarkPrice
        elif series.key.kind in FUNDING_KINDS:
            self.kind = FundingRate
        self.timeframe_ns = series.timeframe_ns
        self.delay_ns = 0 if self.kind is FundingRate else self.timeframe_ns

    @property
    def place(self) -> tuple[str, int, Path]:
        """Instrument first, then kind, then file."""
        return self.instrument, KIND_ORDER.index(self.kind), self.series.path


class Archive:
    """Parquet files of bars, merged over files and symbols.

    Files may be sorted by symbol or by time. Bars are known at their close: `venue_time_ns` and
    `received_time_ns` are open plus timeframe. Raises DataError for what cannot be read.
    `dropped` counts rows that could not be events, by reason; it is final when `blocks` has ended.
    `notes` says what was chosen where there was a choice. Marks and funding come along for
    instruments that have bars.
    """

    def __init__(self, paths: Sequence[Path], selection: Selection) -> None:
        self._dropped: Counter[str] = Counter()
        self.notes: list[str] = []
        series = [s for path in paths for s in read_series(path, selection, self._dropped)]
        found = [
            Track(chain, instrument)
            for chain in chained(series)
            if (instrument := selection.instrument_of(chain.key)) is not None
        ]
        found = [track for track in found if self._usable(track)]
        if not found:
            raise DataError(_nothing_selected(paths, selection))
        self.timeframe_ns = self._choose_timeframe(found, selection.timeframe_ns)
        bars = [t for t in found if t.kind is Bar and t.timeframe_ns == self.timeframe_ns]
        traded = {track.instrument for track in bars}
        others = [t for t in found if t.kind is not Bar and t.instrument in traded]
        self._tracks = sorted(bars + others, key=lambda track: track.place)
        roots = {archive_root(folder) for folder in {path.parent for path in paths}}
        listed = [newest_listed(root) for root in sorted(filter(None, roots))]
        self._listed = {id_: told for each in listed for id_, told in each.items()}

    @property
    def dropped(self) -> dict[str, int]:
        """Rows that could not be events, by reason."""
        return dict(+self._dropped)

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """Derived from the first rows of each series, sorted by id; in an archive with the fees
        that the venue listed."""
        prices: dict[InstrumentId, list[float]] = {}
        for track in self._tracks:
            if track.kind is Bar:
                rows = track.series.sample
                for name in PRICES:
                    prices.setdefault(track.instrument, []).extend(rows[name].tolist())
        return with_listed_fees(instruments_from_prices(prices), self._listed)

    @property
    def span_ns(self) -> tuple[int, int]:
        """From the first bar's open to the last bar's open, as far as the files tell."""
        spans = [track.series.span_ns for track in self._tracks]
        return min(first for first, _ in spans), max(last for _, last in spans)

    def endings(self) -> dict[InstrumentId, int]:
        """When (ns) an instrument counts as delisted: a day after its last bar, or three bars, if
        the recording of others goes on beyond that: who is told at its very end cannot act.

        It is told as late as that so that nobody can know of it before: a recording that had been
        cut off at any moment tells the same up to there, unless it was cut off in a gap of days.
        """
        known: dict[InstrumentId, int] = {}
        for track in self._tracks:
            if track.kind is Bar:
                known_ns = track.series.ends_ns + track.delay_ns
                known[track.instrument] = max(known.get(track.instrument, 0), known_ns)
        newest_ns = max((each for each in known.values() if each < LATEST_NS), default=0)
        silent_ns = max(SILENT_NS, SILENT_BARS * self.timeframe_ns)
        endings = {id_: last_ns + silent_ns for id_, last_ns in known.items()}
        return {id_: ending_ns for id_, ending_ns in endings.items() if ending_ns < newest_ns}

    def events(self) -> Iterator[MarketEvent]:
        """One by one."""
        for block in self.blocks():
            yield from block

    def blocks(self) -> Iterator[list[MarketEvent]]:
        """In lists of about BLOCK_EVENTS, sound because their rows are. May be asked again: it
        starts over."""
        block_rows = max(64, BLOCK_EVENTS // len(self._tracks))
        cursors = [Cursor(track, block_rows) for track in self._tracks]
        while True:
            cursors = [cursor for cursor in cursors if cursor.fill()]
            if not cursors:
                return
            horizon = min(cursor.last_ns for cursor in cursors)
            merged = self._merged([(cursor.track, cursor.take(horizon)) for cursor in cursors])
            yield SoundBlock(merged) if horizon < LATEST_NS else merged

    def _merged(self, parts: list[tuple[Track, Rows]]) -> list[MarketEvent]:
        """Parts come in order of place, so that a stable sort by time leaves ties in it."""
        parts = [(track, rows) for track, rows in parts if len(rows)]
        if len(parts) == 1:
            return list(_events(*parts[0]))
        known = np.concatenate([rows["ts"] + track.delay_ns for track, rows in parts])
        order = np.argsort(known, kind="stable")
        if len({(track.instrument, track.kind) for track, _ in parts}) < len(parts):
            order = self._without_repeats(parts, known, order)
        events = [event for track, rows in parts for event in _events(track, rows)]
        return [events[index] for index in order.tolist()]

    def _without_repeats(self, parts: list[tuple[Track, Rows]], known: Rows, order: Rows) -> Rows:
        """Two files may hold the same bars: the first file's stay."""
        places = {place: i for i, place in enumerate({t.place[:2]: None for t, _ in parts})}
        place = np.concatenate([np.full(len(rows), places[t.place[:2]]) for t, rows in parts])
        times, owners = known[order], place[order]
        fresh = np.ones(len(order), dtype=bool)
        fresh[1:] = (times[1:] != times[:-1]) | (owners[1:] != owners[:-1])
        self._dropped["in two files"] += int(len(order) - np.count_nonzero(fresh))
        return order[fresh]

    def _usable(self, track: Track) -> bool:
        if track.kind is FundingRate or track.timeframe_ns > 0:
            return True
        self._dropped["timeframe unknown"] += len(track.series.sample)
        self.notes.append(f"{track.instrument}: one row only, its timeframe is unknown; left out")
        return False

    def _choose_timeframe(self, tracks: list[Track], wanted_ns: int) -> int:
        present = sorted({track.timeframe_ns for track in tracks if track.kind is Bar})
        names = ", ".join(timeframe_text(found) for found in present)
        if not present:
            raise DataError("only mark prices or funding found; add a file of bars")
        if wanted_ns and wanted_ns not in present:
            raise DataError(f"no bars of {timeframe_text(wanted_ns)}; there are: {names}")
        chosen = wanted_ns or present[0]
        if len(present) > 1:
            self.notes.append(f"timeframes {names} found, {timeframe_text(chosen)} replayed")
        return chosen


class Cursor:
    """A track's current block and how far it has been taken."""

    def __init__(self, track: Track, block_rows: int) -> None:
        self.track = track
        self._blocks = track.series.blocks(block_rows)
        self._rows: Rows = np.empty(0)
        self._known: Rows = np.empty(0)

    @property
    def last_ns(self) -> int:
        """When the last row at hand is known."""
        return int(self._known[-1])

    def fill(self) -> bool:
        """Get the next block if there is nothing at hand; False at the end."""
        if len(self._rows) == 0:
            rows = next(self._blocks, None)
            if rows is None:
                return False
            self._rows, self._known = rows, rows["ts"] + self.track.delay_ns
        return True

    def take(self, horizon_ns: int) -> Rows:
        """Everything known by then."""
        count = int(np.searchsorted(self._known, horizon_ns, side="right"))
        taken, self._rows = self._rows[:count], self._rows[count:]
        self._known = self._known[count:]
        return taken


def _events(track: Track, rows: Rows) -> Sequence[MarketEvent]:
    if track.kind is Bar:
        return _bars(track, rows)
    id_ = track.instrument
    known = (rows["ts"] + track.delay_ns).tolist()
    if track.kind is MarkPrice:
        return [
            MarkPrice(instrument_id=id_, price=price, venue_time_ns=at, received_time_ns=at)
            for at, price in zip(known, rows["close"].tolist(), strict=True)
        ]
    return [
        FundingRate(instrument_id=id_, rate=rate, venue_time_ns=at, received_time_ns=at)
        for at, rate in zip(known, rows["open"].tolist(), strict=True)
    ]


def _bars(track: Track, rows: Rows) -> list[Bar]:
    """By columns: a tuple for each row would cost as much as the bar itself."""
    id_, length, opens = track.instrument, track.timeframe_ns, rows["ts"]
    columns = [rows[name].tolist() for name in (*PRICES, "volume")]
    return [
        Bar(
            instrument_id=id_,
            timeframe_ns=length,
            open_time_ns=opened,
            open=open_,
            high=high,
            low=low,
            close=close,
            volume=volume,
            venue_time_ns=closed,
            received_time_ns=closed,
        )
        for opened, closed, open_, high, low, close, volume in zip(
            opens.tolist(), (opens + length).tolist(), *columns, strict=True
        )
    ]


def _nothing_selected(paths: Sequence[Path], selection: Selection) -> str:
    names = ", ".join(str(path) for path in paths)
    if not selection.symbols:
        return f"{names}: no usable bars in the chosen span; check start and end"
    wanted = ", ".join(selection.symbols)
    return f"{names}: no bars of {wanted} in the chosen span; check symbols, start and end"
