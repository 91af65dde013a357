"""A report as one HTML file: styles, charts and the little script inside, nothing from outside."""

from collections.abc import Sequence
from html import escape
from typing import Final

from msgspec import Struct

from tradewinds.research.charts import Chart, svg

NOTHING: Final = "(none)"
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
STYLE: Final = """
:root{color-scheme:light dark;--ink:#1b2430;--soft:#66707d;--rule:#d9dee5;--page:#fff;
--up:#0a7d4f;--down:#c0341d;--line:#1f5fbf;--other:#9a6b00;--warn:#fff4d6}
@media(prefers-color-scheme:dark){:root{--ink:#e7ebf0;--soft:#98a3b0;--rule:#333c47;
--page:#12161b;--up:#4cc38a;--down:#ff7b66;--line:#7fb0ff;--other:#e0b050;--warn:#3a3016}}
body{margin:0 auto;max-width:960px;padding:24px 16px;background:var(--page);color:var(--ink);
font:15px/1.45 system-ui,sans-serif}
h1{font-size:1.4rem;margin:0 0 4px}h2{font-size:1.05rem;margin:28px 0 8px}
p.note{color:var(--soft);margin:4px 0}p.warn{background:var(--warn);padding:6px 10px;margin:6px 0}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;width:100%;font-size:.9rem}
.wide{overflow-x:auto}th,td{padding:3px 10px 3px 0;text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left}tr{border-bottom:1px solid var(--rule)}
th{color:var(--soft);font-weight:500}.good{color:var(--up)}.bad{color:var(--down)}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(270px,1fr));gap:2px 28px;margin:0}
dl div{display:flex;justify-content:space-between;border-bottom:1px solid var(--rule)}
dt{color:var(--soft)}dd{margin:0;font-variant-numeric:tabular-nums;text-align:right}
svg.chart{width:100%;height:auto;display:block}svg text{fill:var(--soft);font-size:11px}
svg text.y{text-anchor:end}svg text.told{fill:var(--ink);font-size:12px}
.grid{stroke:var(--rule)}.cross{stroke:var(--soft)}polyline{fill:none;stroke-width:1.4}
svg text.name{text-anchor:end;stroke:none;font-size:12px}
svg text.name.line{fill:var(--line)}svg text.name.other{fill:var(--other)}
polyline.line{stroke:var(--line)}polyline.other{stroke:var(--other)}polygon.fall{fill:var(--down);opacity:.45}
circle.in{fill:var(--line)}circle.won{fill:var(--up)}circle.lost{fill:var(--down)}
details summary{cursor:pointer;color:var(--soft)}
"""
SCRIPT: Final = """
for(const s of document.querySelectorAll('svg.chart')){
const d=JSON.parse(s.querySelector('desc').textContent),c=s.querySelector('.cross'),
t=s.querySelector('.told'),h=s.viewBox.baseVal.height,w=s.viewBox.baseVal.width;
s.addEventListener('mousemove',e=>{const x=e.offsetX/s.clientWidth*w;
const n=d.map(l=>l.at.reduce((a,b)=>Math.abs(b[0]-x)<Math.abs(a[0]-x)?b:a));
c.setAttribute('x1',n[0][0]);c.setAttribute('x2',n[0][0]);c.setAttribute('y2',h);
t.textContent=n.map(p=>p[1]).join('   ');t.setAttribute('x',70)});
s.addEventListener('mouseleave',()=>{c.setAttribute('y2',0);t.textContent=''})}
"""

Cell = str | tuple[str, bool]
"""Text, or text with whether it is a gain: losses are as plain as gains."""


class Rows(Struct, frozen=True, kw_only=True):
    """A table. `folded` hides a long one behind its title until it is asked for."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    folded: str = ""


class Pairs(Struct, frozen=True, kw_only=True):
    """Names and values."""

    rows: Sequence[tuple[str, str]]


class Section(Struct, frozen=True, kw_only=True):
    """A heading, what to know, and what is shown."""

    title: str
    parts: Sequence[Chart | Rows | Pairs]
    note: str = ""


def page(title: str, under: str, warnings: Sequence[str], sections: Sequence[Section]) -> str:
    """The whole file."""
    told = "".join(f'<p class="warn">{escape(text)}</p>' for text in warnings)
    body = "".join(_section(section) for section in sections)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>"
        f'<h1>{escape(title)}</h1><p class="note">{escape(under)}</p>{told}{body}'
        f"<script>{SCRIPT}</script></body></html>\n"
    )


def signed(text: str, value: float) -> Cell:
    """Coloured by its sign; nothing is neither."""
    return (text, value > 0) if value else text


def _section(section: Section) -> str:
    note = f'<p class="note">{escape(section.note)}</p>' if section.note else ""
    return f"<h2>{escape(section.title)}</h2>{note}" + "".join(_part(p) for p in section.parts)


def _part(part: Chart | Rows | Pairs) -> str:
    match part:
        case Chart():
            return svg(part)
        case Pairs(rows=rows):
            items = (f"<div><dt>{escape(n)}</dt><dd>{escape(v)}</dd></div>" for n, v in rows)
            return f"<dl>{''.join(items)}</dl>"
        case Rows():
            return _table(part)


def _table(part: Rows) -> str:
    if not part.rows:
        return f'<p class="note">{NOTHING}</p>'
    head = "".join(f"<th>{escape(name)}</th>" for name in part.columns)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in part.rows)
    table = f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'
    if not part.folded:
        return table
    return f"<details><summary>{escape(part.folded)}</summary>{table}</details>"


def _cell(cell: Cell) -> str:
    if isinstance(cell, str):
        return f"<td>{escape(cell)}</td>"
    return f'<td class="{"good" if cell[1] else "bad"}">{escape(cell[0])}</td>'
