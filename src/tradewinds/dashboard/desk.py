"""The operator's verbs, sent over the bus. An engine that does not answer is an answer too."""

import secrets

import msgspec

from tradewinds.model.errors import TradewindsError
from tradewinds.model.ids import StrategyId
from tradewinds.model.snapshot import (
    EmergencyRequest,
    OperatorReply,
    OperatorRequest,
    SwitchRequest,
)
from tradewinds.ports import Bus

EMERGENCY_TIMEOUT_S = 15.0
VERB_TIMEOUT_S = 5.0

Request = EmergencyRequest | OperatorRequest | SwitchRequest


class Desk:
    """Sends one request and waits for its reply; a failure comes back as a reply not done."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def emergency(self, reason: str) -> OperatorReply:
        """Cancel all, flatten all, verify flat. Needs no fresh password."""
        request = EmergencyRequest(command_id=_command_id(), reason=reason)
        return await self._ask("emergency", request, EMERGENCY_TIMEOUT_S)

    async def pause(self, reason: str) -> OperatorReply:
        """No new risk; positions stay protected."""
        request = OperatorRequest(command_id=_command_id(), reason=reason)
        return await self._ask("pause", request, VERB_TIMEOUT_S)

    async def resume(self, reason: str) -> OperatorReply:
        """Trade again, within the law."""
        request = OperatorRequest(command_id=_command_id(), reason=reason)
        return await self._ask("resume", request, VERB_TIMEOUT_S)

    async def switch(self, strategy_id: StrategyId, *, enabled: bool) -> OperatorReply:
        """A strategy on or off."""
        request = SwitchRequest(command_id=_command_id(), strategy_id=strategy_id, enabled=enabled)
        return await self._ask("strategy", request, VERB_TIMEOUT_S)

    async def _ask(self, verb: str, request: Request, timeout_s: float) -> OperatorReply:
        try:
            answer = await self._bus.request(verb, msgspec.msgpack.encode(request), timeout_s)
            return msgspec.msgpack.decode(answer, type=OperatorReply)
        except (TradewindsError, OSError, TimeoutError, msgspec.DecodeError) as error:
            detail = f"no answer from the engine ({str(error) or type(error).__name__})"
        return OperatorReply(
            command_id=request.command_id, done=False, detail=detail, elapsed_ms=0.0
        )


def _command_id() -> str:
    return f"web-{secrets.token_hex(8)}"
