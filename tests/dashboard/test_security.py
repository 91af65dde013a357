"""Scorecard rows F1 to F3: which names and which pages are answered, and how sockets end."""

import asyncio
import socket
from typing import Any

import pytest
from fastapi import WebSocket
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from tests.dashboard.conftest import HOST, ORIGIN, Desk
from tests.dashboard.routes import api_routes, filled
from tradewinds.dashboard.access import MESSAGES_PER_SECOND_MAX
from tradewinds.dashboard.port import listen

EVIL = "http://evil.example"
PATH = "/_nicegui_ws/echo"
ECHO = f"ws://{HOST}{PATH}"


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:3000", "localhost:3001",
                                  "192.168.1.20:3000", "localhost", "[::]:3000", ""])  # fmt: skip
def test_f1_a_foreign_host_name_is_refused_before_any_route(desk: Desk, host: str) -> None:
    for path in ("/login", "/healthz", "/api/v1/status", "/no-such-path"):
        answer = desk.client().get(path, headers={"host": host})
        assert answer.status_code == 421, path
        assert "password" not in answer.text.lower()


@pytest.mark.parametrize(
    "host", ["localhost:3000", "127.0.0.1:3000", "[::1]:3000", "LocalHost:3000"]
)
def test_f1_our_own_names_are_answered(desk: Desk, host: str) -> None:
    assert desk.client().get("/healthz", headers={"host": host}).status_code == 200


def test_f1_two_host_headers_are_refused(desk: Desk) -> None:
    sent: list[dict[str, Any]] = []
    scope = {
        "type": "http", "method": "GET", "path": "/healthz", "query_string": b"",
        "headers": [(b"host", HOST.encode()), (b"host", b"evil.example")],
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(desk.app(scope, receive, send))
    assert sent[0]["status"] == 400


def test_f1_the_port_is_closed_on_every_other_address() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            pass
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", port), timeout=1)


FOREIGN = {
    "another site": {"origin": EVIL},
    "another port": {"origin": "http://localhost:8080"},
    "an opaque origin": {"origin": "null"},
    "a foreign fetch": {"origin": ORIGIN, "sec-fetch-site": "cross-site"},
    "a neighbour port's fetch": {"origin": ORIGIN, "sec-fetch-site": "same-site"},
}


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN.keys())
def test_f2_a_cross_origin_post_is_refused_and_nothing_happens(
    desk: Desk, browser: TestClient, headers: dict[str, str]
) -> None:
    token = desk.changer(browser)
    answer = browser.post("/api/v1/emergency", json={}, headers=token | headers)
    assert answer.status_code == 403
    assert desk.engine.received == []


def test_f2_a_post_without_any_origin_is_refused(desk: Desk, browser: TestClient) -> None:
    token = desk.changer(browser)
    del browser.headers["origin"]
    assert browser.post("/api/v1/emergency", json={}, headers=token).status_code == 403
    assert desk.engine.received == []


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_f2_a_change_that_is_not_json_is_refused(
    desk: Desk, browser: TestClient, kind: str
) -> None:
    headers = desk.changer(browser) | {"content-type": kind}
    answer = browser.post("/api/v1/emergency", content=b'{"reason": "x"}', headers=headers)
    assert answer.status_code in {415, 422}
    assert desk.engine.received == []


def test_f2_a_change_without_the_token_is_refused(desk: Desk, browser: TestClient) -> None:
    assert browser.post("/api/v1/emergency", json={}).status_code == 403
    wrong = {"x-csrf-token": "guess"}
    assert browser.post("/api/v1/emergency", json={}, headers=wrong).status_code == 403
    assert browser.post("/logout", data={"csrf": "guess"}).status_code == 403
    assert desk.engine.received == []


def test_f2_no_changing_path_answers_to_get(desk: Desk, browser: TestClient) -> None:
    changing = [r for r in api_routes(desk) if "POST" in r.methods and r.path != "/login"]
    assert len(changing) >= 8
    for route in changing:
        assert browser.get(filled(route.path)).status_code == 405, route.path
    assert desk.engine.received == []


