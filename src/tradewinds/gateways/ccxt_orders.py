"""One signed request to a venue through ccxt, and an honest account of what became of it."""

import asyncio
import contextvars
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from tradewinds.gateways.ccxt_quirks import Quirks
from tradewinds.gateways.outcomes import Answer, Cause, Trouble, Verdict, judge
from tradewinds.gateways.rate_limit import Hold, RateLimit
from tradewinds.gateways.steady_clock import SteadyClock

NS_PER_S: Final = 1_000_000_000
NS_PER_MS: Final = 1_000_000
TIMEOUT_MS: Final = 15_000
"""Longer than the venue's own 10 s, so that it tells us of a timeout before we give up."""
ENTRY_WINDOW_MS: Final = 3_000
CLOSE_WINDOW_MS: Final = 1_500
"""A request that got lost can still take effect until its window has passed: keep it short."""
OFFSET_ALARM_NS: Final = 500 * NS_PER_MS
PATIENCE_NS: Final = 5 * NS_PER_S
log = logging.getLogger(__name__)


class Edge(Struct, frozen=True, kw_only=True):
    """The clock and the waiting of the real world, replaceable in tests. Steps of the machine's
    clock must neither hurry nor stop what waits."""

    now_ns: Callable[[], int] = msgspec.field(default_factory=SteadyClock)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Request(Struct, frozen=True, kw_only=True):
    """A method of ccxt's implicit API with its parameters, exactly as the venue documents them.

    `order`: counts as an order. `closing`: may use the reserve, waits rather than fails.
    """

    method: str
    params: Mapping[str, Any]
    weight: int = 1
    order: bool = False
    closing: bool = False


class Reply(Struct, frozen=True, kw_only=True):
    """A success: decoded JSON, numbers as the venue wrote them where it writes text."""

    data: Any


