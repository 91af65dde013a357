"""The documents are true: commands exist, links lead somewhere, every setting is explained."""

import io
import os
import re
import tomllib
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from pydantic import BaseModel

from tradewinds.cli.app import run_app

REPOSITORY = Path(__file__).parent.parent
README = REPOSITORY / "README.md"
# [text](target) and ![text](target "title"), outside of code.
LINK = re.compile(r"\[[^\]\n]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
VERB = re.compile(r"(?:\./)?trading-cli[ \t]+([a-z][a-z-]*)")
TARGET = re.compile(r"^[ \t$]*make[ \t]+([a-z][a-z-]*)|`make[ \t]+([a-z][a-z-]*)`", re.MULTILINE)


def documents() -> list[Path]:
    top = sorted(REPOSITORY.glob("*.md"))
    return [*top, *sorted((REPOSITORY / "docs").rglob("*.md"))]


def without_code(text: str) -> str:
    return re.sub(
        r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    )


def broken_links(text: str, folder: Path) -> list[str]:
    """Relative targets that lead nowhere, seen from a document in `folder`."""
    targets = [match[1] for match in LINK.finditer(without_code(text))]
    own = [target for target in targets if not re.match(r"[a-z][a-z0-9+.-]*:|#", target)]
    return [target for target in own if not (folder / target.partition("#")[0]).exists()]


def heading_anchor(line: str) -> str:
    """How a code host names a heading."""
    words = re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower())
    return words.replace(" ", "-")


def broken_anchors(text: str) -> list[str]:
    """`#fragments` into the same document that no heading answers to."""
    bare = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    headings = {heading_anchor(line) for line in bare.splitlines() if line.startswith("#")}
    targets = [match[1] for match in LINK.finditer(without_code(text))]
    return [target for target in targets if target.startswith("#") and target[1:] not in headings]


def verbs_in(text: str) -> set[str]:
    """Verbs in code, inline or fenced: prose may use the name as it likes."""
    code = re.findall(r"^```.*?^```|`[^`\n]+`", text, flags=re.MULTILINE | re.DOTALL)
    return {match[1] for piece in code for match in VERB.finditer(piece)}


def make_targets() -> set[str]:
    makefile = (REPOSITORY / "Makefile").read_text("utf-8")
    return set(re.findall(r"^([a-z][a-z-]*):", makefile, flags=re.MULTILINE))


def targets_in(text: str) -> set[str]:
    return {first or second for first, second in TARGET.findall(text)}


def settings_keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Dotted names of every leaf; a table of sections by name is written `section.<name>.key`."""
    for name, field in model.model_fields.items():
        inner, is_table = section_of(field.annotation)
        dotted = f"{prefix}{name}"
        if inner is None:
            yield dotted
        else:
            yield from settings_keys(inner, f"{dotted}.<name>." if is_table else f"{dotted}.")


def section_of(annotation: object) -> tuple[type[BaseModel] | None, bool]:
    """The section a field holds, directly or as the values of a table."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    for argument in getattr(annotation, "__args__", ()):
        inner, _ = section_of(argument)
        if inner is not None:
            return inner, getattr(annotation, "__origin__", None) is dict
    return None, False


def undocumented(keys: Iterator[str], text: str) -> list[str]:
    """Keys whose last name is not in backticks, in the first column of a table or as a term.

    A page may name a key in full or, under its section's heading, by its last part.
    """
    named = set(re.findall(r"`([A-Za-z0-9_.<>]+)`", text))
    return [key for key in keys if key not in named and not is_under_heading(key, text)]


def is_under_heading(key: str, text: str) -> bool:
    section, _, last = key.rpartition(".")
    heading = re.escape(section or "top level")
    part = re.search(
        rf"^#+[^\n]*\[?`?\[?{heading}\]?`?[^\n]*\n(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL
    )
    return bool(part and f"`{last}`" in part[1])


def test_the_two_commands_of_the_readme_are_real() -> None:
    text = README.read_text("utf-8")
    assert "./trading-cli run" in text
    assert "make test" in text
    assert os.access(REPOSITORY / "trading-cli", os.X_OK)
    assert {"run", "test", "check", "bench", "docs", "lock", "fmt", "clean"} <= make_targets()


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    assert broken_links(text, path.parent) == []
    assert broken_anchors(text) == []


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_named_make_targets_exist(path: Path) -> None:
    assert targets_in(path.read_text("utf-8")) <= make_targets()


def test_every_verb_in_the_documents_exists() -> None:
    verbs = set().union(*(verbs_in(path.read_text("utf-8")) for path in documents()))
    assert "run" in verbs
    unknown = [verb for verb in sorted(verbs) if not answers_help(verb)]
    assert not unknown, f"no such verb: {unknown}"


def answers_help(verb: str) -> bool:
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        return run_app([verb, "--help"]) == 0


def test_the_command_line_refuses_an_unknown_verb() -> None:
    assert not answers_help("nosuchverb")


def test_every_setting_is_explained() -> None:
    from tradewinds.config import Settings

    text = (REPOSITORY / "docs" / "CONFIGURATION.md").read_text("utf-8")
    assert undocumented(settings_keys(Settings), text) == []


def test_the_version_is_the_same_everywhere() -> None:
    import tradewinds

    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == tradewinds.__version__
    assert "## [Unreleased]" in (REPOSITORY / "CHANGELOG.md").read_text("utf-8")


def test_a_dead_link_is_found() -> None:
    text = (
        "[a](docs/NOWHERE.md#x) ![b](nowhere.png) [c](Makefile) [d](https://example.org) `[e](x)`"
    )
    assert broken_links(text, REPOSITORY) == ["docs/NOWHERE.md#x", "nowhere.png"]
    assert broken_anchors("# A b\n[x](#a-b) [y](#nowhere)") == ["#nowhere"]


def test_verbs_and_targets_are_read_from_code() -> None:
    text = (
        "`trading-cli run --replay x`\n```\n./trading-cli status\nmake bench\n```\ntrading-cli is"
    )
    assert verbs_in(text) == {"run", "status"}
    assert targets_in(text + "\nmake sure") == {"bench", "sure"}
    assert targets_in("we make do with `make check`") == {"check"}


class Inner(BaseModel):
    """A section."""

    depth: int = 1


class Outer(BaseModel):
    """A tree with a section, an optional one, and a table of them."""

    name: str = ""
    inner: Inner = Inner()
    maybe: Inner | None = None
    many: dict[str, Inner] = {}


def test_a_forgotten_setting_is_found() -> None:
    keys = ["name", "inner.depth", "maybe.depth", "many.<name>.depth"]
    assert list(settings_keys(Outer)) == keys
    assert undocumented(iter(keys), "no keys here") == keys
    assert undocumented(iter(keys), " ".join(f"`{key}`" for key in keys)) == []
    assert undocumented(iter(["inner.depth"]), "## `[inner]`\n| `depth` | how deep |\n") == []
    assert undocumented(iter(["inner.depth"]), "## `[other]`\n| `depth` | how deep |\n") != []