def test_f2_a_foreign_page_cannot_even_read(browser: TestClient) -> None:
    answer = browser.get("/api/v1/status", headers={"origin": EVIL})
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    del browser.headers["origin"]
    embedded = {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"}
    assert browser.get("/api/v1/status", headers=embedded).status_code == 403


def test_f2_a_long_or_unmeasured_body_is_refused_unread(browser: TestClient) -> None:
    assert browser.post("/login", content=b"x" * 20_000).status_code == 413
    assert browser.post("/login", content=iter([b"x"])).status_code == 411


@pytest.fixture
def echo(desk: Desk) -> Desk:
    async def endpoint(socket: WebSocket) -> None:
        await socket.accept()
        async for text in socket.iter_text():
            await socket.send_text(text)

    desk.app.add_api_websocket_route(PATH, endpoint)
    return desk


def refused(client: TestClient, headers: dict[str, str]) -> bool:
    try:
        with client.websocket_connect(ECHO, headers=headers):
            return False
    except WebSocketDisconnect as error:
        return error.code == 1008


def test_f3_a_socket_needs_our_origin_and_a_session(echo: Desk) -> None:
    with echo.client() as client:
        assert refused(client, {"host": HOST})
        echo.login(client)
        assert refused(client, {"host": HOST, "origin": EVIL})
        assert refused(client, {"host": HOST, "origin": "http://localhost:8080"})
        assert refused(client, {"host": "evil.example"})
        del client.headers["origin"]
        assert refused(client, {"host": HOST})
        assert not refused(client, {"host": HOST, "origin": ORIGIN})


async def closed_after_revoking(desk: Desk) -> int:
    """The close code that an open, silent socket gets when its session is revoked."""
    secret, session = desk.room.sessions.create()
    opened, ended = asyncio.Event(), asyncio.get_running_loop().create_future()
    coming = asyncio.Queue[dict[str, Any]]()
    coming.put_nowait({"type": "websocket.connect"})

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "websocket.accept":
            opened.set()
        elif message["type"] == "websocket.close":
            ended.set_result(message["code"])
            coming.put_nowait({"type": "websocket.disconnect", "code": message["code"]})

    cookie = f"{desk.settings.cookie_name}={secret}"
    headers = {"host": HOST, "origin": ORIGIN, "cookie": cookie}
    scope = {
        "type": "websocket", "path": PATH, "query_string": b"", "subprotocols": [],
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    serving = asyncio.create_task(desk.app(scope, coming.get, send))
    async with asyncio.timeout(1):
        await opened.wait()
        desk.room.sessions.revoke(session)
        code = await ended
        await serving
    assert session.sockets == 0
    return int(code)


def test_f3_a_revoked_session_loses_its_silent_socket_within_a_second(echo: Desk) -> None:
    assert asyncio.run(closed_after_revoking(echo)) == 1008


def test_f3_logout_revokes_and_no_socket_opens_again(echo: Desk) -> None:
    with echo.client() as client:
        echo.login(client)
        csrf = echo.changer(client)["x-csrf-token"]
        assert not refused(client, {"host": HOST})
        cookie = client.headers.get("cookie") or "; ".join(
            f"{name}={value}" for name, value in client.cookies.items()
        )
        assert client.post("/logout", data={"csrf": csrf}).status_code == 303
        assert refused(client, {"host": HOST, "cookie": cookie})


def test_f3_an_expired_session_loses_its_socket_at_the_next_message(echo: Desk) -> None:
    with echo.client() as client:
        echo.login(client)
        with client.websocket_connect(ECHO, headers={"host": HOST}) as opened:
            echo.clock.turn(echo.settings.timings.absolute_s + 1)
            opened.send_text("ping")
            with pytest.raises(WebSocketDisconnect):
                opened.receive_text()


def test_f3_a_flooding_socket_is_closed(echo: Desk) -> None:
    with echo.client() as client:
        echo.login(client)
        with client.websocket_connect(ECHO, headers={"host": HOST}) as opened:
            for _ in range(MESSAGES_PER_SECOND_MAX + 1):
                opened.send_text("x")
            for _ in range(MESSAGES_PER_SECOND_MAX):
                assert opened.receive_text() == "x"
            with pytest.raises(WebSocketDisconnect):
                opened.receive_text()


def test_f3_long_polling_is_refused(browser: TestClient) -> None:
    assert browser.get("/_nicegui_ws/socket.io/?transport=polling").status_code == 403
