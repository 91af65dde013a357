"""Commands of the step in hand, stamped with its cause and time."""

from tradewinds.model.commands import Command, RecordAnomaly, RecordRefusal
from tradewinds.model.ids import InstrumentId
from tradewinds.model.order import Refusal


class Outbox:
    """Collects; the engine empties it at the end of each step."""

    __slots__ = ("_anomalies", "cause", "commands", "now_ns", "refused")

    def __init__(self) -> None:
        self.cause = 0
        self.now_ns = 0
        self.commands: list[Command] = []
        self.refused: dict[str, int] = {}
        self._anomalies: dict[tuple[str, InstrumentId], int] = {}

    def put(self, command: Command) -> None:
        """Add a command to this step's answer."""
        self.commands.append(command)

    def refusal(self, refusal: Refusal) -> None:
        """Our no, counted by strategy."""
        self.refused[refusal.strategy_id] = self.refused.get(refusal.strategy_id, 0) + 1
        self.put(RecordRefusal(refusal=refusal, cause=self.cause))

    def anomaly(
        self, kind: str, instrument_id: InstrumentId, detail: str, *, always: bool = False
    ) -> int:
        """Count bad input; tell of the 1st, 2nd, 4th, 8th... so that a flood stays a trickle.

        `always` tells of each one: for what concerns money.
        """
        key = (kind, instrument_id)
        count = self._anomalies.get(key, 0) + 1
        self._anomalies[key] = count
        if always or count & (count - 1) == 0:
            self.put(
                RecordAnomaly(
                    kind=kind,
                    instrument_id=instrument_id,
                    detail=detail,
                    count=count,
                    time_ns=self.now_ns,
                    cause=self.cause,
                )
            )
        return count

    @property
    def anomalies(self) -> int:
        """All bad input so far."""
        return sum(self._anomalies.values())
