"""What the pages ask of the past. The store answers; tests answer from memory."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from tradewinds.model.ledger import DayResult
from tradewinds.model.portfolio import Trade
from tradewinds.model.snapshot import Activity


class History(Protocol):
    """Blocking reads, called off the event loop. May raise StoreUnavailable."""

    def equity_curve(self, points_max: int) -> Sequence[tuple[int, Decimal]]:
        """(event time in ns, equity), oldest first, thinned to at most `points_max`."""
        ...

    def trades(self, offset: int, limit: int) -> Sequence[Trade]:
        """Closed round trips, newest first."""
        ...

    def recent_activity(self, limit: int) -> Sequence[Activity]:
        """The last lines of the live page, oldest first."""
        ...

    def day_results(self) -> Sequence[DayResult]:
        """Realised results per day, strategy and instrument, oldest day first."""
        ...
