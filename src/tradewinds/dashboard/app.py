"""Puts the dashboard together and serves it: one process, one port, loopback only."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.staticfiles import StaticFiles

from tradewinds.dashboard import api, login
from tradewinds.dashboard.access import SessionGuard
from tradewinds.dashboard.desk import Desk
from tradewinds.dashboard.history import History
from tradewinds.dashboard.port import listen
from tradewinds.dashboard.room import Room
from tradewinds.dashboard.security import (
    BodyGuard,
    HeaderWriter,
    HostGuard,
    OriginGuard,
    RoomProvider,
)
from tradewinds.dashboard.sessions import Sessions
from tradewinds.dashboard.settings import DashboardSettings
from tradewinds.dashboard.state import LiveState
from tradewinds.dashboard.throttle import LoginThrottle
from tradewinds.ports import Bus

SOCKET_BYTES_MAX = 64 * 1024
SHUTDOWN_S = 2


def create_app(settings: DashboardSettings, bus: Bus, history: History) -> FastAPI:
    """The whole application: guards, login, API and pages.

    NiceGUI keeps its pages in one global application, so make one of these per process.
    """
    from tradewinds.dashboard.site import add_pages

    app = create_api(settings, bus, history)
    add_pages(app, settings)
    return app


def create_api(
    settings: DashboardSettings,
    bus: Bus,
    history: History,
    clock: Callable[[], float] = time.monotonic,
) -> FastAPI:
    """Everything but the pages; loads no web user interface."""
    room = Room(
        settings=settings,
        sessions=Sessions(settings.timings, clock),
        throttle=LoginThrottle(clock),
        state=LiveState(bus, clock, settings.engine_silent_s),
        history=history,
        desk=Desk(bus),
    )
    app = FastAPI(
        title=settings.title,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        lifespan=lambda _: _listening(room),
    )
    app.state.room = room
    app.include_router(login.router)
    app.include_router(api.router)
    app.add_api_route("/healthz", _healthz, include_in_schema=False)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"))
    _guard(app, room, clock)
    return app


def serve(settings: DashboardSettings, bus: Bus, history: History) -> None:
    """Serve until told to stop. Raises ConfigError when the port cannot be had."""
    import uvicorn

    taken = listen(settings.host, settings.port)
    config = uvicorn.Config(
        create_app(settings, bus, history),
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws_max_size=SOCKET_BYTES_MAX,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )
    uvicorn.Server(config).run(sockets=[taken])


def _guard(app: FastAPI, room: Room, clock: Callable[[], float]) -> None:
    # The last one added is the first one passed.
    settings = room.settings
    app.add_middleware(
        SessionGuard,
        sessions=room.sessions,
        cookie_name=settings.cookie_name,
        clock=clock,
    )
    app.add_middleware(BodyGuard)
    app.add_middleware(OriginGuard, allowed_origins=settings.allowed_origins)
    app.add_middleware(HostGuard, allowed_hosts=settings.allowed_hosts)
    app.add_middleware(HeaderWriter)
    app.add_middleware(RoomProvider, room=room)


@contextlib.asynccontextmanager
async def _listening(room: Room) -> AsyncIterator[None]:
    await room.state.load(room.history)
    listener = asyncio.create_task(room.state.run())
    try:
        yield
    finally:
        listener.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listener


async def _healthz() -> JSONResponse:
    return JSONResponse({"status": "ok"})
