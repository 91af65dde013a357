"""What taking costs: fees, slippage, and the price of asking for more than is shown."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from tradewinds.model.decimals import (
    BPS,
    ONE,
    ZERO,
    ceil_to_step,
    floor_to_step,
    round_loss_up,
    to_decimal,
)
from tradewinds.model.ids import Asset
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.market import Side
from tradewinds.sim.settings import SimSettings

PERPETUAL = InstrumentKind.PERPETUAL
BUY = Side.BUY


class Level(NamedTuple):
    """A price and how much can be had there, in base asset."""

    price: Decimal
    size: Decimal


def fee(instrument: Instrument, side: Side, amount: Level, maker: bool) -> tuple[Decimal, Asset]:
    """The fee of a fill and the asset it is taken in, rounded up to the ledger's step."""
    rate = instrument.maker_fee if maker else instrument.taker_fee
    if instrument.kind is PERPETUAL:
        return round_loss_up(amount.size * amount.price * rate), instrument.settle
    if instrument.fee_in_received_asset and side is BUY:
        return round_loss_up(amount.size * rate), instrument.base
    return round_loss_up(amount.size * amount.price * rate), instrument.quote


def unit_cost(instrument: Instrument, price: Decimal, leverage: Decimal) -> Decimal:
    """What buying (or opening) one unit of base can take from the account, fee included."""
    rate = max(instrument.maker_fee, instrument.taker_fee, ZERO)
    if instrument.kind is PERPETUAL:
        return round_loss_up(price / leverage + price * rate)
    return round_loss_up(price if instrument.fee_in_received_asset else price * (ONE + rate))


def worse_tick(price: Decimal, side: Side, tick: Decimal) -> Decimal:
    """The tick at or beyond, against the taker; never below one tick."""
    if side is BUY:
        return ceil_to_step(price, tick)
    return max(floor_to_step(price, tick), tick)


def slipped(price: float, side: Side, instrument: Instrument, bps: Decimal) -> Decimal:
    """`price` made worse by `bps` for a taker on `side`, on a tick."""
    factor = ONE + bps * BPS if side is BUY else ONE - bps * BPS
    return worse_tick(to_decimal(price) * factor, side, instrument.tick_size)


def rungs(
    levels: Sequence[Level], side: Side, instrument: Instrument, settings: SimSettings
) -> Iterator[Level]:
    """The shown levels, then their whole size again and again, each time `impact_bps` worse."""
    yield from levels
    if not levels:
        return
    total = sum((level.size for level in levels), ZERO)
    last = levels[-1].price
    for multiple in range(1, settings.impact_multiples_max + 1):
        bps = settings.impact_bps * multiple * BPS
        factor = ONE + bps if side is BUY else max(ONE - bps, ZERO)
        yield Level(worse_tick(last * factor, side, instrument.tick_size), total)


def walk(levels: Iterable[Level], side: Side, want: Level, lot: Decimal) -> list[Level]:
    """The parts a taker gets: up to `want.size`, no worse than `want.price` (0: any price)."""
    parts: list[Level] = []
    left = want.size
    for level in levels:
        beyond = level.price > want.price if side is BUY else level.price < want.price
        if left <= ZERO or (want.price and beyond):
            break
        size = floor_to_step(min(left, level.size), lot)
        if size > ZERO:
            parts.append(Level(level.price, size))
            left -= size
    return parts


def without(levels: Iterable[Level], taken: Decimal) -> Iterator[Level]:
    """What is left of `levels` after `taken` was consumed from the best on."""
    for level in levels:
        used = min(taken, level.size)
        taken -= used
        if level.size > used:
            yield Level(level.price, level.size - used)
