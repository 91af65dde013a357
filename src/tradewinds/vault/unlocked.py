"""An open vault: keys by name, and changes that are durable before they count."""

import contextlib
import os
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct, structs

from tradewinds.vault.durable import held, replace_file, sweep
from tradewinds.vault.envelope import Sealer, digest, fresh_terms
from tradewinds.vault.errors import KeyRefused, VaultRefused
from tradewinds.vault.file import (
    FORMAT,
    ID_BYTES,
    Place,
    SealedKey,
    VaultFile,
    check_folder,
    encode,
    read,
)
from tradewinds.vault.keys import ApiKey, Environment, Standing, parse_name
from tradewinds.vault.secret import Secret
from tradewinds.vault.witness import Note, note_of, refuse_doubtful, remember, write_note

NOT_OPENED: Final = (
    "the vault did not open: the passphrase is wrong, or the file was changed by someone without it"
)


class _Contents(Struct, frozen=True, kw_only=True):
    """What is sealed of a key. It lives for a moment, on the way in or out."""

    key: str
    secret: str
    standing: Standing
    checked_ns: int
    added_ns: int

    def __repr__(self) -> str:
        return "_Contents(****)"


class Unlocked:
    """Holds the derived key; each secret is opened when it is asked for."""

    def __init__(self, place: Place, file: VaultFile, sealer: Sealer) -> None:
        self._place = place
        self._file = file
        self._sealer = sealer

    def __repr__(self) -> str:
        return f"Unlocked({len(self._file.keys)} keys)"

    @property
    def names(self) -> Mapping[str, Environment]:
        """Name and environment of every key, in the order they were added."""
        return {row.name: row.environment for row in self._file.keys}

    def get(self, name: str) -> ApiKey:
        """Raises KeyRefused for a name that is not there."""
        row = next((row for row in self._file.keys if row.name == name), None)
        if row is None:
            known = ", ".join(self.names) or "none"
            raise KeyRefused(f"no key {name!r} in the vault; there are: {known}")
        bound = self._file.key_bound(row.name, row.environment)
        plain = self._sealer.open(row.nonce, row.sealed, bound)
        if plain is None:
            raise VaultRefused(NOT_OPENED)
        inside = msgspec.msgpack.decode(plain, type=_Contents)
        return ApiKey(
            name=parse_name(row.name),
            environment=row.environment,
            key=Secret(inside.key),
            secret=Secret(inside.secret),
            standing=inside.standing,
            checked_ns=inside.checked_ns,
            added_ns=inside.added_ns,
        )

    def put(self, key: ApiKey) -> None:
        """Add a key, or replace the one of its name. Durable when it returns.

        Raises VaultRefused when another process changed the vault since it was opened, OSError
        when it cannot be written; in both cases the old file stays.
        """
        row = self._row(key, self._sealer)
        if row.name in self.names:
            rows = tuple(row if old.name == row.name else old for old in self._file.keys)
        else:
            rows = (*self._file.keys, row)
        self._write(structs.replace(self._file, keys=rows), self._sealer)

    def remove(self, name: str) -> None:
        """Forget a key. Raises like `get` and `put`. It still exists at the venue."""
        self.get(name)
        rows = tuple(row for row in self._file.keys if row.name != name)
        self._write(structs.replace(self._file, keys=rows), self._sealer)

    def change_passphrase(self, passphrase: Secret) -> None:
        """Seal everything anew. Copies of the old file still open with the old one."""
        terms = fresh_terms()
        sealer = Sealer(passphrase, terms)
        rows = tuple(self._row(self.get(name), sealer) for name in self.names)
        self._write(structs.replace(self._file, keys=rows, terms=terms), sealer)

    def _row(self, key: ApiKey, sealer: Sealer) -> SealedKey:
        contents = _Contents(
            key=key.key.reveal(),
            secret=key.secret.reveal(),
            standing=key.standing,
            checked_ns=key.checked_ns,
            added_ns=key.added_ns,
        )
        name = str(key.name)
        bound = self._file.key_bound(name, key.environment)
        nonce, sealed = sealer.seal(msgspec.msgpack.encode(contents), bound)
        return SealedKey(name=name, environment=key.environment, nonce=nonce, sealed=sealed)

    def _write(self, wanted: VaultFile, sealer: Sealer) -> None:
        changed = sealed_file(structs.replace(wanted, change=wanted.change + 1), sealer)
        place = self._place
        place.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        check_folder(place.file.parent)
        with held(place.lock):
            if read(place) != (self._file if self._file.change else None):
                raise VaultRefused("the vault was changed meanwhile by another process: try again")
            sweep(place.file)
            if not self._file.change:
                # Noted beforehand: a crash right after the first write then leaves a newer vault.
                write_note(place, Note(vault_id=changed.vault_id, change=0, checksum=b""))
            replace_file(place.file, encode(changed))
            write_note(place, note_of(changed))
        self._file, self._sealer = changed, sealer


def sealed_file(file: VaultFile, sealer: Sealer) -> VaultFile:
    """With a seal and a checksum over what is in it now."""
    nonce, seal = sealer.seal(b"", file.all_bound())
    sealed = structs.replace(file, nonce=nonce, seal=seal)
    return structs.replace(sealed, checksum=sealed.sum())


def create(place: Place, passphrase: Secret) -> Unlocked:
    """A new, empty vault, written with its first key. Raises VaultRefused where one is."""
    if read(place) is not None:
        raise VaultRefused(f"{place.file} is there already")
    terms = fresh_terms()
    empty = VaultFile(
        format=FORMAT,
        vault_id=os.urandom(ID_BYTES),
        change=0,
        terms=terms,
        keys=(),
        nonce=b"",
        seal=b"",
        checksum=digest(b""),
    )
    return Unlocked(place, empty, Sealer(passphrase, terms))


def unlock(place: Place, passphrase: Secret) -> Unlocked:
    """Open the vault. Raises VaultRefused: there is none, others can read it, it is damaged, the
    passphrase is wrong or the file was changed (one message for both), or it is an old version.
    """
    file, sealer = _opened(place, passphrase)
    refuse_doubtful(place, file)
    # Whoever holds the lock writes a newer note; a full disk must not keep an engine from starting.
    with contextlib.suppress(VaultRefused, OSError), held(place.lock):
        remember(place, file)
    return Unlocked(place, file, sealer)


def accept(place: Place, passphrase: Secret) -> Unlocked:
    """Take the vault as it is for the newest, after a restore or a move."""
    file, sealer = _opened(place, passphrase)
    with held(place.lock):
        write_note(place, note_of(file))
    return Unlocked(place, file, sealer)


def _opened(place: Place, passphrase: Secret) -> tuple[VaultFile, Sealer]:
    file = read(place)
    if file is None:
        raise VaultRefused(
            f"there is no vault at {place.file}: `trading-cli keys add VENUE:LABEL` makes one"
        )
    sealer = Sealer(passphrase, file.terms)
    if sealer.open(file.nonce, file.seal, file.all_bound()) is None:
        raise VaultRefused(NOT_OPENED)
    return file, sealer
