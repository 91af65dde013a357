"""The endpoints of order lists."""

from tradewinds.model.market import Side
from tradewinds.practice.binance import spot_shapes as shapes
from tradewinds.practice.binance.desk import Asking, Endpoint, Endpoints
from tradewinds.practice.binance.filters import check_spot
from tradewinds.practice.binance.guard import Security
from tradewinds.practice.binance.params import Params
from tradewinds.practice.binance.refusals import ApiError, no_such_order
from tradewinds.practice.binance.spot_groups import Groups, check_relation, stops_belong
from tradewinds.practice.binance.spot_parsing import leg_of, market_of, which
from tradewinds.practice.clock import NS_PER_S
from tradewinds.practice.exchange import Exchange
from tradewinds.practice.market import Market
from tradewinds.practice.orders import Order, OrderGroup

Json = dict[str, object]


class SpotLists:
    """OCO, OTO and OTOCO, over one exchange."""

    def __init__(self, exchange: Exchange, groups: Groups) -> None:
        self._exchange = exchange
        self._groups = groups
        self._canceled = 0

    def endpoints(self) -> Endpoints:
        """By method and path."""
        trade, read = Security.TRADE, Security.USER_DATA
        return {
            "POST /api/v3/orderList/oco": Endpoint(run=self.oco, security=trade, orders=2),
            "POST /api/v3/orderList/oto": Endpoint(run=self.oto, security=trade, orders=2),
            "POST /api/v3/orderList/otoco": Endpoint(run=self.otoco, security=trade, orders=3),
            "DELETE /api/v3/orderList": Endpoint(run=self.cancel, security=trade),
            "GET /api/v3/orderList": Endpoint(run=self.query, security=read, weight=4),
            "GET /api/v3/openOrderList": Endpoint(run=self.open, security=read, weight=6),
            "GET /api/v3/allOrderList": Endpoint(run=self.all, security=read, weight=20),
        }

    def oco(self, asking: Asking) -> object:
        """Two legs of one side."""
        market = market_of(self._exchange, asking.params)
        pair = self._pair(asking, market, ("above", "below"), asking.params.side())
        check_relation(pair[0], pair[1], market)
        return self._submit(asking, "OCO", None, [pair[1], pair[0]])

    def oto(self, asking: Asking) -> object:
        """One working, one pending."""
        market = market_of(self._exchange, asking.params)
        pending = asking.params.leg("pending")
        order = leg_of(pending, market, asking.account, pending.side())
        order.quantity = pending.amount("quantity")
        order.client_id = pending.client_id("clientOrderId")
        return self._submit(asking, "OTO", self._working(asking, market), [order])

    def otoco(self, asking: Asking) -> object:
        """One working, then two that exclude each other."""
        params = asking.params
        market = market_of(self._exchange, params)
        side = params.leg("pending").side()
        pair = self._pair(asking, market, ("pendingAbove", "pendingBelow"), side)
        return self._submit(asking, "OTO", self._working(asking, market), [pair[1], pair[0]])

    def cancel(self, asking: Asking) -> object:
        """The whole list."""
        group = self._find(asking, "orderListId", "listClientOrderId")
        if group is None or group.done:
            raise ApiError(-2011, "Unknown order list sent.")
        self._canceled += 1
        wanted = asking.params.client_id("newClientOrderId")
        cancel_id = wanted or f"practicelistcancel{self._canceled}"
        self._groups.cancel(group, cancel_id)
        reports = [shapes.canceled(order, cancel_id) for order in group.orders]
        return {**shapes.group(group), "orderReports": reports}

    def query(self, asking: Asking) -> object:
        """One list by its id or ours."""
        group = self._find(asking, "orderListId", "origClientOrderId")
        if group is None:
            raise no_such_order()
        return shapes.group(group)

    def open(self, asking: Asking) -> object:
        """Lists that are not done."""
        return [shapes.group(group) for group in self._mine(asking) if not group.done]

    def all(self, asking: Asking) -> object:
        """Every list."""
        limit = asking.params.limit(500, 1_000)
        return [shapes.group(group) for group in self._mine(asking)[-limit:]]

    def _submit(
        self, asking: Asking, contingency: str, working: Order | None, pending: list[Order]
    ) -> Json:
        group = OrderGroup(
            id=-1,
            client_id=asking.params.client_id("listClientOrderId"),
            symbol=pending[0].symbol,
            account=asking.account,
            contingency=contingency,
            working=working,
            pending=pending,
            created_ns=0,
        )
        self._groups.submit(group)
        for order in group.orders:
            order.visible_ns += round(asking.hide_s * NS_PER_S)
        response_type = asking.params.text("newOrderRespType") or "RESULT"
        reports = [shapes.placed(order, response_type) for order in group.orders]
        return {**shapes.group(group), "orderReports": reports}

    def _working(self, asking: Asking, market: Market) -> Order:
        params = asking.params.leg("working")
        order = leg_of(params, market, asking.account, params.side())
        if order.type not in ("LIMIT", "LIMIT_MAKER"):
            raise ApiError(-1116, "Invalid orderType.")
        order.quantity = params.amount("quantity")
        order.client_id = params.client_id("clientOrderId")
        self._check(order, market)
        return order

    def _pair(
        self, asking: Asking, market: Market, prefixes: tuple[str, str], side: Side
    ) -> tuple[Order, Order]:
        above, below = (
            self._leg(asking, market, asking.params.leg(prefix), side) for prefix in prefixes
        )
        complaint = stops_belong(above, below)
        if complaint is not None:
            raise ApiError(*complaint)
        return above, below

    def _leg(self, asking: Asking, market: Market, params: Params, side: Side) -> Order:
        order = leg_of(params, market, asking.account, side)
        pending = "pending" if params.name("x").startswith("pending") else ""
        order.quantity = asking.params.leg(pending).amount("quantity")
        order.client_id = params.client_id("clientOrderId")
        self._check(order, market)
        return order

    def _check(self, order: Order, market: Market) -> None:
        check_spot(order, market, self._exchange.open_orders(order.account, order.symbol))

    def _mine(self, asking: Asking) -> list[OrderGroup]:
        return [g for g in self._groups.groups.values() if g.account is asking.account]

    def _find(self, asking: Asking, by_id: str, by_client: str) -> OrderGroup | None:
        list_id, client_id = which(asking.params, by_id, by_client)
        for group in self._mine(asking):
            if group.id == list_id or (list_id is None and group.client_id == client_id):
                return group
        return None
