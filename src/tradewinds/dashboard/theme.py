"""Makes NiceGUI's page fit our content policy: no Tailwind compiler, a nonce on every script."""

from typing import Any

from jinja2.ext import Extension

from tradewinds.dashboard.room import SCOPE_NONCE

NONCE = f"{{{{ request.scope['{SCOPE_NONCE}'] }}}}"


class ScriptNonces(Extension):
    """Adds the request's nonce to the script tags of a template, before any value is filled in.

    Only the template's own tags get it: a tag that came in through a value would not.
    """

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Jinja's hook for the text of a template."""
        return source.replace("<script", f'<script nonce="{NONCE}"')


def prepare(nicegui_app: Any) -> None:
    """Once per process, before the first page is served."""
    from nicegui import client

    client.templates.env.add_extension(ScriptNonces)
    # Long polling is refused by the session guard; do not let the browser try it.
    nicegui_app.config.socket_io_js_transports = ["websocket"]
