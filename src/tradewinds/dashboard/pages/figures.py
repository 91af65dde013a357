"""Performance in the names the field knows, or an honest word on why there is none yet."""

from collections.abc import Sequence

from tradewinds.dashboard.widgets import tag
from tradewinds.model.ledger import DayResult
from tradewinds.model.portfolio import Trade


class Figures:
    """A row of tiles."""

    def __init__(self) -> None:
        with tag("div", "tiles"):
            pass

    def show(
        self,
        days: Sequence[DayResult],
        trades: Sequence[Trade],
        points: Sequence[tuple[int, float]],
    ) -> None:
        """From one reading."""
