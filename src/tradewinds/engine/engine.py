"""The flow: one event in, commands out. Synchronous, deterministic, no I/O."""

from collections.abc import Callable, Sequence
from typing import Any

from tradewinds.engine.board import Slot
from tradewinds.engine.closer import Closer
from tradewinds.engine.desk import ENTRY_TIMER, Desk
from tradewinds.engine.floor import Floor
from tradewinds.engine.operator import Operator
from tradewinds.engine.quiet import Quiet
from tradewinds.engine.reconcile import Reconciler
from tradewinds.engine.reports import Reports
from tradewinds.engine.settings import EngineSettings
from tradewinds.engine.upkeep import Upkeep
from tradewinds.engine.view import View
from tradewinds.model import events as ev
from tradewinds.model.checkpoint import Checkpoint
from tradewinds.model.commands import Command
from tradewinds.model.ids import ClientOrderId, InstrumentId
from tradewinds.model.instrument import InstrumentStatus
from tradewinds.model.market import Bar, BookDelta, FundingRate, MarkPrice, Quote, TradePrint
from tradewinds.model.signal import Signal
from tradewinds.ports import QuietVenue, Strategy, Warmable

BAD_INPUT_MAX = 1_000
"""Dropped events of one instrument and kind after which nothing new is risked on it."""
WATCHER_LISTS: dict[type, str] = {
    Quote: "quote_watchers",
    TradePrint: "print_watchers",
    BookDelta: "book_watchers",
    FundingRate: "funding_watchers",
}


