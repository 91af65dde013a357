"""The REST side: finds the endpoint, counts the request, checks the token, answers."""

from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct

from tradewinds.practice.accounts import Account, ApiKey
from tradewinds.practice.clock import VenueClock
from tradewinds.practice.coinbase.figures import to_json
from tradewinds.practice.coinbase.quota import Overrun, Quota
from tradewinds.practice.coinbase.refusals import ApiError, bad_request
from tradewinds.practice.coinbase.tokens import Refusal, Tokens
from tradewinds.practice.site import HttpAnswer, HttpCall

PER_S = {"public": 10, "private": 30}
PER_HOUR = 10_000
HOUR_S = 3_600
BEARER = "Bearer "


class Right(StrEnum):
    """What a key must be allowed to do."""

    NONE = "none"
    VIEW = "view"
    TRADE = "trade"


class Asking(Struct, kw_only=True, eq=False):
    """One request that was let through. `names` are taken from its path."""

    names: Mapping[str, str]
    query: Mapping[str, list[str]]
    body: Mapping[str, Any]
    key: ApiKey | None = None
    hide_s: float = 0.0

    @property
    def account(self) -> Account:
        """Who asks."""
        assert self.key is not None
        return self.key.account

    def text(self, name: str) -> str:
        """A parameter's first value; empty where there is none."""
        return (self.query.get(name) or [""])[0]

    def whole(self, name: str, otherwise: int) -> int:
        """Raises ApiError for what is no whole number."""
        value = self.text(name)
        if not value:
            return otherwise
        if not value.isdecimal():
            raise bad_request(f"{name} must be a whole number")
        return int(value)

    def many(self, name: str) -> list[str]:
        """All values, repeated or with commas."""
        return [one for value in self.query.get(name, ()) for one in value.split(",") if one]


class Endpoint(Struct, frozen=True, kw_only=True):
    """What is run, and what the key needs for it."""

    run: Callable[[Asking], object]
    right: Right = Right.NONE


Endpoints = dict[str, Endpoint]
"""By method and path; `{name}` stands for one piece of it."""


class Desk:
    """Answers every request of the venue. `quotas` are by key, or `public`."""

    def __init__(self, tokens: Tokens, clock: VenueClock) -> None:
        self.endpoints: Endpoints = {}
        self.tokens = tokens
        self.quotas: dict[str, Quota] = {}
        self._clock = clock

    def quota(self, key: ApiKey | None) -> Quota:
        """By address without a key, which is one and the same here."""
        kind = "public" if key is None else "private"
        made = Quota(self._clock, (PER_S[kind], 1), (PER_HOUR, HOUR_S))
        return self.quotas.setdefault(key.key if key else "public", made)

    def answer(self, call: HttpCall) -> HttpAnswer:
        """Never raises for what a client sends."""
        found = self._find(call)
        if found is None:
            return HttpAnswer(status=404, body=b"404 page not found\n", content_type="text/plain")
        endpoint, names = found
        try:
            key = self._key(endpoint, call)
        except Refusal:
            return HttpAnswer(status=401, body=b"Unauthorized\n", content_type="text/plain")
        quota = self.quota(key)
        try:
            quota.charge()
            _permit(endpoint, key)
            asking = _asking(call, names, key)
            value = endpoint.run(asking)
        except Overrun:
            return _reply(429, quota, problem("rate_limit_exceeded", "Rate limit exceeded"))
        except ApiError as error:
            return _reply(error.status, quota, problem(error.error, error.message))
        return _reply(200, quota, value)

    def _find(self, call: HttpCall) -> tuple[Endpoint, dict[str, str]] | None:
        exact = self.endpoints.get(call.what)
        if exact is not None:
            return exact, {}
        pieces = call.what.split("/")
        for pattern, endpoint in self.endpoints.items():
            names = _named(pattern.split("/"), pieces)
            if names:
                return endpoint, names
        return None

    def _key(self, endpoint: Endpoint, call: HttpCall) -> ApiKey | None:
        """A public endpoint asks for no token, and does not look at one."""
        if endpoint.right is Right.NONE:
            return None
        told = call.headers.get("authorization", "")
        if not told.startswith(BEARER):
            raise Refusal("no token")
        token = told.removeprefix(BEARER)
        return self.tokens.of_request(token, call.method, call.host, call.path)


class RestSite:
    """The desk under its host name, with no WebSocket."""

    name = "coinbase"

    def __init__(self, hosts: Collection[str], desk: Desk, tick: Callable[[], None]) -> None:
        self.hosts = hosts
        self.desk = desk
        self.tick = tick

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


def problem(error: str, message: str) -> dict[str, str]:
    """As Coinbase words it."""
    return {"error": error, "error_details": message, "message": message}


def _named(pattern: list[str], pieces: list[str]) -> dict[str, str]:
    if len(pattern) != len(pieces):
        return {}
    names: dict[str, str] = {}
    for wanted, piece in zip(pattern, pieces, strict=True):
        if wanted.startswith("{"):
            names[wanted.strip("{}")] = piece
        elif wanted != piece:
            return {}
    return names


def _permit(endpoint: Endpoint, key: ApiKey | None) -> None:
    allowed = key is None or (key.can_trade if endpoint.right is Right.TRADE else key.can_read)
    if not allowed:
        raise ApiError(403, "PERMISSION_DENIED", "Missing required scopes")


def _asking(call: HttpCall, names: dict[str, str], key: ApiKey | None) -> Asking:
    body: Any = {}
    if call.body and call.method != "GET":
        try:
            body = msgspec.json.decode(call.body.encode("utf-8", "surrogateescape"))
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise bad_request("the body is not JSON") from error
        if not isinstance(body, dict):
            raise bad_request("the body is not an object")
    query = parse_qs(call.query)
    return Asking(names=names, query=query, body=body, key=key, hide_s=call.hide_s)


def _reply(status: int, quota: Quota, value: object) -> HttpAnswer:
    return HttpAnswer(status=status, body=to_json(value), headers=quota.headers())
