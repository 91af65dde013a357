"""What `run` says at the start: where the pages are, and what is being traded."""

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tradewinds.cli.engine_link import ask_snapshot, last_known
from tradewinds.cli.exits import CliError
from tradewinds.cli.words import money, plain

if TYPE_CHECKING:
    from tradewinds.config import Settings
    from tradewinds.model.snapshot import Snapshot
    from tradewinds.options import RunOptions

LOOK_EVERY_S = 0.3
LOOKS = 2_000
PATIENT_LOOKS = 50
LOOPBACK = ("127.0.0.1", "::1")


def say(text: str) -> None:
    """A line for the operator, at once also into a pipe."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def greet(settings: "Settings", options: "RunOptions", *, own_venue: bool = False) -> None:
    """The address, and on the first run the password, which is never shown again."""
    account = settings.account
    keys = keys_named(options)
    match options.mode:
        case "paper":
            sum_ = money(account.starting_balance)
            say(f"Tradewinds, paper trading with {sum_} {account.currency}.")
        case "practice":
            whose = "a practice venue of its own" if own_venue else "the practice venue"
            say(f"Tradewinds, PRACTICE: orders go to {whose} on this machine; nothing is money.")
        case "live":
            say(f"Tradewinds, LIVE: REAL MONEY on {keys}.")
        case mode:
            say(f"Tradewinds, {mode.upper()}: orders go to {keys}; nothing there is money.")
    if not options.no_dashboard:
        say(f"Dashboard: {address(settings)}")
        password = first_password(options.home)
        if password:
            say(f"Password:  {password}   (shown this once; `trading-cli password` makes another)")
    say("Ctrl-C stops it.")


def keys_named(options: "RunOptions") -> str:
    """`binance-spot:main`, and what it trades beside."""
    if not options.perpetuals:
        return options.key
    return f"{options.key} and perpetuals on {options.perpetual_key or 'the same key'}"


def take_leave(options: "RunOptions") -> None:
    """What stays open at a venue while nobody is here."""
    last = last_known(options.home)
    if options.mode == "paper" or last is None or last.mode != options.mode:
        return
    for row in last.positions:
        say(
            f"STAYS OPEN at the venue: {row.side.value} {plain(row.quantity)} {row.instrument_id}, "
            f"stop {plain(row.stop_price)}"
        )
    orders = f"{last.working_orders} order{'' if last.working_orders == 1 else 's'}"
    say(f"Stopped with {len(last.positions)} open and {orders} resting at the venue.")


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
        for look in range(LOOKS):
            if self._over.wait(LOOK_EVERY_S):
                return
            if look == PATIENT_LOOKS:
                log = self._home / "logs" / "engine.log"
                self._tell(f"Still starting: {log} says what it waits for.")
            try:
                snapshot = ask_snapshot(self._home, LOOK_EVERY_S)
            except CliError:
                continue
            self._tell(trading_line(snapshot, searched=self._searched))
            return


def trading_line(snapshot: "Snapshot", *, searched: bool) -> str:
    """What is traded, and that it is made up where it is."""
    if snapshot.mode != "paper":
        named = f"{money(snapshot.equity)} {snapshot.currency}, account {snapshot.account}"
        made_up = " Its prices are made up." if snapshot.synthetic else ""
        return f"Trading {snapshot.feed_label} with {named}.{made_up}"
    if not snapshot.synthetic:
        return f"Trading {snapshot.feed_label}."
    why = "No venue could be reached. " if searched else ""
    return f"{why}Trading the built-in market: {snapshot.feed_label}. Its prices are made up."
