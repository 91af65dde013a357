"""Who may come in: a live session for everything but the login page; sockets end with it."""

import asyncio
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tradewinds.dashboard.room import SCOPE_SESSION
from tradewinds.dashboard.security import POLICY_VIOLATION, refuse
from tradewinds.dashboard.sessions import Session, Sessions

PUBLIC_PATHS = frozenset({"/login", "/healthz", "/static/login.css", "/static/icon.svg"})
SOCKET_PREFIX = "/_nicegui_ws/"
MESSAGES_PER_SECOND_MAX = 200


class SessionGuard:
    """Refuses before routing whoever has no live session, whatever the path is."""

    def __init__(
        self, app: ASGIApp, sessions: Sessions, cookie_name: str, clock: Callable[[], float]
    ) -> None:
        self.app = app
        self._sessions = sessions
        self._cookie_name = cookie_name
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan" or self._public(scope):
            await self.app(scope, receive, send)
            return
        session = self._sessions.find(cookie(scope, self._cookie_name))
        if session is None:
            await _send_to_login(scope, receive, send)
            return
        scope[SCOPE_SESSION] = session
        if scope["type"] == "websocket":
            await self._socket(session, scope, receive, send)
        elif scope["path"].startswith(SOCKET_PREFIX):
            # Long polling would be a socket that logout cannot close.
            await refuse(scope, receive, send, 403, "sockets only")
        else:
            await self.app(scope, receive, send)

    def _public(self, scope: Scope) -> bool:
        return scope["type"] == "http" and scope["path"] in PUBLIC_PATHS

    async def _socket(self, session: Session, scope: Scope, receive: Receive, send: Send) -> None:
        socket = GuardedSocket(receive, send, self._still(session), self._clock)
        ender = asyncio.create_task(socket.end_when(session.revoked))
        session.sockets += 1
        try:
            await self.app(scope, socket.receive, socket.send)
        finally:
            self._sessions.leave(session)
            ender.cancel()

    def _still(self, session: Session) -> Callable[[], bool]:
        return lambda: self._sessions.valid(session)


class GuardedSocket:
    """A websocket that closes itself when its session ends or its client floods."""

    def __init__(
        self, receive: Receive, send: Send, valid: Callable[[], bool], clock: Callable[[], float]
    ) -> None:
        self._receive = receive
        self._send = send
        self._valid = valid
        self._clock = clock
        self._closed = False
        self._second = 0
        self._count = 0

    async def receive(self) -> Message:
        """The next message, or the end. Pings every few seconds make an expired session end."""
        message = await self._receive()
        if self._closed:
            return {"type": "websocket.disconnect", "code": POLICY_VIOLATION}
        if message["type"] == "websocket.receive" and (self._flooding() or not self._valid()):
            await self._close()
            return {"type": "websocket.disconnect", "code": POLICY_VIOLATION}
        return message

    async def send(self, message: Message) -> None:
        """Nothing leaves after the end."""
        if not self._closed:
            self._closed = message["type"] == "websocket.close"
            await self._send(message)

    async def end_when(self, revoked: asyncio.Event) -> None:
        """Close as soon as the session is revoked."""
        await revoked.wait()
        await self._close()

    async def _close(self) -> None:
        await self.send({"type": "websocket.close", "code": POLICY_VIOLATION})

    def _flooding(self) -> bool:
        second = int(self._clock())
        if second != self._second:
            self._second, self._count = second, 0
        self._count += 1
        return self._count > MESSAGES_PER_SECOND_MAX


def cookie(scope: Scope, name: str) -> str | None:
    """A cookie of this request; a header that cannot be read holds none."""
    try:
        morsel = SimpleCookie(Headers(scope=scope).get("cookie", "")).get(name)
    except CookieError:
        return None
    return morsel.value if morsel else None


async def _send_to_login(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await refuse(scope, receive, send, 403, "log in first")
        return
    path = str(scope["path"])
    page = scope["method"] == "GET" and not path.startswith(("/api/", "/_nicegui", "/static/"))
    if page:
        answer = RedirectResponse(f"/login?next={quote(path)}", status_code=303)
        await answer(scope, receive, send)
        return
    await JSONResponse({"detail": "log in first"}, status_code=401)(scope, receive, send)
