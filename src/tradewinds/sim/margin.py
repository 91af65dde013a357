"""Isolated margin of one-way perpetual positions: pure arithmetic, no account.

Formulas as venues publish them for linear contracts: unrealised = quantity x mark - cost;
liquidated when margin + unrealised <= |quantity| x mark x maintenance rate; bankrupt where
margin + unrealised is zero.
"""

from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from tradewinds.model.decimals import (
    BPS,
    ONE,
    VALUE_STEP,
    ZERO,
    ceil_to_step,
    floor_to_step,
    round_loss_up,
    round_value,
    to_decimal,
    truncate_to_places,
)
from tradewinds.model.ids import Asset, InstrumentId
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Side


class PerpPosition(Struct, frozen=True, kw_only=True):
    """Signed `quantity` in base, signed `cost` (quantity x entry price) and `margin` in settle."""

    instrument_id: InstrumentId
    settle: Asset
    quantity: Decimal
    cost: Decimal
    margin: Decimal

    @property
    def entry_price(self) -> Decimal:
        """Average price paid; the ledger's step hides the division's remainder."""
        return round_value(self.cost / self.quantity)

    @property
    def side(self) -> Side:
        """BUY when long."""
        return Side.BUY if self.quantity > ZERO else Side.SELL


class Released(Struct, frozen=True, kw_only=True):
    """What closing a part sets free: profit (negative: loss) and margin, in settle."""

    profit: Decimal
    margin: Decimal


def initial_margin(quantity: Decimal, price: Decimal, leverage: Decimal) -> Decimal:
    """What opening `quantity` (unsigned) sets aside."""
    return round_loss_up(quantity * price / leverage)


def increased(
    position: PerpPosition, quantity: Decimal, price: Decimal, margin: Decimal
) -> PerpPosition:
    """The position after `quantity` (signed) was added with `margin` of its own."""
    return replace(
        position,
        quantity=position.quantity + quantity,
        cost=position.cost + quantity * price,
        margin=position.margin + margin,
    )


def reduced(
    position: PerpPosition, quantity: Decimal, price: Decimal
) -> tuple[PerpPosition | None, Released]:
    """Close `quantity` (unsigned, at most all of it) at `price`, at average cost."""
    held = abs(position.quantity)
    if quantity == held:
        profit = position.quantity * price - position.cost
        return None, Released(profit=profit, margin=position.margin)
    closed = quantity if position.quantity > ZERO else -quantity
    cost = round_value(position.cost * quantity / held)
    margin = floor_to_step(position.margin * quantity / held, VALUE_STEP)
    rest = replace(
        position,
        quantity=position.quantity - closed,
        cost=position.cost - cost,
        margin=position.margin - margin,
    )
    return rest, Released(profit=closed * price - cost, margin=margin)


def unrealised(position: PerpPosition, mark: Decimal) -> Decimal:
    """Profit (negative: loss) if closed at `mark`, before fees."""
    return position.quantity * mark - position.cost


def insolvent(position: PerpPosition, mark: Decimal, instrument: Instrument) -> bool:
    """Whether the venue would liquidate at `mark`."""
    maintenance = abs(position.quantity) * mark * instrument.maintenance_margin_rate
    return position.margin + unrealised(position, mark) <= maintenance


def closeout(
    position: PerpPosition, mark: Decimal, instrument: Instrument, bps: Decimal
) -> tuple[Decimal, Decimal]:
    """Price and fee of a liquidation: mark worsened by `bps`, but together no more than margin."""
    tick = instrument.tick_size
    bankrupt = (position.cost - position.margin) / position.quantity
    if position.quantity > ZERO:
        price = floor_to_step(mark * (ONE - bps * BPS), tick)
        price = max(price, ceil_to_step(bankrupt, tick), tick)
    else:
        price = ceil_to_step(mark * (ONE + bps * BPS), tick)
        price = min(price, floor_to_step(bankrupt, tick))
    fee = round_loss_up(abs(position.quantity) * price * instrument.liquidation_fee)
    return price, max(min(fee, position.margin + unrealised(position, price)), ZERO)


def funding(position: PerpPosition, mark: Decimal, rate: float) -> Decimal:
    """What funding brings (negative: costs), rounded against us."""
    amount = -position.quantity * mark * to_decimal(rate)
    return -round_loss_up(-amount) if amount < ZERO else truncate_to_places(amount, 12)


def liquidation_price(position: PerpPosition, instrument: Instrument) -> float:
    """About where `insolvent` turns true: for watching only, never for money."""
    quantity = float(position.quantity)
    rate = float(instrument.maintenance_margin_rate)
    equity_zero = float(position.cost - position.margin)
    return equity_zero / (quantity - abs(quantity) * rate)
