"""The few elements the pages are made of. Each sends an update only when what it shows changed.

None brings a Vue template or calls a browser method, because both need 'unsafe-eval'.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import nicegui.elements.echart  # noqa: F401 - registers the bundled ECharts for chart.js
from nicegui import ui
from nicegui.element import Element
from nicegui.elements.label import Label

from tradewinds.dashboard import formats
from tradewinds.dashboard.views import Column, Row


class Words(Label):
    """A line of text with one changing tone."""

    def __init__(self, text: str = "", css: str = "") -> None:
        super().__init__(text)
        self._tone = ""
        if css:
            self.classes(css)

    def show(self, text: str, tone: str = "") -> None:
        """Set text and tone; nothing is sent when both are as they were."""
        if text != self.text:
            self.set_text(text)
        if tone != self._tone:
            self.classes(remove=self._tone, add=tone)
            self._tone = tone


class Bar(Element):
    """A block whose width is a share of its parent's."""

    def __init__(self, css: str = "") -> None:
        super().__init__("div")
        self._share = -1.0
        if css:
            self.classes(css)
        self.show(0.0)

    def show(self, share: float) -> None:
        """`share` is clipped to [0, 1]."""
        share = round(min(1.0, max(0.0, share)), 4)
        if share != self._share:
            self._share = share
            self.style(f"width: {share:.2%}")


class Tile:
    """A figure with a name above and a note below."""

    def __init__(self, name: str) -> None:
        with tag("div", "tile"):
            Words(name, "name")
            self.value = Words(formats.DASH, "value")
            self.note = Words("\u00a0", "note")

    def result(self, value: Decimal, note: str) -> None:
        """A signed amount."""
        self.value.show(formats.with_arrow(value), f"tone-{formats.tone(value)}")
        self.note.show(note)

    def amount(self, text: str, note: str) -> None:
        """Anything else."""
        self.value.show(text)
        self.note.show(note)


class Grid(Element, component="static/grid.js"):
    """A table of text."""

    def __init__(self, label: str, columns: Sequence[Column], empty: str) -> None:
        super().__init__()
        self._rows: list[Row] = []
        self._props["columns"] = [column.as_props() for column in columns]
        self._props["rows"] = []
        self._props["empty"] = empty
        self._props["label"] = label

    def show(self, rows: Sequence[Row]) -> None:
        """Replace the rows if any cell differs."""
        fresh = list(rows)
        if fresh != self._rows:
            self._rows = fresh
            self._props["rows"] = [row.as_props() for row in fresh]


class Chart(Element, component="static/chart.js"):
    """A picture drawn by ECharts from plain options, without functions in them."""

    def __init__(self, label: str, options: dict[str, Any], css: str = "") -> None:
        super().__init__()
        self._props["options"] = options
        self._props["label"] = label
        if css:
            self.classes(css)

    def show(self, options: dict[str, Any]) -> None:
        """Draw again."""
        self._props["options"] = options


class Feed(Element, component="static/feed.js"):
    """The list of the live page; it fetches its own lines."""

    def __init__(self, kinds: Sequence[str]) -> None:
        super().__init__()
        self._props["kinds"] = list(kinds)


class Modal(Element, component="static/modal.js"):
    """A dialog of the browser; `dismissed` is called on Escape."""

    def __init__(self, label: str, dismissed: Callable[[], None]) -> None:
        super().__init__()
        self._props["open"] = False
        self._props["label"] = label
        self.on("dismiss", dismissed, args=[])

    def show(self, *, is_open: bool) -> None:
        """Open or close."""
        if self._props["open"] != is_open:
            self._props["open"] = is_open


def tag(name: str, css: str = "", text: str = "") -> Element:
    """A plain HTML element, text inside as a text node."""
    element = ui.element(name)
    if css:
        element.classes(css)
    if text:
        with element:
            Words(text).style("display: contents")
    return element


def button(text: str, css: str, clicked: Callable[[], Any]) -> Element:
    """A real button element; its handler runs on the server."""
    element = tag("button", css, text)
    element.props("type=button")
    element.on("click", clicked, args=[])
    return element


def panel(title: str, *, aside: bool = False, css: str = "") -> tuple[Element, Words | None]:
    """A titled box: its body to fill, and the words at the right of its title if asked for."""
    with tag("section", f"panel {css}"):
        with tag("div", "head"):
            tag("h2", "", title)
            words = Words("", "aside") if aside else None
        return tag("div", "body"), words
