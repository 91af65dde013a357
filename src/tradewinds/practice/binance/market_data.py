"""Public market data of both products: depth, trades, bars, tickers."""

from collections.abc import Callable
from decimal import Decimal

from tradewinds.model.decimals import ZERO
from tradewinds.model.market import Side
from tradewinds.practice.binance.desk import Asking, Endpoint, Endpoints
from tradewinds.practice.binance.figures import fixed, ms
from tradewinds.practice.binance.params import Params
from tradewinds.practice.binance.refusals import ApiError
from tradewinds.practice.binance.spot_parsing import market_of
from tradewinds.practice.exchange import Exchange
from tradewinds.practice.market import Market
from tradewinds.practice.orders import Traded
from tradewinds.practice.tape import INTERVALS_MS, Candle, Group

Json = dict[str, object]
DAY = "1d"


class MarketData:
    """`futures` adds what USD-M says more; prices and sizes have the symbol's own digits there."""

    def __init__(self, exchange: Exchange, prefix: str, *, futures: bool) -> None:
        self._exchange = exchange
        self._prefix = prefix
        self._futures = futures

    def endpoints(self) -> Endpoints:
        """By method and path."""
        prefix = f"GET {self._prefix}"
        single = {
            f"{prefix}/depth": Endpoint(run=self.depth, weight=_depth_weight),
            f"{prefix}/trades": Endpoint(run=self.trades, weight=25),
            f"{prefix}/historicalTrades": Endpoint(run=self.trades, weight=25),
            f"{prefix}/aggTrades": Endpoint(run=self.groups, weight=4),
            f"{prefix}/klines": Endpoint(run=self.klines, weight=2),
            f"{prefix}/ticker/bookTicker": Endpoint(
                run=self._each(self.touch), weight=_weigh(2, 4)
            ),
            f"{prefix}/ticker/price": Endpoint(run=self._each(self.price), weight=_weigh(2, 4)),
            f"{prefix}/ticker/24hr": Endpoint(run=self._each(self.day), weight=_weigh(2, 80)),
        }
        if self._futures:
            single["GET /fapi/v2/ticker/price"] = single[f"{prefix}/ticker/price"]
        else:
            single[f"{prefix}/avgPrice"] = Endpoint(run=self.average, weight=2)
            single[f"{prefix}/uiKlines"] = single[f"{prefix}/klines"]
        return single

    def depth(self, asking: Asking) -> object:
        """A snapshot whose update id lies on the diff stream's line."""
        market = market_of(self._exchange, asking.params)
        limit = asking.params.limit(500 if self._futures else 100, 5_000)
        shape: Json = {"lastUpdateId": market.book.update_id}
        if self._futures:
            shape |= {"E": self._exchange.clock.now_ms(), "T": self._exchange.clock.now_ms()}
        for name, side in (("bids", Side.BUY), ("asks", Side.SELL)):
            shape[name] = self.levels(market, side, limit)
        return shape

    def levels(self, market: Market, side: Side, limit: int) -> list[list[str]]:
        """Best first, as text."""
        return [
            [self.price_text(market, price), self.size_text(market, size)]
            for price, size in market.book.levels(side, limit)
        ]

    def price_text(self, market: Market, price: Decimal) -> str:
        """Eight digits on spot, the symbol's own on USD-M."""
        return fixed(price, market.listing.price_places if self._futures else 8)

    def size_text(self, market: Market, size: Decimal) -> str:
        """The same for a quantity."""
        return fixed(size, market.listing.quantity_places if self._futures else 8)

    def trades(self, asking: Asking) -> object:
        """The newest, oldest first."""
        market = market_of(self._exchange, asking.params)
        from_id = asking.params.whole("fromId")
        rows = [t for t in market.tape.trades if from_id is None or t.trade_id >= from_id]
        limit = asking.params.limit(500, 1_000)
        kept = rows[-limit:] if from_id is None else rows[:limit]
        return [self._trade(market, trade) for trade in kept]

    def groups(self, asking: Asking) -> object:
        """By taker and price."""
        market = market_of(self._exchange, asking.params)
        from_id = asking.params.whole("fromId")
        since = asking.params.whole("startTime") or 0
        until = asking.params.whole("endTime") or 2**62
        rows = [
            group
            for group in market.tape.groups
            if group.id >= (from_id or 0) and since <= group.time_ms <= until
        ]
        limit = asking.params.limit(500, 1_000)
        kept = rows[:limit] if from_id is not None or since else rows[-limit:]
        return [self.group(market, group) for group in kept]

    def klines(self, asking: Asking) -> object:
        """Bars of one length, oldest first."""
        params = asking.params
        market = market_of(self._exchange, params)
        interval = params.need("interval")
        if interval not in INTERVALS_MS:
            raise ApiError(-1120, "Invalid interval.")
        since, until = params.whole("startTime") or 0, params.whole("endTime") or 2**62
        bars = [bar for bar in market.tape.candles[interval] if since <= bar.open_ms <= until]
        limit = params.limit(500, 1_500 if self._futures else 1_000)
        return [self._kline(market, bar) for bar in (bars[:limit] if since else bars[-limit:])]

    def touch(self, market: Market) -> Json:
        """Best prices now."""
        shape: Json = {"symbol": market.listing.symbol}
        for name, side in (("bid", Side.BUY), ("ask", Side.SELL)):
            price, size = next(iter(market.book.levels(side, 1)), (ZERO, ZERO))
            shape[f"{name}Price"] = self.price_text(market, price)
            shape[f"{name}Qty"] = self.size_text(market, size)
        return self._timed(shape)

    def price(self, market: Market) -> Json:
        """The last price."""
        shape: Json = {
            "symbol": market.listing.symbol,
            "price": self.price_text(market, market.reference),
        }
        return self._timed(shape)

    def day(self, market: Market) -> Json:
        """Statistics of the day in hand (of the UTC day, where the real venue rolls 24 hours)."""
        bar = market.tape.latest(DAY) or _empty(market, self._exchange.clock.now_ms())
        last = market.tape.trades[-1].quantity if market.tape.trades else ZERO
        change = bar.close - bar.open
        average = bar.quote_volume / bar.volume if bar.volume else bar.close
        shape: Json = {
            "symbol": market.listing.symbol,
            "priceChange": self.price_text(market, change),
            "priceChangePercent": fixed(change / bar.open * 100 if bar.open else ZERO, 3),
            "weightedAvgPrice": self.price_text(market, average),
            "lastPrice": self.price_text(market, bar.close),
            "lastQty": self.size_text(market, last),
            "openPrice": self.price_text(market, bar.open),
            "highPrice": self.price_text(market, bar.high),
            "lowPrice": self.price_text(market, bar.low),
            "volume": self.size_text(market, bar.volume),
            "quoteVolume": fixed(bar.quote_volume),
            "openTime": bar.open_ms,
            "closeTime": bar.close_ms,
            "firstId": bar.first_id,
            "lastId": bar.last_id,
            "count": bar.count,
        }
        if not self._futures:
            touch = self.touch(market)
            touch.pop("symbol")
            shape |= touch | {"prevClosePrice": self.price_text(market, bar.open)}
        return shape

    def average(self, asking: Asking) -> object:
        """Of the last five minutes, or the last price where nothing traded."""
        market = market_of(self._exchange, asking.params)
        bars = market.tape.last_bars("1m", 5)
        volume = sum((bar.volume for bar in bars), ZERO)
        quote = sum((bar.quote_volume for bar in bars), ZERO)
        price = quote / volume if volume else market.reference
        closed = ms(market.tape.trades[-1].time_ns) if market.tape.trades else 0
        return {"mins": 5, "price": fixed(price), "closeTime": closed}

    def group(self, market: Market, group: Group) -> Json:
        """An aggregate trade."""
        shape: Json = {
            "a": group.id,
            "p": self.price_text(market, group.price),
            "q": self.size_text(market, group.quantity),
            "f": group.first_id,
            "l": group.last_id,
            "T": group.time_ms,
            "m": group.taker is Side.SELL,
        }
        more: Json = {"nq": shape["q"]} if self._futures else {"M": True}
        return shape | more

    def _trade(self, market: Market, trade: Traded) -> Json:
        shape: Json = {
            "id": trade.trade_id,
            "price": self.price_text(market, trade.price),
            "qty": self.size_text(market, trade.quantity),
            "quoteQty": fixed(trade.price * trade.quantity),
            "time": ms(trade.time_ns),
            "isBuyerMaker": trade.taker is Side.SELL,
        }
        return shape | ({"isRPITrade": False} if self._futures else {"isBestMatch": True})

    def _kline(self, market: Market, bar: Candle) -> list[object]:
        prices = (bar.open, bar.high, bar.low, bar.close)
        return [
            bar.open_ms,
            *(self.price_text(market, price) for price in prices),
            self.size_text(market, bar.volume),
            bar.close_ms,
            fixed(bar.quote_volume),
            bar.count,
            self.size_text(market, bar.taken),
            fixed(bar.taken_quote),
            "0",
        ]

    def _each(self, shape: Callable[[Market], Json]) -> Callable[[Asking], object]:
        """One symbol where it is named, a list otherwise."""

        def run(asking: Asking) -> object:
            if asking.params.text("symbol") is not None:
                return shape(market_of(self._exchange, asking.params))
            names = asking.params.names("symbols")
            return [
                shape(market)
                for name, market in self._exchange.markets.items()
                if names is None or name in names
            ]

        return run

    def _timed(self, shape: Json) -> Json:
        return shape | ({"time": self._exchange.clock.now_ms()} if self._futures else {})


def _empty(market: Market, now_ms: int) -> Candle:
    price = market.reference
    return Candle(open_ms=now_ms, close_ms=now_ms, open=price, high=price, low=price, close=price)


def _depth_weight(params: Params) -> int:
    limit = params.limit(100, 5_000)
    return next(
        weight for top, weight in ((100, 5), (500, 25), (1_000, 50), (5_000, 250)) if limit <= top
    )


def _weigh(one: int, every: int) -> Callable[[Params], int]:
    return lambda params: one if params.text("symbol") else every
