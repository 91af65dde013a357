"""Starts, watches and restarts our processes; stops them all in order."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Event, Thread
from typing import IO

from msgspec import Struct

from tradewinds.config import Settings
from tradewinds.model.errors import ConfigError
from tradewinds.options import PAPER, RunOptions
from tradewinds.vault.passphrase import offered
from tradewinds.vault.secret import Secret

__all__ = ["RunOptions", "run"]

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
POLL_S = 0.1
PARENT = "TRADEWINDS_SUPERVISOR_PID"
PARENT_LOOK_S = 0.5
VENUE = "practice venue"
"""It remembers nothing: its end is the end of the run that traded on it."""
STOP_WAIT_S = 10.0
RESTARTS_MAX = 5
RESTART_WINDOW_S = 300.0
BACKOFF_S = (0.5, 1.0, 2.0, 5.0, 10.0)
FINAL_CODES = frozenset({0, 2, 5, 6, 7, 10, 11, 12, 70})
"""A process that ends so will end so again: restarting it would only repeat the message."""


class Child:
    """One process of ours, with its restarts. `secret` is handed down a pipe at each start."""

    def __init__(
        self, name: str, command: Sequence[str], log_path: Path, secret: Secret | None = None
    ) -> None:
        self.name = name
        self._secret = secret
        self._command = command
        self._log_path = log_path
        self._process: subprocess.Popen[bytes] | None = None
        self._starts: list[float] = []
        self._next_start = 0.0

    def start(self) -> None:
        """Start it; its output goes to its log."""
        self._starts.append(time.monotonic())
        with self._open_log() as log, self._pipe() as pipes:
            self._process = subprocess.Popen(  # noqa: S603
                [*self._command, *(f"--passphrase-pipe={number}" for number in pipes)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, PARENT: str(os.getpid())},
                pass_fds=pipes,
            )

    @contextlib.contextmanager
    def _pipe(self) -> Iterator[tuple[int, ...]]:
        """The passphrase goes through an inherited pipe: in no argument, in no environment."""
        if self._secret is None:
            yield ()
            return
        with offered(self._secret) as number:
            yield (number,)

    def _open_log(self) -> IO[bytes]:
        self._log_path.parent.mkdir(parents=True, exist_ok=True)
        self._log_path.touch(mode=0o600)
        return self._log_path.open("ab")

    @property
    def running(self) -> bool:
        """Whether it is alive."""
        return self._process is not None and self._process.poll() is None

    @property
    def code(self) -> int | None:
        """Its exit code, None while it runs."""
        return None if self._process is None else self._process.poll()

    def may_restart(self) -> bool:
        """Not too often, and only if another start can end otherwise."""
        horizon = time.monotonic() - RESTART_WINDOW_S
        recent = [start for start in self._starts if start > horizon]
        return self.code not in FINAL_CODES and len(recent) <= RESTARTS_MAX

    def restart_when_due(self) -> bool:
        """Start again after a pause that grows; True when it was started."""
        now = time.monotonic()
        if self._next_start == 0.0:
            tries = min(len(self._starts), len(BACKOFF_S)) - 1
            self._next_start = now + BACKOFF_S[tries]
        if now < self._next_start:
            return False
        self._next_start = 0.0
        self.start()
        return True

    def ask_to_end(self) -> None:
        """Let it end in order."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def stop(self) -> None:
        """Wait for its end, then make it end."""
        process = self._process
        if process is None:
            return
        try:
            process.wait(STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def last_words(self, lines: int = 12) -> str:
        """The end of its log, for the operator."""
        try:
            text = self._log_path.read_text("utf-8", errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])


def follow_parent(environ: Mapping[str, str] = os.environ) -> None:
    """In a child: end in order when the supervisor is gone, even if it was killed outright.

    Does nothing in a process that was started by hand.
    """
    parent = environ.get(PARENT, "")
    if not parent.isdigit():
        return

    def watch() -> None:
        while os.getppid() == int(parent):
            time.sleep(PARENT_LOOK_S)
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=watch, name="follow_parent", daemon=True).start()


