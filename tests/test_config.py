"""Settings: each wrong key and value is named with its range; nothing wrong ever starts."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tradewinds import parts
from tradewinds.config import LimitSettings, Settings, load
from tradewinds.model.errors import ConfigError
from tradewinds.risk.limits import RANGES

LIMITS = sorted(LimitSettings.model_fields)
WRONG = (
    "-10",
    "1e9",
    '"abc"',
    "nan",
    "inf",
    "-inf",
    '"NaN"',
    '"Infinity"',
    "[]",
    '""',
    "{ a = 1 }",
)


def loaded(tmp_path: Path, text: str = "", **environ: str) -> Settings:
    path = tmp_path / "config.toml"
    path.write_text(text, "utf-8")
    return load(path, {"TRADEWINDS_HOME": str(tmp_path), **environ})


def complaint(tmp_path: Path, text: str = "", **environ: str) -> str:
    with pytest.raises(ConfigError) as raised:
        loaded(tmp_path, text, **environ)
    return str(raised.value)


def test_without_a_file_the_law_is_ten_twenty_and_two_hundred(tmp_path: Path) -> None:
    limits = load(None, {"TRADEWINDS_HOME": str(tmp_path)}).limits
    assert (limits.loss_per_trade_max, limits.loss_per_day_max, limits.reserve) == (10, 20, 200)


@pytest.mark.parametrize("key", LIMITS)
@pytest.mark.parametrize("value", WRONG)
def test_d7_a_wrong_limit_is_named_with_its_range(tmp_path: Path, key: str, value: str) -> None:
    told = complaint(tmp_path, f"[limits]\n{key} = {value}\n")
    assert f"limits.{key} = " in told
    high = RANGES[key][1]
    assert f"up to {high}" in told or f"below {high}" in told


@pytest.mark.parametrize("key", LIMITS)
def test_no_limit_passes_its_hard_maximum_by_a_hair(tmp_path: Path, key: str) -> None:
    above = Decimal(RANGES[key][1]) * Decimal("1.001")
    assert f"limits.{key}" in complaint(tmp_path, f"[limits]\n{key} = {above}\n")


@pytest.mark.parametrize("key", LIMITS)
def test_the_environment_overrides_and_is_judged_alike(tmp_path: Path, key: str) -> None:
    name = f"TRADEWINDS__LIMITS__{key.upper()}"
    assert f"limits.{key} = " in complaint(tmp_path, **{name: "-1"})
    assert f"limits.{key} = " in complaint(tmp_path, **{name: "abc"})
    value = {"drawdown_scale": "0.011", "drawdown_reduce": "0.031"}.get(key, RANGES[key][0])
    if key == "drawdown_halt":
        value = "0.99"
    if key in ("exposure_total_max", "loss_per_day_max"):
        value = RANGES[key][1]
    settings = loaded(tmp_path, f"[limits]\n{key} = 7\n", **{name: value})
    assert Decimal(str(getattr(settings.limits, key))) == Decimal(value)


def test_several_mistakes_are_told_at_once(tmp_path: Path) -> None:
    told = complaint(
        tmp_path,
        "[limits]\nreserve = -1\nlos_per_day = 3\n[dashboard]\nport = 0\n[acount]\nname = 'x'\n",
    )
    for part in ("4 problem", "limits.reserve", "limits.los_per_day", "dashboard.port", "acount"):
        assert part in told
    assert "loss_per_day_max" in told, "the known keys are listed for the unknown one"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[limits]\nloss_per_trade_max = 30\n", "loss_per_trade_max"),
        ("[limits]\ndrawdown_scale = 0.05\n", "drawdown_scale"),
        ("[limits]\ndrawdown_halt = 0.03\n", "drawdown_reduce"),
        ("[limits]\nreserve = 1000\n", "starting_balance"),
        ("[account]\nstarting_balance = 150\n", "limits.reserve"),
        ("[limits]\nexposure_per_instrument_max = 0.9\n", "exposure_total_max"),
    ],
)
def test_settings_that_contradict_each_other(tmp_path: Path, text: str, named: str) -> None:
    assert named in complaint(tmp_path, text)


@pytest.mark.parametrize("name", ["account", "venue"])
def test_a_strategy_may_not_take_the_name_of_an_owner_in_the_ledger(
    tmp_path: Path, name: str
) -> None:
    assert f"strategies.{name}" in complaint(tmp_path, f"[strategies.{name}]\nenabled = true\n")


@pytest.mark.parametrize(
    "text", ["limits = 3\n", "[limits\n", "[limits]\nreserve = 1\nreserve = 2\n", "\ufeff\x00"]
)
def test_a_file_that_is_no_settings_file(tmp_path: Path, text: str) -> None:
    assert complaint(tmp_path, text)


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load(tmp_path / "missing.toml", {})
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load(tmp_path / "bytes.toml", {})
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path, {})


def test_a_variable_that_points_below_a_value_is_named(tmp_path: Path) -> None:
    told = complaint(tmp_path, "[limits]\nreserve = 1\n", TRADEWINDS__LIMITS__RESERVE__X="1")
    assert "TRADEWINDS__LIMITS__RESERVE__X" in told


def test_settings_are_frozen(tmp_path: Path) -> None:
    limits: Any = loaded(tmp_path).limits
    with pytest.raises(ValueError, match="frozen"):
        limits.loss_per_day_max = Decimal(10_000)


def test_what_is_set_is_what_the_engine_gets(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "[limits]\nloss_per_day_max = 15\nloss_per_trade_max = 5\n")
    law = parts.limits_of(settings)
    assert (law.loss_per_day_max, law.loss_per_trade_max, law.reserve) == (15, 5, 200)
