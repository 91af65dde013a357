"""A backtest as one HTML file: equity, drawdown, trades on the price, regimes, months, costs."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from tradewinds.cli.backtest_answer import BacktestAnswer, run_rows
from tradewinds.cli.report_sheet import ResultRow
from tradewinds.cli.report_tables import MONEY_COLUMNS, result_cells
from tradewinds.cli.words import moment, number, percent, plain
from tradewinds.cli.words import signed as signed_money
from tradewinds.ledger.performance_rows import to_rows
from tradewinds.model.ids import InstrumentId
from tradewinds.model.portfolio import Trade
from tradewinds.research.charts import Chart, Line, Mark
from tradewinds.research.page import Cell, Pairs, Rows, Section, page, signed

if TYPE_CHECKING:
    from tradewinds.ledger.curve import MonthReturn
    from tradewinds.research.backtest import BacktestResult
    from tradewinds.research.regimes import RegimeRow

CHARTED: Final = 12
"""Instruments whose price is drawn: those traded most."""
LISTED: Final = 2_000
MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip

Points = Sequence[tuple[int, float]]


def backtest_page(answer: BacktestAnswer, result: "BacktestResult") -> str:
    """The file's text."""
    sheet = answer.sheet
    span = f"{moment(answer.start_ns)} to {moment(answer.end_ns)}"
    return page(
        f"Backtest of {', '.join(answer.strategies) or 'nothing'}",
        f"{sheet.feed.label} · {span}",
        sheet.caveats,
        [
            Section(title="Result", parts=[Pairs(rows=summary(answer))]),
            *curve_sections(answer.equity, hold(result)),
            Section(title="By month", parts=[months(sheet.performance.returns.monthly)]),
            Section(
                title="By regime",
                parts=[regime_table(answer.regimes)],
                note="The market over the thirty days before each day.",
            ),
            Section(title="Under these conditions", parts=[Pairs(rows=answer.conditions.rows())]),
            Section(title="All figures", parts=[Pairs(rows=all_figures(answer))]),
            *tables(answer),
            *price_sections(result),
            Section(title="Trades", parts=[trade_table(sheet.trades)]),
            Section(title="The run", parts=[Pairs(rows=[*run_rows(answer), *parameters(answer)])]),
        ],
    )


def summary(answer: BacktestAnswer) -> list[tuple[str, str]]:
    """What to look at first, the bad with the good."""
    figures = answer.sheet.performance
    costs = figures.realised.costs
    return [
        ("Total return", percent(figures.returns.total)),
        ("Buy and hold", percent(figures.market_change)),
        ("Deepest drawdown", percent(figures.drawdown.share if figures.drawdown else None)),
        ("Sharpe", number(figures.returns.sharpe)),
        ("Win rate", percent(figures.trades.win_rate)),
        ("Profit factor", number(figures.trades.profit_factor)),
        ("Trades", str(figures.trades.trades)),
        ("Paid in costs", f"{costs:,.2f} {answer.sheet.feed.currency}"),
        ("Time in the market", percent(figures.exposure_share)),
        ("Trials made", str(answer.conditions.trials)),
    ]


def all_figures(answer: BacktestAnswer) -> Sequence[tuple[str, str]]:
    """Everything the terminal shows."""
    return to_rows(answer.sheet.performance, answer.sheet.feed.currency)


def parameters(answer: BacktestAnswer) -> list[tuple[str, str]]:
    """What was set; the rest are defaults."""
    return [
        (f"{name}.{key}", str(value))
        for name, given in answer.strategies.items()
        for key, value in given.items()
    ]


def curve_sections(equity: Sequence[tuple[int, Decimal]], held: Points) -> list[Section]:
    """Equity with buy-and-hold of the same money, and how far under water."""
    points = [(time_ns, float(value)) for time_ns, value in equity]
    start = points[0][1] if points else 1.0
    against = [(time_ns, start * level) for time_ns, level in held]
    lines = [Line(name="equity", points=points)]
    with_market = [*lines, Line(name="buy and hold", points=against, style="other")]
    return [
        Section(
            title="Equity",
            parts=[Chart(title="Equity, account currency", lines=lines)],
        ),
        Section(title="Drawdown", parts=[drawdown_chart(points)]),
        Section(
            title="Against buy and hold",
            parts=[Chart(title="Equity and buy-and-hold", lines=with_market, log=True)],
            note="Logarithmic; buy-and-hold of equal parts of everything, without costs.",
        ),
    ]


def drawdown_chart(points: Points) -> Chart:
    """Distance below the highest point so far."""
    peaks = accumulate((value for _, value in points), max)
    falls = [
        (time_ns, value / peak - 1)
        for (time_ns, value), peak in zip(points, peaks, strict=True)
        if peak > 0
    ]
    line = Line(name="drawdown", points=falls, style="fall")
    return Chart(title="Drawdown", lines=[line], height=140, percent=True, filled=True)


