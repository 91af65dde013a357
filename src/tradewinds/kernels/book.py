"""The order book in the kernel: one call a frame, the book stays inside."""

from collections.abc import Sequence
from struct import Struct
from typing import Final

from tradewinds.features.kernels.contract import BookRow, BookSettings, BookStatus
from tradewinds.kernels.machine import Machine

ROW: Final = Struct("<12d")
Level = tuple[float, float]


class FastBook:
    """See `contract.DepthBook`."""

    def __init__(self, machine: Machine, settings: BookSettings) -> None:
        call = machine.call
        capacity, room = settings.capacity, settings.frame_bytes
        self._machine = machine
        self._room = room
        self._handle = handle = call("tw_book_new", capacity, room, settings.imbalance_levels)
        frame, output, quantity, top = (call("tw_book_region", handle, n) for n in range(4))
        self._frame = machine.bytes_at(frame, room)
        self._output = machine.bytes_at(output, ROW.size)
        self._quantity = machine.doubles_at(quantity, 1)
        self._top = machine.doubles_at(top, 4 * capacity)
        self._half = 2 * capacity
        name = settings.symbol.encode()
        self._frame[: len(name)] = name
        call("tw_book_symbol", handle, len(name))
        self._quantity[0] = settings.quantity
        self._call = machine.bind("tw_book_frame", handle)

    def frame(self, data: bytes) -> int:
        """One raw message."""
        length = len(data)
        if length > self._room:
            self.spoil()
            return BookStatus.MALFORMED
        self._frame[:length] = data
        return self._call(length)

    def row(self) -> BookRow:
        """After the last applied frame."""
        return BookRow._make(ROW.unpack_from(self._output))

    def levels(self, count: int) -> tuple[list[Level], list[Level]]:
        """Best first."""
        both = self._machine.call("tw_book_levels", self._handle, count)
        top, half = self._top, self._half
        bids = top[: 2 * (both >> 16)].tolist()
        asks = top[half : half + 2 * (both & 0xFFFF)].tolist()
        return _pairs(bids), _pairs(asks)

    def spoil(self) -> None:
        """Nothing is applied until the next snapshot."""
        self._machine.call("tw_book_spoil", self._handle)

    def close(self) -> None:
        """Frees its memory."""
        self._machine.forget(self._frame, self._output, self._quantity, self._top)
        self._machine.drop("tw_book_drop", self._handle)


def _pairs(flat: Sequence[float]) -> list[Level]:
    return list(zip(flat[::2], flat[1::2], strict=True))
