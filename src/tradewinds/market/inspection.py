"""What is wrong with recorded bars: holes, repeats, outliers, frozen prices, sudden ends."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from tradewinds.market.parquet_rows import ROW, Rows

JUMP_SCALE: Final = 25.0
"""A step is an outlier beyond so many typical steps of its series..."""
JUMP_LEAST: Final = 0.2
"""...and beyond this in itself."""
REDENOMINATION: Final = 5.0
"""A price that multiplies or divides by this and stays was redenominated, or is another coin."""
FROZEN_BARS: Final = 60
"""So many bars in a row with one price and no volume: nobody trades there, or nobody recorded."""
KEPT: Final = 5
"""Outliers shown by their time; the others are counted."""

Floats = npt.NDArray[np.float64]


class Outlier(Struct, frozen=True, kw_only=True):
    """One bar that deserves a look. `change` is the step as a fraction of the price before."""

    open_time_ns: int
    what: str
    change: float


class Inspection(Struct, frozen=True, kw_only=True):
    """One series. Times are bar opens, ns UTC; `gaps` counts holes, `missing` the bars in them."""

    rows: int
    first_ns: int
    last_ns: int
    gaps: int
    missing: int
    longest_gap_bars: int
    spikes: int
    jumps: int
    frozen_bars: int
    zero_volume: int
    outliers: tuple[Outlier, ...]


class Inspector:
    """Takes a series block by block, in order of time; memory does not grow with its length."""

    def __init__(self, timeframe_ns: int, *, priced: bool = True) -> None:
        """`priced` is false for funding, whose rates have no steps to judge."""
        self._priced = priced
        self._timeframe_ns = timeframe_ns
        self._rows = self._first_ns = self._last_ns = 0
        self._gaps = self._missing = self._longest = 0
        self._spikes = self._jumps = self._frozen = self._still = self._zero = 0
        self._waiting: Rows = np.empty(0, dtype=ROW)
        self._judged = 0
        self._outliers: list[Outlier] = []

    def take(self, blocks: Iterator[Rows]) -> Inspection:
        """All blocks, and what was found."""
        for block in blocks:
            self._first_ns = self._first_ns or int(block["ts"][0])
            self._holes(block["ts"])
            if self._priced:
                self._steps(block)
                self._stillness(block)
            self._rows += len(block)
            self._last_ns = int(block["ts"][-1])
        if self._priced and self._rows:
            self._steps(self._waiting[:0], last=True)
        return Inspection(
            rows=self._rows,
            first_ns=self._first_ns,
            last_ns=self._last_ns,
            gaps=self._gaps,
            missing=self._missing,
            longest_gap_bars=self._longest,
            spikes=self._spikes,
            jumps=self._jumps,
            frozen_bars=self._frozen,
            zero_volume=self._zero,
            outliers=tuple(self._outliers),
        )

    def _holes(self, times: Rows) -> None:
        if not self._timeframe_ns:
            return
        before = [self._last_ns] if self._last_ns else times[:1]
        steps = np.diff(np.concatenate((before, times))) // self._timeframe_ns - 1
        holes = steps[steps > 0]
        self._gaps += len(holes)
        self._missing += int(holes.sum())
        self._longest = max(self._longest, int(holes.max(initial=0)))

    def _steps(self, block: Rows, *, last: bool = False) -> None:
        """A jump stays, a spike comes back within the bar or with the next one.

        Each bar is judged with the two before it and the one after, so two wait for the next block.
        """
        rows = np.concatenate((self._waiting, block))
        ready = slice(self._judged, len(rows) if last else len(rows) - 1)
        closes: Floats = rows["close"]
        first = rows["open"][:1]
        before = np.concatenate((first, closes[:-1]))[ready]
        earlier = np.concatenate((first, first, closes[:-2]))[: len(rows)][ready]
        after = np.concatenate((closes[1:], closes[-1:]))[ready]
        bars = rows[ready]
        step = np.abs(bars["close"] / before - 1.0)
        limit = max(JUMP_LEAST, JUMP_SCALE * _typical(step))
        top = np.maximum(bars["open"], bars["close"])
        bottom = np.minimum(bars["open"], bars["close"])
        wick = np.maximum(bars["high"] / top, bottom / bars["low"]) - 1.0
        far = step > limit
        spike = (wick > limit) | (far & (_ratio(after, before) - 1.0 < limit / 4))
        returned = far & (_ratio(bars["close"], earlier) - 1.0 < limit / 4)
        jump = (_ratio(bars["close"], before) >= REDENOMINATION) & ~spike & ~returned
        self._note(bars, spike & ~returned, jump, np.maximum(wick, step))
        self._judged = min(2, len(rows) - 1) if not last else 0
        self._waiting = rows[-1 - self._judged :]

    def _note(self, bars: Rows, spike: Rows, jump: Rows, size: Floats) -> None:
        self._spikes += int(np.count_nonzero(spike))
        self._jumps += int(np.count_nonzero(jump))
        for index in np.flatnonzero(spike | jump)[: KEPT - len(self._outliers)].tolist():
            self._outliers.append(
                Outlier(
                    open_time_ns=int(bars["ts"][index]),
                    what="jump" if jump[index] else "spike",
                    change=float(size[index]),
                )
            )

    def _stillness(self, block: Rows) -> None:
        empty = block["volume"] == 0.0
        self._zero += int(np.count_nonzero(empty))
        for still in (empty & (block["high"] == block["low"])).tolist():
            self._still = self._still + 1 if still else 0
            if self._still == FROZEN_BARS:
                self._frozen += FROZEN_BARS
            elif self._still > FROZEN_BARS:
                self._frozen += 1


def _ratio(one: Floats, other: Floats) -> Floats:
    """How many times the larger is the smaller."""
    return np.asarray(np.maximum(one / other, other / one))


def _typical(steps: Floats) -> float:
    """The median absolute step: one outlier does not move it."""
    return float(np.median(np.abs(steps))) if len(steps) else 0.0
