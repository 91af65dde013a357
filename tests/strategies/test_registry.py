"""Strategies are found by entry point, in this package and outside of it, and built strictly."""

import importlib
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta, Struct

from tradewinds.model.errors import ConfigError
from tradewinds.strategies.momentum import Momentum, MomentumParams
from tradewinds.strategies.parameters import parameters_of, read_parameters
from tradewinds.strategies.registry import available, build, load
from tradewinds.strategies.triangular import Triangular, TriangularParams

EXAMPLE = Path(__file__).parents[2] / "examples" / "my_strategy"
Make = Callable[..., Any]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Puts a distribution with entry points where Python looks for installed ones."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def made(name: str, module: str = "", **entries: str) -> None:
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = [f"{key} = {value}" for key, value in entries.items()]
        (info / "entry_points.txt").write_text("\n".join(["[tradewinds.strategies]", *lines]))
        if module:
            (tmp_path / f"{name}.py").write_text(module)
        importlib.invalidate_caches()

    yield made
    for module in ("plug_in", "my_strategy"):
        sys.modules.pop(module, None)


def test_both_built_in_strategies_are_offered() -> None:
    assert {"momentum", "triangular"} <= set(available())
    assert (load("momentum"), load("triangular")) == (Momentum, Triangular)
    assert list(available()) == sorted(available())


def test_a_built_strategy_carries_its_name_and_its_parameters(instrument: Make) -> None:
    listed = [instrument("A", "USDT"), instrument("B", "USDT")]
    built = build("momentum", {"timeframe": "5m", "assets": ["B"]}, listed)
    assert built.strategy_id == "momentum"
    (wanted,) = built.subscriptions()
    assert (wanted.instrument_id, wanted.timeframe_ns) == ("B/USDT@x", 300_000_000_000)


def test_the_example_is_loaded_from_outside_the_package(
    install: Make, tmp_path: Path, instrument: Make, make_view: Make, bars: Make, row: Make
) -> None:
    entry = next(
        line for line in (EXAMPLE / "pyproject.toml").read_text().splitlines() if "dip =" in line
    )
    install("my_strategy", dip=entry.split('"')[1])
    shutil.copy(EXAMPLE / "my_strategy.py", tmp_path)
    assert "dip" in available()
    built = build("dip", {"falls": 2}, [instrument("A", "USDT")])
    assert built.subscriptions()[0].timeframe_ns == 3_600_000_000_000
    falling = bars("A/USDT@x", [row(100.0 - i, 101.0, 90.0) for i in range(3)])
    signals = [built.on_event(bar, make_view()) for bar in falling]
    assert [len(each) for each in signals] == [0, 0, 1]
    with pytest.raises(ConfigError, match="falls = 0: allowed is a whole number at least 1"):
        build("dip", {"falls": 0}, [])


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(ConfigError, match=r"'momentun'.*momentum, scalping, triangular"):
        build("momentun", {}, [])


@pytest.mark.parametrize(
    ("module", "target", "why"),
    [
        ("import no_such_module", "Thing", "No module named 'no_such_module'"),
        ("", "Thing", "no_such|Thing"),
        ("def broken(:", "Thing", "invalid syntax"),
        ("Thing = unknown_name", "Thing", "unknown_name"),
        ("len(5)", "Thing", "has no len"),
        ("Thing = 5", "Thing", "not a class"),
        ("class Thing: ...", "Thing", "no Params"),
        ("class Thing:\n    Params = dict", "Thing", "no Params"),
        (
            "import msgspec\nclass Thing:\n    class Params(msgspec.Struct): ...\n"
            "    def subscriptions(self): ...\n",
            "Thing",
            "no method on_event",
        ),
    ],
)
def test_a_broken_plug_in_is_named_and_the_others_still_load(
    install: Make, module: str, target: str, why: str
) -> None:
    install("plug_in", module or "pass", broken=f"plug_in:{target}")
    with pytest.raises(ConfigError, match=rf"'broken' \(plug_in:Thing\).*({why})"):
        load("broken")
    assert {"broken", "momentum", "triangular"} <= set(available())
    assert build("momentum", {}, []).strategy_id == "momentum"


