"""The REST API as a script of the operator sees it."""

import time

import pytest
from starlette.testclient import TestClient

from tests.dashboard.conftest import Desk


def wait_for_lines(browser: TestClient, count: int) -> dict[str, object]:
    for _ in range(200):
        answer = browser.get("/api/v1/activity").json()
        if answer["last"] >= count:
            return dict(answer)
        time.sleep(0.01)
    raise AssertionError("the bus has gone quiet")


def test_status_shows_the_snapshot_with_exact_money(browser: TestClient) -> None:
    answer = browser.get("/api/v1/status").json()
    assert answer["connected"]
    assert answer["snapshot"]["limits"]["loss_per_day_max"] == "20"
    assert answer["snapshot"]["mode"] == "paper"


def test_status_before_the_first_snapshot_is_unavailable(desk: Desk) -> None:
    desk.bus.gone = True
    with desk.client() as client:
        desk.login(client)
        assert client.get("/api/v1/status").status_code == 503
        assert client.get("/api/v1/positions").status_code == 503


def test_positions_and_strategies_are_listed(browser: TestClient) -> None:
    assert len(browser.get("/api/v1/positions").json()["positions"]) == 3
    rows = browser.get("/api/v1/strategies").json()["strategies"]
    assert [row["strategy_id"] for row in rows] == ["momentum", "triangular"]


def test_trades_come_in_pages(browser: TestClient) -> None:
    first = browser.get("/api/v1/trades?limit=5").json()["trades"]
    second = browser.get("/api/v1/trades?limit=5&offset=5").json()["trades"]
    assert len(first) == len(second) == 5
    assert first[0]["closed_time_ns"] > second[0]["closed_time_ns"]


@pytest.mark.parametrize(
    "query", ["trades?limit=0", "trades?limit=501", "trades?offset=-1", "equity?points=1",
              "activity?after=-1", "activity?after=x", "activity?limit=2001"],
)  # fmt: skip
def test_a_number_out_of_range_is_refused(browser: TestClient, query: str) -> None:
    assert browser.get(f"/api/v1/{query}").status_code == 422


def test_equity_is_pairs_of_time_and_money(browser: TestClient) -> None:
    points = browser.get("/api/v1/equity?points=10").json()["equity"]
    assert len(points) == 10
    assert points[0][0] < points[-1][0]


def test_activity_gives_each_line_once(browser: TestClient) -> None:
    answer = wait_for_lines(browser, 3)
    last = answer["last"]
    numbers = [line["sequence"] for line in answer["lines"]]  # type: ignore[union-attr, index]
    assert numbers == list(range(1, int(str(last)) + 1))
    later = browser.get(f"/api/v1/activity?after={last}").json()
    assert all(line["sequence"] > int(str(last)) for line in later["lines"])


def test_a_history_that_cannot_be_read_is_unavailable(desk: Desk, browser: TestClient) -> None:
    desk.history.broken = True
    answer = browser.get("/api/v1/trades")
    assert answer.status_code == 503
    assert "locked" in answer.json()["detail"]


def test_the_emergency_stop_is_sent_once_and_tells_the_outcome(
    desk: Desk, browser: TestClient
) -> None:
    answer = browser.post(
        "/api/v1/emergency", json={"reason": "test"}, headers=desk.changer(browser)
    )
    assert answer.status_code == 200
    assert answer.json()["elapsed_ms"] == 84.0
    assert [verb for verb, _ in desk.engine.received] == ["emergency"]


def test_a_stop_that_is_not_verified_is_no_success(desk: Desk, browser: TestClient) -> None:
    desk.engine.emergency_works = False
    answer = browser.post("/api/v1/emergency", json={}, headers=desk.changer(browser))
    assert answer.status_code == 503
    assert not answer.json()["done"]


def test_a_silent_engine_is_said_to_be_silent(desk: Desk, browser: TestClient) -> None:
    desk.bus.gone = True
    answer = browser.post("/api/v1/emergency", json={}, headers=desk.changer(browser))
    assert answer.status_code == 503
    assert "no answer from the engine" in answer.json()["detail"]


def test_pause_needs_no_fresh_password_but_resume_does(desk: Desk, browser: TestClient) -> None:
    token = desk.changer(browser)
    desk.clock.turn(desk.settings.timings.trading_idle_s + 1)
    assert browser.post("/api/v1/pause", json={}, headers=token).status_code == 200
    assert browser.post("/api/v1/resume", json={}, headers=token).status_code == 403
    wrong = browser.post("/api/v1/confirm", json={"password": "wrong"}, headers=token)
    assert wrong.status_code == 401
    right = browser.post("/api/v1/confirm", json={"password": desk.password}, headers=token)
    assert right.status_code == 200
    assert browser.post("/api/v1/resume", json={}, headers=token).status_code == 200
    assert [verb for verb, _ in desk.engine.received] == ["pause", "resume"]


def test_switching_on_raises_risk_and_switching_off_does_not(
    desk: Desk, browser: TestClient
) -> None:
    token = desk.changer(browser)
    desk.clock.turn(desk.settings.timings.trading_idle_s + 1)
    path = "/api/v1/strategies/momentum"
    assert browser.post(path, json={"enabled": False}, headers=token).status_code == 200
    assert browser.post(path, json={"enabled": True}, headers=token).status_code == 403
    assert desk.engine.enabled["momentum"] is False


def test_an_unknown_strategy_is_not_sent(desk: Desk, browser: TestClient) -> None:
    token = desk.changer(browser)
    answer = browser.post("/api/v1/strategies/no", json={"enabled": False}, headers=token)
    assert answer.status_code == 404
    assert desk.engine.received == []


@pytest.mark.parametrize(
    "body", [{"enabled": "yes"}, {"enabled": 1}, {}, {"enabled": True, "size": 9}, [], "x"]
)
def test_a_body_that_is_not_exact_is_refused(desk: Desk, browser: TestClient, body: object) -> None:
    answer = browser.post("/api/v1/strategies/momentum", json=body, headers=desk.changer(browser))
    assert answer.status_code == 422
    assert desk.engine.received == []
