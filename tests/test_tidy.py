"""Police the code: the rules of tools/tidy.py hold everywhere, and each one can fail."""

import subprocess
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest
import tidy

REPOSITORY = Path(__file__).parent.parent
SOURCES = tidy.python_sources(REPOSITORY)
CORE_FILE = "src/tradewinds/risk/planted.py"
EDGE_FILE = "src/tradewinds/engine/run.py"
TRIPLE = '"' * 3

Rule = Callable[[tidy.Source], list[str]]


def planted(text: str, path: str = CORE_FILE) -> tidy.Source:
    return tidy.Source(PurePosixPath(path), text)


@pytest.mark.parametrize("rule", tidy.RULES, ids=lambda rule: rule.__name__)
def test_the_house_rule_holds_everywhere(rule: Rule) -> None:
    broken = [line for source in SOURCES for line in rule(source)]
    assert not broken, "\n".join(broken)


def test_the_figures_count_what_is_there() -> None:
    source = planted("def f():\n    return 1\n")
    assert tidy.figures([source]) == (
        "1 files, median 2 lines, largest 2; 1 functions, median 2, largest 2"
    )


def test_every_allowed_broad_except_is_still_there() -> None:
    found = {
        (source.inside, function)
        for source in SOURCES
        for _, function in tidy.broad_excepts(source)
    }
    assert found >= tidy.ALLOWED_BROAD_EXCEPTS


BROAD = tidy.violations_of_narrow_excepts
DETERMINISM = tidy.violations_of_determinism
DOCSTRING = tidy.violations_of_package_docstrings
FILE_SIZE = tidy.violations_of_file_size
FUNCTION_SIZE = tidy.violations_of_function_size
GATE = tidy.violations_of_the_only_gate
HOMES = tidy.violations_of_library_homes
NAMES = tidy.violations_of_names
PRINT = tidy.violations_of_print
ROUNDING = tidy.violations_of_the_only_rounding
STATE = tidy.violations_of_stateless_modules

GUILTY = [
    (FILE_SIZE, "x = 1\n" * 401, CORE_FILE),
    (FILE_SIZE, "x = 1\n" * 401, "tests/test_planted.py"),
    (FUNCTION_SIZE, "def f():\n" + "    x = 1\n" * 60, CORE_FILE),
    (FUNCTION_SIZE, "class C:\n  async def f(self):\n" + "    x = 1\n" * 60, CORE_FILE),
    *[(HOMES, f"import {library}", "src/tradewinds/alerts/rules.py") for library in tidy.HOMES],
    (HOMES, "from sqlalchemy.orm import Session", EDGE_FILE),
    (HOMES, "def f():\n    import ccxt.async_support as ccxt", EDGE_FILE),
    (HOMES, "import importlib\nimportlib.import_module('ccxt')", EDGE_FILE),
    (HOMES, "__import__('redis')", EDGE_FILE),
    (GATE, "order = ApprovedOrder(intent=1)", "src/tradewinds/risk/sizing.py"),
    (GATE, "from tradewinds.model import order\norder.ApprovedOrder()", EDGE_FILE),
    (PRINT, "print('x')", EDGE_FILE),
    (BROAD, "try:\n    f()\nexcept:\n    pass", EDGE_FILE),
    (BROAD, "try:\n    f()\nexcept Exception:\n    pass", EDGE_FILE),
    (BROAD, "try:\n    f()\nexcept (ValueError, BaseException) as e:\n    pass", EDGE_FILE),
    (BROAD, "try:\n    f()\nexcept builtins.Exception:\n    pass", EDGE_FILE),
    (BROAD, "try:\n    f()\nexcept* Exception:\n    pass", EDGE_FILE),
    (DETERMINISM, "import time", CORE_FILE),
    (DETERMINISM, "from time import monotonic_ns", "src/tradewinds/engine/engine.py"),
    (DETERMINISM, "import random", "src/tradewinds/ports.py"),
    (DETERMINISM, "from uuid import uuid4", CORE_FILE),
    (DETERMINISM, "import secrets", CORE_FILE),
    (DETERMINISM, "from datetime import datetime\ndatetime.now()", CORE_FILE),
    (DETERMINISM, "import datetime\ndatetime.datetime.utcnow()", CORE_FILE),
    (DETERMINISM, "import datetime\ndatetime.date.today()", CORE_FILE),
    (DETERMINISM, "now = time.time()", CORE_FILE),
    (DETERMINISM, "import numpy as np\nnp.random.normal()", "src/tradewinds/sim/venue.py"),
    (DETERMINISM, "from numpy.random import default_rng", CORE_FILE),
    (STATE, "cache = {}", CORE_FILE),
    (STATE, "seen: set[str] = set()", CORE_FILE),
    (STATE, "rows = [1]", "src/tradewinds/engine/queue.py"),
    (STATE, "Rows = defaultdict(list)", CORE_FILE),
    (STATE, "squares = [n * n for n in range(3)]", CORE_FILE),
    *[(NAMES, "", f"src/tradewinds/risk/{name}.py") for name in tidy.BANNED_NAMES],
    (NAMES, "", "src/tradewinds/store/journal_utils.py"),
    (NAMES, "", "src/tradewinds/helpers/journal.py"),
    (DOCSTRING, "", "src/tradewinds/risk/__init__.py"),
    (DOCSTRING, f"{TRIPLE}Risk.\n\nIn: a\nOut: b\n{TRIPLE}", "src/tradewinds/risk/__init__.py"),
    (ROUNDING, "price.quantize(step)", CORE_FILE),
    (ROUNDING, "from decimal import ROUND_DOWN\nx = ROUND_DOWN", CORE_FILE),
    (ROUNDING, "import decimal\nx = decimal.ROUND_UP", EDGE_FILE),
    (ROUNDING, "price.to_integral_value()", CORE_FILE),
]

