"""The operator's requests from the bus, as events for the engine, and the answers."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from tradewinds.engine.driver import Driver
from tradewinds.model.commands import EmergencyFinished
from tradewinds.model.events import EmergencyStop, PauseTrading, ResumeTrading, StrategySwitched
from tradewinds.model.snapshot import (
    EmergencyRequest,
    OperatorReply,
    OperatorRequest,
    Snapshot,
    SwitchRequest,
)

EMERGENCY_WAIT_S = 4.0
T = TypeVar("T")


class Door:
    """Answers before there is a session: better told to wait than left alone."""

    def __init__(self) -> None:
        self.words: Words | None = None

    async def answer(self, verb: str, payload: bytes) -> bytes:
        """As the session would, once it is there. Raises ValueError until then."""
        if self.words is None:
            raise ValueError("the engine is still starting; ask again in a moment")
        return await self.words.answer(verb, payload)


class Words:
    """Answers `status`, `emergency`, `pause`, `resume`, `strategy` and `ping`."""

    def __init__(
        self, driver: Driver, now_ns: Callable[[], int], snapshot: Callable[[], Snapshot]
    ) -> None:
        self._driver = driver
        self._now_ns = now_ns
        self._snapshot = snapshot
        self._waiting: dict[str, asyncio.Future[EmergencyFinished]] = {}
        self._encoder = msgspec.msgpack.Encoder()
        self.agrees: Callable[[], Awaitable[str]] | None = None

    async def answer(self, verb: str, payload: bytes) -> bytes:
        """One request. Raises ValueError for a verb or payload that is not understood."""
        began = time.perf_counter()
        match verb:
            case "ping":
                return b"pong"
            case "status":
                return self._encoder.encode(self._snapshot())
            case "emergency":
                reply = await self._emergency(_decode(payload, EmergencyRequest), began)
            case "pause" | "resume":
                reply = self._state(verb, _decode(payload, OperatorRequest), began)
            case "strategy":
                reply = self._switch(_decode(payload, SwitchRequest), began)
            case _:
                raise ValueError(f"unknown verb {verb}")
        return self._encoder.encode(reply)

    def finished(self, command: EmergencyFinished) -> None:
        """The engine has verified that it is flat."""
        waiting = self._waiting.pop(command.command_id, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(command)

    async def _emergency(self, request: EmergencyRequest, began: float) -> OperatorReply:
        now_ns = self._now_ns()
        done: asyncio.Future[EmergencyFinished] = asyncio.get_running_loop().create_future()
        self._waiting[request.command_id] = done
        self._driver.inject(
            EmergencyStop(
                command_id=request.command_id,
                reason=request.reason,
                venue_time_ns=now_ns,
                received_time_ns=now_ns,
            )
        )
        try:
            async with asyncio.timeout(EMERGENCY_WAIT_S):
                result = await done
                doubt = "" if self.agrees is None else await self.agrees()
        except TimeoutError:
            self._waiting.pop(request.command_id, None)
            detail = f"not verified flat within {EMERGENCY_WAIT_S:g} s: still closing"
            return _reply(request.command_id, began, done=False, detail=detail)
        flat = result.flat and not doubt
        return _reply(request.command_id, began, done=flat, detail=doubt or result.detail)

    def _state(self, verb: str, request: OperatorRequest, began: float) -> OperatorReply:
        now_ns = self._now_ns()
        if verb == "pause":
            self._driver.inject(
                PauseTrading(
                    command_id=request.command_id,
                    reason=request.reason,
                    venue_time_ns=now_ns,
                    received_time_ns=now_ns,
                )
            )
        else:
            self._driver.inject(
                ResumeTrading(
                    command_id=request.command_id, venue_time_ns=now_ns, received_time_ns=now_ns
                )
            )
        breaker = self._driver.engine.floor.breaker
        detail = f"{breaker.state.value}: {breaker.reason}" if breaker.reason else "active"
        return _reply(request.command_id, began, done=True, detail=detail)

    def _switch(self, request: SwitchRequest, began: float) -> OperatorReply:
        known = {strategy.strategy_id for strategy in self._driver.engine.strategies}
        if request.strategy_id not in known:
            detail = f"no strategy {request.strategy_id}; there are {', '.join(sorted(known))}"
            return _reply(request.command_id, began, done=False, detail=detail)
        now_ns = self._now_ns()
        self._driver.inject(
            StrategySwitched(
                command_id=request.command_id,
                strategy_id=request.strategy_id,
                enabled=request.enabled,
                venue_time_ns=now_ns,
                received_time_ns=now_ns,
            )
        )
        detail = f"{request.strategy_id} {'on' if request.enabled else 'off'}"
        return _reply(request.command_id, began, done=True, detail=detail)


def _decode(payload: bytes, kind: type[T]) -> T:
    try:
        return msgspec.msgpack.decode(payload, type=kind)
    except msgspec.MsgspecError as error:
        raise ValueError(f"not a {kind.__name__}: {error}") from None


def _reply(command_id: str, began: float, *, done: bool, detail: str) -> OperatorReply:
    elapsed_ms = (time.perf_counter() - began) * 1e3
    return OperatorReply(command_id=command_id, done=done, detail=detail, elapsed_ms=elapsed_ms)
