"""The account: balances, rights of the key, fees, portfolios; and the older `v2` that ccxt asks."""

from decimal import Decimal
from typing import Any

from tradewinds.model.decimals import ZERO
from tradewinds.practice.accounts import Account, Balance
from tradewinds.practice.clock import NS_PER_S
from tradewinds.practice.coinbase.desk import Asking, Endpoint, Endpoints, Right
from tradewinds.practice.coinbase.figures import iso, plain, uuid_of
from tradewinds.practice.coinbase.refusals import not_found
from tradewinds.practice.coinbase.shapes import portfolio_of
from tradewinds.practice.custody import fee_rate
from tradewinds.practice.exchange import Exchange

SINCE = "2023-01-04T06:20:06.456Z"
FIAT = frozenset({"USD", "EUR", "GBP"})
PAGE = 250
DEFAULT_PAGE = 49
V3 = "/api/v3/brokerage"
Json = dict[str, Any]


class Accounts:
    """The endpoints, over one exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def endpoints(self) -> Endpoints:
        """By method and path."""
        view = Right.VIEW
        return {
            f"GET {V3}/accounts": Endpoint(run=self.listed, right=view),
            f"GET {V3}/accounts/{{uuid}}": Endpoint(run=self.single, right=view),
            f"GET {V3}/key_permissions": Endpoint(run=self.permissions, right=view),
            f"GET {V3}/transaction_summary": Endpoint(run=self.summary, right=view),
            f"GET {V3}/portfolios": Endpoint(run=self.portfolios, right=view),
            f"GET {V3}/time": Endpoint(run=self.time),
            "GET /v2/time": Endpoint(run=self.old_time),
            "GET /v2/accounts": Endpoint(run=self.old_accounts, right=view),
            "GET /v2/currencies": Endpoint(run=self.fiat),
            "GET /v2/currencies/crypto": Endpoint(run=self.crypto),
            "GET /v2/exchange-rates": Endpoint(run=self.rates),
        }

    def listed(self, asking: Asking) -> object:
        """One wallet for each asset."""
        rows = self._wallets(asking.account)
        start = asking.whole("cursor", 0)
        end = start + min(asking.whole("limit", DEFAULT_PAGE) or DEFAULT_PAGE, PAGE)
        more = end < len(rows)
        return {
            "accounts": rows[start:end],
            "has_next": more,
            "cursor": str(end) if more else "",
            "size": len(rows[start:end]),
        }

    def single(self, asking: Asking) -> object:
        """By its id."""
        for row in self._wallets(asking.account):
            if row["uuid"] == asking.names["uuid"]:
                return {"account": row}
        raise not_found("account not found")

    def permissions(self, asking: Asking) -> object:
        """What the key may do: the check before a key is taken into the vault."""
        key = asking.key
        assert key is not None
        return {
            "can_view": key.can_read,
            "can_trade": key.can_trade,
            "can_transfer": key.can_transfer or key.can_withdraw,
            "portfolio_uuid": portfolio_of(key.account.name),
            "portfolio_type": "DEFAULT",
        }

    def summary(self, asking: Asking) -> object:
        """Volume, fees and the tier they lead to."""
        account = asking.account
        if not self._exchange.markets:
            raise not_found("no products")
        some = next(iter(self._exchange.markets.values())).listing
        fills = [f for o in self._exchange.orders.values() if o.account is account for f in o.fills]
        volume = float(sum((fill.quote_quantity for fill in fills), ZERO))
        fees = float(sum((fill.fee for fill in fills), ZERO))
        return {
            "total_volume": volume,
            "total_fees": fees,
            "fee_tier": {
                "pricing_tier": "Advanced 1",
                "usd_from": "0",
                "usd_to": "10000",
                "taker_fee_rate": plain(fee_rate(account, some, maker=False)),
                "maker_fee_rate": plain(fee_rate(account, some, maker=True)),
                "aop_from": "",
                "aop_to": "",
            },
            "margin_rate": None,
            "goods_and_services_tax": None,
            "advanced_trade_only_volume": volume,
            "advanced_trade_only_fees": fees,
            "coinbase_pro_volume": 0.0,
            "coinbase_pro_fees": 0.0,
            "total_balance": "",
            "has_promo_fee": False,
        }

    def portfolios(self, asking: Asking) -> object:
        """One."""
        uuid = portfolio_of(asking.account.name)
        row = {"name": "Default", "uuid": uuid, "type": "DEFAULT", "deleted": False}
        return {"portfolios": [row]}

    def time(self, asking: Asking) -> object:
        """The venue's clock."""
        now_ns = self._exchange.clock.now_ns()
        return {
            "iso": iso(now_ns)[:19] + "Z",
            "epochSeconds": str(now_ns // NS_PER_S),
            "epochMillis": str(now_ns // 1_000_000),
        }

    def old_time(self, asking: Asking) -> object:
        """The same to the second."""
        now_ns = self._exchange.clock.now_ns()
        return {"data": {"epoch": now_ns // NS_PER_S, "iso": iso(now_ns)[:19] + "Z"}}

    def old_accounts(self, asking: Asking) -> object:
        """Totals: what is on hold is in them."""
        rows = [
            _old_wallet(asking.account, asset, balance)
            for asset, balance in sorted(asking.account.balances.items())
        ]
        pages = ("ending_before", "next_starting_after", "next_uri", "previous_ending_before")
        pagination: Json = dict.fromkeys((*pages, "previous_uri", "starting_after"))
        limit = asking.whole("limit", 25)
        return {"data": rows, "pagination": pagination | {"limit": limit, "order": "desc"}}

    def fiat(self, asking: Asking) -> object:
        """Names of money."""
        known = sorted(self._assets() & FIAT)
        return {"data": [{"id": code, "name": code, "min_size": "0.01"} for code in known]}

    def crypto(self, asking: Asking) -> object:
        """Names of coins."""
        known = sorted(self._assets() - FIAT)
        return {"data": [_coin(code) | {"sort_index": 100} for code in known]}

    def rates(self, asking: Asking) -> object:
        """What a dollar buys, where a market tells."""
        rates = {code: self._per_dollar(code) for code in sorted(self._assets())}
        told = {code: plain(rate) for code, rate in rates.items() if rate is not None}
        return {"data": {"currency": "USD", "rates": told | {"USD": "1.0"}}}

    def _per_dollar(self, code: str) -> Decimal | None:
        market = self._exchange.markets.get(f"{code}-USD")
        price = ZERO if market is None else market.reference
        return round(1 / price, 12) if price else None

    def _assets(self) -> set[str]:
        listings = [market.listing for market in self._exchange.markets.values()]
        return {asset for listing in listings for asset in (listing.base, listing.quote)}

    def _wallets(self, account: Account) -> list[Json]:
        return [
            _wallet(account, asset, balance) for asset, balance in sorted(account.balances.items())
        ]


def _wallet(account: Account, asset: str, balance: Balance) -> Json:
    return {
        "uuid": uuid_of(f"wallet {account.name} {asset}"),
        "name": f"{asset} Wallet",
        "currency": asset,
        "available_balance": {"value": plain(balance.free), "currency": asset},
        "default": True,
        "active": True,
        "created_at": SINCE,
        "updated_at": SINCE,
        "deleted_at": None,
        "type": "ACCOUNT_TYPE_FIAT" if asset in FIAT else "ACCOUNT_TYPE_CRYPTO",
        "ready": True,
        "hold": {"value": plain(balance.locked), "currency": asset},
        "retail_portfolio_id": portfolio_of(account.name),
        "platform": "ACCOUNT_PLATFORM_CONSUMER",
    }


def _old_wallet(account: Account, asset: str, balance: Balance) -> Json:
    uuid = uuid_of(f"wallet {account.name} {asset}")
    return {
        "id": uuid,
        "name": f"{asset} Wallet",
        "primary": True,
        "type": "fiat" if asset in FIAT else "wallet",
        "balance": {"amount": plain(balance.total), "currency": asset},
        "created_at": SINCE,
        "updated_at": SINCE,
        "resource": "account",
        "resource_path": f"/v2/accounts/{uuid}",
        "currency": _coin(asset) | {"slug": asset.lower(), "rewards": None},
        "allow_deposits": True,
        "allow_withdrawals": True,
    }


def _coin(code: str) -> Json:
    return {
        "asset_id": uuid_of(f"asset {code}"),
        "code": code,
        "color": "#0433FF",
        "exponent": 8,
        "name": code,
        "type": "fiat" if code in FIAT else "crypto",
    }
