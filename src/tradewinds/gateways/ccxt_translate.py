"""Words that all dialects share: numbers as text, ids, times, statuses, filters."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from msgspec.structs import replace

from tradewinds.gateways.ccxt_orders import CLOSE_WINDOW_MS, ENTRY_WINDOW_MS
from tradewinds.gateways.ccxt_quirks import STATUS
from tradewinds.model.decimals import ONE, ZERO, ceil_to_step, floor_to_step
from tradewinds.model.events import VenueOrder
from tradewinds.model.ids import ClientOrderId, FillId, InstrumentId
from tradewinds.model.instrument import Instrument, InstrumentStatus
from tradewinds.model.market import Side
from tradewinds.model.order import ApprovedOrder, OrderStatus, Purpose

NS_PER_MS: Final = 1_000_000
ADDS_RISK: Final = frozenset({Purpose.ENTER, Purpose.LEG})
LEAST, MOST = -24, 18
"""Powers of ten between which an amount is one: beyond them sums would lose digits."""
STOP_BAND: Final = Decimal("0.05")
"""How far beyond its trigger a stop may sell where the venue knows no stop at market."""


def text(value: Decimal) -> str:
    """Plain digits: no exponent, no trailing zeros."""
    return f"{value.normalize():f}" if value else "0"


def amount(value: object) -> Decimal:
    """What the venue wrote. Raises ValueError for anything that is not a number of this world."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"not an amount: {value!r}")
    try:
        found = Decimal(str(value))
    except ArithmeticError as error:
        raise ValueError(f"not an amount: {value!r}") from error
    if not found.is_finite() or (found and not LEAST <= found.adjusted() <= MOST):
        raise ValueError(f"not an amount: {value!r}")
    return found


def above_zero(value: object) -> Decimal:
    """A price or a quantity of an execution. Raises ValueError for anything else."""
    found = amount(value)
    if found <= ZERO:
        raise ValueError(f"not above zero: {value!r}")
    return found


def time_ns(value: object, otherwise_ns: int) -> int:
    """Milliseconds of the venue's; ours where it says none."""
    return value * NS_PER_MS if isinstance(value, int) and value > 0 else otherwise_ns


def side_word(side: Side) -> str:
    """BUY or SELL."""
    return side.value.upper()


def side_of(word: object) -> Side:
    """Raises ValueError for any other word."""
    return Side(str(word).lower())


def closing(order: ApprovedOrder) -> bool:
    """Whether it can only reduce."""
    return order.purpose not in ADDS_RISK


def window_ms(order: ApprovedOrder) -> int:
    """How long the request may still take effect after it was signed."""
    return CLOSE_WINDOW_MS if closing(order) else ENTRY_WINDOW_MS


def venue_symbol(instrument: Instrument) -> str:
    """`BTC/USDT` and `BTC/USDT:USDT` are both BTCUSDT where each product has its own list."""
    return f"{instrument.base}{instrument.quote}"


def fill_id(symbol: str, trade_id: object, venue_order_id: object) -> FillId:
    """The same for an execution heard in a stream and for it found by query. The order is part of
    it: two orders of ours that met share the trade."""
    return FillId(f"{symbol}-{trade_id}-{venue_order_id}")


def stop_limit(order: ApprovedOrder, instrument: Instrument) -> Decimal:
    """The worst price of a stop that must have one."""
    if order.price is not None:
        return order.price
    assert order.trigger_price is not None
    if order.side is Side.SELL:
        return floor_to_step(order.trigger_price * (ONE - STOP_BAND), instrument.tick_size)
    return ceil_to_step(order.trigger_price * (ONE + STOP_BAND), instrument.tick_size)


def venue_order(
    data: Mapping[str, Any], instrument_id: InstrumentId, names: tuple[str, str, str, str]
) -> VenueOrder:
    """`names` of: client id, venue id, status, filled quantity. An unknown status is UNKNOWN."""
    client, venue, status, filled = (data.get(name, "") for name in names)
    known = STATUS.get(str(status), OrderStatus.UNKNOWN)
    return VenueOrder(
        client_order_id=ClientOrderId(str(client)),
        venue_order_id=str(venue),
        instrument_id=instrument_id,
        status=known,
        filled_quantity=amount(filled or "0"),
        reason=_why(data, str(status)),
    )


def _why(data: Mapping[str, Any], status: str) -> str:
    for name in ("expiryReason", "eR", "r", "rm"):
        told = data.get(name)
        if isinstance(told, str) and told and told != "NONE":
            return f"{status.lower()}: {told}"[:200]
    return status.lower()


def by_symbol(instruments: Iterable[Instrument]) -> dict[str, Instrument]:
    """For answers, which name the venue's symbol."""
    return {venue_symbol(instrument): instrument for instrument in instruments}


STATUS_OF_MARKET: Final[Mapping[str, InstrumentStatus]] = {
    "TRADING": InstrumentStatus.TRADING,
    "HALT": InstrumentStatus.HALTED,
    "BREAK": InstrumentStatus.HALTED,
    "END_OF_DAY": InstrumentStatus.HALTED,
    "PRE_TRADING": InstrumentStatus.HALTED,
    "POST_TRADING": InstrumentStatus.HALTED,
    "PENDING_TRADING": InstrumentStatus.HALTED,
    "CLOSE": InstrumentStatus.HALTED,
}


def refiltered(instrument: Instrument, row: Mapping[str, Any]) -> Instrument:
    """An instrument with the filters of an exchangeInfo row; what it lacks stays as it was."""
    filters = {f.get("filterType"): f for f in row.get("filters", ())}
    lot, tick = filters.get("LOT_SIZE", {}), filters.get("PRICE_FILTER", {})
    worth = filters.get("NOTIONAL") or filters.get("MIN_NOTIONAL") or {}
    status = str(row.get("status", "TRADING"))
    return replace(
        instrument,
        tick_size=_positive(tick.get("tickSize"), instrument.tick_size),
        lot_size=_positive(lot.get("stepSize"), instrument.lot_size),
        min_quantity=_positive(lot.get("minQty"), instrument.min_quantity),
        max_quantity=_positive(lot.get("maxQty"), instrument.max_quantity),
        min_notional=_positive(
            worth.get("minNotional") or worth.get("notional"), instrument.min_notional
        ),
        status=STATUS_OF_MARKET.get(status, InstrumentStatus.CLOSE_ONLY),
    )


def _positive(value: object, otherwise: Decimal) -> Decimal:
    if value is None:
        return otherwise
    found = amount(value)
    return found if found > ZERO else otherwise
