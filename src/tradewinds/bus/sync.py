"""Ask the engine from a plain program: a blocking socket and nothing else to load."""

import socket
import time
from pathlib import Path

from tradewinds.bus.address import socket_path
from tradewinds.bus.frames import LENGTH, Frame, Kind, length, pack, unpack
from tradewinds.model.errors import BusUnavailable


def request_sync(path: Path, verb: str, payload: bytes, timeout_s: float) -> bytes:
    """The engine's reply. Raises BusUnavailable when nobody answers in `timeout_s` seconds."""
    deadline = time.monotonic() + timeout_s
    where = socket_path(path)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(timeout_s)
            line.connect(str(where))
            line.sendall(pack(Frame(Kind.REQUEST, 1, verb, payload)))
            size = length(_take(line, LENGTH.size, deadline))
            frame = unpack(_take(line, size, deadline))
    except TimeoutError as error:
        raise BusUnavailable(f"no answer to {verb} within {timeout_s:g} s") from error
    except OSError as error:
        raise BusUnavailable(f"no engine answers at {path}: is it running? ({error})") from error
    if frame.kind is not Kind.REPLY:
        raise BusUnavailable(f"{verb} failed: {frame.payload.decode(errors='replace')}")
    return frame.payload


def _take(line: socket.socket, count: int, deadline: float) -> bytes:
    parts: list[bytes] = []
    while count > 0:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        line.settimeout(left)
        part = line.recv(min(count, 1 << 20))
        if not part:
            raise ConnectionError("it closed the connection")
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
