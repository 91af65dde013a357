"""All that one dashboard process holds, handed to every request through the ASGI scope."""

from dataclasses import dataclass
from typing import Any

from tradewinds.dashboard.desk import Desk
from tradewinds.dashboard.history import History
from tradewinds.dashboard.sessions import Session, Sessions
from tradewinds.dashboard.settings import DashboardSettings
from tradewinds.dashboard.state import LiveState
from tradewinds.dashboard.throttle import LoginThrottle

SCOPE_ROOM = "tradewinds.room"
SCOPE_SESSION = "tradewinds.session"
SCOPE_NONCE = "tradewinds.nonce"


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One per process. Pages and routes are stateless and find it in their request."""

    settings: DashboardSettings
    sessions: Sessions
    throttle: LoginThrottle
    state: LiveState
    history: History
    desk: Desk


def room_of(scope: Any) -> Room:
    """The room of this request. A missing one is our own bug."""
    room = scope[SCOPE_ROOM]
    assert isinstance(room, Room)
    return room


def session_of(scope: Any) -> Session:
    """The session that the guard let in."""
    session = scope[SCOPE_SESSION]
    assert isinstance(session, Session)
    return session
