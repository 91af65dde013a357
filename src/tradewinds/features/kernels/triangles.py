"""Cycles of three trades, scanned as quotes arrive: which of them end with more than they began?"""

from math import inf

from tradewinds.features.kernels.contract import (
    QUOTE_ROW,
    Doubles,
    Hit,
    TriangleSettings,
    doubles,
)

Edges = tuple[int, int, int]


class PlainTriangles:
    """A quote of an instrument judges every cycle through it. See `contract.TriangleScan`."""

    def __init__(self, settings: TriangleSettings) -> None:
        self._settings = settings
        self._keeps = tuple(settings.keeps)
        self._rates = [0.0] * len(self._keeps)
        self._cycles = [tuple(cycle) for cycle in settings.cycles]
        self._through: list[list[tuple[int, Edges]]] = [[] for _ in range(len(self._keeps) // 2)]
        for number, (first, second, third) in enumerate(self._cycles):
            for instrument in dict.fromkeys((first // 2, second // 2, third // 2)):
                self._through[instrument].append((number, (first, second, third)))
        self._hits: list[Hit] = []

    def quote(self, instrument: int, bid: float, ask: float) -> int:
        """One quote."""
        self._hits = []
        known = 0 <= instrument < len(self._through)
        return self._take(0, instrument, bid, ask) if known else 0

    def scan(self, rows: Doubles) -> int:
        """Quotes in turn."""
        flat = doubles(rows, QUOTE_ROW)
        count = len(flat) // QUOTE_ROW
        if count > self._settings.rows_max:
            raise ValueError(f"{count} quotes in a call; room is for {self._settings.rows_max}")
        self._hits = []
        found = 0
        for row in range(count):
            named, bid, ask = flat[QUOTE_ROW * row : QUOTE_ROW * row + QUOTE_ROW]
            if 0.0 <= named < len(self._through):
                found += self._take(row, int(named), bid, ask)
        return found

    def all(self) -> int:
        """Every cycle."""
        self._hits = []
        rates, found = self._rates, 0
        for number, (first, second, third) in enumerate(self._cycles):
            product = rates[first] * rates[second] * rates[third]
            if product > self._settings.threshold:
                found += 1
                self._note(Hit(-1, number, product))
        return found

    def hits(self) -> list[Hit]:
        """Of the last call."""
        return list(self._hits)

    def close(self) -> None:
        """It holds nothing."""

    def _take(self, row: int, instrument: int, bid: float, ask: float) -> int:
        rates = self._rates
        sell = buy = 0.0
        if 0.0 < bid <= ask < inf:
            sell = bid * self._keeps[2 * instrument]
            buy = self._keeps[2 * instrument + 1] / ask
        rates[2 * instrument] = sell
        rates[2 * instrument + 1] = buy
        threshold, found = self._settings.threshold, 0
        for number, (first, second, third) in self._through[instrument]:
            product = rates[first] * rates[second] * rates[third]
            if product > threshold:
                found += 1
                self._note(Hit(row, number, product))
        return found

    def _note(self, hit: Hit) -> None:
        if len(self._hits) < self._settings.hits_max:
            self._hits.append(hit)