def test_a_plug_in_cannot_take_a_built_in_name_unseen(install: Make) -> None:
    install("plug_in", "class Thing: ...", momentum="plug_in:Thing")
    with pytest.raises(ConfigError, match=r"offered twice.*plug_in:Thing, tradewinds"):
        load("momentum")
    assert load("triangular") is Triangular


def test_every_wrong_key_and_value_is_named_with_what_is_allowed() -> None:
    wrong = {
        "timeframe": "7m",
        "stop_atr": -1,
        "breakout_bars": 1,
        "positions_max": "3",
        "allowance_bps": float("nan"),
        "ema_fast_bars": True,
        "assets": [1],
        "stop_art": 3.0,
        "colour": "red",
    }
    with pytest.raises(ConfigError) as caught:
        build("momentum", wrong, [])
    heading, *faults = str(caught.value).splitlines()
    assert heading == "strategy 'momentum': 9 settings are wrong"
    assert sorted(fault.strip() for fault in faults) == sorted(
        [
            "timeframe = '7m': allowed is one of 15m, 1d, 1h, 1m, 4h, 5m",
            "stop_atr = -1: allowed is a number above 0 and at most 100",
            "breakout_bars = 1: allowed is a whole number at least 2 and at most 5000",
            "positions_max = '3': allowed is a whole number at least 1 and at most 100",
            "allowance_bps = nan: allowed is a number at least 0 and at most 1000",
            "ema_fast_bars = True: allowed is a whole number at least 2 and at most 5000",
            "assets = [1]: allowed is a list, each a text of 1 to 20 characters",
            *[fault.strip() for fault in faults if "no such setting" in fault],
        ]
    )
    assert any("stop_art: no such setting; did you mean stop_atr?" in fault for fault in faults)
    assert any("colour: no such setting; known are timeframe" in fault for fault in faults)


def test_a_rule_between_two_settings_is_told() -> None:
    with pytest.raises(ConfigError, match="ema_fast_bars = 500: must be below ema_slow_bars = 336"):
        build("momentum", {"ema_fast_bars": 500}, [])


class Odd(Struct, frozen=True, kw_only=True):
    """One of each kind of setting."""

    needed: Annotated[float, Meta(gt=0, lt=2)]
    free: float = 1.0
    switch: bool = True
    code: Annotated[str, Meta(pattern="^[a-z]+$")] = "x"
    side: Literal["up", "down"] = "up"
    names: list[str] = []
    anything: dict[str, int] = {}


def test_a_missing_setting_without_default_is_told() -> None:
    with pytest.raises(ConfigError, match="needed is missing: allowed is a number above 0 and bel"):
        read_parameters("odd", Odd, {})
    assert read_parameters("odd", Odd, {"needed": 1}) == Odd(needed=1.0)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_never_passes_even_without_a_range(value: float) -> None:
    with pytest.raises(ConfigError, match="free = "):
        read_parameters("odd", Odd, {"needed": 1.0, "free": value})


def test_every_kind_of_setting_is_described() -> None:
    told = {each.name: (each.allowed, each.default, each.required) for each in parameters_of(Odd)}
    assert told == {
        "needed": ("a number above 0 and below 2", None, True),
        "free": ("a number", 1.0, False),
        "switch": ("true or false", True, False),
        "code": ("a text like ^[a-z]+$", "x", False),
        "side": ("one of down, up", "up", False),
        "names": ("a list, each a text", [], False),
        "anything": ("dict", {}, False),
    }


@pytest.mark.parametrize("params", [MomentumParams, TriangularParams])
def test_defaults_are_within_their_own_ranges(params: type[Struct]) -> None:
    plain = msgspec.to_builtins(params())
    assert read_parameters("own", params, plain) == params()
