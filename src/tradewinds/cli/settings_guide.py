"""Every setting with its default, its range and what it means: for `config` and the docs page."""

import json
import re
import tomllib
import types
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tradewinds.config import PREFIX, Settings

MEANINGS: Final = types.MappingProxyType(
    {
        "account.name": "Name of the account; one engine at a time may trade it.",
        "account.currency": "Asset in which money is counted: limits, equity, P&L.",
        "account.starting_balance": "Paper money at the first start, in the account's currency.",
        "account.inventory": (
            "Amounts of other assets that cycles may trade with and give back, `{ USDC = 300 }`;"
            " counted once, at the first start with them."
        ),
        "limits.loss_per_trade_max": "The most one trade may lose at its stop, all costs included.",
        "limits.loss_per_day_max": (
            "The most a UTC day may lose: realised loss plus the worst case of all that is open"
            " or in flight."
        ),
        "limits.reserve": "Money that is never committed.",
        "limits.exposure_per_instrument_max": "Largest share of equity in one instrument.",
        "limits.exposure_total_max": "Largest share of equity in all instruments together.",
        "limits.leverage_max": "Highest leverage on perpetual futures.",
        "limits.collar_bps": "How far from the last mid price an order's price may be.",
        "limits.slippage_allowance_bps": "Slippage assumed beyond a stop when its loss is counted.",
        "limits.unwind_loss_bps": (
            "Price move assumed when a leg of a triangle does not fill and the rest is unwound."
        ),
        "limits.stop_distance_max": "Farthest stop allowed, as a share of the entry price.",
        "limits.stale_after_s": "Seconds: an older price opens no new risk.",
        "limits.liquidity_share_quote": "Largest share of the visible top of book to take.",
        "limits.liquidity_share_bar": "Largest share of a bar's volume to trade.",
        "limits.orders_per_minute_max": "Most orders a minute; past it no new risk is opened.",
        "limits.kelly_fraction": "Part of the Kelly share of equity that one trade may risk.",
        "limits.drawdown_scale": "Fall below the equity peak from which on sizes shrink.",
        "limits.drawdown_reduce": "Fall from which on no new risk is taken (REDUCING).",
        "limits.drawdown_halt": "Fall at which everything stops until the operator resumes.",
        "limits.price_jump_max": "After a larger jump of the price the next one must confirm it.",
        "strategies.<name>.enabled": "Whether the strategy takes part.",
        "strategies.<name>.params": (
            "Its parameters; `trading-cli strategies show <name>` lists them with their ranges."
        ),
        "selector.enabled": "Whether what a strategy earns decides how much it may risk.",
        "sim.latency_ms": "Delay between an order and the simulated venue.",
        "sim.slippage_bps": "Slippage of fills whose price comes from a bar or a lone print.",
        "sim.volume_share_max": "Largest share of a bar's volume that our orders can fill.",
        "sim.delisted_haircut": "What is held when a recording ends for good is sold so far below.",
        "feed.venues": "Where live public data is looked for, in this order.",
        "feed.symbols": "What is watched, in the spelling `BASE/QUOTE`.",
        "feed.probe_timeout_s": (
            "How long to look for a venue before the synthetic market takes its place."
        ),
        "feed.synthetic_seed": "Seed of the synthetic market: the same seed, the same prices.",
        "live.canary_trades": (
            "Round trips of each strategy with a tenth of the limits before it gets all of them."
        ),
        "live.canary_days": "Days over which they must be spread.",
        "dashboard.host": "Address the pages listen on; leave it on loopback unless you know why.",
        "dashboard.port": "Port of the pages.",
        "store.database_url": (
            "Empty: SQLite in the data folder. Else an SQLAlchemy address,"
            " `postgresql+psycopg://user@host/name`."
        ),
        "store.redis_url": "Empty: a Unix socket between our processes. Else Redis Streams.",
    }
)
BOUNDS: Final = (("gt", "above"), ("ge", "from"), ("lt", "below"), ("le", "to"))


