"""Which parameter sets may be tried, and a fixed draw of them."""

import math
import random
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import msgspec
from msgspec import NODEFAULT, Struct, inspect, structs

from tradewinds.config import Settings
from tradewinds.model.errors import ConfigError
from tradewinds.strategies.parameters import read_parameters
from tradewinds.strategies.registry import load

Params = Mapping[str, Any]
"""`strategy.parameter` to its value."""

SPREAD: Final = 2.0
"""Without a range of its own a number is tried from half to twice its default."""
DRAWS_MAX: Final = 50
"""Draws for one candidate that fits the rules between settings, before giving up."""
NOT_SEARCHED: Final = ("_ms", "_max", "_min")
"""Endings of parameters that guard rather than guess."""
BUILT_IN: Final[Mapping[str, Mapping[str, tuple[float, float]]]] = MappingProxyType(
    {
        "momentum": {
            "breakout_bars": (48, 480),
            "ema_slow_bars": (168, 720),
            "volume_factor": (1.0, 3.0),
            "stop_atr": (3.0, 10.0),
            "trail_atr": (5.0, 20.0),
            "hold_bars_max": (120, 960),
        },
        "scalping": {
            "horizon_bars": (1, 12),
            "sure": (1.5, 4.0),
            "stop_deviations": (1.0, 4.0),
            "edge_min_bps": (0.5, 10.0),
        },
        "triangular": {"edge_min_bps": (0.5, 10.0), "safety_bps": (0.5, 10.0)},
    }
)
"""For strategies that do not say it themselves in `SEARCH`."""
WRITTEN: Final = re.compile(r"(?P<low>[-+.\deE]+):(?P<high>[-+.\deE]+)(?P<log>:log)?")


class Range(Struct, frozen=True, kw_only=True):
    """From `low` to `high`, both included; drawn evenly, or evenly in the logarithm."""

    low: float
    high: float
    whole: bool
    log: bool = True


class Choice(Struct, frozen=True, kw_only=True):
    """One of these."""

    options: tuple[Any, ...]


Space = dict[str, Range | Choice]


def space_of(settings: Settings, strategies: Sequence[str], written: Sequence[str] = ()) -> Space:
    """The search space of strategies.

    `written` are `strategy.parameter=low:high[:log]` or `strategy.parameter=a|b|c` (with one
    strategy its name may be left out). With any of them only those are tried; else each
    strategy's `SEARCH` (parameter to (low, high)) where it or BUILT_IN has one, or every number
    that guesses, from half to twice its value in force. Raises ConfigError.
    """
    if written:
        return dict(_written(text, strategies) for text in written)
    found: Space = {}
    for name in strategies:
        kind = load(name)
        own = getattr(kind, "SEARCH", BUILT_IN.get(name, {}))
        given = settings.strategies[name].params
        for field in structs.fields(kind.Params):
            made = _range(field, own, given.get(field.encode_name, field.default))
            if made is not None:
                found[f"{name}.{field.encode_name}"] = made
    return found


def candidates(
    settings: Settings, space: Space, count: int, seed: int
) -> tuple[dict[str, Any], ...]:
    """The settings in force (an empty change), then `count` draws; the same for the same seed."""
    dice = random.Random(seed)  # noqa: S311 - a draw to be repeated, not a secret
    found: list[dict[str, Any]] = [{}]
    for _ in range(count if space else 0):
        for _ in range(DRAWS_MAX):
            drawn = draw(dice, space)
            if fits(settings, drawn):
                found.append(drawn)
                break
        else:
            raise ConfigError("the search space holds nothing that fits the strategy's own rules")
    return tuple(found)


def draw(dice: random.Random, space: Space) -> dict[str, Any]:
    """One of each, whether or not they fit together."""
    return {name: _draw(dice, space[name]) for name in sorted(space)}


