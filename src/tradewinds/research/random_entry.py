"""Against chance: the same trades, held as long, on the same instruments, at other times."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from msgspec import Struct

from tradewinds.model.events import MarketEvent
from tradewinds.model.ids import InstrumentId
from tradewinds.model.market import Bar, Quote, Side
from tradewinds.model.portfolio import Trade
from tradewinds.research.bootstrap import Interval, interval

RESAMPLES: Final = 2_000
FEWEST_TRADES: Final = 10
Series = tuple["np.ndarray[Any, np.dtype[np.int64]]", "np.ndarray[Any, np.dtype[np.float64]]"]


class RandomEntry(Struct, frozen=True, kw_only=True):
    """Mean price move in our favour per trade, before costs, which are the same for both.

    `chance` is the share of random entries that did at least as well: a p-value.
    """

    trades: int
    actual: float
    random: float
    between: Interval
    chance: float


def random_entry(
    trades: Sequence[Trade], prices: Mapping[InstrumentId, Series], seed: int = 1
) -> RandomEntry | None:
    """A block bootstrap: runs of consecutive trades keep their spacing, holding times, sides and
    instruments and are moved together to another time. None below ten trades with prices.

    The null hypothesis is that the moments of entry do not matter; what the market did on average
    while trades were held (a rise, for a long-only strategy) is in both and earns no credit.
    Blocks after Kuensch, "The Jackknife and the Bootstrap for General Stationary Observations",
    Annals of Statistics 17 (1989); length is the square root of the number of trades.
    """
    known = [trade for trade in trades if len(prices.get(trade.instrument_id, ((), ()))[0]) > 1]
    if len(known) < FEWEST_TRADES:
        return None
    ordered = sorted(known, key=lambda trade: trade.opened_time_ns)
    rng = np.random.default_rng(seed)
    size = max(1, round(len(ordered) ** 0.5))
    blocks = [ordered[start : start + size] for start in range(0, len(ordered), size)]
    first, last = _span(prices)
    totals = np.zeros(RESAMPLES)
    actual = 0.0
    for block in blocks:
        begins = block[0].opened_time_ns
        ends = max(trade.closed_time_ns for trade in block)
        low, high = first - begins, max(last - ends, first - begins + 1)
        moved = rng.integers(low, high, size=RESAMPLES)
        for trade in block:
            series, held = prices[trade.instrument_id], (trade.opened_time_ns, trade.closed_time_ns)
            sign = 1.0 if trade.side is Side.BUY else -1.0
            totals += sign * _moves(series, held, moved)
            actual += sign * float(_moves(series, held, np.zeros(1, dtype=np.int64))[0])
    means = totals / len(ordered)
    mean = actual / len(ordered)
    return RandomEntry(
        trades=len(ordered),
        actual=mean,
        random=float(means.mean()),
        between=interval(means),
        chance=float((1 + (means >= mean).sum()) / (1 + RESAMPLES)),
    )


def price_series(blocks: Sequence[Sequence[MarketEvent]]) -> dict[InstrumentId, Series]:
    """Time and price of every bar's close, or of quotes where there are no bars."""
    times: dict[InstrumentId, list[int]] = {}
    prices: dict[InstrumentId, list[float]] = {}
    for block in blocks:
        for event in block:
            if isinstance(event, Bar):
                price = event.close
            elif isinstance(event, Quote):
                price = (event.bid + event.ask) / 2
            else:
                continue
            times.setdefault(event.instrument_id, []).append(event.received_time_ns)
            prices.setdefault(event.instrument_id, []).append(price)
    return {id_: (np.asarray(times[id_], dtype=np.int64), np.asarray(prices[id_])) for id_ in times}


def _moves(
    series: Series, held: tuple[int, int], moved: "np.ndarray[Any, np.dtype[np.int64]]"
) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Relative change between the prices known at entry and at exit, for each displacement.

    Wraps round at the end of this instrument's data, so that a displacement always finds one.
    """
    times, prices = series
    span = int(times[-1] - times[0])
    begins = (held[0] + moved - times[0]) % max(span, 1) + times[0]
    ends = np.minimum(begins + (held[1] - held[0]), times[-1])
    entry = np.clip(np.searchsorted(times, begins, side="right") - 1, 0, len(times) - 1)
    out = np.clip(np.searchsorted(times, ends, side="right") - 1, 0, len(times) - 1)
    return np.asarray(prices[out] / prices[entry] - 1)


def _span(prices: Mapping[InstrumentId, Series]) -> tuple[int, int]:
    firsts = [int(times[0]) for times, _ in prices.values() if len(times)]
    lasts = [int(times[-1]) for times, _ in prices.values() if len(times)]
    return min(firsts), max(lasts)
