"""What the venue lists: one market's rules, changeable while it runs."""

from decimal import Decimal

from msgspec import Struct

from tradewinds.model.decimals import ZERO
from tradewinds.model.instrument import Instrument


class Listing(Struct, kw_only=True, eq=False):
    """Rules of one symbol; zero turns a limit off. Assign to a field to change it mid-run.

    `percent_up` and `percent_down` bound an order's price by multiples of the reference price.
    """

    symbol: str
    base: str
    quote: str
    tick: Decimal
    step: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    min_notional: Decimal
    min_price: Decimal = ZERO
    max_price: Decimal = Decimal(1_000_000)
    market_min_quantity: Decimal = ZERO
    market_max_quantity: Decimal = Decimal(1_000)
    market_step: Decimal = ZERO
    max_notional: Decimal = Decimal(9_000_000)
    percent_up: Decimal = Decimal(5)
    percent_down: Decimal = Decimal("0.2")
    max_orders: int = 200
    max_stop_orders: int = 5
    maker_fee: Decimal = Decimal("0.001")
    taker_fee: Decimal = Decimal("0.001")
    status: str = "TRADING"
    leverage_max: int = 125
    maintenance_rate: Decimal = Decimal("0.004")
    liquidation_fee: Decimal = Decimal("0.0125")
    funding_hours: int = 8

    @property
    def price_places(self) -> int:
        """Digits after the point of a price."""
        return places(self.tick)

    @property
    def quantity_places(self) -> int:
        """Digits after the point of a quantity."""
        return places(self.step)


def places(step: Decimal) -> int:
    """As it is written: 0.10 has two, 1 has none."""
    exponent = step.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def listing_of(instrument: Instrument) -> Listing:
    """An instrument of ours as a venue would list it: `BTC/USDT` becomes `BTCUSDT`."""
    return Listing(
        symbol=f"{instrument.base}{instrument.quote}",
        base=str(instrument.base),
        quote=str(instrument.quote),
        tick=instrument.tick_size,
        step=instrument.lot_size,
        min_quantity=instrument.min_quantity,
        max_quantity=instrument.max_quantity,
        market_max_quantity=instrument.max_quantity,
        min_notional=instrument.min_notional,
        maker_fee=instrument.maker_fee,
        taker_fee=instrument.taker_fee,
    )
