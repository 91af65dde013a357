"""A market that exists nowhere: seeded, with real statistics, for runs without a venue."""

from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import chain
from typing import Final

import numpy as np

from tradewinds.market.pace import Pace
from tradewinds.market.synthetic_paths import Floats, Stretch, Walk, season
from tradewinds.market.synthetic_perps import SyntheticPerpetuals, perpetual_instruments
from tradewinds.market.synthetic_quotes import (
    TURNOVER,
    Minute,
    all_activity,
    all_mids,
    dollar_prices,
    minute_bars,
    quote_minute,
    whole_lots,
    whole_ticks,
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
DAY_MINUTES: Final = DAY_NS // MINUTE_NS
NS_PER_S: Final = 1_000_000_000
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
        """Closed 1m bars of the `minutes` before `end_ns`, in time order, in lists of a day.

        They end at the prices with which `events(end_ns)` starts.
        """
        rng = np.random.default_rng((self._seed, HISTORY))
        walk = Walk(rng)
        start_ns = end_ns - end_ns % MINUTE_NS - minutes * MINUTE_NS
        spans = [(at, min(DAY_MINUTES, minutes - at)) for at in range(0, minutes, DAY_MINUTES)]
        days: list[tuple[int, Floats, Floats]] = []
        for at, length in spans:
            first_ns = start_ns + at * MINUTE_NS
            clock = (first_ns % DAY_NS) / MINUTE_NS + np.arange(length)
            stretch = walk.stretch(length, BAR_STEPS, season(clock))
            shares = rng.gamma(2.0, 0.5, (length, len(MARKETS))) * all_activity(stretch)
            days.append((first_ns, minute_bars(all_mids(stretch)), shares))
        # Scaling by a constant changes no return, so the past can be hung onto the present.
        scale = _starting_mids() / days[-1][1][-1, :, 3]
        for first_ns, bars, shares in days:
            prices = bars * scale[:, None]
            yield _bars(prices, shares * TURNOVER / dollar_prices(prices[:, :, 3]), first_ns)


class SyntheticFeed:
    """Implements ports.Feed over a SyntheticMarket. Ends after `duration_s`, or never."""

    def __init__(
        self,
        seed: int,
        start_ns: int,
        pace: Pace | None = None,
        duration_s: float | None = None,
        *,
        perpetuals: bool = False,
    ) -> None:
        self._seed = seed
        self._perpetuals = perpetuals
        self._start_ns = start_ns
        self._pace = pace or Pace()
        self._end_ns = None if duration_s is None else start_ns + round(duration_s * NS_PER_S)
        self._market = SyntheticMarket(seed)

    @property
    def instruments(self) -> Sequence[Instrument]:
        """All twelve, and two perpetuals where they are wanted, sorted by id."""
        if not self._perpetuals:
            return synthetic_instruments()
        both = (*synthetic_instruments(), *perpetual_instruments())
        return tuple(sorted(both, key=lambda instrument: instrument.id))

    @property
    def label(self) -> str:
        """Says SYNTHETIC wherever it is shown."""
        return f"SYNTHETIC seed {self._seed}"

    def events(self) -> Iterator[MarketEvent]:
        """One by one, as fast as they are taken."""
        return chain.from_iterable(self.blocks())

    def blocks(self) -> Iterator[list[MarketEvent]]:
        """In lists of a minute, as fast as they are taken."""
        for block in self._blocks():
            if self._end_ns is None or block[-1].venue_time_ns <= self._end_ns:
                yield block
                continue
            yield [event for event in block if event.venue_time_ns <= self._end_ns]
            return

    def _blocks(self) -> Iterator[list[MarketEvent]]:
        blocks = self._market.blocks(self._start_ns)
        return map(SyntheticPerpetuals(self._seed).joined, blocks) if self._perpetuals else blocks

    def batches(self) -> AsyncIterator[Sequence[MarketEvent]]:
        """When they are due by the pace."""
        return self._pace.batches(self.blocks())

    def history(self, bars: int) -> BarHistory:
        """The `bars` 1m bars of each instrument before the first event."""
        found: dict[InstrumentId, list[Bar]] = {id_: [] for id_ in IDS}
        if bars > 0:
            for bar in chain.from_iterable(self._market.history(bars, self._start_ns)):
                found[bar.instrument_id].append(bar)
        return {id_: tuple(seen) for id_, seen in found.items()}


def synthetic_bars(seed: int, days: int, end_ns: int) -> Iterator[Bar]:
    """1m bars of all instruments for the `days` before `end_ns`, in time order."""
    return chain.from_iterable(SyntheticMarket(seed).history(days * DAY_MINUTES, end_ns))


def _starting_mids() -> Floats:
    x = np.log([coin.price for coin in COINS])
    still = Stretch(
        log_prices=x[None, None, :],
        log_stable=np.zeros((1, 1)),
        activity=np.ones((1, len(COINS))),
        unrest=np.ones(1),
    )
    return np.asarray(all_mids(still)[0, 0])


def _quotes_and_prints(
    rng: np.random.Generator, minute: Minute, minute_ns: int
) -> list[MarketEvent]:
    """In order of time; a trade comes a millisecond after the quote it took."""
    steps, markets = np.nonzero(minute.due)
    jitter = rng.integers(0, JITTER_NS, len(steps))
    times = minute_ns + steps * STEP_NS + OFFSETS_NS[markets] + jitter
    columns = (minute.bid, minute.ask, minute.bid_size, minute.ask_size)
    quotes: list[MarketEvent] = [
        Quote(
            instrument_id=IDS[market],
            bid=bid,
            ask=ask,
            bid_size=bid_size,
            ask_size=ask_size,
            venue_time_ns=at,
            received_time_ns=at,
        )
        for at, market, bid, ask, bid_size, ask_size in zip(
            times.tolist(),
            markets.tolist(),
            *(column[steps, markets].tolist() for column in columns),
            strict=True,
        )
    ]
    traded = np.flatnonzero(minute.traded[steps, markets])
    prints = _prints(minute, steps[traded], markets[traded], times[traded] + PRINT_DELAY_NS)
    order = np.argsort(np.concatenate((times, times[traded] + PRINT_DELAY_NS)), kind="stable")
    events = quotes + prints
    return [events[index] for index in order.tolist()]


def _prints(minute: Minute, steps: Floats, markets: Floats, times: Floats) -> list[MarketEvent]:
    buys = minute.buys[steps, markets]
    prices = np.where(buys, minute.ask[steps, markets], minute.bid[steps, markets])
    return [
        TradePrint(
            instrument_id=IDS[market],
            price=price,
            size=size,
            aggressor=Side.BUY if buy else Side.SELL,
            print_id=f"{at}",
            venue_time_ns=at,
            received_time_ns=at,
        )
        for at, market, price, size, buy in zip(
            times.tolist(),
            markets.tolist(),
            prices.tolist(),
            minute.print_size[steps, markets].tolist(),
            buys.tolist(),
            strict=True,
        )
    ]


def _bars(prices: Floats, volumes: Floats, first_ns: int) -> list[Bar]:
    """Bars of consecutive minutes from (minutes, instruments, 4) and (minutes, instruments)."""
    rows = whole_ticks(prices).tolist()
    sizes = whole_lots(volumes).tolist()
    return [
        Bar(
            instrument_id=IDS[market],
            timeframe_ns=MINUTE_NS,
            open_time_ns=first_ns + index * MINUTE_NS,
            open=open_,
            high=high,
            low=low,
            close=close,
            volume=sizes[index][market],
            venue_time_ns=first_ns + (index + 1) * MINUTE_NS,
            received_time_ns=first_ns + (index + 1) * MINUTE_NS,
        )
        for index, minute in enumerate(rows)
        for market, (open_, high, low, close) in enumerate(minute)
    ]
