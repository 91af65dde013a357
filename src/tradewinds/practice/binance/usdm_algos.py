"""The endpoints of the conditional-order service."""

from tradewinds.model.decimals import ZERO
from tradewinds.model.market import Side
from tradewinds.practice.binance.algos import Algo, Algos
from tradewinds.practice.binance.desk import Asking, Endpoint, Endpoints
from tradewinds.practice.binance.figures import fixed, side_name
from tradewinds.practice.binance.guard import Security
from tradewinds.practice.binance.params import Params
from tradewinds.practice.binance.refusals import (
    ApiError,
    missing,
    no_such_order,
    unknown_order,
)
from tradewinds.practice.binance.spot_parsing import market_of, which
from tradewinds.practice.binance.usdm_checks import (
    check_price,
    check_quantity,
    position_side,
)
from tradewinds.practice.clock import NS_PER_S
from tradewinds.practice.exchange import Exchange
from tradewinds.practice.margin import MarginCustody

Json = dict[str, object]
MARKET_TYPES = frozenset({"STOP_MARKET", "TAKE_PROFIT_MARKET"})
LIMIT_TYPES = frozenset({"STOP", "TAKE_PROFIT"})


class UsdmAlgos:
    """Over one exchange."""

    def __init__(self, exchange: Exchange, custody: MarginCustody, algos: Algos) -> None:
        self._exchange = exchange
        self._custody = custody
        self._algos = algos

    def endpoints(self) -> Endpoints:
        """By method and path."""
        trade, read = Security.TRADE_FUTURES, Security.USER_DATA
        return {
            "POST /fapi/v1/algoOrder": Endpoint(run=self.place, security=trade, weight=0, orders=1),
            "DELETE /fapi/v1/algoOrder": Endpoint(run=self.cancel, security=trade),
            "GET /fapi/v1/algoOrder": Endpoint(run=self.query, security=read),
            "GET /fapi/v1/openAlgoOrders": Endpoint(run=self.open, security=read, weight=_weight),
            "GET /fapi/v1/allAlgoOrders": Endpoint(run=self.all, security=read, weight=5),
            "DELETE /fapi/v1/algoOpenOrders": Endpoint(run=self.cancel_all, security=trade),
        }

    def place(self, asking: Asking) -> object:
        """A new conditional order."""
        algo = self._read(asking)
        self._algos.add(algo)
        algo.visible_ns += round(asking.hide_s * NS_PER_S)
        return self._shape(algo)

    def cancel(self, asking: Asking) -> object:
        """One of them."""
        algo = self._find(asking, unknown_order())
        if algo.status != "NEW":
            raise unknown_order()
        self._algos.cancel(algo)
        return {
            "algoId": algo.id,
            "clientAlgoId": algo.client_id,
            "code": "200",
            "msg": "success",
        }

    def cancel_all(self, asking: Asking) -> object:
        """All of a symbol."""
        symbol = market_of(self._exchange, asking.params).listing.symbol
        for algo in self._algos.open(asking.account, symbol):
            self._algos.cancel(algo)
        return {"code": 200, "msg": "The operation of cancel all open order is done."}

    def query(self, asking: Asking) -> object:
        """By id or client id."""
        algo = self._find(asking, no_such_order())
        if not self._algos.visible(algo):
            raise no_such_order()
        return self._queried(algo)

    def open(self, asking: Asking) -> object:
        """Waiting ones."""
        symbol = asking.params.text("symbol")
        algos = self._algos.open(asking.account, symbol)
        return [self._queried(algo) for algo in algos if self._algos.visible(algo)]

    def all(self, asking: Asking) -> object:
        """Waiting or gone."""
        symbol = market_of(self._exchange, asking.params).listing.symbol
        rows = [
            self._queried(algo)
            for algo in self._algos.all.values()
            if algo.account is asking.account
            and algo.symbol == symbol
            and self._algos.visible(algo)
        ]
        return rows[-asking.params.limit(500, 1_000) :]

    def _read(self, asking: Asking) -> Algo:
        params = asking.params
        if params.need("algoType") != "CONDITIONAL":
            raise ApiError(-1130, "Data sent for parameter 'algoType' is not valid.")
        market = market_of(self._exchange, params)
        kind, side = params.need("type"), params.side()
        if kind not in MARKET_TYPES | LIMIT_TYPES:
            raise ApiError(-1116, "Invalid orderType.")
        trigger = params.decimal("triggerPrice")
        if trigger is None:
            raise missing("triggerPrice")
        check_price(trigger, market, "Stop price")
        hedged = self._custody.of(asking.account).hedged
        number = self._algos.next_id()
        algo = Algo(
            id=number,
            client_id=params.client_id("clientAlgoId") or f"practicealgo{number}",
            account=asking.account,
            symbol=market.listing.symbol,
            side=side,
            type=kind,
            trigger=trigger,
            rises=(side is Side.BUY) == kind.startswith("STOP"),
            position_side=position_side(params, hedged=hedged),
            close=params.flag("closePosition"),
            reduce_only=params.flag("reduceOnly"),
            tif=params.text("timeInForce") or "GTC",
            working_type=params.text("workingType") or "CONTRACT_PRICE",
            stp=params.text("selfTradePreventionMode") or "EXPIRE_MAKER",
        )
        self._complete(algo, params)
        return algo

    def _complete(self, algo: Algo, params: Params) -> None:
        market = self._exchange.markets[algo.symbol]
        if algo.working_type not in ("CONTRACT_PRICE", "MARK_PRICE"):
            raise ApiError(-1130, "Data sent for parameter 'workingType' is not valid.")
        if algo.close:
            self._check_close(algo, params)
            return
        params.need("quantity")
        algo.quantity = params.decimal("quantity") or ZERO
        check_quantity(algo.quantity, algo.type in MARKET_TYPES, market.listing)
        if algo.type in LIMIT_TYPES:
            params.need("price")
            algo.price = params.decimal("price")
            check_price(algo.price, market)

    def _check_close(self, algo: Algo, params: Params) -> None:
        if algo.type not in MARKET_TYPES:
            raise ApiError(
                -4136, f"Target strategy invalid for orderType {algo.type},closePosition true"
            )
        if params.text("quantity") is not None:
            raise ApiError(-4137, "Quantity must be zero with closePosition equals true")
        if params.text("reduceOnly") is not None:
            raise ApiError(-1106, "Parameter 'reduceonly' sent when not required.")

    def _find(self, asking: Asking, otherwise: ApiError) -> Algo:
        number, client_id = which(asking.params, "algoId", "clientAlgoId")
        for algo in reversed(self._algos.all.values()):
            if algo.account is asking.account and (
                algo.id == number or (number is None and algo.client_id == client_id)
            ):
                return algo
        raise otherwise

    def _shape(self, algo: Algo) -> Json:
        listing = self._exchange.markets[algo.symbol].listing
        price, size = listing.price_places, listing.quantity_places
        return {
            "algoId": algo.id,
            "clientAlgoId": algo.client_id,
            "algoType": "CONDITIONAL",
            "orderType": algo.type,
            "symbol": algo.symbol,
            "side": side_name(algo.side),
            "positionSide": algo.position_side,
            "timeInForce": algo.tif,
            "quantity": fixed(algo.quantity, size),
            "algoStatus": algo.status,
            "triggerPrice": fixed(algo.trigger, price),
            "price": fixed(algo.price or ZERO, price),
            "icebergQuantity": None,
            "selfTradePreventionMode": algo.stp,
            "workingType": algo.working_type,
            "priceMatch": "NONE",
            "closePosition": algo.close,
            "priceProtect": False,
            "reduceOnly": algo.reduce_only,
            "activatePrice": "",
            "callbackRate": "",
            "createTime": algo.created_ms,
            "updateTime": algo.updated_ms,
            "triggerTime": algo.triggered_ms,
            "goodTillDate": 0,
        }

    def _queried(self, algo: Algo) -> Json:
        shape = self._shape(algo)
        for name in ("activatePrice", "callbackRate"):
            shape.pop(name)
        child = algo.order
        listing = self._exchange.markets[algo.symbol].listing
        average = child.average_price if child else ZERO
        return shape | {
            "actualOrderId": str(child.id) if child and child.id else "",
            "actualPrice": fixed(average, listing.price_places),
            "tpTriggerPrice": fixed(ZERO, listing.price_places),
            "tpPrice": fixed(ZERO, listing.price_places),
            "slTriggerPrice": fixed(ZERO, listing.price_places),
            "slPrice": fixed(ZERO, listing.price_places),
            "tpOrderType": "",
        }


def _weight(params: Params) -> int:
    return 1 if params.text("symbol") else 40
