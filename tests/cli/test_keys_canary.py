"""F8: a canary goes through every verb of `keys` and `doctor`, and is nowhere to be found."""

import json
import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tradewinds.cli.store_access import database_file
from tradewinds.store.database import migrate, open_database

PASSPHRASE = "kan4ry-passphrase horse battery"
KEY = "kan4rykey" + "A" * 51 + "wxyz"
SECRET = "kan4rysecret" + "B" * 48 + "stuv"
NAME = "binance-spot:main"
NEEDLES = re.compile(rb"kan4ry|A{12}|B{12}|(?<![A-Za-z0-9+/])stuv")
"""The last four letters as anything would show them: within others, base64 makes them by chance."""
MAIN = "import sys; from tradewinds.cli import main; sys.exit(main())"
CRASH = """
import sys
from tradewinds.cli import keys_venue, main
def crash(key):
    revealed = key.secret.reveal()
    raise {error}
keys_venue.rights_of = crash
sys.exit(main())
"""
AS_TERMINAL = (
    "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "os.execv(sys.executable, [sys.executable, '-m', 'tradewinds.cli', *sys.argv[1:]])"
)


def clean(what: str, content: bytes) -> None:
    found = NEEDLES.findall(content)
    assert not found, f"{what} holds {found}"


def of_process(pid: int) -> bytes:
    """Everything of a process that others of its user can list."""
    files = [Path(f"/proc/{pid}/{name}") for name in ("cmdline", "environ", "comm", "limits")]
    return b"\0".join(file.read_bytes() for file in files)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder with a database, searched through at the end."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    database = open_database(f"sqlite:///{database_file(home)}")
    migrate(database)
    database.dispose()
    yield home
    looked_at = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert database_file(home) in looked_at
    for path in looked_at:
        clean(str(path), path.read_bytes())


Run = Callable[..., bytes]


@pytest.fixture
def run(folder: Path) -> Run:
    """Runs one verb with lines piped one at a time, and looks at the process in between."""

    def call(
        *words: str, pipe: tuple[str, ...], code: str = MAIN, ends: int | None = None
    ) -> bytes:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *words, "--home", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"NO_COLOR": "1"},
        )
        assert process.stdin is not None
        for line in pipe:
            process.stdin.write(f"{line}\n".encode())
            process.stdin.flush()
            clean(f"process of {words}", of_process(process.pid))
        out, err = process.communicate(timeout=60)
        clean(f"stdout of {words}", out)
        clean(f"stderr of {words}", err)
        if ends is not None:
            assert process.returncode == ends, err.decode()
        return out + err

    return call


ALL = (PASSPHRASE, KEY, SECRET)
ONE = (PASSPHRASE,)


def test_no_verb_and_no_error_shows_the_canary(run: Run, folder: Path) -> None:
    assert b"****wxyz" in run("keys", "add", NAME, "--offline", "--debug", pipe=ALL, ends=0)
    assert b"****wxyz" in run("keys", "list", "--debug", pipe=ONE, ends=0)
    assert b"****wxyz" in run("keys", "list", "--json", pipe=ONE, ends=0)
    run("keys", "add", NAME, "--debug", pipe=ALL, ends=10)
    run("keys", "test", NAME, "--debug", "--json", pipe=ONE, ends=10)
    run("keys", "list", "--debug", pipe=("kan4ry wrong passphrase",), ends=11)
    run("keys", "add", "coinbase:main", "--debug", pipe=ALL, ends=10)
    run("keys", "add", "binance-usdm:a", "--debug", pipe=(PASSPHRASE, KEY, SECRET + "!"), ends=10)
    run("keys", "add", "binance-usdm:a", "--debug", pipe=(PASSPHRASE, KEY, KEY), ends=10)
    run(
        "keys",
        "add",
        "coinbase:b",
        "--debug",
        pipe=(PASSPHRASE, json.dumps({"name": KEY})),
        ends=10,
    )
    assert b"****wxyz" in run("doctor", "--offline", "--unlock", "--debug", pipe=ONE)
    assert b"****wxyz" in run("doctor", "--offline", "--unlock", "--json", pipe=ONE)
    run("keys", "passphrase", "--debug", pipe=(PASSPHRASE, PASSPHRASE), ends=0)
    assert b"****wxyz" in run("keys", "remove", NAME, "--debug", pipe=ONE, ends=0)


@pytest.mark.parametrize(
    "error",
    ["RuntimeError(key)", "OSError(5, str(key))", "ValueError(repr([key, key.secret]))"],
)
@pytest.mark.parametrize("how", ["--debug", "--json"])
def test_a_crash_with_the_secret_in_hand_shows_no_canary(run: Run, error: str, how: str) -> None:
    told = run("keys", "add", NAME, how, pipe=ALL, code=CRASH.format(error=error))
    assert b"Traceback" in told or b"Error" in told or b'"error"' in told


