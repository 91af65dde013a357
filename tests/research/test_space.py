"""Candidates are drawn once, fit the strategies' own rules, and are the same for the same seed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.research.made import task_on
from tradewinds.model.errors import ConfigError
from tradewinds.research.space import Choice, Range, candidates, fits, space_of, with_params


@pytest.fixture
def settings(tmp_path: Path):  # type: ignore[no-untyped-def]
    return task_on(tmp_path, {"momentum": {}, "triangular": {}}).settings


def test_the_settings_in_force_come_first_and_draws_repeat(settings) -> None:  # type: ignore[no-untyped-def]
    space = space_of(settings, ("momentum",))
    drawn = candidates(settings, space, 8, seed=3)
    assert drawn == candidates(settings, space, 8, seed=3)
    assert drawn != candidates(settings, space, 8, seed=4)
    assert drawn[0] == {}
    assert len(drawn) == 9
    assert all(fits(settings, params) for params in drawn)


def test_what_a_strategy_itself_refuses_is_not_drawn(settings) -> None:  # type: ignore[no-untyped-def]
    written = ("ema_fast_bars=10:400", "ema_slow_bars=300:340")
    space = space_of(settings, ("momentum",), written)
    drawn = candidates(settings, space, 30, seed=1)[1:]
    assert all(d["momentum.ema_fast_bars"] < d["momentum.ema_slow_bars"] for d in drawn)


def test_ranges_are_read_as_written(settings) -> None:  # type: ignore[no-untyped-def]
    found = space_of(
        settings,
        ("momentum", "triangular"),
        ("momentum.stop_atr=2:8:log", "triangular.assets=a|b", "momentum.atr_bars=5:50"),
    )
    assert found == {
        "momentum.stop_atr": Range(low=2, high=8, whole=False, log=True),
        "triangular.assets": Choice(options=("a", "b")),
        "momentum.atr_bars": Range(low=5, high=50, whole=True, log=False),
    }


@pytest.mark.parametrize(
    "text", ["stop_atr=1:2", "momentum.nothing=1:2", "other.x=1:2", "momentum.stop_atr=8:2", "x"]
)
def test_a_range_that_means_nothing_is_refused(settings, text: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError):
        space_of(settings, ("momentum", "triangular"), (text,))


def test_a_planted_strategy_says_what_to_search(plant: Callable[..., None], tmp_path: Path) -> None:
    plant(lucky="tests.research.planted:Lucky")
    settings = task_on(tmp_path, {"lucky": {}}).settings
    assert space_of(settings, ("lucky",)) == {
        "lucky.ticket": Range(low=1, high=1_000_000, whole=True)
    }


def test_changed_parameters_leave_the_settings_alone(settings) -> None:  # type: ignore[no-untyped-def]
    changed = with_params(settings, {"momentum.stop_atr": 2.0})
    assert changed.strategies["momentum"].params == {"stop_atr": 2.0}
    assert settings.strategies["momentum"].params == {}
    assert changed.limits == settings.limits
