"""Secrets from the keyboard without an echo, or from a pipe: never from an argument."""

import getpass
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from tradewinds.cli.exits import CliError, Exit
from tradewinds.vault.errors import VaultRefused
from tradewinds.vault.keys import KeyVenue
from tradewinds.vault.passphrase import as_passphrase, passphrase_from_file, weakness
from tradewinds.vault.secret import Secret

if TYPE_CHECKING:
    from tradewinds.vault.credentials import Credentials

PEM_BEGIN: Final = "-----BEGIN"
PEM_END: Final = "-----END"
TEXT_MAX: Final = 20_000
PIPE_ORDER: Final = (
    "a pipe gives the passphrase on its first line (none of it with TRADEWINDS_PASSPHRASE_FILE), "
    "then the key on a line, then the secret; `passphrase` takes the old and the new on two lines"
)
NOT_TEXT: Final = "what was given is not text in UTF-8"


class Prompts(Struct, frozen=True, kw_only=True):
    """What a venue calls its two parts."""

    key: str
    hidden: str


PROMPTS: Final[Mapping[KeyVenue, Prompts]] = {
    KeyVenue.BINANCE_SPOT: Prompts(key="API key", hidden="Secret key"),
    KeyVenue.BINANCE_USDM: Prompts(key="API key", hidden="Secret key"),
    KeyVenue.COINBASE: Prompts(key="CDP key name", hidden="Private key (all its lines)"),
}


def on_terminal() -> bool:
    """Whether somebody types."""
    return sys.stdin is not None and sys.stdin.isatty()


def known_passphrase(environ: Mapping[str, str] = os.environ) -> Secret:
    """Of a vault that exists. Raises VaultRefused or CliError."""
    return passphrase_from_file(environ) or as_passphrase(_line("Passphrase of the vault"))


def passphrase_or_none(environ: Mapping[str, str] = os.environ) -> Secret | None:
    """None when only Enter was typed, or nothing was piped."""
    from_file = passphrase_from_file(environ)
    if from_file is not None:
        return from_file
    text = _read("Passphrase of the vault (Enter: names only)")
    return as_passphrase(text) if text else None


def new_passphrase(environ: Mapping[str, str] = os.environ) -> Secret:
    """For a vault that is about to be made: strong enough, and typed twice the same."""
    from_file = passphrase_from_file(environ)
    chosen = from_file or as_passphrase(_line("New passphrase for the vault of keys"))
    reason = weakness(chosen)
    if reason is not None:
        raise VaultRefused(f"this passphrase is {reason}")
    if from_file is None and on_terminal() and not _same(chosen):
        raise VaultRefused("the two passphrases differ: nothing was written, start again")
    return chosen


def typed_credentials(venue: KeyVenue) -> "Credentials":
    """Key and secret, checked in form. Raises KeyRefused or CliError."""
    from tradewinds.vault.credentials import cdp_file, credentials

    prompts = PROMPTS[venue]
    first = _line(prompts.key)
    if first.startswith("{"):
        key, secret = cdp_file(Secret(first + ("" if on_terminal() else _rest())))
    else:
        key, secret = Secret(first), Secret(_secret_text(prompts.hidden))
    return credentials(venue, key, secret)


def _same(chosen: Secret) -> bool:
    again = _line("The same again")
    return as_passphrase(again).is_same(chosen)


def _secret_text(prompt: str) -> str:
    """On a terminal a PEM ends with its END line; a pipe ends by itself."""
    if not on_terminal():
        text = _rest()
        if not text.strip():
            raise CliError("the secret is missing from the pipe", Exit.USAGE, PIPE_ORDER)
        return text
    lines = [_line(prompt)]
    if lines[0].lstrip().startswith(PEM_BEGIN):
        while PEM_END not in lines[-1] and sum(map(len, lines)) < TEXT_MAX:
            lines.append(_read("..."))
    return "\n".join(lines)


def _rest() -> str:
    try:
        text = sys.stdin.read(TEXT_MAX)
    except UnicodeDecodeError:
        raise CliError(NOT_TEXT, Exit.USAGE, PIPE_ORDER) from None
    return text


def _line(prompt: str) -> str:
    text = _read(prompt)
    if not text:
        raise CliError(f"nothing was given for: {prompt.lower()}", Exit.USAGE, PIPE_ORDER)
    return text


def _read(prompt: str) -> str:
    """One line without its end; '' for none."""
    try:
        if on_terminal():
            return getpass.getpass(f"{prompt}: ")
        return "" if sys.stdin is None else sys.stdin.readline(TEXT_MAX).rstrip("\r\n")
    except EOFError:
        return ""
    except UnicodeDecodeError:
        raise CliError(NOT_TEXT, Exit.USAGE, PIPE_ORDER) from None
