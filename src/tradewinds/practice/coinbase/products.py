"""Market data by REST: products, books, candles, trades; the same with and without a key."""

from collections.abc import Callable
from decimal import Decimal

from tradewinds.model.decimals import ZERO
from tradewinds.model.market import Side
from tradewinds.practice.clock import NS_PER_S
from tradewinds.practice.coinbase.desk import Asking, Endpoint, Endpoints, Right
from tradewinds.practice.coinbase.figures import iso, plain, side_word
from tradewinds.practice.coinbase.refusals import ApiError, bad_request
from tradewinds.practice.exchange import Exchange
from tradewinds.practice.market import Market
from tradewinds.practice.orders import Traded
from tradewinds.practice.tape import Candle

MS_PER_S = 1_000
DAY = "1d"
MOST_CANDLES = 350
MOST_TRADES = 1_000
GRANULARITIES = {
    "ONE_MINUTE": "1m",
    "FIVE_MINUTE": "5m",
    "FIFTEEN_MINUTE": "15m",
    "THIRTY_MINUTE": "30m",
    "ONE_HOUR": "1h",
    "TWO_HOUR": "2h",
    "FOUR_HOUR": "4h",
    "SIX_HOUR": "6h",
    "ONE_DAY": "1d",
}
NARROW = frozenset({"CANCEL_ONLY", "LIMIT_ONLY", "POST_ONLY"})
Json = dict[str, object]


