"""Binance spot: orders, order lists, and what is said about them."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from tradewinds.gateways.binance_user_events import spot_updates
from tradewinds.gateways.ccxt_orders import CLOSE_WINDOW_MS, Request
from tradewinds.gateways.ccxt_quirks import SPOT_QUIRKS, Quirks
from tradewinds.gateways.ccxt_translate import (
    amount,
    by_symbol,
    closing,
    fill_id,
    refiltered,
    side_word,
    stop_limit,
    text,
    time_ns,
    venue_order,
    venue_symbol,
    window_ms,
)
from tradewinds.gateways.dialect import Named, Said, Since, Traded, Update, Wallet
from tradewinds.model.decimals import ZERO
from tradewinds.model.events import FundingPaid, VenueOrder
from tradewinds.model.ids import Asset, ClientOrderId, InstrumentId
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Side
from tradewinds.model.order import ApprovedOrder, Fill, OrderType

NAMES: Final = ("clientOrderId", "orderId", "status", "executedQty")
TRADES_MAX: Final = 1_000
OWN_WORD: Final[Mapping[OrderType, str]] = {
    OrderType.MARKET: "MARKET",
    OrderType.LIMIT: "LIMIT",
    OrderType.STOP_MARKET: "STOP_LOSS",
    OrderType.STOP_LIMIT: "STOP_LOSS_LIMIT",
    OrderType.TAKE_PROFIT: "TAKE_PROFIT",
    OrderType.TAKE_PROFIT_LIMIT: "TAKE_PROFIT_LIMIT",
}
PLAIN_STOP: Final = "STOP_LOSS"


class SpotDialect:
    """Implements `dialect.Dialect`. A market that lists STOP_LOSS gets stops that sell at market;
    elsewhere they get a limit a band away from their trigger."""

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        """Spot instruments of Binance."""
        self._instruments = {i.id: i for i in instruments}
        self._by_symbol = by_symbol(self._instruments.values())
        self._market_stops: frozenset[str] = frozenset()

    @property
    def quirks(self) -> Quirks:
        """Binance spot's."""
        return SPOT_QUIRKS

    @property
    def instruments(self) -> Mapping[InstrumentId, Instrument]:
        """By id."""
        return self._instruments

    def update(self, instrument: Instrument) -> None:
        """New filters."""
        self._instruments[instrument.id] = instrument
        self._by_symbol[venue_symbol(instrument)] = instrument

    def checks(self) -> Sequence[Request]:
        """The account must be allowed to trade."""
        return (self._account(),)

    def flaw(self, answers: Sequence[Any]) -> str:
        """Nothing is wrong with an account that may trade."""
        return "" if answers[0].get("canTrade", True) else "this account may not trade"

    def preparations(self, instrument: Instrument, leverage: Decimal) -> Sequence[Request]:
        """None on spot."""
        return ()

    def place(self, order: ApprovedOrder, quantity: Decimal) -> Request:
        """A market order never gets a price: with one, ccxt and the venue mean a sum of money."""
        instrument = self._instruments[order.instrument_id]
        params: dict[str, Any] = {
            "symbol": venue_symbol(instrument),
            "side": side_word(order.side),
            "type": self._type(order),
            "quantity": text(quantity),
            "newClientOrderId": order.client_order_id,
            "newOrderRespType": "FULL",
            "recvWindow": window_ms(order),
        }
        if params["type"].endswith("LIMIT"):
            price = order.price if order.price is not None else stop_limit(order, instrument)
            params |= {"price": text(price), "timeInForce": order.time_in_force.value.upper()}
        elif params["type"] == "LIMIT_MAKER" and order.price is not None:
            params["price"] = text(order.price)
        if order.trigger_price is not None:
            params["stopPrice"] = text(order.trigger_price)
        return Request(method="privatePostOrder", params=params, order=True, closing=closing(order))

    def place_pair(self, stop: ApprovedOrder, target: ApprovedOrder) -> Request | None:
        """One list: whichever comes first cancels the other, at the venue."""
        assert target.price is not None
        assert stop.trigger_price is not None
        selling = stop.side is Side.SELL
        for_stop, for_target = ("below", "above") if selling else ("above", "below")
        instrument = self._instruments[stop.instrument_id]
        params: dict[str, Any] = {
            "symbol": venue_symbol(instrument),
            "side": side_word(stop.side),
            "quantity": text(min(stop.quantity, target.quantity)),
            "listClientOrderId": f"{stop.client_order_id}-l",
            f"{for_target}Type": "LIMIT_MAKER",
            f"{for_target}ClientOrderId": target.client_order_id,
            f"{for_target}Price": text(target.price),
            f"{for_stop}Type": self._type(stop),
            f"{for_stop}ClientOrderId": stop.client_order_id,
            f"{for_stop}StopPrice": text(stop.trigger_price),
            "newOrderRespType": "FULL",
            "recvWindow": CLOSE_WINDOW_MS,
        }
        if self._type(stop) != PLAIN_STOP:
            params[f"{for_stop}Price"] = text(stop_limit(stop, instrument))
            params[f"{for_stop}TimeInForce"] = "GTC"
        return Request(method="privatePostOrderListOco", params=params, order=True, closing=True)

    def placed(self, orders: Sequence[ApprovedOrder], data: Any, now_ns: int) -> Sequence[Said]:
        """A FULL answer brings the executions with it."""
        reports = data.get("orderReports", (data,))
        return [self._said(report, now_ns) for report in reports]

    def cancel(self, order: ApprovedOrder, venue_order_id: str) -> Request:
        """Of one leg of a list: the venue cancels the whole list."""
        return Request(
            method="privateDeleteOrder",
            params={**self._own(order), "recvWindow": CLOSE_WINDOW_MS},
            closing=True,
        )

    def cancel_stranger(self, instrument: Instrument, order_id: ClientOrderId) -> Sequence[Request]:
        """By its name."""
        params = {"symbol": venue_symbol(instrument), "origClientOrderId": order_id}
        return (Request(method="privateDeleteOrder", params=params, closing=True),)

    def canceled(self, order: ApprovedOrder, data: Any, now_ns: int) -> Sequence[Said]:
        """The answer is under the cancel's own id; the order's is beside it."""
        rows = data.get("orderReports", (data,))
        return [
            self._said({**row, "clientOrderId": row["origClientOrderId"]}, now_ns) for row in rows
        ]

    def query(self, order: ApprovedOrder) -> Request:
        """By our id."""
        return Request(
            method="privateGetOrder", params=self._own(order), weight=4, closing=closing(order)
        )

    def queried(self, order: ApprovedOrder, data: Any, now_ns: int) -> tuple[Said, Named | None]:
        """Executions are asked for separately."""
        return self._said(data, now_ns), None

    def name_query(self, instrument: Instrument, venue_order_id: str) -> Request:
        """By the venue's id."""
        params = {"symbol": venue_symbol(instrument), "orderId": venue_order_id}
        return Request(method="privateGetOrder", params=params, weight=4)

    def named(self, data: Any) -> ClientOrderId:
        """The client id of a queried order."""
        return ClientOrderId(str(data["clientOrderId"]))

    def open_orders(self) -> Sequence[Request]:
        """All symbols at once."""
        return (Request(method="privateGetOpenOrders", params={}, weight=80),)

    def opened(self, answers: Sequence[Any], now_ns: int) -> Sequence[Said]:
        """Orders in markets that we do not know are not ours to judge."""
        return [self._said(row, now_ns) for row in answers[0] if row["symbol"] in self._by_symbol]

    def trades(self, instrument: Instrument, since: Since) -> Request:
        """From an id on, or from a time on."""
        params: dict[str, Any] = {"symbol": venue_symbol(instrument), "limit": TRADES_MAX}
        if since.trade_id:
            params["fromId"] = since.trade_id
        else:
            params["startTime"] = since.time_ns // 1_000_000
        return Request(method="privateGetMyTrades", params=params, weight=20)

    def traded(self, instrument: Instrument, data: Any, now_ns: int) -> Sequence[Traded]:
        """The client id is not told; it is filled in by whoever knows it."""
        symbol = venue_symbol(instrument)
        return [
            Traded(
                venue_order_id=str(row["orderId"]),
                trade_id=int(row["id"]),
                fill=Fill(
                    fill_id=fill_id(symbol, row["id"], row["orderId"]),
                    client_order_id=ClientOrderId(""),
                    instrument_id=instrument.id,
                    side=Side.BUY if row["isBuyer"] else Side.SELL,
                    quantity=amount(row["qty"]),
                    price=amount(row["price"]),
                    fee=amount(row["commission"]),
                    fee_asset=Asset(row["commissionAsset"]),
                    maker=bool(row["isMaker"]),
                    venue_time_ns=time_ns(row["time"], now_ns),
                    received_time_ns=now_ns,
                ),
            )
            for row in data
        ]

    def payments(self, since_ns: int) -> Sequence[Request]:
        """Nobody pays funding on spot."""
        return ()

    def paid(self, answers: Sequence[Any], now_ns: int) -> Sequence[FundingPaid]:
        """Nothing."""
        return ()

    def wallet(self) -> Sequence[Request]:
        """The account."""
        return (self._account(),)

    def wallet_of(self, answers: Sequence[Any]) -> Wallet:
        """Free and locked."""
        totals, free = {}, {}
        for row in answers[0]["balances"]:
            total = amount(row["free"]) + amount(row["locked"])
            if total > ZERO:
                totals[Asset(row["asset"])] = total
                free[Asset(row["asset"])] = amount(row["free"])
        return Wallet(totals=totals, free=free)

    def listing(self) -> Request:
        """Every market's filters."""
        return Request(method="publicGetExchangeInfo", params={}, weight=20)

    def listed(self, data: Any) -> Sequence[Instrument]:
        """Ours, and which of them know a stop at market."""
        rows = {row["symbol"]: row for row in data["symbols"] if row["symbol"] in self._by_symbol}
        self._market_stops = frozenset(
            symbol for symbol, row in rows.items() if PLAIN_STOP in row.get("orderTypes", ())
        )
        return [refiltered(self._by_symbol[symbol], row) for symbol, row in rows.items()]

    def updates(self, message: Any, now_ns: int) -> Sequence[Update]:
        """One event of the user stream."""
        return spot_updates(message, self._by_symbol, now_ns)

    def _type(self, order: ApprovedOrder) -> str:
        if order.order_type is OrderType.LIMIT and order.post_only:
            return "LIMIT_MAKER"
        word = OWN_WORD[order.order_type]
        symbol = venue_symbol(self._instruments[order.instrument_id])
        if word == PLAIN_STOP and symbol not in self._market_stops:
            return "STOP_LOSS_LIMIT"
        return word

    def _own(self, order: ApprovedOrder) -> dict[str, Any]:
        instrument = self._instruments[order.instrument_id]
        return {
            "symbol": venue_symbol(instrument),
            "origClientOrderId": order.client_order_id,
        }

    def _said(self, row: Mapping[str, Any], now_ns: int) -> Said:
        instrument = self._by_symbol[row["symbol"]]
        told: VenueOrder = venue_order(row, instrument.id, NAMES)
        when = row.get("transactTime") or row.get("updateTime") or row.get("time")
        at_ns = time_ns(when, now_ns)
        fills = tuple(
            Fill(
                fill_id=fill_id(row["symbol"], part["tradeId"], row["orderId"]),
                client_order_id=told.client_order_id,
                instrument_id=instrument.id,
                side=Side(str(row["side"]).lower()),
                quantity=amount(part["qty"]),
                price=amount(part["price"]),
                fee=amount(part["commission"]),
                fee_asset=Asset(part["commissionAsset"]),
                maker=False,
                venue_time_ns=at_ns,
                received_time_ns=now_ns,
            )
            for part in row.get("fills", ())
        )
        return Said(order=told, venue_time_ns=at_ns, fills=fills)

    def _account(self) -> Request:
        params = {"omitZeroBalances": "true"}
        return Request(method="privateGetAccount", params=params, weight=20)
