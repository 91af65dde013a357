"""What the dashboard is told at start: where to listen, its files, how long a login lasts."""

from pathlib import Path

from msgspec import Struct

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


class SessionTimings(Struct, frozen=True, kw_only=True):
    """Seconds. A page that is open counts as use; trading rights count clicks only."""

    idle_s: float = 30 * 60
    trading_idle_s: float = 5 * 60
    absolute_s: float = 12 * 3600


class DashboardSettings(Struct, frozen=True, kw_only=True):
    """`public_hosts` adds `host:port` names for a published container port; else loopback only."""

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 3000
    title: str = "Tradewinds"
    public_hosts: tuple[str, ...] = ()
    timings: SessionTimings = SessionTimings()
    engine_silent_s: float = 3.0

    @property
    def password_path(self) -> Path:
        """The argon2id hash of the operator's password."""
        return self.data_dir / "dashboard_password.json"

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """Host headers we answer to; any other name is a rebinding attempt or a mistake."""
        names = {f"{name}:{self.port}" for name in LOOPBACK_NAMES}
        return frozenset(names | {host.lower() for host in self.public_hosts})

    @property
    def allowed_origins(self) -> frozenset[str]:
        """Origins of our own pages, with and without TLS in front."""
        return frozenset(
            f"{scheme}://{host}" for scheme in ("http", "https") for host in self.allowed_hosts
        )

    @property
    def cookie_name(self) -> str:
        """Cookies ignore ports, so two dashboards on one machine need two names."""
        return f"tradewinds_session_{self.port}"
