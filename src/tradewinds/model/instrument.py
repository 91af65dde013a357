"""What can be traded, with the venue's filters; the one crossing from float to money."""

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from tradewinds.model.decimals import ZERO, ceil_to_step, floor_to_step, to_decimal
from tradewinds.model.ids import Asset, InstrumentId, Venue


class InstrumentKind(StrEnum):
    """Spot moves assets; a perpetual moves margin."""

    SPOT = "spot"
    PERPETUAL = "perpetual"


class InstrumentStatus(StrEnum):
    """What the venue lets us do. Anything it says that we do not know is CLOSE_ONLY.

    HALTED may come back. DELISTED is a recording's word alone, which knows that nothing came after.
    """

    TRADING = "trading"
    CLOSE_ONLY = "close_only"
    HALTED = "halted"
    DELISTED = "delisted"


class Instrument(Struct, frozen=True, kw_only=True, tag=True):
    """One market of one venue. Fees are fractions of notional (0.001 is 10 bps)."""

    id: InstrumentId
    symbol: str
    venue: Venue
    kind: InstrumentKind
    base: Asset
    quote: Asset
    settle: Asset
    tick_size: Decimal
    lot_size: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    min_notional: Decimal
    maker_fee: Decimal
    taker_fee: Decimal
    status: InstrumentStatus = InstrumentStatus.TRADING
    fee_in_received_asset: bool = False
    leverage_max: Decimal = Decimal(1)
    maintenance_margin_rate: Decimal = Decimal("0.005")
    liquidation_fee: Decimal = Decimal("0.0125")

    def price_down(self, price: float) -> Decimal:
        """The tick at or below: a buyer's limit, a seller's worst case."""
        return floor_to_step(to_decimal(price), self.tick_size)

    def price_up(self, price: float) -> Decimal:
        """The tick at or above."""
        return ceil_to_step(to_decimal(price), self.tick_size)

    def quantity_down(self, quantity: Decimal) -> Decimal:
        """Whole lots, never more than asked for, never more than the venue takes."""
        return floor_to_step(min(quantity, self.max_quantity), self.lot_size)

    def closable(self, quantity: Decimal, price: Decimal) -> bool:
        """Whether the venue would accept an order of this size; what it would not is dust."""
        return (
            quantity >= self.min_quantity
            and quantity > ZERO
            and (quantity * price >= self.min_notional or self.kind is InstrumentKind.PERPETUAL)
        )
