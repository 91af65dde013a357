"""Checks of the machine: Python, packages, disk, data folder, clock."""

import os
import platform
import re
import shutil
import stat
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import tradewinds
from tradewinds.cli.checkup import Check, failed, fine, note, warning
from tradewinds.cli.words import SECOND_NS, moment

OLDEST_PYTHON: Final = (3, 11)
LOCK_LINE: Final = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)(?:\s*;.*)?(?:\s*\\)?$")
GIGABYTE: Final = 1_000_000_000
DISK_LEAST: Final = GIGABYTE // 5
DISK_EASY: Final = 2 * GIGABYTE
LATEST_YEAR_NS: Final = 4_102_444_800 * SECOND_NS
DAY_S: Final = 86_400


def check_python() -> Check:
    """3.11 or newer."""
    found = f"{platform.python_version()} ({sys.executable})"
    if sys.version_info < OLDEST_PYTHON:
        return failed("python", found, "install Python 3.11 or newer and start with that one")
    return fine("python", found)


def check_packages() -> Check:
    """What is installed against the lock file of the checkout."""
    lock = Path(tradewinds.__file__).parents[2] / "requirements.lock"
    if not lock.is_file():
        return note("packages", "no requirements.lock beside this installation; not compared")
    wrong = differences(lock.read_text("utf-8"))
    if wrong:
        return failed(
            "packages",
            f"{len(wrong)} differ from the lock: {', '.join(wrong[:5])}",
            "start through ./trading-cli, or remove .venv and let it be made again",
        )
    return fine("packages", "as in requirements.lock")


def check_kernels() -> Check:
    """Which implementation of the numeric kernels passes its self-test here."""
    from tradewinds.features.kernels.plain import PlainKernels
    from tradewinds.kernels.opening import open_kernels

    kernels = open_kernels()
    name = kernels.name
    kernels.close()
    if isinstance(kernels, PlainKernels):
        slower = "answers are the same, sweeps take about 80 times as long; remove .venv and start"
        return warning("kernels", name, f"{slower} through ./trading-cli to install wasmtime")
    return fine("kernels", f"{name}, self-test passed")


def differences(lock: str) -> list[str]:
    """Packages with another version than any locked one, or absent though always needed."""
    wanted: dict[str, set[str]] = {}
    always = set()
    for line in lock.splitlines():
        match = LOCK_LINE.match(line)
        if match:
            wanted.setdefault(match[1], set()).add(match[2])
            if ";" not in line:
                always.add(match[1])
    wrong = []
    for name, versions in wanted.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            if name in always:
                wrong.append(f"{name} is missing")
            continue
        if found not in versions:
            wrong.append(f"{name} {found} for {' or '.join(sorted(versions))}")
    return wrong


def check_disk(home: Path) -> Check:
    """Room for the journal."""
    usage = shutil.disk_usage(existing(home))
    found = f"{usage.free / GIGABYTE:,.1f} GB free"
    if usage.free < DISK_LEAST:
        return failed("disk", found, "free some space: the journal must be able to grow")
    if usage.free < DISK_EASY:
        return warning("disk", found, "free some space soon: the journal grows while it trades")
    return fine("disk", found)


def existing(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def check_home(home: Path) -> Check:
    """Ours to write, and nobody else's."""
    place = existing(home)
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        return failed(
            "data folder", f"{place} cannot be written", "choose another with --home, or chown it"
        )
    if place != home:
        return note("data folder", f"{home} (made at the first run)")
    if home.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return warning("data folder", f"{home} is writable by others", f"chmod go-w {home}")
    return fine("data folder", str(home))


def check_clock(last_event_ns: int) -> Check:
    """Within reason, and not before what this folder has seen already."""
    now_ns = time.time_ns()
    built_ns = int(Path(tradewinds.__file__).stat().st_mtime) * SECOND_NS
    fix = "set the clock (`timedatectl set-ntp true`): venues refuse orders of a wrong clock"
    if now_ns < built_ns - DAY_S * SECOND_NS or now_ns > LATEST_YEAR_NS:
        return failed("clock", moment(now_ns), fix)
    if last_event_ns > now_ns + SECOND_NS:
        return warning("clock", f"{moment(now_ns)}, before the journal's last event", fix)
    return fine("clock", moment(now_ns))
