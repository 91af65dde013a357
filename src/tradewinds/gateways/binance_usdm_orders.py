"""Binance USD-M futures: one-way, isolated, single-asset; stops by the algo service."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from tradewinds.gateways.binance_rows import (
    latest_requests,
    name_request,
    named_by,
    open_requests,
    own,
    placed_after,
    said_of,
    traded_rows,
    trades_request,
)
from tradewinds.gateways.binance_user_events import algo_order, clearance, funding, usdm_updates
from tradewinds.gateways.ccxt_orders import CLOSE_WINDOW_MS, NS_PER_MS, Request
from tradewinds.gateways.ccxt_quirks import USDM_QUIRKS, Quirks
from tradewinds.gateways.ccxt_translate import (
    amount,
    by_symbol,
    closing,
    refiltered,
    side_word,
    text,
    time_ns,
    venue_symbol,
    window_ms,
)
from tradewinds.gateways.dialect import Named, Said, Since, Traded, Update, Wallet
from tradewinds.model.decimals import ZERO
from tradewinds.model.events import FundingPaid, VenueOrder, VenuePosition
from tradewinds.model.ids import Asset, ClientOrderId, InstrumentId
from tradewinds.model.instrument import Instrument
from tradewinds.model.order import ApprovedOrder, OrderStatus, OrderType, Purpose

OPEN_ORDERS: Final = MappingProxyType(
    {"fapiPrivateGetOpenOrders": (1, 40), "fapiPrivateGetOpenAlgoOrders": (1, 40)}
)
ALGO_NAMES: Final = {
    "client": "clientAlgoId",
    "venue": "algoId",
    "status": "algoStatus",
    "filled": "executedQty",
    "child": "actualOrderId",
}
FUNDING: Final = "FUNDING_FEE"
CLEARANCE: Final = "INSURANCE_CLEAR"
CONDITIONAL: Final[Mapping[OrderType, str]] = {
    OrderType.STOP_MARKET: "STOP_MARKET",
    OrderType.STOP_LIMIT: "STOP",
    OrderType.TAKE_PROFIT: "TAKE_PROFIT_MARKET",
    OrderType.TAKE_PROFIT_LIMIT: "TAKE_PROFIT",
}


class UsdmDialect:
    """Implements `dialect.Dialect`. A target waits in the algo service like its stop: resting in
    the book it would count as closing already, and the stop would be refused (-4118)."""

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        """Perpetuals of Binance USD-M."""
        self._instruments = {i.id: i for i in instruments}
        self._by_symbol = by_symbol(self._instruments.values())

    @property
    def quirks(self) -> Quirks:
        """Binance USD-M's."""
        return USDM_QUIRKS

    @property
    def instruments(self) -> Mapping[InstrumentId, Instrument]:
        """By id."""
        return self._instruments

    def update(self, instrument: Instrument) -> None:
        """New filters."""
        self._instruments[instrument.id] = instrument
        self._by_symbol[venue_symbol(instrument)] = instrument

    def checks(self) -> Sequence[Request]:
        """Position mode and assets mode."""
        return (
            Request(method="fapiPrivateGetPositionSideDual", params={}, weight=30),
            Request(method="fapiPrivateGetMultiAssetsMargin", params={}, weight=30),
        )

    def flaw(self, answers: Sequence[Any]) -> str:
        """Hedge mode and multi-assets mode are refused: a close would not be sure to close."""
        if _true(answers[0]["dualSidePosition"]):
            return "the account is in hedge mode; set one-way mode in the futures preferences"
        if _true(answers[1]["multiAssetsMargin"]):
            return "the account is in multi-assets mode; set single-asset mode in its preferences"
        return ""

    def preparations(self, instrument: Instrument, leverage: Decimal) -> Sequence[Request]:
        """Isolated margin bounds a loss by what is posted; the leverage is the order's."""
        symbol = venue_symbol(instrument)
        return (
            Request(
                method="fapiPrivatePostMarginType",
                params={"symbol": symbol, "marginType": "ISOLATED"},
            ),
            Request(
                method="fapiPrivatePostLeverage",
                params={"symbol": symbol, "leverage": text(leverage)},
            ),
        )

    def place(self, order: ApprovedOrder, quantity: Decimal) -> Request:
        """A conditional order goes to the algo service, everything else to the book."""
        if conditional(order):
            return self._place_algo(order, quantity)
        params: dict[str, Any] = {
            **self._core(order, quantity),
            "type": order.order_type.value.upper(),
            "newClientOrderId": order.client_order_id,
            "newOrderRespType": "RESULT",
        }
        if order.order_type is OrderType.LIMIT and order.price is not None:
            params["price"] = text(order.price)
            force = order.time_in_force.value.upper()
            params["timeInForce"] = "GTX" if order.post_only else force
        return Request(
            method="fapiPrivatePostOrder", params=params, order=True, closing=closing(order)
        )

    def place_pair(
        self, stop: ApprovedOrder, target: ApprovedOrder, quantity: Decimal
    ) -> Request | None:
        """There are no lists here; whoever sends the two cancels one when the other acts."""
        return None

    def place_bracket(
        self, entry: ApprovedOrder, stop: ApprovedOrder, target: ApprovedOrder | None
    ) -> Request | None:
        """None: the stop follows the entry's fill."""
        return None

    def brackets(self) -> frozenset[InstrumentId]:
        """None here."""
        return frozenset()

    def lose_brackets(self, instrument_id: InstrumentId) -> None:
        """There is nothing to lose."""

    def placed(self, orders: Sequence[ApprovedOrder], data: Any, now_ns: int) -> Sequence[Said]:
        """Executions come by stream or query: the answer has no prices since 2026-07."""
        if "algoId" in data:
            return [Said(order=self._algo(data)[0], venue_time_ns=_algo_time(data, now_ns))]
        return [said_of(data, self._by_symbol, now_ns)]

    def cancel(self, order: ApprovedOrder, venue_order_id: str) -> Request:
        """A stop that has triggered already is an order in the book, with an id of its own."""
        symbol = venue_symbol(self._instruments[order.instrument_id])
        params: dict[str, Any] = {"symbol": symbol, "recvWindow": CLOSE_WINDOW_MS}
        if conditional(order):
            params["clientAlgoId"] = order.client_order_id
            return Request(method="fapiPrivateDeleteAlgoOrder", params=params, closing=True)
        params["origClientOrderId"] = order.client_order_id
        return Request(method="fapiPrivateDeleteOrder", params=params, closing=True)

    def cancel_stranger(self, instrument: Instrument, order_id: ClientOrderId) -> Sequence[Request]:
        """In the algo service or in the book."""
        symbol = venue_symbol(instrument)
        algo = {"symbol": symbol, "clientAlgoId": order_id}
        plain = {"symbol": symbol, "origClientOrderId": order_id}
        return (
            Request(method="fapiPrivateDeleteAlgoOrder", params=algo, closing=True),
            Request(method="fapiPrivateDeleteOrder", params=plain, closing=True),
        )

    def canceled(self, order: ApprovedOrder, data: Any, now_ns: int) -> Sequence[Said]:
        """The algo service answers with a mere success."""
        if "clientAlgoId" not in data:
            return [said_of(data, self._by_symbol, now_ns)]
        told = VenueOrder(
            client_order_id=order.client_order_id,
            venue_order_id=f"algo-{data.get('algoId', '')}",
            instrument_id=order.instrument_id,
            status=OrderStatus.CANCELED,
            filled_quantity=ZERO,
            reason="canceled",
        )
        return [Said(order=told, venue_time_ns=now_ns)]

    def query(self, order: ApprovedOrder) -> Request:
        """By our id."""
        if conditional(order):
            params = {"clientAlgoId": order.client_order_id}
            return Request(method="fapiPrivateGetAlgoOrder", params=params, closing=closing(order))
        params = own(order, self._instruments[order.instrument_id])
        return Request(method="fapiPrivateGetOrder", params=params, closing=closing(order))

    def queried(self, order: ApprovedOrder, data: Any, now_ns: int) -> tuple[Said, Named | None]:
        """A conditional order tells its child's id."""
        if "algoId" in data:
            told, named = self._algo(data)
            return Said(order=told, venue_time_ns=_algo_time(data, now_ns)), named
        return said_of(data, self._by_symbol, now_ns), None

    def name_query(self, instrument: Instrument, venue_order_id: str) -> Request:
        """By the venue's id."""
        return name_request("fapiPrivateGetOrder", 1, instrument, venue_order_id)

    def named(self, data: Any) -> ClientOrderId:
        """The client id of a queried order."""
        return named_by(data)

    def open_orders(self) -> Sequence[Request]:
        """The book's and the algo service's; market by market where that costs less."""
        return open_requests(OPEN_ORDERS, tuple(self._by_symbol))

    def opened(self, answers: Sequence[Any], now_ns: int) -> Sequence[Said]:
        """Those of markets that we know."""
        known = self._by_symbol
        rows = (row for answer in answers for row in answer if row["symbol"] in known)
        return [
            Said(order=self._algo(row)[0], venue_time_ns=_algo_time(row, now_ns))
            if "algoId" in row
            else said_of(row, known, now_ns)
            for row in rows
        ]

    def latest(self) -> Sequence[Request]:
        """Market by market."""
        return latest_requests("fapiPrivateGetAllOrders", 5, tuple(self._by_symbol))

    def placed_after(self, answers: Sequence[Any], since_ns: int) -> Sequence[ClientOrderId]:
        """By name."""
        return placed_after(answers, since_ns)

    def trades(self, instrument: Instrument, since: Since) -> Request:
        """From an id on, or from a time on (the venue looks back a week at most)."""
        return trades_request("fapiPrivateGetUserTrades", 5, instrument, since)

    def traded(self, instrument: Instrument, data: Any, now_ns: int) -> Sequence[Traded]:
        """The client id is not told; it is filled in by whoever knows it."""
        return traded_rows(instrument, data, now_ns)

    def payments(self, since_ns: int) -> Sequence[Request]:
        """Funding of all markets, and what liquidations cost beside their price."""
        since = {"startTime": since_ns // NS_PER_MS, "limit": 1_000}
        return tuple(
            Request(method="fapiPrivateGetIncome", params={"incomeType": kind, **since}, weight=30)
            for kind in (FUNDING, CLEARANCE)
        )

    def paid(self, answers: Sequence[Any], now_ns: int) -> Sequence[FundingPaid]:
        """Of the markets that we know."""
        known = self._by_symbol
        rows = (row for answer in answers for row in answer if row["symbol"] in known)
        return [
            (clearance if row["incomeType"] == CLEARANCE else funding)(
                known[row["symbol"]],
                (row["asset"], amount(row["income"])),
                time_ns(row["time"], now_ns),
                now_ns,
            )
            for row in rows
        ]

    def wallet(self) -> Sequence[Request]:
        """Assets and positions."""
        return (
            Request(method="fapiPrivateV3GetAccount", params={}, weight=5),
            Request(method="fapiPrivateV3GetPositionRisk", params={}, weight=5),
        )

    def wallet_of(self, answers: Sequence[Any]) -> Wallet:
        """Wallet balances: posted margin included, profit that is not realised left out."""
        account, positions = answers
        totals, free = {}, {}
        for row in account["assets"]:
            total = amount(row["walletBalance"])
            if total != ZERO:
                totals[Asset(row["asset"])] = total
                free[Asset(row["asset"])] = amount(row["availableBalance"])
        return Wallet(totals=totals, free=free, positions=tuple(self._positions(positions)))

    def listing(self) -> Request:
        """Every market's filters."""
        return Request(method="fapiPublicGetExchangeInfo", params={})

    def listed(self, data: Any) -> Sequence[Instrument]:
        """Ours."""
        known = self._by_symbol
        rows = (row for row in data["symbols"] if row["symbol"] in known)
        return [refiltered(known[row["symbol"]], row) for row in rows]

    def updates(self, message: Any, now_ns: int) -> Sequence[Update]:
        """One event of the user stream."""
        return usdm_updates(message, self._by_symbol, now_ns)

    def _core(self, order: ApprovedOrder, quantity: Decimal) -> dict[str, Any]:
        core: dict[str, Any] = {
            "symbol": venue_symbol(self._instruments[order.instrument_id]),
            "side": side_word(order.side),
            "quantity": text(quantity),
            "recvWindow": window_ms(order),
        }
        if order.reduce_only:
            core["reduceOnly"] = "true"
        return core

    def _place_algo(self, order: ApprovedOrder, quantity: Decimal) -> Request:
        target = order.order_type is OrderType.LIMIT
        kind = "TAKE_PROFIT" if target else CONDITIONAL[order.order_type]
        trigger = order.price if target else order.trigger_price
        assert trigger is not None
        params: dict[str, Any] = {
            **self._core(order, quantity),
            "algoType": "CONDITIONAL",
            "type": kind,
            "triggerPrice": text(trigger),
            "clientAlgoId": order.client_order_id,
            "workingType": "CONTRACT_PRICE",
        }
        if order.price is not None:
            params |= {"price": text(order.price), "timeInForce": "GTC"}
        return Request(
            method="fapiPrivatePostAlgoOrder", params=params, order=True, closing=closing(order)
        )

    def _algo(self, row: Mapping[str, Any]) -> tuple[Any, Named | None]:
        return algo_order(row, self._by_symbol[row["symbol"]], ALGO_NAMES)

    def _positions(self, rows: Sequence[Mapping[str, Any]]) -> list[VenuePosition]:
        """Of every instrument we know: what the venue leaves out is flat."""
        told = {row["symbol"]: row for row in rows}
        flat = {"positionAmt": "0", "entryPrice": "0"}
        return [
            VenuePosition(
                instrument_id=instrument.id,
                quantity=amount(told.get(symbol, flat)["positionAmt"]),
                entry_price=amount(told.get(symbol, flat)["entryPrice"]),
            )
            for symbol, instrument in self._by_symbol.items()
        ]


def conditional(order: ApprovedOrder) -> bool:
    """Whether it waits in the algo service."""
    waits = order.order_type in CONDITIONAL
    return waits or (order.purpose is Purpose.TARGET and order.order_type is OrderType.LIMIT)


def _true(value: object) -> bool:
    return value is True or str(value).lower() == "true"


def _algo_time(row: Mapping[str, Any], now_ns: int) -> int:
    return time_ns(row.get("updateTime") or row.get("createTime"), now_ns)
