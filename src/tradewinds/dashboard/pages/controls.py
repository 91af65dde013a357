"""The operator's desk: pause, strategies, the law as loaded, this login."""

from collections.abc import Awaitable, Callable

from nicegui import ui

from tradewinds.dashboard import formats
from tradewinds.dashboard.pages.account import account_panel, confirm_form
from tradewinds.dashboard.shell import Shell
from tradewinds.dashboard.widgets import Modal, Words, button, panel, tag
from tradewinds.model.ids import StrategyId
from tradewinds.model.portfolio import TradingState
from tradewinds.model.snapshot import LimitsRow, OperatorReply, Snapshot, StrategyRow

Verb = Callable[[], Awaitable[OperatorReply]]

REASON = "operator, dashboard"
STATE_MEANING = {
    TradingState.ACTIVE: "Strategies may open positions within the limits.",
    TradingState.REDUCING: "No new risk; open positions are kept protected and may close.",
    TradingState.HALTED: "Nothing is traded until you resume or a new day begins.",
}
LAW_NOTE = (
    "Read only. Limits come from the configuration file at start, cannot be raised past the hard "
    "maxima in the code, and are enforced in the engine, not on this page."
)
DISCLAIMER = (
    "Tradewinds is for education and personal use. It gives no financial advice and promises no "
    "profit; trading can lose all the money put in. You decide, and the risk is yours."
)


@ui.page("/controls")
def controls() -> None:
    """Register and build."""
    shell = Shell("/controls")
    with shell.content():
        parts = Controls(shell)
    shell.run(parts.refresh)


class Controls:
    """All panels of the page."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._desk = shell.room.desk
        self._answer = Words(shell.session.notice, "notice").props('role="status"')
        self._answer.set_visibility(bool(shell.session.notice))
        shell.session.notice = ""
        self._confirm = Modal("Confirm password", self._dismiss)
        with self._confirm:
            confirm_form(shell.session.csrf, self._dismiss)
        with tag("div", "halves top-aligned"):
            with tag("div", "stack"):
                self._trading_panel()
                self._strategies = _Switches(self._switch)
                account_panel(shell)
                _about_panel()
            with tag("div", "stack"):
                self._limits = _Limits()
                self._engine = _EngineFacts(shell)

    def refresh(self, snapshot: Snapshot) -> None:
        """Show a new snapshot."""
        self._state.show(snapshot.trading_state.name, snapshot.trading_state.value)
        why = f" Reason: {snapshot.state_reason}." if snapshot.state_reason else ""
        self._meaning.show(STATE_MEANING[snapshot.trading_state] + why)
        active = snapshot.trading_state is TradingState.ACTIVE
        self._pause.set_visibility(active)
        self._resume.set_visibility(not active)
        self._strategies.show(snapshot.strategies)
        self._limits.show(snapshot.limits, snapshot.currency)
        self._engine.show(snapshot)

    def _trading_panel(self) -> None:
        body, _ = panel("Trading")
        with body:
            with tag("div", "row-line"):
                self._state = Words("", "badge")
                self._meaning = Words("", "tone-dim")
            with tag("div", "row-line"):
                self._pause = button("Pause trading", "button warn", self._do_pause)
                self._resume = button("Resume trading", "button main", self._do_resume)
                button("Emergency stop\u2026", "button danger", self._shell.emergency.ask)
            Words(
                "Pause takes no new risk and keeps open positions with their stops. The emergency "
                "stop cancels every order, closes every position and verifies that nothing is "
                "left; it is at the top of every page and asks once.",
                "prose spaced",
            )

    async def _do_pause(self) -> None:
        await self._ask("Pause", lambda: self._desk.pause(REASON))

    async def _do_resume(self) -> None:
        if self._may_raise_risk():
            await self._ask("Resume", lambda: self._desk.resume(REASON))

    async def _switch(self, strategy_id: StrategyId, enabled: bool) -> None:
        # Off is always allowed; on raises risk.
        if not enabled or self._may_raise_risk():
            verb = "Switch on" if enabled else "Switch off"
            await self._ask(
                f"{verb} {strategy_id}",
                lambda: self._desk.switch(strategy_id, enabled=enabled),
            )

    def _may_raise_risk(self) -> bool:
        if self._shell.room.sessions.may_trade(self._shell.session):
            return True
        self._confirm.show(is_open=True)
        return False

    def _dismiss(self) -> None:
        self._confirm.show(is_open=False)

    async def _ask(self, what: str, verb: Verb) -> None:
        self._answer.set_visibility(True)
        self._answer.show(f"{what}\u2026")
        reply = await verb()
        outcome = "done" if reply.done else "NOT done"
        self._answer.show(f"{what}: {outcome}. {reply.detail}", "" if reply.done else "bad")


class _Switches:
    """One line per strategy, built again only when the set of strategies changes."""

    def __init__(self, switch: Callable[[StrategyId, bool], Awaitable[None]]) -> None:
        self._switch = switch
        self._lines: dict[StrategyId, _SwitchLine] = {}
        body, _ = panel("Strategies")
        with body, tag("div", "switches") as self._list:
            Words("No strategy is loaded.", "tone-dim")

    def show(self, rows: tuple[StrategyRow, ...]) -> None:
        """From the snapshot."""
        if [row.strategy_id for row in rows] != list(self._lines):
            self._list.clear()
            with self._list:
                self._lines = {
                    row.strategy_id: _SwitchLine(row.strategy_id, self._switch) for row in rows
                }
        for row in rows:
            self._lines[row.strategy_id].show(row)


class _SwitchLine:
    """A strategy's name, facts and the button that turns it."""

    def __init__(
        self, strategy_id: StrategyId, switch: Callable[[StrategyId, bool], Awaitable[None]]
    ) -> None:
        self._id = strategy_id
        self._switch = switch
        self._enabled = False
        with tag("div", "switch-row"):
            Words(strategy_id, "name")
            self._state = Words("", "badge")
            self._facts = Words("", "facts")
            self._on = button("Switch on", "button", self._turn)
            self._off = button("Switch off", "button", self._turn)

    def show(self, row: StrategyRow) -> None:
        """From the snapshot."""
        self._enabled = row.enabled
        self._state.show("ON" if row.enabled else "OFF", "active" if row.enabled else "idle")
        self._facts.show(
            f"{row.open_trades} open, {formats.count(row.signals)} signals, "
            f"{formats.count(row.refusals)} refused, today {formats.signed(row.net_today)}"
        )
        self._on.set_visibility(not row.enabled)
        self._off.set_visibility(row.enabled)

    async def _turn(self) -> None:
        await self._switch(self._id, not self._enabled)


