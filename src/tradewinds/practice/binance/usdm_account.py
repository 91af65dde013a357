"""USD-M's account: balances, positions, modes, leverage, margin, income."""

from decimal import Decimal

from tradewinds.model.decimals import ZERO
from tradewinds.practice.binance.desk import Asking, Endpoint, Endpoints
from tradewinds.practice.binance.guard import Security
from tradewinds.practice.binance.positions import Shapes
from tradewinds.practice.binance.refusals import ApiError, missing
from tradewinds.practice.binance.spot_parsing import market_of
from tradewinds.practice.binance.usdm_checks import position_side
from tradewinds.practice.binance.usdm_shapes import money
from tradewinds.practice.custody import fee_rate
from tradewinds.practice.exchange import Exchange
from tradewinds.practice.margin import Income, MarginAccount, MarginCustody
from tradewinds.practice.orders import AccountChanged

Json = dict[str, object]
DONE: Json = {"code": 200, "msg": "success"}


class UsdmAccount:
    """The endpoints that ask and the ones that change terms."""

    def __init__(self, exchange: Exchange, custody: MarginCustody, shapes: Shapes) -> None:
        self._exchange = exchange
        self._custody = custody
        self._shapes = shapes

    def endpoints(self) -> Endpoints:
        """By method and path."""
        read, trade = Security.USER_DATA, Security.TRADE_FUTURES
        return {
            "GET /fapi/v2/account": Endpoint(run=self.account_v2, security=read, weight=5),
            "GET /fapi/v3/account": Endpoint(run=self.account_v3, security=read, weight=5),
            "GET /fapi/v2/balance": Endpoint(run=self.balance, security=read, weight=5),
            "GET /fapi/v3/balance": Endpoint(run=self.balance, security=read, weight=5),
            "GET /fapi/v2/positionRisk": Endpoint(run=self.risk_v2, security=read, weight=5),
            "GET /fapi/v3/positionRisk": Endpoint(run=self.risk_v3, security=read, weight=5),
            "GET /fapi/v1/accountConfig": Endpoint(run=self.config, security=read, weight=5),
            "GET /fapi/v1/symbolConfig": Endpoint(run=self.symbols, security=read, weight=5),
            "GET /fapi/v1/commissionRate": Endpoint(run=self.commission, security=read, weight=20),
            "GET /fapi/v1/leverageBracket": Endpoint(run=self.brackets, security=read),
            "GET /fapi/v1/income": Endpoint(run=self.income, security=read, weight=30),
            "GET /fapi/v1/feeBurn": Endpoint(run=lambda asking: {"feeBurn": False}, security=read),
            "GET /fapi/v1/positionSide/dual": Endpoint(run=self.mode, security=read, weight=30),
            "POST /fapi/v1/positionSide/dual": Endpoint(run=self.set_mode, security=trade),
            "GET /fapi/v1/multiAssetsMargin": Endpoint(run=self.assets, security=read, weight=30),
            "POST /fapi/v1/multiAssetsMargin": Endpoint(run=self.set_assets, security=trade),
            "POST /fapi/v1/leverage": Endpoint(run=self.set_leverage, security=trade),
            "POST /fapi/v1/marginType": Endpoint(run=self.set_margin_type, security=trade),
            "POST /fapi/v1/positionMargin": Endpoint(run=self.set_margin, security=trade),
        }

    def account_v2(self, asking: Asking) -> object:
        """With every listed symbol, open or not."""
        return self._shapes.account_v2(self._owner(asking))

    def account_v3(self, asking: Asking) -> object:
        """With open positions only."""
        return self._shapes.account_v3(self._owner(asking))

    def balance(self, asking: Asking) -> object:
        """One row: the settlement asset."""
        return [self._shapes.balance(self._owner(asking))]

    def risk_v2(self, asking: Asking) -> object:
        """Every symbol, open or not."""
        owner = self._owner(asking)
        wanted = asking.params.text("symbol")
        return [self._shapes.risk_v2(owner, p) for p in self._shapes.every(owner, wanted)]

    def risk_v3(self, asking: Asking) -> object:
        """Open positions only."""
        owner = self._owner(asking)
        rows = owner.open_positions(asking.params.text("symbol"))
        return [self._shapes.risk_v3(owner, position) for position in rows]

    def config(self, asking: Asking) -> object:
        """Modes."""
        owner = self._owner(asking)
        return {
            "feeTier": 0,
            "canTrade": owner.account.can_trade,
            "canDeposit": True,
            "canWithdraw": True,
            "dualSidePosition": owner.hedged,
            "updateTime": 0,
            "multiAssetsMargin": owner.multi_assets,
            "tradeGroupId": -1,
        }

    def symbols(self, asking: Asking) -> object:
        """Terms per symbol."""
        owner, wanted = self._owner(asking), asking.params.text("symbol")
        return [
            {
                "symbol": symbol,
                "marginType": "ISOLATED" if owner.terms_of(symbol).isolated else "CROSSED",
                "isAutoAddMargin": False,
                "leverage": owner.terms_of(symbol).leverage,
                "maxNotionalValue": "1000000",
            }
            for symbol in self._exchange.markets
            if wanted in (None, symbol)
        ]

    def commission(self, asking: Asking) -> object:
        """Rates of one symbol."""
        listing = market_of(self._exchange, asking.params).listing
        return {
            "symbol": listing.symbol,
            "makerCommissionRate": f"{fee_rate(asking.account, listing, maker=True):f}",
            "takerCommissionRate": f"{fee_rate(asking.account, listing, maker=False):f}",
            "rpiCommissionRate": "0.00005",
        }

    def brackets(self, asking: Asking) -> object:
        """One bracket for each symbol: maintenance here does not grow with size."""
        wanted = asking.params.text("symbol")
        return [
            {
                "symbol": name,
                "notionalCoef": 1.0,
                "brackets": [
                    {
                        "bracket": 1,
                        "initialLeverage": market.listing.leverage_max,
                        "notionalCap": 100_000_000,
                        "notionalFloor": 0,
                        "maintMarginRatio": float(market.listing.maintenance_rate),
                        "cum": 0.0,
                    }
                ],
            }
            for name, market in self._exchange.markets.items()
            if wanted in (None, name)
        ]

    def income(self, asking: Asking) -> object:
        """What moved the wallet, oldest first."""
        params = asking.params
        kind, symbol = params.text("incomeType"), params.text("symbol")
        since, until = params.whole("startTime") or 0, params.whole("endTime") or 2**62
        rows = [
            _line(line, self._owner(asking).asset)
            for line in self._owner(asking).income
            if kind in (None, line.kind)
            and symbol in (None, line.symbol)
            and since <= line.time_ns // 1_000_000 <= until
        ]
        return rows[: params.limit(100, 1_000)] if since else rows[-params.limit(100, 1_000) :]

    def mode(self, asking: Asking) -> object:
        """Hedge or one-way."""
        return {"dualSidePosition": self._owner(asking).hedged}

    def set_mode(self, asking: Asking) -> object:
        """Not with open positions or orders."""
        owner = self._owner(asking)
        asking.params.need("dualSidePosition")
        wanted = asking.params.flag("dualSidePosition")
        if wanted == owner.hedged:
            raise ApiError(-4059, "No need to change position side.")
        if owner.open_positions():
            raise ApiError(-4068, "Position side cannot be changed if there exists position.")
        if self._exchange.open_orders(asking.account):
            raise ApiError(-4067, "Position side cannot be changed if there exists open orders.")
        owner.hedged = wanted
        return DONE

    def assets(self, asking: Asking) -> object:
        """Multi-asset or single-asset."""
        return {"multiAssetsMargin": self._owner(asking).multi_assets}

    def set_assets(self, asking: Asking) -> object:
        """Not with an isolated symbol."""
        owner = self._owner(asking)
        asking.params.need("multiAssetsMargin")
        wanted = asking.params.flag("multiAssetsMargin")
        if wanted == owner.multi_assets:
            raise ApiError(-4171, "No need to change asset mode.")
        if wanted and any(terms.isolated for terms in owner.terms.values()):
            raise ApiError(
                -4169, "Unable to adjust to Multi-Assets mode with symbols of Isolated Margin."
            )
        owner.multi_assets = wanted
        return DONE

    def set_leverage(self, asking: Asking) -> object:
        """Of one symbol."""
        market = market_of(self._exchange, asking.params)
        leverage = asking.params.whole("leverage")
        if leverage is None:
            raise missing("leverage")
        if not 1 <= leverage <= market.listing.leverage_max:
            raise ApiError(-4028, f"Leverage {leverage} is not valid")
        owner, symbol = self._owner(asking), market.listing.symbol
        positions = owner.open_positions(symbol)
        if owner.terms_of(symbol).isolated and positions:
            raise ApiError(-4161, "Leverage reduction is not supported in Isolated Margin Mode.")
        owner.terms_of(symbol).leverage = leverage
        self._say(owner, symbol, "LEVERAGE")
        return {"leverage": leverage, "maxNotionalValue": "1000000", "symbol": symbol}

    def set_margin_type(self, asking: Asking) -> object:
        """Isolated or crossed; not with a position or order."""
        symbol = market_of(self._exchange, asking.params).listing.symbol
        wanted = asking.params.need("marginType")
        if wanted not in ("ISOLATED", "CROSSED"):
            raise ApiError(-1130, "Data sent for parameter 'marginType' is not valid.")
        owner = self._owner(asking)
        if owner.terms_of(symbol).isolated == (wanted == "ISOLATED"):
            raise ApiError(-4046, "No need to change margin type.")
        if owner.multi_assets and wanted == "ISOLATED":
            raise ApiError(
                -4168, "Unable to adjust to isolated-margin mode under the Multi-Assets mode."
            )
        if self._exchange.open_orders(asking.account, symbol):
            raise ApiError(-4047, "Margin type cannot be changed if there exists open orders.")
        if owner.open_positions(symbol):
            raise ApiError(-4048, "Margin type cannot be changed if there exists position.")
        owner.terms_of(symbol).isolated = wanted == "ISOLATED"
        return DONE

    def set_margin(self, asking: Asking) -> object:
        """More (type 1) or less (type 2) for an isolated position."""
        params = asking.params
        symbol = market_of(self._exchange, params).listing.symbol
        owner = self._owner(asking)
        amount, kind = params.amount("amount"), params.whole("type")
        position = owner.position(symbol, position_side(params, hedged=owner.hedged))
        if not position.quantity or not owner.terms_of(symbol).isolated:
            raise ApiError(-4051, "Isolated balance insufficient.")
        signed = amount if kind == 1 else -amount
        if signed > self._custody.available(owner) or position.wallet + signed < ZERO:
            raise ApiError(-4051, "Isolated balance insufficient.")
        position.wallet += signed
        self._say(owner, symbol, "MARGIN_TRANSFER")
        return {"code": 200, "msg": "Successfully modify position margin.", "type": kind}

    def transfer(self, owner: MarginAccount, amount: Decimal) -> None:
        """Money in or out of the futures wallet, by the user."""
        owner.wallet += amount
        self._say(owner, None, "DEPOSIT" if amount > ZERO else "WITHDRAW")

    def _owner(self, asking: Asking) -> MarginAccount:
        return self._custody.of(asking.account)

    def _say(self, owner: MarginAccount, symbol: str | None, reason: str) -> None:
        self._exchange.voice.say(
            AccountChanged(
                account=owner.account,
                assets=frozenset({owner.asset}),
                symbols=frozenset({symbol} if symbol else ()),
                reason=reason,
            )
        )


def _line(line: Income, asset: str) -> Json:
    return {
        "symbol": line.symbol,
        "incomeType": line.kind,
        "income": money(line.amount),
        "asset": asset,
        "info": line.kind,
        "time": line.time_ns // 1_000_000,
        "tranId": line.number,
        "tradeId": "" if line.trade_id is None else str(line.trade_id),
    }
