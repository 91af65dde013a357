"""Wish, permitted, sent: OrderIntent, ApprovedOrder, Order; and what came of it."""

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from tradewinds.model.ids import Asset, ClientOrderId, FillId, InstrumentId, StrategyId, TradeId
from tradewinds.model.market import Side


class OrderType(StrEnum):
    """Stop types trigger against us, take-profit types in our favour."""

    MARKET = "market"
    LIMIT = "limit"
    STOP_MARKET = "stop_market"
    STOP_LIMIT = "stop_limit"
    TAKE_PROFIT = "take_profit"
    TAKE_PROFIT_LIMIT = "take_profit_limit"


class TimeInForce(StrEnum):
    """How long an order lives."""

    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"


class Purpose(StrEnum):
    """Why we send it. Only ENTER and LEG add risk."""

    ENTER = "enter"
    LEG = "leg"
    STOP = "stop"
    TARGET = "target"
    EXIT = "exit"
    UNWIND = "unwind"
    FLATTEN = "flatten"


class OrderStatus(StrEnum):
    """Life of an order. UNKNOWN stays in flight until a query settles it."""

    IN_FLIGHT = "in_flight"
    OPEN = "open"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class OrderIntent(Struct, frozen=True, kw_only=True, tag=True):
    """A sized wish to open or to add a leg. `price` is the worst price acceptable.

    `stop_price` None only for a leg, whose loss is bounded by `unwind_loss` instead
    (account currency, for the whole basket). `from_inventory`: a leg that may be paid with what the
    account holds and has allowed to be used.
    """

    strategy_id: StrategyId
    trade_id: TradeId
    instrument_id: InstrumentId
    side: Side
    quantity: Decimal
    price: Decimal
    purpose: Purpose
    decision_price: Decimal
    stop_price: Decimal | None = None
    target_price: Decimal | None = None
    unwind_loss: Decimal | None = None
    taking: bool = True
    from_inventory: bool = False


class ApprovedOrder(Struct, frozen=True, kw_only=True, tag=True):
    """Permitted by the gate. Quantities in base asset, prices in quote asset.

    `worst_loss` is what this order can cost in account currency until its trade is flat;
    0 for orders that only reduce. `bracket` names the entry whose request carries this order: at
    the venue it waits until that entry has filled whole. On such an entry it is its own id.
    """

    client_order_id: ClientOrderId
    trade_id: TradeId
    strategy_id: StrategyId
    instrument_id: InstrumentId
    side: Side
    order_type: OrderType
    quantity: Decimal
    purpose: Purpose
    decision_price: Decimal
    worst_loss: Decimal
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    reduce_only: bool = False
    oco_group: str = ""
    leverage: Decimal = Decimal(1)
    bracket: ClientOrderId = ClientOrderId("")


class Refusal(Struct, frozen=True, kw_only=True, tag=True):
    """Our no: which check, and why, with the numbers."""

    strategy_id: StrategyId
    instrument_id: InstrumentId
    check: str
    reason: str
    time_ns: int


class Fill(Struct, frozen=True, kw_only=True, tag=True):
    """An execution of ours. `venue_initiated` marks liquidations and the like, `external` what the
    user trades by hand in a position that is also ours (perpetuals)."""

    fill_id: FillId
    client_order_id: ClientOrderId
    instrument_id: InstrumentId
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_asset: Asset
    maker: bool
    venue_time_ns: int
    received_time_ns: int
    venue_initiated: bool = False
    external: bool = False


class Order(Struct, frozen=True, kw_only=True, tag=True):
    """An approved order and how far it has come."""

    approved: ApprovedOrder
    status: OrderStatus
    filled_quantity: Decimal
    average_price: Decimal
    submitted_time_ns: int
    updated_time_ns: int
    reason: str = ""

    @property
    def remaining(self) -> Decimal:
        """Base asset still to be filled."""
        return self.approved.quantity - self.filled_quantity

    @property
    def working(self) -> bool:
        """Whether it can still fill, as far as we know."""
        return self.status in WORKING


WORKING = frozenset(
    {OrderStatus.IN_FLIGHT, OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED, OrderStatus.UNKNOWN}
)
