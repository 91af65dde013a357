"""A sheet of results as text."""

from collections.abc import Sequence
from typing import Final

from tradewinds.cli.report_sheet import ResultRow, Sheet
from tradewinds.cli.screen import Screen, Table
from tradewinds.cli.words import moment, money, signed
from tradewinds.ledger.performance_rows import to_rows
from tradewinds.model.portfolio import Trade

MONEY_COLUMNS: Final = ("gross", "fees", "slippage", "funding", "AI", "net")
DAYS_SHOWN: Final = 31


def show_sheet(screen: Screen, sheet: Sheet, trades_shown: int) -> None:
    """Label, figures, who made and lost it, trades, and what to keep in mind."""
    screen.line(sheet.feed.label, "loud" if sheet.feed.synthetic else "bold")
    screen.line()
    screen.pairs(to_rows(sheet.performance, sheet.feed.currency))
    show_results(screen, "strategy", sheet.by_strategy)
    show_results(screen, "instrument", sheet.by_instrument)
    show_results(screen, "day", sheet.by_day[-DAYS_SHOWN:])
    if trades_shown:
        show_trades(screen, sheet.trades, trades_shown)
    screen.line()
    for caveat in sheet.caveats:
        screen.paragraph(f"! {caveat}", "yellow")


def show_results(screen: Screen, what: str, rows: Sequence[ResultRow]) -> None:
    """A table of money by name."""
    columns = (what, "trades", "wins", *MONEY_COLUMNS)
    screen.table(
        Table(
            title=f"By {what}",
            columns=columns,
            rows=tuple(result_cells(row) for row in rows),
            right=frozenset(columns[1:]),
        )
    )


def result_cells(row: ResultRow) -> tuple[str, ...]:
    """One row of money."""
    totals = row.totals
    costs = (totals.fees, totals.slippage, totals.funding, totals.ai_cost)
    return (
        row.name,
        str(row.trades),
        str(row.wins),
        signed(totals.gross),
        *map(money, costs),
        signed(totals.net),
    )


def show_trades(screen: Screen, trades: Sequence[Trade], shown: int) -> None:
    """The last round trips, newest last."""
    last = trades[-shown:]
    count = f"{len(last)} of {len(trades)}" if len(last) < len(trades) else str(len(trades))
    screen.table(
        Table(
            title=f"Trades ({count})",
            columns=("closed", "strategy", "instrument", "side", "P&L", "why"),
            rows=tuple(trade_cells(trade) for trade in last),
            right=frozenset({"P&L"}),
            clipped=frozenset({"why"}),
        )
    )


def trade_cells(trade: Trade) -> tuple[str, ...]:
    """One round trip."""
    return (
        moment(trade.closed_time_ns)[2:16],
        trade.strategy_id,
        trade.instrument_id,
        trade.side.value,
        signed(trade.realised),
        trade.exit_reason,
    )
