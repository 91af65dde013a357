"""The past, from the store's tables: what History asks, answered by store.queries."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from tradewinds.model.ledger import DayResult
from tradewinds.model.portfolio import Trade
from tradewinds.model.snapshot import Activity
from tradewinds.store import queries
from tradewinds.store.database import open_database


class StoreHistory:
    """History of one account. The database is opened at the first question that finds it there,

    so that the dashboard can start before the engine has made it.
    """

    def __init__(self, database_url: str, account: str) -> None:
        self._url = database_url
        self._account = account
        self._opened: Any = None

    def equity_curve(self, points_max: int) -> Sequence[tuple[int, Decimal]]:
        """See History."""
        points = queries.equity_curve(self._database(), self._account, points_max=points_max)
        return [(point.time_ns, point.equity) for point in points]

    def trades(self, offset: int, limit: int) -> Sequence[Trade]:
        """See History."""
        closed = queries.closed_trades(self._database(), self._account)
        return closed[::-1][offset : offset + limit]

    def recent_activity(self, limit: int) -> Sequence[Activity]:
        """See History."""
        return queries.recent_activity(self._database(), self._account, limit)[::-1]

    def day_results(self) -> Sequence[DayResult]:
        """See History."""
        return queries.day_results(self._database(), self._account)

    def _database(self) -> Any:
        # SQLAlchemy's types stay at home in the store, hence Any.
        if self._opened is None:
            self._opened = open_database(self._url, create=False)
        return self._opened
