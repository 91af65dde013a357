"""The supervisor brings back what crashed, not what cannot run, and leaves nobody behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tradewinds import supervisor
from tradewinds.bus.sync import request_sync
from tradewinds.config import Settings
from tradewinds.model.errors import BusUnavailable, ConfigError
from tradewinds.model.snapshot import Snapshot
from tradewinds.options import RunOptions
from tradewinds.supervisor import Child

pytestmark = pytest.mark.serial
STUBBORN = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(60)
"""
Supervise = Callable[..., tuple[int, list[str], int]]


@pytest.fixture
def supervise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Supervise:
    """Runs the supervisor over one child that notes each of its starts, then ends as told."""
    starts = tmp_path / "starts"
    monkeypatch.setattr(supervisor, "BACKOFF_S", (0.01,) * 5)
    monkeypatch.setattr(supervisor, "POLL_S", 0.01)
    monkeypatch.setattr(signal, "signal", lambda *_: None)

    def run(program: str, options: RunOptions | None = None) -> tuple[int, list[str], int]:
        text = f"open({str(starts)!r}, 'a').write('x')\n{program}"
        child = Child("engine", [sys.executable, "-c", text], tmp_path / "engine.out")
        monkeypatch.setattr(supervisor, "children_of", lambda *_: [child])
        said: list[str] = []
        chosen = options or RunOptions(home=tmp_path)
        code = supervisor.run(Settings(), chosen, said.append)
        assert not child.running
        return code, said, len(starts.read_text())

    return run


def test_a_child_that_crashes_is_started_again_but_not_for_ever(supervise: Supervise) -> None:
    code, said, starts = supervise("raise SystemExit('the cause of it')")
    assert code == 1
    assert starts == 1 + supervisor.RESTARTS_MAX
    assert "engine ended with code 1; starting it again" in said
    assert "the cause of it" in said[-1]


def test_a_child_that_recovers_ends_well(supervise: Supervise, tmp_path: Path) -> None:
    program = f"import sys; sys.exit(len(open({str(tmp_path / 'starts')!r}).read()) < 3)"
    code, _, starts = supervise(program)
    assert (code, starts) == (0, 3)


@pytest.mark.parametrize("code", [2, 5, 6, 7, 70])
def test_what_will_fail_again_is_not_tried_again_and_says_why(
    supervise: Supervise, code: int
) -> None:
    program = f"import sys; print('limits.reserve = -1: must be at least 0'); sys.exit({code})"
    ended, said, starts = supervise(program)
    assert (ended, starts) == (code, 1)
    assert said[0] == f"engine ended with code {code} and was not restarted:"
    assert "limits.reserve" in said[1]


def test_the_pause_before_a_restart_grows(tmp_path: Path) -> None:
    child = Child("engine", [sys.executable, "-c", "raise SystemExit(1)"], tmp_path / "out")
    pauses = []
    for _ in range(2):
        child.start()
        child.stop()
        began = time.monotonic()
        while not child.restart_when_due():
            time.sleep(0.01)
        pauses.append(time.monotonic() - began)
        child.stop()
    assert pauses[0] >= supervisor.BACKOFF_S[0]
    assert pauses[1] > pauses[0]


def test_a_child_that_will_not_end_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "STOP_WAIT_S", 0.3)
    child = Child("engine", [sys.executable, "-c", STUBBORN], tmp_path / "out")
    child.start()
    while "ready" not in child.last_words():
        time.sleep(0.01)
    child.ask_to_end()
    child.stop()
    assert child.code == -signal.SIGKILL


def test_a_folder_that_cannot_be_made_is_named(supervise: Supervise, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match="cannot be made"):
        supervise("", RunOptions(home=tmp_path / "file" / "home"))


def started_run(home: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-P", "-m", "tradewinds.cli", "--home", str(home), "run"]
    return subprocess.Popen(
        [*command, "--synthetic", "--no-dashboard"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def engine_pid(home: Path, other_than: int = 0) -> int:
    """As soon as an engine answers that is not `other_than`."""
    give_up = time.monotonic() + 20
    while time.monotonic() < give_up:
        try:
            answer = request_sync(home / "run" / "engine.sock", "status", b"", 2.0)
            pid = msgspec.msgpack.decode(answer, type=Snapshot).engine_pid
        except BusUnavailable:
            pid = other_than
        if pid != other_than:
            return pid
        time.sleep(0.05)
    raise AssertionError("no engine answers")


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_run_ends_with_all_its_children_within_seconds(
    tmp_path: Path, number: int, measured: Any
) -> None:
    run = started_run(tmp_path)
    pid = engine_pid(tmp_path)
    began = time.monotonic()
    run.send_signal(number)
    words, _ = run.communicate(timeout=20)
    took = time.monotonic() - began
    assert run.returncode == 0, words
    assert gone(pid), "an orphan"
    assert took < 5
    assert "Traceback" not in words
    measured(f"{signal.Signals(number).name}: everything ended in {took:.1f} s")


def test_run_brings_a_killed_engine_back_and_refuses_a_second_run(
    tmp_path: Path, measured: Any
) -> None:
    run = started_run(tmp_path)
    first = engine_pid(tmp_path)
    second, _ = (other := started_run(tmp_path)).communicate(timeout=20)
    assert other.returncode == 7, second
    assert "already running" in second
    os.kill(first, signal.SIGKILL)
    began = time.monotonic()
    again = engine_pid(tmp_path, other_than=first)
    measured(f"killed engine back after {time.monotonic() - began:.1f} s")
    run.terminate()
    words, _ = run.communicate(timeout=20)
    assert "starting it again" in words
    assert gone(again)


def test_a_killed_supervisor_leaves_no_engine_behind(tmp_path: Path, measured: Any) -> None:
    run = started_run(tmp_path)
    pid = engine_pid(tmp_path)
    run.kill()
    run.communicate(timeout=20)
    began = time.monotonic()
    while not gone(pid) and time.monotonic() - began < 20:
        time.sleep(0.05)
    assert gone(pid), "an orphan"
    measured(f"engine ended {time.monotonic() - began:.1f} s after its supervisor was killed")
