"""ccxt's market entries to Instruments, its rows to bars. What is not exact is left out."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from tradewinds.model.decimals import ONE, ZERO
from tradewinds.model.ids import Asset, InstrumentId, Venue, instrument_id
from tradewinds.model.instrument import Instrument, InstrumentKind, InstrumentStatus
from tradewinds.model.market import Bar
from tradewinds.model.validity import bar_invalidity

NS_PER_MS: Final = 1_000_000
DECIMAL_PLACES: Final = 2
TICK_SIZE: Final = 4
"""ccxt's precision modes that fix a step; the third, significant digits, does not."""
MAKER_FEE, TAKER_FEE = Decimal("0.004"), Decimal("0.006")
"""Where the venue's fee is not known: the dearest entry tier we know of."""
MAX_LOTS: Final = 10**12


def instrument_from(
    market: Mapping[str, Any], venue: str, precision_mode: int
) -> Instrument | None:
    """A spot market or a linear perpetual of one coin a contract; None for everything else."""
    kind = _kind(market)
    tick = _step(market, "price", precision_mode)
    lot = _step(market, "amount", precision_mode)
    if kind is None or tick is None or lot is None:
        return None
    amounts = _limits(market, "amount")
    return Instrument(
        id=instrument_id(market["symbol"], venue),
        symbol=market["symbol"],
        venue=Venue(venue),
        kind=kind,
        base=Asset(market["base"]),
        quote=Asset(market["quote"]),
        settle=Asset(market.get("settle") or market["quote"]),
        tick_size=tick,
        lot_size=lot,
        min_quantity=_decimal(amounts.get("min")) or lot,
        max_quantity=_decimal(amounts.get("max")) or lot * MAX_LOTS,
        min_notional=_decimal(_limits(market, "cost").get("min")) or ZERO,
        maker_fee=_fee(market.get("maker"), MAKER_FEE),
        taker_fee=_fee(market.get("taker"), TAKER_FEE),
        status=_status(market.get("active")),
        fee_in_received_asset=market.get("feeSide") == "get" and kind is InstrumentKind.SPOT,
        leverage_max=_decimal(_limits(market, "leverage").get("max")) or ONE,
    )


def number(value: object) -> float | None:
    """A finite float, or None for what a venue sends where it has nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def bar_from(
    series: tuple[InstrumentId, int], row: Sequence[object], now_ns: int, dropped: Counter[str]
) -> Bar | None:
    """A closed bar from ccxt's row, received as it closed; `series` is its instrument and length.

    None for one that still grows, or that makes no sense: then it is counted in `dropped`.
    """
    id_, length_ns = series
    numbers = [found for field in row[:6] if (found := number(field)) is not None]
    if len(numbers) != 6:
        dropped["bar incomplete or not finite"] += 1
        return None
    open_ns = int(numbers[0]) * NS_PER_MS
    close_ns = open_ns + length_ns
    if close_ns > now_ns:
        return None
    bar = Bar(
        instrument_id=id_,
        timeframe_ns=length_ns,
        open_time_ns=open_ns,
        open=numbers[1],
        high=numbers[2],
        low=numbers[3],
        close=numbers[4],
        volume=numbers[5],
        venue_time_ns=close_ns,
        received_time_ns=close_ns,
    )
    why = bar_invalidity(bar)
    if why is not None:
        dropped[why] += 1
    return bar if why is None else None


def _kind(market: Mapping[str, Any]) -> InstrumentKind | None:
    if market.get("spot"):
        return InstrumentKind.SPOT
    one_coin = _decimal(market.get("contractSize")) == ONE
    if market.get("swap") and market.get("linear") and one_coin:
        return InstrumentKind.PERPETUAL
    return None


def _step(market: Mapping[str, Any], name: str, precision_mode: int) -> Decimal | None:
    value = _decimal((market.get("precision") or {}).get(name))
    if value is None:
        return None
    if precision_mode == TICK_SIZE:
        return value if value > ZERO else None
    if precision_mode == DECIMAL_PLACES:
        return ONE.scaleb(-int(value))
    return None


def _limits(market: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return (market.get("limits") or {}).get(name) or {}


def _decimal(value: object) -> Decimal | None:
    """Exactly as it is written; None for nothing, NaN and infinities."""
    if value is None or isinstance(value, bool):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _fee(value: object, unknown: Decimal) -> Decimal:
    found = _decimal(value)
    return unknown if found is None else found


def _status(active: object) -> InstrumentStatus:
    if active is True:
        return InstrumentStatus.TRADING
    return InstrumentStatus.HALTED if active is False else InstrumentStatus.CLOSE_ONLY
