"""What the simulated venue holds for us: balances, positions, and what orders set aside."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from tradewinds.model.decimals import ONE, ZERO, floor_to_step
from tradewinds.model.errors import InvariantBroken
from tradewinds.model.ids import Asset, ClientOrderId, InstrumentId
from tradewinds.model.market import Side
from tradewinds.model.order import ApprovedOrder
from tradewinds.sim.costs import Level, fee, unit_cost
from tradewinds.sim.margin import PerpPosition, initial_margin
from tradewinds.sim.market_state import MarketState
from tradewinds.sim.working import Lock, Working, lock_key

BUY = Side.BUY


class Account:
    """Balances include posted margin. At every instant: locks + margin <= balance."""

    def __init__(self, balances: Mapping[Asset, Decimal]) -> None:
        """`balances` are what the venue starts with."""
        self.balances: dict[Asset, Decimal] = dict(balances)
        self.markets: dict[InstrumentId, MarketState] = {}
        self.orders: dict[ClientOrderId, Working] = {}

    def positions(self) -> Sequence[PerpPosition]:
        """Open perpetual positions."""
        return [m.position for m in self.markets.values() if m.position is not None]

    def locked(self, asset: Asset, besides: str = "") -> Decimal:
        """Set aside by working orders; orders of one OCO group only once."""
        locks: dict[str, Decimal] = {}
        for w in self.orders.values():
            if w.lock.asset == asset and w.key != besides:
                locks[w.key] = max(locks.get(w.key, ZERO), w.locked)
        return sum(locks.values(), ZERO)

    def free(self, asset: Asset, besides: str = "") -> Decimal:
        """What an order may still use; `besides` names the lock that is its own."""
        margin = ZERO
        for market in self.markets.values():
            position = market.position
            if position is not None and position.settle == asset:
                margin += position.margin
        return self.balances.get(asset, ZERO) - margin - self.locked(asset, besides)

    def lock_for(self, order: ApprovedOrder, market: MarketState) -> Lock:
        """What the order has to set aside; market orders by the price expected now."""
        instrument = market.instrument
        if not market.perpetual and order.side is not BUY:
            sold = order.quantity
            if order.reduce_only:
                sold = min(sold, max(self.free(instrument.base, lock_key(order)), ZERO))
            return Lock(instrument.base, ONE, sold)
        price = order.price or order.trigger_price or market.reference(order.side) or ZERO
        unit = unit_cost(instrument, price, order.leverage)
        if market.perpetual:
            opening = ZERO if order.reduce_only else order.quantity - closable(market, order.side)
            return Lock(instrument.settle, unit, max(opening, ZERO))
        return Lock(instrument.quote, unit, order.quantity)

    def covers(self, lock: Lock, key: str) -> bool:
        """Whether that much is free, not counting what orders of the same key lock already."""
        return lock.unit * lock.quantity <= max(self.free(lock.asset, key), ZERO)

    def refit(self, w: Working) -> None:
        """Shrink a lock to what is free to it: a fill dearer than expected has used up more."""
        lock = w.lock
        free = max(self.free(lock.asset, w.key), ZERO)
        if w.locked > free:
            lot = self.markets[w.order.instrument_id].instrument.lot_size
            w.lock = lock._replace(quantity=floor_to_step(free / lock.unit, lot))

    def affordable(self, w: Working, price: Decimal) -> Decimal:
        """Base asset the order can buy, sell or open at `price` with what is free to it."""
        market = self.markets[w.order.instrument_id]
        lot = market.instrument.lot_size
        free = max(self.free(w.lock.asset, w.key), ZERO)
        if not market.perpetual and not w.buying:
            return floor_to_step(min(free, w.remaining), lot)
        unit = unit_cost(market.instrument, price, w.order.leverage)
        quantity = floor_to_step(min(free / unit, w.remaining), lot)
        while quantity > ZERO and _needed(w, market, Level(price, quantity)) > free:
            quantity -= lot
        return quantity

    def change(self, asset: Asset, amount: Decimal) -> None:
        """The only way a balance changes. Raises InvariantBroken rather than go below zero."""
        balance = self.balances.get(asset, ZERO) + amount
        if balance < ZERO:
            raise InvariantBroken(f"simulated balance of {asset} would be {balance}")
        self.balances[asset] = balance


def closable(market: MarketState, side: Side) -> Decimal:
    """How much of the perpetual position an order on `side` would close."""
    position = market.position
    if position is None or position.side is side:
        return ZERO
    return abs(position.quantity)


def _needed(w: Working, market: MarketState, amount: Level) -> Decimal:
    # Exact to the last rounding, where a price per unit is not.
    charge, asset = fee(market.instrument, w.order.side, amount, maker=False)
    if market.perpetual:
        return initial_margin(amount.size, amount.price, w.order.leverage) + max(charge, ZERO)
    return amount.size * amount.price + (charge if asset == w.lock.asset else ZERO)
