"""A core and a priority of one's own, where the machine allows it: else neighbours are measured."""

import os
from pathlib import Path

SENDER_CORE, CLIENT_CORE = 1, 0
FIRST = 10
"""Above everything ordinary, below what the kernel itself needs."""


def keep_to(core: int) -> None:
    """Run on this core alone, where there are two."""
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {core})


def come_first() -> bool:
    """Before all ordinary programs; False where that is not allowed."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(FIRST))
    except (AttributeError, PermissionError):
        return False
    return True


def go_ahead() -> bool:
    """Hardly ever wait for ordinary programs, and leave them a little; children inherit it."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, -20)
    except (AttributeError, PermissionError):
        return False
    return True


def peak_mb() -> float:
    """The most memory this program has had. What `getrusage` tells counts its parent's in."""
    try:
        status = Path("/proc/self/status").read_text("ascii").splitlines()
        told = next(line for line in status if line.startswith("VmHWM:"))
        return int(told.split()[1]) / 1024
    except (OSError, StopIteration):
        return float("nan")


def stand_back() -> None:
    """Ordinary again, on any core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
    try:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    except (AttributeError, PermissionError):
        return
