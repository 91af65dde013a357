"""Spot's WebSocket API: the REST endpoints by other names, sessions, and user streams."""

import asyncio
import json
from collections.abc import Mapping

from tradewinds.practice.accounts import Account
from tradewinds.practice.binance.desk import Asking, Desk, problem, too_much
from tradewinds.practice.binance.figures import to_json
from tradewinds.practice.binance.guard import Security
from tradewinds.practice.binance.hosts import SPOT_WS_API
from tradewinds.practice.binance.params import Params
from tradewinds.practice.binance.refusals import ApiError
from tradewinds.practice.binance.sessions import Session, Sessions
from tradewinds.practice.binance.spot_events import account_and_payload
from tradewinds.practice.binance.spot_info import RATE_LIMITS
from tradewinds.practice.clock import VenueClock
from tradewinds.practice.exchange import Exchange
from tradewinds.practice.faults import (
    Delay,
    FaultPlan,
    Hidden,
    Late,
    Lost,
    Queued,
    Reply,
    Reset,
)
from tradewinds.practice.limits import TooMuch
from tradewinds.practice.orders import VenueEvent
from tradewinds.practice.record import Asked, Record
from tradewinds.practice.site import HttpAnswer, HttpCall
from tradewinds.practice.wire import CUT_OFF, Socket

Json = dict[str, object]
METHODS = {
    "ping": "GET /api/v3/ping",
    "time": "GET /api/v3/time",
    "exchangeInfo": "GET /api/v3/exchangeInfo",
    "depth": "GET /api/v3/depth",
    "trades.recent": "GET /api/v3/trades",
    "trades.aggregate": "GET /api/v3/aggTrades",
    "klines": "GET /api/v3/klines",
    "avgPrice": "GET /api/v3/avgPrice",
    "ticker.24hr": "GET /api/v3/ticker/24hr",
    "ticker.price": "GET /api/v3/ticker/price",
    "ticker.book": "GET /api/v3/ticker/bookTicker",
    "order.place": "POST /api/v3/order",
    "order.test": "POST /api/v3/order/test",
    "order.status": "GET /api/v3/order",
    "order.cancel": "DELETE /api/v3/order",
    "order.cancelReplace": "POST /api/v3/order/cancelReplace",
    "openOrders.status": "GET /api/v3/openOrders",
    "openOrders.cancelAll": "DELETE /api/v3/openOrders",
    "allOrders": "GET /api/v3/allOrders",
    "orderList.place.oco": "POST /api/v3/orderList/oco",
    "orderList.place.oto": "POST /api/v3/orderList/oto",
    "orderList.place.otoco": "POST /api/v3/orderList/otoco",
    "orderList.cancel": "DELETE /api/v3/orderList",
    "orderList.status": "GET /api/v3/orderList",
    "openOrderLists.status": "GET /api/v3/openOrderList",
    "allOrderLists": "GET /api/v3/allOrderList",
    "account.status": "GET /api/v3/account",
    "account.commission": "GET /api/v3/account/commission",
    "account.rateLimits.orders": "GET /api/v3/rateLimit/order",
    "myTrades": "GET /api/v3/myTrades",
}