class Setting(Struct, frozen=True, kw_only=True):
    """One key as an operator needs to see it. `default` and `value` as TOML text."""

    key: str
    value: str
    default: str
    allowed: str
    source: str
    meaning: str

    @property
    def changed(self) -> bool:
        """Whether it differs from the default."""
        return self.value != self.default


def settings_table(settings: Settings, sources: Mapping[str, str]) -> tuple[Setting, ...]:
    """Every key of `settings`, in the order of the tree; `sources` names what set it."""
    rows = []
    defaults = {key: value for key, value, _ in leaves(Settings())}
    for key, value, field in leaves(settings):
        text = toml_text(without_secrets(value) if key.endswith("_url") else value)
        rows.append(
            Setting(
                key=key,
                value=text,
                default=toml_text(defaults[key]) if key in defaults else default_text(key),
                allowed=allowed(field),
                source=sources.get(key, "default"),
                meaning=MEANINGS[general(key)],
            )
        )
    return tuple(rows)


def leaves(model: BaseModel, prefix: str = "") -> list[tuple[str, Any, FieldInfo]]:
    """Dotted key, value and field of everything that is not a section."""
    found: list[tuple[str, Any, FieldInfo]] = []
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        key = prefix + name
        if isinstance(value, BaseModel):
            found += leaves(value, key + ".")
        elif key == "strategies":
            for strategy, section in value.items():
                found += leaves(section, f"{key}.{strategy}.")
        else:
            found.append((key, value, field))
    return found


def without_secrets(address: str) -> str:
    """An address that may be shown: no password, neither before the host nor in the query."""
    bare = re.sub(r"(://[^:/@]*):[^@/]*@", r"\1:***@", address)
    return re.sub(r"([?&][^=&]*pass[^=&]*=)[^&]*", r"\1***", bare, flags=re.IGNORECASE)


def general(key: str) -> str:
    """A strategy's own name replaced by <name>."""
    parts = key.split(".")
    return f"strategies.<name>.{parts[-1]}" if parts[0] == "strategies" else key


def default_text(key: str) -> str:
    """The default of a strategy that is not among the default ones."""
    return "true" if key.endswith(".enabled") else "{}"


def allowed(field: FieldInfo) -> str:
    """The range in words: `above 0 to 1000`."""
    told = []
    for item in field.metadata:
        told += [f"{word} {getattr(item, name)}" for name, word in BOUNDS if hasattr(item, name)]
        pattern = getattr(item, "pattern", None)
        if pattern:
            told.append(f"text like {pattern}")
    return ", ".join(told) if told else kind_of(field.annotation)


def kind_of(annotation: Any) -> str:
    """What may stand there when no range says it."""
    if annotation is bool:
        return "true or false"
    if annotation is str:
        return "text"
    return "a list of texts" if annotation == tuple[str, ...] else "a table"


def toml_text(value: Any) -> str:
    """A value as it is written in the file."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, dict):
        inner = ", ".join(f"{name} = {toml_text(item)}" for name, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(toml_text(item) for item in value)}]"
    return json.dumps(value, ensure_ascii=False)


def sources_of(path: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """What set each key that is not left at its default: the file, or a variable's name."""
    found = {}
    if path.is_file():
        tree = tomllib.loads(path.read_text("utf-8"))
        found = {key: str(path) for key in flatten(tree)}
    for name in environ:
        if name.startswith(PREFIX):
            key = name.removeprefix(PREFIX).lower().replace("__", ".")
            found[key] = name
            if key.startswith("strategies.") and ".params." in key:
                found[key.partition(".params.")[0] + ".params"] = name
    return found


def flatten(tree: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Dotted keys of a settings file; a strategy's `params` is one key."""
    keys = []
    for name, value in tree.items():
        key = prefix + name
        if isinstance(value, dict) and not (key.startswith("strategies.") and name == "params"):
            keys += flatten(value, key + ".")
        else:
            keys.append(key)
    return keys
