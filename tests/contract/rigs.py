"""The same words for a simulated and a live venue: an order, a price, what was told and held."""

import itertools
import time
from decimal import Decimal
from typing import Any, Protocol

from msgspec.structs import replace

from tradewinds.model import events as ev
from tradewinds.model.commands import CancelOrder, SubmitOrder
from tradewinds.model.ids import Asset, ClientOrderId, InstrumentId, StrategyId, TradeId, Venue
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.market import Quote, Side
from tradewinds.model.order import (
    ApprovedOrder,
    Order,
    OrderStatus,
    OrderType,
    Purpose,
    TimeInForce,
)
from tradewinds.sim.settings import SimSettings
from tradewinds.sim.venue import SimVenue

SECOND = 1_000_000_000
BTC, USDT = Asset("BTC"), Asset("USDT")
D = Decimal
WORDS = {
    ev.OrderAccepted: "accepted",
    ev.OrderRejected: "rejected",
    ev.OrderFilled: "filled",
    ev.OrderCanceled: "canceled",
    ev.OrderExpired: "expired",
    ev.CancelRejected: "cancel rejected",
    ev.OrderOutcomeUnknown: "unknown",
}
ENDS = {"rejected", "canceled", "expired"}


def spot_instrument() -> Instrument:
    """BTC/USDT as the practice venue lists it."""
    return Instrument(
        id=InstrumentId("BTC/USDT@binance"),
        symbol="BTC/USDT",
        venue=Venue("binance"),
        kind=InstrumentKind.SPOT,
        base=BTC,
        quote=USDT,
        settle=USDT,
        tick_size=D("0.01"),
        lot_size=D("0.00001"),
        min_quantity=D("0.00001"),
        max_quantity=D(9_000),
        min_notional=D(5),
        maker_fee=D("0.001"),
        taker_fee=D("0.001"),
        fee_in_received_asset=True,
    )


def perpetual_instrument() -> Instrument:
    """BTC/USDT:USDT as the practice venue lists it."""
    return Instrument(
        id=InstrumentId("BTC/USDT:USDT@binance"),
        symbol="BTC/USDT:USDT",
        venue=Venue("binance"),
        kind=InstrumentKind.PERPETUAL,
        base=BTC,
        quote=USDT,
        settle=USDT,
        tick_size=D("0.10"),
        lot_size=D("0.001"),
        min_quantity=D("0.001"),
        max_quantity=D(1_000),
        min_notional=D(100),
        maker_fee=D("0.0002"),
        taker_fee=D("0.0005"),
        leverage_max=D(20),
    )


class Rig(Protocol):
    """What the contract needs of a venue."""

    instrument: Instrument
    log: list[Any]

    def quote(self, bid: Any, ask: Any, size: Any = 100) -> None: ...
    def submit(self, order: ApprovedOrder) -> None: ...
    def cancel(self, order_id: ClientOrderId) -> None: ...
    def settle(self) -> None: ...
    def held(self) -> Decimal: ...
    def standing(self) -> list[str]: ...
    def close(self) -> None: ...


class Told:
    """Reading of a rig's log."""

    log: list[Any]

    def story(self, order_id: str) -> list[str]:
        """What was said of an order, in order."""
        return [WORDS[type(r)] for r in self.log if type(r) in WORDS and _id(r) == order_id]

    def fills(self, order_id: str | None = None) -> list[ev.OrderFilled]:
        fills = [r for r in self.log if isinstance(r, ev.OrderFilled)]
        return [r for r in fills if order_id in (None, r.fill.client_order_id)]

    def filled(self, order_id: str) -> Decimal:
        return sum((r.fill.quantity for r in self.fills(order_id)), D(0))

    def of(self, kind: type) -> list[Any]:
        return [r for r in self.log if isinstance(r, kind)]

    def reason(self, order_id: str) -> str:
        """Of the last report that has one."""
        told = [r for r in self.log if type(r) in WORDS and _id(r) == order_id]
        return next((r.reason for r in reversed(told) if hasattr(r, "reason")), "")


def _id(report: Any) -> str:
    fill = getattr(report, "fill", None)
    return report.client_order_id if fill is None else fill.client_order_id


