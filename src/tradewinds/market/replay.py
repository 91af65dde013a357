"""Recorded data as a feed: Parquet bars, raw venue messages, or a folder of either."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Final, Protocol

import msgspec

from tradewinds.market.archive import Archive
from tradewinds.market.merge import merge_events
from tradewinds.market.pace import Pace
from tradewinds.market.parquet_rows import open_parquet
from tradewinds.market.prints import holds_prints, tapes
from tradewinds.market.raw import SUFFIXES, DecoderMaker, RawRecording
from tradewinds.market.recording import EventRecording, is_event_recording
from tradewinds.market.selection import Selection
from tradewinds.market.shelf import archive_root, parquet_in
from tradewinds.model.errors import DataError
from tradewinds.model.events import MarketEvent
from tradewinds.model.ids import InstrumentId
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Bar
from tradewinds.model.timeframes import timeframe_text
from tradewinds.model.validity import EARLIEST_NS
from tradewinds.ports import BarHistory

MERGED_BLOCK: Final = 2_048


class Recording(Protocol):
    """What is not bars: events as they came."""

    @property
    def instruments(self) -> Sequence[Instrument]: ...
    @property
    def dropped(self) -> dict[str, int]: ...
    @property
    def progress(self) -> float: ...
    def blocks(self) -> Iterator[list[MarketEvent]]: ...


class ReplayFeed:
    """Implements ports.Feed over files; `events` and `blocks` are the same without waiting.

    `paths` are files, or one folder: all its usable *.parquet (of an archive, those in folders
    below as well), else its recordings (*.gz *.jsonl *.json); a venue's raw messages need
    `make_decoder`. Raises DataError with the place and the fix.
    """

    def __init__(
        self,
        paths: Path | Sequence[Path],
        selection: Selection,
        pace: Pace | None = None,
        make_decoder: DecoderMaker | None = None,
    ) -> None:
        given = [paths] if isinstance(paths, Path) else list(paths)
        self.notes: list[str] = []
        files = [file for path in given for file in self._files(path)]
        parquet = [file for file in files if file.suffix == ".parquet"]
        prints = [file for file in parquet if holds_prints(file)]
        self._bars = [file for file in parquet if file not in set(prints)]
        self._selection = selection
        self._pace = pace or Pace()
        self._archive = Archive(self._bars, selection) if self._bars else None
        self._raw: list[Recording] = [
            _recording(file, make_decoder) for file in files if file.suffix != ".parquet"
        ]
        self._raw.extend(tapes(prints, selection))
        self._label = _label(given, files, self._archive)
        self._now_ns = 0
        self._done = False
        if self._archive is not None:
            self.notes.extend(self._archive.notes)

    @property
    def instruments(self) -> Sequence[Instrument]:
        """Derived from the recorded prices, sorted by id."""
        found = {} if self._archive is None else {i.id: i for i in self._archive.instruments}
        for recording in self._raw:
            for instrument in recording.instruments:
                found.setdefault(instrument.id, instrument)
        return tuple(
            found[id_] for id_ in sorted(found) if self._archive or self._selection.wants(id_)
        )

    @property
    def endings(self) -> dict[InstrumentId, int]:
        """When (ns) an instrument of bars counts as delisted; see `Archive.endings`."""
        return {} if self._archive is None else self._archive.endings()

    @property
    def label(self) -> str:
        """`REPLAY` and what is replayed."""
        return self._label

    @property
    def dropped(self) -> dict[str, int]:
        """What could not become an event so far, by reason."""
        sources = [self._archive, *self._raw]
        total: Counter[str] = Counter()
        for source in sources:
            if source is not None:
                total.update(source.dropped)
        return dict(total)

    @property
    def progress(self) -> float:
        """In [0, 1]: share of the time span for bars, of the bytes for raw messages."""
        if self._done:
            return 1.0
        if self._archive is None:
            return sum(recording.progress for recording in self._raw) / len(self._raw)
        first, last = self._archive.span_ns
        return min(1.0, max(0.0, (self._now_ns - first) / max(1, last - first)))

    def events(self) -> Iterator[MarketEvent]:
        """One by one, as fast as they are taken."""
        return chain.from_iterable(self.blocks())

    def blocks(self) -> Iterator[list[MarketEvent]]:
        """In lists, as fast as they are taken. Starts over each time it is called."""
        self._done = False
        sources = [source.blocks() for source in (self._archive, *self._raw) if source is not None]
        for block in sources[0] if len(sources) == 1 else _merged(sources):
            wanted = self._wanted(block)
            if wanted:
                yield wanted
                self._now_ns = wanted[-1].received_time_ns
        self._done = True

    def batches(self) -> AsyncIterator[Sequence[MarketEvent]]:
        """When they are due by the pace."""
        return self._pace.batches(self.blocks())

    def history(self, bars: int) -> BarHistory:
        """Up to `bars` bars of each instrument that closed before the selection's start."""
        start_ns = self._selection.start_ns
        if self._archive is None or start_ns <= EARLIEST_NS:
            return {}
        before = msgspec.structs.replace(
            self._selection,
            start_ns=start_ns - 2 * bars * self._archive.timeframe_ns,
            end_ns=start_ns,
            timeframe_ns=self._archive.timeframe_ns,
        )
        try:
            found: dict[InstrumentId, list[Bar]] = {}
            for event in Archive(self._bars, before).events():
                if isinstance(event, Bar):
                    found.setdefault(event.instrument_id, []).append(event)
        except DataError:
            # Nothing was recorded before the start: there is no history, which is no error.
            return {}
        return {id_: tuple(seen[-bars:]) for id_, seen in found.items()}

    def _wanted(self, block: list[MarketEvent]) -> list[MarketEvent]:
        """Raw messages are selected here; the archive has selected already."""
        chosen = self._selection
        if not self._raw or chosen == Selection(venue=chosen.venue):
            return block
        return [
            event
            for event in block
            if chosen.wants(event.instrument_id)
            and chosen.start_ns <= event.received_time_ns < chosen.end_ns
        ]

    def _files(self, path: Path) -> list[Path]:
        if not path.exists():
            raise DataError(f"{path}: no such file or folder; check the path")
        if not path.is_dir():
            return [path]
        usable = [file for file in parquet_in(path) if self._usable(file)]
        recorded = () if archive_root(path) is not None else path.iterdir()
        raw = sorted(file for file in recorded if file.suffix in SUFFIXES)
        if not usable and not raw:
            raise DataError(f"{path}: no Parquet of bars and no recorded messages in this folder")
        return usable or raw

    def _usable(self, file: Path) -> bool:
        if holds_prints(file):
            return True
        try:
            open_parquet(file)
        except DataError as error:
            self.notes.append(f"left out: {error}")
            return False
        return True


def _recording(file: Path, make_decoder: DecoderMaker | None) -> Recording:
    """Events as `data record` keeps them, or a venue's own messages."""
    if is_event_recording(file):
        return EventRecording(file)
    if make_decoder is None:
        raise DataError(f"{file}: raw messages cannot be replayed here; give Parquet bars")
    return RawRecording(file, make_decoder)


def _label(given: Sequence[Path], files: Sequence[Path], archive: Archive | None) -> str:
    names = ", ".join(path.name or str(path) for path in given[:3])
    more = f" and {len(given) - 3} more" if len(given) > 3 else ""
    count = f" ({len(files)} files)" if len(files) > len(given) else ""
    bars = "" if archive is None else f" {timeframe_text(archive.timeframe_ns)} bars"
    return f"REPLAY {names}{more}{count}{bars}"


def _merged(sources: Sequence[Iterator[list[MarketEvent]]]) -> Iterator[list[MarketEvent]]:
    merged = merge_events(*(chain.from_iterable(source) for source in sources))
    while block := list(islice(merged, MERGED_BLOCK)):
        yield block
