"""The scorecard of faults as a table, made from the tests themselves.

`python -m tests.faults.scorecard` writes docs/SCORECARD.md; test_scorecard.py compares.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

TESTS = Path(__file__).parent.parent
TABLE = TESTS.parent / "docs" / "SCORECARD.md"
ROW = re.compile(r"[abc]\d{1,2}")
HEAD = """# Scorecard of faults

What goes wrong at venues, in streams and with clocks, and the tests that make it go wrong. P0 must
hold before live trading, P1 before version 1.0. The tests run with all others; none of them may be
skipped, and a build in which one fails is no build. So a row's state is the state of its tests, and
what they leave open stands beside them.

The table is written by `python -m tests.faults.scorecard` from the tests' names, and a test
compares it. Venues are played by the practice venue, to which the real order gateways and the real
engine speak over TLS; "feed" is our own market data client before a scripted server; "paper" is the
engine on the simulated venue. Scenarios with the engine on a venue end with the invariants of
`tests/faults/invariants.py`: venue and ledger agree, money adds up, what is held has its stop at
the venue, the limits hold, an order takes effect once and is journalled before it is sent, no
secret is kept, nothing is turned round.
"""
ROWS: dict[str, tuple[int, str]] = {
    "A1": (0, "Figures that are none (NaN, Inf, empty, null, negative, absurd)"),
    "A2": (0, "A price ten times or a tenth of the last, for one tick"),
    "A3": (0, "Broken frames on the user stream, then a fill"),
    "A4": (0, "A feed or stream that is silent while its socket lives"),
    "A5": (0, "Old data replayed"),
    "A6": (1, "Depth gap, duplicates, wrong order"),
    "A7": (1, "Crossed or empty book, missing, doubled or growing bars"),
    "A8": (1, "Strange symbols"),
    "A9": (0, "Filters changed during the run"),
    "A10": (0, "Market halted, cancel only, or in a state never heard of"),
    "A11": (1, "A market vanishes while a position is open"),
    "A12": (0, "Order sizes of zero, below zero, too fine, too large"),
    "A13": (1, "A dollar coin loses its peg"),
    "B1": (0, "Timeout of the venue: executed, not executed, visible late"),
    "B2": (0, "Connection reset, answer lost, client gives up"),
    "B3": (0, "503 in its four meanings"),
    "B4": (0, "429 with Retry-After"),
    "B5": (0, "418 ban while a position is open"),
    "B6": (1, "403 of a firewall, 451"),
    "B7": (0, "Clock off by seconds, or jumping"),
    "B8": (0, "Key revoked during the run"),
    "B9": (0, "Client order id of an open and of a filled order"),
    "B10": (0, "Partial fill, then cancel or refusal; fill after the cancel"),
    "B11": (0, "Fill before the answer, twice, out of order; fee in the base asset"),
    "B12": (0, "An accepted stop that queries do not show"),
    "B13": (0, "Stop refused right after the entry"),
    "B14": (0, "Stop taken away by the venue"),
    "B15": (0, "A close refused because covered, or because flat"),
    "B16": (1, "Leverage, margin mode or position mode set otherwise"),
    "B17": (0, "Dust"),
    "B18": (1, "Expiry by self-trade prevention, FOK, IOC"),
    "B19": (0, "Coinbase: a refusal inside a 200"),
    "B20": (0, "Coinbase: our order id, and the stop's direction"),
    "B21": (1, "Coinbase: token expired, error frame"),
    "B22": (0, "A market order with a price"),
    "B23": (1, "An answer without price and quantity"),
    "B24": (0, "The user trades by hand"),
    "B25": (0, "Liquidation, deleveraging"),
    "C1": (0, "Listen key expired, or not to be renewed"),
    "C2": (0, "Stream terminated, server shutting down"),
    "C3": (0, "The end of a connection's day, fills in the gap"),
    "C4": (0, "Half-open connection"),
    "C5": (1, "No pong, wrong pong"),
    "C6": (1, "Ten minutes without a connection"),
    "C7": (1, "Coinbase: sequence gap, heartbeats stop"),
    "C8": (0, "Losses around midnight, calendars, time zones"),
    "C9": (0, "Clock set by an hour; two hours of sleep"),
    "C10": (1, "Funding"),
}
REMARKS = {
    "A2": "A quote or print that leaps by more than `limits.price_jump_max` waits for three others "
    "near it, in the engine and at the simulated venue; in a true leap a simulated stop fires that "
    "much later, at what is shown by then. A bar's low and high are believed: nothing later could "
    "confirm them.",
    "A11": "Told as an alarm; entries stop, the resting stop and the books stay. Nothing is sold "
    "by itself: whoever entered, or the operator, decides.",
    "A13": "Money is counted in `account.currency`, and so are the limits: in USDT a dollar is "
    "what USDT says. While a market between two dollar coins is more than 2 % off, nothing is "
    "entered, until it is within 1 %. Without such a market among the symbols nobody notices.",
    "B5": "While banned nothing can be sent, closes included: the stop at the venue is what holds.",
    "C4": "Pings after five seconds of silence, five for the answer; the tests use one and one.",
    "C8": "The day is the UTC day, 24 hours each.",
    "C9": "After the machine's clock was set back the engine's time goes on, prices look old, and "
    "nothing is entered until the engine is started anew. A sleep is noticed where the system "
    "counts it (Linux); elsewhere the silence of feed and stream is what is noticed.",
}


class Test(Struct, frozen=True, kw_only=True):
    """One test, the rows its name claims, and where it plays."""

    name: str
    file: str
    rows: tuple[str, ...]
    places: tuple[str, ...]


def rows_of(name: str) -> tuple[str, ...]:
    """`test_b1_b2_an_entry` claims B1 and B2."""
    found = []
    for word in name.lower().split("_")[1:]:
        if not ROW.fullmatch(word):
            break
        found.append(word.upper())
    return tuple(found)


class Module:
    """What a test of one file reaches, followed through its fixtures, helpers and constants."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tree = ast.parse(path.read_text("utf-8"))
        self.origin: dict[str, str] = {}
        self.made: dict[str, ast.AST] = {}
        for node in self.tree.body:
            self._note(node)

    def _note(self, node: ast.stmt) -> None:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                self.origin[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self.made[node.name] = node
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    self.made[target.id] = node.value

    def tests(self) -> Iterator[Test]:
        """In the order of the file."""
        for name, node in self.made.items():
            if name.startswith("test_") and rows_of(name):
                yield Test(
                    name=name,
                    file=self.path.relative_to(TESTS.parent).as_posix(),
                    rows=rows_of(name),
                    places=self._places(node),
                )

    def _places(self, node: ast.AST) -> tuple[str, ...]:
        words: set[str] = set()
        self._reach(node, words, set())
        found = {place for word in words for place in _places_of(word)}
        kinds = {"spot", "usdm", "coinbase"} & {
            word.removeprefix("'") for word in words if word[:1] == "'"
        }
        if any(word.endswith("live_floor.opened") for word in words):
            found |= {PLACES[f"kind {kind}"] for kind in kinds}
        return tuple(sorted(found))

    def _reach(self, node: ast.AST, words: set[str], seen: set[str]) -> None:
        own = _names_of_its_own(node)
        for part in ast.walk(node):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                words.add(f"'{part.value}")
            name = getattr(part, "id", None) or getattr(part, "arg", None)
            if not isinstance(name, str) or name in seen or name in own:
                continue
            seen.add(name)
            if name in self.made:
                self._reach(self.made[name], words, seen)
            else:
                words.add(self.origin.get(name, f"fixture {name}"))


def _names_of_its_own(node: ast.AST) -> set[str]:
    """What is only called like something of the module. The arguments of tests and of fixtures are
    fixtures; anybody else's are its own."""
    inside = list(ast.walk(node))
    own = {n.id for n in inside if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    for part in inside:
        function = isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if function and not (part is node and _is_given_fixtures(part)):
            arguments = part.args  # type: ignore[attr-defined]
            own |= {a.arg for a in (*arguments.args, *arguments.kwonlyargs)}
    return own


def _is_given_fixtures(node: ast.AST) -> bool:
    name = getattr(node, "name", "")
    made = any("fixture" in ast.dump(each) for each in getattr(node, "decorator_list", ()))
    return made or name.startswith("test_")


PLACES = {
    "kind spot": "Binance spot",
    "kind usdm": "Binance USD-M",
    "kind coinbase": "Coinbase",
    "live_rigs.SpotRig": "Binance spot",
    "live_rigs.UsdmRig": "Binance USD-M",
    "live_floor.LiveSpot": "Binance spot",
    "live_floor.LiveUsdm": "Binance USD-M",
    "coinbase_floor.opened_coinbase": "Coinbase",
    "coinbase_rig.CoinbaseRig": "Coinbase",
    "binance_desk.scenario": "Binance feed",
    "coinbase_desk.scenario": "Coinbase feed",
    "coinbase_orders.CoinbaseDialect": "Coinbase (canned answers)",
    "fixture rig": "paper",
    "fixture manual": "paper",
    "fixture make_rig": "paper",
    "fixture law": "paper",
    "fixture stage": "paper",
    "sim.venue.SimVenue": "paper",
}


def _places_of(word: str) -> Iterator[str]:
    for known, place in PLACES.items():
        if word.endswith(known):
            yield place
    if "oinbase" in word and any(part in word for part in ("live_rigs", "live_floor", "practice")):
        yield "Coinbase"


def collected() -> list[Test]:
    """Every test that claims a row."""
    files = sorted(TESTS.rglob("test_*.py"))
    return [test for path in files for test in Module(path).tests()]


def table(tests: list[Test]) -> str:
    """The page."""
    lines = [HEAD, _totals(tests)]
    for part, title in (("A", "Market data and rules"), ("B", "Orders"), ("C", "Streams and time")):
        lines += [f"## {part}: {title}", "", "| row | P | what | played on | tests |"]
        lines.append("|---|---|---|---|---|")
        for row, (priority, what) in ROWS.items():
            if row.startswith(part):
                mine = [test for test in tests if row in test.rows]
                places = ", ".join(sorted({p for test in mine for p in test.places})) or "in itself"
                names = "<br>".join(f"`{_short(test)}`" for test in mine) or "**none**"
                lines.append(f"| {row} | P{priority} | {what} | {places} | {names} |")
        remarks = [f"- **{row}**: {text}" for row, text in REMARKS.items() if row.startswith(part)]
        lines += ["", *remarks, ""]
    return "\n".join(lines).rstrip() + "\n"


def _short(test: Test) -> str:
    return f"{Path(test.file).stem.removeprefix('test_')}: {test.name.removeprefix('test_')}"


def _totals(tests: list[Test]) -> str:
    covered = {row for test in tests for row in test.rows}
    parts = []
    for priority in (0, 1):
        rows = [row for row, (of, _) in ROWS.items() if of == priority]
        parts.append(f"P{priority} {sum(row in covered for row in rows)}/{len(rows)}")
    counted = len({(test.file, test.name) for test in tests if set(test.rows) & set(ROWS)})
    return f"Rows with tests: {', '.join(parts)}; {counted} tests (some run once a venue).\n"


if __name__ == "__main__":
    TABLE.write_text(table(collected()), "utf-8")
    sys.stdout.write(f"{TABLE.name} written\n")
