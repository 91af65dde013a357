"""A walk-forward as text."""

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

from tradewinds.cli.screen import Screen, Table
from tradewinds.cli.words import NOT_KNOWN, moment, number, percent
from tradewinds.research.bootstrap import NO_INTERVALS
from tradewinds.research.scores import figures_of

if TYPE_CHECKING:
    from tradewinds.cli.walk_forward_answer import WalkForwardAnswer
    from tradewinds.research.bootstrap import Interval
    from tradewinds.research.walk_forward import Whole, WindowResult

WINDOW_COLUMNS = ("test", "chosen", "as set", "market", "trades", "drawdown", "parameters")
WAYS = ("chosen", "benched", "as set")


def show_walk(screen: Screen, answer: "WalkForwardAnswer") -> None:
    """All windows as one, then each."""
    screen.line(answer.label, "bold")
    screen.line(f"{', '.join(answer.strategies)}: out of sample, after all costs")
    screen.table(
        Table(
            title="All test windows together (in brackets: nine in ten resamples)",
            columns=("", *WAYS),
            rows=whole_rows(answer),
            right=frozenset(WAYS),
        )
    )
    screen.table(
        Table(
            title="Windows",
            columns=WINDOW_COLUMNS,
            rows=tuple(window_cells(result) for result in answer.windows),
            right=frozenset(WINDOW_COLUMNS[1:6]),
            clipped=frozenset({"parameters"}),
        )
    )
    screen.line()
    for text in notes(answer):
        screen.paragraph(f"! {text}", "yellow")


def notes(answer: "WalkForwardAnswer") -> tuple[str, ...]:
    """What to keep in mind."""
    return (
        "chosen: the best of training where its lead is more than luck explains,"
        " else the settings in force; benched: the same, but out of it where training lost;"
        " as set: the settings in force, in the same windows.",
        "One account goes through all windows: its drawdown is measured from its peak so far, and"
        " each window ends with everything sold.",
        f"{answer.candidates} parameter sets in each training ranked by {answer.objective};"
        f" {answer.trials} different trials ({answer.evaluations} in all) of these strategies on"
        " these data so far.",
        f"Fees {answer.fees}; {answer.slippage_bps:g} bps against us for spread and slippage.",
        f"Survivorship: {answer.survivorship}.",
        "PAPER: fills are simulated; real ones can be worse.",
    )


def whole_rows(answer: "WalkForwardAnswer") -> tuple[tuple[str, ...], ...]:
    """Figures down, ways across."""
    columns = [
        dict(figure_rows(answer.chosen)),
        *(dict(figure_rows(whole, bare=True)) for whole in (answer.benched, answer.shipped)),
    ]
    names = dict.fromkeys(chain.from_iterable(columns))
    return tuple((name, *(column[name] for column in columns)) for name in names)


def figure_rows(whole: "Whole", *, bare: bool = False) -> Sequence[tuple[str, str]]:
    """One record's figures under the names of every table of results; `bare` without ranges."""
    figures, ranges, trades = whole.figures, whole.intervals, whole.trade_intervals
    if bare:
        ranges, trades = NO_INTERVALS, {}
    return (
        ("Days", str(figures.days)),
        ("Total return", percent(figures.total)),
        ("Monthly return", with_range(figures.monthly, ranges.monthly)),
        ("Deepest drawdown", with_range(whole.drawdown, ranges.drawdown)),
        ("Sharpe", with_range(figures.sharpe, ranges.sharpe, share=False)),
        ("Winning days", with_range(figures.winning_days, ranges.winning_days)),
        ("of those that moved", percent(figures.won_of_moved)),
        ("Trades", str(whole.trades)),
        ("Win rate", with_range(whole.win_rate, trades.get("win_rate"))),
        (
            "Profit factor",
            with_range(whole.profit_factor, trades.get("profit_factor"), share=False),
        ),
        ("Monthly turnover", number(whole.turnover)),
        ("Costs / gross gain", percent(whole.cost_share)),
        ("In the market", percent(whole.exposure)),
        ("Buy and hold", percent(whole.market_change)),
        ("Windows won", f"{whole.windows_won} of {whole.windows}"),
        ("Ended halted", str(whole.halts)),
    )


def with_range(value: float | None, between: "Interval | None", *, share: bool = True) -> str:
    """`1.20 % (-0.40 to 2.90)`."""
    text = percent(value) if share else number(value)
    if between is None or value is None:
        return text
    size = 100 if share else 1
    return f"{text} ({between.low * size:.2f} to {between.high * size:.2f})"


def window_cells(result: "WindowResult") -> tuple[str, ...]:
    """One window."""
    return (
        moment(result.window.test_start_ns)[:10],
        percent(figures_of(result.chosen.returns).total),
        percent(figures_of(result.shipped.returns).total),
        percent(result.chosen.market_change),
        str(len(result.chosen.nets)),
        percent(result.chosen.drawdown),
        parameters_text(result.chosen.params),
    )


def parameters_text(params: dict[str, object]) -> str:
    """`as set`, or what was changed."""
    changed = ", ".join(f"{key.partition('.')[2]}={value}" for key, value in params.items())
    return changed or (WAYS[2] if not params else NOT_KNOWN)
