"""Tells venue and engine that an instrument was delisted, at the moment the recording knows it."""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import structs

from tradewinds.engine.driver import Driver
from tradewinds.model.events import InstrumentChanged, MarketEvent
from tradewinds.model.ids import InstrumentId
from tradewinds.model.instrument import Instrument, InstrumentStatus

NEVER: Final = 2**63 - 1


class Endings:
    """What is still to end, soonest first. Shown each market event, it passes it on."""

    def __init__(
        self, driver: Driver, instruments: Iterable[Instrument], at_ns: Mapping[InstrumentId, int]
    ) -> None:
        """`at_ns`: when each that ends is told to."""
        known = {instrument.id: instrument for instrument in instruments}
        ending = [(ns, id_) for id_, ns in at_ns.items() if id_ in known]
        self._driver = driver
        self._waiting = [(ns, known[id_]) for ns, id_ in sorted(ending, reverse=True)]

    @property
    def next_ns(self) -> int:
        """When the next one is; NEVER where there is none."""
        return self._waiting[-1][0] if self._waiting else NEVER

    def market(self, event: MarketEvent) -> None:
        """One market event, and before it everything that has ended by then."""
        if event.received_time_ns >= self.next_ns:
            self._tell(event.received_time_ns)
        self._driver.market(event)

    def _tell(self, now_ns: int) -> None:
        while self.next_ns <= now_ns:
            at_ns, instrument = self._waiting.pop()
            self._driver.pass_time(at_ns)
            gone = structs.replace(instrument, status=InstrumentStatus.DELISTED)
            self._driver.instrument_changed(
                InstrumentChanged(instrument=gone, venue_time_ns=at_ns, received_time_ns=at_ns)
            )