def test_a_corrupt_vault_shows_no_canary(run: Run, folder: Path) -> None:
    run("keys", "add", NAME, "--offline", pipe=ALL, ends=0)
    path = folder / "keys" / "vault.json"
    path.write_bytes(path.read_bytes()[:-20])
    run("keys", "list", "--debug", pipe=ONE, ends=11)
    run("doctor", "--offline", "--unlock", "--debug", pipe=ONE, ends=1)


def test_an_open_vault_dumps_no_core(folder: Path) -> None:
    code = (
        "from tradewinds.cli import keys_venue, main\n"
        "keys_venue.rights_of = lambda key: print(open('/proc/self/limits').read()) or exit(0)\n"
        "import sys; sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "keys", "add", NAME, "--home", str(folder)],
        input="\n".join(ALL),
        capture_output=True,
        text=True,
    )
    [line] = [line for line in done.stdout.splitlines() if "core file" in line]
    assert line.split()[4] == "0"


def typed(words: list[str], answers: list[tuple[bytes, str]]) -> tuple[int, bytes]:
    """As an operator at a terminal: waits for each prompt, types, sees what the screen shows."""
    keyboard, screen = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", AS_TERMINAL, *words], stdin=screen, stdout=screen, stderr=screen
    )
    os.close(screen)
    shown = b""
    for prompt, answer in answers:
        mark = len(shown)
        deadline = time.monotonic() + 30
        while prompt not in shown[mark:]:
            assert time.monotonic() < deadline, shown
            shown += seen(keyboard)
        # getpass says the prompt before it switches the echo off.
        while termios.tcgetattr(keyboard)[3] & termios.ECHO:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.write(keyboard, answer.encode() + b"\n")
    while process.poll() is None:
        shown += seen(keyboard)
    shown += seen(keyboard)
    os.close(keyboard)
    return process.returncode, shown


def seen(keyboard: int) -> bytes:
    ready, _, _ = select.select([keyboard], [], [], 0.1)
    try:
        return os.read(keyboard, 65_536) if ready else b""
    except OSError:
        return b""


def test_nothing_typed_is_echoed(folder: Path) -> None:
    words = ["keys", "add", NAME, "--offline", "--home", str(folder)]
    answers = [
        (b"New passphrase", PASSPHRASE),
        (b"again", PASSPHRASE),
        (b"API key", KEY),
        (b"Secret key", SECRET),
    ]
    code, shown = typed(words, answers)
    assert code == 0, shown
    clean("screen", shown)
    assert b"****wxyz" in shown


def test_a_pem_is_typed_line_by_line(folder: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key: Any = ec.generate_private_key(ec.SECP256R1())
    form = serialization.PrivateFormat.TraditionalOpenSSL
    pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
    uuid = "01234567-89ab-cdef-0123-456789abcdef"
    first, *others = pem.splitlines()
    answers = [
        (b"New passphrase", PASSPHRASE),
        (b"again", PASSPHRASE),
        (b"key name", f"organizations/{uuid}/apiKeys/{uuid}"),
        (b"Private key", first),
        *[(b"...", line) for line in others],
    ]
    code, shown = typed(
        ["keys", "add", "coinbase:main", "--offline", "--home", str(folder)], answers
    )
    assert code == 0, shown
    assert pem.splitlines()[1].encode() not in shown


def test_two_different_passphrases_make_no_vault(folder: Path) -> None:
    words = ["keys", "add", NAME, "--offline", "--home", str(folder)]
    code, shown = typed(words, [(b"New passphrase", PASSPHRASE), (b"again", PASSPHRASE + "x")])
    assert code == 11
    assert b"differ" in shown
    assert not (folder / "keys" / "vault.json").exists()


def test_the_search_would_find_a_canary() -> None:
    with pytest.raises(AssertionError, match="holds"):
        clean("x", f"key={SECRET}".encode())
    for shown in (b'"****stuv"', b"stuv", b"...stuv is wrong", b"secret=stuv"):
        with pytest.raises(AssertionError, match="holds"):
            clean("x", shown)
    clean("x", b'"seal": "0esJXrgrz8qLgHWa1stuvDg=="')
    process = subprocess.Popen(["sleep", "30"], env={"KEY": SECRET})
    try:
        # The system fills in a new program's environment a moment after it has begun.
        give_up = time.monotonic() + 10
        while b"KEY" not in of_process(process.pid) and time.monotonic() < give_up:
            time.sleep(0.01)
        with pytest.raises(AssertionError, match="holds"):
            clean("x", of_process(process.pid))
    finally:
        process.kill()
        process.wait()
