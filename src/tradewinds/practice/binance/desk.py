"""A product's REST side: looks up the endpoint, counts its weight, asks the guard, answers."""

from collections.abc import Callable, Collection, Mapping
from urllib.parse import parse_qsl

from msgspec import Struct

from tradewinds.practice.accounts import Account, ApiKey
from tradewinds.practice.binance.figures import to_json
from tradewinds.practice.binance.guard import Guard, Security
from tradewinds.practice.binance.params import Params
from tradewinds.practice.binance.refusals import ApiError, in_words
from tradewinds.practice.clock import VenueClock
from tradewinds.practice.limits import Limits, TooMuch
from tradewinds.practice.orders import Refused
from tradewinds.practice.site import HttpAnswer, HttpCall


class Asking(Struct, kw_only=True, eq=False):
    """One request that was let through. `account` is there wherever the security asks for it."""

    params: Params
    values: Mapping[str, str]
    key: ApiKey | None = None
    hide_s: float = 0.0

    @property
    def account(self) -> Account:
        """Who asks."""
        assert self.key is not None
        return self.key.account


Run = Callable[[Asking], object]
Weigh = Callable[[Params], int]


class Endpoint(Struct, frozen=True, kw_only=True):
    """What is run, what it costs and what it wants proved. `orders` counts unfilled orders."""

    run: Run
    weight: int | Weigh = 1
    security: Security = Security.NONE
    orders: int = 0

    def cost(self, params: Params) -> int:
        """In request weight."""
        return self.weight if isinstance(self.weight, int) else self.weight(params)


Endpoints = dict[str, Endpoint]
"""By method and path, such as `GET /api/v3/time`."""


class Rules(Struct, frozen=True, kw_only=True):
    """What differs between products: limits, the words of refusals, free successful orders."""

    weight: int
    orders: tuple[tuple[int, int], ...]
    refusals: dict[str, tuple[int, str]]
    orders_are_free: bool


class Desk:
    """Answers every request of one product."""

    def __init__(self, endpoints: Endpoints, guard: Guard, clock: VenueClock, rules: Rules) -> None:
        self.endpoints = endpoints
        self.guard = guard
        self.rules = rules
        self._clock = clock
        self.limits = Limits(clock, rules.weight, ())
        self._per_account: dict[str, Limits] = {}

    def limits_of(self, account: Account) -> Limits:
        """Order counts are an account's own."""
        made = Limits(self._clock, self.rules.weight, self.rules.orders)
        return self._per_account.setdefault(account.name, made)

    def answer(self, call: HttpCall) -> HttpAnswer:
        """Never raises for what a client sends."""
        endpoint = self.endpoints.get(call.what)
        if endpoint is None:
            return _html(404, "Not Found")
        # What stands in both counts as it stands in the query.
        values = {**_pairs(call.body), **_pairs(call.query)}
        asking = Asking(params=Params(values), values=values, hide_s=call.hide_s)
        try:
            self.limits.charge(endpoint.cost(asking.params))
            asking.key = self._prove(endpoint, call, values)
            result = self.run(endpoint, asking)
        except ApiError as error:
            return self._reply(error.status, problem(error), asking)
        except TooMuch as refused:
            retry = {"Retry-After": str(refused.retry_after_s)}
            return self._reply(refused.status, too_much(refused, self._clock), asking, retry)
        return self._reply(200, result, asking, self._order_headers(endpoint, asking))

    def run(self, endpoint: Endpoint, asking: Asking) -> object:
        """Raises ApiError or TooMuch. Shared with the WebSocket API."""
        if endpoint.orders:
            self.limits_of(asking.account).count_orders(endpoint.orders)
        try:
            result = endpoint.run(asking)
        except Refused as refused:
            raise in_words(refused, self.rules.refusals) from refused
        if endpoint.orders and self.rules.orders_are_free:
            self.limits.refund(endpoint.cost(asking.params))
        return result

    def used(self) -> int:
        """Weight used in this minute."""
        return self.limits.weight.count

    def _prove(
        self, endpoint: Endpoint, call: HttpCall, values: Mapping[str, str]
    ) -> ApiKey | None:
        if endpoint.security is Security.NONE:
            return None
        key = self.guard.key(call.headers.get("x-mbx-apikey"), endpoint.security)
        if endpoint.security is not Security.KEY:
            self.guard.rest(key, call.query, call.body, values)
        return key

    def _order_headers(self, endpoint: Endpoint, asking: Asking) -> dict[str, str]:
        if not endpoint.orders or asking.key is None:
            return {}
        names = {10: "10S", 60: "1M", 86_400: "1D"}
        return {
            f"X-MBX-ORDER-COUNT-{names[window.length_s]}": str(window.count)
            for window in self.limits_of(asking.account).orders
        }

    def _reply(
        self, status: int, value: object, asking: Asking, more: Mapping[str, str] | None = None
    ) -> HttpAnswer:
        headers = {
            "X-MBX-USED-WEIGHT": str(self.used()),
            "X-MBX-USED-WEIGHT-1M": str(self.used()),
            **(more or {}),
        }
        body = to_json(value)
        return HttpAnswer(status=status, body=body, headers=headers)


class RestSite:
    """A desk under its host names, with no WebSocket."""

    def __init__(self, name: str, hosts: Collection[str], desk: Desk) -> None:
        self.name = name
        self.hosts = hosts
        self.desk = desk

    def answer(self, call: HttpCall) -> HttpAnswer:
        """See Desk."""
        return self.desk.answer(call)

    def opened(self, socket: object) -> bool:
        """There is nothing to connect to."""
        return False

    def received(self, socket: object, text: str) -> None:
        """Never called."""

    def closed(self, socket: object) -> None:
        """Never called."""

    def tick(self) -> None:
        """Nothing to do."""


def problem(error: ApiError) -> dict[str, object]:
    """As Binance words it."""
    body: dict[str, object] = {"code": error.code, "msg": error.message}
    if error.data is not None:
        body["data"] = error.data
    return body


def too_much(refused: TooMuch, clock: VenueClock) -> dict[str, object]:
    """-1003 as a warning or as the news of a ban."""
    if refused.status == 418:
        until = clock.now_ms() + refused.retry_after_s * 1_000
        message = f"Way too many requests; IP banned until {until}."
    else:
        message = "Too many requests; please use the websocket for live updates to avoid bans."
    return {"code": -1003, "msg": message}


def _pairs(encoded: str) -> dict[str, str]:
    return dict(parse_qsl(encoded, keep_blank_values=True))


def _html(status: int, title: str) -> HttpAnswer:
    body = f"<html><head><title>{status} {title}</title></head></html>".encode()
    return HttpAnswer(status=status, body=body, content_type="text/html")
