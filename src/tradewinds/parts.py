"""Settings into the structs that each part takes."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from tradewinds.config import Settings
from tradewinds.engine.settings import EngineSettings
from tradewinds.model.ids import Asset, StrategyId
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Bar
from tradewinds.ports import Strategy
from tradewinds.risk.limits import RiskLimits
from tradewinds.sim.settings import SimSettings
from tradewinds.strategies.registry import build, load

NS_PER_MS = 1_000_000


def limits_of(settings: Settings) -> RiskLimits:
    """The law as configured."""
    return RiskLimits(**settings.limits.model_dump())


def engine_settings_of(settings: Settings) -> EngineSettings:
    """What the engine is told."""
    off = tuple(StrategyId(n) for n, s in sorted(settings.strategies.items()) if not s.enabled)
    return EngineSettings(
        currency=Asset(settings.account.currency), limits=limits_of(settings), disabled=off
    )


def sim_settings_of(settings: Settings) -> SimSettings:
    """How harsh the simulated venue is."""
    return SimSettings(
        latency_ns=int(settings.sim.latency_ms * NS_PER_MS),
        slippage_bps=Decimal(str(settings.sim.slippage_bps)),
        bar_volume_share_max=Decimal(str(settings.sim.volume_share_max)),
    )


def params_of(settings: Settings, defaults: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Each strategy's parameters; `defaults` fill in what it has but the operator did not set."""
    result = {}
    for name, section in sorted(settings.strategies.items()):
        known = set(load(name).Params.__struct_fields__)
        fitting = {key: value for key, value in defaults.items() if key in known}
        result[name] = {**fitting, **section.params}
    return result


def strategies_of(
    params: Mapping[str, Mapping[str, Any]],
    instruments: Sequence[Instrument],
    only: Collection[str] = (),
) -> list[Strategy]:
    """Built strategies, in order of name. Raises ConfigError naming every wrong parameter."""
    return [
        build(name, given, instruments)
        for name, given in sorted(params.items())
        if not only or name in only
    ]


def timeframes_of(strategies: Sequence[Strategy]) -> set[int]:
    """Bar timeframes that strategies ask for, in ns."""
    wishes = (wish for strategy in strategies for wish in strategy.subscriptions())
    return {wish.timeframe_ns for wish in wishes if wish.kind is Bar and wish.timeframe_ns}


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """What the journal keeps of the settings, so that a replay needs nothing else."""

    engine: EngineSettings
    params: dict[str, dict[str, Any]]


def recipe_text(recipe: Recipe) -> str:
    """Canonical JSON."""
    return msgspec.json.encode(recipe, order="deterministic").decode()


def recipe_from(text: str) -> Recipe:
    """Back from the journal."""
    return msgspec.json.decode(text, type=Recipe)
