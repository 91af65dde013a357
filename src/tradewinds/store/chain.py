"""One sealed batch of entries, and the hash that ties it to the one before."""

import hashlib

import msgspec
from msgspec import Struct

GENESIS = "0" * 64
"""What the first batch of an account links to."""


class Batch(Struct, frozen=True, kw_only=True):
    """A row of the journal. `number` counts per account from 1, sequences per run from 1.

    `time_ns` is the received time of the last event so far, `checkpoint_hash` '' without one.
    Hashes are SHA-256 in hex. Without an event in it, last_sequence is first_sequence - 1.
    """

    account: str
    number: int
    run_id: str
    first_sequence: int
    last_sequence: int
    entries: int
    time_ns: int
    checkpoint_hash: str
    prev_hash: str
    hash: str
    payload: bytes


def seal(batch: Batch) -> Batch:
    """The same batch with its hash filled in."""
    return msgspec.structs.replace(batch, hash=hash_of(batch))


def hash_of(batch: Batch) -> str:
    """SHA-256 over the previous hash, every other column, and the payload as it is stored."""
    header = (
        batch.account,
        batch.number,
        batch.run_id,
        batch.first_sequence,
        batch.last_sequence,
        batch.entries,
        batch.time_ns,
        batch.checkpoint_hash,
    )
    digest = hashlib.sha256(bytes.fromhex(batch.prev_hash))
    digest.update(msgspec.msgpack.encode(header))
    digest.update(batch.payload)
    return digest.hexdigest()


def checkpoint_hash(encoded: bytes | None) -> str:
    """So that an edited checkpoint is found by the audit as an edited entry is."""
    return "" if encoded is None else hashlib.sha256(encoded).hexdigest()
