"""The account: balances, commissions, trades, limits, and what the key may do."""

from tradewinds.practice.binance import spot_shapes as shapes
from tradewinds.practice.binance.desk import Asking, Desk, Endpoint, Endpoints
from tradewinds.practice.binance.figures import fixed, ms
from tradewinds.practice.binance.guard import Security
from tradewinds.practice.binance.params import Params
from tradewinds.practice.binance.spot_parsing import market_of
from tradewinds.practice.custody import fee_rate
from tradewinds.practice.exchange import Exchange

Json = dict[str, object]
LETTERS = {10: ("SECOND", 10), 60: ("MINUTE", 1), 86_400: ("DAY", 1)}


class SpotAccount:
    """The endpoints, over one exchange. `maintenance` is what system/status says."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.maintenance = False

    def endpoints(self, desk: Desk) -> Endpoints:
        """By method and path."""
        read = Security.USER_DATA
        return {
            "GET /api/v3/account": Endpoint(run=self.account, security=read, weight=20),
            "GET /api/v3/account/commission": Endpoint(
                run=self.commission, security=read, weight=20
            ),
            "GET /api/v3/myTrades": Endpoint(run=self.trades, security=read, weight=_trades_weight),
            "GET /api/v3/rateLimit/order": Endpoint(
                run=lambda asking: order_limits(desk, asking), security=read, weight=40
            ),
            "GET /sapi/v1/account/apiRestrictions": Endpoint(run=self.restrictions, security=read),
            "GET /sapi/v1/account/status": Endpoint(
                run=lambda asking: {"data": "Normal"}, security=read
            ),
            "GET /sapi/v1/asset/tradeFee": Endpoint(run=self.fees, security=read),
            "GET /sapi/v1/capital/config/getall": Endpoint(
                run=self.coins, security=read, weight=10
            ),
            "GET /sapi/v1/margin/allPairs": Endpoint(run=_nothing, security=Security.KEY),
            "GET /sapi/v1/margin/isolated/allPairs": Endpoint(run=_nothing, security=Security.KEY),
            "GET /sapi/v1/system/status": Endpoint(run=self.status),
        }

    def account(self, asking: Asking) -> object:
        """Balances and what is allowed."""
        account = asking.account
        some = next(iter(self._exchange.markets.values())).listing
        maker = fee_rate(account, some, maker=True)
        taker = fee_rate(account, some, maker=False)
        omit = asking.params.flag("omitZeroBalances")
        return {
            "makerCommission": int(maker * 10_000),
            "takerCommission": int(taker * 10_000),
            "buyerCommission": 0,
            "sellerCommission": 0,
            "commissionRates": {
                "maker": fixed(maker),
                "taker": fixed(taker),
                "buyer": "0.00000000",
                "seller": "0.00000000",
            },
            "canTrade": account.can_trade,
            "canWithdraw": True,
            "canDeposit": True,
            "brokered": False,
            "requireSelfTradePrevention": False,
            "preventSor": False,
            "updateTime": self._exchange.clock.now_ms(),
            "accountType": "SPOT",
            "balances": [
                {"asset": asset, "free": fixed(balance.free), "locked": fixed(balance.locked)}
                for asset, balance in sorted(account.balances.items())
                if balance.total or not omit
            ],
            "permissions": ["SPOT"],
            "uid": account.uid,
        }

    def commission(self, asking: Asking) -> object:
        """Rates for one symbol."""
        listing = market_of(self._exchange, asking.params).listing
        rates = {
            "maker": fixed(fee_rate(asking.account, listing, maker=True)),
            "taker": fixed(fee_rate(asking.account, listing, maker=False)),
            "buyer": "0.00000000",
            "seller": "0.00000000",
        }
        none = dict.fromkeys(rates, "0.00000000")
        return {
            "symbol": listing.symbol,
            "standardCommission": rates,
            "specialCommission": none,
            "taxCommission": none,
            "discount": {
                "enabledForAccount": asking.account.fee_asset is not None,
                "enabledForSymbol": True,
                "discountAsset": asking.account.fee_asset or "BNB",
                "discount": "0.75000000",
            },
        }

    def trades(self, asking: Asking) -> object:
        """Fills of one symbol, oldest first."""
        params = asking.params
        symbol = market_of(self._exchange, params).listing.symbol
        order_id, from_id = params.whole("orderId"), params.whole("fromId")
        since, until = params.whole("startTime") or 0, params.whole("endTime") or 2**62
        rows = [
            (fill, order)
            for order in self._exchange.orders.values()
            if order.account is asking.account
            and order.symbol == symbol
            and order_id in (None, order.id)
            and self._exchange.visible(order)
            for fill in order.fills
            if fill.trade_id >= (from_id or 0) and since <= ms(fill.time_ns) <= until
        ]
        rows.sort(key=lambda row: row[0].trade_id)
        limit = params.limit(500, 1_000)
        kept = rows[:limit] if from_id is not None or since else rows[-limit:]
        return [shapes.trade(fill, order) for fill, order in kept]

    def restrictions(self, asking: Asking) -> object:
        """What the key may do: the check before a key is taken into the vault."""
        key = asking.key
        assert key is not None
        return {
            "ipRestrict": key.ip_restricted,
            "createTime": key.created_ms,
            "enableReading": key.can_read,
            "enableWithdrawals": key.can_withdraw,
            "enableInternalTransfer": key.can_transfer,
            "enableMargin": False,
            "enableFutures": key.can_trade_futures,
            "permitsUniversalTransfer": key.can_transfer,
            "enableVanillaOptions": False,
            "enableFixApiTrade": False,
            "enableFixReadOnly": True,
            "enableSpotAndMarginTrading": key.can_trade,
            "enablePortfolioMarginTrading": False,
        }

    def fees(self, asking: Asking) -> object:
        """Of every symbol, or one."""
        wanted = asking.params.text("symbol")
        return [
            {
                "symbol": symbol,
                "makerCommission": fixed(fee_rate(asking.account, market.listing, maker=True)),
                "takerCommission": fixed(fee_rate(asking.account, market.listing, maker=False)),
            }
            for symbol, market in self._exchange.markets.items()
            if wanted in (None, symbol)
        ]

    def coins(self, asking: Asking) -> object:
        """Assets without any network: nothing can be deposited or withdrawn here."""
        listings = [market.listing for market in self._exchange.markets.values()]
        names = sorted({name for listing in listings for name in (listing.base, listing.quote)})
        held = asking.account.balances
        return [_coin(name, held[name].free if name in held else 0) for name in names]

    def status(self, asking: Asking) -> object:
        """Maintenance or not."""
        down = self.maintenance
        return {"status": int(down), "msg": "system_maintenance" if down else "normal"}


def order_limits(desk: Desk, asking: Asking) -> object:
    """Unfilled orders by window."""
    return [
        {
            "rateLimitType": "ORDERS",
            "interval": LETTERS[window.length_s][0],
            "intervalNum": LETTERS[window.length_s][1],
            "limit": window.limit,
            "count": window.count,
        }
        for window in desk.limits_of(asking.account).orders
    ]


def _coin(name: str, free: object) -> Json:
    return {
        "coin": name,
        "depositAllEnable": False,
        "withdrawAllEnable": False,
        "name": name,
        "free": f"{free}",
        "locked": "0",
        "freeze": "0",
        "withdrawing": "0",
        "ipoing": "0",
        "ipoable": "0",
        "storage": "0",
        "isLegalMoney": False,
        "trading": True,
        "networkList": [],
    }


def _nothing(asking: Asking) -> object:
    return []


def _trades_weight(params: Params) -> int:
    return 5 if params.text("orderId") else 20
