"""USD-M balances and positions as answers spell them, old and new."""

from collections.abc import Iterator
from decimal import Decimal

from tradewinds.model.decimals import ZERO
from tradewinds.practice.binance.figures import fixed, ms
from tradewinds.practice.binance.usdm_shapes import money
from tradewinds.practice.exchange import Exchange
from tradewinds.practice.force import Force
from tradewinds.practice.margin import BOTH, LONG, SHORT, MarginAccount, MarginCustody, Position

Json = dict[str, object]


class Shapes:
    """Reads accounts and mark prices; changes nothing."""

    def __init__(self, exchange: Exchange, custody: MarginCustody, force: Force) -> None:
        self._exchange = exchange
        self._custody = custody
        self._force = force

    def every(self, owner: MarginAccount, symbol: str | None = None) -> Iterator[Position]:
        """A row for each symbol and side, flat ones included."""
        for name in self._exchange.markets:
            if symbol in (None, name):
                for side in (BOTH, LONG, SHORT) if owner.hedged else (BOTH,):
                    flat = Position(symbol=name, side=side)
                    yield owner.positions.get((name, side), flat)

    def account_v2(self, owner: MarginAccount) -> Json:
        """The older account, with its modes."""
        return {
            "feeTier": 0,
            "feeBurn": False,
            "canTrade": owner.account.can_trade,
            "canDeposit": True,
            "canWithdraw": True,
            "updateTime": 0,
            "multiAssetsMargin": owner.multi_assets,
            "tradeGroupId": -1,
            **self._totals(owner),
            "assets": [self._asset(owner) | {"marginAvailable": True}],
            "positions": [self._position_v2(owner, p) for p in self.every(owner)],
        }

    def account_v3(self, owner: MarginAccount) -> Json:
        """The newer one."""
        return {
            **self._totals(owner),
            "assets": [self._asset(owner)],
            "positions": [self._position_v3(owner, p) for p in owner.open_positions()],
        }

    def balance(self, owner: MarginAccount) -> Json:
        """A row of balance."""
        available = money(self._custody.available(owner))
        return {
            "accountAlias": f"practice{owner.account.uid}",
            "asset": owner.asset,
            "balance": money(owner.wallet),
            "crossWalletBalance": money(owner.cross_wallet),
            "crossUnPnl": money(self._profit(owner, crossed=True)),
            "availableBalance": available,
            "maxWithdrawAmount": available,
            "marginAvailable": True,
            "updateTime": self._exchange.clock.now_ms(),
        }

    def risk_v2(self, owner: MarginAccount, position: Position) -> Json:
        """A row of the older positionRisk."""
        terms = owner.terms_of(position.symbol)
        shape = self._risk(owner, position)
        for name in ("initialMargin", "maintMargin", "positionInitialMargin"):
            shape.pop(name)
        for name in ("openOrderInitialMargin", "adl", "bidNotional", "askNotional", "marginAsset"):
            shape.pop(name)
        return shape | {
            "marginType": "isolated" if terms.isolated else "cross",
            "isAutoAddMargin": "false",
            "leverage": str(terms.leverage),
            "maxNotionalValue": "1000000",
        }

    def risk_v3(self, owner: MarginAccount, position: Position) -> Json:
        """A row of the newer one."""
        return self._risk(owner, position)

    def _risk(self, owner: MarginAccount, position: Position) -> Json:
        listing = self._exchange.markets[position.symbol].listing
        mark = self._custody.mark(position.symbol)
        profit = position.profit_at(mark)
        isolated = owner.terms_of(position.symbol).isolated
        margin = position.wallet + profit if isolated else ZERO
        initial = self._custody.initial(owner, position)
        orders = self._custody.ordered(owner, position.symbol)
        liquidation = self._force.liquidation_price(owner, position)
        return {
            "symbol": position.symbol,
            "positionSide": position.side,
            "positionAmt": fixed(position.quantity, listing.quantity_places),
            "entryPrice": f"{position.entry.normalize():f}" if position.quantity else "0.0",
            "breakEvenPrice": f"{position.entry.normalize():f}" if position.quantity else "0.0",
            "markPrice": money(mark),
            "unRealizedProfit": money(profit),
            "liquidationPrice": money(liquidation) if liquidation else "0",
            "isolatedMargin": money(margin) if margin else "0",
            "notional": money(position.quantity * mark),
            "marginAsset": owner.asset,
            "isolatedWallet": money(position.wallet) if position.wallet else "0",
            "initialMargin": money(initial + orders),
            "maintMargin": money(self._custody.maintenance(position)),
            "positionInitialMargin": money(initial),
            "openOrderInitialMargin": money(orders) if orders else "0",
            "adl": 1 if position.quantity else 0,
            "bidNotional": "0",
            "askNotional": "0",
            "updateTime": ms(position.updated_ns),
        }

    def _position_v2(self, owner: MarginAccount, position: Position) -> Json:
        terms, risk = owner.terms_of(position.symbol), self._risk(owner, position)
        names = ("symbol", "initialMargin", "maintMargin", "positionInitialMargin")
        more = ("openOrderInitialMargin", "entryPrice", "bidNotional", "askNotional")
        last = ("positionSide", "positionAmt", "updateTime")
        return {name: risk[name] for name in (*names, *more, *last)} | {
            "unrealizedProfit": risk["unRealizedProfit"],
            "leverage": str(terms.leverage),
            "isolated": terms.isolated,
            "maxNotional": "1000000",
            "breakEvenPrice": risk["breakEvenPrice"],
            "isolatedWallet": risk["isolatedWallet"],
            "notional": risk["notional"],
        }

    def _position_v3(self, owner: MarginAccount, position: Position) -> Json:
        risk = self._risk(owner, position)
        names = ("symbol", "positionSide", "positionAmt", "isolatedMargin", "notional")
        more = ("isolatedWallet", "initialMargin", "maintMargin", "updateTime")
        return {name: risk[name] for name in (*names, *more)} | {
            "unrealizedProfit": risk["unRealizedProfit"]
        }

    def _totals(self, owner: MarginAccount) -> Json:
        asset = self._asset(owner)
        return {
            "totalInitialMargin": asset["initialMargin"],
            "totalMaintMargin": asset["maintMargin"],
            "totalWalletBalance": asset["walletBalance"],
            "totalUnrealizedProfit": asset["unrealizedProfit"],
            "totalMarginBalance": asset["marginBalance"],
            "totalPositionInitialMargin": asset["positionInitialMargin"],
            "totalOpenOrderInitialMargin": asset["openOrderInitialMargin"],
            "totalCrossWalletBalance": asset["crossWalletBalance"],
            "totalCrossUnPnl": asset["crossUnPnl"],
            "availableBalance": asset["availableBalance"],
            "maxWithdrawAmount": asset["maxWithdrawAmount"],
        }

    def _asset(self, owner: MarginAccount) -> Json:
        custody, positions = self._custody, owner.open_positions()
        profit = self._profit(owner)
        initial = sum((custody.initial(owner, p) for p in positions), ZERO)
        maintenance = sum((custody.maintenance(p) for p in positions), ZERO)
        orders, available = custody.ordered(owner), money(custody.available(owner))
        return {
            "asset": owner.asset,
            "walletBalance": money(owner.wallet),
            "unrealizedProfit": money(profit),
            "marginBalance": money(owner.wallet + profit),
            "maintMargin": money(maintenance),
            "initialMargin": money(initial + orders),
            "positionInitialMargin": money(initial),
            "openOrderInitialMargin": money(orders),
            "crossWalletBalance": money(owner.cross_wallet),
            "crossUnPnl": money(self._profit(owner, crossed=True)),
            "availableBalance": available,
            "maxWithdrawAmount": available,
            "updateTime": self._exchange.clock.now_ms(),
        }

    def _profit(self, owner: MarginAccount, *, crossed: bool = False) -> Decimal:
        return sum(
            (
                position.profit_at(self._custody.mark(position.symbol))
                for position in owner.open_positions()
                if not (crossed and owner.terms_of(position.symbol).isolated)
            ),
            ZERO,
        )
