"""Buys after some falling closes in a row. Shows how a strategy is written; expect it to lose."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from tradewinds.model.events import MarketEvent
from tradewinds.model.ids import InstrumentId, StrategyId
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Bar, Side
from tradewinds.model.signal import EnterSignal, Signal
from tradewinds.ports import MarketView, Subscription

HOUR_NS = 3_600_000_000_000


class DipParams(Struct, frozen=True, kw_only=True):
    """Ranges are checked before the engine starts, and shown by `trading-cli strategies`."""

    falls: Annotated[int, Meta(ge=1, le=20)] = 3
    stop_percent: Annotated[float, Meta(gt=0, le=50)] = 3.0
    target_percent: Annotated[float, Meta(gt=0, le=50)] = 3.0


class Dip:
    """One trade per instrument, with a stop and a target."""

    Params: ClassVar[type[Struct]] = DipParams

    def __init__(
        self, strategy_id: StrategyId, params: DipParams, instruments: Sequence[Instrument]
    ) -> None:
        self.strategy_id = strategy_id
        self._params = params
        self._ids = [each.id for each in instruments]
        self._falls: dict[InstrumentId, int] = {}
        self._last: dict[InstrumentId, float] = {}

    def subscriptions(self) -> Sequence[Subscription]:
        """Hourly bars of everything."""
        return [
            Subscription(kind=Bar, instrument_id=each, timeframe_ns=HOUR_NS) for each in self._ids
        ]

    def on_event(self, event: MarketEvent, view: MarketView) -> Sequence[Signal]:
        """State may only come from events: no clock, no files, no network, no dice."""
        if not isinstance(event, Bar):
            return ()
        instrument_id, close = event.instrument_id, event.close
        fell = close < self._last.get(instrument_id, close)
        self._last[instrument_id] = close
        self._falls[instrument_id] = self._falls.get(instrument_id, 0) + 1 if fell else 0
        held = {trade.instrument_id for trade in view.open_trades(self.strategy_id)}
        if self._falls[instrument_id] < self._params.falls or instrument_id in held:
            return ()
        return [
            EnterSignal(
                strategy_id=self.strategy_id,
                instrument_id=instrument_id,
                side=Side.BUY,
                stop_price=close * (1 - self._params.stop_percent / 100),
                target_price=close * (1 + self._params.target_percent / 100),
                confidence=0.51,
                reason=f"{self._falls[instrument_id]} falling closes in a row",
            )
        ]
