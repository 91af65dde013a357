"""What one stream connection is subscribed to, and the commands that change it."""

import json
import re
from urllib.parse import unquote

from tradewinds.practice.binance.figures import to_json
from tradewinds.practice.clock import NS_PER_S, VenueClock
from tradewinds.practice.faults import FaultPlan
from tradewinds.practice.wire import Socket

POLICY_VIOLATION = 1008
MOST_STREAMS = 1_024
PATH = re.compile(r"(/public|/market|/private)?/(ws|stream)(?:/(?P<names>.*))?")
Json = dict[str, object]


class Subscriber:
    """`route` is `public`, `market`, `private` or empty. A mute one hears nothing, ever."""

    def __init__(self, socket: Socket, route: str, *, combined: bool, mute: bool) -> None:
        self.socket = socket
        self.route = route
        self.combined = combined
        self.mute = mute
        self.names: dict[str, None] = {}
        self._second_ns = 0
        self._in_second = 0

    def send(self, name: str, data: object, place: str = "") -> None:
        """A payload of stream `name`; `place` is what faults know it by."""
        if not self.mute:
            frame = {"stream": name, "data": data} if self.combined else data
            self.socket.send(place or name, to_json(frame))

    def too_fast(self, clock: VenueClock, most: int) -> bool:
        """Whether this frame is one too many within a second."""
        now_ns = clock.elapsed_ns()
        if now_ns - self._second_ns >= NS_PER_S:
            self._second_ns, self._in_second = now_ns, 0
        self._in_second += 1
        return self._in_second > most


def connect(socket: Socket, *, routed: bool) -> Subscriber | None:
    """By the path it asked for; None where there is nothing. Unrouted USD-M paths are mute."""
    match = PATH.fullmatch(socket.path.rstrip("/"))
    if match is None or (match[1] and not routed):
        return None
    subscriber = Subscriber(
        socket,
        (match[1] or "").lstrip("/"),
        combined=match[2] == "stream",
        mute=routed and not match[1],
    )
    listed = match["names"] or socket.query.get("streams", "")
    keys = [socket.query.get("listenKey", ""), *unquote(listed).split("/")]
    subscriber.names.update(dict.fromkeys(key for key in keys if key))
    return subscriber


def command(subscriber: Subscriber, text: str, plan: FaultPlan) -> Json:
    """Carry out SUBSCRIBE and its sisters; the answer."""
    try:
        asked = json.loads(text)
    except ValueError:
        return {"code": 3, "msg": "Invalid JSON: expected value at line 1 column 1"}
    if not isinstance(asked, dict) or "method" not in asked:
        return {"code": 2, "msg": "Invalid request: missing field `method` at line 1 column 1"}
    identity = asked.get("id")
    if identity is not None and not isinstance(identity, int | str):
        return {"code": 2, "msg": "Invalid request: request ID must be an unsigned integer"}
    answer = _carry_out(subscriber, str(asked["method"]), asked.get("params") or [], plan)
    return {**answer, "id": identity}


def _carry_out(subscriber: Subscriber, method: str, params: list[object], plan: FaultPlan) -> Json:
    names = [str(name) for name in params]
    match method:
        case "SUBSCRIBE":
            return _subscribe(subscriber, names, plan)
        case "UNSUBSCRIBE":
            for name in names:
                subscriber.names.pop(name, None)
            return {"result": None}
        case "LIST_SUBSCRIPTIONS":
            return {"result": list(subscriber.names)}
        case "SET_PROPERTY" | "GET_PROPERTY":
            return _property(subscriber, method, params)
    known = "`SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`"
    message = f"unknown variant {method}, expected one of {known} at line 1 column 28"
    return {"code": 2, "msg": f"Invalid request: {message}"}


def _subscribe(subscriber: Subscriber, names: list[str], plan: FaultPlan) -> Json:
    for name in names:
        denied = plan.denial(f"{subscriber.socket.name} SUBSCRIBE {name}")
        if denied is not None:
            return {"error": {"code": denied.code, "msg": denied.message}}
    subscriber.names.update(dict.fromkeys(names))
    if len(subscriber.names) > MOST_STREAMS:
        subscriber.socket.close(POLICY_VIOLATION)
    return {"result": None}


def _property(subscriber: Subscriber, method: str, params: list[object]) -> Json:
    if not params or params[0] != "combined":
        return {"code": 0, "msg": "Unknown property"}
    if method == "GET_PROPERTY":
        return {"result": subscriber.combined}
    if len(params) < 2 or not isinstance(params[1], bool):
        return {"code": 1, "msg": "Invalid value type: expected Boolean"}
    subscriber.combined = params[1]
    return {"result": None}
