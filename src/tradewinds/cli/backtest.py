"""`backtest`: the same engine over the past, and an honest table of what came of it."""

from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Struct

from tradewinds.cli.backtest_answer import BacktestAnswer, run_rows
from tradewinds.cli.config_verbs import load_settings
from tradewinds.cli.option import Option
from tradewinds.cli.outcome import Frame, Outcome
from tradewinds.cli.research_options import (
    ConfigFile,
    End,
    ExportFile,
    HtmlFile,
    PathArgument,
    Seed,
    Start,
    StrategyNames,
    Symbols,
    SyntheticDays,
    Timeframe,
    task_of,
)
from tradewinds.cli.screen import Screen, Table
from tradewinds.cli.words import number, percent

if TYPE_CHECKING:
    from tradewinds.research.backtest import BacktestResult
    from tradewinds.research.regimes import RegimeRow
    from tradewinds.research.trial import Task
    from tradewinds.research.trials import TrialCount


class BacktestArguments(Struct, frozen=True, kw_only=True):
    """What to trade over, and with what."""

    path: PathArgument = None
    synthetic_days: SyntheticDays = None
    seed: Seed = None
    strategy: StrategyNames = ()
    timeframe: Timeframe = None
    start: Start = None
    end: End = None
    symbols: Symbols = ()
    trades: Annotated[
        int, Option(help="How many of the last trades to list.", least=0, most=10_000)
    ] = 10
    html: HtmlFile = None
    export: ExportFile = None
    config: ConfigFile = None


def backtest(arguments: BacktestArguments, frame: Frame) -> Outcome:
    """Trade the past with the engine that trades live; REPLAY or SYNTHETIC is on every report."""
    from tradewinds import assemble
    from tradewinds.cli.report_tables import show_sheet

    task = task_of(arguments, load_settings(frame, arguments.config), "backtest")
    result = assemble.backtest(task.settings, task.options)
    answer = answer_of(result, counted(result, task, frame))
    if arguments.export is not None:
        arguments.export.write_bytes(msgspec.json.format(msgspec.json.encode(answer)))
    if arguments.html is not None:
        from tradewinds.cli.backtest_page import backtest_page

        arguments.html.write_text(backtest_page(answer, result), "utf-8")

    def show(screen: Screen) -> None:
        show_sheet(screen, answer.sheet, arguments.trades)
        show_regimes(screen, answer.regimes)
        show_run(screen, answer)

    return Outcome(data=answer, show=show)


def counted(result: "BacktestResult", task: "Task", frame: Frame) -> "TrialCount":
    """This run goes into the book of trials, and what the book now says of its like."""
    from tradewinds.research.trial import row_of, trial_of
    from tradewinds.research.trials import TrialBook

    book = TrialBook(frame.home)
    book.note([row_of("backtest", task, result.label, trial_of(result, {}))])
    return book.count(task.strategies, result.label)


def answer_of(result: "BacktestResult", count: "TrialCount") -> BacktestAnswer:
    """The result with its sheet: tables by strategy, instrument and day, and the caveats."""
    from tradewinds.cli.report_sheet import Feed, sheet_of
    from tradewinds.ledger.curve import daily_returns
    from tradewinds.ledger.results import day_of
    from tradewinds.research.conditions import conditions_of
    from tradewinds.research.regimes import regimes

    feed = Feed(label=result.label, synthetic=result.synthetic, currency=result.currency)
    return BacktestAnswer(
        start_ns=result.start_ns,
        end_ns=result.end_ns,
        events=result.events,
        wall_s=result.wall_s,
        strategies=result.strategies,
        sheet=sheet_of(result.performance, feed, result.trades, result.days, result.open_trades),
        conditions=conditions_of(result, count),
        regimes=regimes(daily_returns(result.equity), day_of(result.start_ns), result.prices),
        equity=result.equity,
        refusals=result.refusals,
        anomalies=result.anomalies,
        final_state=result.final_state,
        state_reason=result.state_reason,
        open_trades=result.open_trades,
    )


def show_regimes(screen: Screen, rows: "tuple[RegimeRow, ...]") -> None:
    """How it did in each kind of market."""
    columns = ("market before", "days", "total", "market", "Sharpe", "winning")
    screen.table(
        Table(
            title="By regime (of the thirty days before)",
            columns=columns,
            rows=tuple(
                (
                    row.name,
                    str(row.days),
                    percent(row.total),
                    percent(row.market),
                    number(row.sharpe),
                    percent(row.winning_days, 0),
                )
                for row in rows
            ),
            right=frozenset(columns[1:]),
        )
    )


def show_run(screen: Screen, answer: BacktestAnswer) -> None:
    """What the run itself was like."""
    screen.line()
    screen.pairs([*run_rows(answer), *answer.conditions.rows()])
