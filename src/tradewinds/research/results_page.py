"""The results of every tier on every data set as one Markdown page, whatever they are."""

import math
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct, structs

from tradewinds import __version__
from tradewinds.research.bootstrap import Interval
from tradewinds.research.charts import day_text
from tradewinds.research.deflated import probabilistic_sharpe
from tradewinds.research.results import CellResult
from tradewinds.research.scores import figures_of
from tradewinds.research.trial import Trial
from tradewinds.research.walk_forward import Whole, WindowResult, whole

UNKNOWN: Final = "-"
COMMAND: Final = "trading-cli results"


class Target(Struct, frozen=True, kw_only=True):
    """What the specification asks for, and whether a record has it."""

    name: str
    asked: str


TARGETS: Final = (
    Target(name="Monthly return", asked="20 to 50 %"),
    Target(name="Deepest drawdown", asked="under 5 %"),
    Target(name="Sharpe", asked="above 1.5"),
    Target(name="Win rate", asked="above 70 % (arbitrage)"),
    Target(name="Winning days", asked="above 80 %"),
)
NAMES: Final = (
    "Monthly return",
    "Deepest drawdown",
    "Sharpe",
    "Winning days",
    "Winning days of those that moved",
    "Win rate",
    "Profit factor",
    "Trades",
    "Turnover a month / balance",
    "Costs / gross gain",
    "Buy and hold",
    "P(Sharpe > 0)",
)


