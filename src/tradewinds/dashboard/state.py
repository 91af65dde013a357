"""What the dashboard knows now: the last snapshot, the last lines, and how old they are."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from tradewinds.dashboard.curve import POINTS_MAX, Curve
from tradewinds.dashboard.formats import places_of
from tradewinds.dashboard.history import History
from tradewinds.model.errors import TradewindsError
from tradewinds.model.ids import InstrumentId
from tradewinds.model.snapshot import TOPIC_ACTIVITY, TOPIC_SNAPSHOT, Activity, Snapshot
from tradewinds.ports import Bus

log = logging.getLogger(__name__)

LINES_MAX = 2000
RETRY_S = 0.5
STATUS_TIMEOUT_S = 1.0


class LiveState:
    """Fed by the bus, read by every page. `clock` gives seconds that never go back.

    `version` grows with every message; activity lines are numbered from 1 for this process.
    """

    def __init__(self, bus: Bus, clock: Callable[[], float], silent_s: float) -> None:
        self.snapshot: Snapshot | None = None
        self.version = 0
        self.curve = Curve()
        self.lines: deque[tuple[int, Activity]] = deque(maxlen=LINES_MAX)
        self.lines_total = 0
        self.malformed = 0
        self._bus = bus
        self._clock = clock
        self._silent_s = silent_s
        self._heard_s = clock()
        self._places: dict[InstrumentId, int] = {}
        self._snapshots = msgspec.msgpack.Decoder(Snapshot)
        self._activities = msgspec.msgpack.Decoder(list[Activity] | Activity)

    async def run(self) -> None:
        """Listen until cancelled; reconnects when the other side goes away."""
        while True:
            await self._ask_status()
            try:
                async for topic, payload in self._bus.subscribe([TOPIC_SNAPSHOT, TOPIC_ACTIVITY]):
                    self.take(topic, payload)
            except (TradewindsError, OSError) as error:
                log.info("bus_lost", extra={"reason": str(error)})
            await asyncio.sleep(RETRY_S)

    async def load(self, history: History) -> None:
        """Yesterday's line and the last activity, so that a restart shows no empty page."""
        try:
            curve = await asyncio.to_thread(history.equity_curve, POINTS_MAX)
            activity = await asyncio.to_thread(history.recent_activity, 500)
        except TradewindsError as error:
            log.warning("history_unavailable", extra={"reason": str(error)})
            return
        for time_ns, equity in curve:
            self.curve.add(time_ns, float(equity))
        self._append(activity)

    def take(self, topic: str, payload: bytes) -> None:
        """One message of the bus. One that does not decode is counted and dropped."""
        try:
            if topic == TOPIC_SNAPSHOT:
                self._show(self._snapshots.decode(payload))
            elif topic == TOPIC_ACTIVITY:
                decoded = self._activities.decode(payload)
                self._append([decoded] if isinstance(decoded, Activity) else decoded)
        except msgspec.DecodeError as error:
            self.malformed += 1
            log.warning("message_malformed", extra={"topic": topic, "reason": str(error)})

    @property
    def silent_for_s(self) -> float:
        """Seconds since the engine was last heard."""
        return self._clock() - self._heard_s

    @property
    def connected(self) -> bool:
        """Whether what is shown may be called live."""
        return self.snapshot is not None and self.silent_for_s <= self._silent_s

    @property
    def starting(self) -> bool:
        """Never heard yet, and not for long: no reason to alarm."""
        return self.snapshot is None and self.silent_for_s <= 4 * self._silent_s

    def places(self, instrument: InstrumentId) -> int:
        """Decimals to print this instrument's prices with: the finest quoted so far."""
        return self._places.get(instrument, 2)

    def lines_after(self, sequence: int, limit: int) -> list[tuple[int, Activity]]:
        """Numbered lines newer than `sequence`, oldest first, at most `limit` of the newest."""
        missing = min(self.lines_total - sequence, len(self.lines), limit)
        if missing <= 0:
            return []
        return list(self.lines)[-missing:]

    async def _ask_status(self) -> None:
        with contextlib.suppress(TradewindsError, OSError, TimeoutError):
            payload = await self._bus.request("status", b"", STATUS_TIMEOUT_S)
            self.take(TOPIC_SNAPSHOT, payload)

    def _show(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._heard_s = self._clock()
        self.version += 1
        self.curve.add(snapshot.time_ns, float(snapshot.equity))
        for row in snapshot.prices:
            finest = max(places_of(row.bid), places_of(row.ask))
            self._places[row.instrument_id] = max(finest, self._places.get(row.instrument_id, 0))

    def _append(self, activity: Sequence[Activity]) -> None:
        for line in activity:
            self.lines_total += 1
            self.lines.append((self.lines_total, line))
        self.version += 1
