"""Killed at any point, the journal holds whole batches in an unbroken chain."""

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tradewinds.store import queries
from tradewinds.store.journal import read_entries, verify

KILLS = 8
PROGRAM = """
    import sys, time
    from pathlib import Path
    from tradewinds.model.commands import SetTimer
    from tradewinds.model.events import TimerFired
    from tradewinds.store.database import open_database
    from tradewinds.store.journal import StoreJournal

    journal = StoreJournal(
        open_database(sys.argv[1]), "paper", sys.argv[2], anchor_path=Path(sys.argv[3])
    )
    print("up", flush=True)
    while True:
        for n in range(50):
            sequence = journal.append_event(
                TimerFired(timer_id="t" * 40, venue_time_ns=n, received_time_ns=n)
            )
            journal.append_commands([SetTimer(timer_id="t", due_ns=n, cause=sequence)])
        journal.flush(None)
        print(sequence, flush=True)
"""


@pytest.mark.parametrize("seed", [7])
def test_killed_at_any_point_the_chain_verifies_and_no_acknowledged_batch_is_lost(
    url: str, database: Engine, tmp_path: Path, seed: int
) -> None:
    anchor = tmp_path / "anchor"
    chance = random.Random(seed)
    acknowledged = {}
    for kill in range(KILLS):
        run = f"run{kill}"
        acknowledged[run] = killed_run(url, run, anchor, chance.uniform(0, 0.08))
    found = verify(database, "paper", anchor)
    assert found.ok, found.problem
    for run in queries.runs(database, "paper"):
        entries = list(read_entries(database, "paper", run.run_id))
        events = [entry.sequence for entry in entries if entry.kind == "e"]
        assert events == list(range(1, len(events) + 1))
        assert len(events) % 50 == 0
        assert len(entries) == 2 * len(events)
        assert len(events) >= acknowledged[run.run_id]
    assert sum(acknowledged.values()) > 0


def killed_run(url: str, run: str, anchor: Path, after_s: float) -> int:
    """Start the writer, kill it `after_s` seconds into its work; the last sequence it said."""
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), url, run, anchor],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "up\n"
    time.sleep(after_s)
    child.send_signal(signal.SIGKILL)
    said = [line for line in child.stdout if line.endswith("\n")]
    child.wait()
    child.stdout.close()
    return int(said[-1]) if said else 0
