"""The page to keep open: what there is, what it can cost, what just happened."""

from nicegui import ui

from tradewinds.dashboard import charts, formats, views
from tradewinds.dashboard.shell import Shell
from tradewinds.dashboard.widgets import Bar, Chart, Grid, Tile, Words, panel, tag
from tradewinds.model.decimals import ZERO
from tradewinds.model.snapshot import Snapshot

RECENT_LINES = 12


@ui.page("/")
def overview() -> None:
    """Register and build."""
    shell = Shell("/")
    with shell.content():
        parts = Overview(shell)
    shell.run(parts.refresh)


class DayLimit:
    """The law of the day as a bar: lost, at risk, left."""

    def __init__(self) -> None:
        body, self._aside = panel("Daily loss limit", aside=True, css="second")
        with body:
            with tag("div", "gauge").props('role="img" aria-label="Share of the limit used"'):
                self._lost_bar, self._risk_bar = Bar("lost"), Bar("risk")
            with tag("div", "scale"):
                Words("0")
                self._end = Words("")
            with tag("div", "pairs"):
                self._lost = _pair("Lost today", "lost")
                self._risk = _pair("Open risk, if every stop is hit", "risk")
                self._left = _pair("Left to risk today", "left")
                self._trade = _pair("Limit per trade", "")
                self._reserve = _pair("Reserve, never committed", "")

    def show(self, snapshot: Snapshot) -> None:
        """From the snapshot."""
        limits, used = snapshot.limits, snapshot.day_loss_used
        lost, risk = views.day_loss_shares(snapshot)
        self._lost_bar.show(lost)
        self._risk_bar.show(risk)
        self._end.show(formats.money(limits.loss_per_day_max))
        if self._aside:
            self._aside.show(f"{formats.percent(lost + risk, 0)} used")
        realised = min(max(ZERO, -snapshot.realised_today), used)
        self._lost.show(formats.money(realised))
        self._risk.show(formats.money(used - realised))
        self._left.show(formats.money(max(ZERO, limits.loss_per_day_max - used)))
        self._trade.show(formats.money(limits.loss_per_trade_max))
        self._reserve.show(formats.money(limits.reserve))


class Overview:
    """All panels of the page."""

    def __init__(self, shell: Shell) -> None:
        self._state = shell.state
        self._curve_version = -1
        self._line_total = -1
        with tag("div", "tiles"):
            names = ("Equity", "Day P&L", "Open P&L", "Drawdown", "Free to commit", "Working")
            self._tiles = {name: Tile(name) for name in names}
        with tag("div", "columns"):
            with tag("div", "stack"):
                self._build_left()
            with tag("div", "stack"):
                self._build_right()
        self._foot = _Foot()

    def refresh(self, snapshot: Snapshot) -> None:
        """Show a new snapshot."""
        self._show_tiles(snapshot)
        self._limit.show(snapshot)
        self._positions.show(views.position_rows(self._state, snapshot))
        self._strategies.show(views.strategy_rows(snapshot.strategies))
        self._prices.show(views.price_rows(self._state, snapshot.prices))
        self._foot.show(snapshot)
        if self._state.lines_total != self._line_total:
            self._line_total = self._state.lines_total
            lines = list(self._state.lines)[-RECENT_LINES:]
            self._recent.show(views.recent_rows(lines))
        if self._state.curve.version != self._curve_version:
            self._curve_version = self._state.curve.version
            self._chart.show(self._curve(snapshot))

    def _build_left(self) -> None:
        body, self._span = panel("Equity, last 24 hours", aside=True, css="first")
        with body:
            self._chart = Chart("Equity over the last 24 hours", charts.equity_line([], None))
        body, _ = panel("Open positions", css="third")
        with body.classes("flush"):
            self._positions = Grid(
                "Open positions", views.POSITION_COLUMNS, "No open positions. Nothing at risk."
            )
        body, _ = panel("Market", css="sixth")
        with body.classes("flush"):
            self._prices = Grid("Market prices", views.PRICE_COLUMNS, "No prices yet.")

    def _build_right(self) -> None:
        self._limit = DayLimit()
        body, _ = panel("Strategies", css="fourth")
        with body.classes("flush"):
            self._strategies = Grid("Strategies", views.STRATEGY_COLUMNS, "No strategy is loaded.")
        body, _ = panel("Recent activity", css="fifth")
        with body.classes("flush"):
            self._recent = Grid("Recent activity", views.RECENT_COLUMNS, "Nothing happened yet.")

    def _show_tiles(self, snapshot: Snapshot) -> None:
        tiles, limits = self._tiles, snapshot.limits
        since_start = snapshot.equity - snapshot.starting_equity
        growth = float(since_start / snapshot.starting_equity) if snapshot.starting_equity else 0.0
        tiles["Equity"].amount(
            formats.money(snapshot.equity),
            f"{formats.signed(since_start)} ({formats.signed_percent(growth)}) since start",
        )
        tiles["Day P&L"].result(
            snapshot.day_pnl, f"{formats.signed(snapshot.realised_today)} realised"
        )
        unrealised = sum((row.unrealised for row in snapshot.positions), ZERO)
        held = len(snapshot.positions)
        tiles["Open P&L"].result(unrealised, f"{held} open position{'' if held == 1 else 's'}")
        tiles["Drawdown"].amount(
            formats.percent(snapshot.drawdown),
            f"reduces at {limits.drawdown_reduce:.0%}, halts at {limits.drawdown_halt:.0%}",
        )
        free = max(ZERO, snapshot.cash - limits.reserve)
        tiles["Free to commit"].amount(
            formats.money(free),
            f"cash {formats.money(snapshot.cash)}, reserve {formats.money(limits.reserve)}",
        )
        tiles["Working"].amount(
            f"{snapshot.working_orders} order{'' if snapshot.working_orders == 1 else 's'}",
            f"{formats.count(snapshot.trades_closed)} trades closed",
        )

    def _curve(self, snapshot: Snapshot) -> charts.Options:
        points = list(self._state.curve.points)
        if self._span and points:
            span_s = (points[-1][0] - points[0][0]) / 1e9
            self._span.show(f"{formats.duration(span_s)} shown, in {snapshot.currency}")
        return charts.equity_line(points, float(snapshot.starting_equity))


class _Foot:
    """The engine's own health, for who wants to know."""

    def __init__(self) -> None:
        names = ("events", "per second", "decision p50", "p99", "anomalies", "journal", "up", "run")
        with tag("div", "foot"):
            self._words = {name: self._one(name) for name in names}

    def show(self, snapshot: Snapshot) -> None:
        """From the snapshot."""
        up_s = (snapshot.wall_time_ns - snapshot.started_wall_ns) / 1e9
        texts = {
            "events": formats.count(snapshot.events_total),
            "per second": formats.count(snapshot.events_per_second),
            "decision p50": f"{snapshot.decision_p50_us:,.0f} \u00b5s",
            "p99": f"{snapshot.decision_p99_us:,.0f} \u00b5s",
            "anomalies": formats.count(snapshot.anomalies),
            "journal": formats.count(snapshot.journal_sequence),
            "up": formats.duration(up_s),
            "run": snapshot.run_id,
        }
        for name, text in texts.items():
            self._words[name].show(text)

    def _one(self, name: str) -> Words:
        with tag("span", "", f"{name} "):
            return Words("", "value").style("display: inline; margin-left: 4px")


def _pair(name: str, swatch: str) -> Words:
    with tag("div", "name"):
        if swatch:
            tag("span", f"swatch {swatch}")
        Words(name)
    return Words("", "value")
