"""Recorded venue messages, one a line with the time of their arrival, handed to a decoder."""

import gzip
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from tradewinds.market.instruments import instruments_from_prices
from tradewinds.model.errors import DataError
from tradewinds.model.events import MarketEvent
from tradewinds.model.ids import InstrumentId
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Bar, BookDelta, MarkPrice, Quote, TradePrint

Decoder = Callable[[bytes, int], Sequence[MarketEvent]]
"""Frame and received time in ns (0: not recorded, take the venue's) to events."""
DecoderMaker = Callable[[Sequence[bytes]], Decoder]
"""Chooses a decoder by the first frames of a file."""

SUFFIXES: Final = (".gz", ".jsonl", ".json")
SAMPLE_FRAMES: Final = 4_000
BLOCK_EVENTS: Final = 2_048
NS_PER_UNIT: Final = {10: 10**9, 13: 10**6, 16: 10**3, 19: 1}
"""The unit of an arrival time by its number of digits."""


class RawRecording:
    """One file, plain or gzip, of lines `<arrival time> <frame>` or of bare frames.

    Arrival times count seconds, milliseconds, microseconds or nanoseconds since the epoch. A time
    that goes back is counted in `dropped` and raised to the one before it. A file cut off in the
    middle is replayed as far as it goes.
    """

    def __init__(self, path: Path, make_decoder: DecoderMaker) -> None:
        self.path = path
        self._make_decoder = make_decoder
        self._dropped: Counter[str] = Counter()
        self._read_bytes = 0
        self._size = _size(path)
        self.instruments = self._find_instruments()

    @property
    def dropped(self) -> dict[str, int]:
        """What could not be read, by reason. The decoder counts its own."""
        return dict(self._dropped)

    @property
    def progress(self) -> float:
        """Share of the file's bytes that has been read."""
        return min(1.0, self._read_bytes / self._size) if self._size else 1.0

    def blocks(self) -> Iterator[list[MarketEvent]]:
        """In order of arrival, in lists of about BLOCK_EVENTS."""
        decode = self._decoder()
        self._dropped.clear()
        block: list[MarketEvent] = []
        for received_ns, frame in self._frames():
            block.extend(decode(frame, received_ns))
            if len(block) >= BLOCK_EVENTS:
                yield block
                block = []
        if block:
            yield block

    def _decoder(self) -> Decoder:
        sample = [frame for _, frame in islice(self._frames(), SAMPLE_FRAMES)]
        if not sample:
            raise DataError(f"{self.path}: holds no message; record it again or leave it out")
        return self._make_decoder(sample)

    def _find_instruments(self) -> tuple[Instrument, ...]:
        decode = self._decoder()
        prices: dict[InstrumentId, list[float]] = {}
        for received_ns, frame in islice(self._frames(), SAMPLE_FRAMES):
            for event in decode(frame, received_ns):
                prices.setdefault(event.instrument_id, []).extend(_prices(event))
        found = instruments_from_prices({id_: seen for id_, seen in prices.items() if seen})
        if not found:
            raise DataError(
                f"{self.path}: no message in its first {SAMPLE_FRAMES} lines was understood;"
                " expected lines of `<nanoseconds> <message>` as a recorder writes them"
            )
        return found

    def _frames(self) -> Iterator[tuple[int, bytes]]:
        last_ns = 0
        with self.path.open("rb") as file:
            for line in self._lines(file):
                self._read_bytes = file.tell()
                received_ns, frame = _parted(line)
                if not frame:
                    self._dropped["line without a message"] += bool(line.strip())
                    continue
                if received_ns < last_ns and received_ns:
                    self._dropped["arrival time went back"] += 1
                last_ns = max(last_ns, received_ns)
                yield (last_ns if received_ns else 0), frame

    def _lines(self, file: BinaryIO) -> Iterator[bytes]:
        if self.path.suffix != ".gz":
            yield from file
            return
        try:
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield from unpacked
        except EOFError:
            self._dropped["file cut off"] += 1
        except (gzip.BadGzipFile, zlib.error) as error:
            raise DataError(f"{self.path}: damaged gzip ({error}); record it again") from error


def _parted(line: bytes) -> tuple[int, bytes]:
    """Arrival time (0 for none) and frame (empty for none)."""
    line = line.strip()
    if not line[:1].isdigit():
        return 0, line
    digits, _, frame = line.partition(b" ")
    unit = NS_PER_UNIT.get(len(digits))
    if unit is None or not digits.isdigit():
        return 0, b""
    return int(digits) * unit, frame


def _prices(event: MarketEvent) -> Sequence[float]:
    match event:
        case Quote():
            return (event.bid, event.ask)
        case TradePrint() | MarkPrice():
            return (event.price,)
        case Bar():
            return (event.open, event.high, event.low, event.close)
        case BookDelta():
            return [price for price, _ in (*event.bids, *event.asks)]
        case _:
            return ()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check the path") from error
