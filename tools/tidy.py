"""The house rules as functions of one source file. tests/test_tidy.py applies and proves them."""

import ast
import re
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

PACKAGE = "src/tradewinds/"
LARGEST_FILE = 400
LARGEST_FUNCTION = 60

# Files inside the package that decide from their event and their state alone.
CORE = (
    "model/",
    "ports.py",
    "features/",
    "strategies/",
    "risk/",
    "execution/",
    "ledger/",
    "sim/",
    "engine/",
)
# The parts of core packages that touch the world: they wait, so that the core need not.
EDGES = ("engine/clock.py", "engine/latency.py", "engine/run.py", "engine/words.py")

# Where a library may be imported. What is not listed may be imported anywhere the contracts allow.
HOMES = {
    "ccxt": ("gateways/",),
    "picows": ("gateways/",),
    "sqlalchemy": ("store/",),
    "alembic": ("store/",),
    "psycopg": ("store/",),
    "redis": ("bus/",),
    "nicegui": ("dashboard/",),
    "fastapi": ("dashboard/",),
    "starlette": ("dashboard/",),
    "uvicorn": ("dashboard/",),
    "typer": ("cli/",),
    "rich": ("cli/",),
    "pyarrow": ("market/",),
    "wasmtime": ("kernels/",),
    "ctypes": ("kernels/",),
    "optuna": ("research/",),
    "distributed": ("research/",),
}
GATE = "risk/gate.py"
ROUNDING_HOME = "model/decimals.py"
BANNED_NAMES = ("utils", "helpers", "common", "base", "misc", "handler", "processor", "manager")
ALLOWED_NAMES = ("order_manager",)
DICE_AND_CLOCKS = ("random", "secrets", "time", "uuid")
DATETIME_CLOCKS = ("now", "today", "utcnow")

# (file, function): each with a reason in its own comment. An entry without a broad except fails.
ALLOWED_BROAD_EXCEPTS: frozenset[tuple[str, str]] = frozenset()

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One Python file; `path` is relative to the repository."""

    path: PurePosixPath
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, str(self.path))

    @property
    def inside(self) -> str:
        """The path inside the package, or "" for a test, a tool or an example."""
        whole = str(self.path)
        return whole.removeprefix(PACKAGE) if whole.startswith(PACKAGE) else ""

    @property
    def is_core(self) -> bool:
        return self.inside.startswith(CORE) and self.inside not in EDGES

    @property
    def functions(self) -> Iterator[Function]:
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))


def size_of(function: Function) -> int:
    """Lines from `def` to the last one, docstring included, decorators not."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def violations_of_file_size(source: Source) -> list[str]:
    lines = source.text.count("\n")
    return [f"{source.path}: {lines} lines"] if lines > LARGEST_FILE else []


def violations_of_function_size(source: Source) -> list[str]:
    return [
        f"{source.path}:{function.lineno}: {function.name} has {size_of(function)} lines"
        for function in source.functions
        if size_of(function) > LARGEST_FUNCTION
    ]


def imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything imported, by statement or by importlib."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield node.lineno, module
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__")
                | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(module)), *_],
            ):
                yield node.lineno, module


def violations_of_library_homes(source: Source) -> list[str]:
    if not source.inside:
        return []
    found = ((line, name.partition(".")[0]) for line, name in imports(source.tree))
    return [
        f"{source.path}:{line}: {library} lives in {' '.join(HOMES[library])}"
        for line, library in found
        if library in HOMES and not source.inside.startswith(HOMES[library])
    ]


def called_name(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def calls(source: Source) -> Iterator[ast.Call]:
    return (node for node in ast.walk(source.tree) if isinstance(node, ast.Call))


def violations_of_the_only_gate(source: Source) -> list[str]:
    if source.inside in ("", GATE):
        return []
    return [
        f"{source.path}:{call.lineno}: only {GATE} approves an order"
        for call in calls(source)
        if called_name(call) == "ApprovedOrder"
    ]


def violations_of_print(source: Source) -> list[str]:
    if not source.inside:
        return []
    return [
        f"{source.path}:{call.lineno}: print"
        for call in calls(source)
        if isinstance(call.func, ast.Name) and call.func.id in ("print", "pprint")
    ]


def is_broad(caught: ast.expr | None) -> bool:
    match caught:
        case None:
            return True
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in ("Exception", "BaseException")
        case ast.Tuple(elts=elements):
            return any(is_broad(element) for element in elements)
    return False


def broad_excepts(source: Source) -> list[tuple[int, str]]:
    """Line and enclosing function of each except that would also swallow our own bugs."""
    found: list[tuple[int, str]] = []

    def visit(node: ast.AST, function: str) -> None:
        if isinstance(node, Function):
            function = node.name
        if isinstance(node, ast.ExceptHandler) and is_broad(node.type):
            found.append((node.lineno, function))
        for child in ast.iter_child_nodes(node):
            visit(child, function)

    visit(source.tree, "")
    return found


def violations_of_narrow_excepts(source: Source) -> list[str]:
    if not source.inside:
        return []
    return [
        f"{source.path}:{line}: broad except in {function or 'the module'}"
        for line, function in broad_excepts(source)
        if (source.inside, function) not in ALLOWED_BROAD_EXCEPTS
    ]


def violations_of_determinism(source: Source) -> list[str]:
    """The core asks no clock and throws no dice."""
    if not source.is_core:
        return []
    imported = [
        f"{source.path}:{line}: the core may not use {name}"
        for line, name in imports(source.tree)
        if name.partition(".")[0] in DICE_AND_CLOCKS or name == "numpy.random"
    ]
    used = [
        f"{source.path}:{node.lineno}: the core may not use {ast.unparse(node)}"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute) and is_clock_or_dice(node)
    ]
    return imported + used


