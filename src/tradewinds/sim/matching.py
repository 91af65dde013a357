"""How orders meet quotes, books and prints.

A fresh order takes what is shown; a resting limit fills at its limit, and only when the price
goes through it; stops come before everything else.
"""

from collections.abc import Iterable
from decimal import Decimal
from math import inf, isfinite

from tradewinds.model.decimals import ONE, ZERO, to_decimal
from tradewinds.model.market import FundingRate, MarkPrice, Side, TradePrint
from tradewinds.model.order import OrderType, Purpose, TimeInForce
from tradewinds.sim.account import closable
from tradewinds.sim.costs import Level, rungs, slipped, walk, without, worse_tick
from tradewinds.sim.desk import Desk
from tradewinds.sim.market_state import MarketState
from tradewinds.sim.working import Working

BUY = Side.BUY
FLATTEN = Purpose.FLATTEN
MARKET = OrderType.MARKET
FOK = TimeInForce.FOK

NOTHING_TO_REDUCE = "no position to reduce"


def on_shown(desk: Desk, market: MarketState, now_ns: int) -> None:
    """A new quote or book."""
    touch = market.touch()
    if touch is None or market.halted:
        return
    judge_margin(desk, market, touch, now_ns)
    for w in by_urgency(market.orders):
        if not w.gone:
            meet_shown(desk, w)


def on_print(desk: Desk, market: MarketState, event: TradePrint) -> None:
    """A public trade: it triggers, and fills what it traded through, up to its size."""
    price = event.price
    if not note_print(market, event) or market.halted:
        return
    judge_margin(desk, market, (price, price), event.received_time_ns)
    market.pool = to_decimal(event.size) * desk.settings.depth_share_max
    for w in by_urgency(market.orders):
        if not w.gone:
            _meet_print(desk, w, price)


def note_print(market: MarketState, event: TradePrint) -> bool:
    """Remember the last price, unless the print makes no sense."""
    if not (0.0 < event.price < inf and 0.0 < event.size < inf):
        return False
    market.last = event.price
    market.printed_ns = event.received_time_ns
    return True


def on_mark(desk: Desk, market: MarketState, event: MarkPrice) -> None:
    """The venue's own price for judging margin."""
    if 0.0 < event.price < inf:
        market.mark = event
        desk.margin_call(market, event.price)


def on_funding(desk: Desk, market: MarketState, event: FundingRate) -> None:
    """Funding settles once for its time, at the mark price or the last price known."""
    if event.venue_time_ns <= market.funded_ns or not isfinite(event.rate):
        return
    market.funded_ns = event.venue_time_ns
    mark = _mark(desk, market, event.received_time_ns)
    if mark > 0.0:
        desk.pay_funding(market, event, mark)
        desk.margin_call(market, mark)


def judge_margin(desk: Desk, market: MarketState, prices: tuple[float, float], now_ns: int) -> None:
    """Without a recent mark price, a long is judged by the bid and a short by the ask."""
    position, mark = market.position, market.mark
    if position is None:
        return
    if mark is not None and now_ns - mark.received_time_ns <= desk.settings.mark_stale_ns:
        return
    desk.margin_call(market, prices[0] if position.side is BUY else prices[1])


def by_urgency(orders: Iterable[Working]) -> list[Working]:
    """Waiting stops first, then as they came."""
    return sorted(orders, key=lambda w: not w.adverse)


def meet_shown(desk: Desk, w: Working) -> None:
    """One order against what is shown now, if anything is."""
    market = desk.market_of(w)
    touch = market.touch()
    if touch is None or market.halted:
        return
    if not w.active:
        if not w.hit(*touch):
            return
        desk.trigger(w)
    if w.fresh:
        _take_shown(desk, w, touch)
    elif w.passed(*touch):
        share = desk.settings.depth_share_max
        rest(desk, w, market.crossing(w.order.side, w.through, share), shown=True)


def meet_last(desk: Desk, w: Working) -> None:
    """With bars alone, flattening does not wait for the next one: last price, slipped twice."""
    market = desk.market_of(w)
    flattening = w.order.purpose is FLATTEN and w.order.order_type is MARKET
    if market.showing is None and flattening and market.last > 0.0 and not market.halted:
        bps = desk.settings.slippage_bps * 2
        price = slipped(market.last, w.order.side, market.instrument, bps)
        take(desk, w, [Level(price, w.remaining)])


