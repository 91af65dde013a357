"""Live market data kept in compressed segments, and read back: one event a line, as JSON."""

import gzip
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

import msgspec
from msgspec import Struct

from tradewinds.model.errors import DataError
from tradewinds.model.events import MarketEvent
from tradewinds.model.instrument import Instrument
from tradewinds.model.timeframes import HOUR_NS, SECOND_NS
from tradewinds.model.validity import invalidity

FORMAT: Final = "tradewinds-events"
VERSION: Final = 1
SUFFIX: Final = ".events.gz"
SEGMENT_NS: Final = HOUR_NS
SEGMENT_BYTES: Final = 64 * 2**20
FLUSH_NS: Final = SECOND_NS
"""So much is lost at most when the machine stops."""
LEVEL: Final = 3
BLOCK_EVENTS: Final = 2_048


class Header(Struct, frozen=True, kw_only=True):
    """First line of every segment: it can be read without the others."""

    format: str
    version: int
    label: str
    instruments: tuple[Instrument, ...]
    start_ns: int


class Recorder:
    """Writes segments `<label>-<UTC time>.events.gz` into a folder, a new one each hour or 64 MiB.

    Raises DataError when the disk refuses; what was flushed before stays readable.
    """

    def __init__(self, folder: Path, label: str, instruments: Sequence[Instrument]) -> None:
        self._folder = folder
        self._label = label
        self._instruments = tuple(instruments)
        self._encode = msgspec.json.Encoder().encode
        self._file: IO[bytes] | None = None
        self._packer = zlib.compressobj(LEVEL, zlib.DEFLATED, 31)
        self._segment_ns = self._flush_due_ns = self._written = 0
        self.events = 0
        self.segments = 0
        self.bytes = 0

    def take(self, events: Sequence[MarketEvent], now_ns: int) -> None:
        """Keep a batch."""
        full = self._written >= SEGMENT_BYTES or now_ns - self._segment_ns >= SEGMENT_NS
        if self._file is None or full:
            self.close()
            self._open(now_ns)
        lines = b"".join(self._encode(event) + b"\n" for event in events)
        self.events += len(events)
        self._put(self._packer.compress(lines))
        if now_ns >= self._flush_due_ns:
            self._flush_due_ns = now_ns + FLUSH_NS
            self._put(self._packer.flush(zlib.Z_SYNC_FLUSH))
            if self._file is not None:
                self._file.flush()

    def close(self) -> None:
        """End the segment."""
        if self._file is not None:
            self._put(self._packer.flush(zlib.Z_FINISH))
            self._file.close()
            self._file = None

    def _open(self, now_ns: int) -> None:
        stamp = f"{datetime.fromtimestamp(now_ns / SECOND_NS, UTC):%Y%m%dT%H%M%S%f}"
        name = "".join(c if c.isalnum() else "-" for c in self._label).strip("-").lower()
        path = self._folder / f"{name}-{stamp}{SUFFIX}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = path.open("xb")
        except OSError as error:
            raise DataError(f"{path}: cannot be written ({error.strerror})") from error
        self._packer = zlib.compressobj(LEVEL, zlib.DEFLATED, 31)
        self._segment_ns, self._written = now_ns, 0
        self.segments += 1
        header = Header(
            format=FORMAT,
            version=VERSION,
            label=self._label,
            instruments=self._instruments,
            start_ns=now_ns,
        )
        self._put(self._packer.compress(self._encode(header) + b"\n"))

    def _put(self, packed: bytes) -> None:
        if self._file is None or not packed:
            return
        try:
            self._file.write(packed)
        except OSError as error:
            raise DataError(
                f"{self._folder}: recording stopped ({error.strerror}); free some disk and start"
                " again, the segments so far are kept"
            ) from error
        self._written += len(packed)
        self.bytes += len(packed)


class EventRecording:
    """One segment. A file cut off in the middle is replayed as far as it goes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._dropped: Counter[str] = Counter()
        self._read_bytes = 0
        self._size = path.stat().st_size
        self.instruments = self._header().instruments

    @property
    def dropped(self) -> dict[str, int]:
        """What could not be read, by reason."""
        return dict(self._dropped)

    @property
    def progress(self) -> float:
        """Share of the file's bytes that has been read."""
        return min(1.0, self._read_bytes / self._size) if self._size else 1.0

    def blocks(self) -> Iterator[list[MarketEvent]]:
        """In order of arrival. Starts over each time it is called."""
        decode: Callable[[bytes], MarketEvent] = msgspec.json.Decoder(MarketEvent).decode
        self._dropped.clear()
        block: list[MarketEvent] = []
        last_ns = 0
        for line in self._lines(skip=1):
            try:
                event = decode(line)
            except msgspec.MsgspecError:
                self._dropped["line that is no event"] += 1
                continue
            why = invalidity(event)
            if why is None and event.received_time_ns < last_ns:
                why = "arrival time went back"
            if why is not None:
                self._dropped[why] += 1
                continue
            last_ns = event.received_time_ns
            block.append(event)
            if len(block) >= BLOCK_EVENTS:
                yield block
                block = []
        if block:
            yield block

    def _header(self) -> Header:
        for line in self._lines():
            header = msgspec.json.decode(line, type=Header)
            if header.version > VERSION:
                raise DataError(
                    f"{self._path}: recorded by a newer Tradewinds (version {header.version});"
                    " upgrade this one"
                )
            return header
        raise DataError(f"{self._path}: empty; record it again")

    def _lines(self, skip: int = 0) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            try:
                with gzip.GzipFile(fileobj=file) as unpacked:
                    for number, line in enumerate(unpacked):
                        self._read_bytes = file.tell()
                        if number >= skip and line.endswith(b"\n"):
                            yield line
            except EOFError:
                self._dropped["file cut off"] += 1
            except (gzip.BadGzipFile, zlib.error) as error:
                raise DataError(f"{self._path}: damaged gzip ({error}); leave it out") from error


def is_event_recording(path: Path) -> bool:
    """Whether `Recorder` wrote it, by its first line."""
    if not path.name.endswith(SUFFIX):
        return False
    try:
        with gzip.open(path) as unpacked:
            return msgspec.json.decode(unpacked.readline(), type=Header).format == FORMAT
    except (OSError, EOFError, zlib.error, msgspec.MsgspecError):
        return False
