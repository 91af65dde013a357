"""All kernels on one machine."""

from tradewinds.features.kernels.contract import (
    BookSettings,
    Doubles,
    Lengths,
    SweepMarket,
    TriangleSettings,
)
from tradewinds.kernels.bars import FastFeatures
from tradewinds.kernels.book import FastBook
from tradewinds.kernels.machine import Machine
from tradewinds.kernels.sweep import FastSweep
from tradewinds.kernels.triangles import FastTriangles


class FastKernels:
    """See `contract.Kernels`."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.name = machine.name

    def book(self, settings: BookSettings) -> FastBook:
        """See `contract.Kernels`."""
        return FastBook(self._machine, settings)

    def triangles(self, settings: TriangleSettings) -> FastTriangles:
        """See `contract.Kernels`."""
        return FastTriangles(self._machine, settings)

    def features(self, symbols: int, lengths: Lengths) -> FastFeatures:
        """See `contract.Kernels`."""
        return FastFeatures(self._machine, symbols, lengths)

    def sweep(self, bars: Doubles, market: SweepMarket) -> FastSweep:
        """See `contract.Kernels`."""
        return FastSweep(self._machine, bars, market)

    def close(self) -> None:
        """Frees the machine and everything made on it."""
        self._machine.close()
