"""Mounts the NiceGUI pages on the application. The only place that starts NiceGUI."""

from pathlib import Path

import nicegui
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response
from nicegui import ui

from tradewinds.dashboard import theme
from tradewinds.dashboard.pages import analytics, controls, live, overview
from tradewinds.dashboard.settings import DashboardSettings

PAGES = (overview, live, analytics, controls)
"""Importing a page registers it."""

RECONNECT_S = 10.0
HISTORY_MESSAGES = 200


def add_pages(app: FastAPI, settings: DashboardSettings) -> None:
    """Call once per process: NiceGUI's application is global."""
    theme.prepare(nicegui.app)
    nicegui.app.exception_handler(404)(_not_found)
    ui.run_with(
        app,
        title=settings.title,
        favicon=Path(__file__).parent / "static" / "icon.svg",
        dark=True,
        language="en-US",
        binding_refresh_interval=None,
        reconnect_timeout=RECONNECT_S,
        message_history_length=HISTORY_MESSAGES,
        gzip_middleware_factory=None,
        tailwind=False,
        show_welcome_message=False,
    )


async def _not_found(request: Request, error: Exception) -> Response:
    return PlainTextResponse("no such page\n", 404)