def give_away(desk: Desk, w: Working) -> None:
    """In a delisted market: at the last price, worsened by the haircut, whatever the size."""
    market, side = desk.market_of(w), w.order.side
    last = market.reference(side)
    if last is not None:
        haircut = desk.settings.delisted_haircut
        factor = ONE + haircut if side is Side.BUY else ONE - haircut
        price = worse_tick(last * factor, side, market.instrument.tick_size)
        take(desk, w, [Level(price, w.remaining)])
    if not w.gone:
        desk.expire(w, "market is delisted")


def take(desk: Desk, w: Working, levels: Iterable[Level]) -> Decimal:
    """Take from `levels` within the limit; all or nothing for FOK. Answers how much."""
    market = desk.market_of(w)
    side, wanted = w.order.side, desk.wanted(w)
    if wanted <= ZERO:
        desk.expire(w, NOTHING_TO_REDUCE)
        return ZERO
    limit = w.order.price or ZERO
    parts = walk(levels, side, Level(limit, wanted), market.instrument.lot_size)
    if w.order.time_in_force is FOK and not _all(desk, w, parts, wanted):
        desk.expire(w, "FOK could not fill completely")
        return ZERO
    done = ZERO
    for part in parts:
        if not w.gone:
            done += desk.fill(w, part, maker=False)
    return done


def rest(desk: Desk, w: Working, available: Decimal, shown: bool) -> Decimal:
    """Fill a resting limit at its own price with up to `available`. Answers how much."""
    market = desk.market_of(w)
    assert w.order.price is not None
    want = Level(ZERO, desk.wanted(w))
    if want.size <= ZERO:
        desk.expire(w, NOTHING_TO_REDUCE)
    available_level = Level(w.order.price, available)
    parts = walk([available_level], w.order.side, want, market.instrument.lot_size)
    done = sum((desk.fill(w, part, maker=True) for part in parts), ZERO)
    if shown:
        market.take(w.order.side, done)
    return done


def settle_taker(desk: Desk, w: Working) -> None:
    """After taking: a limit rests, a market order goes on with what is shown next.

    A real market order would sweep levels that we do not see; expiring the rest could leave a
    position without the protection its stop just promised.
    """
    if w.gone:
        return
    if w.immediate:
        desk.expire(w, "IOC remainder")
    elif w.priced:
        w.fresh = False
    desk.market_of(w).unwatch()


def _take_shown(desk: Desk, w: Working, touch: tuple[float, float]) -> None:
    market, side = desk.market_of(w), w.order.side
    if w.order.post_only and w.crosses(*touch):
        desk.expire(w, "post-only would take")
        return
    levels = market.levels(side, desk.settings.depth_share_max)
    ladder = rungs(levels, side, market.instrument, desk.settings)
    market.take(side, take(desk, w, without(ladder, market.taken(side))))
    settle_taker(desk, w)


def _meet_print(desk: Desk, w: Working, price: float) -> None:
    market = desk.market_of(w)
    if not w.active:
        if not w.hit(price, price):
            return
        desk.trigger(w)
    if w.fresh and market.touch() is not None:
        meet_shown(desk, w)
    elif w.fresh:
        _take_print(desk, w, price)
    elif w.passed(price, price):
        market.pool -= rest(desk, w, market.pool, shown=False)


def _take_print(desk: Desk, w: Working, price: float) -> None:
    market, side = desk.market_of(w), w.order.side
    if w.order.post_only:
        if w.crosses(price, price):
            desk.expire(w, "post-only would take")
            return
    else:
        worse = slipped(price, side, market.instrument, desk.settings.slippage_bps)
        market.pool -= take(desk, w, [Level(worse, market.pool)])
    settle_taker(desk, w)


def _all(desk: Desk, w: Working, parts: list[Level], wanted: Decimal) -> bool:
    if not parts or sum((part.size for part in parts), ZERO) < wanted:
        return False
    opening = wanted - closable(desk.market_of(w), w.order.side)
    return desk.account.affordable(w, parts[-1].price) >= opening


def _mark(desk: Desk, market: MarketState, now_ns: int) -> float:
    mark, touch = market.mark, market.touch()
    if mark is not None and now_ns - mark.received_time_ns <= desk.settings.mark_stale_ns:
        return mark.price
    return market.last if touch is None else (touch[0] + touch[1]) / 2.0
