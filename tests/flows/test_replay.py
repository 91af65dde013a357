"""The same inputs, the same decisions: byte for byte, in any process, on real and made-up data."""

import hashlib
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tradewinds.config import Settings
from tradewinds.market.synthetic import SyntheticFeed
from tradewinds.model.commands import RecordTransaction, SubmitOrder
from tradewinds.model.order import Purpose
from tradewinds.research.rerun import ReplayResult, rerun
from tradewinds.sources import SYNTHETIC_EPOCH_NS, Past
from tradewinds.store.memory import MemoryJournal

SECOND = 1_000_000_000
SEED = 5
"""Its first hour has triangles that fill, and some that break on the way."""
AGAIN = """
import sys
from pathlib import Path
from tradewinds.research.rerun import rerun
from tradewinds.store.payload import decode
result = rerun(decode(Path(sys.argv[1]).read_bytes()))
print(result.ok, result.events, result.commands, result.first_difference)
"""


def again(journal: MemoryJournal) -> ReplayResult:
    return rerun((kind, number, message) for kind, number, message in journal.entries)


def purposes(run: Any) -> Counter[tuple[str, str]]:
    """Orders sent, by strategy and purpose."""
    sent = (c.order for c in run.journal.commands if isinstance(c, SubmitOrder))
    return Counter((order.strategy_id, order.purpose.value) for order in sent)


def synthetic_past(seconds: int) -> Past:
    feed = SyntheticFeed(SEED, SYNTHETIC_EPOCH_NS, duration_s=seconds)
    return Past(
        label=feed.label,
        synthetic=True,
        instruments=feed.instruments,
        blocks=[list(block) for block in feed.blocks()],
        history=feed.history(1000),
        default_params={},
    )


@pytest.fixture(scope="module")
def synthetic_run(settings: Settings, make_run: Callable[..., Any]) -> Any:
    """An hour of quotes, prints and bars of twelve instruments."""
    past = synthetic_past(3600)
    return make_run(settings, past, beat_ns=SECOND).over(past.blocks)


def test_two_real_days_replay_byte_for_byte(real_run: Any, measured: Any) -> None:
    result = again(real_run.journal)
    assert result.ok, result.first_difference
    fills = real_run.count(RecordTransaction) - 1
    assert fills >= 100, "too quiet to prove anything"
    assert purposes(real_run)["momentum", Purpose.FLATTEN] >= 4, "the operator stopped it"
    measured(
        f"two real days: {result.events:,} inputs, {result.commands:,} commands, {fills} fills"
    )


def test_a_synthetic_hour_with_both_strategies_replays_byte_for_byte(
    synthetic_run: Any, measured: Any
) -> None:
    result = again(synthetic_run.journal)
    assert result.ok, result.first_difference
    sent = purposes(synthetic_run)
    assert sent["momentum", Purpose.ENTER] > 0
    assert sent["triangular", Purpose.LEG] > 0
    measured(
        f"synthetic hour: {result.events:,} inputs, {result.commands:,} commands, {dict(sent)}"
    )


@pytest.mark.parametrize("hash_seed", ["1", "4242"])
def test_another_process_with_another_hash_seed_decides_the_same(
    real_run: Any, tmp_path: Path, hash_seed: str
) -> None:
    kept = tmp_path / "journal.bin"
    kept.write_bytes(real_run.journal.encoded())
    done = subprocess.run(
        [sys.executable, "-c", AGAIN, str(kept)],
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=False,
    )
    result = again(real_run.journal)
    assert done.stdout.split() == ["True", str(result.events), str(result.commands), "None"], (
        done.stdout + done.stderr
    )


def test_a_second_run_over_the_same_data_writes_the_same_bytes(
    settings: Settings, real_days: Past, real_run: Any, make_run: Callable[..., Any]
) -> None:
    second = make_run(settings, real_days).over(real_days.blocks, stopped=True)
    digests = [hashlib.sha256(r.journal.encoded()).hexdigest() for r in (real_run, second)]
    assert digests[0] == digests[1]


def test_the_core_asks_no_clock(
    settings: Settings, make_run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    past = synthetic_past(600)
    run = make_run(settings, past, beat_ns=SECOND)

    def forbidden(*_: object) -> int:
        raise AssertionError("the core read a clock")

    with monkeypatch.context() as patched:
        for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "sleep"):
            patched.setattr(time, name, forbidden)
        patched.setattr(time, "perf_counter_ns", forbidden)
        run.over(past.blocks)
    assert run.driver.events > 10_000


def test_one_changed_command_is_found_and_placed(real_run: Any) -> None:
    entries = list(real_run.journal.entries)
    place, number, planted = next(
        (index, number, message)
        for index, (kind, number, message) in enumerate(entries)
        if kind == "c" and isinstance(message, SubmitOrder)
    )
    del entries[place]
    result = rerun(entries)
    assert not result.ok
    assert f"after input {number}:" in str(result.first_difference), planted


def test_one_changed_quantity_is_found(real_run: Any) -> None:
    """The test above could pass with a replay that compares nothing but counts."""
    entries = list(real_run.journal.entries)
    index = next(i for i, (_, _, m) in enumerate(entries) if isinstance(m, SubmitOrder))
    kind, number, command = entries[index]
    order = replace(command.order, quantity=command.order.quantity * 2)
    entries[index] = (kind, number, replace(command, order=order))
    assert rerun(entries).first_difference == f"after input {number}: SubmitOrder"
