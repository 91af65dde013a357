"""The journal in the database: appended to cheaply, made durable in one transaction."""

import logging
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct
from sqlalchemy import Engine, select

from tradewinds.model.checkpoint import Checkpoint
from tradewinds.model.commands import Command
from tradewinds.model.errors import ConfigError, InvariantBroken, StoreUnavailable
from tradewinds.model.events import Event
from tradewinds.store.anchor import Anchor
from tradewinds.store.audit import AuditResult, read_entries, read_events, verify
from tradewinds.store.chain import Batch, checkpoint_hash, seal
from tradewinds.store.database import writing
from tradewinds.store.emergency import EmergencyJournal, recover
from tradewinds.store.faults import told
from tradewinds.store.payload import COMMAND, ENCODER, EVENT, Entry, encode, pack
from tradewinds.store.presence import Presence
from tradewinds.store.sealed import (
    Head,
    SealedBatch,
    head_of,
    not_yet_written,
    sealed_batch,
    write_batches,
)
from tradewinds.store.tables import RUNS

__all__ = ["AuditResult", "Pending", "StoreJournal", "read_entries", "read_events", "verify"]

log = logging.getLogger(__name__)
ENTRY_BYTES_GUESS = 200


class Pending(Struct, frozen=True, kw_only=True):
    """What is not durable yet. `bytes` is an estimate of what it will take."""

    count: int
    bytes: int


class StoreJournal:
    """ports.Journal over SQLAlchemy. For one thread at a time.

    A flush that fails keeps everything; the next one that succeeds writes it, once. With an
    `emergency` journal, what an earlier run left there is imported first.
    Raises StoreUnavailable, JournalCorrupt, or ConfigError for a run id that was used before.
    """

    def __init__(
        self,
        engine: Engine,
        account: str,
        run_id: str,
        *,
        anchor_path: Path | None = None,
        emergency: EmergencyJournal | None = None,
    ) -> None:
        self._engine = engine
        self._account = account
        self._run_id = run_id
        self._emergency = emergency
        if emergency is not None:
            recover(engine, emergency.path)
        self._head = self._require_new_run()
        self._anchor = None if anchor_path is None else Anchor(anchor_path)
        self._entries: list[Entry] = []
        self._sequence = 0
        self._sealed_through = 0
        self._time_ns = 0
        self._entry_bytes = ENTRY_BYTES_GUESS
        self._unwritten: list[SealedBatch] = []
        self._saved_aside = self._head.number
        self._outcome_unknown = False
        self._presence = Presence(engine)

    @property
    def pending(self) -> Pending:
        """For the caller, who decides when to flush and when it is too much."""
        sealed = sum(len(item.batch.payload) for item in self._unwritten)
        count = sum(item.batch.entries for item in self._unwritten)
        waiting = len(self._entries)
        return Pending(count=count + waiting, bytes=sealed + waiting * self._entry_bytes)

    @property
    def head(self) -> Head:
        """The last sealed batch: a number and a hash to note outside."""
        return self._head

    def append_event(self, event: Event) -> int:
        """Buffer an input; returns its sequence number in this run, from 1."""
        self._sequence += 1
        self._entries.append((EVENT, self._sequence, event))
        return self._sequence

    def append_commands(self, commands: Sequence[Command]) -> None:
        """Buffer what the engine answered to the last input."""
        for command in commands:
            self._entries.append((COMMAND, self._sequence, command))

    def flush(self, checkpoint: Checkpoint | None) -> None:
        """Make everything buffered durable, atomically.

        Raises StoreUnavailable, after which nothing is lost and a later flush goes on; or
        AccountInUse and JournalCorrupt, after which this journal must not go on.
        """
        self._seal(checkpoint)
        if not self._unwritten:
            return
        if self._presence.replaced():
            self._outcome_unknown = True
        with told(self._engine.url, "cannot write the journal"), writing(self._engine) as open_:
            missing: Sequence[SealedBatch] = self._unwritten
            if self._outcome_unknown:
                missing = not_yet_written(open_, self._unwritten)
            self._outcome_unknown = True
            write_batches(open_, missing)
        self._outcome_unknown = False
        self._unwritten.clear()
        self._note_head()

    def flush_emergency(self, checkpoint: Checkpoint | None = None) -> None:
        """Save what the database does not take into the emergency file instead.

        It also stays buffered for the next flush. Raises StoreUnavailable.
        """
        if self._emergency is None:
            raise StoreUnavailable("there is no emergency journal")
        self._seal(checkpoint)
        aside = [item for item in self._unwritten if item.batch.number > self._saved_aside]
        self._emergency.append(aside)
        self._saved_aside = self._head.number

    def close(self) -> None:
        """Let go of files. Does not flush."""
        if self._anchor is not None:
            self._anchor.close()
        if self._emergency is not None:
            self._emergency.close()

    def _require_new_run(self) -> Head:
        used = select(RUNS.c.run_id).where(
            RUNS.c.account == self._account, RUNS.c.run_id == self._run_id
        )
        with told(self._engine.url, "cannot read the journal"), self._engine.connect() as open_:
            if open_.execute(used).first() is not None:
                raise ConfigError(
                    f"run {self._run_id} of account {self._account} is in the journal already; "
                    "every run needs its own id"
                )
            return head_of(open_, self._account)

    def _seal(self, checkpoint: Checkpoint | None) -> None:
        if not self._entries and checkpoint is None:
            return
        entries = self._entries
        try:
            encoded = encode(entries)
            encoded_checkpoint = None if checkpoint is None else ENCODER.encode(checkpoint)
        except (msgspec.MsgspecError, TypeError, ValueError, OverflowError) as error:
            raise InvariantBroken(f"an entry cannot be written as bytes: {error}") from error
        last = next((message for kind, _, message in reversed(entries) if kind == EVENT), None)
        self._time_ns = getattr(last, "received_time_ns", self._time_ns)
        batch = seal(
            Batch(
                account=self._account,
                number=self._head.number + 1,
                run_id=self._run_id,
                first_sequence=self._sealed_through + 1,
                last_sequence=self._sequence,
                entries=len(entries),
                time_ns=self._time_ns,
                checkpoint_hash=checkpoint_hash(encoded_checkpoint),
                prev_hash=self._head.hash,
                hash="",
                payload=pack(encoded),
            )
        )
        self._unwritten.append(sealed_batch(batch, entries, encoded_checkpoint))
        self._head = Head(number=batch.number, hash=batch.hash)
        self._sealed_through = self._sequence
        self._entry_bytes = len(batch.payload) // max(len(entries), 1)
        self._entries = []

    def _note_head(self) -> None:
        if self._anchor is None:
            return
        try:
            self._anchor.write(self._head)
        except OSError as error:
            # The batch is durable; only the outside note of it is behind.
            log.warning("anchor_not_written", extra={"reason": error.strerror})
