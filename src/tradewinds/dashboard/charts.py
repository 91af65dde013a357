"""ECharts options as plain data. No functions in them: the browser must never evaluate text."""

import math
from collections.abc import Sequence
from typing import Any

Options = dict[str, Any]

TEXT = "#9aa7b5"
LINE = "#262f3a"
PANEL = "#1b232c"
INFO = "#5cc8f0"
UP = "#4cc38a"
DOWN = "#ff8f80"


def equity_line(points: Sequence[tuple[int, float]], start: float | None) -> Options:
    """Equity over event time, with a dashed line where it began."""
    data = [[time_ns // 1_000_000, round(value, 2)] for time_ns, value in points]
    series: Options = _area("Equity", data, INFO, "rgba(92,200,240,0.13)")
    if start is not None:
        series["markLine"] = {
            "silent": True,
            "symbol": "none",
            "lineStyle": {"color": "#5d6b7a", "type": "dashed", "width": 1},
            "label": {"show": False},
            "data": [{"yAxis": round(start, 2)}],
        }
    levels = [value for _, value in points] + ([] if start is None else [start])
    return _frame(series, _money_axis() | _around(levels))


def _around(levels: Sequence[float]) -> Options:
    # A flat line would otherwise be drawn on a scale of hundreds, and a cent as a cliff.
    if not levels:
        return {}
    margin = max(1.0, (max(levels) - min(levels)) * 0.08)
    return {"min": math.floor(min(levels) - margin), "max": math.ceil(max(levels) + margin)}


def drawdown_area(points: Sequence[tuple[int, float]]) -> Options:
    """How far below its highest point equity is, in percent, as a falling area."""
    peak, data = float("-inf"), []
    for time_ns, value in points:
        peak = max(peak, value)
        share = (value - peak) / peak * 100 if peak > 0 else 0.0
        data.append([time_ns // 1_000_000, round(share, 3)])
    axis = _money_axis() | {"max": 0, "scale": False}
    axis["axisLabel"] = axis["axisLabel"] | {"formatter": "{value}%"}
    return _frame(_area("Drawdown %", data, DOWN, "rgba(255,143,128,0.16)"), axis)


def daily_bars(days: Sequence[tuple[str, float]]) -> Options:
    """Net result per UTC day; above and below the line, and coloured."""
    bars = [
        {"value": round(value, 2), "itemStyle": {"color": UP if value >= 0 else DOWN}}
        for _, value in days
    ]
    series = {"name": "Net", "type": "bar", "barMaxWidth": 26, "data": bars}
    options = _frame(series, _money_axis() | {"scale": False})
    options["xAxis"] = _axis("category") | {"data": [day for day, _ in days]}
    options["tooltip"]["axisPointer"] = {"type": "shadow"}
    return options


def _area(name: str, data: list[list[float]], line: str, fill: str) -> Options:
    return {
        "name": name,
        "type": "line",
        "showSymbol": False,
        "data": data,
        "lineStyle": {"color": line, "width": 1.6},
        "itemStyle": {"color": line},
        "areaStyle": {"color": fill},
    }


def _frame(series: Options, value_axis: Options) -> Options:
    return {
        "animation": False,
        "textStyle": {"fontFamily": "Roboto, system-ui, sans-serif"},
        "useUTC": True,
        "grid": {"left": 8, "right": 14, "top": 12, "bottom": 4, "containLabel": True},
        "xAxis": _axis("time"),
        "yAxis": value_axis,
        "series": [series],
        "tooltip": {
            "trigger": "axis",
            "backgroundColor": PANEL,
            "borderColor": "#3a4653",
            "textStyle": {"color": "#dce3ea", "fontSize": 12},
        },
    }


def _axis(kind: str) -> Options:
    return {
        "type": kind,
        "axisLine": {"lineStyle": {"color": "#3a4653"}},
        "axisTick": {"show": False},
        "axisLabel": {"color": TEXT, "fontSize": 11, "hideOverlap": True},
        "splitLine": {"show": False},
    }


def _money_axis() -> Options:
    return {
        "type": "value",
        "scale": True,
        "splitNumber": 4,
        "axisLabel": {"color": TEXT, "fontSize": 11},
        "splitLine": {"lineStyle": {"color": LINE}},
    }
