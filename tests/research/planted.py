"""Strategies that deserve to be caught: one that knows the future, one that is only lucky."""

import hashlib
import statistics
from collections import deque
from collections.abc import Sequence
from typing import Annotated, ClassVar

import pyarrow.parquet as pq
from msgspec import Meta, Struct

from tradewinds.model.events import MarketEvent
from tradewinds.model.ids import InstrumentId, StrategyId
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Bar, Side
from tradewinds.model.signal import EnterSignal, ExitSignal, Signal
from tradewinds.ports import BarHistory, MarketView, Subscription

HOUR_NS = 3_600_000_000_000


class _Hourly:
    """Holds what it bought for some bars; a subclass says when to buy. Tests may inherit."""

    Params: ClassVar[type[Struct]]
    hold_bars = 6
    stop = 0.95

    def __init__(
        self, strategy_id: StrategyId, params: Struct, instruments: Sequence[Instrument]
    ) -> None:
        self.strategy_id = strategy_id
        self.params = params
        self.ids = [each.id for each in instruments]

    def subscriptions(self) -> Sequence[Subscription]:
        return [Subscription(kind=Bar, instrument_id=each) for each in self.ids]

    def wants(self, bar: Bar) -> bool:
        raise NotImplementedError

    def on_event(self, event: MarketEvent, view: MarketView) -> Sequence[Signal]:
        assert isinstance(event, Bar)
        held = [
            trade
            for trade in view.open_trades(self.strategy_id)
            if trade.instrument_id == event.instrument_id
        ]
        if held:
            old = view.now_ns - held[0].opened_time_ns >= self.hold_bars * HOUR_NS
            leave = ExitSignal(
                strategy_id=self.strategy_id, trade_id=held[0].trade_id, reason="time"
            )
            return [leave] if old else []
        if not self.wants(event):
            return []
        return [
            EnterSignal(
                strategy_id=self.strategy_id,
                instrument_id=event.instrument_id,
                side=Side.BUY,
                stop_price=event.close * self.stop,
                confidence=0.6,
                reason="because",
            )
        ]


class KeepingParams(Struct, frozen=True, kw_only=True):
    """Nothing to set."""


class Keeping(_Hourly):
    """Buys whatever it does not hold, and keeps it."""

    Params = KeepingParams
    hold_bars = 1_000_000
    stop = 0.85

    def wants(self, bar: Bar) -> bool:
        return True


class Leaving(Keeping):
    """Wants to leave what it bought with the first bar at the close of the fiftieth."""

    hold_bars = 49


class PeekingParams(Struct, frozen=True, kw_only=True):
    """Where the future is written down."""

    path: str


class Peeking(_Hourly):
    """Reads the whole recording beforehand and buys where the next hours will rise."""

    Params = PeekingParams

    def __init__(
        self, strategy_id: StrategyId, params: PeekingParams, instruments: Sequence[Instrument]
    ) -> None:
        super().__init__(strategy_id, params, instruments)
        rows = pq.read_table(params.path).to_pydict()
        self.future = {
            round(ts.timestamp()) * 1_000_000_000: close
            for ts, close in zip(rows["ts"], rows["close"], strict=True)
        }

    def wants(self, bar: Bar) -> bool:
        later = self.future.get(bar.open_time_ns + self.hold_bars * HOUR_NS, 0.0)
        return bool(later > bar.close * 1.01)


class NoParams(Struct, frozen=True, kw_only=True):
    """None."""


class Fitted(_Hourly):
    """Measures by the mean of whatever it was warmed up with: harmless, unless that is tomorrow."""

    Params = NoParams
    hold_bars = 3

    def warm(self, history: BarHistory) -> None:
        closes = [bar.close for bars in history.values() for bar in bars]
        self.normal = statistics.fmean(closes) if closes else 0.0

    def wants(self, bar: Bar) -> bool:
        return bar.close < self.normal * 0.98


class Writing(_Hourly):
    """Opens a file while it is asked."""

    Params = NoParams

    def wants(self, bar: Bar) -> bool:
        with open("/dev/null", encoding="utf-8") as file:  # noqa: PTH123
            return bool(file.read())


class WavyParams(Struct, frozen=True, kw_only=True):
    """Buys above the highest close of `look` bars of `timeframe_hours`; stop in percent."""

    look: Annotated[int, Meta(ge=2, le=200)] = 12
    stop: Annotated[float, Meta(gt=0, le=50)] = 3.0
    hold: Annotated[int, Meta(ge=1, le=1000)] = 24
    timeframe_hours: Annotated[int, Meta(ge=1, le=24)] = 1

    def __post_init__(self) -> None:
        if self.hold <= self.stop:
            raise ValueError("hold must be above stop")


class Wavy:
    """Honest and simple. Warms up; several tests trade it."""

    Params: ClassVar[type[Struct]] = WavyParams
    SEARCH: ClassVar[dict[str, tuple[float, float]]] = {"look": (4, 48), "hold": (6, 72)}

    def __init__(
        self, strategy_id: StrategyId, params: WavyParams, instruments: Sequence[Instrument]
    ) -> None:
        self.strategy_id = strategy_id
        self.params = params
        self.closes: dict[str, deque[float]] = {
            each.id: deque(maxlen=params.look) for each in instruments
        }

    def subscriptions(self) -> Sequence[Subscription]:
        length = self.params.timeframe_hours * HOUR_NS
        return [
            Subscription(kind=Bar, instrument_id=InstrumentId(each), timeframe_ns=length)
            for each in self.closes
        ]

    def warm(self, history: BarHistory) -> None:
        for id_, bars in history.items():
            for bar in bars:
                if bar.timeframe_ns == self.params.timeframe_hours * HOUR_NS:
                    self.closes[id_].append(bar.close)

    def on_event(self, event: MarketEvent, view: MarketView) -> Sequence[Signal]:
        assert isinstance(event, Bar)
        closes = self.closes[event.instrument_id]
        rising = len(closes) == self.params.look and event.close > max(closes)
        closes.append(event.close)
        held = [
            trade
            for trade in view.open_trades(self.strategy_id)
            if trade.instrument_id == event.instrument_id
        ]
        if held:
            old = view.now_ns - held[0].opened_time_ns >= self.params.hold * HOUR_NS
            leave = ExitSignal(
                strategy_id=self.strategy_id, trade_id=held[0].trade_id, reason="time"
            )
            return [leave] if old else []
        if not rising:
            return []
        return [
            EnterSignal(
                strategy_id=self.strategy_id,
                instrument_id=event.instrument_id,
                side=Side.BUY,
                stop_price=event.close * (1 - self.params.stop / 100),
                confidence=0.55,
                reason=f"above {self.params.look} bars",
            )
        ]


class LuckyParams(Struct, frozen=True, kw_only=True):
    """The draw."""

    ticket: Annotated[int, Meta(ge=0, le=1_000_000)] = 0


class Lucky(_Hourly):
    """Buys when a number drawn from the hour says so. It knows nothing at all."""

    Params = LuckyParams
    SEARCH: ClassVar[dict[str, tuple[float, float]]] = {"ticket": (1, 1_000_000)}
    hold_bars = 5

    def wants(self, bar: Bar) -> bool:
        assert isinstance(self.params, LuckyParams)
        text = f"{self.params.ticket}:{bar.instrument_id}:{bar.open_time_ns}"
        return hashlib.sha256(text.encode()).digest()[0] < 26
