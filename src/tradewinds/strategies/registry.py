"""Finds strategies by entry point, ours and other people's, and builds them by name."""

from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from msgspec import Struct

from tradewinds.model.errors import ConfigError
from tradewinds.model.ids import StrategyId
from tradewinds.model.instrument import Instrument
from tradewinds.ports import Strategy
from tradewinds.strategies.parameters import read_parameters

GROUP = "tradewinds.strategies"

# What running a stranger's module can raise before it is one of ours to judge.
_PLUG_IN_FAULTS = (ImportError, AttributeError, TypeError, ValueError, NameError, SyntaxError)


def available() -> Mapping[str, EntryPoint]:
    """Installed strategies by name, in order of name. Imports none of them."""
    found: dict[str, EntryPoint] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value)):
        found.setdefault(entry.name, entry)
    return found


def load(name: str) -> type[Strategy]:
    """The class offered under `name`.

    Raises ConfigError for a name nobody offers, two offers of one name (a plug-in must not take
    the place of another strategy unseen), a module that does not import, or a class that is not
    a Strategy.
    """
    offers = sorted({entry.value for entry in entry_points(group=GROUP, name=name)})
    if not offers:
        known = ", ".join(sorted(available())) or "none"
        raise ConfigError(f"no strategy is called {name!r}; installed are: {known}")
    if len(offers) > 1:
        raise ConfigError(f"strategy {name!r} is offered twice, uninstall one: {', '.join(offers)}")
    try:
        loaded: object = EntryPoint(name=name, value=offers[0], group=GROUP).load()
    except _PLUG_IN_FAULTS as error:
        raise ConfigError(f"strategy {name!r} ({offers[0]}) does not import: {error}") from error
    fault = _fault(loaded)
    if fault:
        raise ConfigError(f"strategy {name!r} ({offers[0]}) is not a Strategy: {fault}")
    return cast("type[Strategy]", loaded)


def build(name: str, params: Mapping[str, object], instruments: Sequence[Instrument]) -> Strategy:
    """A strategy ready to subscribe. Its id is its name.

    Raises ConfigError for everything `load` raises it for and for every wrong parameter.
    """
    kind = load(name)
    factory = cast("type", kind)
    built: Strategy = factory(
        StrategyId(name), read_parameters(name, kind.Params, params), instruments
    )
    return built


def _fault(loaded: object) -> str | None:
    if not isinstance(loaded, type):
        return "it is not a class"
    params = getattr(loaded, "Params", None)
    if not (isinstance(params, type) and issubclass(params, Struct)):
        return "it has no Params, a msgspec.Struct"
    for method in ("subscriptions", "on_event"):
        if not callable(getattr(loaded, method, None)):
            return f"it has no method {method}"
    return None
