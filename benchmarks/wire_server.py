"""A stand-in for a venue's stream, in a process of its own: sends prepared frames at a rate.

`python -m benchmarks.wire_server FRAMES STAMPS RATE`: one message a line. It serves one client
and begins half a second after the handshake. RATE 0 is as fast as the client reads. When each
message left is written to STAMPS. It blocks and sleeps instead of looping over events, so that an
even stream stays even.
"""

import array
import base64
import hashlib
import re
import socket
import struct
import sys
import time
from pathlib import Path

from benchmarks import priority

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
BEGIN_S = 0.5
TOGETHER = 64
"""Messages in one write where there is no rate."""
SHORT = 126


def framed(message: bytes) -> bytes:
    """As one unmasked text frame (RFC 6455, section 5.2)."""
    size = len(message)
    if size < SHORT:
        return bytes((0x81, size)) + message
    return struct.pack(">BBH", 0x81, SHORT, size) + message


def shake_hands(client: socket.socket) -> None:
    """Answer the upgrade."""
    request = b""
    while b"\r\n\r\n" not in request:
        request += client.recv(65_536)
    lines = (line.partition(b":") for line in request.split(b"\r\n"))
    key = next(value for name, _, value in lines if name.lower() == b"sec-websocket-key")
    accept = base64.b64encode(hashlib.sha1(key.strip() + GUID).digest())
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    client.sendall(head + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")


def answer(client: socket.socket) -> None:
    """Say yes to every subscription that comes before it begins: some clients wait for that."""
    heard, ends_s = b"", time.monotonic() + BEGIN_S
    while (left_s := ends_s - time.monotonic()) > 0:
        client.settimeout(left_s)
        try:
            heard += client.recv(65_536)
        except TimeoutError:
            break
        while message := unmasked(heard):
            text, heard = message
            found = re.search(rb'"id":\s*(\d+)', text)
            if found:
                client.sendall(framed(b'{"result":null,"id":%d}' % int(found[1])))
    client.settimeout(None)


def unmasked(heard: bytes) -> tuple[bytes, bytes] | None:
    """The first whole message of a client and what follows it (RFC 6455, section 5.3)."""
    size, begin = heard[1] & 0x7F if len(heard) > 1 else 0, 2
    if size == SHORT:
        size, begin = int.from_bytes(heard[2:4]), 4
    end = begin + 4 + size
    if len(heard) < end or end < 7:
        return None
    mask, body = heard[begin : begin + 4], heard[begin + 4 : end]
    return bytes(byte ^ mask[n % 4] for n, byte in enumerate(body)), heard[end:]


def at_rate(client: socket.socket, frames: list[bytes], rate: int) -> "array.array[int]":
    """One by one, each at its time, or at once when that has passed."""
    sent, now_ns, send = array.array("q"), time.monotonic_ns, client.sendall
    began_ns, gap_ns = now_ns(), 1e9 / rate
    for number, frame in enumerate(frames):
        due_ns = began_ns + int(number * gap_ns)
        while (left_ns := due_ns - now_ns()) > 0:
            time.sleep(left_ns / 1e9)
        sent.append(now_ns())
        send(frame)
    return sent


def at_once(client: socket.socket, frames: list[bytes]) -> "array.array[int]":
    """As fast as they are read."""
    sent = array.array("q")
    for start in range(0, len(frames), TOGETHER):
        part = frames[start : start + TOGETHER]
        sent.extend([time.monotonic_ns()] * len(part))
        client.sendall(b"".join(part))
    return sent


def main(messages: Path, stamps: Path, rate: int) -> None:
    """Listen on a free port, print it, serve one client, wait to be killed."""
    frames = [framed(line) for line in messages.read_bytes().splitlines()]
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        client, _ = server.accept()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    shake_hands(client)
    answer(client)
    sent = at_rate(client, frames, rate) if rate else at_once(client, frames)
    stamps.write_bytes(sent.tobytes())
    while client.recv(65_536):
        pass


if __name__ == "__main__":
    priority.keep_to(priority.SENDER_CORE)
    priority.come_first()
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
