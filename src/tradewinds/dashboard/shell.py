"""What every page shows: which money, which feed, which state, how much is left to lose today."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from nicegui import ui

from tradewinds.dashboard import formats
from tradewinds.dashboard.emergency import EmergencyStop
from tradewinds.dashboard.room import Room, room_of, session_of
from tradewinds.dashboard.sessions import Session
from tradewinds.dashboard.state import LiveState
from tradewinds.dashboard.views import day_loss_shares, feed_badge
from tradewinds.dashboard.widgets import Bar, Words, tag
from tradewinds.model.snapshot import Snapshot

REFRESH_S = 0.25
REAL_MONEY = "live"
SIMULATED = frozenset({"paper", "backtest", "replay"})
TABS = (
    ("/", "Overview"),
    ("/live", "Live"),
    ("/analytics", "Analytics"),
    ("/controls", "Controls"),
)


class Shell:
    """Header, banner and the one timer of a page. `refresh` is called when there is news."""

    def __init__(self, path: str) -> None:
        scope = ui.context.client.request.scope
        self.room: Room = room_of(scope)
        self.session: Session = session_of(scope)
        self.state: LiveState = self.room.state
        # Opening a page is an act of use: it keeps trading rights that have not lapsed.
        self.room.sessions.may_trade(self.session)
        self._seen = -1
        ui.add_head_html('<link rel="stylesheet" href="/static/app.css">')
        with tag("header", "top"):
            self._bar(path)
            self._strip()
            self._banner = Words("", "banner").props('role="status"')
        self._page = tag("main", "page")

    def content(self) -> AbstractContextManager[object]:
        """Where the page puts its panels."""
        return self._page

    def run(self, refresh: Callable[[Snapshot], None]) -> None:
        """Fill everything once now, then whenever a message came in."""

        def tick() -> None:
            self._link()
            snapshot = self.state.snapshot
            if snapshot is not None and self._seen != self.state.version:
                self._seen = self.state.version
                self._show(snapshot)
                refresh(snapshot)

        tick()
        ui.timer(REFRESH_S, tick)

    def _bar(self, path: str) -> None:
        with tag("div", "bar"):
            with tag("a", "brand").props('href="/" aria-label="Tradewinds, overview"'):
                tag("img").props('src="/static/icon.svg" alt=""')
                Words(self.room.settings.title, "mid")
            with tag("nav", "nav").props('aria-label="Pages"'):
                for target, name in TABS:
                    link = tag("a", "", name).props(f'href="{target}"')
                    if target == path:
                        link.props('aria-current="page"')
            tag("div", "grow")
            with tag("div", "clock").props('title="Event time, UTC"'):
                self._day, self._time = Words("", "day"), Words("", "time")
                Words("UTC", "day")
            self._connection = Words("", "link-state")
            self.emergency = EmergencyStop(self.room)

    def _strip(self) -> None:
        with tag("div", "strip"):
            with tag("div", "badges"):
                self._mode = Words("PAPER", "badge mode")
                self._feed = Words("", "badge")
                with tag("div", "state"):
                    self._state = Words("", "badge")
                    self._why = Words("", "why")
            tag("div", "grow mid")
            with tag("div", "fact"):
                Words("Equity", "name")
                self._equity, self._currency = Words("", "value"), Words("", "of mid")
            self._day_pnl = _fact("Day")
            with tag("div", "fact"):
                Words("Limit", "name").props(
                    'title="Lost today plus open risk, of the daily limit"'
                )
                self._used = Words("", "value")
                self._limit = Words("", "of")
                with tag("div", "meter mid"):
                    self._meter = Bar()

    def _show(self, snapshot: Snapshot) -> None:
        real = snapshot.mode == REAL_MONEY
        self._mode.show("REAL MONEY" if real else snapshot.mode.upper(), "real" if real else "")
        self._feed.show(*feed_badge(snapshot))
        self._feed.props(f"title={_quoted(snapshot.feed_label)}")
        self._state.show(snapshot.trading_state.name, snapshot.trading_state.value)
        self._why.show(snapshot.state_reason)
        self._day.show(formats.date(snapshot.time_ns))
        self._time.show(formats.clock(snapshot.time_ns))
        self._equity.show(formats.money(snapshot.equity))
        self._currency.show(snapshot.currency)
        pnl = snapshot.day_pnl
        self._day_pnl.show(formats.with_arrow(pnl), f"tone-{formats.tone(pnl)}")
        self._used.show(formats.money(snapshot.day_loss_used))
        self._limit.show(f"of {formats.money(snapshot.limits.loss_per_day_max)}")
        self._meter.show(sum(day_loss_shares(snapshot)))

    def _link(self) -> None:
        silent = formats.duration(self.state.silent_for_s)
        snapshot = self.state.snapshot
        if self.state.connected:
            self._connection.show("live")
            self._banner.set_visibility(bool(snapshot and snapshot.finished))
            self._banner.show("The recording has been played to its end.", "calm")
            return
        self._banner.set_visibility(True)
        if self.state.starting:
            self._connection.show("starting", "wait")
            self._banner.show("Waiting for the engine\u2026", "calm")
        elif snapshot is not None and snapshot.finished:
            self._connection.show("ended", "wait")
            self._banner.show("The recording has ended and the engine with it.", "calm")
        else:
            self._connection.show(f"lost {silent}", "lost")
            self._banner.show(self._lost(snapshot, silent))

    def _lost(self, snapshot: Snapshot | None, silent: str) -> str:
        if snapshot is None:
            return f"Engine not answering, for {silent}. Is it running? Try `trading-cli status`."
        since = formats.clock(snapshot.wall_time_ns)
        meaning = "Nothing is traded while it is away."
        if snapshot.mode not in SIMULATED:
            meaning = "Protective stops rest at the venue; look there if this lasts."
        return f"Engine not answering since {since} UTC ({silent}). What you see is old. {meaning}"


def _fact(name: str) -> Words:
    with tag("div", "fact"):
        Words(name, "name")
        return Words("", "value")


def _quoted(text: str) -> str:
    safe = "".join(character for character in text if character.isprintable())
    return '"' + safe.replace("\\", "").replace('"', "") + '"'
