"""All kernels in plain Python, where the WebAssembly module cannot be used."""

from tradewinds.features.kernels.bars import PlainFeatures
from tradewinds.features.kernels.book import PlainBook
from tradewinds.features.kernels.contract import (
    BookSettings,
    Doubles,
    Lengths,
    SweepMarket,
    TriangleSettings,
)
from tradewinds.features.kernels.sweep import PlainSweep
from tradewinds.features.kernels.triangles import PlainTriangles


class PlainKernels:
    """The reference. `reason` says why it is in use."""

    def __init__(self, reason: str = "") -> None:
        self.name = f"plain Python ({reason})" if reason else "plain Python"

    def book(self, settings: BookSettings) -> PlainBook:
        """See `contract.Kernels`."""
        return PlainBook(settings)

    def triangles(self, settings: TriangleSettings) -> PlainTriangles:
        """See `contract.Kernels`."""
        return PlainTriangles(settings)

    def features(self, symbols: int, lengths: Lengths) -> PlainFeatures:
        """See `contract.Kernels`."""
        return PlainFeatures(symbols, lengths)

    def sweep(self, bars: Doubles, market: SweepMarket) -> PlainSweep:
        """See `contract.Kernels`."""
        return PlainSweep(bars, market)

    def close(self) -> None:
        """It holds nothing."""
