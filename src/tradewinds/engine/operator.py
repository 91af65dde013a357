"""The operator's words and the world's: pause, resume, switches, mandates, the store's health."""

from msgspec import structs

from tradewinds.engine.closer import Closer
from tradewinds.engine.floor import Floor
from tradewinds.model.commands import StrategyStateChanged
from tradewinds.model.events import (
    MandateIssued,
    PauseTrading,
    ResumeTrading,
    StoreHealthChanged,
    StrategySwitched,
)
from tradewinds.model.ids import InstrumentId
from tradewinds.model.instrument import InstrumentStatus
from tradewinds.model.portfolio import TradingState


class Operator:
    """Changes of state that come from outside the market."""

    def __init__(self, floor: Floor, closer: Closer) -> None:
        self._floor = floor
        self._closer = closer

    def pause(self, event: PauseTrading) -> None:
        """No new risk until resumed."""
        reason = f"paused: {event.reason}"
        if self._floor.breaker.raise_cause("pause", TradingState.REDUCING, reason):
            self._closer.tell_state()

    def resume(self, event: ResumeTrading) -> None:
        """Lift what the operator may lift."""
        equity = self._floor.portfolio.equity()
        if equity is None:
            self._floor.out.anomaly("resume_refused", InstrumentId(""), "equity cannot be told")
            return
        self._floor.breaker.resume(equity)
        self._closer.tell_state()

    def switch(self, event: StrategySwitched) -> None:
        """A strategy on or off. Its open round trips keep their stops."""
        floor = self._floor
        if event.enabled:
            floor.disabled.discard(event.strategy_id)
        else:
            floor.disabled.add(event.strategy_id)
        floor.out.put(
            StrategyStateChanged(
                strategy_id=event.strategy_id,
                enabled=event.enabled,
                reason="operator",
                time_ns=floor.out.now_ns,
                cause=floor.out.cause,
            )
        )

    def mandate(self, event: MandateIssued) -> None:
        """Take up a mandate; it is clamped where it is used."""
        self._floor.mandate = event.mandate

    def store_health(self, event: StoreHealthChanged) -> None:
        """Without a journal nothing new is risked; closing goes on."""
        breaker = self._floor.breaker
        if event.healthy:
            changed = breaker.clear_cause("store")
        else:
            reason = f"journal not writable: {event.reason}"
            changed = breaker.raise_cause("store", TradingState.REDUCING, reason)
        if changed:
            self._closer.tell_state()

    def distrust(self, instrument_id: InstrumentId, reason: str) -> None:
        """An instrument whose data is bad again and again is only closed, not opened."""
        slot = self._floor.board.slots[instrument_id]
        slot.instrument = structs.replace(slot.instrument, status=InstrumentStatus.CLOSE_ONLY)
        self._floor.out.anomaly("instrument_distrusted", instrument_id, reason)
