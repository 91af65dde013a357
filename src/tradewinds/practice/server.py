"""The listening side: TLS, one port, the venue chosen by the name the client asked for."""

import asyncio
import ssl
from collections.abc import Iterable
from urllib.parse import parse_qsl

from aiohttp import WSMsgType, web

from tradewinds.practice.clock import VenueClock
from tradewinds.practice.faults import (
    Delay,
    FaultPlan,
    Hidden,
    Late,
    Lost,
    Queued,
    Reply,
    RequestFault,
    Reset,
)
from tradewinds.practice.record import Asked, Record
from tradewinds.practice.resolver import LOOPBACK
from tradewinds.practice.site import HttpAnswer, HttpCall, Site
from tradewinds.practice.wire import Socket

TICK_S = 0.02
GOODBYE_S = 1.0
LARGEST_FRAME = 4 * 1024 * 1024


class Server:
    """Serves the sites. `latency_s` is added on the way in and again on the way out."""

    def __init__(
        self, sites: Iterable[Site], clock: VenueClock, plan: FaultPlan, record: Record
    ) -> None:
        self._sites = {host: site for site in sites for host in site.hosts}
        self._clock = clock
        self._plan = plan
        self._record = record
        self.sockets: list[tuple[Site, Socket]] = []
        self.latency_s = 0.0
        self.port = 0
        self._runner: web.AppRunner | None = None
        self._ticking: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    @property
    def hosts(self) -> frozenset[str]:
        """Every name that leads here."""
        return frozenset(self._sites)

    async def start(self, context: ssl.SSLContext, port: int = 0) -> None:
        """Listen on this machine only; port 0 takes a free one."""
        app = web.Application(client_max_size=LARGEST_FRAME)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        listener = web.TCPSite(self._runner, LOOPBACK, port, ssl_context=context)
        await listener.start()
        self.port = int(self._runner.addresses[0][1])
        self._ticking = asyncio.create_task(self._tick_on())

    async def stop(self) -> None:
        """Close every connection."""
        self._stopping.set()
        for _, socket in self.sockets:
            socket.close()
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()

    def tick(self) -> None:
        """What the passing of time does; called often, and by whoever moved the clock."""
        for site in dict.fromkeys(self._sites.values()):
            site.tick()
        for _, socket in list(self.sockets):
            socket.tick()

    async def _tick_on(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self.tick()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        host = request.host.partition(":")[0]
        site = self._sites.get(host)
        if site is None:
            return web.Response(status=421, text=f"the practice venue does not play {host}")
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._converse(site, request)
        path, _, query = request.raw_path.partition("?")
        body = (await request.read()).decode("utf-8", "surrogateescape")
        headers = {name.lower(): value for name, value in request.headers.items()}
        call = HttpCall(
            method=request.method, host=host, path=path, query=query, body=body, headers=headers
        )
        return await self._serve(site, call, request)

    async def _serve(self, site: Site, call: HttpCall, request: web.Request) -> web.StreamResponse:
        params = dict(parse_qsl(call.body) + parse_qsl(call.query))
        if call.body.startswith("{"):
            params = dict(parse_qsl(call.query)) | {"body": call.body}
        asked = self._record.add(
            Asked(site=site.name, what=call.what, params=params, time_ns=self._clock.now_ns())
        )
        asked.key = call.headers.get("x-mbx-apikey", "")
        await asyncio.sleep(self.latency_s)
        fault = self._plan.strike_request(f"{site.name} {call.what}", params)
        answer = await self._answer(site, call, fault)
        if answer is None:
            return await self._vanish(request, reset=isinstance(fault, Reset))
        asked.status = answer.status
        await asyncio.sleep(self.latency_s)
        return web.Response(
            status=answer.status,
            body=answer.body,
            headers=dict(answer.headers),
            content_type=answer.content_type,
        )

    async def _answer(
        self, site: Site, call: HttpCall, fault: RequestFault | None
    ) -> HttpAnswer | None:
        match fault:
            case Reply() as reply:
                if reply.execute:
                    site.answer(call)
                return scripted(reply)
            case Reset() | Lost():
                if fault.execute:
                    site.answer(call)
                return None
            case Hidden():
                call.hide_s = fault.for_s
                answer = site.answer(call)
                return answer if fault.reply is None else scripted(fault.reply)
            case Late():
                asyncio.get_running_loop().call_later(fault.after_s, site.answer, call)
                return scripted(fault.reply)
            case Delay() | Queued():
                return await self._delayed(site, call, fault)
        return site.answer(call)

    async def _delayed(self, site: Site, call: HttpCall, fault: Delay | Queued) -> HttpAnswer:
        if isinstance(fault, Queued):
            with self._clock.later(fault.for_s):
                return site.answer(call)
        await asyncio.sleep(fault.before_s)
        answer = site.answer(call)
        await asyncio.sleep(fault.after_s)
        return answer

    async def _vanish(self, request: web.Request, *, reset: bool) -> web.StreamResponse:
        if not reset:
            await self._stopping.wait()
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)

    async def _converse(self, site: Site, request: web.Request) -> web.StreamResponse:
        name = site.name
        socket = Socket(name, request.path, request.query, self._clock, self._plan)
        denied = self._plan.denial(f"{name} CONNECT")
        if denied is not None:
            return web.Response(status=denied.status, text=denied.message)
        if not site.opened(socket):
            return web.Response(status=404)
        ws = web.WebSocketResponse(autoping=False, max_msg_size=LARGEST_FRAME)
        await ws.prepare(request)
        self.sockets.append((site, socket))
        writing = asyncio.create_task(socket.write_to(ws, request))
        try:
            await self._read(site, socket, ws)
        finally:
            self.sockets.remove((site, socket))
            site.closed(socket)
            if socket.closing:
                await asyncio.wait({writing}, timeout=GOODBYE_S)
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
        return ws

    async def _read(self, site: Site, socket: Socket, ws: web.WebSocketResponse) -> None:
        async for message in ws:
            if socket.half_open:
                continue
            if message.type is WSMsgType.TEXT:
                self._record.add(
                    Asked(
                        site=site.name,
                        what="frame",
                        params={"text": message.data},
                        time_ns=self._clock.now_ns(),
                    )
                )
                site.received(socket, message.data)
            elif message.type is WSMsgType.PING:
                await socket.pinged(message.data)
            elif message.type is WSMsgType.PONG:
                socket.ponged()


def scripted(reply: Reply) -> HttpAnswer:
    """The answer a fault has in mind."""
    return HttpAnswer(
        status=reply.status,
        body=reply.body,
        headers=dict(reply.headers),
        content_type=reply.content_type,
    )
