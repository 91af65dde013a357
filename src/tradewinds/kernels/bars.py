"""Bar features in the kernel: all symbols of a bar close, or a million bars, in one call."""

from array import array
from typing import Final

from msgspec import structs

from tradewinds.features.kernels.contract import (
    FEATURES,
    SYMBOL_BAR_ROW,
    Doubles,
    Floats,
    Lengths,
    doubles,
)
from tradewinds.kernels.machine import Machine

ROWS: Final = 4096
"""Bars that cross over at a time: rows in and out then stay in the processor's cache."""
IN: Final = 8 * SYMBOL_BAR_ROW
OUT: Final = 8 * len(FEATURES)


class FastFeatures:
    """See `contract.BarFeatures`."""

    def __init__(self, machine: Machine, symbols: int, lengths: Lengths) -> None:
        call = machine.call
        self._machine = machine
        self._handle = handle = call("tw_features_new", symbols, ROWS, *structs.astuple(lengths))
        self._rows = machine.bytes_at(call("tw_features_region", handle, 0), IN * ROWS)
        self._output = machine.bytes_at(call("tw_features_region", handle, 1), OUT * ROWS)
        self._call = machine.bind("tw_features_update", handle)
        self.refused = 0

    def update(self, rows: Doubles) -> Floats:
        """Bars in turn."""
        count = len(doubles(rows, SYMBOL_BAR_ROW)) // SYMBOL_BAR_ROW
        answer = array("d", bytes(OUT * count))
        self.update_into(rows, answer)
        return answer

    def update_into(self, rows: Doubles, out: Doubles) -> None:
        """The same, into `out`."""
        given = doubles(rows, SYMBOL_BAR_ROW).cast("B")
        taken = doubles(out, len(FEATURES)).cast("B")
        total = len(given) // IN
        if len(taken) != OUT * total:
            raise ValueError(f"{total} bars need a buffer of {total * len(FEATURES)} numbers")
        for start in range(0, total, ROWS):
            count = min(ROWS, total - start)
            self._rows[: IN * count] = given[IN * start : IN * (start + count)]
            self.refused += self._call(count)
            taken[OUT * start : OUT * (start + count)] = self._output[: OUT * count]

    def close(self) -> None:
        """Frees its memory."""
        self._machine.forget(self._rows, self._output)
        self._machine.drop("tw_features_drop", self._handle)
