"""Logins of this process: kept in memory, gone when it ends, cut off at once when revoked."""

import asyncio
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from tradewinds.dashboard.settings import SessionTimings

SESSIONS_MAX = 32


@dataclass(slots=True, eq=False)
class Session:
    """One login. `sockets` counts its open pages; `notice` waits for the next page to show it;
    `revoked` is set when it must end.
    """

    key: str
    csrf: str
    created_s: float
    seen_s: float
    trading_until_s: float
    sockets: int = 0
    notice: str = ""
    revoked: asyncio.Event = field(default_factory=asyncio.Event)


class Sessions:
    """Finds a session by the secret in its cookie; only the secret's hash is kept.

    `clock` gives seconds that never go back.
    """

    def __init__(self, timings: SessionTimings, clock: Callable[[], float]) -> None:
        self._timings = timings
        self._clock = clock
        self._sessions: dict[str, Session] = {}

    def create(self) -> tuple[str, Session]:
        """A new id of 256 random bits for the cookie, and its session with trading rights."""
        self._sweep()
        while len(self._sessions) >= SESSIONS_MAX:
            self.revoke(min(self._sessions.values(), key=lambda session: session.seen_s))
        secret = secrets.token_urlsafe(32)
        now = self._clock()
        session = Session(
            key=_key(secret),
            csrf=secrets.token_urlsafe(24),
            created_s=now,
            seen_s=now,
            trading_until_s=now + self._timings.trading_idle_s,
        )
        self._sessions[session.key] = session
        return secret, session

    def find(self, secret: str | None) -> Session | None:
        """The live session of this cookie, or None. An expired one is revoked on the way."""
        session = self._sessions.get(_key(secret)) if secret else None
        if session is None or not self.valid(session):
            return None
        session.seen_s = self._clock()
        return session

    def valid(self, session: Session) -> bool:
        """Whether it may go on. An open page keeps it from idling out, not from its last hour."""
        now = self._clock()
        idle = now - session.seen_s > self._timings.idle_s and session.sockets == 0
        old = now - session.created_s > self._timings.absolute_s
        if (idle or old) and not session.revoked.is_set():
            self.revoke(session)
        return not session.revoked.is_set()

    def leave(self, session: Session) -> None:
        """A page was closed: idling starts now."""
        session.sockets -= 1
        session.seen_s = self._clock()

    def may_trade(self, session: Session) -> bool:
        """Whether risk may be raised without the password. Asking is itself an act of use."""
        now = self._clock()
        if session.revoked.is_set() or now > session.trading_until_s:
            return False
        session.trading_until_s = now + self._timings.trading_idle_s
        return True

    def grant_trading(self, session: Session) -> None:
        """The password was given again."""
        session.trading_until_s = self._clock() + self._timings.trading_idle_s

    def revoke(self, session: Session) -> None:
        """End it; its open sockets are closed by whoever waits on `revoked`."""
        self._sessions.pop(session.key, None)
        session.revoked.set()

    def revoke_others(self, keep: Session) -> None:
        """After a change of password only the one who changed it stays."""
        for session in [each for each in self._sessions.values() if each is not keep]:
            self.revoke(session)

    def _sweep(self) -> None:
        for session in list(self._sessions.values()):
            self.valid(session)


def _key(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
