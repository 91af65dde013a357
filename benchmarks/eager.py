"""A strategy that wants something on every so many quotes, so that the gate has work."""

from collections.abc import Sequence
from typing import ClassVar

from msgspec import Struct

from tradewinds.model.events import MarketEvent
from tradewinds.model.ids import StrategyId
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Quote, Side
from tradewinds.model.signal import EnterSignal, Signal
from tradewinds.ports import MarketView, Subscription


class EagerParams(Struct, frozen=True, kw_only=True):
    """One wish in `every` quotes."""

    every: int = 100


class Eager:
    """Buys with a stop two percent away, as often as it is told; most wishes are refused."""

    Params: ClassVar[type[Struct]] = EagerParams

    def __init__(self, params: EagerParams, instruments: Sequence[Instrument]) -> None:
        self.strategy_id = StrategyId("eager")
        self._every = params.every
        self._instruments = instruments
        self._seen = 0

    def subscriptions(self) -> Sequence[Subscription]:
        """Every quote."""
        return [Subscription(kind=Quote, instrument_id=i.id) for i in self._instruments]

    def on_event(self, event: MarketEvent, view: MarketView) -> Sequence[Signal]:
        """A wish now and then."""
        self._seen += 1
        if self._seen % self._every or not isinstance(event, Quote):
            return ()
        return (
            EnterSignal(
                strategy_id=self.strategy_id,
                instrument_id=event.instrument_id,
                side=Side.BUY,
                stop_price=event.bid * 0.98,
                confidence=0.55,
                reason="benchmark",
            ),
        )
