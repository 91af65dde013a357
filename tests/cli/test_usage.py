"""Arguments, help and the shape of every answer."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from tradewinds import __version__
from tradewinds.cli.app import build
from tradewinds.cli.exits import MEANINGS, Exit, code_of, fix_of
from tradewinds.model import errors

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs" / "CLI.md").read_text("utf-8")
HIDDEN = {"engine", "dashboard"}


def verbs() -> dict[str, Any]:
    """Every verb by its full name, groups opened."""
    found: dict[str, Any] = {}
    for name, command in typer.main.get_command(build()).commands.items():
        inner = getattr(command, "commands", None)
        if inner is None:
            found[name] = command
        else:
            found |= {f"{name} {sub}": one for sub, one in inner.items()}
    return found


@pytest.mark.parametrize("verb", sorted(set(verbs()) - HIDDEN))
def test_every_verb_is_on_the_page(verb: str) -> None:
    assert f"`{verb}`" in PAGE or f"`{verb} " in PAGE


@pytest.mark.parametrize("verb", sorted(verbs()))
def test_every_verb_explains_itself(cli: Callable[..., Any], verb: str) -> None:
    answer = cli(*verb.split(), "--help")
    assert answer.code == 0
    assert "Usage" in answer.out


@pytest.mark.parametrize("verb", sorted(verbs()))
def test_every_verb_takes_a_folder_and_says_its_error_in_json(verb: str) -> None:
    names = {name for option in verbs()[verb].params for name in option.opts}
    assert {"--home", "--debug"} <= names
    assert ("--json" in names) == (verb not in {"run", "venue", *HIDDEN})


def test_the_page_has_the_exit_codes_of_the_code() -> None:
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| (.+) \|$", PAGE, flags=re.MULTILINE)
    assert rows == [(str(code.value), code.name.lower(), text) for code, text in MEANINGS]
    assert {code for code, _ in MEANINGS} == set(Exit)


def test_every_error_of_the_product_has_a_code_and_most_a_fix() -> None:
    kinds = {
        errors.ConfigError: Exit.USAGE,
        errors.DataError: Exit.DATA_ERROR,
        errors.StoreUnavailable: Exit.STORE_UNAVAILABLE,
        errors.JournalCorrupt: Exit.AUDIT_FAILED,
        errors.AccountInUse: Exit.IN_USE,
        errors.InvariantBroken: Exit.BUG,
        errors.VenueUnavailable: Exit.FAILURE,
    }
    assert {kind: code_of(kind("x")) for kind in kinds} == kinds
    assert fix_of(errors.AccountInUse("x"))


def test_the_version_is_told(cli: Callable[..., Any]) -> None:
    assert cli("--version").out == f"trading-cli {__version__}\n"


def test_an_unknown_verb_suggests_the_near_one(cli: Callable[..., Any]) -> None:
    answer = cli("statsu")
    assert answer.code == 2
    assert "'status'" in answer.err
    assert answer.out == ""


@pytest.mark.parametrize(
    ("words", "verb"),
    [
        (["nosuch"], ""),
        (["report", "--nosuch"], "report"),
        (["config", "sho"], "config"),
        (["data", "import"], "data import"),
        (["emergency", "--timeout", "never"], "emergency"),
        (["report", "--day", "someday"], "report"),
    ],
    ids=str,
)
def test_wrong_usage_is_one_json_object_too(
    cli: Callable[..., Any], words: list[str], verb: str
) -> None:
    answer = cli(*words, "--json")
    assert answer.code == 2
    assert answer.json["error"]["code"] == "usage"
    assert answer.json["verb"] == verb
    assert answer.json["error"]["fix"]


def test_no_verb_shows_the_verbs(cli: Callable[..., Any]) -> None:
    answer = cli()
    assert "emergency" in answer.out + answer.err


def test_debug_shows_where_an_error_came_from(cli: Callable[..., Any]) -> None:
    assert "Traceback" not in cli("pause").err
    assert "Traceback" in cli("pause", "--debug").err


@pytest.mark.parametrize("value", ["0", "-1", "nan", "fast", "inf-"])
def test_a_speed_that_is_none_is_refused(cli: Callable[..., Any], value: str) -> None:
    answer = cli("run", "--speed", value)
    assert answer.code == 2
    assert "--speed" in answer.err


def test_a_replay_of_nothing_is_a_data_error(cli: Callable[..., Any]) -> None:
    answer = cli("run", "--replay", "nowhere.parquet")
    assert answer.code == 6
    assert "nowhere.parquet" in answer.err


def test_replay_and_synthetic_exclude_each_other(cli: Callable[..., Any], tmp_path: Path) -> None:
    assert cli("run", "--replay", str(tmp_path), "--seed", "1").code == 2


def test_a_nonsense_timeframe_is_refused(cli: Callable[..., Any]) -> None:
    assert cli("run", "--timeframe", "soon").code == 2


def test_a_port_in_use_is_named_with_its_way_out(cli: Callable[..., Any]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = cli("run", "--synthetic", "--port", str(port))
    assert answer.code == 7
    assert str(port) in answer.err
    assert "--port" in answer.err


def test_a_second_engine_in_a_folder_is_refused(cli: Callable[..., Any], engine: Any) -> None:
    answer = cli("run", "--synthetic", "--no-dashboard")
    assert answer.code == 7
    assert "already running" in answer.err


def test_broken_settings_stop_the_start_and_name_the_key(
    cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADEWINDS__LIMITS__LOSS_PER_DAY_MAX", "5000")
    answer = cli("run", "--no-dashboard")
    assert answer.code == 2
    assert "limits.loss_per_day_max" in answer.err
    assert "2000" in answer.err


def test_a_folder_that_cannot_be_made_is_no_traceback(
    cli: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    answer = cli("config", "init", "--home", str(tmp_path / "file" / "home"), "--json")
    assert answer.code == 1
    assert "file" in answer.json["error"]["message"]


def test_a_reader_that_hangs_up_is_no_error() -> None:
    command = '"$0" -m tradewinds.cli config show | head -1; exit ${PIPESTATUS[0]}'
    words = ["bash", "-c", command, sys.executable]
    done = subprocess.run(words, capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    assert done.returncode == 0


def test_the_command_runs_as_a_module_and_as_a_script(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tradewinds.cli", "config", "path", "--json"],
        capture_output=True,
        text=True,
        env=dict(os.environ),
    )
    assert json.loads(done.stdout)["data"]["home"] == str(home)


def test_ctrl_c_ends_a_run_without_a_traceback(home: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tradewinds.cli", "run", "--synthetic", "--no-dashboard"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(3)]
    process.send_signal(2)
    _, complaints = process.communicate(timeout=60)
    assert "made up" in lines[-1]
    assert "Traceback" not in complaints
    assert process.returncode == 0
