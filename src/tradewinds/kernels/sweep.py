"""The fill simulation in the kernel: bars go in once, then any number of parameter sets."""

from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from tradewinds.features.kernels.contract import (
    BAR_ROW,
    Floats,
    Rules,
    SweepMarket,
    SweepResult,
    SweepTrade,
    doubles,
)
from tradewinds.features.kernels.sweep import impossible, unusable
from tradewinds.kernels.machine import Machine

if TYPE_CHECKING:
    from tradewinds.features.kernels.contract import Doubles as Buffer
    from tradewinds.kernels.machine import Doubles

SETS: Final = 64
"""Parameter sets that cross over at a time."""
RESULTS: Final = len(SweepResult._fields)
TRADE: Final = len(SweepTrade._fields)
PARAMETERS: Final = len(Rules.__struct_fields__)
CANNOT: Final = 0xFFFFFFFF


class FastSweep:
    """See `contract.BarSweep`."""

    def __init__(self, machine: Machine, bars: "Buffer", market: SweepMarket) -> None:
        given = doubles(bars, BAR_ROW)
        self._machine = machine
        self._bars = len(given) // BAR_ROW
        self._handle = handle = machine.call("tw_sweep_new", self._bars, SETS)
        self._results = self._region(1, RESULTS * SETS)
        self._parameters = self._region(2, PARAMETERS * SETS)
        self._copy_in(0, given)
        self._copy_in(3, memoryview(array("d", market.row())))
        wrong = machine.call("tw_sweep_check", handle)
        if wrong:
            self.close()
            raise ValueError(impossible(wrong - 1))
        self._call = machine.bind("tw_sweep_run", handle)

    def run(self, sets: Sequence[Rules]) -> list[SweepResult]:
        """Sixty-four at a time."""
        answers: list[SweepResult] = []
        for start in range(0, len(sets), SETS):
            part = sets[start : start + SETS]
            flat = array("d", [value for rules in part for value in rules.row()])
            self._parameters[: len(flat)] = memoryview(flat)
            self._call(len(part))
            rows = self._results[: RESULTS * len(part)].tolist()
            answers += [
                SweepResult._make(rows[at : at + RESULTS]) for at in range(0, len(rows), RESULTS)
            ]
        return answers

    def detail(self, rules: Rules) -> tuple[list[SweepTrade], Floats]:
        """One set."""
        self._parameters[:PARAMETERS] = memoryview(array("d", rules.row()))
        count = self._machine.call("tw_sweep_detail", self._handle, 0)
        if count == CANNOT:
            raise ValueError(unusable(rules))
        flat = self._copied(4, TRADE * count)
        trades = [SweepTrade._make(flat[at : at + TRADE]) for at in range(0, len(flat), TRADE)]
        return trades, self._copied(5, self._bars)

    def close(self) -> None:
        """Frees its memory."""
        self._machine.forget(self._results, self._parameters)
        self._machine.drop("tw_sweep_drop", self._handle)

    def _region(self, which: int, count: int) -> "Doubles":
        address = self._machine.call("tw_sweep_region", self._handle, which)
        return self._machine.doubles_at(address, count)

    def _copy_in(self, which: int, values: "Doubles") -> None:
        region = self._region(which, len(values))
        region[:] = values
        self._machine.forget(region)

    def _copied(self, which: int, count: int) -> Floats:
        region = self._region(which, count)
        copy = array("d", region)
        self._machine.forget(region)
        return copy