class CcxtClient:
    """Classifies by code and body. Retries only what provably did not happen, and only once.

    `on_trouble` hears of every hold and of a clock that is off.
    """

    def __init__(self, exchange: Any, quirks: Quirks, edge: Edge, weight_limit: int = 0) -> None:
        """`exchange` is a ccxt.async_support object of `private_exchange`."""
        self.exchange = exchange
        self.quirks = quirks
        self.limit = RateLimit(weight_limit or quirks.weight_limit)
        self.offset_ns = 0
        self.succeeded_ns = 0
        self.on_trouble: Callable[[Cause, str], None] = _unheard
        self._edge = edge
        self._answer: contextvars.ContextVar[list[Answer]] = contextvars.ContextVar("answer")
        _overhear(exchange, self._answer)

    async def ask(self, request: Request) -> Reply | Trouble:
        """Send it when the venue's limits allow. An entry that would have to wait is not sent."""
        barred = await self._wait(request)
        if barred is not None:
            return barred
        result = await self._once(request)
        if isinstance(result, Trouble) and result.cause is Cause.CLOCK:
            await self.synchronise()
            result = await self._once(request)
        elif _token_refused(result) and self.quirks.token_expires:
            result = await self._once(request)
            if isinstance(result, Reply):
                self.limit.release(Cause.KEY)
        return result

    async def synchronise(self) -> bool:
        """Measure the venue's clock against ours; ccxt stamps by it from then on."""
        before_ns = self._edge.now_ns()
        reply = await self._once(Request(method=self.quirks.time_method, params={}))
        if isinstance(reply, Trouble):
            return False
        after_ns = self._edge.now_ns()
        try:
            venue_ns = int(reply.data[self.quirks.time_field]) * NS_PER_MS
        except (LookupError, TypeError, ValueError):
            return False
        self.offset_ns = venue_ns - (before_ns + after_ns) // 2
        self.exchange.options["timeDifference"] = -(self.offset_ns // NS_PER_MS)
        if abs(self.offset_ns) > OFFSET_ALARM_NS:
            seconds = self.offset_ns / NS_PER_S
            log.warning("clock_off venue=%s offset_s=%.3f", self.exchange.id, seconds)
            self.on_trouble(Cause.CLOCK, f"this clock is {-seconds:.1f} s off the venue's")
        else:
            self.on_trouble(Cause.CLOCK, "")
        return True

    async def close(self) -> None:
        """Release connections."""
        await self.exchange.close()

    async def _wait(self, request: Request) -> Trouble | None:
        while True:
            now_ns = self._edge.now_ns()
            wait_ns = self.limit.wait_ns(
                now_ns, request.weight, order=request.order, closing=request.closing
            )
            if wait_ns <= 0:
                return None
            held = self.limit.hold(now_ns, closing=request.closing)
            if (request.order and not request.closing) or _for_good(held):
                return _not_sent(held)
            await self._edge.sleep(min(wait_ns, PATIENCE_NS) / NS_PER_S)

    async def _once(self, request: Request) -> Reply | Trouble:
        answers: list[Answer] = []
        self._answer.set(answers)
        self.limit.sent(self._edge.now_ns(), request.weight, order=request.order)
        failure: BaseException | None = None
        data: Any = None
        try:
            data = await getattr(self.exchange, request.method)(dict(request.params))
        except ccxt_faults() as error:
            failure = error
        trouble = self._judged(answers, failure)
        if trouble is None:
            self.succeeded_ns = self._edge.now_ns()
            return Reply(data=data)
        log.warning(
            "request_failed method=%s verdict=%s cause=%s reason=%s",
            request.method, trouble.verdict, trouble.cause, trouble.reason,
        )  # fmt: skip
        return trouble

    def _judged(self, answers: list[Answer], failure: BaseException | None) -> Trouble | None:
        now_ns = self._edge.now_ns()
        if not answers:
            return _unanswered(failure)
        answer = answers[-1]
        self.limit.saw(now_ns, answer.headers)
        trouble = judge(answer, self.quirks.wording)
        if trouble is None and failure is not None:
            # The venue is content but ccxt could not read it: whatever was asked may have happened.
            text = f"{type(failure).__name__}: {failure}"
            return Trouble(verdict=Verdict.UNKNOWN, cause=Cause.NONSENSE, text=text)
        if trouble is None:
            return None
        held = self.limit.trouble(now_ns, trouble)
        if held is not None:
            self.on_trouble(held.cause, held.reason)
        return trouble


def borrowed(session: Any) -> dict[str, Any]:
    """ccxt's settings for a session that is not its own: it is not closed with the exchange, so
    there is nothing whose end is waited for. None: ccxt opens one."""
    return {} if session is None else {"session": session, "timeout_on_exit": 0}


def private_exchange(
    keys: Mapping[str, str], *, mode: str, session: Any = None, venue: str = "binance"
) -> Any:
    """A ccxt exchange: binance (spot and USD-M) or coinbase. `mode` is live, testnet or demo.

    Nothing is retried, nothing throttled and no market loaded by ccxt itself.
    """
    import ccxt.async_support as ccxt

    config: dict[str, Any] = {
        "apiKey": keys["key"],
        "secret": keys["secret"],
        "enableRateLimit": False,
        "timeout": TIMEOUT_MS,
        "options": {
            "maxRetriesOnFailure": 0,
            "fetchMarkets": {"types": ["spot", "linear"]},
            "fetchCurrencies": False,
            "fetchMargins": False,
            "disableFuturesSandboxWarning": True,
        },
    }
    config |= borrowed(session)
    if venue == "coinbase":
        return ccxt.coinbase(config)
    exchange = ccxt.binance(config)
    if mode == "testnet":
        exchange.set_sandbox_mode(True)
    elif mode == "demo":
        exchange.enable_demo_trading(True)
    return exchange


def ccxt_faults() -> tuple[type[BaseException], ...]:
    """What ccxt raises, and what escapes it: our own parsing never runs inside a request."""
    import aiohttp
    import ccxt

    parsing = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
    return (ccxt.BaseError, aiohttp.ClientError, OSError, TimeoutError, *parsing)


def _overhear(exchange: Any, answers: contextvars.ContextVar[list[Answer]]) -> None:
    """ccxt tells its error handler of every answer; we listen, per request, and change nothing."""
    real = exchange.handle_errors

    def handle_errors(code: Any, reason: Any, url: Any, method: Any, *rest: Any) -> Any:
        headers, body = rest[0], rest[1]
        heard = answers.get(None)
        if heard is not None:
            heard.append(Answer(status=int(code), headers=dict(headers), body=str(body)))
        return real(code, reason, url, method, *rest)

    exchange.handle_errors = handle_errors


def _unanswered(failure: BaseException | None) -> Trouble:
    """Only a connection that was never made proves that nothing was sent."""
    import aiohttp

    never_sent = (
        aiohttp.ClientConnectorError,
        aiohttp.ConnectionTimeoutError,
        socket.gaierror,
    )
    chain = (failure, None if failure is None else failure.__cause__)
    sent = not any(isinstance(error, never_sent) for error in chain)
    return Trouble(
        verdict=Verdict.UNKNOWN if sent else Verdict.NOT_SENT,
        cause=Cause.SILENCE,
        text=f"{type(failure).__name__}: {failure}",
    )


def _not_sent(held: Hold | None) -> Trouble:
    cause = Cause.RATE if held is None else held.cause
    reason = "the venue's limit is used up" if held is None else held.reason
    return Trouble(verdict=Verdict.NOT_SENT, cause=cause, text=f"held back: {reason}")


def _token_refused(result: Reply | Trouble) -> bool:
    return isinstance(result, Trouble) and result.status == 401


def _for_good(held: Hold | None) -> bool:
    return held is not None and held.cause is Cause.REGION


def _unheard(cause: Cause, reason: str) -> None:
    """Until somebody listens."""
