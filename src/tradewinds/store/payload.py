"""Entries of the journal as bytes, and back to exactly what went in."""

import zlib
from collections.abc import Sequence
from typing import Literal

import msgspec

from tradewinds.model.commands import Command
from tradewinds.model.errors import JournalCorrupt
from tradewinds.model.events import Event

Kind = Literal["e", "c"]
Entry = tuple[Kind, int, Event | Command]
"""An event with its own sequence number, or a command with that of the event that caused it."""

# A small batch gains nothing from packing and is the one whose latency an order waits for.
PACK_FROM_BYTES = 1024
EVENT: Literal["e"] = "e"
COMMAND: Literal["c"] = "c"
RAW = b"\x00"
PACKED = b"\x01"
ENCODER = msgspec.msgpack.Encoder()
DECODER: msgspec.msgpack.Decoder[list[Entry]] = msgspec.msgpack.Decoder(list[Entry])


def encode(entries: Sequence[Entry]) -> bytes:
    """The same entries always give the same bytes; mappings keep the order the engine saw."""
    return ENCODER.encode(entries)


def decode(encoded: bytes) -> list[Entry]:
    """What `encode` was given. Raises JournalCorrupt for anything else."""
    try:
        return DECODER.decode(encoded)
    except msgspec.MsgspecError as error:
        raise JournalCorrupt(f"entries cannot be read: {error}") from error


def pack(encoded: bytes) -> bytes:
    """A first byte says how the rest is kept."""
    if len(encoded) < PACK_FROM_BYTES:
        return RAW + encoded
    return PACKED + zlib.compress(encoded, 1)


def unpack(payload: bytes) -> bytes:
    """Undo `pack`. Raises JournalCorrupt."""
    if payload[:1] == RAW:
        return payload[1:]
    if payload[:1] != PACKED:
        raise JournalCorrupt(f"a payload starts with the unknown byte {payload[:1].hex() or '-'}")
    try:
        return zlib.decompress(payload[1:])
    except zlib.error as error:
        raise JournalCorrupt(f"a payload cannot be unpacked: {error}") from error
