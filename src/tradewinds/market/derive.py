"""Bars that strategies want and the feed does not bring: from prints, or from smaller bars."""

from collections.abc import Collection, Sequence

from tradewinds.market.bars import BarBuilder, Resampler
from tradewinds.model.events import MarketEvent
from tradewinds.model.market import Bar, TradePrint


class Deriver:
    """Adds the bars of the `wanted` timeframes (ns) that are larger than what comes in.

    With `from_prints`, one-minute bars are first built from trade prints.
    """

    def __init__(self, wanted: Collection[int], *, from_prints_ns: int = 0) -> None:
        self._wanted = sorted(set(wanted))
        self._builder = BarBuilder(from_prints_ns) if from_prints_ns else None
        self._resamplers: list[Resampler] = []
        self._base_ns = 0
        if from_prints_ns:
            self._set_base(from_prints_ns)

    def add(self, event: MarketEvent) -> Sequence[Bar]:
        """The bars that `event` completes, smaller ones first. Empty for nearly every event."""
        if type(event) is Bar:
            return self._larger(event) if self._wanted else ()
        if self._builder is None or not isinstance(event, TradePrint):
            return ()
        bar = self._builder.add(event)
        return () if bar is None else [bar, *self._larger(bar)]

    def _larger(self, bar: Bar) -> Sequence[Bar]:
        if self._base_ns == 0:
            self._set_base(bar.timeframe_ns)
        if bar.timeframe_ns != self._base_ns:
            return ()
        if len(self._resamplers) == 1:
            return self._resamplers[0].add(bar)
        return [large for resampler in self._resamplers for large in resampler.add(bar)]

    def _set_base(self, timeframe_ns: int) -> None:
        """From now on it is known which bars are to be made of which."""
        self._base_ns = timeframe_ns
        self._wanted = [size for size in self._wanted if size > timeframe_ns]
        self._resamplers = [Resampler(size) for size in self._wanted]
