"""A note of the newest vault seen here, kept apart from it: it shows that an old one came back."""

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from tradewinds.vault.durable import replace_file
from tradewinds.vault.errors import VaultRefused
from tradewinds.vault.file import UNREADABLE, Place, VaultFile

ACCEPT = "if you put it there yourself: `trading-cli keys accept`"


class Note(Struct, frozen=True, kw_only=True):
    """Which vault, at which change, with which checksum. `checksum` is empty before the first."""

    vault_id: bytes
    change: int
    checksum: bytes


def note_of(file: VaultFile) -> Note:
    """What is to be remembered of this vault."""
    return Note(vault_id=file.vault_id, change=file.change, checksum=file.checksum)


def write_note(place: Place, note: Note) -> None:
    """Durable before it returns. Raises OSError."""
    place.witness.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    replace_file(place.witness, msgspec.json.encode(note) + b"\n")


def doubt(place: Place, file: VaultFile) -> str | None:
    """Why this vault may not be the newest; None when it is, or is newer than the note.

    Newer is what a crash between the vault and its note leaves behind.
    """
    note = _read(place.witness)
    if note is None:
        return (
            f"nothing here vouches that {place.file} is its newest version ({place.witness} is "
            f"missing or damaged); {ACCEPT}"
        )
    if note.vault_id != file.vault_id:
        return f"{place.file} is another vault than the one last used here; {ACCEPT}"
    if file.change < note.change:
        return (
            f"{place.file} is an older version (change {file.change}, already seen {note.change}): "
            f"keys removed since may be back, added ones are missing; restore the newest; {ACCEPT}"
        )
    if file.change == note.change and file.checksum != note.checksum:
        return f"{place.file} is not the change {note.change} that was seen here; {ACCEPT}"
    return None


def remember(place: Place, file: VaultFile) -> None:
    """Take a newer vault into the note: after a crash the note lags behind. Hold the lock."""
    note = _read(place.witness)
    if note is None or note.change < file.change:
        write_note(place, note_of(file))


def refuse_doubtful(place: Place, file: VaultFile) -> None:
    """Raises VaultRefused when the vault may be an old one, put back."""
    reason = doubt(place, file)
    if reason is not None:
        raise VaultRefused(reason)


def _read(path: Path) -> Note | None:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        try:
            return msgspec.json.decode(file.read(4_096), type=Note)
        except (*UNREADABLE, OSError):
            return None
