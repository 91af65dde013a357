"""An order at the simulated venue and how far it has come."""

from dataclasses import dataclass
from decimal import Decimal
from math import nan
from typing import NamedTuple

from tradewinds.model.decimals import ONE, ZERO
from tradewinds.model.ids import Asset
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Side
from tradewinds.model.order import ApprovedOrder, OrderType, TimeInForce

GTC = TimeInForce.GTC
BUY = Side.BUY

PLAIN = frozenset({OrderType.MARKET, OrderType.LIMIT})
PRICED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT})
ADVERSE = frozenset({OrderType.STOP_MARKET, OrderType.STOP_LIMIT})
"""Stops trigger when the price comes to them; take-profits only when it goes through."""


class Lock(NamedTuple):
    """What an order sets aside: `unit` of `asset` for each of up to `quantity` base still open."""

    asset: Asset
    unit: Decimal
    quantity: Decimal


@dataclass(slots=True, eq=False)
class Working:
    """`active`: in the market (a stop is not, before its trigger). `fresh`: has not met it yet.

    `stage`: the stage of the bar in hand in which it was sent or triggered; 0: before this bar.
    `key`: orders of one key share one lock, for only one of them can fill.
    """

    order: ApprovedOrder
    submitted_ns: int
    lock: Lock
    limit: float
    through: float
    trigger: float
    active: bool
    key: str
    buying: bool
    priced: bool
    fresh: bool = True
    filled: Decimal = ZERO
    stage: int = 0
    gone: bool = False

    @property
    def remaining(self) -> Decimal:
        """Base asset still to be filled."""
        return self.order.quantity - self.filled

    @property
    def locked(self) -> Decimal:
        """Set aside now, in the lock's asset."""
        return self.lock.unit * min(self.remaining, self.lock.quantity)

    @property
    def adverse(self) -> bool:
        """A stop that still waits for its trigger."""
        return not self.active and self.order.order_type in ADVERSE

    @property
    def resting(self) -> bool:
        """A limit order that has met the market and waits as maker."""
        return self.active and not self.fresh and self.priced

    @property
    def immediate(self) -> bool:
        """Whether its remainder expires instead of waiting."""
        return self.order.time_in_force is not GTC

    def hit(self, bid: float, ask: float) -> bool:
        """Whether a waiting stop or take-profit triggers at these prices."""
        if self.order.order_type in ADVERSE:
            return ask >= self.trigger if self.buying else bid <= self.trigger
        return ask < self.trigger if self.buying else bid > self.trigger

    def passed(self, bid: float, ask: float) -> bool:
        """Whether the market trades through a resting limit."""
        return ask < self.through if self.buying else bid > self.through

    def crosses(self, bid: float, ask: float) -> bool:
        """Whether a limit would take at once."""
        return ask <= self.limit if self.buying else bid >= self.limit


def lock_key(order: ApprovedOrder) -> str:
    """Orders of one OCO group share a lock; any other order has its own."""
    return f"oco {order.oco_group}" if order.oco_group else order.client_order_id


def working(
    order: ApprovedOrder, submitted_ns: int, lock: Lock, instrument: Instrument, ticks: int
) -> Working:
    """A new order as it arrives; `ticks` is how far through a limit the price must go."""
    price, trigger, buying = order.price, order.trigger_price, order.side is BUY
    limit = through = nan
    if price is not None:
        beyond = instrument.tick_size * (ticks - ONE)
        limit = float(price)
        through = float(price - beyond if buying else price + beyond) if beyond else limit
    return Working(
        order=order,
        submitted_ns=submitted_ns,
        lock=lock,
        limit=limit,
        through=through,
        trigger=nan if trigger is None else float(trigger),
        active=order.order_type in PLAIN,
        key=lock_key(order),
        buying=buying,
        priced=order.order_type in PRICED,
    )
