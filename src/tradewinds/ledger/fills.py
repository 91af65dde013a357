"""How a fill becomes postings. Gross is measured between decision prices; the rest is cost."""

from decimal import Decimal

from msgspec import Struct

from tradewinds.ledger.draft import Draft
from tradewinds.ledger.lots import SETTLEMENT, closing_part, on_grid, settle, share
from tradewinds.model.decimals import ZERO
from tradewinds.model.errors import InvariantBroken
from tradewinds.model.ids import StrategyId, TradeId
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.ledger import Account
from tradewinds.model.market import Side
from tradewinds.model.order import Fill

PERPETUAL = InstrumentKind.PERPETUAL
BUY = Side.BUY
FEES, SLIPPAGE = Account.FEES, Account.SLIPPAGE


class FillContext(Struct, frozen=True, kw_only=True):
    """What the ledger must know about a fill and the venue does not say.

    `decision_price` is the mid when the order was decided, in quote asset; for a liquidation, its
    own price. `quote_rate` is account currency per quote asset (per settle asset for a perpetual),
    `fee_rate` per fee asset; both are taken as 1 for the account currency itself.
    """

    instrument: Instrument
    strategy_id: StrategyId
    trade_id: TradeId
    decision_price: Decimal
    quote_rate: Decimal
    fee_rate: Decimal


def check_fill(fill: Fill, context: FillContext) -> None:
    """Raises InvariantBroken for what a gateway must never let through."""
    positive = (fill.quantity, fill.price, context.decision_price, context.quote_rate)
    if not (
        all(map(Decimal.is_finite, positive))
        and fill.quantity > ZERO
        and fill.price > ZERO
        and context.decision_price > ZERO
        and context.quote_rate > ZERO
    ):
        raise InvariantBroken(
            f"fill {fill.fill_id} of trade {context.trade_id}: quantity, prices and rate must be "
            f"positive, not {', '.join(map(str, positive))}"
        )
    if not fill.fee.is_finite() or not context.fee_rate.is_finite() or context.fee_rate < ZERO:
        raise InvariantBroken(
            f"fill {fill.fill_id} of trade {context.trade_id}: a fee of {fill.fee} "
            f"{fill.fee_asset} at rate {context.fee_rate} cannot be booked"
        )
    if context.strategy_id == SETTLEMENT:
        raise InvariantBroken(f"{SETTLEMENT!r} is the venue's side of the books, not a strategy")
    if fill.instrument_id != context.instrument.id:
        raise InvariantBroken(
            f"fill {fill.fill_id} is in {fill.instrument_id}, its trade {context.trade_id} "
            f"in {context.instrument.id}"
        )


def post_fill(draft: Draft, fill: Fill, context: FillContext) -> None:
    """Draft the exchange of assets, then the fee. InvariantBroken when something is not held."""
    if context.instrument.kind is PERPETUAL:
        _post_perpetual(draft, fill, context)
    else:
        _post_spot(draft, fill, context)
    _post_fee(draft, fill, context)


def _post_spot(draft: Draft, fill: Fill, context: FillContext) -> None:
    instrument = context.instrument
    rate = draft.rate(instrument.quote, context.quote_rate)
    amount = fill.quantity * fill.price
    notional = draft.worth(instrument.quote, amount, rate)
    decided = on_grid(fill.quantity * context.decision_price * rate)
    if fill.side is BUY:
        draft.give(instrument.quote, amount, notional)
        draft.receive(instrument.base, fill.quantity, decided)
        draft.expense(SLIPPAGE, notional - decided)
    else:
        draft.give(instrument.base, fill.quantity, decided)
        draft.receive(instrument.quote, amount, notional)
        draft.expense(SLIPPAGE, decided - notional)


def _post_perpetual(draft: Draft, fill: Fill, context: FillContext) -> None:
    instrument = context.instrument
    if instrument.settle == instrument.base:
        raise InvariantBroken(f"{instrument.id} settles in its base: only linear ones are booked")
    rate = draft.rate(instrument.settle, context.quote_rate)
    change = fill.quantity if fill.side is BUY else -fill.quantity
    decided = on_grid(change * context.decision_price * rate)
    notional = draft.worth(instrument.settle, change * fill.price, rate)
    # The venue nets over all strategies, so its side is read before the position is changed.
    _post_settlement(draft, fill, context)
    held = draft.lot((context.strategy_id, instrument.base, instrument.id))
    closed = closing_part(held.quantity, change)
    decided_closed = on_grid(closed * context.decision_price * rate)
    released = share(held.cost, -closed, held.quantity)
    cost = decided - decided_closed - released
    draft.change_position(context.strategy_id, instrument.base, (change, cost))
    draft.realise(-decided_closed - released)
    draft.expense(SLIPPAGE, notional - decided)


def _post_settlement(draft: Draft, fill: Fill, context: FillContext) -> None:
    """The venue's side: what is paid out in settle asset, and what the net position still owes.

    A position in another settle asset than the account currency carries its entry at the rate
    then; the drift of the rate since is gained on what was owed, so only profit bears it.
    """
    instrument, settle_asset = context.instrument, context.instrument.settle
    change = fill.quantity if fill.side is BUY else -fill.quantity
    net = draft.net_position()
    owed = draft.lot((SETTLEMENT, settle_asset, instrument.id))
    settled = settle(net, -owed.quantity, change, fill.price)
    cost_released = share(-owed.cost, -settled.closed, net)

    def worth(quantity: Decimal) -> Decimal:
        return draft.worth(settle_asset, quantity, context.quote_rate)

    notional_closed = worth(settled.closed * fill.price)
    notional_opened = worth(change * fill.price) - notional_closed
    entry_worth = worth(settled.entry)
    draft.change_position(
        SETTLEMENT,
        settle_asset,
        (-owed.quantity - settled.entry_after, cost_released - notional_opened),
    )
    draft.realise(cost_released - entry_worth)
    paid_worth = -notional_closed - entry_worth
    if settled.paid > ZERO:
        draft.receive(settle_asset, settled.paid, paid_worth)
    elif settled.paid < ZERO:
        draft.give(settle_asset, -settled.paid, -paid_worth)
    else:
        draft.realise(-paid_worth)


def _post_fee(draft: Draft, fill: Fill, context: FillContext) -> None:
    """A fee paid in inventory is also a sale of that inventory; a negative fee is a rebate."""
    worth = draft.worth(fill.fee_asset, fill.fee, context.fee_rate)
    if fill.fee > ZERO:
        draft.give(fill.fee_asset, fill.fee, worth)
    elif fill.fee < ZERO:
        draft.receive(fill.fee_asset, -fill.fee, -worth)
    draft.expense(FEES, worth)
