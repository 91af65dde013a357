"""Text for people: aligned columns that fit the width, colour only on a terminal."""

import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import TextIO

from msgspec import Struct

CODES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "loud": "1;30;43",
}.items()
NARROWEST = 8
GAP = "  "


class Table(Struct, frozen=True, kw_only=True):
    """Rows of text. Columns named in `right` are numbers and line up at their right edge.

    Others are wrapped where the width is short, but those in `clipped` are cut, and go first.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[str] = frozenset()
    clipped: frozenset[str] = frozenset()
    title: str = ""


class Screen:
    """Where text goes, and whether it may be coloured."""

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self.coloured = out.isatty() and "NO_COLOR" not in os.environ
        self.width = max(40, shutil.get_terminal_size((80, 24)).columns)

    def line(self, text: str = "", style: str = "") -> None:
        """One line as it is, in one style."""
        self.out.write(self.styled(text, style) + "\n")

    def styled(self, text: str, style: str) -> str:
        """`text` in a style, where colour is wanted."""
        code = next((code for name, code in CODES if name == style), "")
        return f"\x1b[{code}m{text}\x1b[0m" if self.coloured and code else text

    def paragraph(self, text: str, style: str = "", indent: str = "") -> None:
        """Prose, wrapped at the width; an empty line in it stays one."""
        for index, part in enumerate(text.strip().split("\n\n")):
            if index:
                self.line()
            words = " ".join(part.split())
            for line in textwrap.wrap(
                words, self.width, initial_indent=indent, subsequent_indent=indent
            ):
                self.line(line, style)

    def hanging(self, lead: str, text: str, style: str = "") -> None:
        """`lead` in a style, then `text`, whose further lines stand below its first."""
        room = max(NARROWEST, self.width - len(lead))
        lines = [line for part in text.splitlines() for line in textwrap.wrap(part, room)] or [""]
        self.line(self.styled(lead, style) + lines[0])
        for line in lines[1:]:
            self.line(" " * len(lead) + line)

    def pairs(self, rows: Sequence[tuple[str, str]]) -> None:
        """`name  value`, one a line."""
        width = max((len(name) for name, _ in rows), default=0)
        for name, value in rows:
            self.hanging(name.ljust(width) + GAP, value, "dim")

    def table(self, table: Table) -> None:
        """A header and rows; the widest text column is wrapped until the table fits."""
        if table.title:
            self.line()
            self.line(table.title, "bold")
        if not table.rows:
            self.line("  (none)", "dim")
            return
        widths = fit(table, self.width)
        self._row(table, table.columns, widths, "dim")
        for row in table.rows:
            self._row(table, row, widths, "")

    def _row(self, table: Table, cells: Sequence[str], widths: Sequence[int], style: str) -> None:
        columns = list(zip(table.columns, cells, widths, strict=True))
        wrapped = [
            [clip(cell, width)] if name in table.clipped else textwrap.wrap(cell, width) or [""]
            for name, cell, width in columns
        ]
        for index in range(max(map(len, wrapped))):
            parts = []
            for (name, _, width), lines in zip(columns, wrapped, strict=True):
                text = lines[index] if index < len(lines) else ""
                parts.append(text.rjust(width) if name in table.right else text.ljust(width))
            self.line(GAP.join(parts).rstrip(), style)


def fit(table: Table, width: int) -> list[int]:
    """Column widths that add up to at most `width`, where narrowing text columns allows it."""
    widths = [
        max(len(cell) for cell in column) for column in zip(table.columns, *table.rows, strict=True)
    ]
    spare = width - len(GAP) * (len(widths) - 1)
    named = dict(enumerate(table.columns))
    for group in (table.clipped, frozenset(table.columns) - table.right):
        texts = [index for index, name in named.items() if name in group]
        while sum(widths) > spare and texts:
            widest = max(texts, key=lambda index: widths[index])
            if widths[widest] <= NARROWEST:
                break
            widths[widest] -= 1
    return widths


def clip(text: str, width: int) -> str:
    """One line that shows where it was cut."""
    return text if len(text) <= width else text[: width - 2] + ".."


def standard_screen() -> Screen:
    """The terminal. Characters it cannot show become '?', never an error."""
    return Screen(replacing(sys.stdout))


def replacing(stream: TextIO) -> TextIO:
    """The stream, told not to fail on what its encoding lacks."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
    return stream
