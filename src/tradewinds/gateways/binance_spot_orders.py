"""Binance spot: orders, order lists, and what is said about them."""

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
from tradewinds.gateways.binance_user_events import spot_updates
from tradewinds.gateways.ccxt_orders import CLOSE_WINDOW_MS, Request
from tradewinds.gateways.ccxt_quirks import SPOT_QUIRKS, Quirks
from tradewinds.gateways.ccxt_translate import (
    amount,
    by_symbol,
    closing,
    refiltered,
    side_word,
    stop_limit,
    text,
    venue_symbol,
    window_ms,
)
from tradewinds.gateways.dialect import Named, Said, Since, Traded, Update, Wallet
from tradewinds.model.decimals import ZERO
from tradewinds.model.events import FundingPaid
from tradewinds.model.ids import Asset, ClientOrderId, InstrumentId
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Side
from tradewinds.model.order import ApprovedOrder, OrderType

OWN_WORD: Final[Mapping[OrderType, str]] = {
    OrderType.MARKET: "MARKET",
    OrderType.LIMIT: "LIMIT",
    OrderType.STOP_MARKET: "STOP_LOSS",
    OrderType.STOP_LIMIT: "STOP_LOSS_LIMIT",
    OrderType.TAKE_PROFIT: "TAKE_PROFIT",
    OrderType.TAKE_PROFIT_LIMIT: "TAKE_PROFIT_LIMIT",
}
PLAIN_STOP: Final = "STOP_LOSS"
OPEN_ORDERS: Final = MappingProxyType({"privateGetOpenOrders": (6, 80)})


