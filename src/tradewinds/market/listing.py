"""What a venue listed, and when: who was delisted stays in the universe of its time."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct, structs

from tradewinds.market.shelf import replace_whole
from tradewinds.model.errors import DataError
from tradewinds.model.ids import InstrumentId
from tradewinds.model.instrument import Instrument, InstrumentStatus

FILE: Final = "instruments.jsonl"


class Listed(Struct, frozen=True, kw_only=True):
    """An instrument as it was told, and when it was seen so first and last (ns UTC)."""

    instrument: Instrument
    first_seen_ns: int
    last_seen_ns: int

    @property
    def traded(self) -> bool:
        """Whether the venue said at last that it can be traded."""
        return self.instrument.status is InstrumentStatus.TRADING


class Listing:
    """One venue's instruments over time, in its folder of the archive. Nothing is ever removed."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def read(self) -> list[Listed]:
        """Oldest first; several entries of one instrument where its filters or fees changed."""
        try:
            lines = self._path.read_bytes().splitlines()
            return [msgspec.json.decode(line, type=Listed) for line in lines if line.strip()]
        except FileNotFoundError:
            return []
        except (OSError, msgspec.MsgspecError) as error:
            raise DataError(f"{self._path}: {error}; move it away, then download again") from error

    def note(self, seen: Sequence[Instrument], now_ns: int) -> None:
        """Take what the venue says now. What it no longer names is kept as delisted."""
        entries = self.read()
        newest = {entry.instrument.id: index for index, entry in enumerate(entries)}
        told = {instrument.id: instrument for instrument in seen}
        named = frozenset(told)
        for id_, index in newest.items():
            if id_ not in told:
                gone = structs.replace(entries[index].instrument, status=InstrumentStatus.HALTED)
                told[id_] = gone
        for id_, instrument in sorted(told.items()):
            at = newest.get(id_)
            if at is not None and entries[at].instrument == instrument:
                if id_ in named:
                    entries[at] = structs.replace(entries[at], last_seen_ns=now_ns)
                continue
            entries.append(Listed(instrument=instrument, first_seen_ns=now_ns, last_seen_ns=now_ns))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lines = b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries)
        replace_whole(self._path, lines)


def with_listed_fees(
    derived: Sequence[Instrument], listed: Mapping[InstrumentId, Instrument]
) -> tuple[Instrument, ...]:
    """Price steps as the recorded prices show them; fees, smallest order and leverage as listed.

    Steps are not taken from the listing: a price may have needed finer ones in its time.
    """
    return tuple(_as_listed(instrument, listed.get(instrument.id)) for instrument in derived)


def _as_listed(instrument: Instrument, told: Instrument | None) -> Instrument:
    if told is None or told.kind is not instrument.kind:
        return instrument
    return structs.replace(
        instrument,
        maker_fee=told.maker_fee,
        taker_fee=told.taker_fee,
        min_notional=told.min_notional or instrument.min_notional,
        fee_in_received_asset=told.fee_in_received_asset,
        leverage_max=told.leverage_max,
    )


def newest_listed(root: Path) -> dict[InstrumentId, Instrument]:
    """Every instrument of every venue of an archive, as told last."""
    found: dict[InstrumentId, Instrument] = {}
    for path in sorted(root.glob(f"*/{FILE}")):
        for entry in Listing(path.parent).read():
            found[entry.instrument.id] = entry.instrument
    return found
