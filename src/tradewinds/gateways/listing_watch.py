"""Notices when a venue changes an instrument's filters, fees or status, or lists it no more."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from msgspec.structs import replace

from tradewinds.gateways.venue_rest import MarketRest
from tradewinds.model.errors import ConfigError, VenueUnavailable
from tradewinds.model.events import InstrumentChanged
from tradewinds.model.instrument import Instrument, InstrumentStatus

EVERY_S: Final = 300.0
log = logging.getLogger(__name__)


class ListingWatch:
    """Asks every few minutes. Who wants to know sets `on_change`."""

    def __init__(
        self,
        rest: MarketRest,
        instruments: Sequence[Instrument],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._rest = rest
        self._known = {instrument.id: instrument for instrument in instruments}
        self._sleep = sleep
        self._now_ns = now_ns
        self.on_change: Callable[[InstrumentChanged], None] | None = None

    async def run(self) -> None:
        """For ever."""
        while True:
            await self._sleep(EVERY_S)
            for change in await self.look():
                log.warning(
                    "instrument_changed instrument=%s status=%s",
                    change.instrument.id,
                    change.instrument.status,
                )
                if self.on_change is not None:
                    self.on_change(change)

    async def look(self) -> list[InstrumentChanged]:
        """What changed since the last look. One that is gone is halted, not forgotten."""
        try:
            listed = await self._rest.listing([i.symbol for i in self._known.values()])
        except VenueUnavailable as error:
            log.warning("listing_not_had error=%s", error)
            return []
        except ConfigError:
            # Not one of them is listed any more: each is gone.
            listed = ()
        now = {instrument.id: instrument for instrument in listed}
        changed = [
            now.get(id_) or replace(known, status=InstrumentStatus.HALTED)
            for id_, known in self._known.items()
            if now.get(id_) != known
        ]
        changed = [each for each in changed if each != self._known[each.id]]
        self._known.update((each.id, each) for each in changed)
        now_ns = self._now_ns()
        return [
            InstrumentChanged(instrument=each, venue_time_ns=now_ns, received_time_ns=now_ns)
            for each in changed
        ]
