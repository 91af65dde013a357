"""What one instrument shows at the moment, and which of our orders watch it."""

from collections.abc import Iterable
from decimal import Decimal
from math import inf, isfinite

from tradewinds.model.decimals import ZERO, to_decimal
from tradewinds.model.ids import InstrumentId
from tradewinds.model.instrument import Instrument, InstrumentKind, InstrumentStatus
from tradewinds.model.market import BookDelta, MarkPrice, Quote, Side
from tradewinds.sim.costs import Level, worse_tick
from tradewinds.sim.doubt import Doubt, sound
from tradewinds.sim.margin import PerpPosition, liquidation_price
from tradewinds.sim.working import Working

Ladder = list[tuple[float, float]]
LEAP_MAX = 0.2


class MarketState:
    """The last quote or book, the last price, and thresholds that let most events pass unread.

    Within half a leap of the last quote nothing needs to be doubted.
    Nothing of ours can happen while ask >= ask_below, bid <= bid_above, bid > bid_floor and
    ask < ask_ceiling: that is all the hot path compares.
    """

    __slots__ = (
        "_taken",
        "_taken_from",
        "ask_below",
        "ask_ceiling",
        "asks",
        "bar_received_ns",
        "bid_above",
        "bid_floor",
        "bids",
        "doubt",
        "funded_ns",
        "instrument",
        "last",
        "mark",
        "orders",
        "pool",
        "position",
        "printed_ns",
        "showing",
        "timeframe_ns",
    )

    def __init__(self, instrument: Instrument, leap_max: float = LEAP_MAX) -> None:
        """Nothing seen yet."""
        self.instrument = instrument
        self.doubt = Doubt(leap_max)
        self.showing: Quote | BookDelta | None = None
        self.bids: dict[float, float] = {}
        self.asks: dict[float, float] = {}
        self.last = 0.0
        self.printed_ns = 0
        self.mark: MarkPrice | None = None
        self.funded_ns = 0
        self.timeframe_ns = 0
        self.bar_received_ns = 0
        self.pool = ZERO
        self.orders: list[Working] = []
        self.position: PerpPosition | None = None
        self._taken = {Side.BUY: ZERO, Side.SELL: ZERO}
        self._taken_from: Quote | BookDelta | None = None
        self.rewatch()

    @property
    def id(self) -> InstrumentId:
        """The instrument's."""
        return self.instrument.id

    @property
    def perpetual(self) -> bool:
        """Whether it moves margin instead of assets."""
        return self.instrument.kind is InstrumentKind.PERPETUAL

    @property
    def halted(self) -> bool:
        """Whether nothing may match."""
        return self.instrument.status is InstrumentStatus.HALTED or self.delisted

    @property
    def delisted(self) -> bool:
        """Whether it is over: what is held can only be given away."""
        return self.instrument.status is InstrumentStatus.DELISTED

    def apply(self, delta: BookDelta) -> None:
        """Take a book change in; it becomes what is shown."""
        if delta.snapshot:
            self.bids.clear()
            self.asks.clear()
        for book, changes in ((self.bids, delta.bids), (self.asks, delta.asks)):
            for price, size in changes:
                if size > 0.0:
                    book[price] = size
                else:
                    book.pop(price, None)
        self.showing = delta

    def ladder(self, side: Side) -> Ladder:
        """(price, size) that a taker on `side` meets, best first; empty when there is none."""
        if isinstance(self.showing, Quote):
            quote = self.showing
            best = (quote.ask, quote.ask_size) if side is Side.BUY else (quote.bid, quote.bid_size)
            return [best]
        if self.showing is None:
            return []
        return sorted(self.asks.items()) if side is Side.BUY else sorted(self.bids.items())[::-1]

    def touch(self) -> tuple[float, float] | None:
        """Best bid and ask, or None when not shown or not sane (missing, NaN, crossed)."""
        if isinstance(self.showing, Quote):
            bid, ask = self.showing.bid, self.showing.ask
        elif self.showing is not None and self.bids and self.asks:
            bid, ask = max(self.bids), min(self.asks)
        else:
            return None
        return (bid, ask) if 0.0 < bid <= ask < inf else None

    def middle(self) -> float:
        """Between bid and ask of the last quote; 0 where there is none that makes sense."""
        shown = self.showing
        if not isinstance(shown, Quote) or not sound(shown):
            return 0.0
        return (shown.bid + shown.ask) / 2

    def doubts(self, price: float) -> bool:
        """Whether a quote or print at `price` shall wait for others to confirm it."""
        return self.doubt.of(price, self.middle() or self.last)

    def levels(self, side: Side, share: Decimal) -> list[Level]:
        """The ladder in money: `share` of each size, prices on the tick against the taker."""
        tick = self.instrument.tick_size
        return [
            Level(worse_tick(to_decimal(price), side, tick), to_decimal(size) * share)
            for price, size in _sane(self.ladder(side))
        ]

    def crossing(self, side: Side, limit: float, share: Decimal) -> Decimal:
        """Size shown at prices beyond a resting order's limit, less what we already took."""
        buying = side is Side.BUY
        sizes = (
            to_decimal(size) * share
            for price, size in _sane(self.ladder(side))
            if (price < limit if buying else price > limit)
        )
        return max(sum(sizes, ZERO) - self.taken(side), ZERO)

    def taken(self, side: Side) -> Decimal:
        """What we consumed of what is shown now; the next quote or book shows it anew."""
        if self._taken_from is not self.showing:
            self._taken = {Side.BUY: ZERO, Side.SELL: ZERO}
            self._taken_from = self.showing
        return self._taken[side]

    def take(self, side: Side, quantity: Decimal) -> None:
        """Remember that a taker on `side` consumed this much."""
        self._taken[side] = self.taken(side) + quantity

    def reference(self, side: Side) -> Decimal | None:
        """The price a taker on `side` would expect now; None before any data."""
        touch = self.touch()
        price = self.last if touch is None else touch[1] if side is Side.BUY else touch[0]
        if not (0.0 < price < inf):
            return None
        return worse_tick(to_decimal(price), side, self.instrument.tick_size)

    @property
    def idle(self) -> bool:
        """Whether nothing of ours is here."""
        return not self.orders and self.position is None

    def stirs(self, bid: float, ask: float) -> bool:
        """Whether anything of ours may happen at these prices."""
        return (
            ask < self.ask_below
            or bid > self.bid_above
            or bid <= self.bid_floor
            or ask >= self.ask_ceiling
        )

    def unwatch(self) -> None:
        """Orders or position changed: look at everything until the next rewatch."""
        self.ask_below = inf

    def rewatch(self) -> None:
        """Set the thresholds from the orders and the position."""
        self.ask_below, self.bid_above = -inf, inf
        self.bid_floor, self.ask_ceiling = -inf, inf
        middle = 0.0 if self.idle else self.middle()
        if middle > 0.0:
            self.doubt.trusted = middle
            width = self.doubt.leap_max / 2
            self.bid_floor, self.ask_ceiling = middle * (1 - width), middle * (1 + width)
        for order in self.orders:
            self._watch(order)
        if self.position is not None:
            self._watch_position(self.position)

    def _watch(self, w: Working) -> None:
        buying = w.buying
        if w.active and w.fresh:
            self.ask_below = inf
        elif w.adverse:
            if buying:
                self.ask_ceiling = min(self.ask_ceiling, w.trigger)
            else:
                self.bid_floor = max(self.bid_floor, w.trigger)
        else:
            price = w.through if w.active else w.trigger
            if buying:
                self.ask_below = max(self.ask_below, price)
            else:
                self.bid_above = min(self.bid_above, price)

    def _watch_position(self, position: PerpPosition) -> None:
        # A hair early, because this is float: what follows decides in Decimal.
        price = liquidation_price(position, self.instrument)
        if position.quantity > ZERO:
            self.bid_floor = max(self.bid_floor, price * 1.000001)
        else:
            self.ask_ceiling = min(self.ask_ceiling, price * 0.999999)


def _sane(ladder: Iterable[tuple[float, float]]) -> Ladder:
    return [(price, size) for price, size in ladder if isfinite(price) and 0.0 < size < inf]
