"""One frozen settings tree: defaults, then a TOML file, then TRADEWINDS__SECTION__KEY."""

import os
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tradewinds.ledger.lots import SETTLEMENT
from tradewinds.model.errors import ConfigError
from tradewinds.model.ids import ACCOUNT

PREFIX = "TRADEWINDS__"
BOUNDS = {"gt": "above", "ge": "from", "lt": "below", "le": "up to", "pattern": "pattern"}
RESERVED_NAMES = frozenset({ACCOUNT, SETTLEMENT})
VENUE_KINDS = ("real", "testnet", "demo", "practice")
"""Accounts are named NAME-KIND-KEY: a NAME with a KIND in it could be that of another's money."""
Money = Annotated[Decimal, Field(gt=0, le=1_000_000, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Bps = Annotated[float, Field(ge=0, le=1_000, allow_inf_nan=False)]

AssetName = Annotated[str, Field(pattern=r"^[A-Z0-9]{2,10}$")]


class Section(BaseModel):
    """Frozen, and every key must be known."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AccountSettings(Section):
    """Who trades, in what money."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")] = "paper"
    currency: Annotated[str, Field(pattern=r"^[A-Z0-9]{2,10}$")] = "USDT"
    starting_balance: Annotated[Decimal, Field(ge=100, le=1_000_000)] = Decimal(1000)
    inventory: dict[AssetName, Money] = Field(default_factory=dict)


class LimitSettings(Section):
    """The risk law. Hard maxima are the upper ends of the ranges; no setting passes them."""

    loss_per_trade_max: Annotated[Decimal, Field(gt=0, le=1_000)] = Decimal(10)
    loss_per_day_max: Annotated[Decimal, Field(gt=0, le=2_000)] = Decimal(20)
    reserve: Annotated[Decimal, Field(ge=0, le=1_000_000)] = Decimal(200)
    exposure_per_instrument_max: Share = 0.4
    exposure_total_max: Share = 0.8
    leverage_max: Annotated[Decimal, Field(ge=1, le=10)] = Decimal(3)
    collar_bps: Annotated[float, Field(gt=0, le=500)] = 30.0
    slippage_allowance_bps: Annotated[float, Field(ge=1, le=1_000)] = 20.0
    unwind_loss_bps: Annotated[float, Field(ge=10, le=2_000)] = 100.0
    stop_distance_max: Annotated[float, Field(gt=0, le=0.5)] = 0.2
    stale_after_s: Annotated[float, Field(gt=0, le=86_400)] = 10.0
    liquidity_share_quote: Annotated[float, Field(gt=0, le=1)] = 0.5
    liquidity_share_bar: Annotated[float, Field(gt=0, le=0.2)] = 0.02
    orders_per_minute_max: Annotated[int, Field(ge=1, le=600)] = 60
    kelly_fraction: Annotated[float, Field(gt=0, le=0.5)] = 0.25
    drawdown_scale: Annotated[float, Field(gt=0, lt=1)] = 0.02
    drawdown_reduce: Annotated[float, Field(gt=0, lt=1)] = 0.04
    drawdown_halt: Annotated[float, Field(gt=0, lt=1)] = 0.05
    price_jump_max: Annotated[float, Field(gt=0, le=1)] = 0.2


class StrategySettings(Section):
    """A strategy by its entry point's name; `params` are checked by the strategy itself."""

    enabled: bool = True
    params: dict[str, Any] = Field(default_factory=dict)


class SelectorSettings(Section):
    """Weights in [0, 1] per strategy by what it earns; off means 1 for each."""

    enabled: bool = True


class SimSettingsSection(Section):
    """The simulated venue of paper trading and backtests."""

    latency_ms: Annotated[float, Field(ge=0, le=10_000)] = 50.0
    slippage_bps: Bps = 5.0
    volume_share_max: Annotated[float, Field(gt=0, le=1)] = 0.1
    delisted_haircut: Annotated[float, Field(ge=0, lt=1)] = 0.05


class FeedSettings(Section):
    """Where live public data comes from, and what is watched."""

    venues: tuple[str, ...] = ("binance", "kraken", "coinbase")
    symbols: tuple[str, ...] = (
        "BTC/USDT", "ETH/USDT", "ETH/BTC", "BTC/USDC", "ETH/USDC", "USDC/USDT",
        "SOL/USDT", "XRP/USDT", "ADA/USDT", "DOGE/USDT",
    )  # fmt: skip
    probe_timeout_s: Annotated[float, Field(gt=0, le=30)] = 3.0
    synthetic_seed: Annotated[int, Field(ge=0, le=2**31)] = 7


class LiveSection(Section):
    """Real money. It begins with a tenth of the limits, for so many round trips and days of each
    strategy; the lower ends are law."""

    canary_trades: Annotated[int, Field(ge=10, le=10_000)] = 30
    canary_days: Annotated[int, Field(ge=3, le=365)] = 7


