"""Spot and perpetuals of one venue as one venue: orders go where they belong, readings are merged.

The account has one balance per asset, the sum of both wallets: what lies in one of them cannot pay
in the other, so an order that needs it there is refused before it leaves.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Protocol, cast

from msgspec.structs import replace

from tradewinds.gateways.live_venue import LiveVenue
from tradewinds.gateways.sights import Sights
from tradewinds.model.checkpoint import Checkpoint
from tradewinds.model.commands import CancelOrder, SubmitOrder
from tradewinds.model.decimals import ZERO
from tradewinds.model.errors import VenueUnavailable
from tradewinds.model.events import (
    MarketEvent,
    VenueFeaturesTold,
    VenueReport,
    VenueStateRead,
    VenueTroubleChanged,
)
from tradewinds.model.ids import Asset, ClientOrderId, InstrumentId
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.order import Order

ATTEMPTS = 5
UNSURE_NS = 5_000_000_000


class OrderVenue(Protocol):
    """What whoever runs an engine at a venue needs of it: LiveVenue, or a JointVenue."""

    def submit(self, command: SubmitOrder) -> None:
        """Take it; it leaves as soon as the loop turns."""
        ...

    def cancel(self, command: CancelOrder) -> None:
        """Take it."""
        ...

    def stages(self, event: MarketEvent) -> Iterator[Sequence[VenueReport]]:
        """What has arrived, whatever the event."""
        ...

    def due(self, now_ns: int) -> Sequence[VenueReport]:
        """What has arrived."""
        ...

    def restore(self, checkpoint: Checkpoint) -> None:
        """Executions are read from the checkpoint's time on."""
        ...

    def update_instrument(self, instrument: Instrument) -> None:
        """Filters come from the venue, not to it."""
        ...

    async def connect(self) -> None:
        """Raises ConfigError for what the operator must change, VenueUnavailable."""
        ...

    async def run(self) -> None:
        """Until cancelled. Raises what is a bug of ours."""
        ...

    async def read_state(self, orders: Sequence[Order] = ()) -> VenueStateRead:
        """The venue's truth, now. Raises VenueUnavailable."""
        ...

    async def latest(self, since_ns: int) -> Sequence[ClientOrderId]:
        """Names of orders here since then, ended ones too, whoever placed them. Raises
        VenueUnavailable."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...

    def look(self, reason: str) -> None:
        """Read the state soon."""
        ...


class JointVenue:
    """Implements OrderVenue over parts with names. A part in trouble holds back new risk
    everywhere, and neither orders nor reports of the others."""

    def __init__(self, parts: Mapping[str, LiveVenue]) -> None:
        """By kind of instrument, which its troubles carry; no instrument is in two of them."""
        self.parts = dict(parts)
        self._home = {i: part for part in self.parts.values() for i in part.instruments}
        self._last: dict[str, VenueStateRead] = {}
        self._brackets: dict[str, tuple[InstrumentId, ...]] = {}
        self._sights = Sights()
        self._unsure_ns = -UNSURE_NS

    def submit(self, command: SubmitOrder) -> None:
        """To the part that trades its instrument, if the money there can pay for it."""
        part = self._home[command.order.instrument_id]
        reason = part.lacking(command.order)
        if reason:
            part.refuse(command, reason)
        else:
            part.submit(command)

    def cancel(self, command: CancelOrder) -> None:
        """Likewise."""
        self._home[command.instrument_id].cancel(command)

    def stages(self, event: MarketEvent) -> Iterator[Sequence[VenueReport]]:
        """What has arrived from anywhere."""
        told = self.due(0)
        return iter((told,) if told else ())

    def due(self, now_ns: int) -> Sequence[VenueReport]:
        """What has arrived, part by part."""
        told: list[object] = []
        for name, part in self.parts.items():
            told += (self._worded(name, report) for report in part.due(now_ns))
        return cast("Sequence[VenueReport]", told)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Each part is told of its own orders."""
        for part in self.parts.values():
            part.restore(replace(checkpoint, orders=self._own(part, checkpoint.orders)))

    def update_instrument(self, instrument: Instrument) -> None:
        """Filters come from the venue, not to it."""

    async def connect(self) -> None:
        """All of them, or none: what is half connected would hide half of the account."""
        await asyncio.gather(*(part.connect() for part in self.parts.values()))

    async def run(self) -> None:
        """All of them, until cancelled or until one of them has a bug."""
        tasks = [asyncio.create_task(part.run()) for part in self.parts.values()]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def read_state(self, orders: Sequence[Order] = ()) -> VenueStateRead:
        """Of all parts, each while the others stood still; until all are in, what one of them
        brought is told to nobody. Money that went from one wallet to the other meanwhile is seen
        when both are looked at again. Raises VenueUnavailable."""
        parts = self.parts.items()
        for _ in range(ATTEMPTS):
            found = {name: await part.read(self._own(part, orders)) for name, part in parts}
            sights = Sights()
            for name, reading in found.items():
                sights.note(name, reading.glance)
            for name, part in parts:
                sights.note(name, await part.reader.glance())
            if sights.at_once(found) and all(part.holds(found[name]) for name, part in parts):
                self._last = {name: part.tell(found[name]) for name, part in parts}
                self._sights = sights
                state = self._merged(_together(tuple(self._last.values())))
                return replace(state, free={k: v for name in found for k, v in self._free(name)})
        raise VenueUnavailable("the wallets never stood still while they were read")

    async def latest(self, since_ns: int) -> Sequence[ClientOrderId]:
        """Of all parts."""
        return [name for part in self.parts.values() for name in await part.latest(since_ns)]

    async def close(self) -> None:
        """Of all."""
        for part in self.parts.values():
            await part.close()

    def look(self, reason: str) -> None:
        """At all of them."""
        for part in self.parts.values():
            part.look(reason)

    def _own(self, part: LiveVenue, orders: Sequence[Order]) -> tuple[Order, ...]:
        return tuple(o for o in orders if o.approved.instrument_id in part.instruments)

    def _worded(self, name: str, report: object) -> object:
        match report:
            case VenueStateRead():
                return self._read(name, report)
            case VenueTroubleChanged():
                reason = f"{name}: {report.reason}" if report.reason else ""
                return replace(report, cause=f"{name}:{report.cause}", reason=reason)
            case VenueFeaturesTold():
                self._brackets[name] = report.brackets
                brackets = sorted(i for told in self._brackets.values() for i in told)
                return replace(report, brackets=tuple(brackets))
        return report

    def _read(self, name: str, reading: VenueStateRead) -> VenueStateRead:
        """One part's reading. It is the whole account's while what the others told still holds, and
        all that they hold was there at one moment; else its orders and fills are told now, and
        balances once all of them have been read."""
        self._last[name] = reading
        reading = replace(reading, free=dict(self._free(name)))
        glance = self.parts[name].reader.told
        assert glance is not None, "a reading is told with its wallet"
        self._sights.note(name, glance)
        moved = [other for other in self.parts if other != name and not self._holds(other)]
        if not moved and self._sights.at_once(self.parts):
            return self._merged(reading)
        for other in moved or self._unsure(reading.received_time_ns):
            self.parts[other].look(f"{name} was read")
        return replace(reading, balances={}, positions=(), whole=False)

    def _unsure(self, now_ns: int) -> list[str]:
        """Who must be looked at again, now and then: where much is traded, money moves always."""
        if now_ns - self._unsure_ns < UNSURE_NS:
            return []
        self._unsure_ns = now_ns
        return list(self.parts)

    def _free(self, name: str) -> Iterator[tuple[InstrumentKind, dict[Asset, Decimal]]]:
        glance = self.parts[name].reader.told
        if glance is not None:
            yield InstrumentKind(name), dict(glance.wallet.free)

    def _holds(self, name: str) -> bool:
        return name in self._last and self.parts[name].still

    def _merged(self, reading: VenueStateRead) -> VenueStateRead:
        balances: dict[Asset, Decimal] = {}
        for part in self._last.values():
            for asset, amount in part.balances.items():
                balances[asset] = balances.get(asset, ZERO) + amount
        positions = tuple(p for part in self._last.values() for p in part.positions)
        return replace(reading, balances=balances, positions=positions, whole=True)


def _together(readings: Sequence[VenueStateRead]) -> VenueStateRead:
    """Orders and executions of all, at the time of the last."""
    latest = max(readings, key=lambda state: state.received_time_ns)
    orders = tuple(order for reading in readings for order in reading.orders)
    return replace(
        latest, orders=orders, fills=tuple(fill for reading in readings for fill in reading.fills)
    )
