"""USD-M orders: placed, changed, queried, cancelled, counted down."""

import json
from collections.abc import Callable

from tradewinds.model.decimals import ZERO
from tradewinds.practice.accounts import Account
from tradewinds.practice.binance import usdm_shapes as shapes
from tradewinds.practice.binance.desk import Asking, Endpoint, Endpoints
from tradewinds.practice.binance.figures import ms
from tradewinds.practice.binance.guard import Security
from tradewinds.practice.binance.params import Params
from tradewinds.practice.binance.refusals import (
    USDM_REFUSALS,
    ApiError,
    in_words,
    no_such_order,
    unknown_order,
)
from tradewinds.practice.binance.spot_parsing import STP_MODES, market_of, which
from tradewinds.practice.binance.usdm_checks import (
    check_market_price,
    check_order,
    check_reduce_only,
    position_side,
)
from tradewinds.practice.clock import NS_PER_MS, NS_PER_S
from tradewinds.practice.exchange import Exchange
from tradewinds.practice.margin import BOTH, MarginCustody
from tradewinds.practice.orders import Order, Refused

Json = dict[str, object]
CONDITIONAL = frozenset(
    {"STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"}
)
MOST_IN_BATCH = 5


class UsdmOrders:
    """The endpoints, over one exchange. `countdowns` by account and symbol, in elapsed time."""

    def __init__(self, exchange: Exchange, custody: MarginCustody) -> None:
        self._exchange = exchange
        self._custody = custody
        self.countdowns: dict[tuple[Account, str], int] = {}

    def endpoints(self) -> Endpoints:
        """By method and path."""
        trade, read = Security.TRADE_FUTURES, Security.USER_DATA
        return {
            "POST /fapi/v1/order": Endpoint(run=self.place, security=trade, weight=0, orders=1),
            "PUT /fapi/v1/order": Endpoint(run=self.modify, security=trade, orders=1),
            "DELETE /fapi/v1/order": Endpoint(run=self.cancel, security=trade),
            "GET /fapi/v1/order": Endpoint(run=self.query, security=read),
            "GET /fapi/v1/openOrder": Endpoint(run=self.query_open, security=read),
            "GET /fapi/v1/openOrders": Endpoint(run=self.open, security=read, weight=_open_weight),
            "GET /fapi/v1/allOrders": Endpoint(run=self.all, security=read, weight=5),
            "DELETE /fapi/v1/allOpenOrders": Endpoint(run=self.cancel_all, security=trade),
            "POST /fapi/v1/batchOrders": Endpoint(
                run=self.place_batch, security=trade, weight=5, orders=1
            ),
            "DELETE /fapi/v1/batchOrders": Endpoint(run=self.cancel_batch, security=trade),
            "POST /fapi/v1/order/test": Endpoint(run=self.test, security=trade),
            "GET /fapi/v1/userTrades": Endpoint(run=self.trades, security=read, weight=5),
            "POST /fapi/v1/countdownCancelAll": Endpoint(
                run=self.count_down, security=trade, weight=10
            ),
        }

    def tick(self) -> None:
        """Cancel what nobody renewed in time: open orders only, neither stops nor positions."""
        now_ns = self._exchange.clock.elapsed_ns()
        for (account, symbol), due_ns in list(self.countdowns.items()):
            if now_ns >= due_ns:
                del self.countdowns[account, symbol]
                for order in self._exchange.open_orders(account, symbol):
                    self._exchange.cancel(order)

    def place(self, asking: Asking) -> object:
        """A new order."""
        order = self._read(asking.params, asking.account)
        self.submit(order)
        order.visible_ns += round(asking.hide_s * NS_PER_S)
        return self._placed(order)

    def submit(self, order: Order) -> None:
        """Raises ApiError or Refused."""
        market = self._exchange.markets[order.symbol]
        if order.tif == "GTX" and market.crosses(order):
            raise ApiError(*USDM_REFUSALS["would take"])
        if order.tif == "FOK" and not market.fillable(order):
            raise ApiError(
                -5021,
                "Due to the order could not be filled immediately, the FOK order is rejected.",
            )
        self._exchange.submit(order)

    def test(self, asking: Asking) -> object:
        """Everything but the order itself."""
        order = self._read(asking.params, asking.account)
        self._exchange.admit(order)
        return {}

    def modify(self, asking: Asking) -> object:
        """Price and quantity of a resting limit order; its place in line is lost."""
        params = asking.params
        market = market_of(self._exchange, params)
        old = self._find(asking, unknown_order())
        if not old.is_open:
            raise unknown_order()
        new = Order(
            account=old.account,
            symbol=old.symbol,
            side=params.side(),
            type="LIMIT",
            quantity=params.amount("quantity"),
            price=params.amount("price"),
            client_id=old.client_id,
            tif=old.tif,
            reduce_only=old.reduce_only,
            position_side=old.position_side,
        )
        if new.quantity == old.quantity and new.price == old.price:
            raise ApiError(-5027, "No need to modify the order.")
        check_order(new, market)
        with self._exchange as exchange:
            exchange.cancel(old)
            exchange.submit(new)
        return self._placed(new)

    def cancel(self, asking: Asking) -> object:
        """One order."""
        order = self._find(asking, unknown_order())
        if not order.is_open:
            raise unknown_order()
        self._exchange.cancel(order)
        return self._placed(order)

    def cancel_all(self, asking: Asking) -> object:
        """Open orders of a symbol. Conditional ones are another service's and stay."""
        symbol = market_of(self._exchange, asking.params).listing.symbol
        for order in self._exchange.open_orders(asking.account, symbol):
            self._exchange.cancel(order)
        return {"code": 200, "msg": "The operation of cancel all open order is done."}

    def query(self, asking: Asking) -> object:
        """By id or client id."""
        order = self._find(asking, no_such_order())
        if not self._exchange.visible(order):
            raise no_such_order()
        return shapes.queried(order, self._exchange.markets[order.symbol].listing)

    def query_open(self, asking: Asking) -> object:
        """The same, if it is open."""
        order = self._find(asking, no_such_order())
        if not order.is_open:
            raise no_such_order()
        return self.query(asking)

    def open(self, asking: Asking) -> object:
        """Of one symbol or all."""
        symbol = asking.params.text("symbol")
        if symbol is not None:
            market_of(self._exchange, asking.params)
        orders = self._exchange.open_orders(asking.account, symbol)
        return [self._queried(o) for o in orders if self._exchange.visible(o)]

    def all(self, asking: Asking) -> object:
        """Open or ended, oldest first."""
        params = asking.params
        symbol = market_of(self._exchange, params).listing.symbol
        from_id, since = params.whole("orderId") or 0, params.whole("startTime") or 0
        rows = [
            self._queried(order)
            for order in self._exchange.orders.values()
            if order.account is asking.account
            and order.symbol == symbol
            and order.id >= from_id
            and ms(order.created_ns) >= since
            and self._exchange.visible(order)
        ]
        limit = params.limit(500, 1_000)
        return rows[:limit] if from_id or since else rows[-limit:]

    def place_batch(self, asking: Asking) -> object:
        """Up to five, each with its own outcome."""
        return self._each(asking, "batchOrders", self._place_one)

    def cancel_batch(self, asking: Asking) -> object:
        """Up to ten by id or client id."""
        name = "orderIdList" if asking.params.text("orderIdList") else "origClientOrderIdList"
        by_id = name == "orderIdList"
        return self._each(asking, name, lambda asking, one: self._cancel_one(asking, one, by_id))

    def trades(self, asking: Asking) -> object:
        """Fills of one symbol, oldest first."""
        params = asking.params
        listing = market_of(self._exchange, params).listing
        order_id, from_id = params.whole("orderId"), params.whole("fromId")
        since, until = params.whole("startTime") or 0, params.whole("endTime") or 2**62
        rows = [
            (fill, order)
            for order in self._exchange.orders.values()
            if order.account is asking.account
            and order.symbol == listing.symbol
            and order_id in (None, order.id)
            and self._exchange.visible(order)
            for fill in order.fills
            if fill.trade_id >= (from_id or 0) and since <= ms(fill.time_ns) <= until
        ]
        rows.sort(key=lambda row: row[0].trade_id)
        limit = params.limit(500, 1_000)
        kept = rows[:limit] if from_id is not None or since else rows[-limit:]
        return [shapes.trade(fill, order, listing) for fill, order in kept]

    def count_down(self, asking: Asking) -> object:
        """Renewed before it runs out, or all open orders of the symbol are cancelled."""
        symbol = market_of(self._exchange, asking.params).listing.symbol
        duration_ms = asking.params.whole("countdownTime")
        if duration_ms is None:
            asking.params.need("countdownTime")
            duration_ms = 0
        if duration_ms:
            due_ns = self._exchange.clock.elapsed_ns() + duration_ms * NS_PER_MS
            self.countdowns[asking.account, symbol] = due_ns
        else:
            self.countdowns.pop((asking.account, symbol), None)
        return {"symbol": symbol, "countdownTime": str(duration_ms)}

    def _read(self, params: Params, account: Account) -> Order:
        market = market_of(self._exchange, params)
        kind = params.need("type")
        if kind in CONDITIONAL:
            raise ApiError(
                -4120,
                "Order type not supported for this endpoint. "
                "Please use the Algo Order API endpoints instead.",
            )
        if kind not in ("LIMIT", "MARKET"):
            raise ApiError(-1116, "Invalid orderType.")
        hedged = self._custody.of(account).hedged
        order = Order(
            account=account,
            symbol=market.listing.symbol,
            side=params.side(),
            type=kind,
            quantity=params.decimal("quantity") or ZERO,
            client_id=params.client_id("newClientOrderId"),
            position_side=position_side(params, hedged=hedged),
            reduce_only=params.flag("reduceOnly"),
        )
        self._price(order, params)
        if hedged and params.text("reduceOnly") is not None:
            raise ApiError(-1106, "Parameter 'reduceonly' sent when not required.")
        order.reduce_only = order.reduce_only or _closes(order)
        check_order(order, market)
        check_market_price(order, market)
        if order.reduce_only:
            check_reduce_only(order, self._exchange, self._custody)
        return order

    def _price(self, order: Order, params: Params) -> None:
        params.need("quantity")
        order.stp = params.text("selfTradePreventionMode") or "EXPIRE_MAKER"
        if order.stp not in STP_MODES:
            raise ApiError(-1130, "Data sent for parameter 'selfTradePreventionMode' is not valid.")
        if order.type == "LIMIT":
            order.tif = params.tif(must=True)
            order.price = params.decimal("price")
            if order.price is None:
                params.need("price")
        else:
            params.forbid("price", "timeInForce")

    def _place_one(self, asking: Asking, one: object) -> Json:
        if not isinstance(one, dict):
            raise ApiError(-1130, "Data sent for parameter 'batchOrders' is not valid.")
        params = Params({str(name): str(value) for name, value in one.items()})
        order = self._read(params, asking.account)
        self.submit(order)
        return self._placed(order)

    def _cancel_one(self, asking: Asking, one: object, by_id: bool) -> Json:
        named = (int(str(one)), None) if by_id else (None, str(one))
        order = self._exchange.find(asking.account, *named)
        if order is None or not order.is_open:
            raise unknown_order()
        self._exchange.cancel(order)
        return self._placed(order)

    def _each(self, asking: Asking, name: str, run: Callable[[Asking, object], Json]) -> list[Json]:
        try:
            batch = json.loads(asking.params.need(name))
        except ValueError as error:
            raise ApiError(-1130, f"Data sent for parameter '{name}' is not valid.") from error
        if not isinstance(batch, list) or not 0 < len(batch) <= 2 * MOST_IN_BATCH:
            raise ApiError(-4082, "Invalid number of batch place orders.")
        answers: list[Json] = []
        for one in batch:
            try:
                answers.append(run(asking, one))
            except ApiError as error:
                answers.append({"code": error.code, "msg": error.message})
            except Refused as refused:
                words = in_words(refused, USDM_REFUSALS)
                answers.append({"code": words.code, "msg": words.message})
        return answers

    def _find(self, asking: Asking, otherwise: ApiError) -> Order:
        market_of(self._exchange, asking.params)
        named = which(asking.params, "orderId", "origClientOrderId")
        order = self._exchange.find(asking.account, *named)
        if order is None or order.symbol != asking.params.text("symbol"):
            raise otherwise
        return order

    def _placed(self, order: Order) -> Json:
        return shapes.placed(order, self._exchange.markets[order.symbol].listing)

    def _queried(self, order: Order) -> Json:
        return shapes.queried(order, self._exchange.markets[order.symbol].listing)


def _closes(order: Order) -> bool:
    """In hedge mode selling a LONG or buying a SHORT can only close."""
    if order.position_side == BOTH:
        return False
    return (order.position_side == "LONG") == (order.side.value == "sell")


def _open_weight(params: Params) -> int:
    return 1 if params.text("symbol") else 40
