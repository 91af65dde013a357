"""Curves as inline SVG: nothing to load, readable without a script, text alternatives inside."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from typing import Final

import msgspec
from msgspec import Struct

WIDTH: Final = 920
LEFT: Final = 64
RIGHT: Final = 8
TOP: Final = 8
BOTTOM: Final = 22
POINTS_MAX: Final = 1_500
TICKS: Final = 5
NS_PER_S: Final = 1_000_000_000


class Line(Struct, frozen=True, kw_only=True):
    """Points of time (ns) and value. `style` is a class of the page's style sheet."""

    name: str
    points: Sequence[tuple[int, float]]
    style: str = "line"


class Mark(Struct, frozen=True, kw_only=True):
    """Something that happened at a time and a value; `text` is shown when it is pointed at."""

    time_ns: int
    value: float
    style: str
    text: str


class Chart(Struct, frozen=True, kw_only=True):
    """Lines over one time axis. `percent` writes values as percent; `filled` shades to zero."""

    title: str
    lines: Sequence[Line]
    marks: Sequence[Mark] = ()
    height: int = 240
    percent: bool = False
    log: bool = False
    filled: bool = False


LOG_LEAST = 1e-12
"""Smaller prices than any, whose powers would vanish in a float."""


class _Frame:
    """From times and values to places."""

    def __init__(self, chart: Chart) -> None:
        points = [point for line in chart.lines for point in line.points]
        times = [time_ns for time_ns, _ in points]
        values = [value for _, value in points] + [mark.value for mark in chart.marks]
        self.first_ns, self.last_ns = min(times), max(*times, min(times) + 1)
        self.log = chart.log and min(values) > LOG_LEAST
        low, high = self._scaled(min(values)), self._scaled(max(values))
        room = (high - low) * 0.04 or max(abs(high), 1e-9) * 0.01
        self.low, self.high = low - room, high + room
        self.height = chart.height

    def x(self, time_ns: int) -> float:
        share = (time_ns - self.first_ns) / (self.last_ns - self.first_ns)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        share = (self._scaled(value) - self.low) / (self.high - self.low)
        return round(self.height - BOTTOM - share * (self.height - TOP - BOTTOM), 1)

    def ticks(self) -> list[float]:
        if self.log:
            return _log_ticks(math.exp(self.low), math.exp(self.high))
        step = _round_step((self.high - self.low) / TICKS)
        first = math.ceil(self.low / step)
        return [index * step for index in range(first, math.floor(self.high / step) + 1)]

    def _scaled(self, value: float) -> float:
        return math.log(value) if self.log else value


def svg(chart: Chart) -> str:
    """The chart, or a sentence where there is nothing to draw."""
    drawn = [line for line in chart.lines if len(line.points) > 1]
    if not drawn:
        return f'<p class="empty">{escape(chart.title)}: nothing to draw</p>'
    frame = _Frame(chart)
    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH} {chart.height}" role="img">',
        f"<title>{escape(chart.title)}</title>",
        *_axes(frame, chart),
        *(_path(frame, line, chart) for line in drawn),
        *(_mark(frame, mark) for mark in chart.marks),
        *_legend(drawn),
        '<line class="cross" y1="0" y2="0"/><text class="told" y="14"/>',
        f"<desc>{escape(_told(frame, drawn, chart))}</desc></svg>",
    ]
    return "".join(parts)


def thin(points: Sequence[tuple[int, float]], most: int) -> list[tuple[int, float]]:
    """The first, lowest and highest of each stretch, and the last: no extreme is lost."""
    if len(points) <= most:
        return list(points)
    size = -(-len(points) * 3 // most)
    kept: list[tuple[int, float]] = []
    for start in range(0, len(points), size):
        part = points[start : start + size]
        chosen = {part[0], min(part, key=lambda p: p[1]), max(part, key=lambda p: p[1])}
        kept.extend(sorted(chosen))
    return [*kept, points[-1]]


def day_text(time_ns: int) -> str:
    """`2024-01-05`."""
    return f"{datetime.fromtimestamp(time_ns // NS_PER_S, UTC):%Y-%m-%d}"


def value_text(value: float, percent: bool) -> str:
    """As much as its size deserves."""
    if percent:
        return f"{value * 100:.1f} %"
    places = max(0, 3 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:,.{min(places, 8)}f}"


def _axes(frame: _Frame, chart: Chart) -> list[str]:
    parts = []
    for value in frame.ticks():
        y = frame.y(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
        label = value_text(value, chart.percent)
        parts.append(f'<text class="y" x="{LEFT - 6}" y="{y + 4}">{label}</text>')
    for index in range(TICKS + 1):
        time_ns = frame.first_ns + (frame.last_ns - frame.first_ns) * index // TICKS
        anchor = "start" if index == 0 else "end" if index == TICKS else "middle"
        parts.append(
            f'<text class="x" text-anchor="{anchor}" x="{frame.x(time_ns)}"'
            f' y="{chart.height - 6}">{day_text(time_ns)}</text>'
        )
    return parts


def _path(frame: _Frame, line: Line, chart: Chart) -> str:
    points = [(frame.x(t), frame.y(v)) for t, v in thin(line.points, POINTS_MAX)]
    text = " ".join(f"{x},{y}" for x, y in points)
    if chart.filled:
        ground = frame.y(0.0) if not frame.log and frame.low <= 0 <= frame.high else frame.height
        text = f"{points[0][0]},{ground} {text} {points[-1][0]},{ground}"
        return f'<polygon class="{line.style}" points="{text}"/>'
    return f'<polyline class="{line.style}" points="{text}"/>'


def _mark(frame: _Frame, mark: Mark) -> str:
    x, y = frame.x(mark.time_ns), frame.y(mark.value)
    return (
        f'<circle class="{mark.style}" cx="{x}" cy="{y}" r="3.5">'
        f"<title>{escape(mark.text)}</title></circle>"
    )


def _told(frame: _Frame, lines: Sequence[Line], chart: Chart) -> str:
    """What the script reads to tell values under the pointer; a summary for everybody else."""
    rows = [
        {
            "name": line.name,
            "at": [
                [frame.x(t), f"{day_text(t)} {line.name} {value_text(v, chart.percent)}"]
                for t, v in thin(line.points, 300)
            ],
        }
        for line in lines
    ]
    return msgspec.json.encode(rows).decode()


def _log_ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten within, or the two ends where there are not two of them."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = [factor * 10.0**power for power in powers for factor in (1, 2, 5)]
    inside = [value for value in found if low <= value <= high]
    return inside if len(inside) > 1 else [low, high]


def _legend(lines: Sequence[Line]) -> list[str]:
    """Which curve is which, where there are several."""
    if len(lines) < 2:
        return []
    return [
        f'<text class="name {line.style}" x="{WIDTH - RIGHT}" y="{TOP + 10 + 14 * place}">'
        f"{escape(line.name)}</text>"
        for place, line in enumerate(lines)
    ]


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
