"""The passphrase comes from a private file or down a pipe, and stands in nobody's arguments."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tradewinds.vault.errors import VaultRefused
from tradewinds.vault.passphrase import (
    FILE_VARIABLE,
    as_passphrase,
    no_core_dumps,
    offered,
    passphrase_from_file,
    taken,
    weakness,
)
from tradewinds.vault.secret import Secret

TEXT = "canary horse bättery staple"


def written(folder: Path, content: bytes, mode: int = 0o600) -> dict[str, str]:
    path = folder / "passphrase"
    path.write_bytes(content)
    path.chmod(mode)
    return {FILE_VARIABLE: str(path)}


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_file_gives_its_one_line(tmp_path: Path, end: bytes) -> None:
    found = passphrase_from_file(written(tmp_path, TEXT.encode() + end))
    assert found == Secret(TEXT)


def test_spaces_at_the_ends_belong_to_it(tmp_path: Path) -> None:
    assert passphrase_from_file(written(tmp_path, b" a \n")) == Secret(" a ")


def test_without_the_variable_there_is_none() -> None:
    assert passphrase_from_file({}) is None


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_file_that_others_can_read_is_refused_with_the_fix(tmp_path: Path, mode: int) -> None:
    with pytest.raises(VaultRefused, match="chmod 600"):
        passphrase_from_file(written(tmp_path, TEXT.encode(), mode))


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", b"x" * 2_000])
def test_a_file_without_a_passphrase_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(VaultRefused):
        passphrase_from_file(written(tmp_path, content))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(VaultRefused, match="No such file"):
        passphrase_from_file({FILE_VARIABLE: str(tmp_path / "none")})


def test_one_spelling_for_what_keyboards_write_in_two() -> None:
    assert as_passphrase("a\u0308") == as_passphrase("\u00e4")


@pytest.mark.parametrize("text", ["", "a\0b", "a\nb", "\udcff"])
def test_what_is_no_text_is_refused(text: str) -> None:
    with pytest.raises(VaultRefused):
        as_passphrase(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("short", "too short"), ("aaaaaaaaaaaaaaaa", "too simple"), ("long " * 300, "too long")],
)
def test_a_weak_one_is_not_taken(text: str, reason: str) -> None:
    assert reason in (weakness(Secret(text)) or "")
    assert weakness(Secret(TEXT)) is None


CHILD = """
import sys
from pathlib import Path
from tradewinds.vault.passphrase import taken
number = int(sys.argv[1])
seen = Path("/proc/self/environ").read_bytes() + Path("/proc/self/cmdline").read_bytes()
found = taken(number).reveal()
assert found.encode() not in seen
try:
    taken(number)
except Exception as error:
    print(type(error).__name__, len(found))
"""


def test_a_child_gets_it_down_a_pipe_once_and_shows_it_nowhere() -> None:
    with offered(Secret(TEXT)) as number:
        done = subprocess.run(
            [sys.executable, "-c", CHILD, str(number)],
            pass_fds=(number,),
            capture_output=True,
            text=True,
        )
    assert done.stdout == f"VaultRefused {len(TEXT)}\n", done.stderr
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(number)


def test_what_is_not_the_pipe_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "x").open("w") as file, pytest.raises(VaultRefused, match="not the pipe"):
        taken(file.fileno())
    with pytest.raises(VaultRefused):
        taken(9_999)


def test_an_empty_pipe_is_refused() -> None:
    with offered(Secret("")) as number, pytest.raises(VaultRefused, match="no passphrase"):
        taken(os.dup(number))


def test_no_core_is_dumped() -> None:
    before = resource.getrlimit(resource.RLIMIT_CORE)
    try:
        no_core_dumps()
        assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