def results_page(
    cells: Sequence[CellResult], conditions: Sequence[str], asked: int | None = None
) -> str:
    """The whole page. `asked` is how many pairs there should be, begun or not."""
    walked = [cell for cell in cells if cell.results]
    parts = [
        "# Results",
        _opening(cells, len(cells) if asked is None else asked),
        "## Conditions",
        "\n".join(f"- {text}" for text in conditions),
        "## Against the targets",
        _targets(walked),
        "## Every tier on every data set",
        "Parameters chosen in the training windows only; all figures from the test windows after"
        " them, after all costs. In brackets: nine in ten block-bootstrap resamples lie within.",
        *(_tier(name, [c for c in walked if c.heading.tier == name]) for name in _tiers(walked)),
        "## Data too short for windows",
        _plain_table([cell for cell in cells if cell.plain is not None]),
        "## Every window, and what was not chosen",
        "`as set` is the shipped settings in the same test window; `losing` counts the parameter"
        " sets that lost money in that training.",
        *(_windows(cell) for cell in walked),
        _problems(cells),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _opening(cells: Sequence[CellResult], asked: int) -> str:
    done = sum(cell.finished for cell in cells)
    state = (
        "All of it is finished."
        if done == asked
        else f"**Unfinished: {done} of {asked} are done;** the same command goes on."
    )
    return (
        f"Made by `{_command(cells)}` of Tradewinds {__version__}; run it again to get this page"
        f" from your copy of the data. {state}\n\n"
        "These figures say what would have happened on recordings picked by people who knew"
        " what came after. They are not what anybody will earn."
    )


def _command(cells: Sequence[CellResult]) -> str:
    """As it was typed, for with other candidates other parameters are chosen."""
    # The shipped settings are one of them, and for what has no parameters the only one.
    drawn = max((cell.heading.candidates - 1 for cell in cells), default=0)
    return f"{COMMAND} FOLDER --candidates {max(drawn, 0)}"


def _tiers(cells: Iterable[CellResult]) -> list[str]:
    return list(dict.fromkeys(cell.heading.tier for cell in cells))


def _targets(cells: Sequence[CellResult]) -> str:
    head = ["Tier", "Data", *(f"{target.name} ({target.asked})" for target in TARGETS)]
    rows = []
    for cell in cells:
        record = whole(result.chosen for result in cell.results)
        rows.append([cell.heading.tier, _data(cell), *(_met(cell, record))])
    return _table(head, rows) if rows else "No walk-forward has been made yet."


def _met(cell: CellResult, record: Whole) -> list[str]:
    figures = record.figures
    if not record.trades:
        return ["no trades"] * len(TARGETS)
    arbitrage = cell.heading.tier == "triangular"
    return [
        _verdict(_percent(figures.monthly), (figures.monthly or 0) >= 0.20),
        _verdict(_percent(record.drawdown), record.drawdown < 0.05),
        _verdict(_number(figures.sharpe), (figures.sharpe or 0) > 1.5),
        _verdict(_percent(record.win_rate), (record.win_rate or 0) > 0.7)
        if arbitrage
        else _percent(record.win_rate),
        _verdict(_percent(figures.winning_days), (figures.winning_days or 0) > 0.8),
    ]


def _verdict(text: str, met: bool) -> str:
    return f"{text}, {'met' if met else '**missed**'}"


def _tier(name: str, cells: Sequence[CellResult]) -> str:
    columns: list[tuple[str, list[str]]] = []
    for cell in cells:
        results = cell.results
        ways = (
            ("chosen", whole(result.chosen for result in results)),
            ("benched", whole(result.benched for result in results)),
            ("as set", whole(result.shipped for result in results)),
        )
        for way, record in ways:
            columns.append((f"{_data(cell)} | {way}", _figures(record)))
    if len(cells) > 1:
        name_of_all = f"all {len(cells)} data sets, an account each | chosen"
        columns.append((name_of_all, _figures(_pooled(cells))))
    head = ["Data", "Way", *NAMES]
    rows = [[*label.split(" | "), *figures] for label, figures in columns]
    return f"### {name}\n\n{_table(head, rows)}"


def _pooled(cells: Sequence[CellResult]) -> Whole:
    """The days of all data sets together. Each had an account of its own, so the deepest fall is
    that of one of them, and has no range."""
    record = whole(result.chosen for cell in cells for result in cell.results)
    each = [whole(result.chosen for result in cell.results) for cell in cells]
    return structs.replace(
        record,
        drawdown=max(one.drawdown for one in each),
        intervals=structs.replace(record.intervals, drawdown=None),
    )


def _figures(record: Whole) -> list[str]:
    figures, ranges, trades = record.figures, record.intervals, record.trade_intervals
    real = probabilistic_sharpe(record.returns, 0.0)
    return [
        _ranged(_percent(figures.monthly), ranges.monthly, 100),
        _ranged(_percent(record.drawdown), ranges.drawdown, 100),
        _ranged(_number(figures.sharpe), ranges.sharpe, 1),
        _ranged(_percent(figures.winning_days), ranges.winning_days, 100),
        _percent(figures.won_of_moved),
        _ranged(_percent(record.win_rate), trades.get("win_rate"), 100),
        _ranged(_number(record.profit_factor), trades.get("profit_factor"), 1),
        str(record.trades),
        _number(record.turnover),
        _percent(record.cost_share),
        _percent(record.market_change),
        _percent(real),
    ]


def _plain_table(cells: Sequence[CellResult]) -> str:
    rows = []
    for cell in cells:
        assert cell.plain is not None
        trial: Trial = cell.plain
        totals = trial.totals
        rows.append(
            [
                cell.heading.tier,
                _data(cell),
                f"{trial.events:,}",
                str(len(trial.nets)),
                f"{totals.net:+.2f}",
                f"{totals.costs:.2f}",
                _percent(trial.drawdown),
            ]
        )
    head = ["Tier", "Data", "Events", "Trades", "Net", "Costs", "Deepest drawdown"]
    return _table(head, rows) if rows else "None."


def _windows(cell: CellResult) -> str:
    heading = cell.heading
    head = ["Test from", "chosen", "as set", "Buy and hold", "Trades", "Drawdown", "Halted",
            "Tried", "Losing", "Worst in training", "Best in training", "Parameters"]  # fmt: skip
    rows = [_window(result) for result in cell.results]
    return (
        f"### {heading.tier}: {_data(cell)}\n\n"
        f"{heading.train_days} days of training, {heading.test_days} of test,"
        f" {len(cell.results)} of {heading.windows} windows, {heading.instruments} instruments,"
        f" fees {heading.fees}.\n\n{_table(head, rows)}"
    )


def _window(result: WindowResult) -> list[str]:
    totals = [tried.total for tried in result.tried]
    chosen = ", ".join(f"{k.partition('.')[2]}={v}" for k, v in result.chosen.params.items())
    return [
        day_text(result.window.test_start_ns),
        _percent(figures_of(result.chosen.returns).total),
        _percent(figures_of(result.shipped.returns).total),
        _percent(result.chosen.market_change),
        str(len(result.chosen.nets)),
        _percent(result.chosen.drawdown),
        "yes" if result.chosen.halted else "no",
        str(len(totals)),
        str(sum(total < 0 for total in totals)),
        _percent(min(totals)),
        _percent(max(totals)),
        chosen or "as set",
    ]


def _problems(cells: Sequence[CellResult]) -> str:
    rows = [
        f"- {cell.heading.tier} on {cell.heading.data}: {cell.heading.problem}"
        for cell in cells
        if cell.heading.problem
    ]
    return "## What could not be run\n\n" + "\n".join(rows) if rows else ""


def _data(cell: CellResult) -> str:
    name = cell.heading.data.removeprefix("REPLAY ").replace("_", " ").replace(".parquet", "")
    if not cell.heading.start_ns:
        return name
    return f"{name}, {day_text(cell.heading.start_ns)} to {day_text(cell.heading.end_ns)}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def _ranged(text: str, between: Interval | None, size: float) -> str:
    if between is None or text == UNKNOWN:
        return text
    return f"{text} ({between.low * size:.2f} to {between.high * size:.2f})"


def _percent(value: float | None) -> str:
    return UNKNOWN if value is None or math.isnan(value) else f"{value * 100:.2f} %"


def _number(value: float | None) -> str:
    return UNKNOWN if value is None or math.isnan(value) else f"{value:.2f}"
