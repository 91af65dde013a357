"""Spot orders: placed, tested, queried, cancelled, replaced."""

from tradewinds.practice.accounts import Account
from tradewinds.practice.binance import spot_shapes as shapes
from tradewinds.practice.binance.desk import Asking, Endpoint, Endpoints
from tradewinds.practice.binance.filters import check_spot
from tradewinds.practice.binance.guard import Security
from tradewinds.practice.binance.params import Params
from tradewinds.practice.binance.refusals import (
    SPOT_REFUSALS,
    ApiError,
    in_words,
    no_such_order,
    unknown_order,
)
from tradewinds.practice.binance.spot_parsing import market_of, order_of, which
from tradewinds.practice.clock import NS_PER_S
from tradewinds.practice.exchange import Exchange
from tradewinds.practice.orders import Order, Refused, Status

Json = dict[str, object]


class SpotOrders:
    """The endpoints, over one exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._canceled = 0

    def endpoints(self) -> Endpoints:
        """By method and path."""
        trade, read = Security.TRADE, Security.USER_DATA
        return {
            "POST /api/v3/order": Endpoint(run=self.place, security=trade, orders=1),
            "POST /api/v3/order/test": Endpoint(run=self.test, security=trade),
            "DELETE /api/v3/order": Endpoint(run=self.cancel, security=trade),
            "GET /api/v3/order": Endpoint(run=self.query, security=read, weight=4),
            "GET /api/v3/openOrders": Endpoint(run=self.open, security=read, weight=_open_weight),
            "DELETE /api/v3/openOrders": Endpoint(run=self.cancel_all, security=trade),
            "GET /api/v3/allOrders": Endpoint(run=self.all, security=read, weight=20),
            "POST /api/v3/order/cancelReplace": Endpoint(
                run=self.replace, security=trade, orders=1
            ),
        }

    def place(self, asking: Asking) -> object:
        """A new order."""
        order = self._place(asking.params, asking)
        return shapes.placed(order, asking.params.text("newOrderRespType"))

    def test(self, asking: Asking) -> object:
        """Everything but the order itself."""
        order = self._read(asking.params, asking.account)
        self._exchange.admit(order)
        return {}

    def cancel(self, asking: Asking) -> object:
        """One order, or the whole list it belongs to."""
        params = asking.params
        market_of(self._exchange, params)
        order = self._find(asking, which(params, "orderId", "origClientOrderId"), unknown_order())
        return self._cancel(order, params, params.client_id("newClientOrderId"))

    def query(self, asking: Asking) -> object:
        """By id or client id."""
        market_of(self._exchange, asking.params)
        named = which(asking.params, "orderId", "origClientOrderId")
        order = self._find(asking, named, no_such_order())
        if not self._exchange.visible(order):
            raise no_such_order()
        return shapes.queried(order)

    def open(self, asking: Asking) -> object:
        """Of one symbol or all."""
        symbol = asking.params.text("symbol")
        if symbol is not None:
            market_of(self._exchange, asking.params)
        orders = self._exchange.open_orders(asking.account, symbol)
        return [shapes.queried(o) for o in orders if self._exchange.visible(o)]

    def cancel_all(self, asking: Asking) -> object:
        """Every open order of a symbol."""
        symbol = market_of(self._exchange, asking.params).listing.symbol
        orders = self._exchange.open_orders(asking.account, symbol)
        if not orders:
            raise unknown_order()
        with self._exchange:
            for order in orders:
                self._exchange.cancel(order, self._cancel_id(""))
        return [shapes.canceled(order, self._cancel_id("")) for order in orders]

    def all(self, asking: Asking) -> object:
        """Open or ended, oldest first."""
        params = asking.params
        symbol = market_of(self._exchange, params).listing.symbol
        from_id = params.whole("orderId") or 0
        since = params.whole("startTime") or 0
        rows = [
            shapes.queried(order)
            for order in self._exchange.orders.values()
            if order.account is asking.account
            and order.symbol == symbol
            and order.id >= from_id
            and order.created_ns // 1_000_000 >= since
            and self._exchange.visible(order)
        ]
        limit = params.limit(500, 1_000)
        return rows[:limit] if from_id or since else rows[-limit:]

    def replace(self, asking: Asking) -> object:
        """Cancel one, place another; 409 where only one of the two succeeded."""
        params = asking.params
        mode = params.need("cancelReplaceMode")
        if mode not in ("STOP_ON_FAILURE", "ALLOW_FAILURE"):
            raise ApiError(-1130, "Data sent for parameter 'cancelReplaceMode' is not valid.")
        market_of(self._exchange, params)
        named = which(params, "cancelOrderId", "cancelOrigClientOrderId")
        canceled, cancel_answer = self._attempt_cancel(asking, named)
        placed, new_answer = "NOT_ATTEMPTED", None
        if canceled == "SUCCESS" or mode == "ALLOW_FAILURE":
            placed, new_answer = self._attempt_place(asking)
        answer: Json = {
            "cancelResult": canceled,
            "newOrderResult": placed,
            "cancelResponse": cancel_answer,
            "newOrderResponse": new_answer,
        }
        if "SUCCESS" == canceled == placed:
            return answer
        if "SUCCESS" in (canceled, placed):
            raise ApiError(-2021, "Order cancel-replace partially failed.", 409, answer)
        raise ApiError(-2022, "Order cancel-replace failed.", 400, answer)

    def _attempt_cancel(
        self, asking: Asking, named: tuple[int | None, str | None]
    ) -> tuple[str, Json]:
        params = asking.params
        try:
            order = self._find(asking, named, unknown_order())
            return "SUCCESS", self._cancel(
                order, params, params.client_id("cancelNewClientOrderId")
            )
        except ApiError as error:
            return "FAILURE", {"code": error.code, "msg": error.message}

    def _attempt_place(self, asking: Asking) -> tuple[str, Json]:
        try:
            order = self._place(asking.params, asking)
        except ApiError as error:
            return "FAILURE", {"code": error.code, "msg": error.message}
        except Refused as refused:
            words = in_words(refused, SPOT_REFUSALS)
            return "FAILURE", {"code": words.code, "msg": words.message}
        return "SUCCESS", shapes.placed(order, asking.params.text("newOrderRespType"))

    def _place(self, params: Params, asking: Asking) -> Order:
        if not asking.account.can_trade:
            raise ApiError(-2010, "This account may not place or cancel orders.")
        order = self._read(params, asking.account)
        self._exchange.submit(order)
        order.visible_ns += round(asking.hide_s * NS_PER_S)
        return order

    def _read(self, params: Params, account: Account) -> Order:
        market = market_of(self._exchange, params)
        order = order_of(params, market, account)
        if market.listing.status == "TRADING":
            open_orders = self._exchange.open_orders(account, market.listing.symbol)
            check_spot(order, market, open_orders)
        return order

    def _find(
        self, asking: Asking, named: tuple[int | None, str | None], otherwise: ApiError
    ) -> Order:
        order = self._exchange.find(asking.account, *named)
        if order is None or order.symbol != asking.params.text("symbol"):
            raise otherwise
        if named[0] is not None and named[1] not in (None, order.client_id):
            raise otherwise
        return order

    def _cancel(self, order: Order, params: Params, cancel_id: str) -> Json:
        if not order.is_open:
            raise unknown_order()
        restriction = params.text("cancelRestrictions")
        if restriction not in (None, "ONLY_NEW", "ONLY_PARTIALLY_FILLED"):
            raise ApiError(-1145, "Invalid cancelRestrictions")
        wanted = {"ONLY_NEW": Status.NEW, "ONLY_PARTIALLY_FILLED": Status.PARTIALLY_FILLED}
        if restriction is not None and order.status is not wanted[restriction]:
            raise ApiError(-2011, "Order was not canceled due to cancel restrictions.")
        name = self._cancel_id(cancel_id)
        self._exchange.cancel(order, name)
        return shapes.canceled(order, name)

    def _cancel_id(self, wanted: str) -> str:
        self._canceled += 1
        return wanted or f"practicecancel{self._canceled}"


def _open_weight(params: Params) -> int:
    return 6 if params.text("symbol") else 80
