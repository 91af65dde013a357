"""Orders: placed, previewed, cancelled, told."""

from typing import Any

from tradewinds.model.decimals import ZERO
from tradewinds.model.market import Side
from tradewinds.practice.accounts import Account
from tradewinds.practice.clock import NS_PER_S
from tradewinds.practice.coinbase import refusals, shapes
from tradewinds.practice.coinbase.desk import Asking, Endpoint, Endpoints, Right
from tradewinds.practice.coinbase.figures import (
    ns_of,
    order_number,
    order_uuid,
    plain,
    side_word,
    uuid_of,
)
from tradewinds.practice.coinbase.parsing import KINDS, configuration, order_of
from tradewinds.practice.coinbase.products import Products, touch
from tradewinds.practice.coinbase.refusals import OrderRefused, Reason, bad_request, not_found
from tradewinds.practice.custody import fee_rate
from tradewinds.practice.exchange import Exchange
from tradewinds.practice.orders import Fill, Order, Refused, Status

PAGE = 1_000
PATH = "/api/v3/brokerage/orders"
Json = dict[str, Any]


class Orders:
    """The endpoints. `accepted`: kinds of orders that this account may place; take some away.

    `unique_ids`: a second order under a name that was ever used answers the first one.
    """

    def __init__(self, exchange: Exchange, products: Products) -> None:
        self._exchange = exchange
        self._products = products
        self.accepted = set(KINDS)
        self.unique_ids = True

    def endpoints(self) -> Endpoints:
        """By method and path."""
        trade, view = Right.TRADE, Right.VIEW
        return {
            f"POST {PATH}": Endpoint(run=self.place, right=trade),
            f"POST {PATH}/preview": Endpoint(run=self.preview, right=view),
            f"POST {PATH}/batch_cancel": Endpoint(run=self.cancel, right=trade),
            f"GET {PATH}/historical/batch": Endpoint(run=self.batch, right=view),
            f"GET {PATH}/historical/fills": Endpoint(run=self.fills, right=view),
            f"GET {PATH}/historical/{{order_id}}": Endpoint(run=self.single, right=view),
        }

    def place(self, asking: Asking) -> object:
        """200 either way: the answer says whether it was taken."""
        body = asking.body
        name = body.get("client_order_id")
        if not isinstance(name, str) or not name:
            raise bad_request("client_order_id is required")
        known = self._exchange.find(asking.account, None, name) if self.unique_ids else None
        if known is not None:
            return _taken(known)
        try:
            order = self._read(body, asking.account)
            self._submit(order)
        except OrderRefused as refused:
            return _not_taken(refused.reason, body)
        order.visible_ns += round(asking.hide_s * NS_PER_S)
        return _taken(order)

    def preview(self, asking: Asking) -> object:
        """What it would cost, and in `errs` why it would not be taken."""
        market = self._products.market(str(asking.body.get("product_id")))
        errors: list[str] = []
        order = None
        try:
            order = self._read(asking.body, asking.account)
            if not self._affordable(order):
                raise OrderRefused(refusals.FUNDS)
        except OrderRefused as refused:
            errors.append(refused.reason.preview or refused.reason.error)
        worth, base = ZERO, ZERO
        if order is not None:
            base = order.quantity
            worth = order.quote_quantity or base * (order.price or market.reference)
        rate = fee_rate(asking.account, market.listing, maker=False)
        fee = worth * rate
        sells = asking.body.get("side") == "SELL"
        zero = dict.fromkeys(
            ("order_margin_total", "leverage", "long_leverage", "short_leverage", "slippage"), "0"
        )
        return {
            "order_total": plain(worth - fee if sells else worth + fee),
            "commission_total": plain(fee),
            "errs": errors,
            "warning": [],
            "quote_size": plain(worth),
            "base_size": plain(base),
            "best_bid": plain(touch(market, Side.BUY)[0]),
            "best_ask": plain(touch(market, Side.SELL)[0]),
            "is_max": False,
            **zero,
            "preview_id": uuid_of(f"preview {self._exchange.clock.now_ns()}"),
            "current_liquidation_buffer": "",
            "projected_liquidation_buffer": "",
            "max_leverage": "",
            "pnl_configuration": None,
        }

    def cancel(self, asking: Asking) -> object:
        """Each on its own: some may be cancelled and others not."""
        wanted = asking.body.get("order_ids")
        if not isinstance(wanted, list) or not wanted:
            raise bad_request("order_ids is required")
        return {"results": [self._cancel(asking.account, one) for one in wanted]}

    def single(self, asking: Asking) -> object:
        """By the venue's id only."""
        order = self._order(asking.account, asking.names["order_id"])
        if order is None or not self._exchange.visible(order):
            raise not_found("order with this orderID was not found")
        return {"order": shapes.queried(order)}

    def batch(self, asking: Asking) -> object:
        """Newest first. OPEN cannot be asked for together with another status."""
        statuses = asking.many("order_status")
        if "OPEN" in statuses and len(statuses) > 1:
            raise bad_request("OPEN cannot be combined with other statuses")
        rows = [order for order in self._visible(asking) if not _left_out(order, asking, statuses)]
        rows.reverse()
        page, cursor, more = _page(asking, [shapes.queried(order) for order in rows])
        return {"orders": page, "sequence": "0", "has_next": more, "cursor": cursor}

    def fills(self, asking: Asking) -> object:
        """Newest first."""
        since = ns_of(asking.text("start_sequence_timestamp")) or 0
        until = ns_of(asking.text("end_sequence_timestamp")) or 2**63
        wanted = asking.many("order_ids") or asking.many("order_id")
        products = asking.many("product_ids") or asking.many("product_id")
        found: list[tuple[Fill, Order]] = [
            (fill, order)
            for order in self._visible(asking)
            for fill in order.fills
            if since <= fill.time_ns <= until
            and (not wanted or order_uuid(order.id) in wanted)
            and (not products or order.symbol in products)
        ]
        found.sort(key=lambda row: (row[0].time_ns, row[0].trade_id), reverse=True)
        page, cursor, _ = _page(asking, [shapes.filled(order, fill) for fill, order in found])
        return {"fills": page, "cursor": cursor}

    def _visible(self, asking: Asking) -> list[Order]:
        return [
            order
            for order in self._exchange.orders.values()
            if order.account is asking.account and self._exchange.visible(order)
        ]

    def _read(self, body: Any, account: Account) -> Order:
        market = self._products.market(str(body.get("product_id")))
        name, _ = configuration(body)
        if name not in self.accepted or body.get("attached_order_configuration"):
            raise OrderRefused(refusals.UNSUPPORTED)
        order = order_of(body, market, account)
        if order.post_only and market.crosses(order):
            raise OrderRefused(refusals.WOULD_TAKE)
        return order

    def _submit(self, order: Order) -> None:
        try:
            self._exchange.submit(order)
        except Refused as refused:
            raise OrderRefused(refusals.reason_of(refused, rises=order.rises)) from refused

    def _affordable(self, order: Order) -> bool:
        """Set aside and given back, unseen."""
        market = self._exchange.markets[order.symbol]
        price = None if order.price else market.average_to_take(order.side, order.quantity)
        custody = self._exchange.custody
        try:
            custody.reserve(order, market.listing, price)
        except Refused:
            return False
        order.status = Status.CANCELED
        custody.release(order, market.listing)
        return True

    def _order(self, account: Account, text: object) -> Order | None:
        number = order_number(text)
        return None if number is None else self._exchange.find(account, number, None)

    def _cancel(self, account: Account, text: object) -> Json:
        order = self._order(account, text)
        reason = "UNKNOWN_CANCEL_FAILURE_REASON"
        if order is None or not order.is_open:
            reason = "UNKNOWN_CANCEL_ORDER"
        else:
            self._exchange.cancel(order)
        done = reason == "UNKNOWN_CANCEL_FAILURE_REASON"
        return {"success": done, "failure_reason": reason, "order_id": str(text)}


