"""A walk-forward as one HTML file."""

from typing import TYPE_CHECKING

from tradewinds.cli.walk_forward_text import (
    WINDOW_COLUMNS,
    notes,
    parameters_text,
    whole_rows,
    window_cells,
)
from tradewinds.cli.words import moment, number, percent
from tradewinds.research.charts import Chart, Line
from tradewinds.research.page import Cell, Rows, Section, page, signed
from tradewinds.research.scores import figures_of

if TYPE_CHECKING:
    from tradewinds.cli.walk_forward_answer import WalkForwardAnswer
    from tradewinds.research.walk_forward import WindowResult


def walk_forward_page(answer: "WalkForwardAnswer") -> str:
    """The file's text."""
    lines = [
        Line(name="chosen", points=answer.chosen.curve),
        Line(name="as set", points=answer.shipped.curve, style="other"),
    ]
    return page(
        f"Walk-forward of {', '.join(answer.strategies)}",
        f"{answer.label} · out of sample, after all costs",
        notes(answer),
        [
            Section(
                title="All test windows together",
                parts=[Rows(columns=["", "chosen", "benched", "as set"], rows=whole_rows(answer))],
                note="In brackets: nine in ten resamples of the days (or trades) lie within.",
            ),
            Section(
                title="Compounded returns of the test windows",
                parts=[Chart(title="Growth of 1", lines=lines)],
            ),
            Section(
                title="Windows",
                parts=[
                    Rows(columns=WINDOW_COLUMNS, rows=[row_of(each) for each in answer.windows])
                ],
            ),
            *(tried_section(result) for result in answer.windows),
        ],
    )


def row_of(result: "WindowResult") -> list[Cell]:
    """As in the terminal, with its sign."""
    cells: list[Cell] = [*window_cells(result)]
    for place, trial in ((1, result.chosen), (2, result.shipped)):
        total = figures_of(trial.returns).total
        cells[place] = signed(percent(total), total)
    return cells


def tried_section(result: "WindowResult") -> Section:
    """Every candidate of a training, losers included."""
    window = result.window
    return Section(
        title=f"Window {window.number}: what training saw",
        parts=[
            Rows(
                columns=["score", "return", "Sharpe", "trades", "parameters"],
                rows=[
                    [
                        number(tried.score),
                        signed(percent(tried.total), tried.total),
                        number(tried.sharpe),
                        str(tried.trades),
                        parameters_text(tried.params),
                    ]
                    for tried in result.tried
                ],
                folded=f"{len(result.tried)} parameter sets",
            )
        ],
        note=f"{moment(window.train_start_ns)} to {moment(window.train_end_ns)}",
    )
