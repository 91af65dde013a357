"""Decisions, refusals, orders and fills as they happen."""

from nicegui import ui

from tradewinds.dashboard.shell import Shell
from tradewinds.dashboard.views import KINDS
from tradewinds.dashboard.widgets import Feed, tag


@ui.page("/live")
def live() -> None:
    """Register and build. The list fetches its own lines, so there is nothing to refresh."""
    shell = Shell("/live")
    with shell.content(), tag("section", "panel"):
        Feed(KINDS)
    shell.run(lambda snapshot: None)
