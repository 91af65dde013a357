"""`config`: every key is explained, and every mistake is named."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tradewinds.cli.settings_guide import MEANINGS, general, settings_table, without_secrets
from tradewinds.config import Settings, load

PAGE = (Path(__file__).parents[2] / "docs" / "CONFIGURATION.md").read_text("utf-8")
TABLE = settings_table(Settings(), {})


def test_every_setting_has_a_meaning_and_no_meaning_is_left_over() -> None:
    assert {general(row.key) for row in TABLE} == set(MEANINGS)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.key)
def test_the_page_has_default_range_and_meaning_of_every_key(row: Any) -> None:
    section, _, name = general(row.key).rpartition(".")
    text = PAGE[PAGE.index(f"## `[{section}]`") :]
    cells = (f"`{name}`", f"`{row.default}`", row.allowed, row.meaning)
    assert "| " + " | ".join(cells) + " |" in text


def test_init_writes_a_file_that_changes_nothing(cli: Callable[..., Any], home: Path) -> None:
    assert cli("config", "init").code == 0
    assert load(home / "config.toml", {}) == Settings()
    assert cli("config", "show", "--changed", "--json").json["data"] == []


def test_the_written_defaults_are_valid_when_uncommented(
    cli: Callable[..., Any], home: Path
) -> None:
    cli("config", "init")
    lines = (home / "config.toml").read_text("utf-8").splitlines()
    live = [line.removeprefix("#") if line.startswith("#") and line[1:2] != " " else line
            for line in lines]  # fmt: skip
    assert len(tomllib.loads("\n".join(live))["limits"]) == 19
    (home / "config.toml").write_text("\n".join(live))
    assert load(home / "config.toml", {}) == Settings()


def test_init_never_overwrites(cli: Callable[..., Any], home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text("[dashboard]\nport = 3333\n")
    answer = cli("config", "init", "--json")
    assert answer.code == 1
    assert "stays as it is" in answer.json["error"]["message"]
    assert "3333" in (home / "config.toml").read_text()


def test_check_names_every_wrong_key_and_value_with_what_is_allowed(
    cli: Callable[..., Any], home: Path
) -> None:
    home.mkdir()
    (home / "config.toml").write_text(
        "[limits]\nloss_per_day_max = 99999\nloss_per_trad_max = 3\n[dashboard]\nport = 'x'\n"
    )
    answer = cli("config", "check", "--json")
    problems = answer.json["data"]["problems"]
    assert answer.code == 2
    assert len(problems) == 3
    for key, told in (
        ("limits.loss_per_day_max", "2000"),
        ("limits.loss_per_trad_max", "loss_per_trade_max"),
        ("dashboard.port", "65535"),
    ):
        assert any(key in problem and told in problem for problem in problems)


def test_check_knows_the_parameters_of_strategies(cli: Callable[..., Any], home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text(
        "[strategies.triangular.params]\nedge_min_bp = 1\n[strategies.nosuch]\n"
    )
    answer = cli("config", "check")
    assert answer.code == 2
    assert "edge_min_bps" in answer.out
    assert "nosuch" in answer.out


def test_check_reports_a_contradiction(
    cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADEWINDS__LIMITS__LOSS_PER_TRADE_MAX", "30")
    assert "loss_per_trade_max" in cli("config", "check").out


def test_show_tells_what_set_a_value(
    cli: Callable[..., Any], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir()
    (home / "config.toml").write_text("[limits]\nreserve = 150\n[sim]\nlatency_ms = 80\n")
    monkeypatch.setenv("TRADEWINDS__SIM__LATENCY_MS", "90")
    rows = {row["key"]: row for row in cli("config", "show", "--changed", "--json").json["data"]}
    assert set(rows) == {"limits.reserve", "sim.latency_ms"}
    assert rows["limits.reserve"]["source"] == str(home / "config.toml")
    assert (rows["limits.reserve"]["value"], rows["limits.reserve"]["default"]) == ("150", "200")
    assert rows["sim.latency_ms"]["source"] == "TRADEWINDS__SIM__LATENCY_MS"
    assert "*" in cli("config", "show").out


def test_show_never_shows_a_password(
    cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "postgresql://me:hush@db/x?sslpassword=hush2"
    monkeypatch.setenv("TRADEWINDS__STORE__DATABASE_URL", url)
    for answer in (cli("config", "show"), cli("config", "show", "--json")):
        assert "hush" not in answer.out
    assert without_secrets(url) == "postgresql://me:***@db/x?sslpassword=***"


def test_path_names_the_file_that_is_read(cli: Callable[..., Any], home: Path) -> None:
    assert cli("config", "path").out.strip() == str(home / "config.toml")
    answer = json.loads(cli("config", "path", "--json").out)
    assert answer["data"]["exists"] is False


def test_a_named_file_that_is_missing_is_an_error(cli: Callable[..., Any]) -> None:
    answer = cli("config", "check", "--config", "nowhere.toml", "--json")
    assert answer.code == 2
    assert "nowhere.toml" in answer.json["data"]["problems"][0]
