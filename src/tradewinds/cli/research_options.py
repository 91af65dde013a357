"""What every research verb is asked: which data, which strategies, which settings."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

from tradewinds.cli.config_verbs import CONFIG_HELP
from tradewinds.cli.exits import CliError, Exit
from tradewinds.cli.option import Option
from tradewinds.cli.words import parse_time_ns, split_names

if TYPE_CHECKING:
    from tradewinds.config import Settings
    from tradewinds.options import BacktestOptions
    from tradewinds.research.trial import Task

PathArgument = Annotated[
    Path | None,
    Option(help="A Parquet file of bars, or a folder.", positional=True, metavar="[PATH]"),
]
SyntheticDays = Annotated[
    int | None,
    Option(help="So many days of the synthetic market instead.", least=1, most=3_650),
]
Seed = Annotated[int | None, Option(help="Seed of the synthetic market.", least=0)]
StrategyNames = Annotated[
    tuple[str, ...], Option(help="Only these strategies, by comma or repeated.", metavar="NAME")
]
Timeframe = Annotated[str | None, Option(help="Bars of this length: 1m, 5m, 1h.", metavar="LENGTH")]
Start = Annotated[str | None, Option(help="First moment (UTC), like 2024-01-05.", metavar="TIME")]
End = Annotated[str | None, Option(help="Up to this moment (UTC).", metavar="TIME")]
Symbols = Annotated[
    tuple[str, ...], Option(help="Only these, by comma or repeated.", metavar="LIST")
]
ConfigFile = Annotated[Path | None, Option(help=CONFIG_HELP, metavar="FILE")]
HtmlFile = Annotated[
    Path | None, Option(help="Write a page with charts to this file as well.", metavar="FILE")
]
ExportFile = Annotated[
    Path | None, Option(help="Write everything to this JSON file as well.", metavar="FILE")
]
Searched = Annotated[
    tuple[str, ...],
    Option(
        help="Search only these: NAME=low:high[:log] or NAME=a|b|c; repeat for more.",
        metavar="RANGE",
    ),
]


class DataArguments(Protocol):
    """The part of a verb's arguments that chooses the data."""

    @property
    def path(self) -> Path | None: ...

    @property
    def synthetic_days(self) -> int | None: ...

    @property
    def seed(self) -> int | None: ...

    @property
    def strategy(self) -> tuple[str, ...]: ...

    @property
    def timeframe(self) -> str | None: ...

    @property
    def start(self) -> str | None: ...

    @property
    def end(self) -> str | None: ...

    @property
    def symbols(self) -> tuple[str, ...]: ...


def options_of(arguments: DataArguments, verb: str = "backtest") -> "BacktestOptions":
    """The options, checked against each other."""
    from tradewinds.options import BacktestOptions

    if (arguments.path is None) == (arguments.synthetic_days is None):
        raise CliError(
            f"{verb} needs a PATH or --synthetic-days, one of them",
            Exit.USAGE,
            f"for a first look: `trading-cli {verb} --synthetic-days 3`",
        )
    if arguments.path is not None and not arguments.path.exists():
        raise CliError(
            f"{arguments.path}: no such file or folder",
            Exit.DATA_ERROR,
            "give a Parquet file of bars, or a folder of them; `trading-cli data list PATH`"
            " shows what is in one",
        )
    return BacktestOptions(
        path=arguments.path,
        synthetic_days=arguments.synthetic_days,
        seed=arguments.seed,
        strategies=split_names(arguments.strategy),
        timeframe=arguments.timeframe,
        start_ns=parse_time_ns(arguments.start, "--start") if arguments.start else None,
        end_ns=parse_time_ns(arguments.end, "--end") if arguments.end else None,
        symbols=split_names(arguments.symbols),
    )


def require_strategies(names: tuple[str, ...], settings: "Settings") -> None:
    """A typo must not look like a strategy that never traded."""
    unknown = [name for name in names if name not in settings.strategies]
    if unknown:
        raise CliError(
            f"no strategy {', '.join(unknown)} in the settings, which have"
            f" {', '.join(settings.strategies)}",
            Exit.USAGE,
            "`trading-cli strategies list` shows what is installed;"
            " a section [strategies.NAME] in config.toml takes one in",
        )


def task_of(arguments: DataArguments, settings: "Settings", verb: str) -> "Task":
    """What is to be tried. Without `--strategy` it is every one that is switched on."""
    from tradewinds.research.trial import Task

    options = options_of(arguments, verb)
    require_strategies(options.strategies, settings)
    enabled = tuple(name for name, section in settings.strategies.items() if section.enabled)
    return Task(settings=settings, options=options, strategies=options.strategies or enabled)


def require_recorded(task: "Task", verb: str) -> None:
    """Made-up prices can teach nothing about parameters."""
    if task.options.path is None:
        raise CliError(
            f"{verb} works on recorded data: the synthetic market is made up",
            Exit.USAGE,
            "give a Parquet file of bars, or a folder of them",
        )
