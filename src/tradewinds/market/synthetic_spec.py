"""The synthetic market's instruments and the size of everything in it. No coin of these exists."""

from decimal import Decimal
from typing import Final

from msgspec import Struct

from tradewinds.model.ids import Asset, InstrumentId, Venue, instrument_id
from tradewinds.model.instrument import Instrument, InstrumentKind

VENUE: Final = Venue("synthetic")
BPS: Final = Decimal("0.0001")
FACTOR_VOLATILITY: Final = 0.0006
"""Of the common factor, a minute: about 43 % a year."""


class Coin(Struct, frozen=True, kw_only=True):
    """A coin against USDT. `volatility` is its own, a minute, beside `beta` times the factor's."""

    name: str
    price: float
    beta: float
    volatility: float
    episodes: bool


class Market(Struct, frozen=True, kw_only=True):
    """One instrument's microstructure.

    `half_spread` is a fraction of price, `depth` dollars at the best price, `turnover` dollars a
    minute, all in quiet times; `quotes` and `prints` are chances in a step of 250 ms.
    """

    symbol: str
    tick_digits: int
    lot_digits: int
    half_spread: float
    depth: float
    turnover: float
    quotes: float
    prints: float
    maker_bps: Decimal
    taker_bps: Decimal

    @property
    def id(self) -> InstrumentId:
        """`BTC/USDT@synthetic`."""
        return instrument_id(self.symbol, VENUE)


COINS: Final = (
    Coin(name="BTC", price=60_000.0, beta=1.0, volatility=0.0002, episodes=False),
    Coin(name="ETH", price=3_000.0, beta=1.15, volatility=0.0004, episodes=False),
    Coin(name="QUELO", price=4.2, beta=1.2, volatility=0.0011, episodes=True),
    Coin(name="VANTO", price=0.85, beta=1.3, volatility=0.0012, episodes=True),
    Coin(name="BRYSK", price=17.5, beta=1.1, volatility=0.0010, episodes=True),
    Coin(name="OLVYN", price=0.062, beta=1.4, volatility=0.0014, episodes=True),
    Coin(name="TARNO", price=126.0, beta=0.9, volatility=0.0009, episodes=True),
    Coin(name="NUMBRA", price=0.0047, beta=1.5, volatility=0.0015, episodes=True),
)


def _major(symbol: str, ticks: int, lots: int, taker_bps: int) -> Market:
    return Market(
        symbol=symbol,
        tick_digits=ticks,
        lot_digits=lots,
        half_spread=0.00004,
        depth=30_000.0,
        turnover=400_000.0,
        quotes=1.0,
        prints=0.25,
        maker_bps=Decimal(taker_bps) if taker_bps > 1 else Decimal(0),
        taker_bps=Decimal(taker_bps),
    )


def _small(symbol: str, ticks: int, lots: int) -> Market:
    return Market(
        symbol=symbol,
        tick_digits=ticks,
        lot_digits=lots,
        half_spread=0.0004,
        depth=1_500.0,
        turnover=6_000.0,
        quotes=0.35,
        prints=0.06,
        maker_bps=Decimal(10),
        taker_bps=Decimal(10),
    )


MARKETS: Final = (
    _major("BTC/USDT", 2, 5, 10),
    _major("ETH/USDT", 2, 4, 10),
    _small("QUELO/USDT", 4, 2),
    _small("VANTO/USDT", 5, 1),
    _small("BRYSK/USDT", 3, 2),
    _small("OLVYN/USDT", 6, 0),
    _small("TARNO/USDT", 2, 3),
    _small("NUMBRA/USDT", 7, 0),
    _major("BTC/USDC", 2, 5, 1),
    _major("ETH/USDC", 2, 4, 1),
    _major("ETH/BTC", 6, 4, 10),
    _major("USDC/USDT", 5, 1, 1),
)
"""The coins against USDT in the order of COINS, then the crosses. USDC pairs are in promotion."""
CROSSES: Final = {"BTC/USDC": 8, "ETH/USDC": 9, "ETH/BTC": 10, "USDC/USDT": 11}


def synthetic_instruments() -> tuple[Instrument, ...]:
    """All twelve, sorted by id. Fees are taken in the quote asset."""
    return tuple(sorted(map(_instrument, MARKETS), key=lambda instrument: instrument.id))


def _instrument(market: Market) -> Instrument:
    base, _, quote = market.symbol.partition("/")
    lot = Decimal(1).scaleb(-market.lot_digits)
    return Instrument(
        id=market.id,
        symbol=market.symbol,
        venue=VENUE,
        kind=InstrumentKind.SPOT,
        base=Asset(base),
        quote=Asset(quote),
        settle=Asset(quote),
        tick_size=Decimal(1).scaleb(-market.tick_digits),
        lot_size=lot,
        min_quantity=lot,
        max_quantity=lot * 10**9,
        min_notional=Decimal("0.0001") if quote == "BTC" else Decimal(5),
        maker_fee=market.maker_bps * BPS,
        taker_fee=market.taker_bps * BPS,
    )
