"""The REST API: what the pages show, and the operator's verbs, for scripts of the same person."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

import msgspec
from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from tradewinds.dashboard.login import try_password
from tradewinds.dashboard.room import Room, room_of, session_of
from tradewinds.model.errors import TradewindsError
from tradewinds.model.ids import StrategyId
from tradewinds.model.snapshot import OperatorReply, Snapshot

router = APIRouter(prefix="/api/v1")
T = TypeVar("T")


class Body(BaseModel):
    """Unknown fields are mistakes."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Reason(Body):
    """Why, for the journal."""

    reason: str = Field("operator", max_length=200)


class Switch(Body):
    """On or off."""

    enabled: bool


class Password(Body):
    """The operator's password."""

    password: str = Field(max_length=256)


def here(request: Request) -> Room:
    """The room of this request."""
    return room_of(request.scope)


def own_request(request: Request) -> None:
    """A change must be JSON and carry the session's token: no form of another page can do that."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPException(415, "send application/json")
    if request.headers.get("x-csrf-token") != session_of(request.scope).csrf:
        raise HTTPException(403, "send the X-CSRF-Token from GET /api/v1/session")


def trading_rights(request: Request) -> None:
    """What raises risk needs a password given or used in the last minutes."""
    if not room_of(request.scope).sessions.may_trade(session_of(request.scope)):
        raise HTTPException(403, "confirm the password first: POST /api/v1/confirm")


Here = Annotated[Room, Depends(here)]
OWN = Depends(own_request)
TRADING = Depends(trading_rights)


@router.get("/session")
async def session(request: Request) -> Response:
    """The token that changes need."""
    return as_json({"csrf": session_of(request.scope).csrf})


@router.get("/status")
async def status(room: Here) -> Response:
    """The engine's last snapshot and how old it is. 503 before the first."""
    snapshot = _snapshot(room)
    heard = {"connected": room.state.connected, "silent_for_s": room.state.silent_for_s}
    return as_json({"snapshot": snapshot, **heard})


@router.get("/positions")
async def positions(room: Here) -> Response:
    """Open round trips."""
    return as_json({"positions": _snapshot(room).positions})


@router.get("/strategies")
async def strategies(room: Here) -> Response:
    """What trades, and what it made."""
    return as_json({"strategies": _snapshot(room).strategies})


@router.get("/trades")
async def trades(
    room: Here,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """Closed round trips, newest first."""
    return as_json({"trades": await _read(lambda: room.history.trades(offset, limit))})


@router.get("/equity")
async def equity(room: Here, points: Annotated[int, Query(ge=2, le=5_000)] = 500) -> Response:
    """(event time in ns, equity) pairs, oldest first."""
    return as_json({"equity": await _read(lambda: room.history.equity_curve(points))})


@router.get("/activity")
async def activity(
    room: Here,
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
    limit: Annotated[int, Query(ge=1, le=2_000)] = 500,
) -> Response:
    """Lines newer than `after`, oldest first; `last` is what to ask after next time."""
    lines = room.state.lines_after(after, limit)
    numbered = [{"sequence": number, "line": line} for number, line in lines]
    return as_json({"lines": numbered, "last": room.state.lines_total})


@router.post("/emergency", dependencies=[OWN])
async def emergency(room: Here, body: Reason) -> Response:
    """Cancel all, flatten all, verify flat."""
    return _reply(await room.desk.emergency(body.reason))


@router.post("/pause", dependencies=[OWN])
async def pause(room: Here, body: Reason) -> Response:
    """No new risk."""
    return _reply(await room.desk.pause(body.reason))


@router.post("/resume", dependencies=[OWN, TRADING])
async def resume(room: Here, body: Reason) -> Response:
    """Trade again."""
    return _reply(await room.desk.resume(body.reason))


@router.post("/strategies/{strategy_id}", dependencies=[OWN])
async def switch(request: Request, room: Here, strategy_id: str, body: Switch) -> Response:
    """A strategy on or off; on raises risk."""
    if all(row.strategy_id != strategy_id for row in _snapshot(room).strategies):
        raise HTTPException(404, "no such strategy")
    if body.enabled:
        trading_rights(request)
    return _reply(await room.desk.switch(StrategyId(strategy_id), enabled=body.enabled))


@router.post("/confirm", dependencies=[OWN])
async def confirm(request: Request, room: Here, body: Password) -> Response:
    """The password again, for a few minutes of trading rights."""
    source = request.client.host if request.client else "unknown"
    problem = await try_password(room, source, body.password)
    if problem is not None:
        raise HTTPException(429 if "wait" in problem else 401, problem)
    room.sessions.grant_trading(session_of(request.scope))
    return as_json({"confirmed": True})


def as_json(value: object, status: int = 200) -> Response:
    """JSON of builtins and structs; money as strings, so that nothing is rounded on the way."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def _snapshot(room: Room) -> Snapshot:
    if room.state.snapshot is None:
        raise HTTPException(503, "the engine has not been heard yet")
    return room.state.snapshot


async def _read(query: Callable[[], Sequence[T]]) -> Sequence[T]:
    try:
        return await asyncio.to_thread(query)
    except TradewindsError as error:
        raise HTTPException(503, f"the history cannot be read now: {error}") from None


def _reply(reply: OperatorReply) -> Response:
    return as_json(reply, 200 if reply.done else 503)