class DashboardSection(Section):
    """The pages."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535)] = 3000


class StoreSettings(Section):
    """Where durable truth lives. Empty `database_url` means SQLite in the data folder."""

    database_url: str = ""
    redis_url: str = ""


def default_strategies() -> dict[str, StrategySettings]:
    """The built-in tiers, all switched on; the selector shares the risk out among them."""
    return {name: StrategySettings() for name in ("triangular", "momentum", "scalping")}


class Settings(Section):
    """Everything an operator may set."""

    account: AccountSettings = Field(default_factory=AccountSettings)
    limits: LimitSettings = Field(default_factory=LimitSettings)
    strategies: dict[str, StrategySettings] = Field(default_factory=default_strategies)
    selector: SelectorSettings = Field(default_factory=SelectorSettings)
    sim: SimSettingsSection = Field(default_factory=SimSettingsSection)
    feed: FeedSettings = Field(default_factory=FeedSettings)
    live: LiveSection = Field(default_factory=LiveSection)
    dashboard: DashboardSection = Field(default_factory=DashboardSection)
    store: StoreSettings = Field(default_factory=StoreSettings)


def data_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """`TRADEWINDS_HOME`, else `user_data` in the current folder."""
    return Path(environ.get("TRADEWINDS_HOME") or "user_data").absolute()


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings from defaults, file and environment; ConfigError names every wrong key and value.

    Without a path, `config.toml` in the data folder is read if it is there.
    """
    source = path or data_dir(environ) / "config.toml"
    tree = _read(source, required=path is not None)
    _overlay(tree, environ)
    _keep_built_in_strategies(tree)
    try:
        settings = Settings.model_validate(tree)
    except ValidationError as error:
        raise ConfigError(_explain(error, source)) from None
    _check_together(settings)
    return settings


def database_url(settings: Settings, home: Path) -> str:
    """The configured address, or SQLite beside the other data."""
    return settings.store.database_url or f"sqlite:///{home / 'tradewinds.db'}"


def _read(source: Path, *, required: bool) -> dict[str, Any]:
    try:
        return tomllib.loads(source.read_text("utf-8"))
    except FileNotFoundError:
        if required:
            raise ConfigError(f"{source}: no such file; write one with `config init`") from None
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{source}: not valid TOML: {error}") from None
    except OSError as error:
        raise ConfigError(f"{source}: cannot be read: {error.strerror}") from None


def _overlay(tree: dict[str, Any], environ: Mapping[str, str]) -> None:
    for name in sorted(environ):
        if not name.startswith(PREFIX):
            continue
        *sections, key = name[len(PREFIX) :].lower().split("__")
        node = tree
        for section in sections:
            child = node.setdefault(section, {})
            if not isinstance(child, dict):
                raise ConfigError(f"{name}: {section} is not a section")
            node = child
        node[key] = _value(environ[name])


def _keep_built_in_strategies(tree: dict[str, Any]) -> None:
    """Naming one strategy does not switch the others off: that takes `enabled = false`."""
    named = tree.get("strategies", {})
    if isinstance(named, dict):
        built_in: dict[str, Any] = {name: {} for name in default_strategies()}
        tree["strategies"] = {**built_in, **named}


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _explain(error: ValidationError, source: Path) -> str:
    lines = [
        f"{source} (with {PREFIX}* from the environment) has {error.error_count()} problem(s):"
    ]
    for item in error.errors():
        where = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            lines.append(f"  {where}: no such setting; known here: {_known(item['loc'])}")
        else:
            lines.append(f"  {where} = {item['input']!r}: {item['msg']}{_range(item['loc'])}")
    return "\n".join(lines)


def _section(location: tuple[Any, ...]) -> type[BaseModel]:
    model: type[BaseModel] = Settings
    for part in location:
        if model is Settings and part == "strategies":
            return StrategySettings if len(location) > 2 else Settings
        field = model.model_fields.get(str(part))
        annotation = field.annotation if field else None
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model = annotation
    return model


def _known(location: tuple[Any, ...]) -> str:
    return ", ".join(sorted(_section(location[:-1]).model_fields))


def _range(location: tuple[Any, ...]) -> str:
    field = _section(location[:-1]).model_fields.get(str(location[-1])) if location else None
    if field is None or not field.metadata:
        return ""
    bounds = [
        f"{words} {getattr(item, name)}"
        for item in field.metadata
        for name, words in BOUNDS.items()
        if getattr(item, name, None) is not None
    ]
    return f" (allowed: {', '.join(bounds)})" if bounds else ""


def _check_together(settings: Settings) -> None:
    limits = settings.limits
    problems = []
    if limits.loss_per_trade_max > limits.loss_per_day_max:
        problems.append("limits.loss_per_trade_max must not exceed limits.loss_per_day_max")
    if not limits.drawdown_scale < limits.drawdown_reduce < limits.drawdown_halt:
        problems.append("limits.drawdown_scale < drawdown_reduce < drawdown_halt must hold")
    if limits.reserve >= settings.account.starting_balance:
        problems.append("limits.reserve must be smaller than account.starting_balance")
    if settings.account.currency in settings.account.inventory:
        problems.append("account.inventory must not name account.currency")
    name = settings.account.name
    problems.extend(
        f"account.name must not contain -{kind}: accounts of that kind are named so by themselves"
        for kind in VENUE_KINDS
        if f"-{kind}-" in f"{name}-"
    )
    if limits.exposure_per_instrument_max > limits.exposure_total_max:
        problems.append("limits.exposure_per_instrument_max must not exceed exposure_total_max")
    problems.extend(
        f"strategies.{name}: the name is taken, the ledger books what is the {name}'s under it"
        for name in sorted(RESERVED_NAMES & settings.strategies.keys())
    )
    if problems:
        raise ConfigError("settings contradict each other:\n  " + "\n  ".join(problems))
