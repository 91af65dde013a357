"""The password file, and how long a login lasts."""

import stat
from pathlib import Path

import pytest

from tests.dashboard.conftest import Hand
from tradewinds.dashboard.auth import (
    change_password,
    ensure_password,
    reset_password,
    verify_password,
    weakness,
)
from tradewinds.dashboard.sessions import SESSIONS_MAX, Sessions
from tradewinds.dashboard.settings import SessionTimings
from tradewinds.dashboard.throttle import DELAY_MAX_S, LoginThrottle
from tradewinds.model.errors import ConfigError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "password.json"


def test_the_first_run_makes_a_password_and_later_ones_do_not(path: Path) -> None:
    password = ensure_password(path)
    assert password is not None
    assert weakness(password) is None
    assert ensure_password(path) is None
    assert verify_password(path, password)


def test_only_the_hash_is_kept_and_only_for_the_owner(path: Path) -> None:
    password = reset_password(path)
    assert password not in path.read_text()
    assert "$argon2id$" in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_two_passwords_are_never_the_same(path: Path) -> None:
    assert len({reset_password(path) for _ in range(3)}) == 3


@pytest.mark.parametrize("wrong", ["", "x", "X" * 300, "p\u00e4ssword p\u00e4ssword", "\x00" * 12])
def test_a_wrong_password_is_wrong(path: Path, wrong: str) -> None:
    reset_password(path)
    assert not verify_password(path, wrong)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"argon2id": 5}', '{"argon2id": "plain"}', "\x00"]
)
def test_a_damaged_file_says_how_to_get_out(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    for question in (lambda: ensure_password(path), lambda: verify_password(path, "x" * 12)):
        with pytest.raises(ConfigError, match=r"delete .* start again"):
            question()


def test_a_password_is_changed_only_with_the_old_one(path: Path) -> None:
    old = reset_password(path)
    assert change_password(path, "not the old one", "a new long password") is not None
    assert change_password(path, old, "short") == "too short: at least 12 characters"
    assert change_password(path, old, "ababababababab") is not None
    assert change_password(path, old, old) is not None
    assert verify_password(path, old)
    assert change_password(path, old, "a new long password") is None
    assert verify_password(path, "a new long password")
    assert not verify_password(path, old)


def test_trading_rights_lapse_unless_used() -> None:
    clock = Hand()
    sessions = Sessions(SessionTimings(), clock)
    _, session = sessions.create()
    for _ in range(5):
        clock.turn(299)
        assert sessions.may_trade(session)
    clock.turn(301)
    assert not sessions.may_trade(session)
    sessions.grant_trading(session)
    assert sessions.may_trade(session)


def test_an_open_page_keeps_a_session_but_not_for_ever() -> None:
    clock = Hand()
    sessions = Sessions(SessionTimings(), clock)
    _, session = sessions.create()
    session.sockets = 1
    clock.turn(3 * 3600)
    assert sessions.valid(session)
    sessions.leave(session)
    clock.turn(1801)
    assert not sessions.valid(session)
    assert session.revoked.is_set()


def test_the_number_of_sessions_is_bounded_and_the_oldest_goes() -> None:
    clock = Hand()
    sessions = Sessions(SessionTimings(), clock)
    first, _ = sessions.create()
    for _ in range(SESSIONS_MAX):
        clock.turn(1)
        last, _ = sessions.create()
    assert sessions.find(first) is None
    assert sessions.find(last) is not None


def test_the_throttle_counts_sources_and_the_account() -> None:
    clock = Hand()
    throttle = LoginThrottle(clock)
    for number in range(5):
        assert throttle.wait_s(f"source {number}") == 0
        throttle.failed(f"source {number}")
    assert throttle.wait_s("a new source") > 0
    clock.turn(DELAY_MAX_S)
    throttle.succeeded("source 1")
    assert throttle.wait_s("source 1") == 0


def test_the_throttle_doubles_up_to_a_minute() -> None:
    clock = Hand()
    throttle = LoginThrottle(clock)
    waits = []
    for _ in range(14):
        throttle.failed("here")
        waits.append(throttle.wait_s("here"))
        clock.turn(waits[-1])
    assert waits[:8] == [0, 0, 0, 0, 1, 2, 4, 8]
    assert waits[-1] == DELAY_MAX_S
