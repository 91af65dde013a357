"""A cycle on paper whose legs left at once: what filled by its limit, and the rest put right."""

from collections.abc import Sequence

from tradewinds.engine.board import Board
from tradewinds.model.ids import Asset
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Quote, Side
from tradewinds.model.signal import BasketSignal, Leg

Seen = tuple[Leg, Instrument, Quote]


def at_once(signal: BasketSignal, board: Board, unwind_share: float) -> float | None:
    """In multiples of what the cycle may lose. What is too much or missing after the fills is put
    right at what is shown, by the cheaper of both ways. None where no leg would have filled, or
    nothing can be told."""
    seen = _seen(signal, board)
    if seen is None:
        return None
    held = _filled(seen)
    if not held:
        return None
    rates = _rates(seen)
    start = signal.start_asset
    worths = (_worth(held, rates, start), _worth(_across(held, rates, start), rates, start))
    known = [worth for worth in worths if worth is not None]
    return max(known) / unwind_share if known else None


def _seen(signal: BasketSignal, board: Board) -> Sequence[Seen] | None:
    found: list[Seen] = []
    for leg in signal.legs:
        quote, slot = board.last_quote(leg.instrument_id), board.slots.get(leg.instrument_id)
        if quote is None or slot is None:
            return None
        found.append((leg, slot.instrument, quote))
    return found


def _filled(seen: Sequence[Seen]) -> dict[Asset, float]:
    """What the legs changed that filled, for one unit at the start; each spends what the one before
    brings at its limit, and pays what is shown."""
    held: dict[Asset, float] = {}
    amount = 1.0
    for leg, instrument, quote in seen:
        price = quote.ask if leg.side is Side.BUY else quote.bid
        quantity, brought = _planned(leg, instrument, amount)
        amount = brought
        if (price > leg.limit_price) if leg.side is Side.BUY else (price < leg.limit_price):
            continue
        gave, got = _moved(leg, instrument, quantity, price)
        buying = leg.side is Side.BUY
        spent, bought = (
            (instrument.quote, instrument.base) if buying else (instrument.base, instrument.quote)
        )
        held[spent] = held.get(spent, 0.0) - gave
        held[bought] = held.get(bought, 0.0) + got
    return held


def _planned(leg: Leg, instrument: Instrument, amount: float) -> tuple[float, float]:
    """Base quantity that an amount orders, and what that brings at the limit."""
    if leg.side is Side.SELL:
        return amount, _moved(leg, instrument, amount, leg.limit_price)[1]
    paid, _ = _moved(leg, instrument, 1.0, leg.limit_price)
    return amount / paid, _moved(leg, instrument, amount / paid, leg.limit_price)[1]


def _moved(leg: Leg, instrument: Instrument, quantity: float, price: float) -> tuple[float, float]:
    """What a fill gives and gets."""
    fee = float(instrument.taker_fee)
    if leg.side is Side.SELL:
        return quantity, quantity * price * (1.0 - fee)
    if instrument.fee_in_received_asset:
        return quantity * price, quantity * (1.0 - fee)
    return quantity * price * (1.0 + fee), quantity


def _rates(seen: Sequence[Seen]) -> dict[tuple[Asset, Asset], float]:
    """What a unit of the first asset brings of the second now."""
    rates: dict[tuple[Asset, Asset], float] = {}
    for _, instrument, quote in reversed(seen):
        fee = float(instrument.taker_fee)
        rates[instrument.base, instrument.quote] = quote.bid * (1.0 - fee)
        received = instrument.fee_in_received_asset
        cost = quote.ask / (1.0 - fee) if received else quote.ask * (1.0 + fee)
        rates[instrument.quote, instrument.base] = 1.0 / cost
    return rates


def _across(
    held: dict[Asset, float], rates: dict[tuple[Asset, Asset], float], start: Asset
) -> dict[Asset, float]:
    """After what is too much of one asset has gone for what is missing of another."""
    more = [asset for asset, amount in held.items() if asset != start and amount > 0.0]
    less = [asset for asset, amount in held.items() if asset != start and amount < 0.0]
    rate = rates.get((more[0], less[0])) if more and less else None
    if rate is None:
        return held
    amount = min(held[more[0]], -held[less[0]] / rate)
    return {**held, more[0]: held[more[0]] - amount, less[0]: held[less[0]] + amount * rate}


def _worth(
    held: dict[Asset, float], rates: dict[tuple[Asset, Asset], float], start: Asset
) -> float | None:
    """Start asset after everything has been put right."""
    total = held.get(start, 0.0)
    for asset, amount in held.items():
        if asset == start or amount == 0.0:
            continue
        pair = (asset, start) if amount > 0.0 else (start, asset)
        rate = rates.get(pair)
        if rate is None:
            return None
        total += amount * rate if amount > 0.0 else amount / rate
    return total
