"""Checks of what we talk to: the port of the pages, the engine's socket, Redis, a venue."""

from pathlib import Path
from typing import TYPE_CHECKING

from tradewinds.cli.checkup import Check, failed, fine, note, warning
from tradewinds.cli.engine_link import engine_answers, socket_path
from tradewinds.model.errors import BusUnavailable, ConfigError

if TYPE_CHECKING:
    from tradewinds.config import Settings


def check_port(settings: "Settings", *, running: bool) -> Check:
    """Free, or ours already."""
    from tradewinds.dashboard.port import listen

    host, port = settings.dashboard.host, settings.dashboard.port
    try:
        listen(host, port).close()
    except ConfigError as error:
        if running:
            return fine("dashboard port", f"{host}:{port} is in use while the engine runs")
        return failed("dashboard port", str(error), "or set dashboard.port in the settings")
    return fine("dashboard port", f"{host}:{port} is free")


def check_host(settings: "Settings") -> Check:
    """Whether others on the network can see the pages."""
    host = settings.dashboard.host
    if host in {"127.0.0.1", "localhost", "::1"}:
        return fine("dashboard host", f"{host}: this machine only")
    return warning(
        "dashboard host",
        f"{host} is reachable from the network",
        "set dashboard.host to 127.0.0.1 and use an SSH tunnel from elsewhere",
    )


def check_socket(home: Path) -> Check:
    """Whether the engine's socket can be made, or answers."""
    from tradewinds.bus import address

    try:
        path = address.socket_path(socket_path(home))
    except BusUnavailable as error:
        return failed("engine socket", str(error), "choose a shorter folder with --home")
    if engine_answers(home):
        return fine("engine socket", "the engine answers")
    if path.exists():
        left = "a socket of an earlier run is left; the next start replaces it"
        return note("engine socket", left)
    return note("engine socket", "no engine runs in this data folder")


def check_venue(settings: "Settings", venue: str) -> Check:
    """Whether public data can be had, and from which venue; '' trades the synthetic market."""
    if venue:
        return fine("market data", f"{venue} is reachable")
    tried = ", ".join(settings.feed.venues) or "none configured"
    return note(
        "market data",
        f"no venue reachable ({tried}): will trade the synthetic market",
        "not needed for a first look; `trading-cli run --replay PATH` trades recorded data",
    )
