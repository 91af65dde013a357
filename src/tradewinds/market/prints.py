"""Recorded public trades (Parquet) as events: one tape an instrument, day file after day file."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tradewinds.market.instruments import instruments_from_prices
from tradewinds.market.selection import Selection
from tradewinds.model.errors import DataError
from tradewinds.model.events import MarketEvent
from tradewinds.model.ids import InstrumentId, instrument_id
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Side, TradePrint
from tradewinds.model.symbols import unified_symbol
from tradewinds.model.validity import print_invalidity

COLUMNS: Final = ("symbol", "venue", "ts", "price", "size", "buy", "id")
BATCH_ROWS: Final = 8_192
SAMPLE_ROWS: Final = 2_048


def holds_prints(path: Path) -> bool:
    """Whether a Parquet file has the columns of public trades."""
    try:
        return set(COLUMNS) <= set(pq.read_schema(path).names)
    except (pa.ArrowInvalid, OSError):
        return False


def tapes(paths: Sequence[Path], selection: Selection) -> list["PrintsTape"]:
    """A tape for each instrument that was asked for. Raises DataError for a damaged file."""
    found: dict[InstrumentId, list[tuple[int, Path]]] = {}
    for path in paths:
        first = next(_batches(path, 1), None)
        if first is None:
            continue
        spelled, venue = (first.column(name)[0].as_py() for name in ("symbol", "venue"))
        symbol = unified_symbol(spelled, perpetual=":" in spelled)
        if symbol is None:
            continue
        id_ = instrument_id(symbol, venue)
        if selection.wants(id_):
            found.setdefault(id_, []).append((first.column("ts")[0].value, path))
    return [
        PrintsTape(id_, [path for _, path in sorted(files)], selection)
        for id_, files in sorted(found.items())
    ]


class PrintsTape:
    """One instrument's prints in order of time. `blocks` starts over each time it is called."""

    def __init__(self, id_: InstrumentId, paths: Sequence[Path], selection: Selection) -> None:
        self._id = id_
        self._paths = paths
        self._selection = selection
        self._dropped: Counter[str] = Counter()
        self._read = 0
        self.instruments = self._find_instruments()

    @property
    def dropped(self) -> dict[str, int]:
        """What could not be an event, by reason."""
        return dict(self._dropped)

    @property
    def progress(self) -> float:
        """Share of the files that has been read."""
        return self._read / len(self._paths)

    def blocks(self) -> Iterator[list[MarketEvent]]:
        """In lists of at most BATCH_ROWS."""
        self._dropped.clear()
        last_ns = 0
        for number, path in enumerate(self._paths):
            self._read = number
            for batch in _batches(path, BATCH_ROWS):
                block: list[MarketEvent] = []
                for made in self._events(batch):
                    if made.venue_time_ns < last_ns:
                        self._dropped["out of order"] += 1
                        continue
                    last_ns = made.venue_time_ns
                    block.append(made)
                if block:
                    yield block
        self._read = len(self._paths)

    def _events(self, batch: pa.RecordBatch) -> Iterator[TradePrint]:
        times = batch.column("ts").cast(pa.int64()).to_numpy(zero_copy_only=False)
        chosen = (times >= self._selection.start_ns) & (times < self._selection.end_ns)
        rows = batch.filter(pa.array(np.asarray(chosen, dtype=bool)))
        fields = [rows.column(name).to_pylist() for name in ("price", "size", "buy", "id")]
        for at, price, size, buy, id_ in zip(times[chosen].tolist(), *fields, strict=True):
            made = TradePrint(
                instrument_id=self._id,
                price=price,
                size=size,
                aggressor=Side.BUY if buy else Side.SELL,
                print_id=id_,
                venue_time_ns=at,
                received_time_ns=at,
            )
            why = print_invalidity(made)
            if why is None:
                yield made
            else:
                self._dropped[why] += 1

    def _find_instruments(self) -> tuple[Instrument, ...]:
        first = next(_batches(self._paths[0], SAMPLE_ROWS), None)
        prices = [] if first is None else first.column("price").to_pylist()
        return instruments_from_prices({self._id: [p for p in prices if p > 0]})


def _batches(path: Path, rows: int) -> Iterator[pa.RecordBatch]:
    try:
        file = pq.ParquetFile(path)
        yield from file.iter_batches(batch_size=rows, columns=list(COLUMNS), use_threads=False)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path}: damaged ({error}); download it again") from error
