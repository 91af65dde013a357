"""A market that exists nowhere: seeded, honest in its statistics, for a first run without a venue."""

from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import chain
from typing import Final

import numpy as np

from tradewinds.market.pace import Pace
from tradewinds.market.synthetic_paths import Floats, Walk, season
from tradewinds.market.synthetic_quotes import (
    TURNOVER,
    Minute,
    all_activity,
    all_mids,
    dollar_prices,
    minute_bars,
    quote_minute,
    whole_lots,
)
from tradewinds.market.synthetic_spec import COINS, MARKETS, synthetic_instruments
from tradewinds.model.events import MarketEvent
from tradewinds.model.ids import InstrumentId
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Bar, Quote, Side, TradePrint
from tradewinds.model.timeframes import DAY_NS, MINUTE_NS
from tradewinds.ports import BarHistory

STEPS: Final = 240
STEP_NS: Final = MINUTE_NS // STEPS
BAR_STEPS: Final = 30
"""Steps a minute for bars alone, where nothing in between is seen."""
JITTER_NS: Final = 5_000_000
PRINT_DELAY_NS: Final = 1_000_000
LIVE, HISTORY = 0, 1
"""Two independent streams of randomness under one seed."""

IDS: Final = tuple(market.id for market in MARKETS)
OFFSETS_NS: Final = np.arange(len(MARKETS)) * (STEP_NS - 2 * JITTER_NS) // len(MARKETS)
"""Each instrument quotes at its own place within a step, so that no two change at once."""


class SyntheticMarket:
    """The same events for the same seed and start, on and on.

    Prices start where COINS says at the minute of `start_ns`, whatever the seed.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def events(self, start_ns: int) -> Iterator[MarketEvent]:
        """Quotes, trades and 1m bars from `start_ns`, without end, in order of time."""
        return chain.from_iterable(self.blocks(start_ns))

    def blocks(self, start_ns: int) -> Iterator[list[MarketEvent]]:
        """A minute at a time. The first minute lacks what lies before `start_ns`, not its bar."""
        rng = np.random.default_rng((self._seed, LIVE))
        walk = Walk(rng)
        minute_ns = start_ns - start_ns % MINUTE_NS
        while True:
            stretch = walk.stretch(1, STEPS, season(np.array([minute_ns % DAY_NS / MINUTE_NS])))
            mids, activity = all_mids(stretch), all_activity(stretch)[0]
            minute = quote_minute(rng, mids[0, 1:], activity)
            block = _quotes_and_prints(rng, minute, minute_ns)
            if minute_ns < start_ns:
                block = [event for event in block if event.venue_time_ns >= start_ns]
            volumes = np.where(minute.traded, minute.print_size, 0.0).sum(axis=0)
            block.extend(_bars(minute_bars(mids), volumes[None, :], minute_ns))
            yield block
            minute_ns += MINUTE_NS

    def history(self, minutes: int, end_ns: int) -> Iterator[list[Bar]]:
        """Closed 1m bars of the `minutes` before `end_ns`, in lists of about a day, time order.

        They end at the prices with which `events(end_ns)` starts.
        """
        rng = np.random.default_rng((self._seed, HISTORY))
        walk = Walk(rng)
        end_ns -= end_ns % MINUTE_NS
        days = [min(1440, minutes - done) for done in range(0, minutes, 1440)]
        tables: list[tuple[int, Floats, Floats]] = []
        at_ns = end_ns - minutes * MINUTE_NS
        for length in days:
            clock = (at_ns % DAY_NS) / MINUTE_NS + np.arange(length)
            stretch = walk.stretch(length, BAR_STEPS, season(clock))
            tables.append((at_ns, all_mids(stretch), all_activity(stretch)))
            at_ns += length * MINUTE_NS
        ...
