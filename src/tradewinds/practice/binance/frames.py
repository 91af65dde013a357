"""Payloads of market streams, of both products."""

from decimal import Decimal

from tradewinds.model.decimals import ZERO
from tradewinds.model.market import Side
from tradewinds.practice.binance.figures import fixed, ms
from tradewinds.practice.binance.market_data import MarketData
from tradewinds.practice.book import Level
from tradewinds.practice.clock import VenueClock
from tradewinds.practice.market import Market
from tradewinds.practice.orders import Traded
from tradewinds.practice.tape import Candle, Group

Json = dict[str, object]
PLAIN_SYMBOL = 1
"""What USD-M says in `st` of an ordinary symbol."""


class Frames:
    """Shapes for one product. USD-M says more than spot: times, `pu`, and some labels."""

    def __init__(self, data: MarketData, clock: VenueClock, *, futures: bool) -> None:
        self._data = data
        self._clock = clock
        self._futures = futures

    def book_ticker(self, market: Market) -> Json:
        """Best bid and ask."""
        bid = next(iter(market.book.levels(Side.BUY, 1)), (ZERO, ZERO))
        ask = next(iter(market.book.levels(Side.SELL, 1)), (ZERO, ZERO))
        shape: Json = {"u": market.book.update_id, "s": market.listing.symbol}
        for letter, (price, size) in (("b", bid), ("a", ask)):
            shape[letter] = self._data.price_text(market, price)
            shape[letter.upper()] = self._data.size_text(market, size)
        if self._futures:
            shape = {"e": "bookTicker", **shape, **self._moment(), **self._labels(market)}
        return shape

    def depth(self, market: Market, since_id: int, previous_id: int) -> Json:
        """What changed after `since_id`."""
        bids, asks = market.book.changes_since(since_id)
        shape: Json = {
            "e": "depthUpdate",
            "E": self._clock.now_ms(),
            "s": market.listing.symbol,
            "U": since_id + 1,
            "u": market.book.update_id,
            "b": self._levels(market, bids),
            "a": self._levels(market, asks),
        }
        if self._futures:
            shape |= {"T": self._clock.now_ms(), "pu": previous_id, **self._labels(market)}
        return shape

    def top(self, market: Market, levels: int, previous_id: int) -> Json:
        """The best levels of each side."""
        bids = self._data.levels(market, Side.BUY, levels)
        asks = self._data.levels(market, Side.SELL, levels)
        if not self._futures:
            return {"lastUpdateId": market.book.update_id, "bids": bids, "asks": asks}
        update_id = market.book.update_id
        return {
            "e": "depthUpdate",
            **self._moment(),
            "s": market.listing.symbol,
            "U": previous_id + 1,
            "u": update_id,
            "pu": previous_id,
            "b": bids,
            "a": asks,
            **self._labels(market),
        }

    def trade(self, market: Market, trade: Traded) -> Json:
        """One public trade."""
        shape: Json = {
            "e": "trade",
            "E": self._clock.now_ms(),
            "s": market.listing.symbol,
            "t": trade.trade_id,
            "p": self._data.price_text(market, trade.price),
            "q": self._data.size_text(market, trade.quantity),
            "T": ms(trade.time_ns),
            "m": trade.taker is Side.SELL,
        }
        return shape | ({"X": "MARKET"} if self._futures else {"M": True})

    def group(self, market: Market, group: Group) -> Json:
        """One aggregate trade."""
        shape: Json = {"e": "aggTrade", "E": self._clock.now_ms(), "s": market.listing.symbol}
        shape |= self._data.group(market, group)
        return shape | ({"st": PLAIN_SYMBOL} if self._futures else {})

    def kline(self, market: Market, bar: Candle, interval: str, *, closed: bool) -> Json:
        """A bar as it grows."""
        price, size = self._data.price_text, self._data.size_text
        return {
            "e": "kline",
            "E": self._clock.now_ms(),
            "s": market.listing.symbol,
            "k": {
                "t": bar.open_ms,
                "T": bar.close_ms,
                "s": market.listing.symbol,
                "i": interval,
                "f": bar.first_id,
                "L": bar.last_id,
                "o": price(market, bar.open),
                "c": price(market, bar.close),
                "h": price(market, bar.high),
                "l": price(market, bar.low),
                "v": size(market, bar.volume),
                "n": bar.count,
                "x": closed,
                "q": fixed(bar.quote_volume),
                "V": size(market, bar.taken),
                "Q": fixed(bar.taken_quote),
                "B": "0",
            },
        }

    def ticker(self, market: Market) -> Json:
        """Statistics of the day."""
        day = self._data.day(market)
        letters = {
            "p": "priceChange",
            "P": "priceChangePercent",
            "w": "weightedAvgPrice",
            "x": "prevClosePrice",
            "c": "lastPrice",
            "Q": "lastQty",
            "b": "bidPrice",
            "B": "bidQty",
            "a": "askPrice",
            "A": "askQty",
            "o": "openPrice",
            "h": "highPrice",
            "l": "lowPrice",
            "v": "volume",
            "q": "quoteVolume",
            "O": "openTime",
            "C": "closeTime",
            "F": "firstId",
            "L": "lastId",
            "n": "count",
        }
        shape: Json = {"e": "24hrTicker", "E": self._clock.now_ms(), "s": market.listing.symbol}
        shape |= {letter: day[name] for letter, name in letters.items() if name in day}
        return shape | self._labels(market)

    def mini_ticker(self, market: Market) -> Json:
        """The same, short."""
        whole = self.ticker(market)
        kept = {name: whole[name] for name in ("E", "s", "c", "o", "h", "l", "v", "q")}
        return {"e": "24hrMiniTicker", **kept, **self._labels(market)}

    def mark_price(self, market: Market, next_funding_ms: int) -> Json:
        """USD-M only."""
        price = fixed(market.mark_price, 8)
        return {
            "e": "markPriceUpdate",
            "E": self._clock.now_ms(),
            "s": market.listing.symbol,
            "p": price,
            "ap": price,
            "i": price,
            "P": price,
            "r": fixed(market.funding_rate, 8),
            "T": next_funding_ms,
            "st": PLAIN_SYMBOL,
        }

    def _levels(self, market: Market, levels: list[Level]) -> list[list[str]]:
        return [
            [self._data.price_text(market, price), self._data.size_text(market, _shown(size))]
            for price, size in levels
        ]

    def _moment(self) -> Json:
        return {"E": self._clock.now_ms(), "T": self._clock.now_ms()}

    def _labels(self, market: Market) -> Json:
        return {"ps": market.listing.symbol, "st": PLAIN_SYMBOL} if self._futures else {}


def _shown(size: Decimal) -> Decimal:
    return max(size, ZERO)
