"""Binance's user streams, event by event, as updates."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from msgspec.structs import replace

from tradewinds.gateways.binance_rows import WAITING
from tradewinds.gateways.ccxt_quirks import venue_initiated
from tradewinds.gateways.ccxt_translate import (
    above_zero,
    amount,
    fill_id,
    side_of,
    time_ns,
    venue_order,
)
from tradewinds.gateways.dialect import Ending, Named, Retuned, Said, Stirred, Update
from tradewinds.model.decimals import ZERO
from tradewinds.model.events import FundingPaid, VenueOrder
from tradewinds.model.ids import Asset
from tradewinds.model.instrument import Instrument
from tradewinds.model.order import Fill, OrderStatus

HOUR_NS: Final = 3_600_000_000_000
BySymbol = Mapping[str, Instrument]
ENDINGS: Final = frozenset({"eventStreamTerminated", "serverShutdown", "listenKeyExpired"})
STIRRING: Final = frozenset({"balanceUpdate", "externalLockUpdate", "MARGIN_CALL"})


def spot_updates(message: Any, markets: BySymbol, now_ns: int) -> Sequence[Update]:
    """One message of the WebSocket API; answers to our own requests say nothing here."""
    event = message.get("event", message)
    kind = event.get("e")
    if kind == "executionReport":
        return _said(event, markets, now_ns, canceled_name="C")
    return _shared(kind)


def usdm_updates(message: Any, markets: BySymbol, now_ns: int) -> Sequence[Update]:
    """One message of the futures user stream."""
    kind = message.get("e")
    if kind == "ORDER_TRADE_UPDATE":
        event = {**message["o"], "T": message["o"].get("T") or message.get("T")}
        return _said(event, markets, now_ns, canceled_name="")
    if kind == "ALGO_UPDATE":
        return _algo(message, markets, now_ns)
    if kind == "ACCOUNT_UPDATE":
        return _account(message, markets, now_ns)
    if kind == "ACCOUNT_CONFIG_UPDATE":
        return _settings(message, markets)
    return _shared(kind)


def algo_order(
    row: Mapping[str, Any], instrument: Instrument, names: Mapping[str, str]
) -> tuple[VenueOrder, Named | None]:
    """A conditional order. Once it has triggered, what became of it is its child's to tell."""
    fields = (names["client"], names["venue"], names["status"], names["filled"])
    told = venue_order(row, instrument.id, fields)
    # The algo service numbers on its own: the same number may be an order in the book.
    told = replace(told, venue_order_id=f"algo-{told.venue_order_id}")
    child = str(row.get(names["child"]) or "")
    named = None
    if child.strip("0"):
        named = Named(client_order_id=told.client_order_id, venue_order_id=child)
    return told, named


STREAM_NAMES: Final = {
    "client": "caid",
    "venue": "aid",
    "status": "X",
    "filled": "aq",
    "child": "ai",
}


def _algo(message: Any, markets: BySymbol, now_ns: int) -> Sequence[Update]:
    row = message["o"]
    instrument = markets.get(row["s"])
    if instrument is None:
        return ()
    told, named = algo_order(row, instrument, STREAM_NAMES)
    updates: list[Update] = [] if named is None else [named]
    if told.status is not OrderStatus.UNKNOWN:
        at_ns = time_ns(message.get("T"), now_ns)
        updates.append(Said(order=told, venue_time_ns=at_ns))
    return updates


def _said(
    event: Mapping[str, Any], markets: BySymbol, now_ns: int, *, canceled_name: str
) -> Sequence[Update]:
    instrument = markets.get(event["s"])
    if instrument is None:
        return (Stirred(reason=f"an order in {event['s']}, which is not ours"),)
    # A canceled spot order is reported under the cancel's own id; C is the order's.
    name = event.get(canceled_name) or event["c"]
    told = venue_order({**event, "name": name}, instrument.id, ("name", "i", "X", "z"))
    at_ns = time_ns(event.get("T"), now_ns)
    traded = event.get("x") in ("TRADE", "CALCULATED") and amount(event["l"]) > ZERO
    fills = (_fill(event, told, instrument, (at_ns, now_ns)),) if traded else ()
    waiting = event["X"] == WAITING
    return (Said(order=told, venue_time_ns=at_ns, fills=fills, waiting=waiting),)


