"""Log prices to quotes, trades and bars: spread and depth follow volatility, crosses their legs."""

from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from tradewinds.market.synthetic_paths import Floats, Stretch
from tradewinds.market.synthetic_spec import COINS, CROSSES, MARKETS

CROSS_NOISE: Final = 0.00003
"""Standard deviation of a cross around its legs: far below any fee."""
SPREAD_NOISE: Final = 0.15
DISLOCATION_CHANCE: Final = 1 / 40
"""A minute: about 36 a day over the three crosses."""
DISLOCATION_EDGE: Final = (0.0001, 0.0009)
"""What is left of a dislocation after every fee and spread, as a fraction."""
DISLOCATION_DOLLARS: Final = (40.0, 250.0)
DISLOCATION_STEPS_MAX: Final = 8
BTC_COIN, ETH_COIN = 0, 1
LEGS: Final = {
    CROSSES["BTC/USDC"]: (0, CROSSES["USDC/USDT"]),
    CROSSES["ETH/USDC"]: (1, CROSSES["USDC/USDT"]),
    CROSSES["ETH/BTC"]: (0, 1),
}
"""The two other instruments of the triangle that each cross closes."""

TICKS: Final = 10.0 ** np.array([market.tick_digits for market in MARKETS])
LOTS: Final = 10.0 ** np.array([market.lot_digits for market in MARKETS])
HALF_SPREADS: Final = np.array([market.half_spread for market in MARKETS])
TAKER: Final = np.array([float(market.taker_bps) * 1e-4 for market in MARKETS])
QUOTE_CHANCE: Final = np.array([market.quotes for market in MARKETS])
PRINT_CHANCE: Final = np.array([market.prints for market in MARKETS])
DEPTH: Final = np.array([market.depth for market in MARKETS])
TURNOVER: Final = np.array([market.turnover for market in MARKETS])


class Minute(Struct, frozen=True, kw_only=True):
    """One minute of every instrument, all (steps, instruments); `due` and `traded` are masks."""

    bid: Floats
    ask: Floats
    bid_size: Floats
    ask_size: Floats
    due: npt.NDArray[np.bool_]
    traded: npt.NDArray[np.bool_]
    buys: npt.NDArray[np.bool_]
    print_size: Floats


class Dislocation(Struct, frozen=True, kw_only=True):
    """A cross that has left its legs for steps [first, last) by `shift`, `dollars` deep."""

    market: int
    first: int
    last: int
    shift: float
    dollars: float


def all_mids(stretch: Stretch) -> Floats:
    """(minutes, steps + 1, instruments) in the order of MARKETS, crosses without noise."""
    x, stable = stretch.log_prices, stretch.log_stable[:, :, None]
    btc, eth = x[:, :, BTC_COIN : BTC_COIN + 1], x[:, :, ETH_COIN : ETH_COIN + 1]
    return np.asarray(np.exp(np.concatenate((x, btc - stable, eth - stable, eth - btc, stable), 2)))


def all_activity(stretch: Stretch) -> Floats:
    """(minutes, instruments): a cross is as lively as its legs; the stable pair follows all."""
    coins, unrest = stretch.activity, stretch.unrest[:, None]
    btc, eth = coins[:, :1], coins[:, 1:2]
    return np.concatenate((coins, btc, eth, (btc + eth) / 2.0, 0.5 + 0.5 * unrest), axis=1)


def quote_minute(rng: np.random.Generator, mids: Floats, activity: Floats) -> Minute:
    """One minute's quotes and trades from (steps, instruments) mids; activity (instruments,)."""
    shape = mids.shape
    mids = mids.copy()
    crosses = list(LEGS)
    mids[:, crosses] *= 1.0 + CROSS_NOISE * rng.standard_normal((shape[0], len(crosses)))
    breath = np.exp(SPREAD_NOISE * rng.standard_normal(shape))
    half = HALF_SPREADS * (0.6 + 0.4 * activity) * breath
    depth = DEPTH / (0.5 + 0.5 * activity) / dollar_prices(mids)
    bid_size = depth * np.exp(0.5 * rng.standard_normal(shape))
    ask_size = depth * np.exp(0.5 * rng.standard_normal(shape))
    due = rng.random(shape) < QUOTE_CHANCE
    found = find_dislocation(rng, half)
    if found is not None:
        span, market = slice(found.first, found.last), found.market
        coins = found.dollars / dollar_prices(mids)[found.first, market]
        mids[span, market] *= 1.0 + found.shift
        bid_size[span, market] = ask_size[span, market] = coins
        due[found.first : found.last + 1, market] = True
    bid = np.floor(mids * (1.0 - half) * TICKS)
    ask = np.maximum(np.ceil(mids * (1.0 + half) * TICKS), bid + 1.0)
    buys = rng.random(shape) < 0.5
    return Minute(
        bid=bid / TICKS,
        ask=ask / TICKS,
        bid_size=whole_lots(bid_size),
        ask_size=whole_lots(ask_size),
        due=due,
        traded=due & (rng.random(shape) < PRINT_CHANCE / QUOTE_CHANCE * np.minimum(activity, 2.0)),
        buys=buys,
        print_size=whole_lots(print_sizes(rng, mids)),
    )


def find_dislocation(rng: np.random.Generator, half: Floats) -> Dislocation | None:
    """Rarely one: just wide enough to pay three taker fees and three half spreads and a little."""
    if rng.random() >= DISLOCATION_CHANCE:
        return None
    market = list(LEGS)[int(rng.integers(len(LEGS)))]
    first = int(rng.integers(1, len(half) - DISLOCATION_STEPS_MAX - 1))
    last = first + int(rng.integers(1, DISLOCATION_STEPS_MAX + 1))
    triangle = [market, *LEGS[market]]
    cost = float(TAKER[triangle].sum() + half[first:last, triangle].sum(axis=1).max())
    shift = cost + float(rng.uniform(*DISLOCATION_EDGE))
    return Dislocation(
        market=market,
        first=first,
        last=last,
        shift=shift if rng.random() < 0.5 else -shift,
        dollars=float(rng.uniform(*DISLOCATION_DOLLARS)),
    )


def dollar_prices(mids: Floats) -> Floats:
    """What one base asset of each instrument costs in dollars."""
    prices: Floats = mids.copy()
    prices[..., CROSSES["ETH/BTC"]] = mids[..., ETH_COIN]
    return prices


def print_sizes(rng: np.random.Generator, mids: Floats) -> Floats:
    """Exponential, so that a quiet minute's trades add up to the turnover on average."""
    steps = len(mids)
    mean = TURNOVER / (PRINT_CHANCE * steps) / dollar_prices(mids)
    return np.asarray(rng.exponential(1.0, mids.shape) * mean)


def whole_lots(sizes: Floats) -> Floats:
    """At least one lot, and a number that reads as it is written on the venue."""
    return np.asarray(np.maximum(np.round(sizes * LOTS), 1.0) / LOTS)


def minute_bars(mids: Floats) -> Floats:
    """(minutes, instruments, 4): open, high, low, close of (minutes, steps, instruments) mids."""
    return np.stack((mids[:, 0], mids.max(axis=1), mids.min(axis=1), mids[:, -1]), axis=-1)


def whole_ticks(bars: Floats) -> Floats:
    """(minutes, instruments, 4) prices to the nearest tick, at least one."""
    ticks = TICKS[:, None]
    return np.asarray(np.maximum(np.round(bars * ticks), 1.0) / ticks)


assert len(MARKETS) == len(COINS) + len(CROSSES)
