"""Liquidity from outside: by hand for tests, or out of market events of the product."""

from collections.abc import Mapping
from decimal import Decimal

from tradewinds.model.decimals import ZERO, floor_to_step, to_decimal
from tradewinds.model.events import MarketEvent
from tradewinds.model.ids import InstrumentId
from tradewinds.model.market import BookDelta, MarkPrice, Quote, Side, TradePrint
from tradewinds.practice.book import Level
from tradewinds.practice.exchange import Exchange
from tradewinds.practice.listing import Listing

LEVELS = 10
GROWTH = Decimal("1.5")
"""Each level further out holds so much more: what a quote does not tell is made up plainly."""


def move(exchange: Exchange, symbol: str, price: Decimal, size: Decimal = Decimal(10)) -> None:
    """Ten levels of `size`, a tick apart on each side of `price`, and the smallest trade at it."""
    listing = exchange.markets[symbol].listing
    bids = [(price - listing.tick * (n + 1), size) for n in range(LEVELS)]
    asks = [(price + listing.tick * (n + 1), size) for n in range(LEVELS)]
    with exchange:
        exchange.quote(symbol, bids, asks)
        exchange.trade(symbol, price, listing.step, Side.BUY)


class MarketFeed:
    """Quotes, book updates, trades and mark prices into the book of the symbol they stand for.

    Feed an instrument by quotes or by book updates, not by both: each replaces the other's levels.
    """

    def __init__(self, exchange: Exchange, symbols: Mapping[InstrumentId, str]) -> None:
        self._exchange = exchange
        self._symbols = symbols

    def take(self, event: MarketEvent) -> None:
        """Events of other instruments and other kinds are let pass."""
        symbol = self._symbols.get(event.instrument_id)
        if symbol is None:
            return
        match event:
            case Quote():
                listing = self._exchange.markets[symbol].listing
                bids = ladder(listing, Side.BUY, event.bid, event.bid_size)
                asks = ladder(listing, Side.SELL, event.ask, event.ask_size)
                self._exchange.quote(symbol, bids, asks)
            case BookDelta():
                replace_or_change = (
                    self._exchange.quote if event.snapshot else self._exchange.change
                )
                replace_or_change(symbol, _exact(event.bids), _exact(event.asks))
            case TradePrint():
                price, size = to_decimal(event.price), to_decimal(event.size)
                self._exchange.trade(symbol, price, size, event.aggressor)
            case MarkPrice():
                self._exchange.set_mark(symbol, to_decimal(event.price))


def _exact(levels: tuple[tuple[float, float], ...]) -> list[Level]:
    return [(to_decimal(price), to_decimal(size)) for price, size in levels]


def ladder(listing: Listing, side: Side, best: float, size: float) -> list[Level]:
    """The quoted level, and made-up ones behind it."""
    price = floor_to_step(to_decimal(best), listing.tick)
    away = -listing.tick if side is Side.BUY else listing.tick
    levels: list[Level] = []
    quantity = to_decimal(size)
    for number in range(LEVELS):
        level = price + away * number
        held = max(floor_to_step(quantity, listing.step), listing.step)
        if level > ZERO:
            levels.append((level, held))
        quantity *= GROWTH
    return levels
