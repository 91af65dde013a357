"""Answers as venues send them, through ccxt's own signing, fetching and error mapping."""

import asyncio
from collections.abc import Mapping
from typing import Any, Self

import aiohttp
import ccxt
import pytest
from multidict import CIMultiDict
from yarl import URL

from tradewinds.gateways.ccxt_orders import CcxtClient, Edge, Reply, Request, private_exchange
from tradewinds.gateways.ccxt_quirks import SPOT_QUIRKS, USDM_QUIRKS
from tradewinds.gateways.outcomes import Answer, Cause, Trouble, Verdict, judge, without_queries

REFUSED, UNKNOWN, NOT_SENT = Verdict.REFUSED, Verdict.UNKNOWN, Verdict.NOT_SENT
SECOND = 1_000_000_000


class Canned:
    """Stands in for an HTTP response."""

    def __init__(self, status: int, body: str, headers: Mapping[str, str]) -> None:
        self.status = status
        self.reason = "reason"
        self.headers = CIMultiDict(headers)
        self._body = body

    async def text(self, errors: str = "strict") -> str:
        return self._body

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


class Session:
    """What ccxt sends is kept, what it gets is what the test says, one after the other."""

    def __init__(self, *answers: Any) -> None:
        self.headers: dict[str, str] = {}
        self.answers = list(answers)
        self.sent: list[tuple[str, str, str]] = []

    def _ask(self, method: str, url: URL, data: bytes | None) -> Any:
        self.sent.append((method, str(url), (data or b"").decode()))
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def post(self, url: URL, *, data: bytes | None = None, **_: Any) -> Any:
        return self._ask("POST", url, data)

    def get(self, url: URL, *, data: bytes | None = None, **_: Any) -> Any:
        return self._ask("GET", url, data)

    def delete(self, url: URL, *, data: bytes | None = None, **_: Any) -> Any:
        return self._ask("DELETE", url, data)

    async def close(self) -> None:
        return None


def canned(status: int, body: str, **headers: str) -> Canned:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Canned(status, body, {"Content-Type": "application/json", **named})