def in_force(settings: Settings, space: Space) -> dict[str, Any]:
    """What the settings say of the space's parameters, where that lies within it."""
    found: dict[str, Any] = {}
    for key, choice in sorted(space.items()):
        name, _, parameter = key.partition(".")
        fields = {field.encode_name: field for field in structs.fields(load(name).Params)}
        value = settings.strategies[name].params.get(parameter, fields[parameter].default)
        if _holds(choice, value):
            found[key] = value
    return found


def fits(settings: Settings, params: Params) -> bool:
    """Whether the strategies themselves would take these parameters."""
    changed = with_params(settings, params)
    for name in {key.partition(".")[0] for key in params}:
        try:
            read_parameters(name, load(name).Params, changed.strategies[name].params)
        except ConfigError:
            return False
    return True


def with_params(settings: Settings, params: Params) -> Settings:
    """The settings with some of the strategies' parameters replaced."""
    sections = dict(settings.strategies)
    for key, value in params.items():
        name, _, parameter = key.partition(".")
        section = sections[name]
        merged = {**section.params, parameter: value}
        sections[name] = section.model_copy(update={"params": merged})
    return settings.model_copy(update={"strategies": sections})


def _draw(dice: random.Random, choice: Range | Choice) -> Any:
    if isinstance(choice, Choice):
        return dice.choice(choice.options)
    if choice.log and choice.low > 0:
        value = math.exp(dice.uniform(math.log(choice.low), math.log(choice.high)))
    else:
        value = dice.uniform(choice.low, choice.high)
    value = min(max(value, choice.low), choice.high)
    if choice.whole:
        return round(value)
    return min(max(float(f"{value:.4g}"), choice.low), choice.high)


def _holds(choice: Range | Choice, value: Any) -> bool:
    if isinstance(choice, Choice):
        return value in choice.options
    return isinstance(value, int | float) and choice.low <= value <= choice.high


def _range(field: structs.FieldInfo, own: Mapping[str, Any], default: Any) -> Range | None:
    """What one field may be, None for what is not searched."""
    info = inspect.type_info(field.type)
    if not isinstance(info, inspect.IntType | inspect.FloatType):
        return None
    if own and field.encode_name not in own:
        return None
    if own:
        low, high = own[field.encode_name]
    elif field.encode_name.endswith(NOT_SEARCHED) or not _positive(default):
        return None
    else:
        low, high = default / SPREAD, default * SPREAD
    return _within(info, float(low), float(high))


def _positive(default: Any) -> bool:
    return default is not NODEFAULT and isinstance(default, int | float) and default > 0


def _within(info: inspect.IntType | inspect.FloatType, low: float, high: float) -> Range | None:
    least = max([low, *(bound for bound in (info.ge, info.gt) if bound is not None)])
    most = min([high, *(bound for bound in (info.le, info.lt) if bound is not None)])
    whole = isinstance(info, inspect.IntType)
    if whole:
        least, most = math.ceil(least), math.floor(most)
    return Range(low=least, high=most, whole=whole) if least < most else None


def _written(text: str, strategies: Sequence[str]) -> tuple[str, Range | Choice]:
    key, found, values = text.partition("=")
    if not found or not values:
        raise ConfigError(f"{text!r}: write NAME=low:high, NAME=low:high:log or NAME=a|b|c")
    if "." not in key:
        if len(strategies) != 1:
            raise ConfigError(f"{text!r}: with several strategies write STRATEGY.{key}=...")
        key = f"{strategies[0]}.{key}"
    name, _, parameter = key.partition(".")
    fields = {field.encode_name: field for field in structs.fields(load(name).Params)}
    if name not in strategies or parameter not in fields:
        raise ConfigError(f"{text!r}: {name} has {', '.join(sorted(fields))}")
    numbers = WRITTEN.fullmatch(values)
    if numbers is None:
        return key, Choice(options=tuple(_value(option) for option in values.split("|")))
    info = inspect.type_info(fields[parameter].type)
    low, high = float(numbers["low"]), float(numbers["high"])
    if not low < high:
        raise ConfigError(f"{text!r}: low must be below high")
    whole = isinstance(info, inspect.IntType)
    return key, Range(low=low, high=high, whole=whole, log=bool(numbers["log"]))


def _value(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
