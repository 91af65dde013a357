"""Taking up where an earlier run left off: the checkpoint is all that is left of the old venue."""

from decimal import Decimal

from tradewinds.model.checkpoint import Checkpoint
from tradewinds.model.commands import SubmitOrder
from tradewinds.model.decimals import ONE, ZERO
from tradewinds.model.order import Order, OrderStatus
from tradewinds.sim.account import Account
from tradewinds.sim.desk import Desk
from tradewinds.sim.margin import PerpPosition, initial_margin
from tradewinds.sim.market_state import MarketState
from tradewinds.sim.working import working


def restore(desk: Desk, checkpoint: Checkpoint) -> list[SubmitOrder]:
    """Fill the desk; answers the orders that were on their way and have to arrive again,
    and those of instruments that are gone, which are rejected when they do.

    Isolated margin is not in the checkpoint: it is posted anew at the position's average price,
    with the highest leverage that any of its orders names, as far as the balance goes.
    """
    account = desk.account
    account.balances = dict(checkpoint.ledger.balances)
    for asset, quantity in checkpoint.waiting.items():
        account.balances[asset] = account.balances.get(asset, ZERO) + quantity
    account.orders.clear()
    desk.done_groups.clear()
    for market in account.markets.values():
        market.orders.clear()
        market.last = checkpoint.last_prices.get(market.id, market.last)
        market.position = _position(market, account, checkpoint)
    again: list[SubmitOrder] = []
    for order in checkpoint.orders:
        if not order.working:
            continue
        known = order.approved.instrument_id in account.markets
        if known and not _never_acknowledged(order):
            _put_back(desk, order)
        else:
            command = SubmitOrder(order=order.approved, time_ns=checkpoint.time_ns, cause=0)
            again.append(command)
    for market in account.markets.values():
        market.rewatch()
    return again


def _never_acknowledged(order: Order) -> bool:
    unsure = order.status in (OrderStatus.IN_FLIGHT, OrderStatus.UNKNOWN)
    return unsure and order.filled_quantity == ZERO


def _put_back(desk: Desk, order: Order) -> None:
    approved = order.approved
    market = desk.account.markets[approved.instrument_id]
    lock = desk.account.lock_for(approved, market)
    ticks = desk.settings.trade_through_ticks
    w = working(approved, order.submitted_time_ns, lock, market.instrument, ticks)
    w.filled = order.filled_quantity
    w.active = w.active or w.filled > ZERO
    w.fresh = not (w.active and w.priced) or w.immediate
    desk.account.refit(w)
    desk.add(w)


def _position(market: MarketState, account: Account, checkpoint: Checkpoint) -> PerpPosition | None:
    lots = [lot for lot in checkpoint.ledger.lots if lot.instrument_id == market.id]
    held = [lot for lot in lots if lot.asset == market.instrument.base]
    quantity = sum((lot.quantity for lot in held), ZERO)
    if not market.perpetual or quantity == ZERO:
        return None
    # What the position owes stands under the same instrument, in the settle asset: its exact cost.
    owed = [-lot.quantity for lot in lots if lot.asset == market.instrument.settle]
    booked = (lot.cost if lot.quantity > ZERO else -abs(lot.cost) for lot in held)
    cost = sum(owed or booked, ZERO)
    leverage = max([_leverage(order, market) for order in checkpoint.orders], default=ONE)
    margin = initial_margin(ONE, abs(cost), leverage)
    settle = market.instrument.settle
    return PerpPosition(
        instrument_id=market.id,
        settle=settle,
        quantity=quantity,
        cost=cost,
        margin=min(margin, max(account.free(settle), ZERO)),
    )


def _leverage(order: Order, market: MarketState) -> Decimal:
    return order.approved.leverage if order.approved.instrument_id == market.id else ONE
