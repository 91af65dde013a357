"""Scorecard rows F4 to F6: guessing, sessions, and no way in without one; and the headers."""

import pytest
from starlette.testclient import TestClient

from tests.dashboard.conftest import Desk
from tests.dashboard.routes import api_routes, filled
from tradewinds.dashboard.access import PUBLIC_PATHS
from tradewinds.dashboard.auth import reset_password


def test_f4_a_thousand_guesses_are_throttled_and_the_stop_still_works(
    desk: Desk, browser: TestClient
) -> None:
    token = desk.changer(browser)
    guesser = desk.client()
    answers = [desk.login(guesser, f"wrong password {n}") for n in range(1000)]
    assert answers.count(401) <= 6
    assert answers.count(429) >= 994
    assert desk.login(guesser) == 429
    assert browser.post("/api/v1/emergency", json={}, headers=token).json()["done"]


def test_f4_the_wait_grows_is_bounded_and_ends(desk: Desk) -> None:
    guesser = desk.client()
    for _ in range(12):
        desk.login(guesser, "wrong password")
        desk.clock.turn(61)
    assert desk.login(guesser) == 303


def test_f4_the_console_gives_a_new_password_at_any_time(desk: Desk) -> None:
    guesser = desk.client()
    for _ in range(10):
        desk.login(guesser, "wrong password")
    fresh = reset_password(desk.settings.password_path)
    assert desk.login(guesser, fresh) == 429
    desk.clock.turn(61)
    assert desk.login(guesser, fresh) == 303
    assert desk.login(desk.client(), desk.password) == 401


def test_f5_a_planted_cookie_is_not_taken_over_at_login(desk: Desk) -> None:
    client = desk.client()
    name = desk.settings.cookie_name
    client.cookies.set(name, "planted-by-somebody")
    assert client.get("/api/v1/session").status_code == 401
    answer = client.post("/login", data={"password": desk.password})
    assert name in answer.headers["set-cookie"]
    assert "planted" not in answer.headers["set-cookie"]
    planted = desk.client()
    planted.cookies.set(name, "planted-by-somebody")
    assert planted.get("/api/v1/session").status_code == 401


def test_f5_a_login_replaces_the_session_it_came_with(desk: Desk, browser: TestClient) -> None:
    old = desk.client()
    old.cookies.update(browser.cookies)
    desk.login(browser)
    assert browser.get("/api/v1/session").status_code == 200
    assert old.get("/api/v1/session").status_code == 401


def test_f5_the_cookie_is_out_of_reach(desk: Desk) -> None:
    cookie = desk.client().post("/login", data={"password": desk.password}).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    secret = cookie.split("=", 1)[1].split(";")[0]
    assert len(secret) >= 43  # 256 bits in base64


def test_f5_a_replayed_cookie_after_logout_is_refused(desk: Desk, browser: TestClient) -> None:
    thief = desk.client()
    thief.cookies.update(browser.cookies)
    assert thief.get("/api/v1/session").status_code == 200
    browser.post("/logout", data={"csrf": desk.changer(browser)["x-csrf-token"]})
    assert thief.get("/api/v1/session").status_code == 401


@pytest.mark.parametrize("field", ["idle_s", "absolute_s"])
def test_f5_an_expired_session_is_refused(desk: Desk, browser: TestClient, field: str) -> None:
    desk.clock.turn(getattr(desk.settings.timings, field) + 1)
    assert browser.get("/api/v1/session").status_code == 401
    assert browser.get("/").headers["location"].startswith("/login")


def test_f5_use_does_not_extend_a_session_beyond_its_absolute_end(
    desk: Desk, browser: TestClient
) -> None:
    steps = int(desk.settings.timings.absolute_s // 600)
    for _ in range(steps):
        desk.clock.turn(600)
        assert browser.get("/api/v1/session").status_code == 200
    desk.clock.turn(600)
    assert browser.get("/api/v1/session").status_code == 401


def test_f5_a_changed_password_ends_the_other_sessions(desk: Desk, browser: TestClient) -> None:
    other = desk.client()
    desk.login(other)
    csrf = desk.changer(browser)["x-csrf-token"]
    form = {"csrf": csrf, "old": desk.password, "new": "a much longer one 7"}
    assert browser.post("/password", data=form).status_code == 303
    assert other.get("/api/v1/session").status_code == 401
    assert browser.get("/api/v1/session").status_code == 200
    assert desk.login(desk.client(), "a much longer one 7") == 303


@pytest.mark.parametrize("cookie", [None, "wrong", "\u00e4\u0000;"[:1]])
def test_f6_every_route_refuses_without_a_session(desk: Desk, cookie: str | None) -> None:
    client = desk.client()
    routes = api_routes(desk)
    paths = {route.path for route in routes}
    assert {"/api/v1/status", "/api/v1/emergency", "/api/v1/strategies/{strategy_id}"} <= paths
    headers = {"cookie": f"{desk.settings.cookie_name}={cookie}".encode()} if cookie else {}
    tried = 0
    for route in routes:
        if route.path in PUBLIC_PATHS:
            continue
        for method in route.methods:
            answer = client.request(method, filled(route.path), headers=headers, json={})
            assert answer.status_code in {401, 403}, (method, route.path)
            tried += 1
    assert tried >= 15
    assert desk.engine.received == []


def test_f6_the_rest_is_closed_too(stranger: TestClient) -> None:
    for path in ("/api/v1/openapi.json", "/static/app.css", "/_nicegui/x", "/api/v1/none"):
        assert stranger.get(path).status_code == 401, path
    for path in ("/", "/live", "/analytics", "/controls", "/anything"):
        answer = stranger.get(path)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/login?next=")


def test_f6_what_is_public_is_named_and_holds_no_secret(stranger: TestClient) -> None:
    assert sorted(PUBLIC_PATHS) == ["/healthz", "/login", "/static/icon.svg", "/static/login.css"]
    assert stranger.get("/healthz").json() == {"status": "ok"}
    for path in PUBLIC_PATHS:
        assert stranger.get(path).status_code == 200


def test_the_login_page_sends_nobody_to_another_site(desk: Desk, stranger: TestClient) -> None:
    form = {"password": desk.password, "next": "//evil.example/"}
    assert stranger.post("/login", data=form).headers["location"] == "/"
    assert "evil" not in stranger.get("/login?next=//evil.example").text


@pytest.mark.parametrize("path", ["/login", "/healthz", "/api/v1/status", "/nothing"])
def test_every_answer_carries_the_headers(stranger: TestClient, path: str) -> None:
    headers = stranger.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "script-src 'self' 'nonce-" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "same-origin"


def test_no_nonce_is_used_twice(stranger: TestClient) -> None:
    policies = {stranger.get("/login").headers["content-security-policy"] for _ in range(5)}
    assert len(policies) == 5
