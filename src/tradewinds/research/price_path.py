"""What instruments cost on the way, thinned out so that its size does not grow with the span."""

from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from tradewinds.model.ids import InstrumentId

ROWS_MAX: Final = 4_096


class PricePath(Struct, frozen=True, kw_only=True):
    """One row of mids per time, in the order of `instruments`; 0 before the first price."""

    instruments: tuple[InstrumentId, ...]
    times: tuple[int, ...]
    mids: tuple[tuple[float, ...], ...]

    def of(self, instrument: InstrumentId) -> list[tuple[int, float]]:
        """Time and price of one instrument, from its first price on."""
        column = self.instruments.index(instrument)
        rows = zip(self.times, self.mids, strict=True)
        return [(time_ns, row[column]) for time_ns, row in rows if row[column]]


class PriceWatch:
    """Looks at the board from time to time; drops every other look when there are too many."""

    def __init__(
        self,
        instruments: Sequence[InstrumentId],
        mid: Callable[[InstrumentId], float | None],
    ) -> None:
        self._instruments = tuple(instruments)
        self._mid = mid
        self._times: list[int] = []
        self._rows: list[tuple[float, ...]] = []
        self._every = 1
        self._looks = 0

    def look(self, time_ns: int) -> None:
        """Note every price, if it is time to."""
        self._looks += 1
        if self._looks % self._every:
            return
        self._times.append(time_ns)
        self._rows.append(tuple([self._mid(each) or 0.0 for each in self._instruments]))
        if len(self._times) >= ROWS_MAX:
            del self._times[::2], self._rows[::2]
            self._every *= 2

    def path(self) -> PricePath:
        """What was seen."""
        return PricePath(
            instruments=self._instruments, times=tuple(self._times), mids=tuple(self._rows)
        )
