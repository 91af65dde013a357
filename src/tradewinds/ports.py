"""Every seam as a Protocol: what one part may ask of another, and nothing more."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import ClassVar, Protocol, runtime_checkable

from msgspec import Struct

from tradewinds.model.checkpoint import Checkpoint
from tradewinds.model.commands import CancelOrder, Command, SubmitOrder
from tradewinds.model.events import (
    Event,
    InstrumentChanged,
    MarketEvent,
    VenueReport,
    VenueStateRead,
    VenueTroubleChanged,
)
from tradewinds.model.ids import InstrumentId, StrategyId
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Bar, Quote
from tradewinds.model.portfolio import Trade
from tradewinds.model.signal import Signal


class MarketView(Protocol):
    """What a strategy may see: read-only, as of the event in hand."""

    @property
    def now_ns(self) -> int:
        """Received time of the event in hand."""
        ...

    def quote(self, instrument_id: InstrumentId) -> Quote | None:
        """The last valid quote. With bar data only, a quote of zero width and size at the close."""
        ...

    def mid(self, instrument_id: InstrumentId) -> float | None:
        """The last price to value by: quote mid, else bar close, else None."""
        ...

    def open_trades(self, strategy_id: StrategyId) -> Sequence[Trade]:
        """Round trips of this strategy that are not closed."""
        ...


class Subscription(Struct, frozen=True, kw_only=True):
    """Event type (a class of model.market) of one instrument that a strategy wants to see.

    For bars `timeframe_ns` chooses one timeframe; 0 means every timeframe that arrives.
    """

    kind: type
    instrument_id: InstrumentId
    timeframe_ns: int = 0


class Strategy(Protocol):
    """Events in, Signals out. Touches nothing, keeps its own state, reads no clock.

    A class offered under the entry point group `tradewinds.strategies` is constructed as
    `Class(strategy_id, params, instruments)` with an instance of its `Params`.
    """

    Params: ClassVar[type[Struct]]
    strategy_id: StrategyId

    def subscriptions(self) -> Sequence[Subscription]:
        """What to be called with. Asked once, after construction."""
        ...

    def on_event(self, event: MarketEvent, view: MarketView) -> Sequence[Signal]:
        """Called for each subscribed event, after the view has taken it in."""
        ...


@runtime_checkable
class Warmable(Protocol):
    """A strategy that can learn from the past before the first event."""

    def warm(self, history: "BarHistory") -> None:
        """Take in past bars per instrument, oldest first; no signal follows."""
        ...


VenueNews = VenueReport | VenueStateRead | VenueTroubleChanged | InstrumentChanged
"""What a venue may tell: reports of orders, and of itself when it is a real one."""


class Venue(Protocol):
    """Where orders go. Reports come back as events, never as return values."""

    def submit(self, command: SubmitOrder) -> None:
        """Take an order. Outcome follows as events."""
        ...

    def cancel(self, command: CancelOrder) -> None:
        """Cancel an order. Outcome follows as events."""
        ...


class DrivenVenue(Venue, Protocol):
    """A venue as the driver knows it, simulated or real: it is shown every market event first, and
    never makes anybody wait."""

    def stages(self, event: MarketEvent) -> Iterable[Sequence[VenueNews]]:
        """What is told before `event`, in one or more stages; commands sent between stages count
        at once. A real venue hands over what has arrived.

        Simulated, a bar has several: its open, its stops, its limits and targets, the stops of
        what was just opened. The iterator must be run to its end.
        """
        ...

    def due(self, now_ns: int) -> Sequence[VenueNews]:
        """What has become due by `now_ns`, or has arrived, without a market event."""
        ...

    def update_instrument(self, instrument: Instrument) -> None:
        """New filters, fees or status."""
        ...

    def restore(self, checkpoint: Checkpoint) -> None:
        """Take up balances, positions and resting orders where an earlier run left them."""
        ...


class QuietMarket(Protocol):
    """One instrument at a simulated venue, as a loop over bars sees it: a bar of `timeframe_ns`
    after `printed_ns` that touches none of the four prices, while nothing is `showing`, does
    nothing there but become `last` and `bar_received_ns`."""

    timeframe_ns: int
    printed_ns: int
    ask_below: float
    bid_above: float
    bid_floor: float
    ask_ceiling: float
    last: float
    bar_received_ns: int

    @property
    def showing(self) -> object: ...


@runtime_checkable
class QuietVenue(DrivenVenue, Protocol):
    """A venue of which it can be known beforehand that a bar changes nothing there."""

    @property
    def quiet_markets(self) -> Mapping[InstrumentId, QuietMarket]:
        """All markets, as they change."""
        ...

    @property
    def next_due_ns(self) -> int:
        """When the next command or report is due that is on its way."""
        ...


class Feed(Protocol):
    """Market data in time order, in batches as they come from a socket read or a file."""

    @property
    def instruments(self) -> Sequence[Instrument]:
        """What will be fed. Known before the first event."""
        ...

    @property
    def label(self) -> str:
        """What the pages call it: `LIVE binance`, `REPLAY path`, `SYNTHETIC seed 7`."""
        ...

    def batches(self) -> AsyncIterator[Sequence[MarketEvent]]:
        """Batches until the data ends or the task is cancelled."""
        ...


class Clock(Protocol):
    """The edge's clock. The core never sees it."""

    def now_ns(self) -> int:
        """Nanoseconds since the epoch, UTC."""
        ...


class Journal(Protocol):
    """Written first, replayable, hash-chained."""

    def append_event(self, event: Event) -> int:
        """Buffer an input; returns its sequence number, starting at 1."""
        ...

    def append_commands(self, commands: Sequence[Command]) -> None:
        """Buffer what the engine answered to the last input."""
        ...

    def flush(self, checkpoint: Checkpoint | None) -> None:
        """Make all that is buffered durable, atomically. Raises StoreUnavailable."""
        ...


class Outlet(Protocol):
    """Where the engine process speaks; never waits for a listener."""

    def publish_now(self, topic: str, payload: bytes) -> None:
        """To every subscriber now listening; a slow one loses messages."""
        ...


class Bus(Protocol):
    """Small messages between our processes. Losing one must never matter."""

    async def publish(self, topic: str, payload: bytes) -> None:
        """To every subscriber now listening."""
        ...

    def subscribe(self, topics: Sequence[str]) -> AsyncIterator[tuple[str, bytes]]:
        """Messages from now on, until the iterator is closed or the other side is gone."""
        ...

    async def request(self, verb: str, payload: bytes, timeout_s: float) -> bytes:
        """Ask the engine. Raises VenueUnavailable-like BusUnavailable when nobody answers."""
        ...


Prices = Mapping[InstrumentId, float]
BarHistory = Mapping[InstrumentId, Sequence[Bar]]
