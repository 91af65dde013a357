"""Journals without a database, for backtests and tests."""

from collections.abc import Sequence

from tradewinds.model.checkpoint import Checkpoint
from tradewinds.model.commands import Command
from tradewinds.model.events import Event
from tradewinds.store.payload import COMMAND, EVENT, Entry, encode


class MemoryJournal:
    """Keeps everything. `fail_with` makes the next flushes raise, as a failing store does."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.checkpoint: Checkpoint | None = None
        self.flushed = 0
        self.flushes = 0
        self.fail_with: Exception | None = None
        self._sequence = 0

    @property
    def events(self) -> list[Event]:
        """The inputs alone, as a replay takes them."""
        return [message for kind, _, message in self.entries if kind == EVENT]  # type: ignore[misc]

    @property
    def commands(self) -> list[Command]:
        """The answers alone."""
        return [message for kind, _, message in self.entries if kind == COMMAND]  # type: ignore[misc]

    def append_event(self, event: Event) -> int:
        """See ports.Journal."""
        self._sequence += 1
        self.entries.append((EVENT, self._sequence, event))
        return self._sequence

    def append_commands(self, commands: Sequence[Command]) -> None:
        """See ports.Journal."""
        for command in commands:
            self.entries.append((COMMAND, self._sequence, command))

    def flush(self, checkpoint: Checkpoint | None) -> None:
        """See ports.Journal. Entries up to `flushed` count as durable."""
        if self.fail_with is not None:
            raise self.fail_with
        self.flushes += 1
        self.flushed = len(self.entries)
        self.checkpoint = checkpoint or self.checkpoint

    def encoded(self) -> bytes:
        """All entries as bytes: equal for two runs that did the same."""
        return encode(self.entries)


class NullJournal:
    """Counts and forgets: for backtests that only want the ledger."""

    forgets = True

    def __init__(self) -> None:
        self.checkpoint: Checkpoint | None = None
        self._sequence = 0

    def append_event(self, event: Event) -> int:
        """See ports.Journal."""
        self._sequence += 1
        return self._sequence

    def append_commands(self, commands: Sequence[Command]) -> None:
        """See ports.Journal."""

    def flush(self, checkpoint: Checkpoint | None) -> None:
        """See ports.Journal."""
        self.checkpoint = checkpoint or self.checkpoint
