"""`doctor`, `strategies`, `password`: each fault with its fix, and no fault where there is none."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tradewinds.cli import doctor_machine, venue_probe
from tradewinds.cli.doctor_machine import differences
from tradewinds.dashboard.auth import verify_password


def checks(answer: Any) -> dict[str, Any]:
    return {check["name"]: check for check in answer.json["data"]}


@pytest.fixture(autouse=True)
def free_port(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("TRADEWINDS__DASHBOARD__PORT", str(probe.getsockname()[1]))


def test_a_fresh_folder_has_no_fault(cli: Callable[..., Any]) -> None:
    answer = cli("doctor", "--offline", "--json")
    assert answer.code == 0, answer.out
    assert {check["verdict"] for check in answer.json["data"]} <= {"ok", "note"}


def test_no_venue_in_reach_is_a_note_and_says_what_happens_then(
    cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(venue_probe, "reachable", lambda settings: "")
    answer = cli("doctor", "--json")
    assert answer.code == 0
    assert "synthetic market" in checks(answer)["market data"]["found"]


def test_a_port_in_use_is_a_fault_with_a_fix(
    cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("TRADEWINDS__DASHBOARD__PORT", str(taken.getsockname()[1]))
        answer = cli("doctor", "--offline", "--json")
    assert answer.code == 1
    assert checks(answer)["dashboard port"]["verdict"] == "failed"
    assert "--port" in checks(answer)["dashboard port"]["found"]


def test_broken_settings_are_a_fault_and_the_machine_is_still_checked(
    cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADEWINDS__LIMITS__RESERVE", "-1")
    answer = cli("doctor", "--offline", "--json")
    assert answer.code == 1
    assert "limits.reserve" in checks(answer)["settings"]["found"]
    assert checks(answer)["python"]["verdict"] == "ok"


def test_a_full_disk_is_a_fault(cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_machine, "DISK_LEAST", 10**18)
    assert checks(cli("doctor", "--offline", "--json"))["disk"]["verdict"] == "failed"


def test_a_folder_that_others_may_write_is_a_warning(cli: Callable[..., Any], home: Path) -> None:
    home.mkdir()
    home.chmod(0o777)
    answer = cli("doctor", "--offline", "--json")
    assert answer.code == 0
    assert "chmod" in checks(answer)["data folder"]["fix"]


def test_a_database_that_cannot_be_reached_is_a_fault_without_its_password(
    cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "postgresql://me:hush@127.0.0.1:1/x"
    monkeypatch.setenv("TRADEWINDS__STORE__DATABASE_URL", url)
    answer = cli("doctor", "--offline", "--json")
    assert answer.code == 1
    assert checks(answer)["database"]["verdict"] == "failed"
    assert "hush" not in answer.out


def test_a_redis_that_is_not_there_is_a_fault(
    cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADEWINDS__STORE__REDIS_URL", "redis://127.0.0.1:1/0")
    assert checks(cli("doctor", "--offline", "--json"))["redis"]["verdict"] == "failed"


def test_an_address_open_to_the_network_is_a_warning(
    cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADEWINDS__DASHBOARD__HOST", "0.0.0.0")
    assert checks(cli("doctor", "--offline", "--json"))["dashboard host"]["verdict"] == "warning"


def test_a_running_engine_is_found(cli: Callable[..., Any], engine: Any) -> None:
    answer = cli("doctor", "--offline", "--json")
    assert checks(answer)["engine socket"]["found"] == "the engine answers"


def test_the_text_has_each_fix(cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_machine, "DISK_LEAST", 10**18)
    answer = cli("doctor", "--offline")
    assert "FAILED  disk" in answer.out
    assert "-> free some space" in answer.out
    assert max(map(len, answer.out.splitlines())) <= 80


def test_a_package_unlike_the_lock_is_named() -> None:
    lock = "msgspec==0.0.1 \\\n    --hash=sha256:00\nnosuch-package==1.0\nwinonly==1 ; x == 'y'\n"
    wrong = differences(lock)
    assert any(text.startswith("msgspec ") and "0.0.1" in text for text in wrong)
    assert "nosuch-package is missing" in wrong
    assert len(wrong) == 2


def test_strategies_are_listed_with_what_they_do(cli: Callable[..., Any]) -> None:
    rows = {row["name"]: row for row in cli("strategies", "list", "--json").json["data"]}
    assert {"momentum", "triangular"} <= set(rows)
    assert all(row["about"] and row["enabled"] for row in rows.values())


def test_a_strategy_shows_parameters_with_the_values_in_force(
    cli: Callable[..., Any], home: Path
) -> None:
    home.mkdir()
    (home / "config.toml").write_text("[strategies.triangular.params]\nedge_min_bps = 4.0\n")
    found = cli("strategies", "show", "triangular", "--json").json["data"]
    row = next(row for row in found["parameters"] if row["name"] == "edge_min_bps")
    assert (row["value"], row["default"]) == (4.0, 2.0)
    assert "at least 0" in row["allowed"]
    assert "edge_min_bps" in cli("strategies", "show", "triangular").out


def test_an_unknown_strategy_is_named_with_the_known_ones(cli: Callable[..., Any]) -> None:
    answer = cli("strategies", "show", "nosuch", "--json")
    assert answer.code == 2
    assert "momentum" in answer.json["error"]["message"]


def test_a_new_password_opens_the_dashboard_and_is_kept_as_a_hash(
    cli: Callable[..., Any], home: Path
) -> None:
    password = cli("password", "--json").json["data"]["password"]
    [kept] = home.glob("*password*")
    assert verify_password(kept, password)
    assert password not in kept.read_text()
    assert kept.stat().st_mode & 0o077 == 0
