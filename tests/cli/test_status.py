"""`status`: quick, truthful about what runs, and useful when nothing does."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tradewinds.cli.entry import status_frame
from tradewinds.cli.home import home_of
from tradewinds.config import data_dir
from tradewinds.model.portfolio import TradingState

HEAVY = (
    *("typer", "rich", "pydantic", "sqlalchemy", "alembic", "numpy", "pyarrow", "nicegui"),
    *("fastapi", "ccxt", "asyncio", "tradewinds.config", "tradewinds.store"),
)
PROBE = f"""
import sys
from tradewinds.cli import main
code = main(["status", "--json"])
print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
sys.exit(code)
"""


def leave(home: Path, state: Any) -> None:
    """What the engine writes once a second."""
    (home / "run").mkdir(parents=True, exist_ok=True)
    (home / "run" / "status.json").write_bytes(msgspec.json.encode(state))


def test_nothing_heavy_is_loaded_for_status(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, env=dict(os.environ)
    )
    assert done.returncode == 3
    assert done.stderr.strip() == "[]"
    assert json.loads(done.stdout)["data"]["running"] is False


def test_nothing_heavy_is_loaded_when_an_engine_answers(engine: Any) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, env=dict(os.environ)
    )
    assert done.returncode == 0
    assert done.stderr.strip() == "[]"


def test_a_running_engine_is_shown_with_its_money_and_its_limit(
    cli: Callable[..., Any], engine: Any
) -> None:
    answer = cli("status")
    assert answer.code == 0
    for text in ("1,003.21 USDT", "+3.21", "20.00 loss limit", "4.10 used (20 %)", "ACTIVE"):
        assert text in answer.out
    assert "BTC/USDT@synthetic" in answer.out
    assert answer.err == ""


def test_a_synthetic_market_is_said_first_and_loudly(cli: Callable[..., Any], engine: Any) -> None:
    assert "SYNTHETIC" in cli("status").out.splitlines()[0]


def test_status_fits_eighty_columns(cli: Callable[..., Any], engine: Any) -> None:
    assert max(map(len, cli("status").out.splitlines())) <= 80


def test_json_has_the_snapshot_and_nothing_else(cli: Callable[..., Any], engine: Any) -> None:
    answer = cli("status", "--json").json
    assert list(answer) == ["ok", "verb", "exit_code", "data", "error"]
    assert answer["data"]["running"] is True
    assert answer["data"]["snapshot"]["equity"] == "1003.2149"
    assert answer["data"]["newest_price_age_ms"] == 12.0


def test_a_halt_shows_its_reason(
    cli: Callable[..., Any], engine: Any, make_snapshot: Callable[..., Any]
) -> None:
    engine.snapshot = make_snapshot(
        trading_state=TradingState.HALTED, state_reason="the day's loss limit was hit"
    )
    assert "HALTED: the day's loss limit was hit" in cli("status").out


def test_without_a_price_or_position_status_still_answers(
    cli: Callable[..., Any], engine: Any, make_snapshot: Callable[..., Any]
) -> None:
    engine.snapshot = make_snapshot(prices=(), positions=(), strategies=(), equity=Decimal(0))
    answer = cli("status")
    assert answer.code == 0
    assert "no price yet" in answer.out


def test_an_engine_that_is_down_leaves_its_last_state(
    cli: Callable[..., Any], home: Path, make_snapshot: Callable[..., Any]
) -> None:
    leave(home, make_snapshot(wall_time_ns=time.time_ns() - 65_000_000_000))
    answer = cli("status")
    assert answer.code == 3
    assert "NOT RUNNING" in answer.out
    assert "1 min 5 s" in answer.out
    assert "1,003.21" in answer.out
    assert "trading-cli run" in answer.err


def test_a_half_written_state_file_counts_as_none(cli: Callable[..., Any], home: Path) -> None:
    (home / "run").mkdir(parents=True)
    (home / "run" / "status.json").write_text('{"run_id": "0')
    answer = cli("status", "--json")
    assert answer.code == 3
    assert answer.json["data"]["snapshot"] is None
    assert answer.json["error"]["code"] == "engine_not_running"


def test_a_busy_engine_is_running_by_its_fresh_state_file(
    cli: Callable[..., Any], engine: Any, home: Path, make_snapshot: Callable[..., Any]
) -> None:
    engine.silent = True
    leave(home, make_snapshot(engine_pid=os.getpid()))
    answer = cli("status", "--json")
    assert (answer.code, answer.json["data"]["running"]) == (0, True)


def test_a_silent_engine_without_a_state_file_is_an_error_with_a_fix(
    cli: Callable[..., Any], engine: Any
) -> None:
    engine.silent = True
    answer = cli("status", "--json")
    assert answer.code == 3
    assert "no answer" in answer.json["error"]["message"]


def test_the_home_option_means_another_folder(
    cli: Callable[..., Any], engine: Any, tmp_path: Path
) -> None:
    assert cli("status", "--home", str(tmp_path / "other")).code == 3
    assert cli("--home", str(tmp_path / "home"), "status").code == 0


@pytest.mark.parametrize(
    "words", [["status", "--help"], ["status", "x"], ["run"], [], ["status", "--home"]]
)
def test_only_a_plain_status_takes_the_quick_way(words: list[str]) -> None:
    assert status_frame(words) is None


@pytest.mark.parametrize("environ", [{}, {"TRADEWINDS_HOME": "elsewhere"}, {"TRADEWINDS_HOME": ""}])
def test_the_quick_way_finds_the_same_folder_as_the_settings(environ: dict[str, str]) -> None:
    assert home_of("", environ) == data_dir(environ)