def hold(result: "BacktestResult") -> list[tuple[int, float]]:
    """Mean of price over first price, from the first look on."""
    firsts: dict[int, float] = {}
    found = []
    for time_ns, row in zip(result.prices.times, result.prices.mids, strict=True):
        for column, price in enumerate(row):
            if price:
                firsts.setdefault(column, price)
        levels = [row[column] / first for column, first in firsts.items() if row[column]]
        if levels:
            found.append((time_ns, sum(levels) / len(levels)))
    return found


def price_sections(result: "BacktestResult") -> list[Section]:
    """The price of what was traded most, with every entry and exit on it."""
    by_instrument: dict[InstrumentId, list[Trade]] = {}
    for trade in result.trades:
        by_instrument.setdefault(trade.instrument_id, []).append(trade)
    busiest = sorted(by_instrument, key=lambda each: (-len(by_instrument[each]), each))
    charts = [
        Chart(
            title=f"{each}: {len(by_instrument[each])} trades",
            lines=[Line(name=each, points=result.prices.of(each))],
            marks=[mark for trade in by_instrument[each] for mark in marks_of(trade)],
        )
        for each in busiest[:CHARTED]
    ]
    left = len(busiest) - len(charts)
    note = "Blue: entry. Green: exit with a gain. Red: exit with a loss."
    more = f" {left} instruments with fewer trades are not drawn." if left > 0 else ""
    return [
        Section(title="Trades on the price" if not index else chart.title, parts=[chart],
                note=f"{chart.title}. {note}{more}" if not index else "")
        for index, chart in enumerate(charts)
    ]  # fmt: skip


def marks_of(trade: Trade) -> tuple[Mark, Mark]:
    """Where it began and ended."""
    what = f"{trade.strategy_id} {trade.side.value} {plain(trade.entry_quantity)}"
    won = trade.realised > 0
    return (
        Mark(
            time_ns=trade.opened_time_ns,
            value=float(trade.entry_price),
            style="in",
            text=f"{moment(trade.opened_time_ns)} {what} at {trade.entry_price:.8g}",
        ),
        Mark(
            time_ns=trade.closed_time_ns,
            value=float(trade.exit_price),
            style="won" if won else "lost",
            text=(
                f"{moment(trade.closed_time_ns)} out at {trade.exit_price:.8g}:"
                f" {signed_money(trade.realised)} ({trade.exit_reason})"
            ),
        ),
    )


def months(monthly: "Sequence[MonthReturn]") -> Rows:
    """Years down, months across, the year's return at the end."""
    found: dict[int, dict[int, float]] = {}
    for each in monthly:
        found.setdefault(each.year, {})[each.month] = each.value
    rows = []
    for year, values in sorted(found.items()):
        whole = 1.0
        for value in values.values():
            whole *= 1 + value
        cells = [share(values.get(month)) for month in range(1, 13)]
        rows.append([str(year), *cells, share(whole - 1)])
    return Rows(columns=["", *MONTHS, "Year"], rows=rows)


def share(value: float | None) -> Cell:
    """A return, coloured by its sign."""
    return "" if value is None else signed(percent(value), value)


def regime_table(regimes: "Sequence[RegimeRow]") -> Rows:
    """How it did in each kind of market."""
    return Rows(
        columns=["Market", "Days", "Total", "Buy and hold", "Sharpe", "Winning days"],
        rows=[
            [
                row.name,
                str(row.days),
                share(row.total),
                share(row.market),
                number(row.sharpe),
                percent(row.winning_days),
            ]
            for row in regimes
        ],
    )


def tables(answer: BacktestAnswer) -> list[Section]:
    """Money by strategy, instrument and day."""
    sheet = answer.sheet
    groups = (("strategy", sheet.by_strategy), ("instrument", sheet.by_instrument))
    plain_ones = [
        Section(title=f"By {what}", parts=[money_table(what, rows)]) for what, rows in groups
    ]
    folded = money_table("day", sheet.by_day, f"{len(sheet.by_day)} days with a result")
    return [*plain_ones, Section(title="By day", parts=[folded])]


def money_table(what: str, rows: Sequence[ResultRow], folded: str = "") -> Rows:
    """As in the terminal."""
    return Rows(
        columns=[what, "trades", "wins", *MONEY_COLUMNS],
        rows=[
            [*(cells := result_cells(row))[:-1], signed(cells[-1], float(row.totals.net))]
            for row in rows
        ],
        folded=folded,
    )


def trade_table(trades: Sequence[Trade]) -> Rows:
    """Every closed one, as far as a page can hold them; the JSON has all."""
    shown = trades[-LISTED:]
    return Rows(
        columns=["Closed", "Strategy", "Instrument", "Side", "Quantity", "Entry", "Exit", "Fees",
                 "Result", "Why in", "Why out"],
        rows=[
            [
                moment(trade.closed_time_ns),
                trade.strategy_id,
                trade.instrument_id,
                trade.side.value,
                plain(trade.entry_quantity),
                f"{trade.entry_price:.8g}",
                f"{trade.exit_price:.8g}",
                f"{trade.fees:.4f}",
                signed(signed_money(trade.realised), float(trade.realised)),
                trade.reason,
                trade.exit_reason,
            ]
            for trade in shown
        ],
        folded=f"{len(shown)} of {len(trades)} closed trades",
    )  # fmt: skip
