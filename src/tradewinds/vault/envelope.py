"""The cryptography: argon2id makes the key, AES-256-GCM seals under it, and everything is bound.

Parameters follow RFC 9106 (second recommendation: 64 MiB, three passes) with one lane.
"""

import hashlib
import os
from typing import Annotated, Final

from msgspec import Meta, Struct

from tradewinds.vault.errors import VaultRefused
from tradewinds.vault.secret import Secret

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
SALT_BYTES: Final = 16
LENGTH_BYTES: Final = 8


class Terms(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a passphrase becomes a key. Less than the least is refused: it would be guessable.

    The upper ends keep a changed file from taking all memory.
    """

    memory_kib: Annotated[int, Meta(ge=65_536, le=1_048_576)]
    passes: Annotated[int, Meta(ge=3, le=32)]
    lanes: Annotated[int, Meta(ge=1, le=1)]
    salt: Annotated[bytes, Meta(min_length=SALT_BYTES, max_length=SALT_BYTES)]

    def bound(self) -> bytes:
        """For what is sealed under the key these terms make."""
        return bind(b"argon2id", self.memory_kib, self.passes, self.lanes, self.salt)


def fresh_terms() -> Terms:
    """For a new vault."""
    return Terms(memory_kib=65_536, passes=3, lanes=1, salt=os.urandom(SALT_BYTES))


class Sealer:
    """Seals and opens under one key. Its repr shows nothing."""

    __slots__ = ("_cipher",)

    def __init__(self, passphrase: Secret, terms: Terms) -> None:
        """Slow and large on purpose: about a tenth of a second and 64 MiB."""
        from argon2.exceptions import HashingError
        from argon2.low_level import Type, hash_secret_raw
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            key = hash_secret_raw(
                passphrase.reveal().encode(),
                terms.salt,
                time_cost=terms.passes,
                memory_cost=terms.memory_kib,
                parallelism=terms.lanes,
                hash_len=KEY_BYTES,
                type=Type.ID,
            )
        except HashingError:
            raise VaultRefused(
                f"opening the vault needs {terms.memory_kib // 1024} MiB of memory: free some"
            ) from None
        self._cipher = AESGCM(key)

    def seal(self, plain: bytes, bound_to: bytes) -> tuple[bytes, bytes]:
        """A random nonce, and the ciphertext with its tag."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce, self._cipher.encrypt(nonce, plain, bound_to)

    def open(self, nonce: bytes, sealed: bytes, bound_to: bytes) -> bytes | None:
        """None for another key, other bytes or another place: which one cannot be told."""
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher.decrypt(nonce, sealed, bound_to)
        except InvalidTag:
            return None


def bind(*parts: bytes | str | int) -> bytes:
    """Parts with their lengths before them, so that no two lists of parts read the same."""
    whole = bytearray()
    for part in parts:
        raw = part if isinstance(part, bytes) else str(part).encode()
        whole += len(raw).to_bytes(LENGTH_BYTES, "big") + raw
    return bytes(whole)


def digest(raw: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(raw).digest()
