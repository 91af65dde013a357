"""Whoever changes the journal afterwards is found out, and the row is named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, delete, select, update

from tradewinds.model.errors import JournalCorrupt
from tradewinds.store.chain import Batch, hash_of
from tradewinds.store.journal import StoreJournal, read_entries, verify
from tradewinds.store.tables import CHECKPOINTS, JOURNAL

Some = Any
Tamper = Callable[[Connection], None]


@pytest.fixture
def anchor(tmp_path: Path) -> Path:
    return tmp_path / "anchor"


@pytest.fixture
def kept(database: Engine, some: Some, anchor: Path) -> Engine:
    """Ten batches of two runs, a checkpoint with each."""
    n = 0
    for run in ("r1", "r2"):
        journal = StoreJournal(database, "paper", run, anchor_path=anchor)
        for _ in range(5):
            n += 1
            journal.append_event(some.quote(n))
            journal.append_commands([some.submit(n)])
            journal.flush(some.checkpoint(n))
        journal.close()
    return database


def change(number: int, **values: Any) -> Tamper:
    return lambda c: c.execute(update(JOURNAL).where(JOURNAL.c.number == number).values(**values))


def edit_payload(connection: Connection) -> None:
    chosen = JOURNAL.c.number == 4
    payload = connection.execute(select(JOURNAL.c.payload).where(chosen)).scalar_one()
    edited = payload.replace(b"90001.00", b"10001.00")
    assert edited != payload
    connection.execute(update(JOURNAL).where(chosen).values(payload=edited))


def rewrite(connection: Connection, *, numbers: range) -> None:
    """A careful forger: edits a payload and makes all hashes from there on fit."""
    previous = None
    for number in numbers:
        row = connection.execute(select(JOURNAL).where(JOURNAL.c.number == number)).mappings()
        batch = Batch(**row.one())
        values = {"payload": batch.payload.replace(b"90001.00", b"10001.00")}
        values |= {"prev_hash": previous} if previous else {}
        forged = Batch(**({f: getattr(batch, f) for f in Batch.__struct_fields__} | values))
        previous = hash_of(forged)
        change(number, hash=previous, **values)(connection)


def remove(*numbers: int) -> Tamper:
    return lambda c: c.execute(delete(JOURNAL).where(JOURNAL.c.number.in_(numbers)))


def swap(connection: Connection) -> None:
    for number, to in ((4, 100), (5, 4), (100, 5)):
        connection.execute(update(JOURNAL).where(JOURNAL.c.number == number).values(number=to))


def edit_checkpoint(connection: Connection) -> None:
    payload = connection.execute(select(CHECKPOINTS.c.payload)).scalar_one()
    richer = payload.replace(b"999.10", b"999.90")
    assert richer != payload
    connection.execute(update(CHECKPOINTS).values(payload=richer))


TAMPERINGS: list[tuple[str, Tamper, int, str]] = [
    ("payload", edit_payload, 4, "edited"),
    ("time", change(6, time_ns=1), 6, "edited"),
    ("run", change(6, run_id="r1"), 6, "edited"),
    ("count", change(3, entries=7), 3, "edited"),
    ("sequence", change(3, last_sequence=99), 3, "edited"),
    ("hash", change(3, hash="0" * 64), 3, "edited"),
    ("not a hash", change(3, prev_hash="zz"), 3, "reordered"),
    ("checkpoint hash", change(10, checkpoint_hash=""), 10, "edited"),
    ("one of the middle", remove(5), 6, "deleted"),
    ("the first", remove(1), 2, "deleted"),
    ("the last", remove(10), 10, "truncated"),
    ("the tail", remove(8, 9, 10), 8, "truncated"),
    ("all", remove(*range(1, 11)), 1, "truncated"),
    ("swapped", swap, 4, "reordered"),
    ("row forged", lambda c: rewrite(c, numbers=range(4, 5)), 5, "replaced"),
    ("chain forged to its end", lambda c: rewrite(c, numbers=range(4, 11)), 10, "rewritten"),
    ("checkpoint", edit_checkpoint, 10, "checkpoint"),
    ("checkpoint gone", lambda c: c.execute(delete(CHECKPOINTS)), 10, "checkpoint"),
]


def test_an_untouched_journal_is_in_order(kept: Engine, anchor: Path) -> None:
    found = verify(kept, "paper", anchor)
    assert found.ok, found.problem
    assert (found.rows, found.entries, found.head_batch) == (10, 20, 10)
    assert anchor.read_text().split() == [f"{10:020d}", found.head_hash]


@pytest.mark.parametrize(
    ("tamper", "row", "word"), [t[1:] for t in TAMPERINGS], ids=[t[0] for t in TAMPERINGS]
)
def test_the_first_bad_row_is_named(
    kept: Engine, anchor: Path, tamper: Tamper, row: int, word: str
) -> None:
    with kept.begin() as connection:
        tamper(connection)
    found = verify(kept, "paper", anchor)
    assert not found.ok
    assert found.bad_batch == row
    assert word in found.problem
    assert f"batch {row}" in found.problem


def test_a_tail_cut_off_with_its_checkpoint_is_found_even_without_an_anchor(kept: Engine) -> None:
    with kept.begin() as connection:
        remove(9, 10)(connection)
        connection.execute(delete(CHECKPOINTS))
    assert not verify(kept, "paper").ok


def test_reading_stops_at_what_was_changed(kept: Engine) -> None:
    with kept.begin() as connection:
        edit_payload(connection)
    read = []
    with pytest.raises(JournalCorrupt, match="batch 4"):
        read.extend(entry.message for entry in read_entries(kept, "paper"))


def test_an_anchor_that_is_behind_is_fine(kept: Engine, anchor: Path, some: Some) -> None:
    """The engine was killed after the commit and before the note."""
    journal = StoreJournal(kept, "paper", "r3")
    journal.append_event(some.quote(1))
    journal.flush(some.checkpoint(1))
    assert verify(kept, "paper", anchor).ok


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_no_single_bit_of_any_row_can_flip_unnoticed(kept: Engine, data: st.DataObject) -> None:
    number = data.draw(st.integers(1, 10))
    where = JOURNAL.c.number == number
    with kept.connect() as connection, connection.begin() as transaction:
        payload = bytearray(connection.execute(select(JOURNAL.c.payload).where(where)).scalar_one())
        bit = data.draw(st.integers(0, len(payload) * 8 - 1))
        payload[bit // 8] ^= 1 << (bit % 8)
        change(number, payload=bytes(payload))(connection)
        transaction.commit()
    found = verify(kept, "paper")
    assert (found.ok, found.bad_batch) == (False, number)
    payload[bit // 8] ^= 1 << (bit % 8)
    with kept.begin() as connection:
        change(number, payload=bytes(payload))(connection)
    assert verify(kept, "paper").ok
