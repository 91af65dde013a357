"""Takes the port before anything else starts, or says who has it."""

import socket
from errno import EACCES, EADDRINUSE, EADDRNOTAVAIL
from pathlib import Path

from tradewinds.model.errors import ConfigError

BACKLOG = 128
LISTENING = "0A"


def listen(host: str, port: int) -> socket.socket:
    """A bound, listening socket. Raises ConfigError naming the port, its holder and the way out."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, port))
        taken.listen(BACKLOG)
    except OSError as error:
        taken.close()
        raise ConfigError(_explain(error, host, port)) from None
    return taken


def holder(port: int) -> str | None:
    """`name (pid n)` of the process listening on this port, where the system lets us see it."""
    inodes = _listening_inodes(port)
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if any(_target(link) in inodes for link in (entry / "fd").iterdir()):
                return f"{(entry / 'comm').read_text().strip()} (pid {entry.name})"
        except OSError:
            continue  # Another user's process, or one that has just ended.
    return None


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""  # Closed since it was listed, as the listing itself will be.


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        try:
            lines = table.read_text().splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    return inodes


def _explain(error: OSError, host: str, port: int) -> str:
    if error.errno == EADDRINUSE:
        who = holder(port)
        by = f" by {who}" if who else " by another program"
        return f"port {port} on {host} is in use{by}; stop it, or choose another with --port"
    if error.errno == EACCES:
        return f"not allowed to listen on port {port}; choose one above 1023 with --port"
    if error.errno == EADDRNOTAVAIL:
        return f"{host} is not an address of this machine; use 127.0.0.1"
    return f"cannot listen on {host}:{port}: {error.strerror}"
