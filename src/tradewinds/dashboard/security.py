"""What every request passes before any route: our name, our own pages, our headers.

Each guard is an ASGI application around the next one. None of them reads a body.
"""

import secrets
from collections.abc import Collection, Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tradewinds.dashboard.room import SCOPE_NONCE, SCOPE_ROOM, Room

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY_VIOLATION = 1008
BODY_BYTES_MAX = 16 * 1024
FIXED_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": with that, browsers send forms with the Origin "null".
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}


def content_security_policy(nonce: str, host: str) -> str:
    """What a page may load: our own files, our own socket, scripts that carry this nonce.

    NiceGUI needs no 'unsafe-eval' as long as no element brings a Vue template and the server
    never calls run_javascript or run_method: keep it so. Inline styles stay allowed, because
    Quasar, ECharts tooltips and NiceGUI's own page write style elements and attributes.
    """
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'nonce-{nonce}'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "font-src 'self'",
            f"connect-src 'self' ws://{host} wss://{host}",
            "form-action 'self'",
            "base-uri 'none'",
            "object-src 'none'",
            "frame-ancestors 'none'",
        )
    )


class RoomProvider:
    """Puts the room and a fresh nonce into the scope."""

    def __init__(self, app: ASGIApp, room: Room) -> None:
        self.app = app
        self._room = room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        scope[SCOPE_ROOM] = self._room
        scope[SCOPE_NONCE] = secrets.token_urlsafe(16)
        await self.app(scope, receive, send)


class HostGuard:
    """Answers only to our own names, so that a rebound DNS name finds nobody at home."""

    def __init__(self, app: ASGIApp, allowed_hosts: Collection[str]) -> None:
        self.app = app
        self._allowed = frozenset(allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "lifespan":
            hosts = Headers(scope=scope).getlist("host")
            if len(hosts) != 1:
                await refuse(scope, receive, send, 400, "exactly one Host header, please")
                return
            if hosts[0].lower() not in self._allowed:
                await refuse(scope, receive, send, 421, "this server does not go by that name")
                return
        await self.app(scope, receive, send)


class OriginGuard:
    """Lets only our own pages change anything, open a socket, or fetch in the background.

    SameSite cookies do not tell ports apart: a page of another program on localhost would send
    our cookie along. Origin and Sec-Fetch-Site do tell them apart.
    """

    def __init__(self, app: ASGIApp, allowed_origins: Collection[str]) -> None:
        self.app = app
        self._allowed = frozenset(allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan" or self._welcome(scope, Headers(scope=scope)):
            await self.app(scope, receive, send)
        else:
            await refuse(scope, receive, send, 403, "cross-origin requests are not served")

    def _welcome(self, scope: Scope, headers: Headers) -> bool:
        origin = headers.get("origin")
        site = headers.get("sec-fetch-site")
        ours = origin is not None and origin.lower() in self._allowed
        if scope["type"] == "websocket":
            return ours and site in {None, "same-origin"}
        if scope["method"] not in SAFE_METHODS:
            return (ours or origin is None) and (site == "same-origin" or (ours and site is None))
        if origin is not None and not ours:
            return False
        navigating = headers.get("sec-fetch-mode") == "navigate"
        return site in {None, "same-origin", "none"} or navigating


class BodyGuard:
    """Nobody has more to say to us than a form or a short JSON object."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS:
            length = Headers(scope=scope).get("content-length", "")
            if not length.isdecimal():
                await refuse(scope, receive, send, 411, "Content-Length is required")
                return
            if len(length) > 9 or int(length) > BODY_BYTES_MAX:
                await refuse(scope, receive, send, 413, "too long")
                return
        await self.app(scope, receive, send)


class HeaderWriter:
    """Adds the security headers to every answer; nothing but NiceGUI's own files is cached."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        host = Headers(scope=scope).get("host", "")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(FIXED_HEADERS)
                headers["Content-Security-Policy"] = content_security_policy(
                    scope[SCOPE_NONCE], host
                )
                if not scope["path"].startswith("/_nicegui/"):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        await self.app(scope, receive, send_with_headers)


async def refuse(scope: Scope, receive: Receive, send: Send, status: int, reason: str) -> None:
    """A short no: a status for HTTP, a refused upgrade (403) for a socket."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": reason})
        return
    await PlainTextResponse(reason + "\n", status)(scope, receive, send)