def is_clock_or_dice(node: ast.Attribute) -> bool:
    match node.value:
        case ast.Name(id="datetime" | "date") | ast.Attribute(attr="datetime" | "date"):
            return node.attr in DATETIME_CLOCKS
        case ast.Name(id="np" | "numpy"):
            return node.attr == "random"
        case ast.Name(id=name):
            return name in DICE_AND_CLOCKS
    return False


def is_mutable(value: ast.expr | None) -> bool:
    match value:
        case ast.Dict() | ast.List() | ast.Set():
            return True
        case ast.DictComp() | ast.ListComp() | ast.SetComp():
            return True
        case ast.Call() as call:
            return called_name(call) in ("dict", "list", "set", "defaultdict", "deque", "Counter")
    return False


def violations_of_stateless_modules(source: Source) -> list[str]:
    """A table in capitals is a constant; a container in small letters is state."""
    if not source.is_core:
        return []
    return [
        f"{source.path}:{statement.lineno}: module-level state {target.id}"
        for statement in source.tree.body
        if isinstance(statement, ast.Assign | ast.AnnAssign) and is_mutable(statement.value)
        for target in getattr(statement, "targets", [getattr(statement, "target", None)])
        if isinstance(target, ast.Name)
        and target.id != target.id.upper()
        and not target.id.startswith("__")
    ]


def violations_of_names(source: Source) -> list[str]:
    if not source.inside:
        return []
    parts = [*PurePosixPath(source.inside).parts[:-1], source.path.stem]
    return [
        f"{source.path}: {part} says nothing"
        for part in parts
        if part not in ALLOWED_NAMES and part.rpartition("_")[2] in BANNED_NAMES
    ]


def violations_of_package_docstrings(source: Source) -> list[str]:
    if not source.inside or source.path.name != "__init__.py":
        return []
    lines = (ast.get_docstring(source.tree) or "").splitlines()
    return [
        f"{source.path}: the docstring has no line '{word}:'"
        for word in ("In", "Out", "Never")
        if not any(line.startswith(f"{word}: ") for line in lines)
    ]


def violations_of_the_only_rounding(source: Source) -> list[str]:
    if source.inside in ("", ROUNDING_HOME):
        return []
    rounding = re.compile(r"quantize|to_integral\w*|ROUND_\w+")
    return [
        f"{source.path}:{node.lineno}: money is rounded in {ROUNDING_HOME}"
        for node in ast.walk(source.tree)
        if (isinstance(node, ast.Attribute) and rounding.fullmatch(node.attr))
        or (isinstance(node, ast.Name) and rounding.fullmatch(node.id))
    ]


RULES: tuple[Callable[[Source], list[str]], ...] = (
    violations_of_file_size,
    violations_of_function_size,
    violations_of_library_homes,
    violations_of_the_only_gate,
    violations_of_print,
    violations_of_narrow_excepts,
    violations_of_determinism,
    violations_of_stateless_modules,
    violations_of_names,
    violations_of_package_docstrings,
    violations_of_the_only_rounding,
)


def workplace_traces(text: str) -> list[str]:
    """Paths of a development machine and registry addresses: they help nobody else."""
    paths = ("wo" + "rk", "ro" + "ot", "opt/py" + "pi")
    python_hosts = ("py" + "pi.org", "pythonho" + "sted.org")
    other_hosts = ("deb.deb" + "ian.org", "npm" + "js.org", "npm" + "js.com", "crates" + ".io")
    path = "|".join(rf"(?<![\w.~-])/{name}(?=/|\b)" for name in paths)
    host = "|".join(re.escape(name) for name in python_hosts + other_hosts)
    return [match[0] for match in re.finditer(f"{path}|{host}", text)]


def python_sources(repository: Path) -> list[Source]:
    paths = [repository / "trading-cli"]
    for folder in ("src", "tests", "tools", "benchmarks", "examples"):
        paths += sorted((repository / folder).rglob("*.py"))
    return [
        Source(PurePosixPath(path.relative_to(repository).as_posix()), path.read_text("utf-8"))
        for path in paths
    ]


def figures(sources: list[Source]) -> str:
    files = [source.text.count("\n") for source in sources if source.inside]
    functions = [size_of(item) for source in sources if source.inside for item in source.functions]
    return (
        f"{len(files)} files, median {statistics.median(files or [0]):.0f} lines, "
        f"largest {max(files or [0])}; {len(functions)} functions, "
        f"median {statistics.median(functions or [0]):.0f}, largest {max(functions or [0])}"
    )


if __name__ == "__main__":
    everything = python_sources(Path(__file__).parent.parent)
    print(figures(everything))
    broken = [line for source in everything for rule in RULES for line in rule(source)]
    print("\n".join(broken) or "No house rule is broken.")
    sys.exit(bool(broken))