class SpotWsApi:
    """A site. Faults strike by `spot-api <method>` and, for events, `spot-api user <event>`."""

    name = "spot-api"
    hosts = SPOT_WS_API

    def __init__(self, desk: Desk, exchange: Exchange, plan: FaultPlan, record: Record) -> None:
        self._desk = desk
        self._clock: VenueClock = exchange.clock
        self._plan = plan
        self._record = record
        self.sessions = Sessions(self.name, desk.guard, exchange.clock, plan)
        exchange.voice.listeners.append(self._heard)

    def answer(self, call: HttpCall) -> HttpAnswer:
        """There is no REST at these hosts."""
        return HttpAnswer(status=404, body=b"", content_type="text/html")

    def opened(self, socket: Socket) -> bool:
        """Only at `/ws-api/v3`."""
        if socket.path.rstrip("/") != "/ws-api/v3":
            return False
        self.sessions.begin(socket)
        return True

    def closed(self, socket: Socket) -> None:
        """Gone."""
        self.sessions.open.pop(socket, None)

    def tick(self) -> None:
        """Nothing is due by time."""

    def shut_down(self) -> None:
        """Tell everybody that this server goes away soon."""
        event = {"event": {"e": "serverShutdown", "E": self._clock.now_ms()}}
        for socket in self.sessions.open:
            socket.send("user serverShutdown", to_json(event))

    def terminate(self, account: Account) -> None:
        """End every subscription to this account's events."""
        for session in self.sessions.open.values():
            for number in [n for n, a in session.subscriptions.items() if a is account]:
                self.sessions.end(session, number)

    def received(self, socket: Socket, text: str) -> None:
        """One request, and what a script does to it."""
        session = self.sessions.open[socket]
        try:
            asked = json.loads(text)
            method = str(asked["method"]).removeprefix("v3/")
            params = {str(k): _text(v) for k, v in (asked.get("params") or {}).items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            error = {"code": -1135, "msg": "Invalid JSON Request"}
            socket.reply(to_json({"id": None, "status": 400, "error": error}))
            return
        noted = Asked(site=self.name, what=method, params=params, time_ns=self._clock.now_ns())
        self._record.add(noted)
        self._handle(session, (asked.get("id"), method), params)

    def _handle(
        self, session: Session, named: tuple[object, str], params: Mapping[str, str]
    ) -> None:
        identity, method = named
        fault = self._plan.strike_request(f"{self.name} {method}", params)
        if fault is None:
            shape = self._run(session, method, params)
            session.socket.reply(to_json({"id": identity, **shape}))
        elif isinstance(fault, Reply | Late):
            self._script(session, named, params, fault)
        elif isinstance(fault, Reset | Lost):
            if fault.execute:
                self._run(session, method, params)
            if isinstance(fault, Reset):
                session.socket.close(CUT_OFF)
        else:
            self._disturb(session, named, params, fault)

    def _script(
        self,
        session: Session,
        named: tuple[object, str],
        params: Mapping[str, str],
        fault: Reply | Late,
    ) -> None:
        identity, method = named
        reply = fault if isinstance(fault, Reply) else fault.reply
        if isinstance(fault, Late):
            later = asyncio.get_running_loop().call_later
            later(fault.after_s, self._run, session, method, params)
        elif fault.execute:
            self._run(session, method, params)
        session.socket.reply(_scripted(identity, reply))

    def _disturb(
        self,
        session: Session,
        named: tuple[object, str],
        params: Mapping[str, str],
        fault: Delay | Hidden | Queued,
    ) -> None:
        identity, method = named
        if isinstance(fault, Queued):
            with self._clock.later(fault.for_s):
                answer = self._run(session, method, params)
            session.socket.reply(to_json({"id": identity, **answer}))
            return
        if isinstance(fault, Delay):
            later = asyncio.get_running_loop().call_later
            later(fault.before_s, self._answer_later, session, (named, params), fault.after_s)
            return
        shape = self._run(session, method, params, fault.for_s)
        scripted = _scripted(identity, fault.reply) if fault.reply else None
        session.socket.reply(scripted or to_json({"id": identity, **shape}))

    def _answer_later(
        self, session: Session, asked: tuple[tuple[object, str], Mapping[str, str]], wait_s: float
    ) -> None:
        (identity, method), params = asked
        frame = to_json({"id": identity, **self._run(session, method, params)})
        asyncio.get_running_loop().call_later(wait_s, session.socket.reply, frame)

    def _run(
        self, session: Session, method: str, params: Mapping[str, str], hide_s: float = 0.0
    ) -> Json:
        try:
            result = self._result(session, method, params, hide_s)
        except ApiError as error:
            return {"status": error.status, "error": problem(error), "rateLimits": self._used()}
        except TooMuch as refused:
            error_body = too_much(refused, self._clock)
            retry = self._clock.now_ms() + refused.retry_after_s * 1_000
            error_body["data"] = {"serverTime": self._clock.now_ms(), "retryAfter": retry}
            return {"status": refused.status, "error": error_body, "rateLimits": self._used()}
        return {"status": 200, "result": result, "rateLimits": self._used()}

    def _result(
        self, session: Session, method: str, params: Mapping[str, str], hide_s: float
    ) -> object:
        what = METHODS.get(method)
        if what is None:
            self._desk.limits.charge(2)
            run = self.sessions.methods.get(method)
            if run is None:
                raise ApiError(-1000, f"Unknown method '{method}'.")
            return run(session, params)
        endpoint = self._desk.endpoints[what]
        self._desk.limits.charge(endpoint.cost(Params(params)))
        asking = Asking(params=Params(params), values=params, hide_s=hide_s)
        if endpoint.security is not Security.NONE:
            asking.key = self.sessions.prove(session, params, endpoint.security)
        return self._desk.run(endpoint, asking)

    def _heard(self, event: VenueEvent) -> None:
        said = account_and_payload(event, self._clock)
        if said is not None:
            self.sessions.tell(*said)

    def _used(self) -> list[Json]:
        return [{**RATE_LIMITS[0], "count": self._desk.used()}]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, list | dict) else str(value)


def _scripted(identity: object, reply: Reply) -> bytes:
    try:
        body = json.loads(reply.body)
    except ValueError:
        body = {"code": -1000, "msg": reply.body.decode("utf-8", "replace")}
    return to_json({"id": identity, "status": reply.status, "error": body})
