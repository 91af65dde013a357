"""Settings into the structs that each part takes."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from tradewinds.config import Settings
from tradewinds.engine.settings import EngineSettings
from tradewinds.model.decimals import ONE, ZERO
from tradewinds.model.errors import InvariantBroken
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
        currency=Asset(settings.account.currency),
        limits=limits_of(settings),
        disabled=off,
        selector=settings.selector.enabled,
        inventory=inventory_of(settings),
    )


def inventory_of(settings: Settings) -> dict[Asset, Decimal]:
    """What cycles may use besides the account's currency."""
    return {Asset(name): amount for name, amount in sorted(settings.account.inventory.items())}


def opening_of(settings: Settings) -> dict[Asset, Decimal]:
    """What a simulated account begins with."""
    money = {Asset(settings.account.currency): settings.account.starting_balance}
    return money | inventory_of(settings)


def sim_settings_of(settings: Settings) -> SimSettings:
    """How harsh the simulated venue is."""
    return SimSettings(
        latency_ns=int(settings.sim.latency_ms * NS_PER_MS),
        slippage_bps=Decimal(str(settings.sim.slippage_bps)),
        bar_volume_share_max=Decimal(str(settings.sim.volume_share_max)),
        delisted_haircut=Decimal(str(settings.sim.delisted_haircut)),
        price_leap_max=settings.limits.price_jump_max,
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
    markets: Mapping[str, Sequence[str]] | None = None,
) -> list[Strategy]:
    """Built strategies, in order of name; one in `markets` sees those symbols alone. Raises
    ConfigError naming every wrong parameter."""
    seen = {
        name: [each for each in instruments if each.symbol in symbols]
        for name, symbols in (markets or {}).items()
    }
    return [
        build(name, given, seen.get(name, instruments))
        for name, given in sorted(params.items())
        if not only or name in only
    ]


def timeframes_of(strategies: Sequence[Strategy]) -> set[int]:
    """Bar timeframes that strategies ask for, in ns."""
    wishes = (wish for strategy in strategies for wish in strategy.subscriptions())
    return {wish.timeframe_ns for wish in wishes if wish.kind is Bar and wish.timeframe_ns}


class VenueTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Under what terms a venue is traded. `strategies` None: all that are switched on; `share`
    of the limits; `markets`: the symbols each was promoted on, all that it sees; `told` is for the
    journal: who allowed it, and on what evidence.
    """

    strategies: tuple[str, ...] | None = None
    markets: dict[str, tuple[str, ...]] = {}
    share: Decimal = ONE
    told: dict[str, str] = {}

    def only(self, params: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """The strategies that may trade: another one is not even there to be switched on."""
        if self.strategies is None:
            return params
        return {name: given for name, given in params.items() if name in self.strategies}

    def within(self, settings: EngineSettings) -> EngineSettings:
        """The law scaled down, before the engine hears of it."""
        if self.share == ONE:
            return settings
        return msgspec.structs.replace(settings, limits=shrunk(settings.limits, self.share))


NO_TERMS = VenueTerms()


def shrunk(limits: RiskLimits, share: Decimal) -> RiskLimits:
    """What may be lost and what may be held, times `share`; never more than it was."""
    if not (share.is_finite() and ZERO < share <= ONE):
        raise InvariantBroken(f"limits are only ever shrunk, not to {share} of what they are")
    return msgspec.structs.replace(
        limits,
        loss_per_trade_max=limits.loss_per_trade_max * share,
        loss_per_day_max=limits.loss_per_day_max * share,
        exposure_per_instrument_max=limits.exposure_per_instrument_max * float(share),
        exposure_total_max=limits.exposure_total_max * float(share),
    )


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Behind one product: `account` as the venue names it, '' where it does not; `key` is a hash
    of the API key, which does for it then."""

    product: str
    account: str
    key: str

    def is_same(self, other: "Holder") -> bool:
        """Another key of the same account leads to the same money."""
        if self.account and other.account:
            return self.account == other.account
        return self.key == other.key


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """What the journal keeps of the settings, so that a replay needs nothing else. `holders` are
    empty where the venue is simulated; `program` is which version decided, '' where it did not say.
    """

    engine: EngineSettings
    params: dict[str, dict[str, Any]]
    terms: dict[str, str] = {}
    markets: dict[str, tuple[str, ...]] = {}
    holders: tuple[Holder, ...] = ()
    program: str = ""


def recipe_text(recipe: Recipe) -> str:
    """Canonical JSON."""
    return msgspec.json.encode(recipe, order="deterministic").decode()


def recipe_from(text: str) -> Recipe:
    """Back from the journal."""
    return msgspec.json.decode(text, type=Recipe)
