"""Rows as text and JSON."""

from collections.abc import Sequence

from msgspec import Struct


class Row(Struct, frozen=True, kw_only=True):
    """One measurement. `ratio` to the floor of the same run, where there is one."""

    name: str
    figure: float
    unit: str
    ratio: float | None = None


def as_text(rows: Sequence[Row]) -> str:
    """Aligned columns; Markdown, so that it can be kept as it is."""
    width = max(len(row.name) for row in rows)
    lines = [
        f"| {'what':<{width}} | {'figure':>12} | unit     | x floor |",
        f"|{'-' * (width + 2)}|{'-' * 13}:|----------|--------:|",
    ]
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        figure = f"{row.figure:,.0f}" if row.figure >= 1_000 else f"{row.figure:,.1f}"
        lines.append(f"| {row.name:<{width}} | {figure:>12} | {row.unit:<8} | {ratio:>7} |")
    return "\n".join(lines) + "\n"
