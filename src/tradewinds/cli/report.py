"""`report`: what was made and what it cost, from the store."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from tradewinds.cli.config_verbs import CONFIG_HELP, load_settings
from tradewinds.cli.exits import CliError, Exit
from tradewinds.cli.option import Option
from tradewinds.cli.outcome import Frame, Outcome
from tradewinds.cli.store_access import reading
from tradewinds.cli.words import SECOND_NS, parse_time_ns
from tradewinds.model.ids import Asset

if TYPE_CHECKING:
    from tradewinds.cli.report_data import Wanted

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
    trades: Annotated[
        int, Option(help="How many of the last trades to list.", least=0, most=10_000)
    ] = TRADES_SHOWN
    config: Annotated[Path | None, Option(help=CONFIG_HELP, metavar="FILE")] = None


def report(arguments: ReportArguments, frame: Frame) -> Outcome:
    """Performance and costs, per strategy, instrument and day, with the trades."""
    from tradewinds.cli.report_data import feed_of, record_of
    from tradewinds.cli.report_sheet import sheet_of
    from tradewinds.cli.report_tables import show_sheet
    from tradewinds.ledger.performance import measure

    settings = load_settings(frame, arguments.config)
    wanted = wanted_of(arguments, settings.account.name)
    with reading(settings, frame.home) as engine:
        record = record_of(engine, wanted)
        currency = Asset(settings.account.currency)
        feed = feed_of(engine, wanted.account, frame.home, currency)
    sheet = sheet_of(measure(record), feed, record.trades, record.days)
    return Outcome(data=sheet, show=lambda screen: show_sheet(screen, sheet, arguments.trades))


def wanted_of(arguments: ReportArguments, account: str) -> "Wanted":
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
    return Wanted(
        account=account, start_ns=start_ns, end_ns=end_ns, strategy=arguments.strategy or ""
    )