class Trader(Told):
    """Orders in one line."""

    instrument: Instrument
    pairs = True
    """Whether a stop and a target for the same thing can both rest."""

    def __init__(self) -> None:
        self.log = []
        self._numbers = itertools.count(1)

    def order(self, side: str, kind: str, quantity: Any, **fields: Any) -> ClientOrderId:
        made = self.make(side, kind, quantity, **fields)
        self.submit(made)  # type: ignore[attr-defined]
        return made.client_order_id

    def make(self, side: str, kind: str, quantity: Any, **fields: Any) -> ApprovedOrder:
        """Numbers may be given as such. A sell closes unless told otherwise."""
        name = ClientOrderId(fields.pop("name", f"tw-run-{next(self._numbers)}"))
        for key in ("price", "trigger_price", "leverage"):
            if key in fields:
                fields[key] = D(str(fields[key]))
        purpose = Purpose.ENTER if side == "buy" else Purpose.EXIT
        if "tif" in fields:
            fields["time_in_force"] = TimeInForce(fields.pop("tif"))
        return ApprovedOrder(
            client_order_id=name,
            trade_id=TradeId("t"),
            strategy_id=StrategyId("s"),
            instrument_id=self.instrument.id,
            side=Side(side),
            order_type=OrderType(kind),
            quantity=D(str(quantity)),
            purpose=Purpose(fields.pop("purpose", purpose)),
            decision_price=D(20_000),
            worst_loss=D(0),
            **fields,
        )

    def buy(self, kind: str, quantity: Any, **fields: Any) -> ClientOrderId:
        return self.order("buy", kind, quantity, **fields)

    def sell(self, kind: str, quantity: Any, **fields: Any) -> ClientOrderId:
        if self.instrument.kind is InstrumentKind.PERPETUAL:
            fields.setdefault("reduce_only", True)
        return self.order("sell", kind, quantity, **fields)

    def stop(self, quantity: Any, trigger: Any, **fields: Any) -> ClientOrderId:
        fields.setdefault("purpose", "stop")
        return self.sell("stop_market", quantity, trigger_price=trigger, **fields)

    def bracket(
        self, quantity: Any, stop: Any, target: Any = None, **entry: Any
    ) -> list[ClientOrderId]:
        """An entry with its ways out, sent in the same breath; legs for what the fee leaves."""
        buy = self.make("buy", "limit", quantity, **entry)
        buy = replace(buy, bracket=buy.client_order_id)
        kept = self.instrument.quantity_down(buy.quantity * D("0.999"))
        pair = f"{buy.client_order_id}-p" if target is not None else ""
        more: dict[str, Any] = {"bracket": buy.client_order_id, "oco_group": pair}
        orders = [
            buy,
            self.make("sell", "stop_market", kept, trigger_price=stop, purpose="stop", **more),
        ]
        if target is not None:
            orders.append(self.make("sell", "limit", kept, price=target, purpose="target", **more))
        for order in orders:
            self.submit(order)  # type: ignore[attr-defined]
        return [order.client_order_id for order in orders]

    def target(self, quantity: Any, price: Any, **fields: Any) -> ClientOrderId:
        return self.sell("limit", quantity, price=price, purpose="target", **fields)


class SimRig(Trader):
    """The simulated venue, without latency."""

    def __init__(self, instrument: Instrument, balances: dict[Asset, Decimal]) -> None:
        super().__init__()
        self.instrument = instrument
        settings = SimSettings(latency_ns=0, reject_immediate_trigger=True)
        self.venue = SimVenue([instrument], balances, settings)
        self.now = 1_700_000_000 * SECOND
        self._last = (D(19_999), D(20_001), D(100))

    def quote(self, bid: Any, ask: Any, size: Any = 100) -> None:
        self._last = (D(str(bid)), D(str(ask)), D(str(size)))
        self._show()

    def _show(self) -> None:
        self.now += SECOND
        bid, ask, size = (float(number) for number in self._last)
        quote = Quote(
            instrument_id=self.instrument.id,
            bid=bid,
            ask=ask,
            bid_size=size,
            ask_size=size,
            venue_time_ns=self.now,
            received_time_ns=self.now,
        )
        for batch in self.venue.stages(quote):
            self.log.extend(batch)

    def submit(self, order: ApprovedOrder) -> None:
        self.venue.submit(SubmitOrder(order=order, time_ns=self.now, cause=0))

    def cancel(self, order_id: ClientOrderId) -> None:
        self.venue.cancel(
            CancelOrder(
                client_order_id=order_id,
                instrument_id=self.instrument.id,
                time_ns=self.now,
                cause=0,
            )
        )

    def settle(self) -> None:
        self.now += SECOND
        self.log.extend(self.venue.due(self.now))

    def held(self) -> Decimal:
        if self.instrument.kind is InstrumentKind.SPOT:
            return self.venue.balances.get(BTC, D(0))
        position = self.venue.positions.get(self.instrument.id)
        return D(0) if position is None else position.quantity

    def standing(self) -> list[str]:
        return [order.client_order_id for order in self.venue.working_orders()]

    def close(self) -> None:
        """Nothing is open."""


def unknown_order(approved: ApprovedOrder, **fields: Any) -> Order:
    """As an engine remembers it after a restart."""
    now = time.time_ns() - 60 * SECOND
    values = {
        "status": OrderStatus.UNKNOWN,
        "filled_quantity": D(0),
        "average_price": D(0),
        "submitted_time_ns": now,
        "updated_time_ns": now,
    }
    return Order(approved=approved, **{**values, **fields})
