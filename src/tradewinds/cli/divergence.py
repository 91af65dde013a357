"""`divergence`: a backtest of the same hours against what was traded, paper or live."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from tradewinds.cli.config_verbs import load_settings
from tradewinds.cli.option import Option
from tradewinds.cli.outcome import Frame, Outcome
from tradewinds.cli.research_options import ConfigFile
from tradewinds.cli.screen import Screen, Table
from tradewinds.cli.store_access import chosen_account, reading
from tradewinds.cli.words import moment, number, signed

if TYPE_CHECKING:
    from tradewinds.config import Settings
    from tradewinds.model.events import MarketEvent
    from tradewinds.research.divergence import Divergence, Traded

SECOND_NS = 1_000_000_000
LISTED = 30


class DivergenceArguments(Struct, frozen=True, kw_only=True):
    """Which run, and on what the backtest is made."""

    run: Annotated[str | None, Option(help="Run id (else the last run).", metavar="ID")] = None
    account: Annotated[
        str | None, Option(help="Account (else the one that traded last).", metavar="NAME")
    ] = None
    data: Annotated[
        Path | None,
        Option(
            help="Backtest on this recording of the same hours; else on what the run was shown.",
            metavar="PATH",
        ),
    ] = None
    near: Annotated[
        float, Option(help="So many seconds apart is still the same signal.", least=0)
    ] = 60.0
    config: ConfigFile = None


def divergence(arguments: DivergenceArguments, frame: Frame) -> Outcome:
    """A backtest of the same hours against what was traded: signals, fills, slippage, result."""
    from tradewinds.parts import sim_settings_of
    from tradewinds.research.divergence import backtested
    from tradewinds.research.divergence import divergence as compared

    settings = load_settings(frame, arguments.config)
    run = run_of(arguments, settings, frame)
    market = None if arguments.data is None else market_of(arguments.data, settings, run)
    shadow = backtested(run, sim_settings_of(settings), market)
    answer = compared(run, shadow, int(arguments.near * SECOND_NS))
    return Outcome(data=answer, show=lambda screen: show(screen, answer))


def run_of(arguments: DivergenceArguments, settings: "Settings", frame: Frame) -> "Traded":
    """The run as its journal tells it."""
    from tradewinds.research.divergence import traded
    from tradewinds.store.audit import read_entries
    from tradewinds.store.queries import runs

    with reading(settings, frame.home) as database:
        account = chosen_account(database, settings, frame.home, arguments.account)
        run = arguments.run or runs(database, account)[0].run_id
        entries = read_entries(database, account, run)
        return traded(((entry.kind, entry.message) for entry in entries), account)


def market_of(path: Path, settings: "Settings", run: "Traded") -> "list[MarketEvent]":
    """The same hours as somebody recorded them."""
    from tradewinds.options import BacktestOptions
    from tradewinds.sources import past_of

    options = BacktestOptions(path=path, start_ns=run.account.start_ns, end_ns=run.account.end_ns)
    known = {instrument.id for instrument in run.started.instruments}
    return [
        event
        for block in past_of(settings, options).blocks
        for event in block
        if event.instrument_id in known
    ]


def show(screen: Screen, answer: "Divergence") -> None:
    """The bridge, slippage, and signals that only one side had."""
    screen.line(f"Run {answer.run_id} of {answer.label}", "bold")
    screen.line(f"{moment(answer.start_ns)} to {moment(answer.end_ns)}")
    screen.line()
    screen.pairs([(row.name, signed(row.amount, 4)) for row in answer.bridge])
    show_slippage(screen, answer)
    show_missed(screen, answer)
    screen.line()
    if answer.same:
        screen.paragraph("The two did the same.", "green")


def show_slippage(screen: Screen, answer: "Divergence") -> None:
    """By strategy and purpose."""
    columns = ("strategy", "purpose", "backtest", "traded", "bps there", "bps here")
    rows = tuple(
        (
            row.strategy_id,
            row.purpose.value,
            str(row.backtest_fills),
            str(row.traded_fills),
            number(row.backtest_bps),
            number(row.traded_bps),
        )
        for row in answer.slippage
    )
    screen.table(
        Table(title="Fills and slippage", columns=columns, rows=rows, right=frozenset(columns[2:]))
    )


def show_missed(screen: Screen, answer: "Divergence") -> None:
    """Wishes to enter that had no partner."""
    told = f"{answer.backtest_signals} in the backtest, {answer.traded_signals} traded"
    columns = ("only in", "time", "strategy", "instrument", "side", "why not there")
    rows = tuple(
        (
            signal.only_in,
            moment(signal.time_ns)[:19],
            signal.strategy_id,
            signal.instrument_id,
            signal.side.value,
            signal.why,
        )
        for signal in answer.missed[:LISTED]
    )
    screen.table(
        Table(
            title=f"Signals on one side alone: {len(answer.missed)} ({told})",
            columns=columns,
            rows=rows,
            clipped=frozenset({"why not there"}),
        )
    )