def coded(code: int, text: str = "", status: int = 400) -> Canned:
    return canned(status, f'{{"code":{code},"msg":"{text}"}}')


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000 * SECOND
        self.slept: list[float] = []

    def edge(self) -> Edge:
        return Edge(now_ns=lambda: self.now, sleep=self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += int(seconds * SECOND)


ORDER = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.01"}
SPOT = Request(method="privatePostOrder", params=ORDER, order=True)
CLOSE = Request(method="privatePostOrder", params=ORDER, order=True, closing=True)
USDM = Request(method="fapiPrivatePostOrder", params=ORDER, order=True)


def asked(*requests: Request, session: Session, clock: Clock | None = None) -> list[Any]:
    """The results of asking, one after the other, with one client."""

    async def run() -> list[Any]:
        exchange = private_exchange({"key": "k", "secret": "s"}, mode="live", session=session)
        quirks = USDM_QUIRKS if requests[0].method.startswith("fapi") else SPOT_QUIRKS
        client = CcxtClient(exchange, quirks, (clock or Clock()).edge())
        try:
            return [await client.ask(request) for request in requests]
        finally:
            await client.close()

    return asyncio.run(run())


def outcome(request: Request, *answers: Any) -> tuple[Verdict, Cause]:
    result = asked(request, session=Session(*answers))[0]
    assert isinstance(result, Trouble), result
    return result.verdict, result.cause


HTML = "<html><body>no</body></html>"
SPOT_CASES = [
    ("unknown execution", coded(-1007, "Timeout waiting for response"), UNKNOWN, Cause.SILENCE),
    ("unexpected response", coded(-1006), UNKNOWN, Cause.SILENCE),
    ("unknown error", coded(-1000), UNKNOWN, Cause.SILENCE),
    ("408", canned(408, HTML), UNKNOWN, Cause.SILENCE),
    ("500 in html", canned(500, HTML), UNKNOWN, Cause.SILENCE),
    ("502 in html", canned(502, HTML), UNKNOWN, Cause.SILENCE),
    ("504 in html", canned(504, HTML), UNKNOWN, Cause.SILENCE),
    ("503 says service unavailable", canned(503, "Service Unavailable."), UNKNOWN, Cause.SILENCE),
    ("an answer that is no JSON", canned(200, "OK"), UNKNOWN, Cause.NONSENSE),
    ("an answer cut off", canned(200, '{"orderId": 1'), UNKNOWN, Cause.NONSENSE),
    ("an empty answer", canned(200, ""), UNKNOWN, Cause.NONSENSE),
    ("400 without a code", canned(400, HTML), UNKNOWN, Cause.OTHER),
    ("overloaded", coded(-1008, "Server is currently overloaded"), REFUSED, Cause.OVERLOADED),
    ("no money", coded(-2010, "Account has insufficient balance"), REFUSED, Cause.FUNDS),
    ("duplicate", coded(-2010, "Duplicate order sent."), REFUSED, Cause.DUPLICATE),
    ("would trigger", coded(-2010, "Order would trigger immediately."), REFUSED,
     Cause.WOULD_TRIGGER),
    ("would take", coded(-2010, "Order would immediately match and take."), REFUSED,
     Cause.WOULD_TAKE),
    ("lot size", coded(-1013, "Filter failure: LOT_SIZE"), REFUSED, Cause.FILTER),
    ("notional", coded(-1013, "Filter failure: NOTIONAL"), REFUSED, Cause.FILTER),
    ("not found", coded(-2013, "Order does not exist."), REFUSED, Cause.NOT_FOUND),
    ("nothing to cancel", coded(-2011, "Unknown order sent."), REFUSED, Cause.NOT_FOUND),
    ("revoked key", coded(-2015, "Invalid API-key", 401), REFUSED, Cause.KEY),
    ("bad key", coded(-2014, "API-key format invalid.", 401), REFUSED, Cause.KEY),
    ("bad signature", coded(-1022), REFUSED, Cause.KEY),
    ("rate", canned(429, '{"code":-1003,"msg":"Too much"}'), REFUSED, Cause.RATE),
    ("ban", canned(418, '{"code":-1003,"msg":"banned"}'), REFUSED, Cause.BANNED),
    ("firewall", canned(403, HTML), REFUSED, Cause.BLOCKED),
    ("region", canned(451, '{"code":0,"msg":"restricted location"}'), REFUSED, Cause.REGION),
    ("a new code in a 400", coded(-9999, "something new"), REFUSED, Cause.OTHER),
]  # fmt: skip


@pytest.mark.parametrize("case", SPOT_CASES, ids=lambda case: str(case[0]))
def test_an_answer_of_spot_means(case: tuple[str, Canned, Verdict, Cause]) -> None:
    _, answer, verdict, cause = case
    assert outcome(SPOT, answer) == (verdict, cause)


A = "Unknown error, please check your request or try again later."
B = "Service Unavailable."
C = "Internal error; unable to process your request. Please try again."
USDM_CASES = [
    ("B3 a: unknown", canned(503, A), UNKNOWN, Cause.SILENCE),
    ("B3 a: unknown, coded", coded(-1000, A, 503), UNKNOWN, Cause.SILENCE),
    ("B3 b: refused", canned(503, B), REFUSED, Cause.OVERLOADED),
    ("B3 c: refused", coded(-1001, C, 503), REFUSED, Cause.OVERLOADED),
    ("B3 d: throttled", coded(-1008, "Request throttled", 503), REFUSED, Cause.OVERLOADED),
    ("503 with a new body", canned(503, HTML), UNKNOWN, Cause.SILENCE),
    ("no margin", coded(-2019), REFUSED, Cause.FUNDS),
    ("would trigger", coded(-2021), REFUSED, Cause.WOULD_TRIGGER),
    ("already flat", coded(-2022), REFUSED, Cause.FLAT),
    ("covered already", coded(-4118), REFUSED, Cause.COVERED),
    ("wrong endpoint", coded(-4120), REFUSED, Cause.OTHER),
    ("too many stops", coded(-4045), REFUSED, Cause.STOPS_FULL),
    ("leverage", coded(-2027), REFUSED, Cause.LEVERAGE),
    ("hedge mode", coded(-4061), REFUSED, Cause.MODE),
    ("notional", coded(-4164), REFUSED, Cause.FILTER),
    ("margin mode set already", coded(-4046), REFUSED, Cause.UNCHANGED),
    ("duplicate", coded(-4116), REFUSED, Cause.DUPLICATE),
    ("would take", coded(-5022), REFUSED, Cause.WOULD_TAKE),
    ("quant rules", coded(-4400), REFUSED, Cause.SUSPENDED),
]


@pytest.mark.parametrize("case", USDM_CASES, ids=lambda case: str(case[0]))
def test_an_answer_of_usdm_means(case: tuple[str, Canned, Verdict, Cause]) -> None:
    _, answer, verdict, cause = case
    assert outcome(USDM, answer) == (verdict, cause)


def test_a_revoked_key_is_a_key_problem_even_when_ccxt_calls_it_a_rate_limit() -> None:
    """B8: after a first success ccxt takes -2015 for a temporary ban."""
    session = Session(
        canned(200, '{"orderId":1}'), coded(-2015, "Invalid API-key, IP, or permissions", 401)
    )
    results = asked(CLOSE, CLOSE, session=session)
    assert isinstance(results[0], Reply)
    assert results[1].cause is Cause.KEY
    exchange = ccxt.binance({"options": {"hasAlreadyAuthenticatedSuccessfully": True}})
    body = '{"code":-2015,"msg":"Invalid API-key"}'
    response = {"code": -2015, "msg": "Invalid API-key"}
    url = "https://api.binance.com/api/v3/order"
    with pytest.raises(ccxt.DDoSProtection):
        exchange.handle_errors(401, "", url, "POST", {}, body, response, {}, "")


@pytest.mark.parametrize(
    ("failure", "verdict"),
    [
        (TimeoutError(), UNKNOWN),
        (aiohttp.ServerDisconnectedError(), UNKNOWN),
        (aiohttp.ClientOSError(104, "Connection reset by peer"), UNKNOWN),
        (aiohttp.ClientPayloadError("cut off"), UNKNOWN),
        (ConnectionResetError("reset"), UNKNOWN),
        (aiohttp.ConnectionTimeoutError("never connected"), NOT_SENT),
        (
            aiohttp.ClientConnectorError(
                type("Key", (), {"host": "h", "port": 1, "ssl": True})(),  # type: ignore[arg-type]
                OSError(111, "refused"),
            ),
            NOT_SENT,
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_broken_connection_is_unknown_unless_it_was_never_made(
    failure: BaseException, verdict: Verdict
) -> None:
    """B2: ccxt calls some of these an ExchangeError, which reads like a refusal."""
    assert outcome(SPOT, failure)[0] is verdict


def test_a_wrong_clock_is_set_right_and_the_request_sent_once_more() -> None:
    """B7."""
    clock = Clock()
    server_ms = clock.now // 1_000_000 + 2_500
    session = Session(
        coded(-1021), canned(200, f'{{"serverTime":{server_ms}}}'), canned(200, '{"orderId":1}')
    )
    results = asked(SPOT, session=session, clock=clock)
    assert isinstance(results[0], Reply)
    assert [(method, url.split("?")[0]) for method, url, _ in session.sent] == [
        ("POST", "https://api.binance.com/api/v3/order"),
        ("GET", "https://api.binance.com/api/v3/time"),
        ("POST", "https://api.binance.com/api/v3/order"),
    ]


def test_a_clock_that_stays_wrong_is_not_tried_for_ever() -> None:
    session = Session(coded(-1021), canned(200, '{"serverTime":1}'), coded(-1021))
    assert asked(SPOT, session=session)[0].cause is Cause.CLOCK
    assert len(session.sent) == 3


def test_429_holds_entries_back_for_as_long_as_the_venue_says_and_lets_closes_pass() -> None:
    """B4."""
    session = Session(
        canned(429, '{"code":-1003,"msg":"slow"}', Retry_After="30"), canned(200, '{"orderId":1}')
    )
    clock = Clock()
    first, entry, close = asked(SPOT, SPOT, CLOSE, session=session, clock=clock)
    assert first.retry_after_s == 30.0
    assert (entry.verdict, entry.cause) == (NOT_SENT, Cause.RATE)
    assert isinstance(close, Reply)
    assert len(session.sent) == 2
    assert clock.slept == []


def test_418_holds_everything_back_until_the_ban_is_over() -> None:
    """B5."""
    session = Session(
        canned(418, '{"code":-1003,"msg":"banned"}', Retry_After="120"),
        canned(200, '{"orderId":1}'),
    )
    clock = Clock()
    began = clock.now
    first, entry, close = asked(SPOT, SPOT, CLOSE, session=session, clock=clock)
    assert first.cause is Cause.BANNED
    assert entry.verdict is NOT_SENT
    assert isinstance(close, Reply)
    assert clock.now - began >= 120 * SECOND
    assert len(session.sent) == 2


def test_f8_neither_signature_nor_listen_key_is_told() -> None:
    session = Session(TimeoutError())
    query = Request(method="privateGetOrder", params={"symbol": "BTCUSDT", "orderId": "1"})
    reason = asked(query, session=session)[0].reason
    assert "api.binance.com/api/v3/order" in reason
    assert "signature" in session.sent[0][1]
    assert "signature" not in reason
    url = "wss://fstream.binance.com/private/ws?listenKey=abc: TimeoutError: x"
    assert without_queries(url) == "wss://fstream.binance.com/private/ws?... TimeoutError: x"


def test_403_is_tried_at_most_once_a_minute() -> None:
    """B6."""
    session = Session(*[canned(403, HTML) for _ in range(5)])
    clock = Clock()
    began = clock.now
    asked(CLOSE, CLOSE, CLOSE, session=session, clock=clock)
    assert clock.now - began >= 2 * 60 * SECOND
    assert len(session.sent) == 3


def test_451_is_for_good() -> None:
    """B6."""
    session = Session(canned(451, "{}"))
    first, second = asked(CLOSE, CLOSE, session=session)
    assert first.cause is second.cause is Cause.REGION
    assert len(session.sent) == 1


def test_the_venues_own_count_keeps_a_fifth_for_closing() -> None:
    session = Session(
        canned(200, '{"orderId":1}', X_MBX_USED_WEIGHT_1M="4850"), canned(200, '{"orderId":2}')
    )
    first, entry, close = asked(SPOT, SPOT, CLOSE, session=session)
    assert isinstance(first, Reply)
    assert (entry.verdict, entry.cause) == (NOT_SENT, Cause.RATE)
    assert isinstance(close, Reply)


def test_our_client_id_and_window_arrive_as_they_were_given() -> None:
    session = Session(canned(200, '{"orderId":1}'))
    params = {**ORDER, "newClientOrderId": "tw-run-1", "recvWindow": 1_500}
    asked(Request(method="privatePostOrder", params=params), session=session)
    _, url, body = session.sent[0]
    assert url == "https://api.binance.com/api/v3/order"
    assert "newClientOrderId=tw-run-1" in body
    assert "recvWindow=1500" in body
    assert "quantity=0.01&" in body


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ('{"success":false,"error_response":{"error":"INSUFFICIENT_FUND","message":"no",'
         '"preview_failure_reason":"PREVIEW_INSUFFICIENT_FUND"}}', Cause.FUNDS),
        ('{"success":false,"error_response":{"error":"UNKNOWN_FAILURE_REASON","message":"",'
         '"new_order_failure_reason":"INVALID_SIZE_PRECISION"}}', Cause.FILTER),
        ('{"success":false,"failure_reason":"UNKNOWN_FAILURE_REASON"}', Cause.OTHER),
    ],
)  # fmt: skip
def test_a_refusal_inside_a_200_is_a_refusal(body: str, cause: Cause) -> None:
    """B19."""
    from tradewinds.gateways.ccxt_quirks import COINBASE

    trouble = judge(Answer(status=200, headers={}, body=body), COINBASE)
    assert trouble is not None
    assert (trouble.verdict, trouble.cause) == (REFUSED, cause)
