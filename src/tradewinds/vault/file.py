"""The vault as it lies on disk: what anyone may read, and the checks before any passphrase."""

import os
import stat
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from tradewinds.vault.envelope import NONCE_BYTES, Terms, bind, digest
from tradewinds.vault.errors import VaultRefused
from tradewinds.vault.keys import Environment

FORMAT: Final = 1
ID_BYTES: Final = 16
UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError)
FILE_BYTES_MAX: Final = 1_000_000
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH

Nonce = Annotated[bytes, Meta(min_length=NONCE_BYTES, max_length=NONCE_BYTES)]


class Place(Struct, frozen=True, kw_only=True):
    """Where the vault is. `witness` lies apart, so that an old vault put back shows."""

    file: Path
    lock: Path
    witness: Path


def place_of(home: Path) -> Place:
    """In this data folder."""
    folder = home / "keys"
    return Place(
        file=folder / "vault.json",
        lock=folder / "vault.lock",
        witness=home / "anchors" / "keys.vault",
    )


class SealedKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Name and environment can be read by anyone, and changed by nobody."""

    name: str
    environment: Environment
    nonce: Nonce
    sealed: bytes


class VaultFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`change` counts writes. `seal` binds all of the file under the passphrase's key.

    `checksum` is of public bytes and tells accidental damage from a wrong passphrase, without it.
    """

    format: Literal[1]
    vault_id: Annotated[bytes, Meta(min_length=ID_BYTES, max_length=ID_BYTES)]
    change: Annotated[int, Meta(ge=0)]
    terms: Terms
    keys: tuple[SealedKey, ...]
    nonce: Nonce
    seal: bytes
    checksum: bytes

    def key_bound(self, name: str, environment: Environment) -> bytes:
        """What one sealed key is tied to: this format, this vault, this name."""
        return bind("tradewinds key", FORMAT, self.vault_id, name, environment)

    def all_bound(self) -> bytes:
        """What the seal is tied to: everything but itself."""
        rows = [bind(row.name, row.environment, row.nonce, row.sealed) for row in self.keys]
        return bind(
            "tradewinds vault", FORMAT, self.vault_id, self.change, self.terms.bound(), *rows
        )

    def sum(self) -> bytes:
        """The checksum this file should carry."""
        return digest(bind(self.all_bound(), self.nonce, self.seal))


def encode(file: VaultFile) -> bytes:
    """The only spelling: a file that differs in one byte is not this file."""
    return msgspec.json.format(msgspec.json.encode(file), indent=1) + b"\n"


def read(place: Place) -> VaultFile | None:
    """None where there is no vault. Raises VaultRefused with the fix; needs no passphrase."""
    raw = _bytes_of(place.file)
    if raw is None:
        return None
    try:
        file = msgspec.json.decode(raw, type=VaultFile)
    except UNREADABLE:
        raise VaultRefused(_damaged(place.file, raw)) from None
    if encode(file) != raw or file.checksum != file.sum():
        raise VaultRefused(_damaged(place.file, raw))
    return file


def check_privacy(path: Path, opened: os.stat_result) -> None:
    """Raises VaultRefused for a file of someone else, or one that others may read."""
    if not stat.S_ISREG(opened.st_mode):
        raise VaultRefused(f"{path} is not a plain file: put the file itself there")
    if opened.st_uid not in {0, os.geteuid()}:
        raise VaultRefused(f"{path} belongs to another user: `chown {os.geteuid()} {path}`")
    if opened.st_mode & OTHERS:
        mode = stat.S_IMODE(opened.st_mode)
        raise VaultRefused(
            f"{path} can be read by others (mode {mode:04o}): `chmod 600 {path}`, and make "
            "new keys if anybody else uses this machine"
        )


def _bytes_of(path: Path) -> bytes | None:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        if path.is_symlink():
            raise VaultRefused(f"{path} is a link: put the file itself there") from None
        raise VaultRefused(f"{path} cannot be read: {error.strerror}") from None
    with os.fdopen(handle, "rb") as file:
        check_privacy(path, os.fstat(file.fileno()))
        check_folder(path.parent)
        raw = file.read(FILE_BYTES_MAX + 1)
    if len(raw) > FILE_BYTES_MAX:
        raise VaultRefused(f"{path} is too large to be a vault")
    return raw


def check_folder(folder: Path) -> None:
    """Raises VaultRefused where others could put a file of theirs in the place of ours."""
    found = folder.stat()
    if found.st_mode & OTHERS_WRITE:
        raise VaultRefused(
            f"others may put files into {folder} (mode {stat.S_IMODE(found.st_mode):04o}): "
            f"`chmod 700 {folder}`"
        )


def _damaged(path: Path, raw: bytes) -> str:
    """A file of a later release reads as damaged by its shape alone: say what it is."""
    try:
        found = msgspec.json.decode(raw, type=_FormatOnly).format
    except UNREADABLE:
        found = FORMAT
    if found != FORMAT:
        return f"{path} has format {found}, this release reads {FORMAT}: update Tradewinds"
    return (
        f"{path} is damaged (cut short or changed) and was left as it is: restore a copy from your "
        "backup, or move it away and add the keys again; the venues still have them"
    )


class _FormatOnly(Struct):
    format: int
