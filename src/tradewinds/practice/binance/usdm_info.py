"""USD-M's public side beyond plain market data: exchangeInfo, mark prices, funding."""

from tradewinds.model.decimals import ZERO
from tradewinds.practice.binance.desk import Asking, Endpoint, Endpoints
from tradewinds.practice.binance.figures import fixed
from tradewinds.practice.binance.spot_parsing import market_of
from tradewinds.practice.exchange import Exchange
from tradewinds.practice.force import Force
from tradewinds.practice.listing import Listing
from tradewinds.practice.market import Market

Json = dict[str, object]
WEIGHT = 2_400
ORDERS = ((10, 300), (60, 1_200))
FOREVER_MS = 4_133_404_800_000
ORDER_TYPES = (
    "LIMIT",
    "MARKET",
    "STOP",
    "STOP_MARKET",
    "TAKE_PROFIT",
    "TAKE_PROFIT_MARKET",
)


class UsdmInfo:
    """The endpoints, over one exchange."""

    def __init__(self, exchange: Exchange, force: Force) -> None:
        self._exchange = exchange
        self._force = force

    def endpoints(self) -> Endpoints:
        """By method and path."""
        return {
            "GET /fapi/v1/ping": Endpoint(run=lambda asking: {}),
            "GET /fapi/v1/time": Endpoint(
                run=lambda asking: {"serverTime": self._exchange.clock.now_ms()}
            ),
            "GET /fapi/v1/exchangeInfo": Endpoint(run=self.info),
            "GET /fapi/v1/premiumIndex": Endpoint(run=self.premium, weight=1),
            "GET /fapi/v1/fundingRate": Endpoint(run=self.rates),
            "GET /fapi/v1/fundingInfo": Endpoint(run=self.funding, weight=0),
            "GET /fapi/v1/openInterest": Endpoint(run=self.interest),
        }

    def info(self, asking: Asking) -> object:
        """All symbols."""
        return {
            "timezone": "UTC",
            "serverTime": self._exchange.clock.now_ms(),
            "futuresType": "U_MARGINED",
            "rateLimits": [
                _limit("REQUEST_WEIGHT", "MINUTE", 1, WEIGHT),
                _limit("ORDERS", "MINUTE", 1, 1_200),
                _limit("ORDERS", "SECOND", 10, 300),
            ],
            "exchangeFilters": [],
            "assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-10000"}],
            "symbols": [symbol(market.listing) for market in self._exchange.markets.values()],
        }

    def premium(self, asking: Asking) -> object:
        """Mark price and next funding of one symbol, or all."""
        if asking.params.text("symbol") is not None:
            return self._premium(market_of(self._exchange, asking.params))
        return [self._premium(market) for market in self._exchange.markets.values()]

    def rates(self, asking: Asking) -> object:
        """The rate that holds now; the venue keeps no history of others."""
        now_ms = self._exchange.clock.now_ms()
        wanted = asking.params.text("symbol")
        return [
            {
                "symbol": name,
                "fundingRate": fixed(market.funding_rate, 8),
                "fundingTime": now_ms - now_ms % (market.listing.funding_hours * 3_600_000),
                "markPrice": fixed(market.mark_price, 8),
            }
            for name, market in self._exchange.markets.items()
            if wanted in (None, name)
        ]

    def funding(self, asking: Asking) -> object:
        """Symbols whose interval is not eight hours."""
        return [
            {
                "symbol": name,
                "adjustedFundingRateCap": "0.02000000",
                "adjustedFundingRateFloor": "-0.02000000",
                "fundingIntervalHours": market.listing.funding_hours,
                "disclaimer": False,
            }
            for name, market in self._exchange.markets.items()
            if market.listing.funding_hours != 8
        ]

    def interest(self, asking: Asking) -> object:
        """Nobody but our customers is here."""
        market = market_of(self._exchange, asking.params)
        now_ms = self._exchange.clock.now_ms()
        return {
            "symbol": market.listing.symbol,
            "openInterest": fixed(ZERO, 3),
            "time": now_ms,
        }

    def _premium(self, market: Market) -> Json:
        price = fixed(market.mark_price, 8)
        return {
            "symbol": market.listing.symbol,
            "markPrice": price,
            "indexPrice": price,
            "estimatedSettlePrice": price,
            "lastFundingRate": fixed(market.funding_rate, 8),
            "interestRate": "0.00010000",
            "nextFundingTime": self._force.next_funding_ms(market),
            "time": self._exchange.clock.now_ms(),
        }


def symbol(listing: Listing) -> Json:
    """One perpetual."""
    return {
        "symbol": listing.symbol,
        "pair": listing.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": FOREVER_MS,
        "onboardDate": 1_569_398_400_000,
        "status": listing.status,
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": listing.base,
        "quoteAsset": listing.quote,
        "marginAsset": listing.quote,
        "pricePrecision": listing.price_places,
        "quantityPrecision": listing.quantity_places,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": ["PoW"],
        "settlePlan": 0,
        "triggerProtect": "0.0500",
        "liquidationFee": fixed(listing.liquidation_fee, 6),
        "marketTakeBound": fixed(listing.percent_up - 1, 2),
        "maxMoveOrderLimit": 10_000,
        "filters": filters(listing),
        "orderTypes": list(ORDER_TYPES),
        "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
        "permissionSets": ["GRID", "COPY"],
    }


def filters(listing: Listing) -> list[Json]:
    """The limits that are enforced here, and no other."""
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": f"{listing.min_price or listing.tick}",
            "maxPrice": f"{listing.max_price}",
            "tickSize": f"{listing.tick}",
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": f"{listing.min_quantity}",
            "maxQty": f"{listing.max_quantity}",
            "stepSize": f"{listing.step}",
        },
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": f"{listing.min_quantity}",
            "maxQty": f"{listing.market_max_quantity}",
            "stepSize": f"{listing.step}",
        },
        {"filterType": "MAX_NUM_ORDERS", "limit": listing.max_orders},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": listing.max_stop_orders},
        {"filterType": "MIN_NOTIONAL", "notional": f"{listing.min_notional}"},
        {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": f"{listing.percent_up}",
            "multiplierDown": f"{listing.percent_down}",
            "multiplierDecimal": "4",
        },
    ]


def _limit(kind: str, interval: str, number: int, limit: int) -> Json:
    return {
        "rateLimitType": kind,
        "interval": interval,
        "intervalNum": number,
        "limit": limit,
    }
