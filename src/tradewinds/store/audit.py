"""Reads the journal back, and proves that nothing in it was changed since it was written."""

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct
from sqlalchemy import Engine, select

from tradewinds.model.commands import Command
from tradewinds.model.errors import JournalCorrupt
from tradewinds.model.events import Event
from tradewinds.store.anchor import read_anchor
from tradewinds.store.chain import GENESIS, Batch, checkpoint_hash, hash_of
from tradewinds.store.faults import told
from tradewinds.store.payload import EVENT, Entry, Kind, decode, unpack
from tradewinds.store.tables import CHECKPOINTS, JOURNAL

PAGE = 16


class AuditResult(Struct, frozen=True, kw_only=True):
    """`problem` is '' when ok, else what is wrong with batch `bad_batch` and what that means.

    `head_batch` and `head_hash` are of the last good batch: note them outside to compare later.
    """

    ok: bool
    rows: int
    entries: int
    head_batch: int
    head_hash: str
    problem: str
    bad_batch: int | None


class JournalEntry(Struct, frozen=True, kw_only=True):
    """One line as it was written: `kind` "e" or "c", and the sequence of the event."""

    run_id: str
    kind: Kind
    sequence: int
    message: Event | Command


def read_entries(engine: Engine, account: str, run_id: str | None = None) -> Iterator[JournalEntry]:
    """Everything in the order it happened, batch by batch. Raises JournalCorrupt.

    No read transaction is held between batches.
    """
    for batch in _checked(engine, account, run_id):
        for kind, sequence, message in _entries(batch):
            yield JournalEntry(run_id=batch.run_id, kind=kind, sequence=sequence, message=message)


def read_events(engine: Engine, account: str, run_id: str) -> Iterator[Event]:
    """The inputs of one run, as a replay takes them."""
    for batch in _checked(engine, account, run_id):
        for kind, _, message in _entries(batch):
            if kind == EVENT:
                yield message  # type: ignore[misc]


def verify(engine: Engine, account: str, anchor_path: Path | None = None) -> AuditResult:
    """Walk the whole chain. Stops at the first bad batch and names it.

    With `anchor_path` also a chain that lost its tail, or was rewritten to its end, is found.
    """
    walk = _Walk()
    anchor = None if anchor_path is None else read_anchor(anchor_path)
    for batch in _batches(engine, account, None):
        problem = walk.problem_with(batch)
        if anchor is not None and not problem and batch.number == anchor.number:
            problem = "" if batch.hash == anchor.hash else "rewritten: it is not what was noted"
        if problem:
            return walk.result(problem, batch.number)
        walk.take(batch)
    if anchor is not None and anchor.number > walk.number:
        problem = f"truncated: the journal ends at {walk.number}, noted was {anchor.number}"
        return walk.result(problem, walk.number + 1)
    return _verify_checkpoint(engine, account, walk)


class _Walk:
    """What has been seen of the chain so far."""

    def __init__(self) -> None:
        self.number = 0
        self.hash = GENESIS
        self.rows = 0
        self.entries = 0
        self.ends: dict[str, int] = {}
        self.checkpoints: dict[int, str] = {}

    def problem_with(self, batch: Batch) -> str:
        """'' when this batch is the right next one."""
        if batch.number != self.number + 1:
            return f"deleted: after {self.number} comes {batch.number}"
        genuine = _is_hex(batch.prev_hash) and hash_of(batch) == batch.hash
        if batch.prev_hash != self.hash:
            if genuine:
                return f"replaced: it does not follow the batch now numbered {self.number}"
            return "reordered: it was written at another place in the chain"
        if not genuine:
            return "edited: its content does not match its hash"
        return self._problem_inside(batch)

    def _problem_inside(self, batch: Batch) -> str:
        if batch.first_sequence != self.ends.get(batch.run_id, 0) + 1:
            return "wrong sequence: it does not go on where its run was"
        try:
            entries = _entries(batch)
        except JournalCorrupt as error:
            return f"unreadable: {error}"
        return "" if len(entries) == batch.entries else "wrong count of entries"

    def take(self, batch: Batch) -> None:
        """It was right."""
        self.number = batch.number
        self.hash = batch.hash
        self.rows += 1
        self.entries += batch.entries
        self.ends[batch.run_id] = batch.last_sequence
        if batch.checkpoint_hash:
            self.checkpoints = {batch.number: batch.checkpoint_hash}

    def result(self, problem: str = "", bad_batch: int | None = None) -> AuditResult:
        """As far as it went."""
        return AuditResult(
            ok=not problem,
            rows=self.rows,
            entries=self.entries,
            head_batch=self.number,
            head_hash=self.hash,
            problem=f"batch {bad_batch} {problem}" if problem else "",
            bad_batch=bad_batch,
        )


def _verify_checkpoint(engine: Engine, account: str, walk: _Walk) -> AuditResult:
    query = select(CHECKPOINTS).where(CHECKPOINTS.c.account == account)
    with told(engine.url, "cannot read the checkpoint"), engine.connect() as connection:
        row = connection.execute(query).first()
    found = {} if row is None else {row.batch_number: checkpoint_hash(row.payload)}
    if found != walk.checkpoints:
        number = next(iter(walk.checkpoints), walk.number)
        return walk.result("has a checkpoint that was edited or is missing", number)
    return walk.result()


def _checked(engine: Engine, account: str, run_id: str | None) -> Iterator[Batch]:
    previous: Batch | None = None
    for batch in _batches(engine, account, run_id):
        follows = previous is None or batch.prev_hash == previous.hash
        if not follows or not _is_hex(batch.prev_hash) or hash_of(batch) != batch.hash:
            raise JournalCorrupt(
                f"account {account}: batch {batch.number} is not what was written; "
                "run trading-cli audit, then restore a backup"
            )
        previous = batch
        yield batch


def _batches(engine: Engine, account: str, run_id: str | None) -> Iterator[Batch]:
    after = 0
    while True:
        query = select(JOURNAL).where(JOURNAL.c.account == account, JOURNAL.c.number > after)
        if run_id is not None:
            query = query.where(JOURNAL.c.run_id == run_id)
        with told(engine.url, "cannot read the journal"), engine.connect() as connection:
            rows = connection.execute(query.order_by(JOURNAL.c.number).limit(PAGE)).mappings().all()
        for row in rows:
            yield Batch(**{name: row[name] for name in Batch.__struct_fields__})
        if len(rows) < PAGE:
            return
        after = rows[-1]["number"]


def _entries(batch: Batch) -> list[Entry]:
    return decode(unpack(batch.payload))


def _is_hex(text: str) -> bool:
    return len(text) == len(GENESIS) and not set(text) - set("0123456789abcdef")