class Products:
    """The endpoints, over one exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def endpoints(self) -> Endpoints:
        """Each twice but for the list of touches: by key, and under `market` for anybody."""
        private, public = "/api/v3/brokerage", "/api/v3/brokerage/market"
        runs: dict[str, Callable[[Asking], object]] = {
            "products": self.listed,
            "products/{product_id}": self.single,
            "products/{product_id}/candles": self.candles,
            "products/{product_id}/ticker": self.trades,
            "product_book": self.book,
        }
        made = {
            f"GET {private}/{path}": Endpoint(run=r, right=Right.VIEW) for path, r in runs.items()
        }
        made |= {f"GET {public}/{path}": Endpoint(run=run) for path, run in runs.items()}
        made[f"GET {private}/best_bid_ask"] = Endpoint(run=self.touches, right=Right.VIEW)
        return made

    def listed(self, asking: Asking) -> object:
        """Spot only: of anything else there is none."""
        wanted, kind = asking.many("product_ids"), asking.text("product_type")
        markets = [
            market
            for market in self._exchange.markets.values()
            if kind in ("", "SPOT") and (not wanted or market.listing.symbol in wanted)
        ]
        offset = asking.whole("offset", 0)
        rows = markets[offset : offset + asking.whole("limit", len(markets))]
        return {"products": [product(m) for m in rows], "num_products": len(rows)}

    def single(self, asking: Asking) -> object:
        """By its name."""
        return product(self.market(asking.names["product_id"]))

    def book(self, asking: Asking) -> object:
        """Best first."""
        market = self.market(asking.text("product_id"))
        bid, ask = touch(market, Side.BUY)[0], touch(market, Side.SELL)[0]
        middle, spread = (bid + ask) / 2, ask - bid
        return {
            "pricebook": self.pricebook(market, asking.whole("limit", 250) or 250),
            "last": plain(market.last),
            "mid_market": plain(middle),
            "spread_bps": plain(spread / middle * 10_000) if middle else "0",
            "spread_absolute": plain(spread),
        }

    def touches(self, asking: Asking) -> object:
        """Of all products, or of those asked for."""
        wanted = asking.many("product_ids") or list(self._exchange.markets)
        return {"pricebooks": [self.pricebook(self.market(name), 1) for name in wanted]}

    def pricebook(self, market: Market, limit: int) -> Json:
        """Both sides."""
        shape: Json = {"product_id": market.listing.symbol}
        for name, side in (("bids", Side.BUY), ("asks", Side.SELL)):
            shape[name] = [
                {"price": plain(price), "size": plain(size)}
                for price, size in market.book.levels(side, limit)
            ]
        return shape | {"time": iso(self._exchange.clock.now_ns())}

    def candles(self, asking: Asking) -> object:
        """Newest first, at most 350; a longer span is refused."""
        market = self.market(asking.names["product_id"])
        interval = GRANULARITIES.get(asking.text("granularity"))
        if interval is None:
            raise bad_request("granularity is not valid")
        bars = market.tape.candles[interval]
        start_ms, end_ms = (asking.whole(name, 0) * MS_PER_S for name in ("start", "end"))
        end_ms = end_ms or self._exchange.clock.now_ms()
        width_ms = bars[-1].close_ms + 1 - bars[-1].open_ms if bars else 60_000
        if start_ms and (end_ms - start_ms) // width_ms > MOST_CANDLES:
            raise bad_request("number of candles requested should be less than 350")
        rows = [bar for bar in bars if start_ms <= bar.open_ms <= end_ms][-MOST_CANDLES:]
        limit = asking.whole("limit", MOST_CANDLES) or MOST_CANDLES
        return {"candles": [candle(bar) for bar in reversed(rows[-limit:])]}

    def trades(self, asking: Asking) -> object:
        """Newest first."""
        market = self.market(asking.names["product_id"])
        limit = min(asking.whole("limit", 100) or 100, MOST_TRADES)
        start_ns, end_ns = (asking.whole(name, 0) * NS_PER_S for name in ("start", "end"))
        rows = [
            trade
            for trade in market.tape.trades
            if trade.time_ns >= start_ns and (not end_ns or trade.time_ns <= end_ns)
        ]
        return {
            "trades": [public_trade(t) | {"bid": "", "ask": ""} for t in reversed(rows[-limit:])],
            "best_bid": plain(touch(market, Side.BUY)[0]),
            "best_ask": plain(touch(market, Side.SELL)[0]),
        }

    def market(self, name: str) -> Market:
        """Raises ApiError for a product that is not there."""
        market = self._exchange.markets.get(name)
        if market is None:
            raise ApiError(404, "NOT_FOUND", f"ProductID {name!r} could not be found")
        return market


def touch(market: Market, side: Side) -> tuple[Decimal, Decimal]:
    """Best price and size of one side; zeros where it is empty."""
    return next(iter(market.book.levels(side, 1)), (ZERO, ZERO))


def product(market: Market) -> Json:
    """A product with its rules and its day."""
    listing, day = market.listing, market.tape.latest(DAY)
    shut = listing.status != "TRADING" and listing.status not in NARROW
    change = (day.close - day.open) / day.open * 100 if day is not None and day.open else ZERO
    return {
        "product_id": listing.symbol,
        "price": plain(market.reference),
        "price_percentage_change_24h": plain(change),
        "volume_24h": plain(day.volume if day is not None else ZERO),
        "volume_percentage_change_24h": "0",
        "base_increment": plain(listing.step),
        "quote_increment": plain(listing.tick),
        "quote_min_size": plain(listing.min_notional),
        "quote_max_size": plain(listing.max_notional),
        "base_min_size": plain(listing.min_quantity),
        "base_max_size": plain(listing.max_quantity),
        "base_name": listing.base,
        "quote_name": listing.quote,
        "watched": False,
        "is_disabled": shut,
        "new": False,
        "status": "delisted" if listing.status == "DELISTED" else "online",
        "cancel_only": listing.status == "CANCEL_ONLY",
        "limit_only": listing.status == "LIMIT_ONLY",
        "post_only": listing.status == "POST_ONLY",
        "trading_disabled": shut,
        "auction_mode": False,
        "product_type": "SPOT",
        "quote_currency_id": listing.quote,
        "base_currency_id": listing.base,
        "fcm_trading_session_details": None,
        "mid_market_price": "",
        "alias": "",
        "alias_to": [],
        "base_display_symbol": listing.base,
        "quote_display_symbol": listing.quote,
        "view_only": False,
        "price_increment": plain(listing.tick),
        "display_name": listing.symbol,
        "product_venue": "CBE",
        "approximate_quote_24h_volume": plain(day.quote_volume if day is not None else ZERO),
        "new_at": "2023-01-01T00:00:00Z",
    }


def candle(bar: Candle) -> Json:
    """Seconds as text, and no closing time."""
    prices = {name: plain(getattr(bar, name)) for name in ("low", "high", "open", "close")}
    return {"start": str(bar.open_ms // MS_PER_S), **prices, "volume": plain(bar.volume)}


def public_trade(trade: Traded) -> Json:
    """One trade of anybody's."""
    return {
        "trade_id": str(trade.trade_id),
        "product_id": trade.symbol,
        "price": plain(trade.price),
        "size": plain(trade.quantity),
        "time": iso(trade.time_ns),
        "side": side_word(trade.taker),
    }
