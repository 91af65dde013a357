"""The triangular scan in the kernel."""

from array import array
from struct import Struct

from tradewinds.features.kernels.contract import (
    QUOTE_ROW,
    Doubles,
    Hit,
    TriangleSettings,
    doubles,
)
from tradewinds.kernels.machine import Machine

QUOTE = Struct("<3d")
HIT = 3


class FastTriangles:
    """See `contract.TriangleScan`."""

    def __init__(self, machine: Machine, settings: TriangleSettings) -> None:
        call = machine.call
        edges, cycles = len(settings.keeps), len(settings.cycles)
        self._machine = machine
        self._rows_max, self._hits_max = settings.rows_max, settings.hits_max
        self._handle = handle = call(
            "tw_triangles_new", edges // 2, cycles, settings.rows_max, settings.hits_max
        )
        rows, hits, keeps, ends, threshold = (
            call("tw_triangles_region", handle, which) for which in range(5)
        )
        self._rows = machine.bytes_at(rows, QUOTE.size * settings.rows_max)
        self._hits = machine.doubles_at(hits, HIT * settings.hits_max)
        setup = (
            (keeps, array("d", settings.keeps)),
            (ends, array("d", [float(edge) for cycle in settings.cycles for edge in cycle])),
            (threshold, array("d", [settings.threshold])),
        )
        for address, values in setup:
            view = machine.doubles_at(address, len(values))
            view[:] = memoryview(values)
            machine.forget(view)
        wrong = call("tw_triangles_connect", handle)
        if wrong:
            raise ValueError(f"cycle {wrong - 1} names no edge")
        self._call = machine.bind("tw_triangles_scan", handle)
        self._found = 0

    def quote(self, instrument: int, bid: float, ask: float) -> int:
        """One quote."""
        QUOTE.pack_into(self._rows, 0, instrument, bid, ask)
        self._found = found = self._call(1)
        return found

    def scan(self, rows: Doubles) -> int:
        """Quotes in turn."""
        flat = doubles(rows, QUOTE_ROW)
        count = len(flat) // QUOTE_ROW
        if count > self._rows_max:
            raise ValueError(f"{count} quotes in a call; room is for {self._rows_max}")
        self._rows[: flat.nbytes] = flat.cast("B")
        self._found = found = self._call(count)
        return found

    def all(self) -> int:
        """Every cycle."""
        self._found = self._machine.call("tw_triangles_all", self._handle)
        return self._found

    def hits(self) -> list[Hit]:
        """Of the last call."""
        flat = self._hits[: HIT * min(self._found, self._hits_max)].tolist()
        return [
            Hit(int(flat[at]), int(flat[at + 1]), flat[at + 2]) for at in range(0, len(flat), HIT)
        ]

    def close(self) -> None:
        """Frees its memory."""
        self._machine.forget(self._rows, self._hits)
        self._machine.drop("tw_triangles_drop", self._handle)
