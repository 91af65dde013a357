"""What scalping knows of one perpetual: flow, the learned move, the spread, funding."""

import math

from msgspec import Struct

from tradewinds.features.indicators import Atr, Ema
from tradewinds.features.microstructure import OrderFlow, microprice
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Bar, FundingRate, Quote, Side
from tradewinds.strategies.edge import EdgeModel

_BPS = 10_000.0
FUNDING_PERIOD_NS = 8 * 3_600_000_000_000
FLOW_SAMPLES = 3
"""Samples in which order flow fades to 1/e."""
MEAN_SAMPLES = 60
MEAN_BARS = 20
LIMIT = 5.0
"""Features are held within this many units: one wild print must not teach much."""


class ScalpSpan(Struct, frozen=True, kw_only=True):
    """Samples ahead, and samples remembered."""

    horizon: int
    memory: int


class ScalpMarket:
    """Quotes where they come, else the finest bars; never both."""

    __slots__ = (
        "_atr", "_bar_edge", "_bar_mean", "_close", "_edge", "_funding", "_funding_ns",
        "_horizons", "_mean", "_open_ns", "_sample_ns", "_sampled_ns", "_unit", "bar_ns", "flow",
        "id", "maker_bps", "price", "quote", "spread_bps", "taker_bps",
    )  # fmt: skip

    def __init__(
        self,
        instrument: Instrument,
        quotes: ScalpSpan,
        bars: ScalpSpan,
        sure: float,
        sample_ns: int,
    ) -> None:
        self.id = instrument.id
        self.maker_bps = float(instrument.maker_fee) * _BPS
        self.taker_bps = float(instrument.taker_fee) * _BPS
        self.flow = OrderFlow(FLOW_SAMPLES * sample_ns)
        self._edge = EdgeModel(4, quotes.horizon, quotes.memory, sure)
        self._bar_edge = EdgeModel(3, bars.horizon, bars.memory, sure)
        self._horizons = (quotes.horizon, bars.horizon)
        self._mean = Ema(MEAN_SAMPLES)
        self._bar_mean = Ema(MEAN_BARS)
        self._atr = Atr(MEAN_BARS)
        self._sample_ns = sample_ns
        self._sampled_ns = 0
        self._open_ns = -1
        self._close = 0.0
        self._unit = 0.0
        self._funding = 0.0
        self._funding_ns = 0
        self.bar_ns = 0
        self.price = 0.0
        self.spread_bps = 0.0
        self.quote: Quote | None = None

    @property
    def expected(self) -> float:
        """Bps within the horizon; nil while unsure."""
        return (self._bar_edge if self.quote is None else self._edge).expected

    @property
    def deviation(self) -> float:
        """Usual size of the move of one horizon, in bps."""
        edge = self._bar_edge if self.quote is None else self._edge
        return edge.score.deviation

    @property
    def horizon_ns(self) -> int:
        """How long a guess is meant to last."""
        if self.quote is None:
            return self._horizons[1] * self.bar_ns
        return self._horizons[0] * self._sample_ns

    def passive(self, side: Side) -> float:
        """The best price of our own side: where a maker waits."""
        assert self.quote is not None
        return self.quote.bid if side is Side.BUY else self.quote.ask

    def funding_bps(self, side: Side, now_ns: int) -> float:
        """What the last rate would cost if the next funding falls within the horizon; what it
        would bring is not counted."""
        if not self._funding_ns:
            return 0.0
        passed_ns = (now_ns - self._funding_ns) % FUNDING_PERIOD_NS
        if FUNDING_PERIOD_NS - passed_ns > self.horizon_ns:
            return 0.0
        rate = self._funding if side is Side.BUY else -self._funding
        return max(rate, 0.0) * _BPS

    def on_funding(self, event: FundingRate) -> None:
        """Remember the rate and the hour it is paid at."""
        self._funding = event.rate
        self._funding_ns = event.venue_time_ns

    def on_quote(self, quote: Quote) -> bool:
        """Take in a quote; whether it made a sample."""
        self.quote = quote
        self.flow.on_quote(quote)
        self.bar_ns = 0
        since_ns = quote.received_time_ns - self._sampled_ns
        if since_ns < self._sample_ns:
            return False
        if self._sampled_ns and since_ns > 5 * self._sample_ns:
            self._edge.start_over()
        self._sampled_ns = quote.received_time_ns
        mid = (quote.bid + quote.ask) / 2.0
        spread = (quote.ask - quote.bid) / mid * _BPS
        self.spread_bps += (spread - self.spread_bps) * (0.02 if self.spread_bps else 1.0)
        last = self.price
        self.price = mid
        mean = self._mean.update(mid)
        if last > 0.0:
            move = abs(mid / last - 1.0) * _BPS
            self._unit += (move - self._unit) * 0.02
        if mean is None:
            return False
        unit = max(self._unit * math.sqrt(MEAN_SAMPLES), 1e-3)
        features = (
            _held((microprice(quote) - mid) / mid * _BPS / max(self.spread_bps / 2.0, 1e-3)),
            _held(self.flow.quotes),
            _held(self.flow.trades),
            _held((mean / mid - 1.0) * _BPS / unit),
        )
        self._edge.update(features, mid)
        return True

    def on_bar(self, bar: Bar) -> bool:
        """Take in a closed bar; whether it made a sample. Not where quotes come, and of several
        timeframes only the finest."""
        if self.quote is not None or bar.open_time_ns <= self._open_ns:
            return False
        if self.bar_ns and bar.timeframe_ns != self.bar_ns:
            if bar.timeframe_ns > self.bar_ns:
                return False
            self._bar_edge.start_over()
        gap = self._open_ns >= 0 and bar.open_time_ns > self._open_ns + 3 * bar.timeframe_ns
        if gap:
            self._bar_edge.start_over()
        self.bar_ns = bar.timeframe_ns
        self._open_ns = bar.open_time_ns
        last, self._close = self._close, bar.close
        self.price = bar.close
        atr = self._atr.update(bar.high, bar.low, bar.close)
        mean = self._bar_mean.update(bar.close)
        if atr is None or mean is None or not atr > 0.0:
            return False
        middle = (bar.high + bar.low) / 2.0
        features = (
            _held((last - bar.close) / atr),
            _held((mean - bar.close) / atr),
            _held((middle - bar.close) / atr),
        )
        self._bar_edge.update(features, bar.close)
        return True


def _held(value: float) -> float:
    return min(max(value, -LIMIT), LIMIT)
