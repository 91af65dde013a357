"""What was earned and what it cost: curve, drawdown, days, strategies, instruments, trades."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct
from nicegui import background_tasks, ui
from nicegui.element import Element

from tradewinds.dashboard import charts, formats, results, views
from tradewinds.dashboard.history import History
from tradewinds.dashboard.pages.figures import AllFigures, HeadFigures
from tradewinds.dashboard.shell import Shell
from tradewinds.dashboard.widgets import Chart, Grid, Words, button, panel, tag
from tradewinds.ledger.performance import Performance, Record, measure
from tradewinds.model.errors import TradewindsError
from tradewinds.model.ledger import DayResult
from tradewinds.model.portfolio import Trade
from tradewinds.model.snapshot import Snapshot

PAGE_ROWS = 25
CURVE_POINTS = 1_000
TRADES_READ_MAX = 5_000
POINTS_MIN = 2
REREAD_NS = 30_000_000_000


class Past(Struct, frozen=True, kw_only=True):
    """One reading of the history."""

    curve: Sequence[tuple[int, Decimal]]
    days: Sequence[DayResult]
    trades: Sequence[Trade]
    performance: Performance


@ui.page("/analytics")
def analytics() -> None:
    """Register and build."""
    shell = Shell("/analytics")
    with shell.content():
        parts = Analytics(shell)
    shell.run(parts.refresh)


class Analytics:
    """Reads the history again when another trade was closed, and now and then for the curve."""

    def __init__(self, shell: Shell) -> None:
        self._history: History = shell.room.history
        self._state = shell.state
        self._read_for: tuple[int, int] | None = None
        self._problem = Words("", "notice").props('role="alert"')
        self._problem.set_visibility(False)
        self._head = HeadFigures()
        with tag("div", "halves"):
            self._curve, self._curve_thin = _picture("Equity", charts.equity_line([], None))
            self._fall, self._fall_thin = _picture("Drawdown", charts.drawdown_area([]))
        body, self._days_aside = panel("Net result per UTC day", aside=True)
        with body:
            self._bars = Chart("Net result per day", charts.daily_bars([]), "short")
            self._bars_thin = Words("", "thin")
        with tag("div", "halves"):
            self._by_strategy = _table("By strategy", results.BY_STRATEGY_COLUMNS)
            self._by_instrument = _table("By instrument", results.BY_INSTRUMENT_COLUMNS)
        self._trades = TradePages(shell)
        self._all = AllFigures()

    def refresh(self, snapshot: Snapshot) -> None:
        """Start a reading when there is something new to read."""
        key = (snapshot.trades_closed, snapshot.wall_time_ns // REREAD_NS)
        if key != self._read_for:
            self._read_for = key
            background_tasks.create(self._read(snapshot))

    async def _read(self, snapshot: Snapshot) -> None:
        try:
            past = await asyncio.to_thread(_read_past, self._history)
        except TradewindsError as error:
            self._problem.show(f"The history cannot be read now: {error}")
            self._problem.set_visibility(True)
            self._read_for = None
            return
        self._problem.set_visibility(False)
        self._show(past, snapshot)

    def _show(self, past: Past, snapshot: Snapshot) -> None:
        points = [(time_ns, float(equity)) for time_ns, equity in past.curve]
        enough = len(points) >= POINTS_MIN
        _either(self._curve, self._curve_thin, enough, "Needs at least two recorded points.")
        _either(self._fall, self._fall_thin, enough, "Needs at least two recorded points.")
        if enough:
            self._curve.show(charts.equity_line(points, float(snapshot.starting_equity)))
            self._fall.show(charts.drawdown_area(points))
        per_day = results.net_by_day(past.days)
        _either(self._bars, self._bars_thin, bool(per_day), "No result has been realised yet.")
        self._bars.show(charts.daily_bars(per_day))
        if self._days_aside:
            self._days_aside.show(f"{len(per_day)} day{'' if len(per_day) == 1 else 's'}")
        self._by_strategy.show(results.by_strategy(past.days))
        self._by_instrument.show(results.by_instrument(past.days))
        self._head.show(past.performance)
        self._all.show(past.performance, snapshot.currency)
        self._trades.show(past.trades, snapshot.trades_closed)


class TradePages:
    """Closed trades, newest first, some at a time."""

    def __init__(self, shell: Shell) -> None:
        self._state = shell.state
        self._trades: Sequence[Trade] = ()
        self._total = 0
        self._first = 0
        body, self._aside = panel("Closed trades", aside=True)
        with body.classes("flush"):
            self._grid = Grid("Closed trades", views.TRADE_COLUMNS, "No trade has been closed yet.")
            with tag("div", "pager") as self._pager:
                self._newer = button("Newer", "button", lambda: self._move(-PAGE_ROWS))
                self._older = button("Older", "button", lambda: self._move(PAGE_ROWS))

    def show(self, trades: Sequence[Trade], total: int) -> None:
        """Stay on the page being read."""
        self._trades, self._total = trades, max(total, len(trades))
        self._move(0)

    def _move(self, rows: int) -> None:
        last_page = max(0, (len(self._trades) - 1) // PAGE_ROWS * PAGE_ROWS)
        self._first = min(max(0, self._first + rows), last_page)
        shown = self._trades[self._first : self._first + PAGE_ROWS]
        self._grid.show(views.trade_rows(self._state, shown))
        self._pager.set_visibility(len(self._trades) > PAGE_ROWS)
        _allow(self._newer, self._first > 0)
        _allow(self._older, self._first < last_page)
        if self._aside and shown:
            end = self._first + len(shown)
            total = formats.count(self._total)
            self._aside.show(f"{self._first + 1}{formats.DASH}{end} of {total}")


def _allow(element: Element, allowed: bool) -> None:
    element.props(remove="disabled") if allowed else element.props("disabled")


def _read_past(history: History) -> Past:
    curve = history.equity_curve(CURVE_POINTS)
    days = history.day_results()
    trades = history.trades(0, TRADES_READ_MAX)
    performance = measure(Record(equity=curve, trades=trades, days=days))
    return Past(curve=curve, days=days, trades=trades, performance=performance)


def _picture(title: str, options: charts.Options) -> tuple[Chart, Words]:
    body, _ = panel(title)
    with body:
        return Chart(title, options), Words("", "thin")


def _table(title: str, columns: Sequence[views.Column]) -> Grid:
    body, _ = panel(title)
    with body.classes("flush"):
        return Grid(title, columns, "No result has been realised yet.")


def _either(chart: Chart, words: Words, enough: bool, text: str) -> None:
    chart.set_visibility(enough)
    words.set_visibility(not enough)
    words.show(text)