class SpotDialect:
    """Implements `dialect.Dialect`. A market that lists STOP_LOSS gets stops that sell at market;
    elsewhere they get a limit a band away from their trigger."""

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        """Spot instruments of Binance."""
        self._instruments = {i.id: i for i in instruments}
        self._by_symbol = by_symbol(self._instruments.values())
        self._market_stops: frozenset[str] = frozenset()
        self._listing: frozenset[str] = frozenset()
        self._unlisted: frozenset[str] = frozenset()

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

    def place_pair(
        self, stop: ApprovedOrder, target: ApprovedOrder, quantity: Decimal
    ) -> Request | None:
        """One list: whichever comes first cancels the other, at the venue."""
        params: dict[str, Any] = {
            "symbol": self._symbol(stop),
            "side": side_word(stop.side),
            "quantity": text(quantity),
            "listClientOrderId": f"{stop.client_order_id}-l",
            **self._either(stop, target, ""),
            "newOrderRespType": "FULL",
            "recvWindow": CLOSE_WINDOW_MS,
        }
        return Request(method="privatePostOrderListOco", params=params, order=True, closing=True)

    def place_bracket(
        self, entry: ApprovedOrder, stop: ApprovedOrder, target: ApprovedOrder | None
    ) -> Request | None:
        """OTOCO, or OTO without a target: armed by the venue once the entry has filled whole."""
        if self._symbol(entry) not in self._listing:
            return None
        assert entry.price is not None
        params: dict[str, Any] = {
            "symbol": self._symbol(entry),
            "listClientOrderId": f"{entry.client_order_id}-l",
            "workingType": self._type(entry),
            "workingSide": side_word(entry.side),
            "workingClientOrderId": entry.client_order_id,
            "workingPrice": text(entry.price),
            "workingQuantity": text(entry.quantity),
            "pendingSide": side_word(stop.side),
            "pendingQuantity": text(stop.quantity),
            "newOrderRespType": "FULL",
            "recvWindow": window_ms(entry),
        }
        if params["workingType"] == "LIMIT":
            params["workingTimeInForce"] = entry.time_in_force.value.upper()
        if target is None:
            params |= self._stop_leg(stop, "pending")
            return Request(method="privatePostOrderListOto", params=params, order=True)
        params |= self._either(stop, target, "pending")
        return Request(method="privatePostOrderListOtoco", params=params, order=True)

    def brackets(self) -> frozenset[InstrumentId]:
        """Of markets that list both OTO and OCO."""
        return frozenset(self._by_symbol[symbol].id for symbol in self._listing)

    def lose_brackets(self, instrument_id: InstrumentId) -> None:
        """The venue has refused one here whatever its listing says."""
        self._unlisted |= {venue_symbol(self._instruments[instrument_id])}
        self._listing -= self._unlisted

    def placed(self, orders: Sequence[ApprovedOrder], data: Any, now_ns: int) -> Sequence[Said]:
        """A FULL answer brings the executions with it."""
        reports = data.get("orderReports", (data,))
        return [said_of(report, self._by_symbol, now_ns) for report in reports]

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
        named = ({**row, "clientOrderId": row["origClientOrderId"]} for row in rows)
        return [said_of(row, self._by_symbol, now_ns) for row in named]

    def query(self, order: ApprovedOrder) -> Request:
        """By our id."""
        return Request(
            method="privateGetOrder", params=self._own(order), weight=4, closing=closing(order)
        )

    def queried(self, order: ApprovedOrder, data: Any, now_ns: int) -> tuple[Said, Named | None]:
        """Executions are asked for separately."""
        return said_of(data, self._by_symbol, now_ns), None

    def name_query(self, instrument: Instrument, venue_order_id: str) -> Request:
        """By the venue's id."""
        return name_request("privateGetOrder", 4, instrument, venue_order_id)

    def named(self, data: Any) -> ClientOrderId:
        """The client id of a queried order."""
        return named_by(data)

    def open_orders(self) -> Sequence[Request]:
        """Market by market where that costs less than all at once."""
        return open_requests(OPEN_ORDERS, tuple(self._by_symbol))

    def opened(self, answers: Sequence[Any], now_ns: int) -> Sequence[Said]:
        """Orders in markets that we do not know are not ours to judge."""
        known = self._by_symbol
        rows = (row for answer in answers for row in answer if row["symbol"] in known)
        return [said_of(row, known, now_ns) for row in rows]

    def latest(self) -> Sequence[Request]:
        """Market by market."""
        return latest_requests("privateGetAllOrders", 20, tuple(self._by_symbol))

    def placed_after(self, answers: Sequence[Any], since_ns: int) -> Sequence[ClientOrderId]:
        """By name."""
        return placed_after(answers, since_ns)

    def trades(self, instrument: Instrument, since: Since) -> Request:
        """From an id on, or from a time on."""
        return trades_request("privateGetMyTrades", 20, instrument, since)

    def traded(self, instrument: Instrument, data: Any, now_ns: int) -> Sequence[Traded]:
        """The client id is not told; it is filled in by whoever knows it."""
        return traded_rows(instrument, data, now_ns)

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
        """Ours, which of them know a stop at market, and which take an entry with its stop."""
        rows = {row["symbol"]: row for row in data["symbols"] if row["symbol"] in self._by_symbol}
        self._listing = frozenset(
            symbol
            for symbol, row in rows.items()
            if row.get("otoAllowed") is True and row.get("ocoAllowed") is True
        )
        self._listing -= self._unlisted
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
        if word == PLAIN_STOP and self._symbol(order) not in self._market_stops:
            return "STOP_LOSS_LIMIT"
        return word

    def _either(self, stop: ApprovedOrder, target: ApprovedOrder, prefix: str) -> dict[str, Any]:
        """The two legs that exclude each other, above and below the price."""
        assert target.price is not None
        selling = stop.side is Side.SELL
        for_stop, for_target = ("below", "above") if selling else ("above", "below")
        if prefix:
            for_stop = f"{prefix}{for_stop.capitalize()}"
            for_target = f"{prefix}{for_target.capitalize()}"
        return {
            f"{for_target}Type": "LIMIT_MAKER",
            f"{for_target}ClientOrderId": target.client_order_id,
            f"{for_target}Price": text(target.price),
            **self._stop_leg(stop, for_stop),
        }

    def _stop_leg(self, stop: ApprovedOrder, name: str) -> dict[str, Any]:
        assert stop.trigger_price is not None
        leg: dict[str, Any] = {
            f"{name}Type": self._type(stop),
            f"{name}ClientOrderId": stop.client_order_id,
            f"{name}StopPrice": text(stop.trigger_price),
        }
        if leg[f"{name}Type"] != PLAIN_STOP:
            worst = stop_limit(stop, self._instruments[stop.instrument_id])
            leg |= {f"{name}Price": text(worst), f"{name}TimeInForce": "GTC"}
        return leg

    def _symbol(self, order: ApprovedOrder) -> str:
        return venue_symbol(self._instruments[order.instrument_id])

    def _own(self, order: ApprovedOrder) -> dict[str, Any]:
        return own(order, self._instruments[order.instrument_id])

    def _account(self) -> Request:
        params = {"omitZeroBalances": "true"}
        return Request(method="privateGetAccount", params=params, weight=20)
