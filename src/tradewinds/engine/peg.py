"""Whether the coins that should be worth a dollar agree that they are."""

from collections.abc import Iterable

from tradewinds.engine.board import Slot
from tradewinds.model.instrument import InstrumentKind

DOLLARS = frozenset({"USD", "USDT", "USDC", "FDUSD", "TUSD", "DAI", "PYUSD", "USDP"})
OFF_BY = 0.02
"""Further than this from one another, one of two dollars is none."""
NEAR_BY = 0.01
"""So close they must come again before both are believed."""


class Peg:
    """Looks at the markets between dollars. Which of two has fallen, no price here can tell: a
    limit in USDT is then not the sum it seems to be, so nothing new is risked in any."""

    def __init__(self, slots: Iterable[Slot]) -> None:
        self._slots = [slot for slot in slots if _between_dollars(slot)]
        self._off = False

    def broken(self) -> str:
        """Which market says so, in words; empty while all is well."""
        if not self._slots:
            return ""
        limit = NEAR_BY if self._off else OFF_BY
        off = [s for s in self._slots if s.mid > 0.0 and abs(s.mid - 1.0) > limit]
        self._off = bool(off)
        return ", ".join(f"{s.instrument.symbol} is at {s.mid:.3f}" for s in off)


def _between_dollars(slot: Slot) -> bool:
    instrument = slot.instrument
    both = instrument.base in DOLLARS and instrument.quote in DOLLARS
    return both and instrument.kind is InstrumentKind.SPOT