def _taken(order: Order) -> Json:
    told = {
        "order_id": order_uuid(order.id),
        "product_id": order.symbol,
        "side": side_word(order.side),
        "client_order_id": order.client_id,
        "attached_order_id": "",
    }
    return {
        "success": True,
        "failure_reason": refusals.UNKNOWN,
        "order_id": told["order_id"],
        "success_response": told,
        "order_configuration": order.labels["configuration"],
    }


def _not_taken(reason: Reason, body: Any) -> Json:
    return {
        "success": False,
        "failure_reason": refusals.UNKNOWN,
        "order_id": "",
        "error_response": refusals.failure(reason),
        "order_configuration": body.get("order_configuration"),
    }


def _left_out(order: Order, asking: Asking, statuses: list[str]) -> bool:
    ids, products = asking.many("order_ids"), asking.many("product_ids")
    since, until = ns_of(asking.text("start_date")), ns_of(asking.text("end_date"))
    side, types = asking.text("order_side"), asking.many("order_types")
    kept = (
        (not ids or order_uuid(order.id) in ids)
        and (not products or order.symbol in products)
        and (not statuses or shapes.status_of(order) in statuses)
        and (not side or side_word(order.side) == side)
        and (not types or order.labels["type"] in types)
        and (since is None or order.created_ns >= since)
        and (until is None or order.created_ns <= until)
    )
    return not kept


def _page(asking: Asking, rows: list[Json]) -> tuple[list[Json], str, bool]:
    """The cursor is how many rows have been told."""
    start = asking.whole("cursor", 0)
    limit = min(asking.whole("limit", PAGE) or PAGE, PAGE)
    end = start + limit
    more = end < len(rows)
    return rows[start:end], str(end) if more else "", more
