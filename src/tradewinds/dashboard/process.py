"""The dashboard as a process of its own: settings to bus, history and pages."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from tradewinds.bus.local import LocalBusClient
from tradewinds.bus.redis import RedisBusClient
from tradewinds.config import Settings, database_url
from tradewinds.dashboard.app import serve
from tradewinds.dashboard.settings import DashboardSettings
from tradewinds.dashboard.store_history import StoreHistory
from tradewinds.model.ledger import DayResult
from tradewinds.model.portfolio import Trade
from tradewinds.model.snapshot import Activity
from tradewinds.ports import Bus


class CurrentHistory:
    """History of the account that the engine of this folder traded last."""

    def __init__(self, url: str, home: Path) -> None:
        self._url = url
        self._note = home / "run" / "account"
        self._account = ""
        self._history = StoreHistory(url, "")

    def equity_curve(self, points_max: int) -> Sequence[tuple[int, Decimal]]:
        """See History."""
        return self._now().equity_curve(points_max)

    def trades(self, offset: int, limit: int) -> Sequence[Trade]:
        """See History."""
        return self._now().trades(offset, limit)

    def recent_activity(self, limit: int) -> Sequence[Activity]:
        """See History."""
        return self._now().recent_activity(limit)

    def day_results(self) -> Sequence[DayResult]:
        """See History."""
        return self._now().day_results()

    def _now(self) -> StoreHistory:
        """A new run of the engine may trade another account."""
        try:
            account = self._note.read_text("utf-8").strip()
        except OSError:
            account = self._account
        if account != self._account:
            self._account = account
            self._history = StoreHistory(self._url, account)
        return self._history


def run_dashboard(settings: Settings, home: Path) -> None:
    """Serve until told to stop. Raises ConfigError when the port cannot be had."""
    bus: Bus = LocalBusClient(home / "run" / "engine.sock")
    if settings.store.redis_url:
        bus = RedisBusClient(settings.store.redis_url)
    pages = DashboardSettings(
        data_dir=home, host=settings.dashboard.host, port=settings.dashboard.port
    )
    serve(pages, bus, CurrentHistory(database_url(settings, home), home))
