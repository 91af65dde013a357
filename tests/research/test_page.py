"""Pages stand alone, draw what is there, and let no text become code."""

import math
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewinds.model.ids import InstrumentId
from tradewinds.research.charts import Chart, Line, Mark, svg, thin
from tradewinds.research.page import Pairs, Rows, Section, page, signed
from tradewinds.research.price_path import ROWS_MAX, PriceWatch
from tradewinds.research.regimes import UNKNOWN, regime_names, regimes

HOSTILE = '<script>alert("x")</script>&"\''
DAY_NS = 86_400_000_000_000


class Tags(HTMLParser):
    """What a browser would see."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.links += [
            value or "" for name, value in attrs if name in ("src", "href", "xlink:href")
        ]


def test_a_page_needs_nothing_from_outside_and_escapes_everything() -> None:
    line = Line(name=HOSTILE, points=[(0, 1.0), (DAY_NS, 2.0)])
    mark = Mark(time_ns=0, value=1.0, style="in", text=HOSTILE)
    text = page(
        HOSTILE,
        HOSTILE,
        [HOSTILE],
        [
            Section(title=HOSTILE, note=HOSTILE, parts=[Pairs(rows=[(HOSTILE, HOSTILE)])]),
            Section(
                title="t",
                parts=[
                    Rows(columns=[HOSTILE], rows=[[HOSTILE], [(HOSTILE, False)]], folded=HOSTILE),
                    Chart(title=HOSTILE, lines=[line], marks=[mark]),
                ],
            ),
        ],
    )
    tags = Tags(text)
    assert tags.seen.count("script") == 1
    assert tags.links == []
    assert not re.search(r"https?://|@import|url\(", text)
    assert "default-src 'none'" in text
    assert 'alert("x")' not in text


@pytest.mark.parametrize("points", [[], [(5, 1.0)]])
def test_nothing_to_draw_is_said(points: list[tuple[int, float]]) -> None:
    assert "nothing to draw" in svg(Chart(title="Equity", lines=[Line(name="e", points=points)]))


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=50), st.booleans(), st.booleans())
def test_every_curve_stays_in_its_frame(values: list[float], filled: bool, log: bool) -> None:
    points = [(index * DAY_NS, value) for index, value in enumerate(values)]
    line = Line(name="e", points=points)
    text = svg(Chart(title="e", lines=[line], height=200, filled=filled, log=log))
    drawn = re.search(r' points="([^"]+)"', text)
    assert drawn is not None
    for pair in drawn[1].split():
        x, y = map(float, pair.split(","))
        assert 0 <= x <= 920
        assert 0 <= y <= 200
        assert math.isfinite(x + y)


def test_thinning_keeps_extremes() -> None:
    points = [(n, math.sin(n / 50)) for n in range(10_000)]
    points[1234] = (1234, -99.0)
    kept = thin(points, 300)
    assert len(kept) < 310
    assert (1234, -99.0) in kept


def test_a_gain_and_a_loss_are_told_by_colour_and_nothing_by_none() -> None:
    assert signed("+1", 1.0) == ("+1", True)
    assert signed("-1", -1.0) == ("-1", False)
    assert signed("0", 0.0) == "0"


def test_prices_are_thinned_but_reach_to_the_end() -> None:
    clock = iter(range(10**6))
    watch = PriceWatch([InstrumentId("A")], lambda _: float(next(clock)))
    for index in range(3 * ROWS_MAX):
        watch.look(index)
    path = watch.path()
    assert ROWS_MAX // 2 <= len(path.times) <= ROWS_MAX
    assert path.times[-1] > 3 * ROWS_MAX - 8
    assert [time for time, _ in path.of(InstrumentId("A"))] == list(path.times)


def test_a_regime_is_told_by_the_days_before_it_alone() -> None:
    market = {day: (0.02 if day < 60 else -0.02) for day in range(120)}
    names = regime_names(market, 0, 120)
    changed = regime_names(market | dict.fromkeys(range(80, 120), 0.5), 0, 120)
    trend = [name.partition(",")[0] for name in names]
    assert trend[5] == UNKNOWN
    assert (trend[59], trend[110]) == ("up", "down")
    assert [name.partition(",")[0] for name in changed[:80]] == trend[:80]


def test_regimes_share_out_every_day() -> None:
    watch = PriceWatch([InstrumentId("A")], lambda _: 100.0 + len(days))
    days: list[int] = []
    for day in range(100):
        days.append(day)
        watch.look(day * DAY_NS)
    rows = regimes([0.001] * 100, 0, watch.path())
    assert sum(row.days for row in rows) == 100
    assert all(row.mean_daily == pytest.approx(0.001) for row in rows)
