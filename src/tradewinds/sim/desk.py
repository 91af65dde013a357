"""What happens to an order: accepted, triggered, filled, gone; and what the venue does unasked."""

from collections.abc import Mapping
from decimal import Decimal

from tradewinds.model.decimals import ZERO, to_decimal
from tradewinds.model.events import OrderCanceled, OrderExpired
from tradewinds.model.ids import Asset
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import FundingRate, Side
from tradewinds.model.order import ApprovedOrder
from tradewinds.sim.account import Account, closable
from tradewinds.sim.costs import Level, fee
from tradewinds.sim.margin import (
    PerpPosition,
    closeout,
    funding,
    increased,
    initial_margin,
    insolvent,
    reduced,
)
from tradewinds.sim.market_state import MarketState
from tradewinds.sim.outbox import Outbox
from tradewinds.sim.settings import SimSettings
from tradewinds.sim.working import Working

BUY = Side.BUY

GROUPS_REMEMBERED = 1000


class Desk:
    """The account, its orders and the outbox move together here, and only here."""

    def __init__(self, balances: Mapping[Asset, Decimal], settings: SimSettings) -> None:
        """`balances` are what the venue starts with."""
        self.settings = settings
        self.account = Account(balances)
        self.outbox = Outbox()
        self.done_groups: dict[str, None] = {}

    def market_of(self, w: Working) -> MarketState:
        """Where the order trades."""
        return self.account.markets[w.order.instrument_id]

    def add(self, w: Working) -> None:
        """Put a checked order on the books, without a report."""
        market = self.market_of(w)
        self.account.orders[w.order.client_order_id] = w
        market.orders.append(w)
        market.unwatch()

    def accept(self, w: Working) -> None:
        """Put a checked order on the books."""
        self.add(w)
        self.outbox.accepted(w.order)

    def cancel(self, w: Working, reason: str) -> None:
        """Take it off the books at our wish."""
        self._remove(w)
        order = w.order
        self.outbox.ended(OrderCanceled, order.client_order_id, order.instrument_id, reason)

    def expire(self, w: Working, reason: str) -> None:
        """Take it off the books at the venue's wish."""
        self._remove(w)
        order = w.order
        self.outbox.ended(OrderExpired, order.client_order_id, order.instrument_id, reason)

    def trigger(self, w: Working) -> None:
        """A stop or take-profit enters the market; its OCO siblings leave it."""
        w.active = True
        self.market_of(w).unwatch()
        self._settle_group(w)

    def wanted(self, w: Working) -> Decimal:
        """What is still to be filled; a reduce-only order shrinks to the position."""
        market = self.market_of(w)
        if w.order.reduce_only and market.perpetual:
            return min(w.remaining, closable(market, w.order.side))
        return w.remaining

    def fill(self, w: Working, amount: Level, maker: bool) -> Decimal:
        """Execute up to `amount`; answers how much. What cannot be paid for expires."""
        left = wanted = min(amount.size, w.remaining)
        while left > ZERO and not w.gone:
            part = Level(amount.price, self._executable(w, left, amount.price))
            if part.size <= ZERO:
                lacking = "no position to reduce" if w.order.reduce_only else "insufficient balance"
                self.expire(w, lacking)
            elif self._solvent(w, part):
                self._execute(w, part, maker)
                left -= part.size
        return wanted - left

    def margin_call(self, market: MarketState, price: float) -> None:
        """Liquidate the position if its margin does not carry it at `price`."""
        position = market.position
        if position is not None and insolvent(position, to_decimal(price), market.instrument):
            self.liquidate(market, to_decimal(price))

    def liquidate(self, market: MarketState, mark: Decimal) -> None:
        """Close the whole position at `mark` worsened; its margin is the most that is lost."""
        position = market.position
        assert position is not None
        price, charge = closeout(position, mark, market.instrument, self.settings.slippage_bps)
        released = reduced(position, abs(position.quantity), price)[1]
        market.position = None
        market.unwatch()
        self.account.change(position.settle, released.profit - charge)
        self.outbox.autoclosed(position, price, charge)
        self._drop_reduce_only(market, waiting_too=True)

    def pay_funding(self, market: MarketState, event: FundingRate, mark: float) -> None:
        """Settle funding: from what is free, then from the margin, never more."""
        position = market.position
        if position is None:
            return
        free = max(self.account.free(position.settle), ZERO)
        owed = funding(position, to_decimal(mark), event.rate)
        amount = max(owed, -(free + position.margin))
        if amount == ZERO:
            return
        from_margin = max(-amount - free, ZERO)
        market.position = increased(position, ZERO, ZERO, -from_margin)
        market.unwatch()
        self.account.change(position.settle, amount)
        self.outbox.funded(position, amount)

    def _executable(self, w: Working, left: Decimal, price: Decimal) -> Decimal:
        market = self.market_of(w)
        if market.perpetual:
            closing = closable(market, w.order.side)
            if closing > ZERO or w.order.reduce_only:
                return min(left, closing)
        return min(left, self.account.affordable(w, price))

    def _solvent(self, w: Working, part: Level) -> bool:
        # Closing beyond the posted margin cannot happen: the venue liquidates before that.
        market = self.market_of(w)
        if market.position is None or closable(market, w.order.side) == ZERO:
            return True
        released = reduced(market.position, part.size, part.price)[1]
        left = released.profit + released.margin
        charge, asset = fee(market.instrument, w.order.side, part, maker=False)
        if left >= ZERO and left + self.account.free(asset) >= charge:
            return True
        self.liquidate(market, part.price)
        if not w.gone:
            self.expire(w, "position was liquidated")
        return False

    def _execute(self, w: Working, part: Level, maker: bool) -> None:
        market = self.market_of(w)
        charge = fee(market.instrument, w.order.side, part, maker)
        if market.perpetual:
            self._move_position(market, w.order, part)
        else:
            self._swap(market.instrument, w.order.side, part)
        self.account.change(charge[1], -charge[0])
        w.filled += part.size
        market.unwatch()
        self.outbox.filled(w, part, charge, maker)
        if w.remaining <= ZERO:
            self._remove(w)
        self._settle_group(w)
        if not w.gone:
            self.account.refit(w)
        if market.perpetual and market.position is None:
            self._drop_reduce_only(market, waiting_too=False)

    def _swap(self, instrument: Instrument, side: Side, part: Level) -> None:
        value = part.size * part.price
        buying = side is BUY
        self.account.change(instrument.quote, -value if buying else value)
        self.account.change(instrument.base, part.size if buying else -part.size)

    def _move_position(self, market: MarketState, order: ApprovedOrder, part: Level) -> None:
        position = market.position
        settle = market.instrument.settle
        if position is not None and position.side is not order.side:
            market.position, released = reduced(position, part.size, part.price)
            self.account.change(settle, released.profit)
            return
        if position is None:
            position = PerpPosition(
                instrument_id=market.id, settle=settle, quantity=ZERO, cost=ZERO, margin=ZERO
            )
        signed = part.size if order.side is BUY else -part.size
        margin = initial_margin(part.size, part.price, order.leverage)
        market.position = increased(position, signed, part.price, margin)

    def _remove(self, w: Working) -> None:
        market = self.market_of(w)
        w.gone = True
        del self.account.orders[w.order.client_order_id]
        market.orders.remove(w)
        market.unwatch()

    def _settle_group(self, w: Working) -> None:
        group = w.order.oco_group
        if not group or group in self.done_groups:
            return
        self.done_groups[group] = None
        if len(self.done_groups) > GROUPS_REMEMBERED:
            del self.done_groups[next(iter(self.done_groups))]
        for other in list(self.account.orders.values()):
            if other is not w and other.order.oco_group == group:
                self.cancel(other, "OCO sibling filled or triggered")

    def _drop_reduce_only(self, market: MarketState, waiting_too: bool) -> None:
        for w in list(market.orders):
            if w.order.reduce_only and (w.active or waiting_too):
                self.expire(w, "position closed, nothing to reduce")