class _Limits:
    """The law as loaded."""

    def __init__(self) -> None:
        names = (
            "Loss per trade, at most",
            "Loss per UTC day, at most",
            "Reserve, never committed",
            "Exposure, all instruments",
            "Exposure, one instrument",
            "Leverage, at most",
            "Drawdown that reduces",
            "Drawdown that halts",
        )
        body, self._aside = panel("Risk limits", aside=True)
        with body:
            with tag("div", "pairs"):
                self._values = [_pair(name) for name in names]
            Words(LAW_NOTE, "prose spaced")

    def show(self, limits: LimitsRow, currency: str) -> None:
        """From the snapshot."""
        texts = (
            formats.money(limits.loss_per_trade_max),
            formats.money(limits.loss_per_day_max),
            formats.money(limits.reserve),
            formats.money(limits.exposure_total_max),
            formats.money(limits.exposure_per_instrument_max),
            f"{formats.quantity(limits.leverage_max)}x",
            formats.percent(limits.drawdown_reduce, 1),
            formats.percent(limits.drawdown_halt, 1),
        )
        if self._aside:
            self._aside.show(f"in {currency}")
        for words, text in zip(self._values, texts, strict=True):
            words.show(text)


class _EngineFacts:
    """What runs, and how it is doing."""

    def __init__(self, shell: Shell) -> None:
        self._state = shell.state
        names = (
            "Mode",
            "Prices from",
            "Run",
            "Process",
            "Running for",
            "Events",
            "Decision time",
            "Journal",
            "Anomalies in the data",
            "Messages not understood",
        )
        body, _ = panel("Engine")
        with body, tag("div", "pairs"):
            self._words = {name: _pair(name) for name in names}

    def show(self, snapshot: Snapshot) -> None:
        """From the snapshot."""
        up_s = (snapshot.wall_time_ns - snapshot.started_wall_ns) / 1e9
        rate = formats.count(snapshot.events_per_second)
        p50, p99 = snapshot.decision_p50_us, snapshot.decision_p99_us
        texts = {
            "Mode": f"{snapshot.mode} trading, simulated money"
            if snapshot.mode == "paper"
            else snapshot.mode,
            "Prices from": snapshot.feed_label,
            "Run": snapshot.run_id,
            "Process": str(snapshot.engine_pid),
            "Running for": formats.duration(up_s),
            "Events": f"{formats.count(snapshot.events_total)}, {rate} a second",
            "Decision time": f"p50 {p50:,.0f} \u00b5s, p99 {p99:,.0f} \u00b5s",
            "Journal": f"{formats.count(snapshot.journal_sequence)} entries",
            "Anomalies in the data": formats.count(snapshot.anomalies),
            "Messages not understood": formats.count(self._state.malformed),
        }
        for name, text in texts.items():
            self._words[name].show(text)


def _pair(name: str) -> Words:
    Words(name, "name")
    return Words("", "value")


def _about_panel() -> None:
    from tradewinds import __version__

    body, _ = panel("About")
    with body:
        Words(f"Tradewinds {__version__}, on this machine only.", "prose")
        Words(DISCLAIMER, "prose")
