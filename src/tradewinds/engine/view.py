"""What a strategy may see."""

from collections.abc import Sequence

from tradewinds.engine.floor import Floor
from tradewinds.model.ids import InstrumentId, StrategyId
from tradewinds.model.market import Quote
from tradewinds.model.portfolio import Trade


class View:
    """Read-only window on the floor; implements ports.MarketView."""

    __slots__ = ("_floor", "_out", "_slots")

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._out = floor.out
        self._slots = floor.board.slots

    @property
    def now_ns(self) -> int:
        """Received time of the event in hand."""
        return self._out.now_ns

    def quote(self, instrument_id: InstrumentId) -> Quote | None:
        """The last valid quote; with bars alone one of no width."""
        slot = self._slots.get(instrument_id)
        if slot is not None and slot.quote is not None:
            return slot.quote
        return self._floor.board.last_quote(instrument_id)

    def mid(self, instrument_id: InstrumentId) -> float | None:
        """The last price to value by."""
        return self._floor.board.mid(instrument_id)

    def open_trades(self, strategy_id: StrategyId) -> Sequence[Trade]:
        """Round trips of this strategy that are not closed, those of its paper twin included."""
        selection = self._floor.selection
        if selection.twin.trades:
            return (
                *self._floor.portfolio.open_trades(strategy_id),
                *selection.twin.of(strategy_id),
            )
        return self._floor.portfolio.open_trades(strategy_id)
