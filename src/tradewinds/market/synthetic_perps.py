"""Perpetuals of the synthetic market: they follow their coin, and bursts of orders push them away.

A burst is a few seconds of one-sided trades into a thinning book; what it has moved comes back
within a minute. That is what scalping looks for, put here on purpose and more often than a real
market shows it: what it earns here says that the machinery works, and nothing else.
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import numpy as np
from msgspec import Struct

from tradewinds.market.synthetic_spec import BPS, VENUE
from tradewinds.model.events import MarketEvent
from tradewinds.model.ids import Asset, InstrumentId, instrument_id
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.market import Bar, FundingRate, MarkPrice, Quote, Side, TradePrint
from tradewinds.model.timeframes import HOUR_NS, MINUTE_NS

PERPETUALS: Final = 2
"""The stream of randomness under the seed; 0 and 1 are the coins'."""
FUNDING_NS: Final = 8 * HOUR_NS
BURST_CHANCE: Final = 1 / 30
"""A minute and perpetual."""
BURST_STEPS: Final = (8, 25)
BURST_MOVE: Final = (0.0015, 0.0060)
"""Of the price, in all."""
RETURN_STEPS: Final = 80.0
"""Steps of a quarter of a second in which a burst's move fades to 1/e."""
NOISE: Final = 0.00001
HALF_SPREAD: Final = 0.00002
LEAN: Final = 0.7
"""How much thinner the book is ahead of a burst and behind it thicker, in logs."""
DELAY_NS: Final = 1_700_000
"""After the coin's own quote; trades a millisecond later."""


class Perpetual(Struct, frozen=True, kw_only=True):
    """One perpetual; `depth` and `print_size` in base asset."""

    base: str
    tick_digits: int
    lot_digits: int
    depth: float
    print_size: float

    @property
    def id(self) -> InstrumentId:
        """`BTC/USDT:USDT@synthetic`."""
        return instrument_id(f"{self.base}/USDT:USDT", VENUE)

    @property
    def coin(self) -> InstrumentId:
        """The spot market it follows."""
        return instrument_id(f"{self.base}/USDT", VENUE)


PERPS: Final = (
    Perpetual(base="BTC", tick_digits=1, lot_digits=3, depth=1.5, print_size=0.05),
    Perpetual(base="ETH", tick_digits=2, lot_digits=3, depth=25.0, print_size=0.8),
)


def perpetual_instruments() -> tuple[Instrument, ...]:
    """Both, with the fees of the entry tier of a large venue."""
    return tuple(
        Instrument(
            id=perp.id,
            symbol=f"{perp.base}/USDT:USDT",
            venue=VENUE,
            kind=InstrumentKind.PERPETUAL,
            base=Asset(perp.base),
            quote=Asset("USDT"),
            settle=Asset("USDT"),
            tick_size=Decimal(1).scaleb(-perp.tick_digits),
            lot_size=Decimal(1).scaleb(-perp.lot_digits),
            min_quantity=Decimal(1).scaleb(-perp.lot_digits),
            max_quantity=Decimal(10**6),
            min_notional=Decimal(5),
            maker_fee=2 * BPS,
            taker_fee=5 * BPS,
            leverage_max=Decimal(20),
        )
        for perp in PERPS
    )


class _Burst:
    """One-sided flow under way: which way, for how many steps, by how much a step."""

    __slots__ = ("left", "push")

    def __init__(self) -> None:
        self.left = 0
        self.push = 0.0


