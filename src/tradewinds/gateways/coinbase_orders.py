"""Coinbase Advanced Trade spot: orders that carry our ids, stops that point the right way."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from msgspec.structs import replace

from tradewinds.gateways.ccxt_orders import Request
from tradewinds.gateways.ccxt_quirks import COINBASE_QUIRKS, Quirks
from tradewinds.gateways.ccxt_translate import (
    above_zero,
    amount,
    closing,
    side_of,
    stop_limit,
    text,
)
from tradewinds.gateways.ccxt_translate import side_word as word
from tradewinds.gateways.coinbase_previews import objections, stop_preview
from tradewinds.gateways.coinbase_user_events import (
    Sequences,
    iso_ns,
    product_id,
    user_updates,
    venue_order_of,
)
from tradewinds.gateways.dialect import Ending, Named, Said, Since, Traded, Update, Wallet
from tradewinds.model.decimals import ONE, ZERO, ceil_to_step, floor_to_step
from tradewinds.model.events import FundingPaid
from tradewinds.model.ids import Asset, ClientOrderId, FillId, InstrumentId
from tradewinds.model.instrument import Instrument, InstrumentStatus
from tradewinds.model.market import Side
from tradewinds.model.order import ApprovedOrder, Fill, OrderType, TimeInForce

MARKET_BAND: Final = Decimal("0.02")
"""A purchase at market names a sum of money there; ours name a quantity, so it is a limit order
this far beyond the price it was decided at."""
PAGE: Final = 250
MS_BACK: Final = 1_000
TAKE_PROFITS: Final = frozenset({OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT})
log = logging.getLogger(__name__)
UP, DOWN = "STOP_DIRECTION_STOP_UP", "STOP_DIRECTION_STOP_DOWN"


class CoinbaseDialect:
    """Implements `dialect.Dialect`. The venue holds what a resting order sells, so a stop and a
    target for the same asset cannot both rest: the stop does, the target is refused."""

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        """Spot instruments of Coinbase."""
        self._instruments = {i.id: i for i in instruments}
        self._by_product = {product_id(i): i for i in self._instruments.values()}
        self._unprotected: dict[InstrumentId, str] = {}
        self._standing: dict[ClientOrderId, str] = {}
        self._sequences = Sequences()

    @property
    def quirks(self) -> Quirks:
        """Coinbase's."""
        return COINBASE_QUIRKS

    @property
    def instruments(self) -> Mapping[InstrumentId, Instrument]:
        """By id."""
        return self._instruments

    def update(self, instrument: Instrument) -> None:
        """New filters."""
        self._instruments[instrument.id] = instrument
        self._by_product[product_id(instrument)] = instrument

    def checks(self) -> Sequence[Request]:
        """What the key may do, and whether each market takes a resting stop from it."""
        rights = Request(method="v3PrivateGetBrokerageKeyPermissions", params={})
        return (rights, *(stop_preview(each) for each in self._instruments.values()))

    def flaw(self, answers: Sequence[Any]) -> str:
        """It must be allowed to trade. A market without stops can only be closed; without any
        other there is nothing to trade."""
        if not answers[0].get("can_trade"):
            return "this key may not trade"
        told = zip(self._instruments, answers[1:], strict=True)
        found = {id_: ", ".join(objections(answer)) for id_, answer in told}
        self._unprotected = {id_: why for id_, why in found.items() if why}
        for id_, why in self._unprotected.items():
            log.warning("stops_not_taken instrument=%s reason=%s", id_, why)
        if len(self._unprotected) < len(self._instruments):
            return ""
        why = next(iter(self._unprotected.values()), "no market")
        return f"coinbase takes no resting stop from this account ({why}): nothing would protect it"

    def preparations(self, instrument: Instrument, leverage: Decimal) -> Sequence[Request]:
        """None on spot."""
        return ()

    def place(self, order: ApprovedOrder, quantity: Decimal) -> Request:
        """The raw `client_order_id`: ccxt drops its own word for it and sends an id by dice."""
        params = {
            "client_order_id": order.client_order_id,
            "product_id": product_id(self._instruments[order.instrument_id]),
            "side": word(order.side),
            "order_configuration": self._configuration(order, text(quantity)),
        }
        return Request(
            method="v3PrivatePostBrokerageOrders",
            params=params,
            order=True,
            closing=closing(order),
        )

    def preview(self, order: ApprovedOrder, quantity: Decimal) -> Request:
        """Whether the venue would take such an order here, without placing it."""
        params = dict(self.place(order, quantity).params)
        del params["client_order_id"]
        return Request(method="v3PrivatePostBrokerageOrdersPreview", params=params)

    def place_pair(
        self, stop: ApprovedOrder, target: ApprovedOrder, quantity: Decimal
    ) -> Request | None:
        """There is no list of two orders with two names."""
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
        """The answer has ids and nothing else."""
        told = data["success_response"]
        row = {**told, "status": "PENDING", "filled_size": "0"}
        order = venue_order_of(row, orders[0].instrument_id, "filled_size")
        named = replace(order, client_order_id=orders[0].client_order_id)
        return [Said(order=named, venue_time_ns=now_ns)]

    def cancel(self, order: ApprovedOrder, venue_order_id: str) -> Request:
        """By the venue's id only."""
        return self._cancel(venue_order_id)

    def cancel_stranger(self, instrument: Instrument, order_id: ClientOrderId) -> Sequence[Request]:
        """By the venue's id, which the last reading of what stands has told with our name."""
        known = self._standing.get(order_id)
        return () if known is None else (self._cancel(known),)

    def canceled(self, order: ApprovedOrder, data: Any, now_ns: int) -> Sequence[Said]:
        """Queued at best: the stream tells the end. Raises ValueError when it was not taken."""
        results = data["results"]
        if not results or not all(row.get("success") for row in results):
            raise ValueError(f"not canceled: {results!r}")
        return ()

    def query(self, order: ApprovedOrder) -> Request:
        """The venue cannot be asked by our id; ours is looked for in its list."""
        params = {
            "product_ids": [product_id(self._instruments[order.instrument_id])],
            "limit": PAGE,
        }
        return Request(
            method="v3PrivateGetBrokerageOrdersHistoricalBatch",
            params=params,
            closing=closing(order),
        )

    def queried(
        self, order: ApprovedOrder, data: Any, now_ns: int
    ) -> tuple[Said | None, Named | None]:
        """Newest first, so that a page holds all that can be ours and unsettled."""
        for row in (data["order"],) if "order" in data else data["orders"]:
            if row["client_order_id"] == order.client_order_id:
                return self._said(row, now_ns), None
        return None, None

    def name_query(self, instrument: Instrument, venue_order_id: str) -> Request:
        """By the venue's id."""
        return Request(
            method="v3PrivateGetBrokerageOrdersHistoricalOrderId",
            params={"order_id": venue_order_id},
        )

    def named(self, data: Any) -> ClientOrderId:
        """The client id of a queried order."""
        return ClientOrderId(str(data["order"]["client_order_id"]))

    def open_orders(self) -> Sequence[Request]:
        """OPEN leaves out what is queued or pending: each is asked for."""
        return tuple(
            Request(
                method="v3PrivateGetBrokerageOrdersHistoricalBatch",
                params={"order_status": [status], "limit": PAGE},
            )
            for status in ("OPEN", "PENDING", "QUEUED")
        )

    def opened(self, answers: Sequence[Any], now_ns: int) -> Sequence[Said]:
        """Those of products that we know."""
        rows = [row for answer in answers for row in answer["orders"]]
        self._standing = {ClientOrderId(row["client_order_id"]): row["order_id"] for row in rows}
        return [self._said(row, now_ns) for row in rows if row["product_id"] in self._by_product]

    def latest(self) -> Sequence[Request]:
        """Whatever their status, the newest first."""
        params = {"limit": PAGE}
        return (Request(method="v3PrivateGetBrokerageOrdersHistoricalBatch", params=params),)

    def placed_after(self, answers: Sequence[Any], since_ns: int) -> Sequence[ClientOrderId]:
        """By name."""
        rows = [row for answer in answers for row in answer["orders"]]
        return [
            ClientOrderId(row["client_order_id"])
            for row in rows
            if iso_ns(row.get("last_fill_time") or row["created_time"], 0) >= since_ns
        ]

    def trades(self, instrument: Instrument, since: Since) -> Request:
        """From a time on: trade ids have no order there."""
        start_ms = since.trade_id - MS_BACK if since.trade_id else since.time_ns // 1_000_000
        start = datetime.fromtimestamp(start_ms / 1_000, UTC).isoformat().replace("+00:00", "Z")
        params = {
            "product_ids": [product_id(instrument)],
            "start_sequence_timestamp": start,
            "limit": 1_000,
        }
        return Request(method="v3PrivateGetBrokerageOrdersHistoricalFills", params=params)

    def traded(self, instrument: Instrument, data: Any, now_ns: int) -> Sequence[Traded]:
        """The time in milliseconds stands for a trade id that can be counted on from."""
        rows = [row for row in data["fills"] if row["product_id"] == product_id(instrument)]
        return [self._traded(row, instrument, now_ns) for row in rows]

    def payments(self, since_ns: int) -> Sequence[Request]:
        """Nobody pays funding on spot."""
        return ()

    def paid(self, answers: Sequence[Any], now_ns: int) -> Sequence[FundingPaid]:
        """Nothing."""
        return ()

    def wallet(self) -> Sequence[Request]:
        """Accounts, one for each asset."""
        return (Request(method="v3PrivateGetBrokerageAccounts", params={"limit": PAGE}),)

    def wallet_of(self, answers: Sequence[Any]) -> Wallet:
        """Available and on hold. Raises ValueError when there are more than one page of them."""
        if answers[0].get("has_next"):
            raise ValueError("more accounts than one answer holds")
        totals: dict[Asset, Decimal] = {}
        free: dict[Asset, Decimal] = {}
        for row in answers[0]["accounts"]:
            available = amount(row["available_balance"]["value"])
            total = available + amount(row["hold"]["value"])
            if total > ZERO:
                asset = Asset(row["currency"])
                totals[asset] = totals.get(asset, ZERO) + total
                free[asset] = free.get(asset, ZERO) + available
        return Wallet(totals=totals, free=free)

    def listing(self) -> Request:
        """Every product's rules."""
        return Request(method="v3PublicGetBrokerageMarketProducts", params={})

    def listed(self, data: Any) -> Sequence[Instrument]:
        """Ours."""
        known = self._by_product
        rows = (row for row in data["products"] if row["product_id"] in known)
        found = [_refiltered(known[row["product_id"]], row) for row in rows]
        return [_only_closed(each) if each.id in self._unprotected else each for each in found]

    def updates(self, message: Any, now_ns: int) -> Sequence[Update]:
        """One message of the user's stream. One that is missing is made up for by a new
        connection, after which everything is read again."""
        found = user_updates(message, self._by_product, now_ns)
        if self._sequences.missed(message.get("sequence_num")):
            number = message["sequence_num"]
            return (*found, Ending(reason=f"a message before number {number} was lost"))
        return found

    def _cancel(self, venue_order_id: str) -> Request:
        return Request(
            method="v3PrivatePostBrokerageOrdersBatchCancel",
            params={"order_ids": [venue_order_id]},
            closing=True,
        )

    def _configuration(self, order: ApprovedOrder, size: str) -> dict[str, Any]:
        instrument = self._instruments[order.instrument_id]
        if order.trigger_price is not None:
            return {"stop_limit_stop_limit_gtc": self._stop(order, instrument, size)}
        if order.order_type is OrderType.MARKET and order.side is Side.SELL:
            return {"market_market_ioc": {"base_size": size}}
        if order.order_type is OrderType.MARKET:
            far = order.decision_price * (ONE + MARKET_BAND)
            price = text(ceil_to_step(far, instrument.tick_size))
            return {"sor_limit_ioc": {"base_size": size, "limit_price": price}}
        assert order.price is not None
        limits = {"base_size": size, "limit_price": text(order.price)}
        if order.time_in_force is TimeInForce.IOC:
            return {"sor_limit_ioc": limits}
        if order.time_in_force is TimeInForce.FOK:
            return {"limit_limit_fok": limits}
        return {"limit_limit_gtc": {**limits, "post_only": order.post_only}}

    def _stop(self, order: ApprovedOrder, instrument: Instrument, size: str) -> dict[str, Any]:
        """A protective sale waits below the price, a protective purchase above it."""
        assert order.trigger_price is not None
        selling = order.side is Side.SELL
        falls = selling is (order.order_type not in TAKE_PROFITS)
        return {
            "base_size": size,
            "limit_price": text(stop_limit(order, instrument)),
            "stop_price": text(order.trigger_price),
            "stop_direction": DOWN if falls else UP,
        }

    def _said(self, row: Mapping[str, Any], now_ns: int) -> Said:
        instrument = self._by_product[row["product_id"]]
        at_ns = iso_ns(row.get("last_fill_time") or row.get("created_time"), now_ns)
        order = venue_order_of(row, instrument.id, "filled_size")
        return Said(order=order, venue_time_ns=at_ns)

    def _traded(self, row: Mapping[str, Any], instrument: Instrument, now_ns: int) -> Traded:
        at_ns = iso_ns(row["trade_time"], now_ns)
        price, size = above_zero(row["price"]), above_zero(row["size"])
        if row.get("size_in_quote"):
            size = floor_to_step(size / price, instrument.lot_size)
        return Traded(
            venue_order_id=str(row["order_id"]),
            trade_id=at_ns // 1_000_000,
            fill=Fill(
                fill_id=FillId(f"{row['product_id']}-{row['trade_id']}-{row['order_id']}"),
                client_order_id=ClientOrderId(""),
                instrument_id=instrument.id,
                side=side_of(row["side"]),
                quantity=size,
                price=price,
                fee=amount(row["commission"]),
                fee_asset=instrument.quote,
                maker=row.get("liquidity_indicator") == "MAKER",
                venue_time_ns=at_ns,
                received_time_ns=now_ns,
            ),
        )


def _only_closed(instrument: Instrument) -> Instrument:
    """Nothing new where nothing would protect it."""
    if instrument.status is not InstrumentStatus.TRADING:
        return instrument
    return replace(instrument, status=InstrumentStatus.CLOSE_ONLY)


def _refiltered(instrument: Instrument, row: Mapping[str, Any]) -> Instrument:
    shut = row.get("trading_disabled") or row.get("is_disabled") or row.get("view_only")
    narrow = row.get("cancel_only") or row.get("limit_only") or row.get("post_only")
    status = InstrumentStatus.TRADING
    if shut:
        status = InstrumentStatus.HALTED
    elif narrow or row.get("status", "online") != "online":
        status = InstrumentStatus.CLOSE_ONLY
    return replace(
        instrument,
        tick_size=amount(row.get("price_increment") or row["quote_increment"]),
        lot_size=amount(row["base_increment"]),
        min_quantity=amount(row["base_min_size"]),
        max_quantity=amount(row["base_max_size"]),
        min_notional=amount(row["quote_min_size"]),
        status=status,
    )