class Engine:
    """`step(event) -> commands`. The same object in backtest, paper and live."""

    def __init__(self, settings: EngineSettings, strategies: Sequence[Strategy]) -> None:
        self.floor = Floor(settings)
        self.closer = Closer(self.floor)
        self.desk = Desk(self.floor, self.closer)
        self.strategies = tuple(strategies)
        self._reports = Reports(self.floor, self.closer)
        self._operator = Operator(self.floor, self.closer)
        self._upkeep = Upkeep(self.floor, self.closer)
        self._reconciler = Reconciler(self.floor, self.closer, self._reports)
        self._view = View(self.floor)
        self._out = self.floor.out
        self._breaker = self.floor.breaker
        self._revalue = self._upkeep.revalue
        self._slots = self.floor.board.slots
        self._take = self.floor.board.take
        self._take_quote = self.floor.board.take_quote
        self._take_bar = self.floor.board.take_bar
        order = self._reports.order_report
        self._routes: dict[type, Callable[[Any], None]] = {
            Quote: self._quote,
            Bar: self._bar,
            TradePrint: self._market,
            BookDelta: self._market,
            MarkPrice: self._market,
            FundingRate: self._market,
            ev.OrderAccepted: order,
            ev.OrderRejected: order,
            ev.OrderCanceled: order,
            ev.OrderExpired: order,
            ev.CancelRejected: order,
            ev.OrderOutcomeUnknown: order,
            ev.OrderFilled: self._reports.filled,
            ev.FundingPaid: self._reports.funding,
            ev.TimerFired: self._timer,
            ev.RunStarted: self._started,
            ev.HistoryLoaded: self._history,
            ev.InstrumentChanged: self._instrument_changed,
            ev.EmergencyStop: self.closer.emergency,
            ev.ResumeTrading: self._operator.resume,
            ev.PauseTrading: self._operator.pause,
            ev.StrategySwitched: self._operator.switch,
            ev.MandateIssued: self._operator.mandate,
            ev.StoreHealthChanged: self._operator.store_health,
            ev.VenueStateRead: self._state_read,
            ev.VenueTroubleChanged: self._reconciler.trouble,
            ev.VenueFeaturesTold: self._features,
        }

    def step(self, event: ev.Event) -> Sequence[Command]:
        """What follows from one event. Deterministic in the events so far and the settings."""
        out = self._out
        out.cause += 1
        received = event.received_time_ns
        if received > out.now_ns:
            out.now_ns = received
            if received >= self._breaker.day_end_ns:
                self._upkeep.roll_day()
        self._routes[type(event)](event)
        if not out.commands:
            return ()
        commands = out.commands
        out.commands = []
        return commands

    def quiet(self, venue: QuietVenue) -> Quiet:
        """The short way of bars past this venue."""
        return Quiet(self.floor, self._view, self._revalue, self._wished, venue)

    def checkpoint(self) -> Checkpoint:
        """The durable state, for a restart."""
        return self._upkeep.checkpoint()

    def _quote(self, quote: Quote) -> None:
        """Judged, taken in, valued, shown to those who asked for it."""
        slot = self._slots.get(quote.instrument_id)
        if slot is None:
            self._unknown(quote)
            return
        before = slot.mid
        reason = self._take_quote(slot, quote)
        if reason is not None:
            self._dropped(slot, quote, reason)
            return
        if slot.value_quantity:
            self._revalue(slot.value_quantity * (slot.mid - before))
        for strategy in slot.quote_watchers:
            for signal in strategy.on_event(quote, self._view):
                self._wished(strategy, signal)

    def _bar(self, bar: Bar) -> None:
        """As with a quote; shown to those who want its length."""
        slot = self._slots.get(bar.instrument_id)
        if slot is None:
            self._unknown(bar)
            return
        before = slot.mid
        reason = self._take_bar(slot, bar)
        if reason is not None:
            self._dropped(slot, bar, reason)
            return
        if slot.value_quantity:
            self._revalue(slot.value_quantity * (slot.mid - before))
        timeframe_ns = bar.timeframe_ns
        for wanted_ns, strategy in slot.bar_watchers:
            if not wanted_ns or wanted_ns == timeframe_ns:
                for signal in strategy.on_event(bar, self._view):
                    self._wished(strategy, signal)

    def _market(self, event: ev.MarketEvent) -> None:
        """Other market data; it moves no price that we value by."""
        slot = self._slots.get(event.instrument_id)
        if slot is None:
            self._unknown(event)
            return
        reason = self._take(slot, event)
        if reason is not None:
            self._dropped(slot, event, reason)
            return
        watchers = WATCHER_LISTS.get(type(event))
        if watchers is not None:
            for strategy in getattr(slot, watchers):
                for signal in strategy.on_event(event, self._view):
                    self._wished(strategy, signal)

    def _unknown(self, event: ev.MarketEvent) -> None:
        self._out.anomaly("unknown_instrument", event.instrument_id, type(event).__name__)

    def _wished(self, strategy: Strategy, signal: Signal) -> None:
        """A strategy speaks for itself alone: nobody else's budget, trades or switch."""
        if signal.strategy_id == strategy.strategy_id:
            self.desk.take(signal)
        else:
            who = f"{strategy.strategy_id} speaks for {signal.strategy_id}"
            self._out.anomaly("foreign_signal", InstrumentId(""), who)

    def _dropped(self, slot: Slot, event: ev.MarketEvent, reason: str) -> None:
        repeated = reason == "duplicate"
        kind = f"{'repeated' if repeated else 'bad'}_{type(event).__name__.lower()}"
        count = self._out.anomaly(kind, slot.instrument.id, reason)
        if count == BAD_INPUT_MAX and not repeated:
            self._operator.distrust(slot.instrument.id, f"{count} bad events, last: {reason}")

    def _timer(self, event: ev.TimerFired) -> None:
        if event.timer_id.startswith(ENTRY_TIMER):
            self.floor.cancel(ClientOrderId(event.timer_id.removeprefix(ENTRY_TIMER)))
        else:
            self._upkeep.beat()
            self.floor.selection.beat()

    def _started(self, event: ev.RunStarted) -> None:
        self.floor.run_id = event.run_id
        self.floor.board.list_instruments(event.instruments)
        self._subscribe()
        self._reconciler.start(event)
        self._upkeep.start(event)
        self._select(event)

    def _select(self, event: ev.RunStarted) -> None:
        saved = None if event.checkpoint is None else event.checkpoint.selection
        if self.floor.settings.selector:
            names = [strategy.strategy_id for strategy in self.strategies]
            self.floor.selection.start(event.run_id, names, saved)

    def _history(self, event: ev.HistoryLoaded) -> None:
        history: dict[InstrumentId, list[Bar]] = {}
        for bar in event.bars:
            history.setdefault(bar.instrument_id, []).append(bar)
        for strategy in self.strategies:
            if isinstance(strategy, Warmable):
                strategy.warm(history)

    def _instrument_changed(self, event: ev.InstrumentChanged) -> None:
        instrument = event.instrument
        self.floor.board.list_instruments((instrument,))
        held = [t for t in self.floor.portfolio.trades.values() if t.instrument_id == instrument.id]
        if held and instrument.status is not InstrumentStatus.TRADING:
            # Its stop stands where it stood; whether to leave, and when, is for who entered.
            kind = f"instrument_{instrument.status.value}"
            self._out.anomaly(kind, instrument.id, "while a position is open", always=True)
        if instrument.status is InstrumentStatus.DELISTED:
            for trade in held:
                self.closer.leave_delisted(trade.trade_id)
            self.floor.selection.twin.delisted(instrument.id)

    def _state_read(self, event: ev.VenueStateRead) -> None:
        self._reconciler.take(event)
        self._upkeep.begin()

    def _features(self, event: ev.VenueFeaturesTold) -> None:
        self.floor.brackets = frozenset(event.brackets)

    def _subscribe(self) -> None:
        """Each slot knows who watches it; what nobody watches costs nothing."""
        for strategy in self.strategies:
            for wish in strategy.subscriptions():
                slot = self._slots.get(wish.instrument_id)
                if slot is None:
                    continue
                if wish.kind is Bar:
                    slot.bar_watchers.append((wish.timeframe_ns, strategy))
                elif wish.kind in WATCHER_LISTS:
                    getattr(slot, WATCHER_LISTS[wish.kind]).append(strategy)
