"""Several timeframes of one instrument as one named vector: one code for training, test and live.

A vector is a function of the closed bars up to its time and of nothing else, made with constant
work a bar. `FEATURE_VERSION` changes whenever a name or a formula does, so that a model trained
on one version refuses another.
"""

from typing import Final

from msgspec import Struct

from tradewinds.features.frames import FRAME_FEATURES, Frame
from tradewinds.model.ids import InstrumentId
from tradewinds.model.market import Bar

FEATURE_VERSION: Final = 1
MULTIPLES: Final = (1, 4, 24)
"""Of the small bars: from hours, hours, four hours and days."""


class FeatureVector(Struct, frozen=True, kw_only=True):
    """`values[i]` is what `names[i]` says, as known at `time_ns` (the small bar's close)."""

    instrument_id: InstrumentId
    time_ns: int
    version: int
    names: tuple[str, ...]
    values: tuple[float, ...]

    def value(self, name: str) -> float:
        """One feature. Raises ValueError for a name that is not here."""
        return self.values[self.names.index(name)]


def feature_names(multiples: tuple[int, ...] = MULTIPLES) -> tuple[str, ...]:
    """`x4.trend` is the trend of bars four times as long as the small ones."""
    return tuple(f"x{multiple}.{name}" for multiple in multiples for name in FRAME_FEATURES)


class FeatureStream:
    """Bars of one instrument and one timeframe in, vectors out.

    Bars that are not newer than the last are ignored: a restart may show some twice. None until
    every frame has its windows full.
    """

    __slots__ = ("_frames", "_id", "_names", "open_time_ns")

    def __init__(self, instrument_id: InstrumentId, multiples: tuple[int, ...] = MULTIPLES) -> None:
        self._id = instrument_id
        self._names = feature_names(multiples)
        self._frames = tuple(Frame(multiple) for multiple in multiples)
        self.open_time_ns = -1

    def update(self, bar: Bar) -> bool:
        """Take in the next closed bar; whether it was new."""
        if bar.open_time_ns <= self.open_time_ns:
            return False
        self.open_time_ns = bar.open_time_ns
        for frame in self._frames:
            frame.update(bar)
        return True

    def frame(self, index: int) -> tuple[float, ...] | None:
        """FRAME_FEATURES of one frame, by its place among the multiples."""
        return self._frames[index].features.values

    def vector(self, time_ns: int) -> FeatureVector | None:
        """All frames at once, or None until all are full."""
        values: list[float] = []
        for frame in self._frames:
            found = frame.features.values
            if found is None:
                return None
            values.extend(found)
        return FeatureVector(
            instrument_id=self._id,
            time_ns=time_ns,
            version=FEATURE_VERSION,
            names=self._names,
            values=tuple(values),
        )
