"""Sealed batches on their way into the database, each with all that belongs to it."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, insert, select, true

from tradewinds.model.errors import AccountInUse, JournalCorrupt
from tradewinds.model.events import RunStarted
from tradewinds.store.chain import GENESIS, Batch
from tradewinds.store.payload import Entry
from tradewinds.store.projections import Rows, replacing, rows_of, write_rows
from tradewinds.store.tables import CHECKPOINTS, JOURNAL, RUNS


class Head(Struct, frozen=True, kw_only=True):
    """The last batch of an account; number 0 before the first."""

    number: int
    hash: str


class SealedBatch(Struct, frozen=True, kw_only=True):
    """A batch, the rows that follow from it, and the checkpoint as of its end."""

    batch: Batch
    rows: Rows
    checkpoint: bytes | None
    started_ns: int
    settings: str


def sealed_batch(batch: Batch, entries: Sequence[Entry], checkpoint: bytes | None) -> SealedBatch:
    """`entries` are what the batch's payload holds."""
    first = entries[0][2] if entries else None
    return SealedBatch(
        batch=batch,
        rows=rows_of(batch.account, batch.run_id, entries),
        checkpoint=checkpoint,
        started_ns=getattr(first, "received_time_ns", batch.time_ns),
        settings=first.settings if isinstance(first, RunStarted) else "",
    )


def head_of(connection: Connection, account: str, through: int | None = None) -> Head:
    """The last row of the account's chain, or the last with a number up to `through`."""
    last = (
        select(JOURNAL.c.number, JOURNAL.c.hash)
        .where(JOURNAL.c.account == account)
        .where(true() if through is None else JOURNAL.c.number <= through)
        .order_by(JOURNAL.c.number.desc())
        .limit(1)
    )
    row = connection.execute(last).first()
    if row is None:
        return Head(number=0, hash=GENESIS)
    return Head(number=row.number, hash=row.hash)


def not_yet_written(
    connection: Connection, batches: Sequence[SealedBatch]
) -> Sequence[SealedBatch]:
    """What the chain lacks of `batches`, after a commit whose outcome nobody saw.

    Raises AccountInUse where another engine went on from the same place, JournalCorrupt where
    rows before the batches are gone.
    """
    first, last = batches[0].batch, batches[-1].batch
    head = head_of(connection, first.account, through=last.number)
    ours = {sealed.batch.number: sealed.batch.hash for sealed in batches}
    ours[first.number - 1] = first.prev_hash
    if head.number < first.number - 1:
        raise JournalCorrupt(
            f"account {first.account}: the journal ends at batch {head.number}, but batch "
            f"{first.number - 1} had been written; restore a backup or run trading-cli audit"
        )
    if ours.get(head.number) != head.hash:
        raise AccountInUse(
            f"account {first.account}: another engine wrote batch {head.number} of the journal "
            f"while we held {first.number} to {last.number}; stop one of them"
        )
    return [sealed for sealed in batches if sealed.batch.number > head.number]


def write_batches(connection: Connection, batches: Sequence[SealedBatch]) -> None:
    """Journal rows, what follows from them, and the newest checkpoint: all in one transaction."""
    for sealed in batches:
        batch = sealed.batch
        connection.execute(insert(JOURNAL), msgspec.structs.asdict(batch))
        write_rows(connection, sealed.rows)
        _write_run(connection, sealed)
    checkpointed = [sealed for sealed in batches if sealed.checkpoint is not None]
    if checkpointed:
        batch = checkpointed[-1].batch
        row = {
            "account": batch.account,
            "run_id": batch.run_id,
            "batch_number": batch.number,
            "time_ns": batch.time_ns,
            "payload": checkpointed[-1].checkpoint,
        }
        connection.execute(replacing(connection.dialect.name, CHECKPOINTS), row)


def _write_run(connection: Connection, sealed: SealedBatch) -> None:
    batch = sealed.batch
    row = {
        "account": batch.account,
        "run_id": batch.run_id,
        "started_ns": sealed.started_ns,
        "last_time_ns": batch.time_ns,
        "first_batch": batch.number,
        "last_batch": batch.number,
        "last_sequence": batch.last_sequence,
        "settings": sealed.settings,
    }
    kept = ("started_ns", "first_batch", "settings")
    connection.execute(replacing(connection.dialect.name, RUNS, kept), row)