def _fill(
    event: Mapping[str, Any], told: VenueOrder, instrument: Instrument, times: tuple[int, int]
) -> Fill:
    fee_asset = event.get("N")
    return Fill(
        fill_id=fill_id(event["s"], event["t"], event["i"]),
        client_order_id=told.client_order_id,
        instrument_id=instrument.id,
        side=side_of(event["S"]),
        quantity=above_zero(event["l"]),
        price=above_zero(event["L"]),
        fee=amount(event.get("n") or "0"),
        fee_asset=Asset(fee_asset) if fee_asset else instrument.settle,
        maker=bool(event.get("m", False)),
        venue_time_ns=times[0],
        received_time_ns=times[1],
        venue_initiated=venue_initiated(told.client_order_id),
    )


def _account(message: Any, markets: BySymbol, now_ns: int) -> Sequence[Update]:
    account = message["a"]
    reason = account.get("m", "")
    if reason == "ORDER":
        return ()
    if reason == "MARGIN_TYPE_CHANGE":
        return _margin_modes(account, markets)
    if reason != "FUNDING_FEE":
        return (Stirred(reason=f"the account changed: {reason}"),)
    positions = [row["s"] for row in account.get("P", ()) if row["s"] in markets]
    changes = [row for row in account.get("B", ()) if amount(row.get("bc") or "0")]
    if len(positions) != 1 or len(changes) != 1:
        return (Stirred(reason="funding of more than one position"),)
    at_ns = time_ns(message.get("T"), now_ns)
    symbol, change = positions[0], changes[0]
    return (funding(markets[symbol], (change["a"], amount(change["bc"])), at_ns, now_ns),)


def _settings(message: Any, markets: BySymbol) -> Sequence[Update]:
    """Leverage of one market, or the mode of the account."""
    row = message.get("ac")
    if row is None:
        return (Retuned(reason="the account's mode was changed"),)
    instrument = markets.get(row["s"])
    if instrument is None:
        return ()
    leverage = above_zero(row["l"])
    reason = f"leverage was set to {leverage:f} outside"
    return (Retuned(reason=reason, instrument_id=instrument.id, leverage=leverage),)


def _margin_modes(account: Mapping[str, Any], markets: BySymbol) -> Sequence[Update]:
    return [
        Retuned(
            reason="the margin mode was changed outside",
            instrument_id=markets[row["s"]].id,
            isolated=row.get("mt") == "isolated",
        )
        for row in account.get("P", ())
        if row["s"] in markets
    ]


def funding(
    instrument: Instrument, moved: tuple[str, Decimal], at_ns: int, now_ns: int
) -> FundingPaid:
    """Named by market and hour, so that stream and query mean the same payment."""
    return FundingPaid(
        funding_id=f"funding-{instrument.id}-{at_ns // HOUR_NS}",
        instrument_id=instrument.id,
        asset=Asset(moved[0]),
        amount=moved[1],
        venue_time_ns=at_ns,
        received_time_ns=now_ns,
    )


def clearance(
    instrument: Instrument, moved: tuple[str, Decimal], at_ns: int, now_ns: int
) -> FundingPaid:
    """A liquidation's fee: a cost of holding the position, booked where funding is."""
    paid = funding(instrument, moved, at_ns, now_ns)
    return replace(paid, funding_id=f"clearance-{instrument.id}-{at_ns}")


def _shared(kind: object) -> Sequence[Update]:
    if kind in ENDINGS:
        return (Ending(reason=str(kind)),)
    if kind in STIRRING:
        return (Stirred(reason=str(kind)),)
    return ()
