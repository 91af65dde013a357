"""What Binance's spot and futures answers have in common, read in one place."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tradewinds.gateways.ccxt_orders import NS_PER_MS, Request
from tradewinds.gateways.ccxt_translate import (
    above_zero,
    amount,
    fill_id,
    side_of,
    time_ns,
    venue_order,
    venue_symbol,
)
from tradewinds.gateways.dialect import Said, Since, Traded
from tradewinds.model.ids import Asset, ClientOrderId
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Side
from tradewinds.model.order import ApprovedOrder, Fill

NAMES: Final = ("clientOrderId", "orderId", "status", "executedQty")
TIMES: Final = ("transactTime", "updateTime", "time")
ORDERS_MAX: Final = 1_000
TRADES_MAX: Final = 1_000
WAITING: Final = "PENDING_NEW"
"""A leg of a list whose entry has not filled yet: it is there, but not in the book."""
BySymbol = Mapping[str, Instrument]


def said_of(row: Mapping[str, Any], markets: BySymbol, now_ns: int) -> Said:
    """An order as a row of any answer tells it; executions only where the answer has them."""
    instrument = markets[row["symbol"]]
    order = venue_order(row, instrument.id, NAMES)
    when = next((row[name] for name in TIMES if row.get(name)), None)
    at_ns = time_ns(when, now_ns)
    fills = tuple(
        Fill(
            fill_id=fill_id(row["symbol"], part["tradeId"], row["orderId"]),
            client_order_id=order.client_order_id,
            instrument_id=instrument.id,
            side=side_of(row["side"]),
            quantity=above_zero(part["qty"]),
            price=above_zero(part["price"]),
            fee=amount(part["commission"]),
            fee_asset=Asset(part["commissionAsset"]),
            maker=False,
            venue_time_ns=at_ns,
            received_time_ns=now_ns,
        )
        for part in row.get("fills", ())
    )
    waiting = row.get("status") == WAITING
    return Said(order=order, venue_time_ns=at_ns, fills=fills, waiting=waiting)


def own(order: ApprovedOrder, instrument: Instrument) -> dict[str, Any]:
    """An order by our own id."""
    return {"symbol": venue_symbol(instrument), "origClientOrderId": order.client_order_id}


def named_by(data: Any) -> ClientOrderId:
    """The client id of a queried order."""
    return ClientOrderId(str(data["clientOrderId"]))


def name_request(method: str, weight: int, instrument: Instrument, venue_id: str) -> Request:
    """An order by the venue's id."""
    params = {"symbol": venue_symbol(instrument), "orderId": venue_id}
    return Request(method=method, params=params, weight=weight)


def trades_request(method: str, weight: int, instrument: Instrument, since: Since) -> Request:
    """Executions from an id on, or from a time on."""
    params: dict[str, Any] = {"symbol": venue_symbol(instrument), "limit": TRADES_MAX}
    if since.trade_id:
        params["fromId"] = since.trade_id
    else:
        params["startTime"] = since.time_ns // NS_PER_MS
    return Request(method=method, params=params, weight=weight)


def traded_rows(instrument: Instrument, rows: Any, now_ns: int) -> Sequence[Traded]:
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
                side=_side(row),
                quantity=above_zero(row["qty"]),
                price=above_zero(row["price"]),
                fee=amount(row["commission"]),
                fee_asset=Asset(row["commissionAsset"]),
                maker=bool(row["isMaker"] if "isMaker" in row else row["maker"]),
                venue_time_ns=time_ns(row["time"], now_ns),
                received_time_ns=now_ns,
            ),
        )
        for row in rows
    ]


def open_requests(
    methods: Mapping[str, tuple[int, int]], symbols: Sequence[str]
) -> Sequence[Request]:
    """Open orders: market by market while that is cheaper than all at once.

    `methods`: name to (weight of one market, weight of all of them).
    """
    requests: list[Request] = []
    for method, (of_one, of_all) in methods.items():
        if of_one * len(symbols) < of_all:
            requests += (
                Request(method=method, params={"symbol": symbol}, weight=of_one)
                for symbol in symbols
            )
        else:
            requests.append(Request(method=method, params={}, weight=of_all))
    return requests


def latest_requests(method: str, weight: int, symbols: Sequence[str]) -> Sequence[Request]:
    """Without a time the newest are told; with one, the oldest after it."""
    return tuple(
        Request(method=method, params={"symbol": symbol, "limit": ORDERS_MAX}, weight=weight)
        for symbol in symbols
    )


def placed_after(answers: Sequence[Any], since_ns: int) -> Sequence[ClientOrderId]:
    """What was placed, or last changed, since then."""
    rows = (row for answer in answers for row in answer)
    found = ((str(row["clientOrderId"]), int(row["updateTime"]) * NS_PER_MS) for row in rows)
    return [ClientOrderId(name) for name, at_ns in found if at_ns >= since_ns]


def _side(row: Mapping[str, Any]) -> Side:
    if "isBuyer" in row:
        return Side.BUY if row["isBuyer"] else Side.SELL
    return side_of(row["side"])
