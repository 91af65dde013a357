"""`backtest`: the same engine over the past, and an honest table of what came of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from tradewinds.cli.config_verbs import CONFIG_HELP, load_settings
from tradewinds.cli.exits import CliError, Exit
from tradewinds.cli.option import Option
from tradewinds.cli.outcome import Frame, Outcome
from tradewinds.cli.words import parse_time_ns, split_names

if TYPE_CHECKING:
    from tradewinds.assemble import BacktestOptions


class BacktestArguments(Struct, frozen=True, kw_only=True):
    """What to trade over, and with what."""

    path: Annotated[
        Path | None,
        Option(help="A Parquet file of bars, or a folder.", positional=True, metavar="[PATH]"),
    ] = None
    synthetic_days: Annotated[
        int | None,
        Option(help="So many days of the synthetic market instead.", least=1, most=3_650),
    ] = None
    seed: Annotated[int | None, Option(help="Seed of the synthetic market.", least=0)] = None
    strategy: Annotated[
        tuple[str, ...],
        Option(help="Only these strategies, by comma or repeated.", metavar="NAME"),
    ] = ()
    timeframe: Annotated[
        str | None, Option(help="Bars of this length: 1m, 5m, 1h.", metavar="LENGTH")
    ] = None
    start: Annotated[
        str | None, Option(help="First moment (UTC), like 2024-01-05.", metavar="TIME")
    ] = None
    end: Annotated[str | None, Option(help="Up to this moment (UTC).", metavar="TIME")] = None
    symbols: Annotated[
        tuple[str, ...], Option(help="Only these, by comma or repeated.", metavar="LIST")
    ] = ()
    trades: Annotated[
        int, Option(help="How many of the last trades to list.", least=0, most=10_000)
    ] = 10
    export: Annotated[
        Path | None, Option(help="Write everything to this JSON file as well.", metavar="FILE")
    ] = None
    config: Annotated[Path | None, Option(help=CONFIG_HELP, metavar="FILE")] = None


def backtest(arguments: BacktestArguments, frame: Frame) -> Outcome:
    """Trade the past with the engine that trades live; REPLAY or SYNTHETIC is on every report."""
    from tradewinds import assemble
    from tradewinds.cli.report_tables import show_sheet

    settings = load_settings(frame, arguments.config)
    result = assemble.backtest(settings, options_of(arguments))
    answer = answer_of(result, settings.account.currency)
    if arguments.export is not None:
        arguments.export.write_bytes(msgspec.json.format(msgspec.json.encode(answer)))

    def show(screen: Screen) -> None:
        show_sheet(screen, answer.sheet, arguments.trades)
        show_run(screen, answer)

    return Outcome(data=answer, show=show)


def options_of(arguments: BacktestArguments) -> "BacktestOptions":
    """The options, checked against each other."""
    from tradewinds.assemble import BacktestOptions

    if (arguments.path is None) == (arguments.synthetic_days is None):
        raise CliError(
            "backtest needs a PATH or --synthetic-days, one of them",
            Exit.USAGE,
            "for a first look: `trading-cli backtest --synthetic-days 3`",
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
