"""Frames on a socket: a length, a kind, a request number, a name, and bytes."""

import struct
from enum import IntEnum
from typing import NamedTuple

from tradewinds.model.errors import BusUnavailable

PAYLOAD_BYTES_MAX = 8 * 1024 * 1024
NAME_BYTES_MAX = 1024
LENGTH = struct.Struct(">I")
HEAD = struct.Struct(">BIH")
FRAME_BYTES_MAX = HEAD.size + NAME_BYTES_MAX + PAYLOAD_BYTES_MAX


class Kind(IntEnum):
    """SUBSCRIBE names topics, one a line; MESSAGE, REQUEST, REPLY and FAILURE carry a payload."""

    SUBSCRIBE = 1
    MESSAGE = 2
    REQUEST = 3
    REPLY = 4
    FAILURE = 5


class Frame(NamedTuple):
    """`name` is the topic or the verb, `number` ties a reply to its request."""

    kind: Kind
    number: int
    name: str
    payload: bytes


def pack(frame: Frame) -> bytes:
    """Raises BusUnavailable for what no reader would take."""
    check_size(frame.name, frame.payload)
    name = frame.name.encode()
    size = HEAD.size + len(name) + len(frame.payload)
    head = HEAD.pack(frame.kind, frame.number, len(name))
    return b"".join((LENGTH.pack(size), head, name, frame.payload))


def check_size(name: str, payload: bytes) -> None:
    """Raises BusUnavailable for what no reader would take."""
    if len(name.encode()) > NAME_BYTES_MAX or len(payload) > PAYLOAD_BYTES_MAX:
        raise BusUnavailable(f"{name[:60]}: {len(payload)} bytes are too long for the bus")


def length(prefix: bytes) -> int:
    """How much follows the prefix. Raises BusUnavailable for a length nobody would send."""
    (size,) = LENGTH.unpack(prefix)
    if not HEAD.size <= size <= FRAME_BYTES_MAX:
        raise BusUnavailable(f"not a bus frame: it claims {size} bytes")
    return int(size)


def unpack(content: bytes) -> Frame:
    """The frame behind a length prefix. Raises BusUnavailable for garbage."""
    try:
        kind, number, name_size = HEAD.unpack_from(content)
        name_end = HEAD.size + name_size
        if name_end > len(content):
            raise BusUnavailable("not a bus frame: its name is longer than itself")
        name = content[HEAD.size : name_end].decode()
        return Frame(Kind(kind), number, name, content[name_end:])
    except (struct.error, ValueError) as error:
        raise BusUnavailable(f"not a bus frame: {error}") from error
