"""A benched strategy's cycles on paper: what they would have brought a moment after the signal."""

from typing import Final

from msgspec import Struct

from tradewinds.engine.board import Board
from tradewinds.engine.paper_at_once import at_once
from tradewinds.model.ids import StrategyId
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Quote, Side
from tradewinds.model.signal import BasketSignal, Leg, Sending

DELAY_NS: Final = 250_000_000
"""Until the legs would have met the market."""
WAIT_MAX: Final = 64
"""Cycles that may wait to be valued; more tell nothing new."""


class Waiting(Struct, frozen=True):
    """A cycle and when it is due."""

    signal: BasketSignal
    due_ns: int


def result_of(signal: BasketSignal, board: Board, unwind_share: float) -> float | None:
    """In multiples of what the cycle may lose; where its legs may leave either way, the worse.
    None where nothing would have filled, or nothing can be told."""
    results = []
    if signal.sending is not Sending.SIMULTANEOUS:
        results.append(_in_sequence(signal, board, unwind_share))
    if signal.sending is not Sending.SEQUENCED:
        # Two assets may have to be put right, not one: twice the move.
        results.append(at_once(signal, board, 2.0 * unwind_share))
    return min((result for result in results if result is not None), default=None)


def _in_sequence(signal: BasketSignal, board: Board, unwind_share: float) -> float | None:
    """In multiples of what the cycle may lose: the first leg only at its limit, the others at
    what is shown now. None where the first leg would not have filled, or nothing can be told.
    """
    amount = 1.0
    for number, leg in enumerate(signal.legs):
        quote = board.last_quote(leg.instrument_id)
        slot = board.slots.get(leg.instrument_id)
        if quote is None or slot is None:
            return None
        if number == 0 and _worse(leg, quote):
            return None
        amount *= _rate(leg, quote, slot.instrument)
    return (amount - 1.0) / unwind_share


def _worse(leg: Leg, quote: Quote) -> bool:
    return quote.ask > leg.limit_price if leg.side is Side.BUY else quote.bid < leg.limit_price


def _rate(leg: Leg, quote: Quote, instrument: Instrument) -> float:
    fee = float(instrument.taker_fee)
    if leg.side is Side.SELL:
        return quote.bid * (1.0 - fee)
    return (
        (1.0 - fee) / quote.ask if instrument.fee_in_received_asset else 1 / quote.ask / (1 + fee)
    )


class PaperBaskets:
    """Cycles that wait for their moment, per strategy."""

    def __init__(self) -> None:
        self._waiting: list[Waiting] = []

    def add(self, signal: BasketSignal, now_ns: int) -> None:
        """Value it when its moment has come."""
        if len(self._waiting) < WAIT_MAX:
            self._waiting.append(Waiting(signal, now_ns + DELAY_NS))

    def due(self, board: Board, now_ns: int, unwind_share: float) -> list[tuple[StrategyId, float]]:
        """Results of the cycles whose moment has come."""
        if not self._waiting:
            return []
        ready = [each for each in self._waiting if each.due_ns <= now_ns]
        self._waiting = [each for each in self._waiting if each.due_ns > now_ns]
        results = ((e.signal.strategy_id, result_of(e.signal, board, unwind_share)) for e in ready)
        return [(who, result) for who, result in results if result is not None]
