"""What `run` says at the start: where the pages are, and what is being traded."""

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tradewinds.cli.engine_link import ask_snapshot
from tradewinds.cli.exits import CliError
from tradewinds.cli.words import money

if TYPE_CHECKING:
    from tradewinds.config import Settings
    from tradewinds.model.snapshot import Snapshot

LOOK_EVERY_S = 0.3
LOOKS = 200
LOOPBACK = ("127.0.0.1", "::1")


def say(text: str) -> None:
    """A line for the operator, at once also into a pipe."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def greet(settings: "Settings", home: Path, *, pages: bool) -> None:
    """The address, and on the first run the password, which is never shown again."""
    account = settings.account
    say(f"Tradewinds, paper trading with {money(account.starting_balance)} {account.currency}.")
    if pages:
        say(f"Dashboard: {address(settings)}")
        password = first_password(home)
        if password:
            say(f"Password:  {password}   (shown this once; `trading-cli password` makes another)")
    say("Ctrl-C stops it.")


def address(settings: "Settings") -> str:
    """What to type into a browser."""
    host = settings.dashboard.host
    return f"http://{'localhost' if host in LOOPBACK else host}:{settings.dashboard.port}"


def first_password(home: Path) -> str | None:
    """Made on the first run; None afterwards."""
    from tradewinds.dashboard.auth import ensure_password

    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    return ensure_password(password_path(home))


def password_path(home: Path) -> Path:
    """Where the dashboard keeps the password's hash."""
    from tradewinds.dashboard.settings import DashboardSettings

    return DashboardSettings(data_dir=home).password_path


class Herald:
    """Says what is traded as soon as the engine knows: it looks for a venue first."""

    def __init__(self, home: Path, tell: Callable[[str], None], *, searched: bool) -> None:
        self._home = home
        self._tell = tell
        self._searched = searched
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="herald", daemon=True)

    def start(self) -> None:
        """Look from now on, beside the supervisor."""
        self._thread.start()

    def stop(self) -> None:
        """It is over, whether it was heard or not."""
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        for _ in range(LOOKS):
            if self._over.wait(LOOK_EVERY_S):
                return
            try:
                snapshot = ask_snapshot(self._home, LOOK_EVERY_S)
            except CliError:
                continue
            self._tell(trading_line(snapshot, searched=self._searched))
            return


def trading_line(snapshot: "Snapshot", *, searched: bool) -> str:
    """What is traded, and that it is made up where it is."""
    if not snapshot.synthetic:
        return f"Trading {snapshot.feed_label}."
    why = "No venue could be reached. " if searched else ""
    return f"{why}Trading the built-in market: {snapshot.feed_label}. Its prices are made up."
