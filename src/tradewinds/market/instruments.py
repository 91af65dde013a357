"""Instruments for recorded prices: filters from the prices, fees as the venue lists them."""

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from tradewinds.model.decimals import ONE
from tradewinds.model.ids import Asset, InstrumentId, split_instrument_id
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.market import Bar
from tradewinds.model.symbols import DOLLARS, split_symbol

LOT_VALUE: Final = 0.1
"""Dollars that one lot may be worth at most."""
MIN_NOTIONAL: Final = 5.0
SAMPLE_PRICES: Final = 2_048
SIGNIFICANT_DIGITS: Final = 10
"""More than any venue quotes; digits behind them are float noise."""
BPS: Final = Decimal("0.0001")
SPOT_FEES_BPS: Final = MappingProxyType(
    {
        "binance": (Decimal(10), Decimal(10)),
        "binanceus": (Decimal(10), Decimal(10)),
        "bybit": (Decimal(10), Decimal(10)),
        "coinbase": (Decimal(40), Decimal(60)),
        "kraken": (Decimal(25), Decimal(40)),
    }
)
"""Maker and taker of the entry tier; a venue that is not here gets the dearest of them."""
PERPETUAL_FEES_BPS: Final = (Decimal(2), Decimal(5))
PERPETUAL_LEVERAGE_MAX: Final = Decimal(20)
ROUGH_DOLLARS: Final = MappingProxyType({"BTC": 50_000.0, "ETH": 2_500.0, "BNB": 400.0})
"""Only to find the order of magnitude of a lot where the data holds no dollar price."""

Prices = Mapping[InstrumentId, Sequence[float]]


def instruments_from_bars(bars: Sequence[Bar]) -> tuple[Instrument, ...]:
    """One instrument for each id in the bars, sorted by id. See `instruments_from_prices`."""
    prices: dict[InstrumentId, list[float]] = {}
    for bar in bars:
        prices.setdefault(bar.instrument_id, []).extend((bar.open, bar.high, bar.low, bar.close))
    return instruments_from_prices(prices)


def instruments_from_prices(prices: Prices) -> tuple[Instrument, ...]:
    """One instrument for each id, sorted by id; ids whose symbol means nothing are left out.

    The tick is the finest decimal seen; a lot a power of ten worth 10 cents at most,
    and never more than one whole unit.
    """
    dollars = _dollar_values(prices)
    made = (_instrument(id_, list(prices[id_]), dollars) for id_ in sorted(prices))
    return tuple(instrument for instrument in made if instrument is not None)


def _instrument(
    id_: InstrumentId, prices: list[float], dollars: Mapping[Asset, float]
) -> Instrument | None:
    symbol, venue = split_instrument_id(id_)
    pair = split_symbol(symbol)
    if pair is None or not prices:
        return None
    base, quote = pair
    perpetual = ":" in symbol
    price = sorted(prices)[len(prices) // 2]
    quote_value = dollars.get(quote, ROUGH_DOLLARS.get(quote, 1.0))
    lot = min(_power_of_ten(LOT_VALUE / (price * quote_value), math.floor), ONE)
    maker, taker = PERPETUAL_FEES_BPS if perpetual else _spot_fees_bps(venue)
    return Instrument(
        id=id_,
        symbol=symbol,
        venue=venue,
        kind=InstrumentKind.PERPETUAL if perpetual else InstrumentKind.SPOT,
        base=base,
        quote=quote,
        settle=quote,
        tick_size=_tick(prices),
        lot_size=lot,
        min_quantity=lot,
        max_quantity=lot * 10**10,
        min_notional=_min_notional(quote, quote_value),
        maker_fee=maker * BPS,
        taker_fee=taker * BPS,
        fee_in_received_asset=not perpetual and venue.startswith("binance"),
        leverage_max=PERPETUAL_LEVERAGE_MAX if perpetual else ONE,
    )


def _tick(prices: Sequence[float]) -> Decimal:
    sample = set(prices[:: max(1, len(prices) // SAMPLE_PRICES)])
    return ONE.scaleb(min(_exponent(price) for price in sample))


def _exponent(price: float) -> int:
    exponent = Decimal(f"{price:.{SIGNIFICANT_DIGITS}g}").normalize().as_tuple().exponent
    return min(int(exponent), 0)


def _min_notional(quote: Asset, quote_value: float) -> Decimal:
    """5 dollars, or the power of ten nearest to it: 0.0001 BTC."""
    if quote in DOLLARS or quote_value == 1.0:
        return Decimal(int(MIN_NOTIONAL))
    return _power_of_ten(MIN_NOTIONAL / quote_value, round)


def _power_of_ten(value: float, rounding: Callable[[float], int]) -> Decimal:
    return ONE.scaleb(rounding(math.log10(value)))


def _spot_fees_bps(venue: str) -> tuple[Decimal, Decimal]:
    return SPOT_FEES_BPS.get(venue, max(SPOT_FEES_BPS.values()))


def _dollar_values(prices: Prices) -> dict[Asset, float]:
    """What one unit of each asset is worth, where a dollar pair is in the data."""
    values: dict[Asset, float] = {Asset(name): 1.0 for name in DOLLARS}
    for id_, seen in prices.items():
        pair = split_symbol(split_instrument_id(id_)[0])
        if pair is not None and pair[1] in DOLLARS and seen:
            values.setdefault(pair[0], sorted(seen)[len(seen) // 2])
    return values
