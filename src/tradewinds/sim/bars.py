"""How orders meet a bar, in stages, because a bar hides the path of the price.

Open: what waited since before takes the open, worsened by slippage. Then stops, as if the price
went against us first. Then limits and take-profits the range went through, at their own price.
Then the stops of what has just been opened. A stop fills at its trigger, or at the open when the
bar gapped over it, worsened by slippage, be that below the bar's low: we would have made the low.
All fills of a bar share one part of its volume.
"""

from collections.abc import Callable
from math import inf
from typing import NamedTuple

from tradewinds.model.decimals import to_decimal
from tradewinds.model.market import Bar
from tradewinds.sim.costs import Level, slipped
from tradewinds.sim.desk import Desk
from tradewinds.sim.market_state import MarketState
from tradewinds.sim.matching import judge_margin, rest, settle_taker, take
from tradewinds.sim.working import Working

OPEN, AGAINST, FAVOUR, AFTER = 1, 2, 3, 4
"""Stages. An order sent between two of them carries the number of the one before."""


class BarMatch(NamedTuple):
    """A bar being matched."""

    desk: Desk
    market: MarketState
    bar: Bar
    there_ns: int


Stage = Callable[[BarMatch], None]


def drives(market: MarketState, bar: Bar) -> bool:
    """Whether to match this bar: sane, of the finest timeframe, and nothing finer is shown."""
    low, high = bar.low, bar.high
    inside = low <= bar.open <= high and low <= bar.close <= high
    if not (inside and low > 0.0 and high < inf and 0.0 <= bar.volume < inf):
        return False
    if market.timeframe_ns == 0 or bar.timeframe_ns < market.timeframe_ns:
        market.timeframe_ns = bar.timeframe_ns
    if bar.timeframe_ns > market.timeframe_ns:
        return False
    shown_ns = 0 if market.showing is None else market.showing.received_time_ns
    if max(shown_ns, market.printed_ns) > bar.open_time_ns:
        return False
    market.showing = None
    return True


def bar_match(desk: Desk, market: MarketState, bar: Bar) -> BarMatch:
    """Orders sent before `there_ns` saw the open: it, or the last bar, plus the grace."""
    market.pool = to_decimal(bar.volume) * desk.settings.bar_volume_share_max
    there = max(bar.open_time_ns, market.bar_received_ns) + desk.settings.bar_grace_ns
    return BarMatch(desk, market, bar, there)


def at_open(match: BarMatch) -> None:
    """Gapped triggers and waiting takers, at the open."""
    desk, market, price = match.desk, match.market, match.bar.open
    judge_margin(desk, market, (price, price), match.bar.received_time_ns)
    for w in sorted(market.orders, key=lambda w: not w.adverse):
        if w.gone or not _there(match, w):
            continue
        if not w.active and w.hit(price, price):
            desk.trigger(w)
        if w.active and w.fresh:
            _take_open(match, w)


def against(match: BarMatch) -> None:
    """Stops in the order the price would reach them, and liquidation on the way."""
    desk, market, bar = match.desk, match.market, match.bar
    waiting = [w for w in market.orders if w.adverse and _counts(match, w)]
    for w in sorted(waiting, key=lambda w: abs(w.trigger - bar.open)):
        if not w.hit(bar.low, bar.high):
            continue
        reached = max(w.trigger, bar.open) if w.buying else min(w.trigger, bar.open)
        judge_margin(desk, market, (reached, reached), bar.received_time_ns)
        if not w.gone:
            _trigger_at(match, w, reached, AGAINST)
    judge_margin(desk, market, (bar.low, bar.high), bar.received_time_ns)


def in_favour(match: BarMatch) -> None:
    """Resting limits and take-profits that were there in time, nearest first."""
    market, bar = match.market, match.bar
    ready = [w for w in market.orders if _early(match, w) and not w.adverse and not w.immediate]
    for w in sorted(ready, key=lambda w: abs(_price(w) - bar.open)):
        if w.gone:
            continue
        if w.active and w.priced and w.passed(bar.high, bar.low):
            market.pool -= rest(match.desk, w, market.pool, shown=False)
        elif not w.active and w.hit(bar.high, bar.low):
            _trigger_at(match, w, w.trigger, FAVOUR)


def after(match: BarMatch) -> None:
    """Protection placed within the bar meets the bar's whole range."""
    against(match)


def passed_by(market: MarketState, bar: Bar) -> bool:
    """A bar in whose range nothing of ours can happen is only remembered; False for any other."""
    low, high = bar.low, bar.high
    # At any price of the bar, as `stirs` says of one.
    if (
        low < market.ask_below
        or high > market.bid_above
        or low <= market.bid_floor
        or high >= market.ask_ceiling
    ):
        return False
    # What `drives` finds of nearly every bar. False for NaN.
    if (
        0.0 < low <= bar.open <= high < inf
        and low <= bar.close <= high
        and 0.0 <= bar.volume < inf
        and bar.timeframe_ns == market.timeframe_ns
        and market.showing is None
        and market.printed_ns <= bar.open_time_ns
    ):
        market.last = bar.close
        market.bar_received_ns = bar.received_time_ns
        if market.orders:
            close(market, bar)
    elif drives(market, bar):
        close(market, bar)
    return True


def close(market: MarketState, bar: Bar) -> None:
    """The bar is history: what was sent within it waits for the next as if it always had."""
    market.last = bar.close
    market.bar_received_ns = bar.received_time_ns
    for w in market.orders:
        if w.stage > 0 and w.active and w.priced and not w.immediate:
            w.fresh = False
        w.stage = 0


STAGES: tuple[tuple[int, Stage], ...] = (
    (OPEN, at_open),
    (AGAINST, against),
    (FAVOUR, in_favour),
    (AFTER, after),
)


def _there(match: BarMatch, w: Working) -> bool:
    return w.stage == 0 and w.submitted_ns <= match.there_ns


def _early(match: BarMatch, w: Working) -> bool:
    return w.stage == OPEN or _there(match, w)


def _counts(match: BarMatch, w: Working) -> bool:
    return w.stage > 0 or w.submitted_ns < match.bar.venue_time_ns


def _price(w: Working) -> float:
    return w.limit if w.active and w.priced else w.trigger


def _take_open(match: BarMatch, w: Working) -> None:
    price = match.bar.open
    if w.priced and not w.passed(price, price):
        if w.order.post_only and w.crosses(price, price):
            match.desk.expire(w, "post-only would take")
            return
    elif w.order.post_only:
        match.desk.expire(w, "post-only would take")
        return
    else:
        _take_at(match, w, price)
    settle_taker(match.desk, w)


def _trigger_at(match: BarMatch, w: Working, price: float, stage: int) -> None:
    match.desk.trigger(w)
    w.stage = stage
    _take_at(match, w, price)
    settle_taker(match.desk, w)


def _take_at(match: BarMatch, w: Working, price: float) -> None:
    desk, market = match.desk, match.market
    worse = slipped(price, w.order.side, market.instrument, desk.settings.slippage_bps)
    market.pool -= take(desk, w, [Level(worse, market.pool)])
