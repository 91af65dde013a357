"""A journal's inputs through a fresh engine: does it decide the same, byte for byte?"""

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from tradewinds.engine.engine import Engine
from tradewinds.model.commands import Command
from tradewinds.model.errors import DataError
from tradewinds.model.events import Event, RunStarted
from tradewinds.parts import recipe_from, strategies_of
from tradewinds.research.program import program


class ReplayResult(Struct, frozen=True, kw_only=True):
    """`first_difference` names the first command that came out otherwise, else None. `written_by`
    is the program that wrote the journal, '' where it did not say; `read_by` is this one."""

    run_id: str
    written_by: str
    read_by: str
    ok: bool
    events: int
    commands: int
    first_difference: str | None


class Rerun:
    """Takes a run's journal in order and compares as it goes."""

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self._expected: list[bytes] = []
        self._encoder = msgspec.msgpack.Encoder(order="deterministic")
        self._sequence = 0
        self.run_id = ""
        self.written_by = ""
        self.events = 0
        self.commands = 0
        self.first_difference: str | None = None

    def event(self, sequence: int, event: Event) -> None:
        """An input: the answers to the one before are complete now."""
        self.close()
        if isinstance(event, RunStarted):
            self._begin(event)
        if self._engine is None:
            raise DataError("the journal does not begin with the start of a run")
        self._sequence = sequence
        self.events += 1
        self._expected = [self._encoder.encode(c) for c in self._engine.step(event)]

    def command(self, command: Command) -> None:
        """A journalled answer."""
        self.commands += 1
        found = self._encoder.encode(command)
        expected = self._expected.pop(0) if self._expected else b""
        if found != expected:
            self._differ(type(command).__name__)

    def close(self) -> None:
        """Nothing may be left over that the journal does not hold."""
        if self._expected:
            self._differ(f"{len(self._expected)} more commands")
            self._expected = []

    def _begin(self, started: RunStarted) -> None:
        recipe = recipe_from(started.settings)
        strategies = strategies_of(recipe.params, started.instruments, markets=recipe.markets)
        self._engine = Engine(recipe.engine, strategies)
        self.run_id, self.written_by = started.run_id, recipe.program

    def _differ(self, what: str) -> None:
        if self.first_difference is None:
            self.first_difference = f"after input {self._sequence}: {what}"


def rerun(entries: Iterable[tuple[str, int, Event | Command]]) -> ReplayResult:
    """Entries as (kind "e" or "c", sequence, message), in order."""
    again = Rerun()
    for kind, sequence, message in entries:
        if kind == "e":
            again.event(sequence, message)  # type: ignore[arg-type]
        else:
            again.command(message)  # type: ignore[arg-type]
    again.close()
    if not again.events:
        raise DataError("the journal holds no run to replay")
    return ReplayResult(
        run_id=again.run_id,
        written_by=again.written_by,
        read_by=program(),
        ok=again.first_difference is None,
        events=again.events,
        commands=again.commands,
        first_difference=again.first_difference,
    )
