"""The moving-average cross that every system of the backtest row runs, as one of our strategies."""

from collections.abc import Sequence
from typing import ClassVar

from msgspec import Struct

from tradewinds.features.indicators import Ema
from tradewinds.features.kernels.contract import Rules
from tradewinds.model.events import MarketEvent
from tradewinds.model.ids import InstrumentId, StrategyId
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Bar, Side
from tradewinds.model.portfolio import TradePhase
from tradewinds.model.signal import EnterSignal, ExitSignal, Signal
from tradewinds.ports import MarketView, Subscription

FAST, SLOW = 20, 50
STOP_ATR = 15.0
STOP = 0.9
"""Our gate asks for a stop; so far away that the cross decides, as it does in the other systems."""


class EmaCrossParams(Struct, frozen=True, kw_only=True):
    """Lengths in bars."""

    fast: int = FAST
    slow: int = SLOW


class EmaCross:
    """Long while the fast average is above the slow one, flat otherwise."""

    Params: ClassVar[type[Struct]] = EmaCrossParams

    @staticmethod
    def sweep_rules(params: EmaCrossParams, instrument: Instrument) -> Rules | None:
        """The cross as a sweep knows it; its far stop is told in average ranges, not in percent."""
        return Rules(fast=params.fast, slow=params.slow, stop_atr=STOP_ATR)

    def __init__(
        self, strategy_id: StrategyId, params: EmaCrossParams, instruments: Sequence[Instrument]
    ) -> None:
        self.strategy_id = strategy_id
        self._instruments = instruments
        self._averages: dict[InstrumentId, tuple[Ema, Ema]] = {
            i.id: (Ema(params.fast), Ema(params.slow)) for i in instruments
        }
        self._above: dict[InstrumentId, bool | None] = dict.fromkeys(self._averages)

    def subscriptions(self) -> Sequence[Subscription]:
        """Every bar."""
        return [Subscription(kind=Bar, instrument_id=i.id) for i in self._instruments]

    def on_event(self, event: MarketEvent, view: MarketView) -> Sequence[Signal]:
        """Enter on the cross upwards, leave on the cross downwards."""
        assert isinstance(event, Bar)
        id_ = event.instrument_id
        averages = self._averages[id_]
        fast, slow = averages[0].update(event.close), averages[1].update(event.close)
        if fast is None or slow is None:
            return ()
        above, before = fast > slow, self._above[id_]
        self._above[id_] = above
        if before is None or above is before:
            return ()
        return (self._enter(event),) if above else self._leave(id_, view)

    def _enter(self, bar: Bar) -> EnterSignal:
        return EnterSignal(
            strategy_id=self.strategy_id,
            instrument_id=bar.instrument_id,
            side=Side.BUY,
            stop_price=bar.close * STOP,
            confidence=0.55,
            reason="cross",
        )

    def _leave(self, id_: InstrumentId, view: MarketView) -> Sequence[Signal]:
        return [
            ExitSignal(strategy_id=self.strategy_id, trade_id=trade.trade_id, reason="cross")
            for trade in view.open_trades(self.strategy_id)
            if trade.instrument_id == id_ and trade.phase is not TradePhase.CLOSING
        ]
