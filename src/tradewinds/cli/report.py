"""`report`: what was made and what it cost, from the store."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from tradewinds.cli.config_verbs import CONFIG_HELP, load_settings
from tradewinds.cli.exits import CliError, Exit
from tradewinds.cli.option import Option
from tradewinds.cli.outcome import Frame, Outcome
from tradewinds.cli.screen import Screen
from tradewinds.cli.store_access import accounts_of, chosen_account, reading
from tradewinds.cli.words import SECOND_NS, parse_time_ns

if TYPE_CHECKING:
    from tradewinds.cli.report_data import Wanted
    from tradewinds.cli.report_sheet import Sheet

DAY_NS = 86_400 * SECOND_NS
TRADES_SHOWN = 20
END_OF_TIME_NS = 2**63 - 1


class ReportArguments(Struct, frozen=True, kw_only=True):
    """Which part."""

    day: Annotated[str | None, Option(help="One UTC day, like 2024-01-05.", metavar="DATE")] = None
    since: Annotated[
        str | None, Option(help="From this time on (UTC), like 2024-01-05.", metavar="TIME")
    ] = None
    strategy: Annotated[str | None, Option(help="One strategy.", metavar="NAME")] = None
    account: Annotated[
        str | None, Option(help="Account (else the one that traded last).", metavar="NAME")
    ] = None
    run: Annotated[
        str | None, Option(help="Run (else the last, with those it went on from).", metavar="ID")
    ] = None
    trades: Annotated[
        int, Option(help="How many of the last trades to list.", least=0, most=10_000)
    ] = TRADES_SHOWN
    config: Annotated[Path | None, Option(help=CONFIG_HELP, metavar="FILE")] = None


class ReportAnswer(Struct, frozen=True, kw_only=True):
    """`runs` are what the sheet is about, newest first; `accounts` what else there is."""

    account: str
    runs: tuple[str, ...]
    accounts: tuple[str, ...]
    sheet: "Sheet"


def report(arguments: ReportArguments, frame: Frame) -> Outcome:
    """Performance and costs, per strategy, instrument and day, with the trades."""
    from tradewinds.cli.report_data import feed_of, life_of, open_trades, record_of
    from tradewinds.cli.report_sheet import sheet_of
    from tradewinds.ledger.performance import measure

    settings = load_settings(frame, arguments.config)
    wanted = wanted_of(arguments)
    with reading(settings, frame.home) as database:
        account = chosen_account(database, settings, frame.home, arguments.account)
        accounts = accounts_of(database, settings, frame.home)
        life = life_of(database, account, arguments.run)
        record = record_of(database, life, wanted)
        still_open = open_trades(database, life)
        feed = feed_of(database, life, frame.home, settings)
    answer = ReportAnswer(
        account=account,
        runs=tuple(run.run_id for run in life.runs),
        accounts=accounts,
        sheet=sheet_of(measure(record), feed, record.trades, record.days, still_open),
    )
    return Outcome(data=answer, show=lambda screen: show(screen, answer, arguments.trades))


def show(screen: Screen, answer: ReportAnswer, trades: int) -> None:
    """Whose record it is, then the sheet."""
    from tradewinds.cli.report_tables import show_sheet

    runs = f"run {answer.runs[0]}" if len(answer.runs) == 1 else f"{len(answer.runs)} runs"
    screen.line(f"Account {answer.account}, {runs}")
    show_sheet(screen, answer.sheet, trades)


def wanted_of(arguments: ReportArguments) -> "Wanted":
    """The part that was asked for."""
    from tradewinds.cli.report_data import Wanted

    if arguments.day and arguments.since:
        raise CliError("--day and --since exclude each other", Exit.USAGE, "give one")
    start_ns, end_ns = 0, END_OF_TIME_NS
    if arguments.since:
        start_ns = parse_time_ns(arguments.since, "--since")
    if arguments.day:
        start_ns = parse_time_ns(arguments.day, "--day") // DAY_NS * DAY_NS
        end_ns = start_ns + DAY_NS
    return Wanted(start_ns=start_ns, end_ns=end_ns, strategy=arguments.strategy or "")
