"""Spot exchangeInfo: symbols, filters and limits as listed now."""

from tradewinds.practice.binance.desk import Asking, Endpoint, Endpoints
from tradewinds.practice.binance.figures import fixed
from tradewinds.practice.binance.refusals import ApiError
from tradewinds.practice.binance.spot_parsing import PRICED, TYPES
from tradewinds.practice.exchange import Exchange
from tradewinds.practice.listing import Listing

Json = dict[str, object]
WEIGHT = 6_000
ORDERS = ((10, 100), (86_400, 200_000))
RATE_LIMITS: tuple[Json, ...] = (
    {
        "rateLimitType": "REQUEST_WEIGHT",
        "interval": "MINUTE",
        "intervalNum": 1,
        "limit": WEIGHT,
    },
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
    {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200_000},
    {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 300_000},
)
STP_MODES = ("EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH")


class SpotInfo:
    """The general endpoints, over one exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def endpoints(self) -> Endpoints:
        """By method and path."""
        return {
            "GET /api/v3/ping": Endpoint(run=lambda asking: {}),
            "GET /api/v3/time": Endpoint(
                run=lambda asking: {"serverTime": self._exchange.clock.now_ms()}
            ),
            "GET /api/v3/exchangeInfo": Endpoint(run=self.info, weight=20),
        }

    def info(self, asking: Asking) -> object:
        """All symbols, or those asked for."""
        wanted = self._wanted(asking)
        return {
            "timezone": "UTC",
            "serverTime": self._exchange.clock.now_ms(),
            "rateLimits": list(RATE_LIMITS),
            "exchangeFilters": [],
            "symbols": [
                symbol(market.listing)
                for name, market in self._exchange.markets.items()
                if wanted is None or name in wanted
            ],
            "sors": [],
        }

    def _wanted(self, asking: Asking) -> set[str] | None:
        one, many = asking.params.text("symbol"), asking.params.names("symbols")
        if one is None and many is None:
            return None
        wanted = {one} if one is not None else set(many or ())
        if not wanted <= set(self._exchange.markets):
            raise ApiError(-1121, "Invalid symbol.")
        return wanted


def symbol(listing: Listing) -> Json:
    """One listed symbol."""
    return {
        "symbol": listing.symbol,
        "status": listing.status,
        "baseAsset": listing.base,
        "baseAssetPrecision": 8,
        "quoteAsset": listing.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": sorted(TYPES),
        "icebergAllowed": False,
        "ocoAllowed": True,
        "otoAllowed": True,
        "opoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": True,
        "amendAllowed": False,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": filters(listing),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "NONE",
        "allowedSelfTradePreventionModes": ["NONE", *STP_MODES],
    }


def filters(listing: Listing) -> list[Json]:
    """The limits that are enforced here, and no other."""
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": fixed(listing.min_price or listing.tick),
            "maxPrice": fixed(listing.max_price),
            "tickSize": fixed(listing.tick),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": fixed(listing.min_quantity),
            "maxQty": fixed(listing.max_quantity),
            "stepSize": fixed(listing.step),
        },
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": fixed(listing.market_min_quantity),
            "maxQty": fixed(listing.market_max_quantity),
            "stepSize": fixed(listing.market_step),
        },
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": f"{listing.percent_up}",
            "bidMultiplierDown": f"{listing.percent_down}",
            "askMultiplierUp": f"{listing.percent_up}",
            "askMultiplierDown": f"{listing.percent_down}",
            "avgPriceMins": 5,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": fixed(listing.min_notional),
            "applyMinToMarket": True,
            "maxNotional": fixed(listing.max_notional),
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": listing.max_orders},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": listing.max_stop_orders},
    ]


assert PRICED <= TYPES