def arguments_of(options: RunOptions) -> list[str]:
    """The command line that gives a child the same options."""
    speed = options.speed
    values = {
        "--home": options.home,
        "--config": options.config_path,
        "--replay": options.replay,
        "--speed": "max" if speed == float("inf") else speed,
        "--seed": options.seed,
        "--timeframe": options.timeframe,
        "--symbols": ",".join(options.symbols) or None,
        f"--{options.mode}": options.key or None,
        "--at": options.at or None,
        "--take-over": ",".join(options.take_over) or None,
        "--perpetual-key": options.perpetual_key or None,
        "--cleared-ns": options.cleared_ns or None,
    }
    switches = {
        "--synthetic": options.synthetic,
        "--no-dashboard": options.no_dashboard,
        "--fresh": options.fresh,
        "--perpetuals": options.perpetuals and not options.perpetual_key,
        f"--{options.mode}": options.mode != PAPER and not options.key,
    }
    words = [w for name, value in values.items() if value is not None for w in (name, str(value))]
    return words + [name for name, on in switches.items() if on]


class Beside(Struct, frozen=True, kw_only=True):
    """What an engine at a venue needs: the vault's passphrase, or a practice venue's port (0: one
    is there already)."""

    secret: Secret | None = None
    venue_port: int = 0


NOTHING_BESIDE = Beside()


def children_of(
    settings: Settings, options: RunOptions, beside: Beside = NOTHING_BESIDE
) -> list[Child]:
    """The engine, the dashboard unless it is not wanted, and the practice venue if we start it."""
    python = [sys.executable, "-P", "-m", "tradewinds.cli"]
    logs = options.home / "logs"
    command = [*python, "engine", *arguments_of(options)]
    engine = Child("engine", command, logs / "engine.out", beside.secret)
    venue = []
    if beside.venue_port:
        words = ["--home", str(options.home), "--port", str(beside.venue_port)]
        venue = [Child(VENUE, [*python, "venue", *words], logs / "venue.out")]
    if options.no_dashboard:
        return [*venue, engine]
    words = ["--home", str(options.home), "--port", str(settings.dashboard.port)]
    if options.config_path is not None:
        words += ["--config", str(options.config_path)]
    pages = Child("dashboard", [*python, "dashboard", *words], logs / "dashboard.out")
    return [*venue, engine, pages]


def run(
    settings: Settings,
    options: RunOptions,
    say: Callable[[str], None],
    beside: Beside = NOTHING_BESIDE,
) -> int:
    """Until Ctrl-C or SIGTERM, or until the engine ends for good; its exit code."""
    try:
        options.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigError(f"{options.home} cannot be made: {error.strerror}") from error
    stopping = Event()
    for number in STOP_SIGNALS:
        # What a caller has told us to ignore (nohup) stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: stopping.set())
    children = children_of(settings, options, beside)
    try:
        for child in children:
            child.start()
        return _watch(children, stopping, say)
    finally:
        _end(children)


def _end(children: Sequence[Child]) -> None:
    """All at once, but the venue last: an engine that leaves still speaks with it."""
    for group in (
        [child for child in children if child.name != VENUE],
        [child for child in children if child.name == VENUE],
    ):
        for child in group:
            child.ask_to_end()
        for child in group:
            child.stop()


def _watch(children: Sequence[Child], stopping: Event, say: Callable[[str], None]) -> int:
    told: set[str] = set()
    while not stopping.wait(POLL_S):
        for child in children:
            if child.running:
                told.discard(child.name)
                continue
            if child.name == VENUE or (child.name == "engine" and not child.may_restart()):
                return _gone(child, say)
            if child.may_restart():
                if child.name not in told:
                    told.add(child.name)
                    say(f"{child.name} ended with code {child.code}; starting it again")
                child.restart_when_due()
            elif child.name not in told:
                told.add(child.name)
                _gone(child, say)
    return 0


def _gone(child: Child, say: Callable[[str], None]) -> int:
    """A process that will not come back: say why, with its own words."""
    code = child.code or 0
    if code:
        say(f"{child.name} ended with code {code} and was not restarted:")
        say(child.last_words())
    return code