INNOCENT = [
    (FILE_SIZE, "x = 1\n" * 400, CORE_FILE),
    (FUNCTION_SIZE, "def f():\n" + "    x = 1\n" * 59, CORE_FILE),
    (HOMES, "import ccxt.async_support", "src/tradewinds/gateways/ccxt_orders.py"),
    (HOMES, "import sqlalchemy", "src/tradewinds/store/tables.py"),
    (HOMES, "import redis", "src/tradewinds/bus/redis.py"),
    (HOMES, "from tradewinds.bus import redis", EDGE_FILE),
    (HOMES, "import redis", "tests/test_bus.py"),
    (GATE, "order = ApprovedOrder(intent=1)", "src/tradewinds/risk/gate.py"),
    (GATE, "match x:\n    case ApprovedOrder() as order:\n        pass", EDGE_FILE),
    (PRINT, "print('x')", "tests/test_planted.py"),
    (BROAD, "try:\n    f()\nexcept (ValueError, OSError):\n    pass", EDGE_FILE),
    (DETERMINISM, "import time\ntime.time()", EDGE_FILE),
    (DETERMINISM, "from datetime import UTC, datetime\ndatetime.fromtimestamp(0, UTC)", CORE_FILE),
    (STATE, "TABLE = {1: 2}\n__all__ = ['x']\nname = 'x'\n", CORE_FILE),
    (STATE, "cache = {}", EDGE_FILE),
    (NAMES, "", "src/tradewinds/execution/order_manager.py"),
    (NAMES, "", "src/tradewinds/market/common_factor.py"),
    (
        DOCSTRING,
        f"{TRIPLE}Risk.\n\nIn: a\nOut: b\nNever: c\n{TRIPLE}",
        "src/tradewinds/risk/__init__.py",
    ),
    (ROUNDING, "from decimal import ROUND_DOWN", "tests/test_decimals.py"),
    (ROUNDING, "x.quantize(step, ROUND_DOWN)", "src/tradewinds/model/decimals.py"),
]


@pytest.mark.parametrize(("rule", "text", "path"), GUILTY)
def test_a_planted_violation_is_found(rule: Rule, text: str, path: str) -> None:
    assert rule(planted(text, path))


@pytest.mark.parametrize(("rule", "text", "path"), INNOCENT)
def test_what_is_allowed_passes(rule: Rule, text: str, path: str) -> None:
    assert rule(planted(text, path)) == []


def test_every_rule_has_a_planted_violation() -> None:
    assert {rule for rule, _, _ in GUILTY} == set(tidy.RULES)


def tracked_texts() -> list[tuple[str, str]]:
    """Name and text of every file that is or would be committed; binary ones read as empty."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        check=True,
    )
    names = [name for name in listing.stdout.decode().split("\0") if name]
    return [(name, text_of(REPOSITORY / name)) for name in names if (REPOSITORY / name).is_file()]


def text_of(path: Path) -> str:
    content = path.read_bytes()
    return "" if b"\0" in content else content.decode("utf-8", "replace")


def test_no_file_tells_where_it_was_written() -> None:
    texts = tracked_texts()
    assert len(texts) > 10
    broken = [f"{name}: {trace}" for name, text in texts for trace in tidy.workplace_traces(text)]
    assert not broken, "\n".join(sorted(set(broken)))


@pytest.mark.parametrize(
    "text",
    [
        "see /wo" + "rk/main/src",
        "cd '/wo" + "rk'",
        "HOME=/ro" + "ot/x",
        "https://files.pythonho" + "sted.org/a.whl",
        "--index-url https://py" + "pi.org/simple",
    ],
)
def test_a_trace_of_the_workplace_is_found(text: str) -> None:
    assert tidy.workplace_traces(text)


@pytest.mark.parametrize("text", ["./net" + "work/", "docs/wo" + "rk/x", "framework", "/workers"])
def test_an_ordinary_word_is_no_trace(text: str) -> None:
    assert tidy.workplace_traces(text) == []