class SyntheticPerpetuals:
    """Adds perpetuals to the synthetic market's minutes; the same for the same seed and minutes."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng((seed, PERPETUALS))
        self._away = [0.0 for _ in PERPS]
        self._bursts = [_Burst() for _ in PERPS]

    def joined(self, block: Sequence[MarketEvent]) -> list[MarketEvent]:
        """The block with the perpetuals' events of the same minute, in order of time."""
        found: list[MarketEvent] = list(block)
        for place, perp in enumerate(PERPS):
            coins = [e for e in block if type(e) is Quote and e.instrument_id == perp.coin]
            bars = [e for e in block if type(e) is Bar and e.instrument_id == perp.coin]
            if coins and bars:
                found.extend(self._minute(place, coins, bars[-1]))
        found.sort(key=lambda event: event.venue_time_ns)
        return found

    def _minute(self, place: int, coins: Sequence[Quote], bar: Bar) -> list[MarketEvent]:
        perp, rng, burst = PERPS[place], self._rng, self._bursts[place]
        if burst.left == 0 and rng.random() < BURST_CHANCE:
            burst.left = int(rng.integers(*BURST_STEPS))
            move = rng.uniform(*BURST_MOVE) * (1.0 if rng.random() < 0.5 else -1.0)
            burst.push = move / burst.left
        count = len(coins)
        noise = (rng.standard_normal(count) * NOISE).tolist()
        sizes = (perp.depth * np.exp(0.4 * rng.standard_normal((count, 2)))).tolist()
        chances, buys = rng.random(count).tolist(), (rng.random(count) < 0.5).tolist()
        prints = (rng.exponential(1.0, count) * perp.print_size).tolist()
        keep = math.exp(-1.0 / RETURN_STEPS)
        events: list[MarketEvent] = []
        mids = []
        for step, coin in enumerate(coins):
            self._away[place] *= keep
            pushed = burst.left > 0
            if pushed:
                burst.left -= 1
                self._away[place] += burst.push
            lean = math.copysign(LEAN, burst.push) if pushed else 0.0
            mid = (coin.bid + coin.ask) / 2.0 * (1.0 + self._away[place] + noise[step])
            mids.append(mid)
            bid_size, ask_size = sizes[step]
            at = coin.venue_time_ns + DELAY_NS + place
            quote = _quote(perp, mid, (bid_size * math.exp(lean), ask_size * math.exp(-lean)), at)
            events.append(quote)
            if pushed or chances[step] < 0.25:
                buying = burst.push > 0.0 if pushed else buys[step]
                size = prints[step] * (4.0 if pushed else 1.0)
                events.append(_print(perp, quote, buying=buying, size=size))
        events.append(_bar(perp, mids, bar))
        events.append(_mark(perp, bar))
        if bar.venue_time_ns % FUNDING_NS == 0:
            events.append(_funding(perp, bar, float(rng.normal(0.0001, 0.0001))))
        return events


def _quote(perp: Perpetual, mid: float, sizes: tuple[float, float], at: int) -> Quote:
    scale = 10.0**perp.tick_digits
    bid = math.floor(mid * (1.0 - HALF_SPREAD) * scale)
    ask = max(math.ceil(mid * (1.0 + HALF_SPREAD) * scale), bid + 1)
    return Quote(
        instrument_id=perp.id,
        bid=bid / scale,
        ask=ask / scale,
        bid_size=_lots(perp, sizes[0]),
        ask_size=_lots(perp, sizes[1]),
        venue_time_ns=at,
        received_time_ns=at,
    )


def _print(perp: Perpetual, quote: Quote, *, buying: bool, size: float) -> TradePrint:
    at = quote.venue_time_ns + 1_000_000
    return TradePrint(
        instrument_id=perp.id,
        price=quote.ask if buying else quote.bid,
        size=_lots(perp, size),
        aggressor=Side.BUY if buying else Side.SELL,
        print_id=f"{at}",
        venue_time_ns=at,
        received_time_ns=at,
    )


def _bar(perp: Perpetual, mids: Sequence[float], coin: Bar) -> Bar:
    prices = [round(price, perp.tick_digits) for price in mids]
    return Bar(
        instrument_id=perp.id,
        timeframe_ns=MINUTE_NS,
        open_time_ns=coin.open_time_ns,
        open=prices[0],
        high=max(prices),
        low=min(prices),
        close=prices[-1],
        volume=coin.volume,
        venue_time_ns=coin.venue_time_ns,
        received_time_ns=coin.received_time_ns,
    )


def _mark(perp: Perpetual, coin: Bar) -> MarkPrice:
    """The coin's price: what a venue judges margin by is not moved by a burst in its own book."""
    return MarkPrice(
        instrument_id=perp.id,
        price=coin.close,
        venue_time_ns=coin.venue_time_ns,
        received_time_ns=coin.received_time_ns,
    )


def _funding(perp: Perpetual, coin: Bar, rate: float) -> FundingRate:
    return FundingRate(
        instrument_id=perp.id,
        rate=round(rate, 8),
        venue_time_ns=coin.venue_time_ns,
        received_time_ns=coin.received_time_ns,
    )


def _lots(perp: Perpetual, size: float) -> float:
    return max(round(size, perp.lot_digits), 10.0**-perp.lot_digits)
