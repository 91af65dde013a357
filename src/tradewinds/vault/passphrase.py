"""The passphrase: from a file for unattended starts, and down a pipe to a child process."""

import contextlib
import os
import resource
import stat
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from tradewinds.vault.errors import VaultRefused
from tradewinds.vault.file import check_privacy
from tradewinds.vault.secret import Secret

FILE_VARIABLE: Final = "TRADEWINDS_PASSPHRASE_FILE"
LENGTH_MIN: Final = 12
DISTINCT_MIN: Final = 5
BYTES_MAX: Final = 1_024


def weakness(passphrase: Secret) -> str | None:
    """Why this passphrase is not taken for a new vault; None when it is. Length is what counts."""
    text = passphrase.reveal()
    if len(text) < LENGTH_MIN:
        return f"too short: at least {LENGTH_MIN} characters; a few random words are best"
    if len(text.encode()) > BYTES_MAX:
        return f"too long: at most {BYTES_MAX} bytes"
    if len(set(text)) < DISTINCT_MIN:
        return f"too simple: at least {DISTINCT_MIN} different characters"
    return None


def as_passphrase(text: str) -> Secret:
    """One spelling for what keyboards write in several. Raises VaultRefused for nothing."""
    if not text:
        raise VaultRefused("the passphrase is empty")
    if not text.isprintable():
        raise VaultRefused("the passphrase holds a character that no keyboard writes")
    return Secret(unicodedata.normalize("NFC", text))


def passphrase_from_file(environ: Mapping[str, str]) -> Secret | None:
    """From the file that TRADEWINDS_PASSPHRASE_FILE names, its last line end left out.

    None when it is not set. Raises VaultRefused when the file is missing, empty or not private.
    """
    named = environ.get(FILE_VARIABLE)
    if not named:
        return None
    path = Path(named)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise VaultRefused(f"{FILE_VARIABLE}: {path}: {error.strerror}") from None
    with os.fdopen(handle, "rb") as file:
        check_privacy(path, os.fstat(file.fileno()))
        raw = file.read(BYTES_MAX + 3)
    return _decoded(raw, str(path))


@contextlib.contextmanager
def offered(passphrase: Secret) -> Iterator[int]:
    """The reading end of a pipe that holds the passphrase: give its number to one child.

    Start the child with `pass_fds=(number,)` inside the block; only the number is in its
    arguments. Whoever reads first empties the pipe.
    """
    reading, writing = os.pipe()
    try:
        try:
            os.write(writing, passphrase.reveal().encode())
        finally:
            os.close(writing)
        yield reading
    finally:
        os.close(reading)


def taken(number: int) -> Secret:
    """What `offered` gave, once; the pipe is closed. Raises VaultRefused for any other number."""
    try:
        if not stat.S_ISFIFO(os.fstat(number).st_mode):
            raise VaultRefused(f"descriptor {number} is not the pipe of a passphrase")
        os.set_inheritable(number, False)
        with os.fdopen(number, "rb") as pipe:
            raw = pipe.read(BYTES_MAX + 1)
    except OSError as error:
        raise VaultRefused(f"descriptor {number}: {error.strerror}") from None
    return _decoded(raw, "the pipe")


def no_core_dumps() -> None:
    """A crash must not write this process's memory to disk. Call it before a vault is opened."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def _decoded(raw: bytes, where: str) -> Secret:
    raw = raw.removesuffix(b"\n").removesuffix(b"\r")
    if len(raw) > BYTES_MAX:
        raise VaultRefused(f"{where}: too long for a passphrase")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise VaultRefused(f"{where}: not text in UTF-8") from None
    if not text:
        raise VaultRefused(f"{where}: no passphrase in it")
    return as_passphrase(text)
