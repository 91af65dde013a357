"""Sessions of the WebSocket API: who is logged on, and whose events go where."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from tradewinds.practice.accounts import Account, ApiKey
from tradewinds.practice.binance.figures import to_json
from tradewinds.practice.binance.guard import Guard, Security
from tradewinds.practice.binance.refusals import ApiError, missing
from tradewinds.practice.clock import VenueClock
from tradewinds.practice.faults import FaultPlan
from tradewinds.practice.wire import Socket


class Session(Struct, kw_only=True, eq=False):
    """One connection. `by_logon` is the subscription that ends with the session."""

    socket: Socket
    connected_ms: int
    key: ApiKey | None = None
    authorized_ms: int | None = None
    subscriptions: dict[int, Account] = {}
    by_logon: int | None = None
    next_subscription: int = 0


Run = Callable[[Session, Mapping[str, str]], object]


class Sessions:
    """All connections to the WebSocket API of one product."""

    def __init__(self, name: str, guard: Guard, clock: VenueClock, plan: FaultPlan) -> None:
        self._name = name
        self._guard = guard
        self._clock = clock
        self._plan = plan
        self.open: dict[Socket, Session] = {}
        self.methods: dict[str, Run] = {
            "session.logon": self._log_on,
            "session.status": self._status,
            "session.logout": self._log_out,
            "session.subscriptions": self._list,
            "userDataStream.subscribe": self._subscribe_logged_on,
            "userDataStream.subscribe.signature": self._subscribe_signed,
            "userDataStream.unsubscribe": self._unsubscribe,
        }

    def begin(self, socket: Socket) -> None:
        """A new connection."""
        self.open[socket] = Session(socket=socket, connected_ms=self._clock.now_ms())

    def tell(self, account: Account, payload: Mapping[str, object]) -> None:
        """An event of `account` to every subscription to it."""
        for session in list(self.open.values()):
            for number, listening in session.subscriptions.items():
                if listening is account:
                    frame = to_json({"subscriptionId": number, "event": payload})
                    session.socket.send(f"user {payload['e']}", frame)

    def prove(self, session: Session, params: Mapping[str, str], security: Security) -> ApiKey:
        """By signature, or by having logged on. Raises ApiError."""
        if "signature" not in params and session.key is not None:
            key = self._guard.key(session.key.key, security)
            self._guard.in_time(params)
            return key
        key = self._guard.key(params.get("apiKey"), security)
        self._guard.socket(key, params)
        return key

    def _list(self, session: Session, params: Mapping[str, str]) -> object:
        return [{"subscriptionId": number} for number in session.subscriptions]

    def _subscribe_logged_on(self, session: Session, params: Mapping[str, str]) -> object:
        if session.key is None:
            raise ApiError(-1002, "You are not authorized to execute this request.", 401)
        session.by_logon = self._subscribe(session, session.key.account)
        return {"subscriptionId": session.by_logon}

    def _subscribe_signed(self, session: Session, params: Mapping[str, str]) -> object:
        key = self._guard.key(params.get("apiKey"), Security.USER_DATA)
        self._guard.socket(key, params)
        return {"subscriptionId": self._subscribe(session, key.account)}

    def _log_on(self, session: Session, params: Mapping[str, str]) -> object:
        key = self._guard.key(params.get("apiKey"), Security.USER_DATA)
        if not key.public_pem:
            raise ApiError(-4056, "HMAC_SHA256 API key is not supported.")
        self._guard.socket(key, params)
        session.key = key
        session.authorized_ms = self._clock.now_ms()
        return self._status(session, params)

    def _log_out(self, session: Session, params: Mapping[str, str]) -> object:
        session.key = session.authorized_ms = None
        if session.by_logon is not None:
            self.end(session, session.by_logon)
        return self._status(session, params)

    def _status(self, session: Session, params: Mapping[str, str]) -> object:
        return {
            "apiKey": session.key.key if session.key else None,
            "authorizedSince": session.authorized_ms,
            "connectedSince": session.connected_ms,
            "returnRateLimits": True,
            "serverTime": self._clock.now_ms(),
            "userDataStream": bool(session.subscriptions),
        }

    def _subscribe(self, session: Session, account: Account) -> int:
        denied = self._plan.denial(f"{self._name} SUBSCRIBE user")
        if denied is not None:
            raise ApiError(denied.code, denied.message)
        if account in session.subscriptions.values():
            raise ApiError(-2035, "User Data Stream subscription already active.")
        number = session.next_subscription
        session.next_subscription += 1
        session.subscriptions[number] = account
        return number

    def _unsubscribe(self, session: Session, params: Mapping[str, str]) -> object:
        if "subscriptionId" in params and not params["subscriptionId"].isdigit():
            raise missing("subscriptionId")
        wanted = params.get("subscriptionId")
        for number in [n for n in session.subscriptions if wanted in (None, str(n))]:
            self.end(session, number)
        return {}

    def end(self, session: Session, number: int) -> None:
        """End one subscription, and say so on it."""
        if session.subscriptions.pop(number, None) is not None:
            event = {"e": "eventStreamTerminated", "E": self._clock.now_ms()}
            frame = to_json({"subscriptionId": number, "event": event})
            session.socket.send("user eventStreamTerminated", frame)
        session.by_logon = None if session.by_logon == number else session.by_logon
