"""`backtest`: the same engine over the past, and an honest table of what came of it."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Struct

from tradewinds.cli.config_verbs import CONFIG_HELP, load_settings
from tradewinds.cli.exits import CliError, Exit
from tradewinds.cli.option import Option
from tradewinds.cli.outcome import Frame, Outcome
from tradewinds.cli.screen import Screen
from tradewinds.cli.words import NOT_KNOWN, moment, parse_time_ns, split_names
from tradewinds.model.portfolio import TradingState

if TYPE_CHECKING:
    from tradewinds.cli.report_sheet import Sheet
    from tradewinds.config import Settings
    from tradewinds.options import BacktestOptions
    from tradewinds.research.backtest import BacktestResult


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


class BacktestAnswer(Struct, frozen=True, kw_only=True):
    """`equity` is (time ns, account currency); `refusals` counts our own noes by check.

    `strategies` names each with the parameters it had.
    """

    start_ns: int
    end_ns: int
    events: int
    wall_s: float
    strategies: dict[str, dict[str, Any]]
    sheet: "Sheet"
    equity: tuple[tuple[int, Decimal], ...]
    refusals: dict[str, int]
    anomalies: int
    final_state: TradingState
    state_reason: str
    open_trades: int


def backtest(arguments: BacktestArguments, frame: Frame) -> Outcome:
    """Trade the past with the engine that trades live; REPLAY or SYNTHETIC is on every report."""
    from tradewinds import assemble
    from tradewinds.cli.report_tables import show_sheet

    settings = load_settings(frame, arguments.config)
    options = options_of(arguments)
    require_strategies(options.strategies, settings)
    result = assemble.backtest(settings, options)
    answer = answer_of(result)
    if arguments.export is not None:
        arguments.export.write_bytes(msgspec.json.format(msgspec.json.encode(answer)))

    def show(screen: Screen) -> None:
        show_sheet(screen, answer.sheet, arguments.trades)
        show_run(screen, answer)

    return Outcome(data=answer, show=show)


def answer_of(result: "BacktestResult") -> BacktestAnswer:
    """The result with its sheet: tables by strategy, instrument and day, and the caveats."""
    from tradewinds.cli.report_sheet import Feed, sheet_of

    feed = Feed(label=result.label, synthetic=result.synthetic, currency=result.currency)
    return BacktestAnswer(
        start_ns=result.start_ns,
        end_ns=result.end_ns,
        events=result.events,
        wall_s=result.wall_s,
        strategies=result.strategies,
        sheet=sheet_of(result.performance, feed, result.trades, result.days, result.open_trades),
        equity=result.equity,
        refusals=result.refusals,
        anomalies=result.anomalies,
        final_state=result.final_state,
        state_reason=result.state_reason,
        open_trades=result.open_trades,
    )


def show_run(screen: Screen, answer: BacktestAnswer) -> None:
    """What the run itself was like."""
    screen.line()
    reason = f": {answer.state_reason}" if answer.state_reason else ""
    rows = [
        ("Span", f"{moment(answer.start_ns)} to {moment(answer.end_ns)}"),
        ("Strategies", ", ".join(answer.strategies) or NOT_KNOWN),
        ("At the end", f"{answer.final_state.value}{reason}; {answer.open_trades} trades open"),
        ("Refused", refused(answer.refusals)),
        ("Bad inputs dropped", str(answer.anomalies)),
        ("Speed", f"{answer.events:,} events in {answer.wall_s:.1f} s ({rate(answer)})"),
    ]
    screen.pairs(rows)


def refused(counts: dict[str, int]) -> str:
    """Our own noes, most frequent first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{check} {count:,}" for check, count in ordered) or "nothing"


def rate(answer: BacktestAnswer) -> str:
    """Events a second."""
    return f"{answer.events / answer.wall_s:,.0f}/s" if answer.wall_s > 0 else NOT_KNOWN


def require_strategies(names: Sequence[str], settings: "Settings") -> None:
    """Raises CliError for a strategy that the settings do not have."""
    unknown = [name for name in names if name not in settings.strategies]
    if unknown:
        raise CliError(
            f"no strategy {', '.join(unknown)} in the settings, which have"
            f" {', '.join(settings.strategies)}",
            Exit.USAGE,
            "`trading-cli strategies list` shows what is installed;"
            " a section [strategies.NAME] in config.toml takes one in",
        )


def options_of(arguments: BacktestArguments) -> "BacktestOptions":
    """The options, checked against each other."""
    from tradewinds.options import BacktestOptions

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
