"""`emergency`, `pause`, `resume`: what is sent, and what is claimed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tradewinds.model.snapshot import (
    EmergencyRequest,
    OperatorReply,
    OperatorRequest,
    SwitchRequest,
)


def test_emergency_succeeds_only_when_flat_is_verified(
    cli: Callable[..., Any], engine: Any
) -> None:
    answer = cli("emergency", "--reason", "fire", "--yes")
    assert answer.code == 0
    assert "FLAT, verified in 41.5 ms" in answer.out
    verb, payload = engine.asked[-1]
    assert verb == "emergency"
    assert msgspec.msgpack.decode(payload, type=EmergencyRequest).reason == "fire"


def test_emergency_that_left_something_open_is_exit_code_4(
    cli: Callable[..., Any], engine: Any
) -> None:
    engine.reply = OperatorReply(
        command_id="", done=False, detail="1 position in ETH/USDT", elapsed_ms=5000.0
    )
    answer = cli("emergency", "--json")
    assert answer.code == 4
    assert answer.json["error"]["code"] == "not_flat"
    assert "ETH/USDT" in answer.json["error"]["message"]
    assert answer.json["data"]["elapsed_ms"] == 5000.0


def test_a_silent_engine_is_never_called_flat(cli: Callable[..., Any], engine: Any) -> None:
    engine.silent = True
    answer = cli("emergency", "--timeout", "0.2", "--json")
    assert answer.code == 4
    assert "NOT verified" in answer.json["error"]["message"]


def test_emergency_without_an_engine_says_what_that_means(cli: Callable[..., Any]) -> None:
    answer = cli("emergency")
    assert answer.code == 3
    assert "nothing is traded" in answer.err
    assert "trading-cli run" in answer.err


def test_emergency_without_the_live_engine_sends_one_to_the_venue(
    cli: Callable[..., Any], home: Path, make_snapshot: Callable[..., Any]
) -> None:
    (home / "run").mkdir(parents=True)
    live = make_snapshot(mode="live", synthetic=False)
    (home / "run" / "status.json").write_bytes(msgspec.json.encode(live))
    answer = cli("emergency", "--json")
    assert answer.code == 3
    assert "venue" in answer.json["error"]["message"]
    assert "venue's own app" in answer.json["error"]["fix"]


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_pause_and_resume_carry_the_reason(cli: Callable[..., Any], engine: Any, verb: str) -> None:
    answer = cli(verb, "--reason", "lunch", "--json")
    assert answer.code == 0
    sent, payload = engine.asked[-1]
    assert sent == verb
    assert msgspec.msgpack.decode(payload, type=OperatorRequest).reason == "lunch"


def test_a_refused_resume_is_a_failure(cli: Callable[..., Any], engine: Any) -> None:
    engine.reply = OperatorReply(
        command_id="", done=False, detail="the day's limit still holds", elapsed_ms=1.0
    )
    answer = cli("resume")
    assert answer.code == 1
    assert "the day's limit still holds" in answer.err


def test_a_strategy_is_switched_by_name(cli: Callable[..., Any], engine: Any) -> None:
    assert cli("strategies", "disable", "momentum").code == 0
    verb, payload = engine.asked[-1]
    request = msgspec.msgpack.decode(payload, type=SwitchRequest)
    assert (verb, request.strategy_id, request.enabled) == ("strategy", "momentum", False)


@pytest.mark.parametrize(
    "words", [["pause"], ["resume"], ["strategies", "enable", "momentum"]], ids=" ".join
)
def test_without_an_engine_the_exit_code_is_3(cli: Callable[..., Any], words: list[str]) -> None:
    assert cli(*words, "--json").json["error"]["code"] == "engine_not_running"
